"""What the messages of a page answer, what others say to them, and what I am doing to them."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, replace

from dmtui.core.fold import bare_emoji
from dmtui.core.formatted import in_passing
from dmtui.core.model import (
    Act,
    ActKind,
    Kind,
    Milliseconds,
    Quote,
    Reactions,
    Safe,
    SendState,
    TransactionId,
    UserId,
)
from dmtui.core.names import localpart


def going(event: str) -> str:
    """SQL: whether I have deleted the event of this alias, which the server does not know yet."""
    return (
        f"EXISTS (SELECT 1 FROM event going WHERE going.room = {event}.room"  # noqa: S608 - ours
        f" AND going.target = coalesce({event}.event_id, {event}.transaction_id)"
        " AND going.type = 'redaction' AND going.state IN ('queued', 'sending'))"
    )


_NAME = (
    "coalesce((SELECT nullif(c.petname, '') FROM contact c WHERE c.user_id = {0}.sender),"
    " (SELECT m.name FROM member m WHERE m.room = {0}.room AND m.user_id = {0}.sender))"
)
_LINES = frozenset(Kind)
_PLACED = "FROM timeline t JOIN event e ON e.number = t.event"
_RANGE = "t.room = ? AND t.position >= ? AND t.position <= ? AND t.weight > 0"


@dataclass(frozen=True, slots=True)
class Relations:
    """By the number of the message; ``deleting`` are those that I have deleted just now."""

    quotes: dict[int, Quote]
    reactions: dict[int, tuple[Reactions, ...]]
    acts: dict[int, tuple[Act, ...]]
    deleting: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Given:
    """One reaction: who gave it and how far it is."""

    emoji: Safe
    sender: UserId
    name: Safe
    state: str


def relations(
    connection: sqlite3.Connection, me: UserId, room: int, first: int, last: int
) -> Relations:
    """Those of the room's messages from one position to another, both included."""
    place = (room, first, last)
    acts, deleting = _acts(connection, room)
    return Relations(
        _quotes(connection, me, place),
        _reactions(connection, me, place),
        acts,
        deleting,
    )


def edit_times(connection: sqlite3.Connection, key: str) -> tuple[Milliseconds, ...]:
    """When the message was edited, oldest first."""
    rows = connection.execute(
        "SELECT x.sent_at FROM event e JOIN event x ON x.room = e.room"
        " AND x.target = coalesce(e.event_id, e.transaction_id) WHERE e.number = ?"
        " AND x.type = 'edit' AND x.sender = e.sender AND x.redacted_by IS NULL ORDER BY x.sent_at",
        (key,),
    )
    return tuple(row[0] for row in rows)


def _quotes(
    connection: sqlite3.Connection, me: UserId, place: tuple[int, int, int]
) -> dict[int, Quote]:
    rows = connection.execute(
        "SELECT e.number, e.thread IS NOT NULL, q.number, q.sender,"  # noqa: S608 - ours
        f" iif({going('q')}, 'redacted', q.type), coalesce(d.body, q.body),"
        f" coalesce(d.formatted, q.formatted), {_NAME.format('q')}"
        f" {_PLACED} LEFT JOIN event q ON q.number ="
        " coalesce((SELECT number FROM event WHERE room = e.room"
        " AND event_id = coalesce(e.reply_to, e.thread)),"
        " (SELECT number FROM event WHERE transaction_id = e.reply_to))"
        f" LEFT JOIN event d ON d.number = q.edit WHERE {_RANGE} AND e.type <> 'redacted'"
        " AND coalesce(e.reply_to, e.thread) IS NOT NULL",
        place,
    )
    return {row[0]: _quote(me, row) for row in rows}


def _quote(
    me: UserId,
    row: tuple[
        *tuple[int, int, int | None, UserId | None],
        *tuple[str | None, str | None, str | None, str | None],
    ],
) -> Quote:
    _, thread, key, sender, kind, body, html, name = row
    if key is None or sender is None or kind not in _LINES:  # nobody can answer a reaction
        return Quote("", Safe(""), False, None, Safe(""), bool(thread))
    shown = Safe(name) if name else localpart(sender)
    said = in_passing(Safe(body or ""), html or "")
    return Quote(str(key), shown, sender == me, Kind(kind), said, bool(thread))


def _reactions(
    connection: sqlite3.Connection, me: UserId, place: tuple[int, int, int]
) -> dict[int, tuple[Reactions, ...]]:
    rows = connection.execute(
        f"SELECT e.number, x.body, x.sender, {_NAME.format('x')}, x.state"
        f" {_PLACED} JOIN event x ON x.room = e.room"
        " AND x.target = coalesce(e.event_id, e.transaction_id) AND x.type = 'reaction'"
        " AND x.redacted_by IS NULL AND x.state <> 'failed'"
        f" WHERE {_RANGE} AND e.type <> 'redacted'"
        f" AND NOT {going('x')}"
        " ORDER BY x.number",
        place,
    )
    found: defaultdict[int, list[_Given]] = defaultdict(list)
    for row, emoji, sender, name, state in rows:
        found[row].append(
            _Given(Safe(emoji), sender, Safe(name) if name else localpart(sender), state)
        )
    return {row: _together(me, given) for row, given in found.items()}


def _together(me: UserId, given: list[_Given]) -> tuple[Reactions, ...]:
    """One for each emoji, and everybody once."""
    kinds: defaultdict[str, dict[UserId, _Given]] = defaultdict(dict)
    for one in given:
        kinds[bare_emoji(one.emoji)].setdefault(one.sender, one)
    return tuple(
        Reactions(
            next(iter(kind.values())).emoji,
            tuple(one.name for one in kind.values()),
            me in kind,
            me in kind and kind[me].state != SendState.SENT,
        )
        for kind in kinds.values()
    )


def _acts(
    connection: sqlite3.Connection, room: int
) -> tuple[dict[int, tuple[Act, ...]], frozenset[int]]:
    """What is not sent yet in the room, of reactions too; and which messages it deletes."""
    waiting = connection.execute(
        "SELECT transaction_id, type, state, failure, target FROM event WHERE room = ?"
        " AND state IN ('queued', 'sending', 'failed') AND state <> 'sent'"
        " AND target IS NOT NULL ORDER BY number",
        (room,),
    ).fetchall()
    acts: defaultdict[int, tuple[Act, ...]] = defaultdict(tuple)
    deleting = set()
    for transaction_id, kind, state, failure, target in waiting:
        act = Act(TransactionId(transaction_id), ActKind(kind), SendState(state), failure)
        row, of, about = _named(connection, room, target)
        if about is not None:
            row, _, _ = _named(connection, room, about)
            act = replace(act, kind=ActKind.REACTION) if of == ActKind.REACTION else act
        elif act.kind is ActKind.REDACTION and act.state is not SendState.FAILED:
            deleting.add(row)
        acts[row] += (act,)
    return acts, frozenset(deleting)


def _named(connection: sqlite3.Connection, room: int, name: str) -> tuple[int, str, str | None]:
    """The event's number, its type, and what it is itself done to."""
    row: tuple[int, str, str | None] | None = connection.execute(
        "SELECT number, type, target FROM event WHERE room = ?1"
        " AND (event_id = ?2 OR transaction_id = ?2)",
        (room, name),
    ).fetchone()
    return row or (0, "", None)
