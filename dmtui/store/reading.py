"""Pages of a conversation: several rooms of one person merged by position.

Where events of one room are missing, the others' pages end too: what is shown is all there is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dmtui.core.fold import DELETED, Weight, renamed_line
from dmtui.core.model import (
    Cursor,
    DirectRoom,
    Doubt,
    EventId,
    Kind,
    Membership,
    Message,
    Milliseconds,
    Page,
    RoomId,
    Safe,
    SendState,
    TransactionId,
    UserId,
)
from dmtui.store.attachments import read_attachment
from dmtui.store.belonging import direct_room
from dmtui.store.database import number
from dmtui.store.people import sender_name
from dmtui.store.positions import ECHO, time_of
from dmtui.store.previews import read_preview
from dmtui.store.receipts import peer_position, read_position
from dmtui.store.relations import Relations, relations
from dmtui.store.timeline import NEWEST, Gap

_END = (1 << 63) - 1

_COLUMNS = (
    "SELECT t.position, t.weight, e.number, e.event_id, e.sender, e.sent_at, e.type,"
    " coalesce(d.body, e.body), e.state, e.failure, e.edit IS NOT NULL, e.encrypted,"
    " coalesce((SELECT nullif(c.petname, '') FROM contact c WHERE c.user_id = e.sender),"
    " (SELECT m.name FROM member m WHERE m.room = e.room AND m.user_id = e.sender)),"
    " e.transaction_id, coalesce(nullif(d.doubt, ''), e.doubt),"
    " (SELECT m.name FROM member m WHERE m.room = e.room AND m.user_id = e.sender),"
    " coalesce(d.formatted, e.formatted), coalesce(d.attachment, e.attachment),"
    " iif(d.attachment IS NULL, e.preview, d.preview)"
    " FROM timeline t JOIN event e ON e.number = t.event LEFT JOIN event d ON d.number = e.edit"
)


@dataclass(frozen=True, slots=True)
class _Room:
    """A room on show, and how far both sides have read it."""

    number: int
    room_id: RoomId
    read: int
    read_by_peer: int


def _rooms(connection: sqlite3.Connection, me: UserId, user_id: UserId) -> list[_Room]:
    rows = connection.execute(
        "SELECT number, room_id, membership FROM room WHERE person = ?", (user_id,)
    ).fetchall()
    return [_look(connection, me, room, RoomId(room_id), mine) for room, room_id, mine in rows]


def _look(
    connection: sqlite3.Connection, me: UserId, room: int, room_id: RoomId, mine: str
) -> _Room:
    """In a room that I am not in nothing is left to read."""
    read = read_position(connection, room, me) if mine == Membership.JOIN else _END
    peer = peer_position(connection, room, me)
    start = -_END
    return _Room(room, room_id, start if read is None else read, start if peer is None else peer)


def page_before(
    connection: sqlite3.Connection,
    me: UserId,
    user_id: UserId,
    cursor: Cursor | None,
    limit: int,
    across: bool = False,
) -> Page:
    """The newest ``limit`` messages before the cursor, but after the nearest gap there.

    ``across``: what is stored beyond gaps, too.
    """
    end = _END if cursor is None else cursor.position
    floor = -_END if across else _floor(connection, user_id, end)
    rooms = _rooms(connection, me, user_id)
    messages: list[Message] = []
    for room in rooms:
        rows = connection.execute(
            f"{_COLUMNS} WHERE t.room = ? AND t.position >= ? AND t.position < ? AND t.weight > 0"
            " ORDER BY t.position DESC LIMIT ?",
            (room.number, floor, end, limit + 1),
        )
        messages += _messages(connection, me, room, rows.fetchall())
    messages.sort(key=lambda message: message.cursor.position)
    start = max(len(messages) - limit, 0)
    while start and messages[start - 1].cursor == messages[start].cursor:
        start -= 1
    shown = tuple(messages[start:])
    first = shown[0].cursor.position if shown else end
    return Page(shown, start > 0, not _is_missing(connection, user_id, first))


def page_from(
    connection: sqlite3.Connection,
    me: UserId,
    user_id: UserId,
    first: Cursor,
    last: Cursor | None = None,
) -> Page:
    """All messages at or after the cursor, those after ``last`` left out."""
    rooms = _rooms(connection, me, user_id)
    end = _END if last is None else last.position
    floor = _floor(connection, user_id, first.position)
    messages: list[Message] = []
    more = False
    for room in rooms:
        rows = connection.execute(
            f"{_COLUMNS} WHERE t.room = ? AND t.position >= ? AND t.position <= ? AND t.weight > 0"
            " ORDER BY t.position",
            (room.number, first.position, end),
        )
        messages += _messages(connection, me, room, rows.fetchall())
        more = more or bool(
            number(
                connection,
                "SELECT 1 FROM timeline WHERE room = ? AND position >= ? AND position < ?"
                " AND weight > 0 LIMIT 1",
                (room.number, floor, first.position),
            )
        )
    messages.sort(key=lambda message: message.cursor.position)
    complete = not _is_missing(connection, user_id, first.position)
    return Page(tuple(messages), more, complete, _follows(connection, rooms, end))


def page_after(
    connection: sqlite3.Connection, me: UserId, user_id: UserId, after: Cursor, limit: int
) -> Page:
    """The oldest ``limit`` messages after the cursor, whatever is missing between."""
    rooms = _rooms(connection, me, user_id)
    messages: list[Message] = []
    for room in rooms:
        rows = connection.execute(
            f"{_COLUMNS} WHERE t.room = ? AND t.position > ? AND t.weight > 0"
            " ORDER BY t.position LIMIT ?",
            (room.number, after.position, limit),
        )
        messages += _messages(connection, me, room, rows.fetchall())
    messages.sort(key=lambda message: message.cursor.position)
    end = messages[:limit][-1].cursor if messages else after
    shown = tuple(message for message in messages if message.cursor <= end)
    return Page(shown, True, False, _follows(connection, rooms, end.position))


def page_around(
    connection: sqlite3.Connection, me: UserId, user_id: UserId, key: str, limit: int
) -> Page | None:
    """The message with up to ``limit`` before and after it, whatever is missing between.

    ``None`` if it is no message of the conversation.
    """
    position = number(
        connection,
        "SELECT t.position FROM timeline t JOIN room r ON r.number = t.room"
        " WHERE t.event = ? AND r.person = ? AND t.weight > 0",
        (key, user_id),
    )
    if position is None:
        return None
    older = page_before(connection, me, user_id, Cursor(position), limit, across=True)
    newer = page_after(connection, me, user_id, Cursor(position - 1), limit + 1)
    messages = older.messages + newer.messages
    return Page(messages, older.more, older.complete, newer.newer)


def key_of(connection: sqlite3.Connection, user_id: UserId, event_id: EventId) -> str | None:
    """The key of the message that is this event, if it is one of the conversation."""
    found = number(
        connection,
        "SELECT e.number FROM room r JOIN event e ON e.room = r.number AND e.event_id = ?"
        " JOIN timeline t ON t.event = e.number WHERE r.person = ? AND t.weight > 0",
        (event_id, user_id),
    )
    return None if found is None else str(found)


def _follows(connection: sqlite3.Connection, rooms: list[_Room], position: int) -> bool:
    """Whether there are messages after the position."""
    sql = "SELECT 1 FROM timeline WHERE room = ? AND position > ? AND weight > 0 LIMIT 1"
    return any(number(connection, sql, (room.number, position)) for room in rooms)


def message_of(
    connection: sqlite3.Connection, me: UserId, transaction_id: TransactionId
) -> Message | None:
    """The message of ours with this transaction ID; ``None`` for what was done to a message."""
    sql = "SELECT number FROM event WHERE transaction_id = ?"
    row = number(connection, sql, (transaction_id,))
    return None if row is None else message_at(connection, me, row)


def message_at(connection: sqlite3.Connection, me: UserId, row: int) -> Message | None:
    """The message that is this row of the events."""
    found = connection.execute(
        "SELECT r.number, r.room_id, r.membership FROM event e JOIN room r ON r.number = e.room"
        " WHERE e.number = ?",
        (row,),
    ).fetchone()
    if found is None:
        return None
    rows = connection.execute(f"{_COLUMNS} WHERE e.number = ? AND t.weight > 0", (row,)).fetchall()
    room = _look(connection, me, found[0], RoomId(found[1]), found[2])
    return next(iter(_messages(connection, me, room, rows)), None)


def readers(
    connection: sqlite3.Connection, key: str, me: UserId
) -> tuple[tuple[Safe, Milliseconds], ...]:
    """Who else has read the message with this key, and when at the latest."""
    rows = connection.execute(
        "SELECT p.user_id, p.read_at,"
        " coalesce((SELECT nullif(c.petname, '') FROM contact c WHERE c.user_id = p.user_id),"
        " (SELECT m.name FROM member m WHERE m.room = p.room AND m.user_id = p.user_id))"
        " FROM timeline t JOIN receipt p ON p.room = t.room AND p.position >= t.position"
        " WHERE t.event = ? AND p.user_id <> ? AND p.read_at > 0 ORDER BY p.read_at",
        (key, me),
    )
    return tuple((sender_name(UserId(user_id), name), at) for user_id, at, name in rows)


def newest_event(
    connection: sqlite3.Connection, me: UserId, user_id: UserId
) -> tuple[RoomId, EventId] | None:
    """The newest positioned event of the conversation, in a room that I am in."""
    newest: tuple[int, RoomId, EventId] | None = None
    for room, room_id in connection.execute(
        "SELECT number, room_id FROM room WHERE person = ? AND membership = 'join'", (user_id,)
    ).fetchall():
        row = connection.execute(
            "SELECT t.position, e.event_id FROM timeline t JOIN event e ON e.number = t.event"
            " WHERE t.room = ? AND t.position < ? ORDER BY t.position DESC LIMIT 1",
            (room, ECHO),
        ).fetchone()
        if row is not None and (newest is None or row[0] > newest[0]):
            newest = (row[0], RoomId(room_id), EventId(row[1]))
    return None if newest is None else newest[1:]


def rooms_of(connection: sqlite3.Connection, me: UserId, user_id: UserId) -> tuple[DirectRoom, ...]:
    """The rooms behind the conversation, oldest first."""
    rows = connection.execute(
        "SELECT r.number, p.room IS r.number,"
        " (SELECT min(position) FROM timeline WHERE room = r.number)"
        " FROM room r LEFT JOIN person p ON p.user_id = r.person WHERE r.person = ?",
        (user_id,),
    ).fetchall()
    found = []
    for room, serving, first in rows:
        direct = direct_room(connection, me, room, user_id, bool(serving))
        found.append((_begun(direct, first), room, direct))
    return tuple(direct for _, _, direct in sorted(found, key=lambda each: each[:2]))


def _begun(room: DirectRoom, first: int | None) -> float:
    """When the room was made, as far as is known; one just made is the newest."""
    if room.created_at or first is not None:
        return room.created_at or time_of(first or 0)
    return float("inf") if room.mine is Membership.JOIN else 0


def gap_before(
    connection: sqlite3.Connection, user_id: UserId, cursor: Cursor | None
) -> Gap | None:
    """The newest gap at or above the cursor.

    In a second room of the person the history may begin below the cursor: it is missing all the
    same. Rooms of which nothing was ever seen come last.
    """
    row: tuple[RoomId, str, int] | None = connection.execute(
        f"SELECT r.room_id, g.token, g.beginning {_MISSING}"
        " ORDER BY g.token = ?, g.position DESC LIMIT 1",
        (user_id, _END if cursor is None else cursor.position, NEWEST),
    ).fetchone()
    return None if row is None else Gap(row[0], row[1], bool(row[2]))


_MISSING = (
    "FROM room r JOIN gap g ON g.room = r.number"
    " WHERE r.person = ? AND (g.position <= ? OR g.beginning = 1)"
)
"""Gaps of a person that make what stands before a position incomplete."""


def _floor(connection: sqlite3.Connection, user_id: UserId, end: int) -> int:
    """Where the events before ``end`` begin to be incomplete.

    A gap that no event follows yet has no place among the messages, and hides none.
    """
    found = number(
        connection,
        f"SELECT max(g.position) {_MISSING} AND g.token <> ? AND g.position < ?",
        (user_id, end, NEWEST, ECHO),
    )
    return -_END if found is None else found


def _is_missing(connection: sqlite3.Connection, user_id: UserId, end: int) -> bool:
    return number(connection, f"SELECT 1 {_MISSING} LIMIT 1", (user_id, end)) is not None


def holes(connection: sqlite3.Connection) -> tuple[Gap, ...]:
    """All gaps between stored stretches, newest first."""
    rows = connection.execute(
        "SELECT r.room_id, g.token FROM gap g JOIN room r ON r.number = g.room"
        " WHERE g.beginning = 0 AND r.membership = 'join' ORDER BY g.position DESC"
    )
    return tuple(Gap(RoomId(room_id), token, False) for room_id, token in rows)


_Row: TypeAlias = tuple[
    *tuple[int, int, int, str | None, str, int, str, str, str, str, int, int],
    *tuple[str | None, str | None, str, str | None, str, str | None, bytes | None],
]


def _messages(
    connection: sqlite3.Connection, me: UserId, room: _Room, rows: Sequence[_Row]
) -> list[Message]:
    if not rows:
        return []
    places = [row[0] for row in rows]
    related = relations(connection, me, room.number, min(places), max(places))
    return [_message(me, room, row, related) for row in rows]


def _message(me: UserId, room: _Room, row: _Row, related: Relations) -> Message:
    position, heavy, key, event_id, sender, sent_at, kind, body, state, failure = row[:10]
    own = sender == me
    going = key in related.deleting
    shown = Kind.REDACTED if going else Kind(kind)
    name = sender_name(UserId(sender), row[12])
    if shown is Kind.MEMBERSHIP:
        body = renamed_line(body, sender_name(UserId(sender), row[15]), name)
    return Message(
        key=str(key),
        room_id=room.room_id,
        cursor=Cursor(position),
        event_id=None if event_id is None else EventId(event_id),
        sender=UserId(sender),
        sender_name=name,
        own=own,
        sent_at=sent_at,
        kind=shown,
        body=DELETED if shown is Kind.REDACTED else Safe(body),
        state=SendState(state),
        failure=failure,
        edited=bool(row[10]) and not going,
        encrypted=bool(row[11]),
        unread=heavy == Weight.COUNTED and position > room.read,
        read_by_peer=own and position <= room.read_by_peer,
        transaction_id=None if row[13] is None else TransactionId(row[13]),
        doubt=Doubt(row[14]),
        formatted="" if going else row[16],
        quote=None if going else related.quotes.get(key),
        reactions=() if going else related.reactions.get(key, ()),
        acts=related.acts.get(key, ()),
        attachment=None if shown is Kind.REDACTED else read_attachment(row[17]),
        preview=None if shown is Kind.REDACTED else read_preview(row[18]),
    )
