"""What there is to know about one person, from the store at once and from the server on asking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from dmtui.core.model import (
    Contact,
    Conversation,
    DirectRoom,
    PersonDevice,
    Presence,
    Profile,
    RoomId,
    UserId,
)
from dmtui.core.ports import Homeserver
from dmtui.messenger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Card:
    """What the store knows. ``conversation`` is ``None`` without a chat."""

    user_id: UserId
    contact: Contact
    conversation: Conversation | None
    rooms: tuple[DirectRoom, ...]
    ignored: bool


@dataclass(frozen=True, slots=True)
class News:
    """What the server tells; of what it does not tell, why in one line."""

    profile: Profile | str
    presence: Presence | str
    shared_rooms: frozenset[RoomId] | str
    devices: tuple[PersonDevice, ...] | str


class Cards:
    """Reads only."""

    def __init__(self, me: UserId, homeserver: Callable[[], Awaitable[Homeserver]], ledger: Ledger):
        self._me = me
        self._homeserver = homeserver
        self._ledger = ledger

    def card(self, user_id: UserId) -> Card:
        """At once, from the store."""
        raise NotImplementedError

    async def ask(self, user_id: UserId) -> News:
        """Ask the server for the rest; never raises for a part that it does not tell."""
        raise NotImplementedError
