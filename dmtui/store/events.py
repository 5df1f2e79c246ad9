"""Facts of events: one row each, met by echoes, edits, redactions and late keys in any order."""

from __future__ import annotations

from dataclasses import dataclass

from dmtui.core.events import (
    Content,
    Edit,
    Line,
    MembershipChange,
    Reaction,
    Redaction,
    TimelineEvent,
    Undecryptable,
)
from dmtui.core.fold import Weight, edit_applies, line_kind, membership_line, weight
from dmtui.core.model import ActKind, EventId, Kind, Safe, SendState, UserId
from dmtui.store.attachments import write_attachment
from dmtui.store.contacts import petname_of
from dmtui.store.database import number, text
from dmtui.store.positions import ECHO
from dmtui.store.receipts import pass_receipts
from dmtui.store.search_index import purge
from dmtui.store.work import Work

_LINES = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class Facts:
    """The content's columns of an event row.

    ``reply_to``, ``thread`` and ``target`` name other events; one of ours that has no event ID yet
    is named by its transaction ID.
    """

    type: str
    body: str = ""
    formatted: str = ""
    reply_to: str | None = None
    target: str | None = None
    session: str | None = None
    raw: str | None = None
    thread: str | None = None
    attachment: str | None = None


def facts_of(work: Work, room: int, sender: UserId, content: Content) -> Facts:
    match content:
        case Line(kind, body, formatted, reply_to, thread, attachment):
            column = write_attachment(attachment)
            return Facts(kind, body, formatted, reply_to, thread=thread, attachment=column)
        case Edit(target, line):
            column = write_attachment(line.attachment)
            return Facts("edit", line.body, line.formatted, target=target, attachment=column)
        case Redaction(target):
            return Facts("redaction", target=target)
        case Reaction(target, key):
            return Facts("reaction", key, target=target)
        case Undecryptable(session_id, raw, reason):
            return Facts(Kind.UNDECRYPTABLE, reason, session=session_id, raw=raw)
        case MembershipChange(member=member):
            named = member.name or _known_name(work, room, member.user_id)
            by = _known_name(work, room, sender)
            if sender != member.user_id:  # else it is told when it is read
                named = petname_of(work.connection, member.user_id) or named
                by = petname_of(work.connection, sender) or by
            return Facts(Kind.MEMBERSHIP, membership_line(content, sender, by, named))


def _known_name(work: Work, room: int, user_id: UserId) -> Safe:
    sql = "SELECT name FROM member WHERE room = ? AND user_id = ?"
    return Safe(text(work.connection, sql, (room, user_id)) or "")


def position_of(work: Work, room: int, event_id: EventId) -> int | None:
    """Where the server's order has the event; ``None`` if unknown or an unconfirmed echo."""
    return number(
        work.connection,
        "SELECT t.position FROM event e JOIN timeline t ON t.event = e.number"
        " WHERE e.room = ? AND e.event_id = ? AND t.position < ?",
        (room, event_id, ECHO),
    )


def put(work: Work, room: int, event: TimelineEvent, position: int) -> None:
    """Write the event at the position; an echo of ours that it is the server's copy of moves."""
    facts = facts_of(work, room, event.sender, event.content)
    own = event.sender == work.me
    heavy = weight(line_kind(event.content), own, facts.body)
    row = _echo_of(work, room, event)
    if row is None:
        row = _insert(work, room, event, facts)
    else:
        _confirm(work, row, event, facts)
        if _is_act(work, row):  # also where its own copy can't be read
            heavy = Weight.HIDDEN
    work.connection.execute("DELETE FROM timeline WHERE event = ?", (row,))
    work.connection.execute(
        "INSERT INTO timeline (room, position, event, weight) VALUES (?, ?, ?, ?)",
        (room, position, row, heavy),
    )
    work.touch(room, lines=True)
    _relate(work, room, event.event_id, event.content)
    reads = event.sender if heavy >= Weight.MESSAGE else None
    pass_receipts(work.connection, room, event.event_id, position, reads)


def heal(work: Work, room: int, event: TimelineEvent) -> bool:
    """Replace an undecryptable event by what it says; false if there is none to heal.

    One that stays undecryptable may have another reason now.
    """
    row = number(
        work.connection,
        "SELECT number FROM event WHERE room = ? AND event_id = ? AND type = ?",
        (room, event.event_id, Kind.UNDECRYPTABLE),
    )
    if row is None:
        return False
    if isinstance(event.content, Undecryptable):
        _tell_reason(work, row, room, event.content.reason)
        return False
    facts = facts_of(work, room, event.sender, event.content)
    _rewrite(work, row, event, facts)
    heavy = weight(line_kind(event.content), event.sender == work.me, facts.body)
    work.connection.execute("UPDATE timeline SET weight = ? WHERE event = ?", (heavy, row))
    work.touch(room, lines=True)
    _relate(work, room, event.event_id, event.content)
    return True


def _tell_reason(work: Work, row: int, room: int, reason: str) -> None:
    told = work.connection.execute(
        "UPDATE event SET body = ? WHERE number = ? AND body <> ?", (reason, row, reason)
    )
    if told.rowcount:
        work.touch(room, lines=True)


def adopt(work: Work, row: int, room: int, event_id: EventId) -> None:
    """The message of ours in ``row`` became this event, which sync may have brought already."""
    connection = work.connection
    twin = connection.execute(
        "SELECT e.number, t.position FROM event e LEFT JOIN timeline t ON t.event = e.number"
        " WHERE e.room = ? AND e.event_id = ? AND e.number <> ?",
        (room, event_id, row),
    ).fetchone()
    if twin is not None:
        delete(work, twin[0])
        if twin[1] is not None:
            connection.execute("UPDATE timeline SET position = ? WHERE event = ?", (twin[1], row))
    connection.execute(
        "UPDATE event SET event_id = ?, state = ?, failure = '' WHERE number = ?",
        (event_id, SendState.SENT, row),
    )
    work.touch(room, lines=True)
    _resolve(work, row, room, event_id)
    kind, target = connection.execute(
        "SELECT type, target FROM event WHERE number = ?", (row,)
    ).fetchone()
    if kind == ActKind.REDACTION:
        _redact(work, room, target, event_id)
        return
    _meet(work, room, event_id)
    if kind == ActKind.EDIT:
        settle_edit(work, room, target)


def _resolve(work: Work, row: int, room: int, event_id: EventId) -> None:
    """What waits to be sent and points at the message of ours in ``row`` gets its event ID."""
    work.connection.execute(
        "UPDATE event SET target = iif(target = ?1, ?2, target),"
        " reply_to = iif(reply_to = ?1, ?2, reply_to), thread = iif(thread = ?1, ?2, thread)"
        " WHERE state IN ('queued', 'sending', 'failed') AND state <> 'sent' AND room = ?3"
        " AND ?1 IN (target, reply_to, thread)",
        (_transaction(work, row), event_id, room),
    )


def _transaction(work: Work, row: int) -> str | None:
    sql = "SELECT transaction_id FROM event WHERE number = ?"
    return text(work.connection, sql, (row,))


def _is_act(work: Work, row: int) -> bool:
    kind = text(work.connection, "SELECT type FROM event WHERE number = ?", (row,))
    return kind not in _LINES


def _echo_of(work: Work, room: int, event: TimelineEvent) -> int | None:
    """The row that already stands for the event: our echo, by transaction or by event ID."""
    by_id = number(
        work.connection,
        "SELECT number FROM event WHERE room = ? AND event_id = ?",
        (room, event.event_id),
    )
    if event.transaction_id is None or event.sender != work.me:
        return by_id
    by_transaction = number(
        work.connection,
        "SELECT number FROM event WHERE room = ? AND transaction_id = ?",
        (room, event.transaction_id),
    )
    if by_transaction is None:
        return by_id
    if by_id is not None and by_id != by_transaction:
        delete(work, by_id)
    return by_transaction


def _insert(work: Work, room: int, event: TimelineEvent, facts: Facts) -> int:
    inserted = work.connection.execute(
        "INSERT INTO event (room, event_id, sender, sent_at, type, body, formatted, reply_to,"
        " thread, target, encrypted, session, raw, doubt, attachment)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            room,
            event.event_id,
            event.sender,
            event.sent_at,
            facts.type,
            facts.body,
            facts.formatted,
            facts.reply_to,
            facts.thread,
            facts.target,
            event.encrypted,
            facts.session,
            facts.raw,
            event.doubt,
            facts.attachment,
        ),
    )
    assert inserted.lastrowid is not None  # noqa: S101 - an INSERT always has one
    return inserted.lastrowid


def _confirm(work: Work, row: int, event: TimelineEvent, facts: Facts) -> None:
    """The server's copy of our echo; what we typed stays if the copy can't be read."""
    work.connection.execute(
        "UPDATE event SET event_id = ?, state = ?, failure = '' WHERE number = ?",
        (event.event_id, SendState.SENT, row),
    )
    room = number(work.connection, "SELECT room FROM event WHERE number = ?", (row,)) or 0
    _resolve(work, row, room, event.event_id)
    if not isinstance(event.content, Undecryptable):
        _rewrite(work, row, event, facts)


def _rewrite(work: Work, row: int, event: TimelineEvent, facts: Facts) -> None:
    work.connection.execute(
        "UPDATE event SET sent_at = ?, type = ?, body = ?, formatted = ?, reply_to = ?,"
        " thread = ?, target = ?, encrypted = ?, session = ?, raw = ?, doubt = ?, attachment = ?"
        " WHERE number = ?",
        (
            event.sent_at,
            facts.type,
            facts.body,
            facts.formatted,
            facts.reply_to,
            facts.thread,
            facts.target,
            event.encrypted,
            facts.session,
            facts.raw,
            event.doubt,
            facts.attachment,
            row,
        ),
    )


def delete(work: Work, row: int) -> None:
    """Forget the event."""
    work.connection.execute("DELETE FROM timeline WHERE event = ?", (row,))
    work.connection.execute("UPDATE event SET edit = NULL WHERE edit = ?", (row,))
    work.connection.execute("DELETE FROM event WHERE number = ?", (row,))


def _relate(work: Work, room: int, event_id: EventId, content: Content) -> None:
    """Change what the event points at, and meet what points at the event."""
    match content:
        case Edit(target=target):
            _meet(work, room, event_id)
            settle_edit(work, room, target)
        case Redaction(target=target):
            _redact(work, room, target, event_id)
        case _:
            _meet(work, room, event_id)


def _meet(work: Work, room: int, event_id: EventId) -> None:
    """Apply the edits and the redaction that came before the event itself."""
    redaction = text(
        work.connection,
        "SELECT event_id FROM event WHERE room = ? AND target = ? AND type = 'redaction'",
        (room, event_id),
    )
    if redaction is not None:
        _redact(work, room, event_id, EventId(redaction))
    else:
        settle_edit(work, room, event_id)


def row_named(work: Work, room: int, name: str) -> int | None:
    """The event of this ID, or the one of ours of this transaction ID that has none yet."""
    if name.startswith("$"):
        sql = "SELECT number FROM event WHERE room = ? AND event_id = ?"
    else:
        sql = "SELECT number FROM event WHERE room = ? AND transaction_id = ?"
    return number(work.connection, sql, (room, name))


def settle_edit(work: Work, room: int, target: str) -> None:
    """Show the newest edit that may change the target, or the original without one.

    One of ours that is on its way is newer than what the server has.
    """
    connection = work.connection
    original = connection.execute(
        "SELECT number, type, sender, encrypted, edit, redacted_by FROM event WHERE number = ?",
        (row_named(work, room, target),),
    ).fetchone()
    if original is None or original[5] is not None or original[1] not in _LINES:
        return
    row, kind, sender, encrypted, shown, _ = original
    newest = None
    for edit, editor, edit_encrypted in connection.execute(
        "SELECT number, sender, encrypted FROM event WHERE room = ? AND target = ?"
        " AND type = 'edit' AND redacted_by IS NULL AND state <> 'failed'"
        " ORDER BY state = 'sent', iif(state = 'sent', sent_at, number) DESC, event_id DESC",
        (room, target),
    ):
        if edit_applies(Kind(kind), sender, bool(encrypted), editor, bool(edit_encrypted)):
            newest = edit
            break
    if newest != shown:
        connection.execute("UPDATE event SET edit = ? WHERE number = ?", (newest, row))
        work.touch(room, lines=True)


def _redact(work: Work, room: int, target: str, redaction: EventId) -> None:
    """Wipe the target, and what an edit had changed goes back."""
    connection = work.connection
    found = connection.execute(
        "SELECT number, type, target, redacted_by FROM event WHERE room = ? AND event_id = ?",
        (room, target),
    ).fetchone()
    if found is None:
        return
    row, kind, edited, redacted_by = found
    line = kind in _LINES
    done = kind == Kind.REDACTED or not line  # else its copy came after the deletion
    if kind in (Kind.MEMBERSHIP, "redaction") or (redacted_by is not None and done):
        return
    purge(work)
    connection.execute(
        "UPDATE event SET redacted_by = ?, body = '', formatted = '', edit = NULL,"
        " attachment = NULL, preview = NULL, session = NULL, raw = NULL, doubt = '', type = ?"
        " WHERE number = ?",
        (redaction, Kind.REDACTED if line else kind, row),
    )
    if line:
        connection.execute(
            "UPDATE event SET body = '', formatted = '', attachment = NULL, preview = NULL"
            " WHERE room = ? AND target = ? AND type = 'edit'",
            (room, target),
        )
        connection.execute("UPDATE timeline SET weight = ? WHERE event = ?", (Weight.MESSAGE, row))
    work.touch(room, lines=True)
    if kind == "edit":
        settle_edit(work, room, edited)
