"""What we send, on its way: queued in order, shown at once, met later by the server's copy."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, replace

from dmtui.core.events import Edit, Line, Reaction, Redaction, Sendable
from dmtui.core.fold import line_kind, weight
from dmtui.core.intents import DELIVERY, MarkRead, Outcome
from dmtui.core.model import (
    NO_AIM,
    ActKind,
    Aim,
    EventId,
    Kind,
    Milliseconds,
    RoomId,
    Safe,
    SendState,
    TransactionId,
    UserId,
)
from dmtui.store import intents, upgrades
from dmtui.store.attachments import read_attachment
from dmtui.store.belonging import NOW_A_GROUP, is_for_fewer
from dmtui.store.database import number, text
from dmtui.store.events import adopt, delete, facts_of, settle_edit
from dmtui.store.positions import ECHO, echo
from dmtui.store.receipts import move
from dmtui.store.rooms import ensure_room, is_encrypted
from dmtui.store.search_index import purge
from dmtui.store.work import Work

DISCARDED = Outcome(False, "The message was discarded.")
_UNSENT = (SendState.QUEUED, SendState.SENDING, SendState.FAILED)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Something queued, ready to be sent."""

    transaction_id: TransactionId
    room_id: RoomId
    user_id: UserId
    content: Sendable
    encrypted: bool


def queue(
    work: Work,
    user_id: UserId,
    room_id: RoomId,
    transaction_id: TransactionId,
    line: Line,
    at: Milliseconds,
    answers: str = "",
    keep_draft: bool = False,
) -> None:
    """The local echo, at the end of the conversation; what came before it is read.

    ``answers`` is the key of the message that it replies to, if that is in the same room.
    """
    connection = work.connection
    room = ensure_room(work, room_id)
    if number(connection, "SELECT number FROM event WHERE transaction_id = ?", (transaction_id,)):
        return
    insert(work, room, user_id, transaction_id, _answering(work, room, line, answers), at)
    newest = number(
        connection,
        "SELECT max(position) FROM timeline WHERE room = ? AND position < ?",
        (room, ECHO),
    )
    if newest is not None:
        move(connection, room, work.me, newest)
    if not keep_draft:
        set_draft(work, user_id, "")


def _answering(work: Work, room: int, line: Line, answers: str) -> Line:
    """A reply to a message in a thread goes into that thread."""
    found = work.connection.execute(
        "SELECT coalesce(event_id, transaction_id), thread FROM event"
        " WHERE number = ? AND room = ?",
        (answers, room),
    ).fetchone()
    return line if found is None else replace(line, reply_to=found[0], thread=found[1])


def insert(
    work: Work,
    room: int,
    user_id: UserId,
    transaction_id: TransactionId,
    content: Sendable,
    at: Milliseconds,
) -> None:
    """Queue the content behind everything that is queued for the room."""
    connection = work.connection
    state, failure = _state_in(connection, room, user_id)
    facts = facts_of(work, room, work.me, content)
    inserted = connection.execute(
        "INSERT INTO event (room, transaction_id, sender, sent_at, type, body, formatted,"
        " reply_to, thread, target, encrypted, state, failure, recipient, attachment)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            room,
            transaction_id,
            work.me,
            at,
            facts.type,
            facts.body,
            facts.formatted,
            facts.reply_to,
            facts.thread,
            facts.target,
            is_encrypted(work, room),
            state,
            failure,
            user_id,
            facts.attachment,
        ),
    )
    row = inserted.lastrowid or 0
    connection.execute(
        "INSERT INTO timeline (room, position, event, weight) VALUES (?, ?, ?, ?)",
        (room, echo(room, row), row, weight(line_kind(content), own=True)),
    )
    work.touch(room, lines=True)


def set_draft(
    work: Work, user_id: UserId, text: str, meant_for: UserId | None = None, aim: Aim = NO_AIM
) -> bool:
    """Keep what is typed but not sent; false if it was the same.

    ``meant_for``: a group's draft was typed to this person alone; that holds until it is sent.
    """
    if text or aim != NO_AIM:
        kept = work.connection.execute(
            "INSERT INTO draft (user_id, text, meant_for, answers, edits, edited)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (user_id)"
            " DO UPDATE SET text = excluded.text, answers = excluded.answers,"
            " edits = excluded.edits, edited = excluded.edited,"
            " meant_for = coalesce(meant_for, excluded.meant_for)"
            " WHERE (text, answers, edits, edited) <> (excluded.text, excluded.answers,"
            " excluded.edits, excluded.edited)"
            " OR meant_for IS NOT coalesce(meant_for, excluded.meant_for)",
            (user_id, text, meant_for, aim.answers, aim.edits, aim.edited),
        )
    else:
        kept = work.connection.execute("DELETE FROM draft WHERE user_id = ?", (user_id,))
    return bool(kept.rowcount)


def aim_of(connection: sqlite3.Connection, user_id: UserId) -> Aim:
    """What the person's draft is about."""
    row = connection.execute(
        "SELECT answers, edits, edited FROM draft WHERE user_id = ?", (user_id,)
    ).fetchone()
    return NO_AIM if row is None else Aim(*row)


_COLUMNS = (
    "SELECT e.transaction_id, r.room_id, coalesce(e.recipient, r.person, ''),"
    " r.encrypted OR e.encrypted, e.type, e.body, e.formatted, e.reply_to, e.thread, e.target,"
    " (SELECT o.type FROM event o WHERE o.room = e.room AND o.event_id = e.target), e.attachment"
    " FROM event e JOIN room r ON r.number = e.room"
)


def next_outgoing(connection: sqlite3.Connection, busy: Collection[RoomId]) -> Outgoing | None:
    """The oldest that is queued for a room that is not busy.

    What is done to a message that is not sent itself waits for it.
    """
    rows = connection.execute(
        f"{_COLUMNS} WHERE e.state = 'queued' AND e.state <> 'sent'"
        " AND (e.target IS NULL OR e.target LIKE '$%') ORDER BY e.number"
    )
    return next((_outgoing(row) for row in rows if row[1] not in busy), None)


def being_sent(connection: sqlite3.Connection, transaction_id: TransactionId) -> Outgoing | None:
    """What is to be sent under this ID, if that still is so."""
    row = connection.execute(
        f"{_COLUMNS} WHERE e.transaction_id = ? AND e.state = 'sending'", (transaction_id,)
    ).fetchone()
    return None if row is None else _outgoing(row)


def _outgoing(
    row: tuple[
        *tuple[TransactionId, RoomId, UserId, int, str, Safe, str],
        *tuple[EventId | None, EventId | None, EventId | None, str | None, str | None],
    ],
) -> Outgoing:
    transaction_id, room_id, user_id, encrypted, kind, body, formatted = row[:7]
    reply_to, thread, target, edited, attached = row[7:]
    content: Sendable
    if target is None:
        reply_to = _known(reply_to)
        attachment = read_attachment(attached)
        content = Line(Kind(kind), body, formatted, reply_to, _known(thread), attachment)
    elif kind == ActKind.EDIT:
        content = Edit(target, Line(Kind(edited or Kind.TEXT), body, formatted))
    elif kind == ActKind.REACTION:
        content = Reaction(target, body)
    else:
        content = Redaction(target)
    return Outgoing(transaction_id, room_id, user_id, content, bool(encrypted))


def _known(event_id: EventId | None) -> EventId | None:
    """The event ID, unless it is still the transaction ID of a message that could not be sent."""
    return event_id if event_id is not None and event_id.startswith("$") else None


def set_state(
    work: Work, transaction_id: TransactionId, state: SendState, failure: str = ""
) -> None:
    """Record how far something unsent is; what was sent stays sent.

    Only what is queued still can be on its way: it may have been parked, or taken back, since.
    """
    found = unsent(work, transaction_id)
    if found is None:
        return
    row, room = found
    queued = "SELECT 1 FROM event WHERE number = ? AND state = 'queued'"
    if state is SendState.SENDING:
        if number(work.connection, queued, (row,)) is None:
            return
        work.connection.execute("UPDATE event SET tried = 1 WHERE number = ?", (row,))
    if state is SendState.QUEUED:
        state, failure = _state_in(work.connection, room, _recipient(work, row))
    _write_state(work, row, room, state, failure)


def _write_state(work: Work, row: int, room: int, state: SendState, failure: str) -> None:
    work.connection.execute(
        "UPDATE event SET state = ?, failure = ? WHERE number = ?", (state, failure, row)
    )
    work.touch(room, lines=True)
    target, kind = work.connection.execute(
        "SELECT target, type FROM event WHERE number = ?", (row,)
    ).fetchone()
    if kind == ActKind.EDIT:
        settle_edit(work, room, target)


def _state_in(
    connection: sqlite3.Connection, room: int, recipient: UserId | None
) -> tuple[SendState, str]:
    """Queued, unless the room has become a group that the message was not written to."""
    if is_for_fewer(connection, room, recipient):
        return SendState.FAILED, NOW_A_GROUP
    return SendState.QUEUED, ""


def _recipient(work: Work, row: int) -> UserId | None:
    user_id = text(work.connection, "SELECT recipient FROM event WHERE number = ?", (row,))
    return None if user_id is None else UserId(user_id)


def send_again(work: Work, transaction_id: TransactionId) -> None:
    """The user wants a failed message sent after all, to whoever is in the room by now."""
    found = unsent(work, transaction_id)
    if found is None:
        return
    row, room = found
    work.connection.execute(
        "UPDATE event SET recipient = coalesce((SELECT person FROM room WHERE number = ?),"
        " recipient) WHERE number = ?",
        (room, row),
    )
    _write_state(work, row, room, SendState.QUEUED, "")


def refused(work: Work, transaction_id: TransactionId, failure: str) -> None:
    """The server does not let us write there; an upgraded room's messages go to its new one."""
    found = unsent(work, transaction_id)
    if found is not None and not upgrades.refused(work, *found):
        _write_state(work, *found, SendState.FAILED, failure)


def sent(work: Work, transaction_id: TransactionId, event_id: EventId) -> None:
    """The server took the message and named it."""
    found = work.connection.execute(
        "SELECT number, room, event_id, state FROM event WHERE transaction_id = ?",
        (transaction_id,),
    ).fetchone()
    if found is None:
        return
    row, room, known, state = found
    if known != event_id or state != SendState.SENT:
        adopt(work, row, room, event_id)


def discard(work: Work, transaction_id: TransactionId) -> None:
    """Remove what is not sent and not on its way, and what was to be done to it."""
    found = unsent(work, transaction_id)
    if found is None:
        return
    row, room = found
    if number(
        work.connection, "SELECT 1 FROM event WHERE number = ? AND state = 'sending'", (row,)
    ):
        return
    remove(work, row, room)
    wish = transaction_id.removeprefix(DELIVERY)
    if wish != transaction_id and wish.isdecimal():
        intents.settle(work, int(wish), DISCARDED)  # else it would be queued again


def remove(work: Work, row: int, room: int) -> None:
    """Take something unsent out of the queue, and what was to be done to it."""
    transaction_id, target, kind = work.connection.execute(
        "SELECT transaction_id, target, type FROM event WHERE number = ?", (row,)
    ).fetchone()
    upon = work.connection.execute(
        "SELECT number FROM event WHERE room = ? AND target = ?", (room, transaction_id)
    ).fetchall()
    purge(work)
    for (act,) in upon:
        delete(work, act)
    work.connection.execute(
        "UPDATE event SET reply_to = NULL WHERE room = ? AND reply_to = ?"
        " AND state IN ('queued', 'sending', 'failed') AND state <> 'sent'",
        (room, transaction_id),
    )
    delete(work, row)
    work.touch(room, lines=True)
    if kind == ActKind.EDIT:
        settle_edit(work, room, target)


def requeue(work: Work) -> None:
    """What was being sent when the last process ended is to be sent again."""
    rows = work.connection.execute(
        "SELECT number, room FROM event WHERE state = 'sending' AND state <> 'sent'"
    ).fetchall()
    for row, room in rows:
        state, failure = _state_in(work.connection, room, _recipient(work, row))
        _write_state(work, row, room, state, failure)


def unsent(work: Work, transaction_id: TransactionId) -> tuple[int, int] | None:
    """The row and the room of something of ours that the server has not taken yet."""
    found: tuple[int, int, str] | None = work.connection.execute(
        "SELECT number, room, state FROM event WHERE transaction_id = ? AND event_id IS NULL",
        (transaction_id,),
    ).fetchone()
    return found[:2] if found is not None and found[2] in _UNSENT else None


def read_here(work: Work, user_id: UserId, private: bool) -> None:
    """Everything on show is read; journals a receipt for what others wrote since the last one."""
    connection = work.connection
    rooms = connection.execute(
        "SELECT number, room_id, marked FROM room WHERE person = ? AND membership = 'join'",
        (user_id,),
    ).fetchall()
    for room, room_id, marked in rooms:
        newest = connection.execute(
            "SELECT t.position, e.event_id FROM timeline t JOIN event e ON e.number = t.event"
            " WHERE t.room = ? AND t.position < ? ORDER BY t.position DESC LIMIT 1",
            (room, ECHO),
        ).fetchone()
        if newest is None:
            continue
        position, event_id = newest
        if move(connection, room, work.me, position):
            work.touch(room, lines=True)
        if number(
            connection,
            "SELECT 1 FROM timeline t JOIN event e ON e.number = t.event WHERE t.room = ?"
            " AND t.position > ? AND t.position < ? AND e.sender <> ? LIMIT 1",
            (room, -ECHO if marked is None else marked, ECHO, work.me),
        ):
            connection.execute("UPDATE room SET marked = ? WHERE number = ?", (position, room))
            _journal_receipt(work, MarkRead(RoomId(room_id), EventId(event_id), private))


def _journal_receipt(work: Work, wish: MarkRead) -> None:
    """In place of an older pending one, under a new number: the old one may be on its way."""
    for entry in intents.pending(work.connection):
        if isinstance(entry.intent, MarkRead) and entry.intent.room_id == wish.room_id:
            work.connection.execute("DELETE FROM intent WHERE number = ?", (entry.number,))
    intents.add(work, wish)
