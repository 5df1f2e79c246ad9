"""How a chat ends or becomes something else: leave, forget, take an invite back, group, room."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence

from dmtui.core.errors import DmtuiError, Recoverable, Refused
from dmtui.core.intents import (
    CreateGroup,
    DirectAction,
    EditDirect,
    ForgetRoom,
    Intent,
    InviteBack,
    LeaveRoom,
    MakeRoom,
    Outcome,
    TakeInviteBack,
)
from dmtui.core.model import Conversation, Membership, PeerState, RoomId, UserId
from dmtui.core.names import valid_user_id
from dmtui.core.ports import Homeserver
from dmtui.messenger.journal import Journal
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.rooms import seems_gone

NO_CHAT = Outcome(ok=False, message="There is no such chat any more.")


class Life:
    """What the user can do with a conversation as a whole.

    Every act is written down first; its outcome is ``None`` while it waits for the server.
    ``user_id`` is a conversation's: a person's, or a group's room ID.
    """

    def __init__(
        self,
        me: UserId,
        homeserver: Callable[[], Awaitable[Homeserver]],
        ledger: Ledger,
        journal: Journal,
    ):
        self._me = me
        self._homeserver = homeserver
        self._ledger = ledger
        self._journal = journal

    # -- what to know before --

    def unsent(self, user_id: UserId) -> int:
        """How many of my messages to this conversation are not sent, failed ones included."""
        return self._ledger.store.life.unsent(user_id)

    async def people_in(self, room_id: RoomId) -> tuple[UserId, ...]:
        """The other humans in the room, or invited to it; ``DmtuiError`` where nobody can tell."""
        store = self._ledger.store
        try:
            members = await (await self._homeserver()).members(room_id)
            await self._ledger.write(store.apply_members, room_id, members)
        except DmtuiError:
            if not store.life.humans(room_id):
                raise
        return tuple(sorted(store.life.humans(room_id)))

    async def seems_gone(self, user_id: UserId) -> bool:
        """Whether the server knows no such account any more; never raises for its silence."""
        return await seems_gone(await self._homeserver(), user_id)

    async def without_keys(self, members: Sequence[UserId]) -> tuple[UserId, ...]:
        """Those of them who have no device that could read encrypted messages, as far as known."""
        homeserver = await self._homeserver()
        found = []
        for user_id in members:
            try:
                if not await homeserver.has_device_keys(user_id):
                    found.append(user_id)
            except (Recoverable, Refused):  # nothing proves that they could not
                continue
        return tuple(found)

    # -- acts --

    async def leave(self, user_id: UserId) -> Outcome | None:
        """Leave every room of the conversation; the map keeps them, so that a return is known."""
        rooms = self._ledger.store.life.rooms(user_id)
        joined = [room_id for room_id, mine in rooms if mine is Membership.JOIN]
        return await self._do([LeaveRoom(user_id, room_id) for room_id in joined])

    async def forget(self, user_id: UserId) -> Outcome | None:
        """Leave, and forget every room and message, here and on the server."""
        rooms = self._ledger.store.life.rooms(user_id)
        return await self._do([ForgetRoom(user_id, room_id) for room_id, _ in rooms])

    async def take_invite_back(self, user_id: UserId) -> Outcome | None:
        """Withdraw the invite to a person who has not come."""
        conversation = self._conversation(user_id)
        if conversation is None:
            return NO_CHAT
        if conversation.peer is not PeerState.INVITED:
            return Outcome(ok=False, message=f"{conversation.name} has no invite to take back.")
        return await self._do([TakeInviteBack(user_id, conversation.room_id)])

    async def invite_back(self, user_id: UserId) -> Outcome | None:
        """Ask a person who left or declined into the serving room again, with the flag."""
        conversation = self._conversation(user_id)
        if conversation is None:
            return NO_CHAT
        if conversation.peer not in (PeerState.LEFT, PeerState.DECLINED, PeerState.BANNED):
            return Outcome(ok=False, message=f"{conversation.name} has not left.")
        return await self._do([InviteBack(user_id, conversation.room_id)])

    async def make_room(self, user_id: UserId) -> Outcome | None:
        """The serving direct room becomes an ordinary room, listed as a group."""
        conversation = self._conversation(user_id)
        return await self._do([MakeRoom(conversation.room_id)]) if conversation else NO_CHAT

    async def make_direct(self, room_id: RoomId, user_id: UserId) -> Outcome | None:
        """The room becomes a direct room of the person, and of nobody else; ``InvalidUserId``."""
        return await self._do([EditDirect(DirectAction.MOVE, valid_user_id(user_id), room_id)])

    async def start_group(
        self, members: Sequence[UserId], name: str, encrypted: bool = True
    ) -> Outcome | None:
        """A new group, which is no direct chat; ``InvalidUserId`` before anything is done."""
        wanted = dict.fromkeys(valid_user_id(user_id) for user_id in members)
        wanted.pop(self._me, None)
        if not wanted:
            return Outcome(ok=False, message="A group needs somebody besides you.")
        nonce = secrets.token_urlsafe(16)
        return await self._do([CreateGroup(tuple(wanted), name.strip(), nonce, encrypted)])

    def _conversation(self, user_id: UserId) -> Conversation | None:
        return next(iter(self._ledger.store.conversations([user_id])), None)

    async def _do(self, wishes: Sequence[Intent]) -> Outcome | None:
        """Write all down at once; the first failure, else ``None`` if one waits, else the first."""
        if not wishes:
            return NO_CHAT
        entries = await self._journal.add_all(wishes)
        outcomes = [await self._journal.outcome(entry) for entry in entries]
        failure = next((o for o in outcomes if o is not None and not o.ok), None)
        return failure or (None if None in outcomes else outcomes[0])
