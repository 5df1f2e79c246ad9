"""The whole stored history of a conversation, oldest first, page by page."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from dmtui.core.export import Entry, entries_of
from dmtui.core.model import Cursor, Message, Safe, UserId
from dmtui.store.database import Database
from dmtui.store.people import sender_name
from dmtui.store.reading import page_after

_PAGE = 200
_START = Cursor(-(1 << 63))


class ExportRecords:
    """Part of the store; reads only."""

    def __init__(self, database: Database, me: UserId):
        self._database = database
        self._me = me

    def entries(self, user_id: UserId) -> Iterator[Entry]:
        """Every stored message; what comes in meanwhile is at the end."""
        after, newer = _START, True
        while newer:
            with self._database.seek() as connection:
                page = page_after(connection, self._me, user_id, after, _PAGE)
                reactions = [r for m in page.messages for r in _reactions(connection, m)]
            yield from entries_of(iter(page.messages), iter(reactions))
            newer = page.newer
            if page.messages:
                after = page.messages[-1].cursor


def _reactions(
    connection: sqlite3.Connection, message: Message
) -> Iterator[tuple[str, Safe, Safe]]:
    if message.event_id is None:
        return
    rows = connection.execute(
        "SELECT e.sender, e.body,"
        " coalesce((SELECT nullif(c.petname, '') FROM contact c WHERE c.user_id = e.sender),"
        " (SELECT m.name FROM member m WHERE m.room = e.room AND m.user_id = e.sender))"
        " FROM room r JOIN event e ON e.room = r.number"
        " WHERE r.room_id = ? AND e.target = ? AND e.type = 'reaction' AND e.redacted_by IS NULL"
        " ORDER BY e.sent_at, e.number",
        (message.room_id, message.event_id),
    )
    for sender, key, name in rows:
        yield message.event_id, Safe(key), sender_name(UserId(sender), name)
