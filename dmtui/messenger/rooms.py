"""Direct rooms made exactly once, although createRoom is not atomic and its answer can be lost."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from dmtui.core.direct import M_DIRECT, read_direct
from dmtui.core.errors import FarTrouble, InviteBlocked, Refused
from dmtui.core.intents import CreateRoom, DirectAction, EditDirect, Entry, InviteBack, Outcome
from dmtui.core.model import Membership, RoomId, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.clock import Clock
from dmtui.messenger.journal import Settlement
from dmtui.messenger.ledger import Ledger

SECOND_LOOK_SECONDS = 5.0
"""How long a createRoom whose answer was lost may take to show on the server."""


class RoomMaker:
    """Carries out :class:`CreateRoom`; a repeated try first looks for what an earlier one made."""

    def __init__(self, me: UserId, homeserver: Homeserver, ledger: Ledger, clock: Clock):
        self._me = me
        self._homeserver = homeserver
        self._ledger = ledger
        self._clock = clock

    async def create(self, entry: Entry, intent: CreateRoom) -> Settlement:
        """Find or make the room; ``m.direct`` is told as a consequence."""
        if intent.posted:
            room_id = await self._look_twice(intent.nonce)
            if room_id is not None:
                return await self._adopt(intent, room_id)
        elif (known := await self._made_elsewhere(intent.user_id)) is not None:
            return self._recorded(intent.user_id, known)
        await self._ledger.run(
            self._ledger.store.replace_intent, entry.number, replace(intent, posted=True)
        )
        return await self._post(intent)

    async def _post(self, intent: CreateRoom) -> Settlement:
        alone = intent.user_id == self._me
        peer = None if alone else intent.user_id
        try:
            room_id = await self._homeserver.create_direct_room(
                peer, intent.nonce, intent.encrypted
            )
        except (Refused, FarTrouble) as error:
            await self._sweep(intent)
            return Outcome(ok=False, message=_why_not(intent.user_id, error)), ()
        return self._recorded(intent.user_id, room_id)

    async def _made_elsewhere(self, user_id: UserId) -> RoomId | None:
        """A room with the person that another device put in ``m.direct`` just now."""
        content = await self._homeserver.account_data(M_DIRECT) or {}
        candidates = await self._ledger.run(self._ledger.store.candidates, user_id)
        known = {candidate.room_id for candidate in candidates}
        for room_id in read_direct(content).get(user_id, ()):
            if room_id not in known and await self._is_chat_with(room_id, user_id):
                return room_id
        return None

    async def _is_chat_with(self, room_id: RoomId, user_id: UserId) -> bool:
        try:
            members = await self._homeserver.members(room_id)
        except Refused:  # not joined
            return False
        present = {m.user_id for m in members if m.membership in _PRESENT}
        return present == {user_id, self._me}

    async def _look_twice(self, nonce: str) -> RoomId | None:
        room_id = await self._find(nonce)
        if room_id is None:
            await self._clock.sleep(SECOND_LOOK_SECONDS)
            room_id = await self._find(nonce)
        return room_id

    async def _find(self, nonce: str) -> RoomId | None:
        stored = await self._ledger.run(self._ledger.store.room_of_nonce, nonce)
        return stored or await self._homeserver.find_created_room(nonce)

    async def _adopt(self, intent: CreateRoom, room_id: RoomId) -> Settlement:
        """Keep the room if the person was invited; else it is an orphan."""
        alone = intent.user_id == self._me
        if alone or await self._is_chat_with(room_id, intent.user_id):
            return self._recorded(intent.user_id, room_id)
        await self._abandon(room_id)
        return Outcome(ok=False, message=f"{intent.user_id} could not be invited."), ()

    async def _sweep(self, intent: CreateRoom) -> None:
        """A refused createRoom leaves a room with only us in it and does not tell its ID."""
        room_id = await self._homeserver.find_created_room(intent.nonce)
        if room_id is not None and not await self._is_chat_with(room_id, intent.user_id):
            await self._abandon(room_id)

    async def _abandon(self, room_id: RoomId) -> None:
        with contextlib.suppress(Refused):
            await self._homeserver.leave(room_id)
            await self._homeserver.forget(room_id)

    @staticmethod
    def _recorded(user_id: UserId, room_id: RoomId) -> Settlement:
        outcome = Outcome(ok=True, room_id=room_id)
        return outcome, (EditDirect(DirectAction.ADD, user_id, room_id),)


def _why_not(user_id: UserId, error: Refused | FarTrouble) -> str:
    match error:
        case InviteBlocked():
            return f"{user_id} does not accept invites."
        case FarTrouble():
            return f"The homeserver of {user_id} can't be reached now. Try again later."
        case _:
            return str(error)


async def invite_back(intent: InviteBack, homeserver: Homeserver) -> Settlement:
    """Invite again with the flag, and see that the room stands in ``m.direct``."""
    await homeserver.invite_back(intent.room_id, intent.user_id)
    outcome = Outcome(ok=True, room_id=intent.room_id)
    return outcome, (EditDirect(DirectAction.ADD, intent.user_id, intent.room_id),)


_PRESENT = (Membership.JOIN, Membership.INVITE)
