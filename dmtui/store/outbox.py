"""Messages of ours on their way: queued in order, shown at once, met later by the server's copy."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from dmtui.core.fold import Weight
from dmtui.core.intents import DELIVERY, MarkRead, Outcome
from dmtui.core.model import (
    EventId,
    Kind,
    Milliseconds,
    RoomId,
    SendState,
    TransactionId,
    UserId,
)
from dmtui.store import intents, upgrades
from dmtui.store.belonging import NOW_A_GROUP, is_for_fewer
from dmtui.store.database import number, text
from dmtui.store.events import adopt
from dmtui.store.positions import ECHO, echo
from dmtui.store.receipts import move
from dmtui.store.rooms import ensure_room, is_encrypted
from dmtui.store.search_index import purge
from dmtui.store.work import Work

DISCARDED = Outcome(False, "The message was discarded.")
_UNSENT = (SendState.QUEUED, SendState.SENDING, SendState.FAILED)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A queued message, ready to be sent."""

    transaction_id: TransactionId
    room_id: RoomId
    user_id: UserId
    body: str
    encrypted: bool


def queue(
    work: Work,
    user_id: UserId,
    room_id: RoomId,
    transaction_id: TransactionId,
    body: str,
    at: Milliseconds,
    keep_draft: bool = False,
) -> None:
    """The local echo, at the end of the conversation; what came before it is read."""
    connection = work.connection
    room = ensure_room(work, room_id)
    if number(connection, "SELECT number FROM event WHERE transaction_id = ?", (transaction_id,)):
        return
    state, failure = _state_in(connection, room, user_id)
    inserted = connection.execute(
        "INSERT INTO event (room, transaction_id, sender, sent_at, type, body, encrypted, state,"
        " failure, recipient) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            room,
            transaction_id,
            work.me,
            at,
            Kind.TEXT,
            body,
            is_encrypted(work, room),
            state,
            failure,
            user_id,
        ),
    )
    row = inserted.lastrowid or 0
    connection.execute(
        "INSERT INTO timeline (room, position, event, weight) VALUES (?, ?, ?, ?)",
        (room, echo(room, row), row, Weight.MESSAGE),
    )
    newest = number(
        connection,
        "SELECT max(position) FROM timeline WHERE room = ? AND position < ?",
        (room, ECHO),
    )
    if newest is not None:
        move(connection, room, work.me, newest)
    if not keep_draft:
        set_draft(work, user_id, "")
    work.touch(room, lines=True)


def set_draft(work: Work, user_id: UserId, text: str, meant_for: UserId | None = None) -> bool:
    """Keep what is typed but not sent; false if it was the same.

    ``meant_for``: a group's draft was typed to this person alone; that holds until it is sent.
    """
    if text:
        kept = work.connection.execute(
            "INSERT INTO draft (user_id, text, meant_for) VALUES (?, ?, ?) ON CONFLICT (user_id)"
            " DO UPDATE SET text = excluded.text,"
            " meant_for = coalesce(meant_for, excluded.meant_for) WHERE text <> excluded.text"
            " OR meant_for IS NOT coalesce(meant_for, excluded.meant_for)",
            (user_id, text, meant_for),
        )
    else:
        kept = work.connection.execute("DELETE FROM draft WHERE user_id = ?", (user_id,))
    return bool(kept.rowcount)


def next_outgoing(connection: sqlite3.Connection, busy: Collection[RoomId]) -> Outgoing | None:
    """The oldest queued message of a room that is not busy."""
    rows = connection.execute(
        "SELECT e.transaction_id, r.room_id, coalesce(e.recipient, r.person, ''), e.body,"
        " r.encrypted OR e.encrypted FROM event e JOIN room r ON r.number = e.room"
        " WHERE e.state = 'queued' AND e.state <> 'sent' ORDER BY e.number"
    )
    for transaction_id, room_id, user_id, body, encrypted in rows:
        if room_id not in busy:
            return Outgoing(
                TransactionId(transaction_id), room_id, UserId(user_id), body, bool(encrypted)
            )
    return None


def set_state(
    work: Work, transaction_id: TransactionId, state: SendState, failure: str = ""
) -> None:
    """Record how far an unsent message is; one that was sent stays sent.

    Only what is queued still can be on its way: it may have been parked, or taken back, since.
    """
    found = _unsent(work, transaction_id)
    if found is None:
        return
    row, room = found
    queued = "SELECT 1 FROM event WHERE number = ? AND state = 'queued'"
    if state is SendState.SENDING and number(work.connection, queued, (row,)) is None:
        return
    if state is SendState.QUEUED:
        state, failure = _state_in(work.connection, room, _recipient(work, row))
    _write_state(work, row, room, state, failure)


def _write_state(work: Work, row: int, room: int, state: SendState, failure: str) -> None:
    work.connection.execute(
        "UPDATE event SET state = ?, failure = ? WHERE number = ?", (state, failure, row)
    )
    work.touch(room, lines=True)


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
    found = _unsent(work, transaction_id)
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
    found = _unsent(work, transaction_id)
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
    """Remove a message that is not on its way."""
    found = _unsent(work, transaction_id)
    if found is None:
        return
    row, room = found
    if number(
        work.connection, "SELECT 1 FROM event WHERE number = ? AND state = 'sending'", (row,)
    ):
        return
    purge(work)
    work.connection.execute("DELETE FROM timeline WHERE event = ?", (row,))
    work.connection.execute("DELETE FROM event WHERE number = ?", (row,))
    work.touch(room, lines=True)
    wish = transaction_id.removeprefix(DELIVERY)
    if wish != transaction_id and wish.isdecimal():
        intents.settle(work, int(wish), DISCARDED)  # else it would be queued again


def requeue(work: Work) -> None:
    """What was being sent when the last process ended is to be sent again."""
    rows = work.connection.execute(
        "SELECT number, room FROM event WHERE state = 'sending' AND state <> 'sent'"
    ).fetchall()
    for row, room in rows:
        state, failure = _state_in(work.connection, room, _recipient(work, row))
        _write_state(work, row, room, state, failure)


def _unsent(work: Work, transaction_id: TransactionId) -> tuple[int, int] | None:
    found: tuple[int, int, str] | None = work.connection.execute(
        "SELECT number, room, state FROM event WHERE transaction_id = ? AND event_id IS NULL",
        (transaction_id,),
    ).fetchone()
    return found[:2] if found is not None and found[2] in _UNSENT else None


def read_here(work: Work, user_id: UserId) -> None:
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
            _journal_receipt(work, MarkRead(RoomId(room_id), EventId(event_id)))


def _journal_receipt(work: Work, wish: MarkRead) -> None:
    """In place of an older pending one, under a new number: the old one may be on its way."""
    for entry in intents.pending(work.connection):
        if isinstance(entry.intent, MarkRead) and entry.intent.room_id == wish.room_id:
            work.connection.execute("DELETE FROM intent WHERE number = ?", (entry.number,))
    intents.add(work, wish)
