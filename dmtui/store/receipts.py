"""How far everybody has read: one place per person and room, which only moves forward."""

from __future__ import annotations

import sqlite3

from dmtui.core.events import Receipt
from dmtui.core.fold import furthest
from dmtui.core.model import EventId, UserId
from dmtui.store.database import number
from dmtui.store.positions import ECHO, stamp
from dmtui.store.work import Work

_UPSERT = (
    "INSERT INTO receipt (room, user_id, event_id, read_at, position) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (room, user_id) DO UPDATE SET event_id = excluded.event_id,"
    " read_at = excluded.read_at, position = excluded.position"
)


def read_position(connection: sqlite3.Connection, room: int, user_id: UserId) -> int | None:
    """The position up to which the user has read the room."""
    return number(
        connection,
        "SELECT position FROM receipt WHERE room = ? AND user_id = ?",
        (room, user_id),
    )


def peer_position(connection: sqlite3.Connection, room: int, me: UserId) -> int | None:
    """The furthest position that somebody else has read up to."""
    return number(
        connection,
        "SELECT max(position) FROM receipt WHERE room = ? AND user_id <> ?",
        (room, me),
    )


def move(connection: sqlite3.Connection, room: int, user_id: UserId, position: int) -> bool:
    """The user has read up to the position; false if that was known."""
    known = read_position(connection, room, user_id)
    if known is not None and known >= position:
        return False
    connection.execute(
        "INSERT INTO receipt (room, user_id, event_id, read_at, position) VALUES (?, ?, '', 0, ?)"
        " ON CONFLICT (room, user_id) DO UPDATE SET position = excluded.position",
        (room, user_id, position),
    )
    return True


def take_receipt(work: Work, room: int, receipt: Receipt) -> None:
    """A receipt of an unknown event waits for it; one of mine counts by its time meanwhile."""
    connection = work.connection
    row = connection.execute(
        "SELECT event_id, read_at, position FROM receipt WHERE room = ? AND user_id = ?",
        (room, receipt.user_id),
    ).fetchone()
    known = None if row is None else row[2]
    position = number(
        connection,
        "SELECT t.position FROM event e JOIN timeline t ON t.event = e.number"
        " WHERE e.room = ? AND e.event_id = ? AND t.position < ?",
        (room, receipt.event_id, ECHO),
    )
    mine = receipt.user_id == work.me
    if position is not None and mine:
        connection.execute(
            "UPDATE room SET marked = max(coalesce(marked, ?), ?) WHERE number = ?",
            (position, position, room),
        )
    if position is None and mine:
        position = stamp(receipt.read_at, room)
    furthest_read = furthest(known, position)
    if row is not None and row[1] > receipt.read_at and furthest_read == known:
        return
    values = (receipt.event_id, receipt.read_at, furthest_read)
    if row is not None and tuple(row) == values:
        return
    connection.execute(_UPSERT, (room, receipt.user_id, *values))
    if furthest_read != known:
        work.touch(room, lines=True)


def pass_receipts(
    connection: sqlite3.Connection,
    room: int,
    event_id: EventId,
    position: int,
    sender: UserId | None,
) -> None:
    """Settle receipts that waited for the event; its ``sender`` has read up to it."""
    waiting = connection.execute(
        "SELECT user_id FROM receipt WHERE room = ? AND event_id = ?", (room, event_id)
    ).fetchall()
    for (user_id,) in waiting:
        move(connection, room, user_id, position)
    if sender is not None:
        move(connection, room, sender, position)


def start_reading(work: Work, room: int, first: int) -> None:
    """In a room without a receipt of mine, what history adds before ``first`` is not unread."""
    move_to = read_position(work.connection, room, work.me)
    if move_to is None:
        move(work.connection, room, work.me, first - 1)
