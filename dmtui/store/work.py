"""One transaction at work: the connection, and which rows of the people list it has touched."""

from __future__ import annotations

import sqlite3

from dmtui.core.events import Change, ConversationsChanged, IntentsChanged, InvitesChanged
from dmtui.core.intents import EditDirect
from dmtui.core.model import RoomId, UserId
from dmtui.store.database import number, text


class Work:
    """What one transaction changes; :func:`dmtui.store.people.refresh` turns it into changes."""

    def __init__(self, connection: sqlite3.Connection, me: UserId):
        self.connection = connection
        self.me = me
        synced = "SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'synced')"
        self.synced = bool(number(connection, synced))  # before this transaction
        self.rooms: set[int] = set()  # facts, members or messages changed
        self.lines: set[int] = set()  # the timeline changed
        self.people: set[UserId] = set()  # to look at whatever their rooms say
        self.changes: set[Change] = set()
        self.edits: tuple[EditDirect, ...] | None = None  # pending ones, read once
        self.done: frozenset[Change] = frozenset()  # what changed, once committed

    def room(self, room_id: RoomId) -> int | None:
        """The room's row number."""
        return number(self.connection, "SELECT number FROM room WHERE room_id = ?", (room_id,))

    def touch(self, room: int, lines: bool = False) -> None:
        self.rooms.add(room)
        if lines:
            self.lines.add(room)

    def tell_owner(self, room: int) -> None:
        """Something of the room changed that its row in the people list does not show."""
        owner = text(self.connection, "SELECT person FROM room WHERE number = ?", (room,))
        if owner is not None:
            self.changes.add(ConversationsChanged(frozenset({UserId(owner)})))

    def invites_changed(self) -> None:
        self.changes.add(InvitesChanged())

    def intents_changed(self) -> None:
        self.edits = None
        self.changes.add(IntentsChanged())
