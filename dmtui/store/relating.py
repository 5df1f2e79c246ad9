"""What we do to messages that are there: edited, reacted to, deleted; queued like messages.

What the server cannot have seen is changed in place, or taken out of the queue.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from dmtui.core.events import Change, Edit, Line, Reaction, Redaction
from dmtui.core.fold import bare_emoji
from dmtui.core.model import (
    ActKind,
    EventId,
    Kind,
    Message,
    Milliseconds,
    Safe,
    SendState,
    TransactionId,
    UserId,
)
from dmtui.store import outbox
from dmtui.store.belonging import NOW_A_GROUP
from dmtui.store.database import Database, number
from dmtui.store.events import settle_edit
from dmtui.store.reading import message_at, readers
from dmtui.store.relations import edit_times
from dmtui.store.work import Work

_LINES = frozenset(Kind)
_EDITABLE = (Kind.TEXT, Kind.NOTICE, Kind.EMOTE)


class RelationRecords:
    """Part of the store; messages go by their keys.

    A write changes nothing where it can't be done any more.
    """

    def __init__(
        self, database: Database, write: Callable[[], AbstractContextManager[Work]], me: UserId
    ):
        self._database = database
        self._write = write
        self._me = me

    def edit_times(self, key: str) -> tuple[Milliseconds, ...]:
        """When the message was edited, oldest first."""
        with self._database.read() as connection:
            return edit_times(connection, key)

    def readers(self, key: str) -> tuple[tuple[Safe, Milliseconds], ...]:
        """Who else has read the message, and when at the latest."""
        with self._database.read() as connection:
            return readers(connection, key, self._me)

    def message(self, key: str) -> Message | None:
        """One message, wherever it is."""
        with self._database.read() as connection:
            return message_at(connection, self._me, int(key))

    def edit(
        self, key: str, transaction_id: TransactionId, line: Line, at: Milliseconds
    ) -> frozenset[Change]:
        """Change a message of mine; one that was not sent yet is sent as this."""
        with self._write() as work:
            _edit(work, key, transaction_id, line, at)
        return work.done

    def react(
        self, key: str, transaction_id: TransactionId, emoji: Safe, at: Milliseconds
    ) -> frozenset[Change]:
        """React to a message, or take the same reaction back."""
        with self._write() as work:
            _react(work, key, transaction_id, emoji, at)
        return work.done

    def delete(
        self, key: str, transaction_id: TransactionId, at: Milliseconds
    ) -> frozenset[Change]:
        """Delete a message of mine for everybody; one that was not sent is just gone."""
        with self._write() as work:
            _delete(work, key, transaction_id, at)
        return work.done


@dataclass(frozen=True, slots=True)
class _Row:
    """An event to act upon; ``name`` is its event ID, or our transaction ID before it has one.

    ``unseen``: the server has not got it, and does not get it now.
    """

    number: int
    room: int
    name: EventId
    kind: str
    own: bool
    failed: bool
    unseen: bool
    owner: UserId
    sent_at: Milliseconds


_COLUMNS = (
    "SELECT e.number, e.room, coalesce(e.event_id, e.transaction_id), e.type, e.sender = ?,"
    " e.state = 'failed', iif(e.state = 'failed', NOT e.tried OR e.failure <> ?,"
    " e.state = 'queued' AND NOT e.tried),"
    " coalesce(r.person, e.recipient, ''), e.sent_at FROM event e JOIN room r ON r.number = e.room"
)


def _row(work: Work, where: str, value: str | int) -> _Row | None:
    found = work.connection.execute(
        f"{_COLUMNS} WHERE {where}", (work.me, NOW_A_GROUP, value)
    ).fetchone()
    return None if found is None else _Row(*found)


def _edit(
    work: Work, key: str, transaction_id: TransactionId, line: Line, at: Milliseconds
) -> None:
    row = _row(work, "e.number = ?", key)
    if row is None or not row.own or row.kind not in _EDITABLE or _is_doomed(work, row):
        return
    if row.unseen:
        work.connection.execute(
            "UPDATE event SET body = ?, formatted = ? WHERE number = ?",
            (line.body, line.formatted, row.number),
        )
        _send_again(work, row)
        return
    for waiting in _acts(work, row, ActKind.EDIT):
        if waiting.unseen:
            outbox.remove(work, waiting.number, row.room)
    change = Edit(row.name, line)
    outbox.insert(work, row.room, row.owner, transaction_id, change, _after(work, row, at))
    settle_edit(work, row.room, row.name)


def _after(work: Work, row: _Row, at: Milliseconds) -> Milliseconds:
    """When the edit is made: after the others, whatever our clock says."""
    sql = "SELECT max(sent_at) FROM event WHERE room = ? AND target = ? AND type = 'edit'"
    latest = number(work.connection, sql, (row.room, row.name)) or 0
    return max(at, row.sent_at + 1, latest + 1)


def _react(
    work: Work, key: str, transaction_id: TransactionId, emoji: Safe, at: Milliseconds
) -> None:
    row = _row(work, "e.number = ?", key)
    if row is None or row.kind not in _LINES or _is_doomed(work, row):
        return
    bare = bare_emoji(emoji)
    same = [(each, body) for each, body in _reactions(work, row) if bare_emoji(body) == bare]
    mine = [each for each, _ in same if each.own]
    if mine and _change_mind(work, mine[-1], transaction_id, at):
        return
    spelt = same[0][1] if same else emoji  # so that every client counts them as one
    outbox.insert(work, row.room, row.owner, transaction_id, Reaction(row.name, spelt), at)


def _change_mind(
    work: Work, reaction: _Row, transaction_id: TransactionId, at: Milliseconds
) -> bool:
    """Take the reaction back, or leave it there after all; false where it goes in any case."""
    undone = _acts(work, reaction, ActKind.REDACTION)
    if undone and not undone[-1].failed:
        if undone[-1].unseen:
            outbox.remove(work, undone[-1].number, reaction.room)
        return undone[-1].unseen
    if undone:
        _send_again(work, undone[-1])
    elif reaction.failed:
        _send_again(work, reaction)
    elif reaction.unseen:
        outbox.remove(work, reaction.number, reaction.room)
    else:
        redaction = Redaction(reaction.name)
        outbox.insert(work, reaction.room, reaction.owner, transaction_id, redaction, at)
    return True


def _delete(work: Work, key: str, transaction_id: TransactionId, at: Milliseconds) -> None:
    row = _row(work, "e.number = ?", key)
    if row is None or not row.own or row.kind not in _LINES or row.kind == Kind.REDACTED:
        return
    if row.unseen:
        outbox.discard(work, TransactionId(row.name))
        return
    waiting = _acts(work, row, ActKind.REDACTION)
    for redaction in waiting:
        _send_again(work, redaction)
    if waiting:
        return
    outbox.insert(work, row.room, row.owner, transaction_id, Redaction(row.name), at)
    for place, edit in enumerate(_edits(work, row), start=1):
        if edit.unseen:
            outbox.remove(work, edit.number, row.room)
        else:  # else the server keeps what the message said last
            own = TransactionId(f"{transaction_id}-{place}")
            outbox.insert(work, row.room, row.owner, own, Redaction(edit.name), at)


def settle_upon(work: Work, transaction_id: TransactionId) -> None:
    """A message could not be sent: what was done to it meanwhile is done to what is kept here."""
    row = _row(work, "e.transaction_id = ? AND e.state = 'failed'", transaction_id)
    if row is None:
        return
    if _acts(work, row, ActKind.REDACTION):
        outbox.discard(work, transaction_id)
        return
    for edit in _acts(work, row, ActKind.EDIT):
        work.connection.execute(
            "UPDATE event SET (body, formatted) ="
            " (SELECT body, formatted FROM event WHERE number = ?) WHERE number = ?",
            (edit.number, row.number),
        )
        outbox.remove(work, edit.number, row.room)


def _is_doomed(work: Work, row: _Row) -> bool:
    """Whether it is deleted, or about to be."""
    return row.kind == Kind.REDACTED or bool(_acts(work, row, ActKind.REDACTION))


def _acts(work: Work, row: _Row, kind: ActKind) -> list[_Row]:
    """Those of ours upon the event that are not sent, in the order they were done."""
    found = work.connection.execute(
        "SELECT number FROM event WHERE room = ? AND target = ? AND type = ? AND state <> ?"
        " ORDER BY number",
        (row.room, row.name, kind, SendState.SENT),
    ).fetchall()
    rows = (_row(work, "e.number = ?", each) for (each,) in found)
    return [each for each in rows if each is not None]


def _edits(work: Work, row: _Row) -> list[_Row]:
    """Those of mine that are not deleted themselves."""
    found = work.connection.execute(
        "SELECT number FROM event WHERE room = ? AND target = ? AND type = 'edit' AND sender = ?"
        " AND redacted_by IS NULL ORDER BY number",
        (row.room, row.name, work.me),
    ).fetchall()
    rows = (_row(work, "e.number = ?", each) for (each,) in found)
    return [each for each in rows if each is not None]


def _reactions(work: Work, row: _Row) -> list[tuple[_Row, Safe]]:
    found = work.connection.execute(
        "SELECT number, body FROM event WHERE room = ? AND target = ? AND type = 'reaction'"
        " AND redacted_by IS NULL ORDER BY number",
        (row.room, row.name),
    ).fetchall()
    rows = [(_row(work, "e.number = ?", each), body) for each, body in found]
    return [(each, body) for each, body in rows if each is not None]


def _send_again(work: Work, row: _Row) -> None:
    outbox.send_again(work, TransactionId(row.name))
