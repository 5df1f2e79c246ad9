"""Groups: rooms for several people, which are no direct chats and say so."""

from __future__ import annotations

from collections.abc import Sequence

from dmtui.core.intents import CreateGroup, Entry, Outcome
from dmtui.core.model import RoomId, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.clock import Clock
from dmtui.messenger.journal import Settlement
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.once import Made, Once, leave_for_good
from dmtui.messenger.rooms import why_not


class GroupMaker:
    """Carries out :class:`CreateGroup`; a repeated try first looks for what an earlier one made."""

    def __init__(self, homeserver: Homeserver, ledger: Ledger, clock: Clock):
        self._homeserver = homeserver
        self._once = Once(homeserver, ledger, clock)

    async def create(self, entry: Entry, intent: CreateGroup) -> Settlement:
        """Find or make the room; one that somebody has come to is kept, whoever is missing."""

        async def post() -> RoomId:
            return await self._homeserver.create_group(
                intent.members, intent.name, intent.nonce, intent.encrypted
            )

        made = await self._once.make(entry, intent, frozenset(intent.members), post)
        missing = _missing(intent.members, made)
        if made.room_id is not None and not missing:
            return Outcome(ok=True, room_id=made.room_id), ()
        why = _why(missing or intent.members, made)
        if made.room_id is None:
            return Outcome(ok=False, message=f"{why} No group was made."), ()
        if made.joined:
            return Outcome(ok=True, message=why, room_id=made.room_id), ()
        for user_id in sorted(made.invited):
            await self._homeserver.remove(made.room_id, user_id)
        await leave_for_good(self._homeserver, made.room_id)
        return Outcome(ok=False, message=f"{why} No group was made."), ()


def _why(missing: Sequence[UserId], made: Made) -> str:
    """Who could not be invited and why; without a room the server may not say who it was."""
    error = str(made.error or "")
    named = [user for user in missing if user.partition(":")[2] in error.rstrip(".").split()]
    if made.room_id is None and len(missing) > 1 and not named:
        return str(made.error or "Not everybody could be invited.")
    who = (named or missing)[0]
    why = why_not(who, made.error)
    return why if who in why else f"{who} could not be invited: {why}"


def _missing(members: Sequence[UserId], made: Made) -> list[UserId]:
    there = made.joined | made.invited
    return [user_id for user_id in members if user_id not in there]
