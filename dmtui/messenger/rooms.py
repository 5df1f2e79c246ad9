"""Direct rooms: made once for a person, or given back to one who left."""

from __future__ import annotations

from dmtui.core.direct import M_DIRECT, read_direct
from dmtui.core.errors import FarTrouble, Forbidden, InviteBlocked, NotFound, Recoverable, Refused
from dmtui.core.fold import PRESENT
from dmtui.core.intents import CreateRoom, DirectAction, EditDirect, Entry, InviteBack, Outcome
from dmtui.core.model import Membership, RoomId, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.clock import Clock
from dmtui.messenger.journal import Settlement
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.once import Once, leave_for_good


class RoomMaker:
    """Carries out :class:`CreateRoom`; a repeated try first looks for what an earlier one made."""

    def __init__(self, me: UserId, homeserver: Homeserver, ledger: Ledger, clock: Clock):
        self._me = me
        self._homeserver = homeserver
        self._ledger = ledger
        self._once = Once(homeserver, ledger, clock)

    async def create(self, entry: Entry, intent: CreateRoom) -> Settlement:
        """Find or make the room; ``m.direct`` is told as a consequence."""
        user_id = intent.user_id
        peer = None if user_id == self._me else user_id

        async def post() -> RoomId:
            return await self._homeserver.create_direct_room(peer, intent.nonce, intent.encrypted)

        async def elsewhere() -> RoomId | None:
            return await self._made_elsewhere(user_id)

        wanted = frozenset({peer} if peer else ())
        made = await self._once.make(entry, intent, wanted, post, elsewhere)
        if made.room_id is None:
            return Outcome(ok=False, message=why_not(user_id, made.error)), ()
        if wanted <= made.joined | made.invited:
            return _recorded(user_id, made.room_id)
        await leave_for_good(self._homeserver, made.room_id)  # an orphan with only us in it
        return Outcome(ok=False, message=why_not(user_id, made.error)), ()

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
        present = {m.user_id for m in members if m.membership in PRESENT}
        return present == {user_id, self._me}


def _recorded(user_id: UserId, room_id: RoomId) -> Settlement:
    outcome = Outcome(ok=True, room_id=room_id)
    return outcome, (EditDirect(DirectAction.ADD, user_id, room_id),)


def why_not(user_id: UserId, error: Refused | FarTrouble | None) -> str:
    """Why the person could not be invited, in one line."""
    match error:
        case None:
            return f"{user_id} could not be invited."
        case InviteBlocked():
            return f"{user_id} does not accept invites."
        case FarTrouble():
            return f"The homeserver of {user_id} can't be reached now. Try again later."
        case _:
            return str(error)


async def seems_gone(homeserver: Homeserver, user_id: UserId) -> bool:
    """Whether the server knows no such account; what it does not tell proves nothing."""
    try:
        await homeserver.profile(user_id)
    except NotFound:
        return True
    except (Recoverable, Refused):
        pass
    return False


async def invite_back(intent: InviteBack, homeserver: Homeserver, ledger: Ledger) -> Settlement:
    """Invite again with the flag, and see that the room stands in ``m.direct``.

    Only into a room for two: a third human in it means that it is no direct room any more.
    """
    user_id, room_id = intent.user_id, intent.room_id
    members = await homeserver.members(room_id)
    await ledger.write(ledger.store.apply_members, room_id, members)
    if ledger.store.life.humans(room_id) - {user_id}:
        why = "Other people are in that room now. Start a new chat instead."
        return Outcome(ok=False, message=why), ()
    there = {member.user_id: member.membership for member in members}
    if ledger.store.life.is_banned(room_id, user_id):
        why = f"{user_id} is banned from that room and can't be invited to it. Start a new chat."
        return Outcome(ok=False, message=why), ()
    if there.get(user_id) is not Membership.JOIN:
        try:
            await homeserver.invite_back(room_id, user_id)
        except InviteBlocked as error:
            return Outcome(ok=False, message=why_not(user_id, error)), ()
        except Forbidden:
            why = f"You may not invite {user_id} to that room. Start a new chat instead."
            return Outcome(ok=False, message=why), ()
    return _recorded(user_id, room_id)
