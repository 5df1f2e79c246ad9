"""How a chat ends or becomes something else: leave, forget, take an invite back, group, room."""

from __future__ import annotations

from collections.abc import Sequence

from dmtui.core.intents import (
    CreateGroup,
    Entry,
    ForgetRoom,
    LeaveRoom,
    MakeRoom,
    Outcome,
    TakeInviteBack,
)
from dmtui.core.model import RoomId, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.clock import Clock
from dmtui.messenger.journal import Journal, Settlement
from dmtui.messenger.ledger import Ledger


class Life:
    """What the user can do with a conversation as a whole.

    Every act is written down first; its outcome is ``None`` while it waits for the server.
    ``user_id`` is a conversation's: a person's, or a group's room ID.
    """

    def __init__(self, me: UserId, ledger: Ledger, journal: Journal):
        self._me = me
        self._ledger = ledger
        self._journal = journal

    async def leave(self, user_id: UserId) -> Outcome | None:
        """Leave every room of the conversation; the map keeps them, so that a return is known."""
        raise NotImplementedError

    async def forget(self, user_id: UserId) -> Outcome | None:
        """Leave, and forget every room and message, here and on the server."""
        raise NotImplementedError

    async def take_invite_back(self, user_id: UserId) -> Outcome | None:
        """Withdraw the invite to a person who has not come."""
        raise NotImplementedError

    async def invite_back(self, user_id: UserId) -> Outcome | None:
        """Ask a person who left or declined into the serving room again, with the flag."""
        raise NotImplementedError

    async def make_room(self, user_id: UserId) -> Outcome | None:
        """The serving direct room becomes an ordinary room, listed as a group."""
        raise NotImplementedError

    async def make_direct(self, room_id: RoomId, user_id: UserId) -> Outcome | None:
        """The room becomes a direct room of the person, and of nobody else."""
        raise NotImplementedError

    async def start_group(self, members: Sequence[UserId], name: str) -> Outcome | None:
        """A new group, which is no direct chat; ``InvalidUserId`` before anything is done."""
        raise NotImplementedError


async def leave_room(intent: LeaveRoom, homeserver: Homeserver, ledger: Ledger) -> Settlement:
    """Leave; not being in the room any more is just as well."""
    raise NotImplementedError


async def forget_room(intent: ForgetRoom, homeserver: Homeserver, ledger: Ledger) -> Settlement:
    """Leave, forget and unlist the room."""
    raise NotImplementedError


async def take_invite_back(
    intent: TakeInviteBack, homeserver: Homeserver, ledger: Ledger
) -> Settlement:
    """Remove the person, unless they have come meanwhile."""
    raise NotImplementedError


async def make_room(intent: MakeRoom, ledger: Ledger) -> Settlement:
    """Keep the room listed as a group, and have ``m.direct`` name it no more."""
    raise NotImplementedError


class GroupMaker:
    """Carries out :class:`CreateGroup`; a repeated try first looks for what an earlier one made."""

    def __init__(self, homeserver: Homeserver, ledger: Ledger, clock: Clock):
        self._homeserver = homeserver
        self._ledger = ledger
        self._clock = clock

    async def create(self, entry: Entry, intent: CreateGroup) -> Settlement:
        """Find or make the room."""
        raise NotImplementedError
