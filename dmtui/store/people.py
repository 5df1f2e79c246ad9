"""The people list: one row per person, rewritten for those whom a transaction touched."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from dmtui.core.direct import Candidate, rank
from dmtui.core.events import Change, ConversationsChanged, TimelineChanged
from dmtui.core.fold import Weight, group_name, latest_name, peer_state, preview
from dmtui.core.formatted import in_passing
from dmtui.core.intents import DirectAction
from dmtui.core.lookalikes import skeleton
from dmtui.core.model import (
    Conversation,
    Kind,
    Membership,
    Milliseconds,
    PeerState,
    RoomId,
    Safe,
    UserId,
)
from dmtui.core.names import display_name, localpart, with_user_id
from dmtui.store import contacts, likeness
from dmtui.store.belonging import assign, company_of, member_of, move_draft, owner_of
from dmtui.store.database import number, text
from dmtui.store.intents import pending_edits
from dmtui.store.receipts import read_position
from dmtui.store.relations import going
from dmtui.store.work import Work


@dataclass(frozen=True, slots=True)
class _Last:
    """The newest message of a room, or its creation, or when somebody joined."""

    at: Milliseconds
    said: bool
    preview: Safe


class _Written(NamedTuple):
    """The columns of a row that are written anew."""

    latest: Milliseconds
    name: Safe
    likeness: str
    known_likeness: str
    room: int
    preview: Safe
    unread: int
    encrypted: int
    peer: str
    flag_pending: int
    known_as: Safe
    named: int
    pinned: int
    archived: int
    muted: int
    muted_until: Milliseconds
    was_with: UserId | None
    marked_unread: int

    @property
    def reading(self) -> tuple[str, str, str, int, bool]:
        """What of it decides who reads like whom."""
        group = self.peer == PeerState.GROUP
        return self.name, self.known_as, self.likeness, self.named, group

    @property
    def likenesses(self) -> set[str]:
        """What its names read like."""
        return {self.likeness, self.known_likeness}


@dataclass(frozen=True, slots=True)
class _Room:
    """A room of a person, or a group; ``here``: I am in it."""

    number: int
    candidate: Candidate
    peer: PeerState
    last: _Last

    @property
    def here(self) -> bool:
        return self.candidate.mine is Membership.JOIN


def refresh(work: Work) -> frozenset[Change]:
    """Bring the touched people's rows up to date and say what changed."""
    talks: dict[int, UserId] = {}
    moved: list[tuple[int, UserId, UserId]] = []
    people = set(work.people)
    for room in sorted(work.rooms):
        former, present = assign(work, room)
        people.update(user for user in (former, present) if user is not None)
        if present is not None:
            talks[room] = present
            if present != former:
                contacts.adopt(work, present, room)
        if former is not None and present != former:
            work.changes.add(TimelineChanged(former))
            if present is not None:
                moved.append((room, former, present))
    for room, former, present in moved:  # once it is known which rooms each has
        move_draft(work, room, former, present)
    changed = set()
    likenesses: set[str] = set()
    for user_id in sorted(people):
        if _rewrite(work, user_id, likenesses):
            changed.add(user_id)
    changed |= likeness.settle(work, likenesses)
    changes = set(work.changes)
    if changed:
        changes.add(ConversationsChanged(frozenset(changed)))
    changes |= {TimelineChanged(talks[room]) for room in work.lines if room in talks}
    return frozenset(changes)


def _rewrite(work: Work, user_id: UserId, likenesses: set[str]) -> bool:
    """Write the person's row; false if nothing is different.

    Without a room that I am in there is none, and of whom I ignore neither.
    """
    connection = work.connection
    known = _written(connection, user_id)
    rooms = [] if _is_ignored(connection, user_id) else _rooms_of(work, user_id)
    here = [room for room in rooms if room.here]
    if not here:
        if known is not None:
            connection.execute("DELETE FROM person WHERE user_id = ?", (user_id,))
            likenesses |= known.likenesses
        return known is not None
    serving = _serving(here)
    last = max((room.last for room in rooms), key=lambda last: (last.said, last.at))
    group = serving.peer is PeerState.GROUP
    known_as = (_group_name if group else _name)(work, user_id, serving.number)
    contact = contacts.arrangement(connection, user_id)
    name = contact.petname or known_as
    reads = skeleton(name)
    row = _Written(
        last.at,
        name,
        reads,
        reads if name == known_as else skeleton(known_as),
        serving.number,
        last.preview,
        sum(unread(connection, room.number, work.me) for room in here),
        int(serving.candidate.encrypted),
        serving.peer,
        int(any(_is_pending(work, room.candidate.room_id) for room in here)),
        known_as,
        int(bool(contact.petname) or user_id == work.me),
        contact.pinned,
        contact.archived,
        contact.muted,
        contact.muted_until,
        owner_of(work, serving.number)[0] if group else None,
        contact.marked_unread,
    )
    if known == row:
        return False
    if known is not None and _returns(known, row):
        row = row._replace(archived=contacts.bring_back(work, user_id).archived)
    if known is None or known.reading != row.reading:
        likenesses |= row.likenesses | (set() if known is None else known.likenesses)
    _write(work, user_id, row, known is None)
    return True


def _written(connection: sqlite3.Connection, user_id: UserId) -> _Written | None:
    known = connection.execute(
        f"SELECT {', '.join(_Written._fields)} FROM person WHERE user_id = ?",  # noqa: S608 - ours
        (user_id,),
    ).fetchone()
    return None if known is None else _Written(*known)


def _write(work: Work, user_id: UserId, row: _Written, new: bool) -> None:
    if new:
        columns = ", ".join((*_Written._fields, "first_seen", "user_id"))
        places = ", ".join("?" * (len(row) + 2))
        sql = f"INSERT INTO person ({columns}) VALUES ({places})"  # noqa: S608 - ours
        work.connection.execute(sql, (*row, likeness.next_place(work), user_id))
    else:
        columns = ", ".join(f"{column} = ?" for column in _Written._fields)
        sql = f"UPDATE person SET {columns} WHERE user_id = ?"  # noqa: S608 - ours
        work.connection.execute(sql, (*row, user_id))


def _returns(known: _Written, row: _Written) -> bool:
    """Whether somebody whom I had put away has written, and not been muted."""
    if not (known.archived and row.archived) or row.muted or not row.unread:
        return False
    return row.unread > known.unread or row.latest != known.latest


def _is_ignored(connection: sqlite3.Connection, user_id: UserId) -> bool:
    row = connection.execute("SELECT 1 FROM ignored WHERE user_id = ?", (user_id,)).fetchone()
    return row is not None


def _rooms_of(work: Work, user_id: UserId) -> list[_Room]:
    connection = work.connection
    rows = connection.execute("SELECT number FROM room WHERE person = ?", (user_id,)).fetchall()
    rooms = []
    for (room,) in rows:
        last = _last(work, room)
        candidate = candidate_of(work.connection, work.me, room, user_id, last.at * last.said)
        if str(candidate.room_id) == user_id:
            peer = PeerState.GROUP
        else:
            peer = peer_state(member_of(connection, room, user_id), work.me, user_id)
        rooms.append(_Room(room, candidate, peer, last))
    return rooms


def _serving(rooms: list[_Room]) -> _Room:
    """The ranked room; where none is fit, the one most lately used."""
    ranked = rank([room.candidate for room in rooms])
    if ranked:
        return next(room for room in rooms if room.candidate == ranked[0])
    return max(rooms, key=lambda room: (room.last.at, room.candidate.room_id))


def candidate_of(
    connection: sqlite3.Connection,
    me: UserId,
    room: int,
    user_id: UserId,
    last_message: Milliseconds | None = None,
) -> Candidate:
    """The room as a candidate for the person; listed under them, or flagged by its invite."""
    room_id, mine, encrypted, created_at, space, successor, inviter = connection.execute(
        "SELECT room_id, membership, encrypted, created_at, space, successor, inviter"
        " FROM room WHERE number = ?",
        (room,),
    ).fetchone()
    peer = connection.execute(
        "SELECT membership FROM member WHERE room = ? AND user_id = ?", (room, user_id)
    ).fetchone()
    if last_message is None:
        last_message = (
            number(
                connection,
                "SELECT e.sent_at FROM timeline t JOIN event e ON e.number = t.event"
                " WHERE t.room = ? AND t.weight >= ? ORDER BY t.position DESC LIMIT 1",
                (room, Weight.MESSAGE),
            )
            or 0
        )
    return Candidate(
        RoomId(room_id),
        Membership(mine),
        None if peer is None or user_id == me else Membership(peer[0]),
        company_of(connection, room, me).count,
        flagged=True,
        encrypted=bool(encrypted),
        last_message=last_message,
        created_at=created_at,
        space=bool(space),
        successor=successor,
        peer_invited_me=inviter == user_id,
    )


_LAST = (
    f"SELECT e.sent_at, iif({going('e')}, 'redacted', e.type),"  # noqa: S608 - ours
    " coalesce(d.body, e.body), coalesce(d.formatted, e.formatted), e.sender FROM timeline t"
    " JOIN event e ON e.number = t.event LEFT JOIN event d ON d.number = e.edit"
    " WHERE t.room = ? AND t.weight >= ? ORDER BY t.position DESC LIMIT 1"
)


def _last(work: Work, room: int) -> _Last:
    connection = work.connection
    row = connection.execute(_LAST, (room, Weight.MESSAGE)).fetchone()
    if row is None:
        created = number(connection, "SELECT created_at FROM room WHERE number = ?", (room,)) or 0
        newest = number(
            connection,
            "SELECT e.sent_at FROM timeline t JOIN event e ON e.number = t.event"
            " WHERE t.room = ? AND e.type = ? ORDER BY t.position DESC LIMIT 1",
            (room, Kind.MEMBERSHIP),
        )
        return _Last(max(created, newest or 0), False, Safe(""))
    sent_at, kind, body, html, sender = row
    own = sender == work.me
    name = _called(work, UserId(sender), room) if kind == Kind.EMOTE else Safe("")
    return _Last(sent_at, True, preview(Kind(kind), in_passing(body, html), own, name))


def unread(connection: sqlite3.Connection, room: int, me: UserId) -> int:
    """Messages by others that I have not read."""
    read = read_position(connection, room, me)
    return (
        number(
            connection,
            "SELECT count(*) FROM timeline WHERE room = ? AND position > ? AND weight = ?",
            (room, -(1 << 62) if read is None else read, Weight.COUNTED),
        )
        or 0
    )


def _name(work: Work, user_id: UserId, room: int) -> Safe:
    if user_id == work.me:
        return Safe("Notes to self")
    return _last_known(work, user_id, room)


def _called(work: Work, user_id: UserId, room: int) -> Safe:
    """What to call a member of the room: by the petname, if there is one."""
    petname = contacts.petname_of(work.connection, user_id)
    return petname or _last_known(work, user_id, room)


def _last_known(work: Work, user_id: UserId, room: int) -> Safe:
    """The name that a member event gives, this room's first."""
    rows = work.connection.execute(
        "SELECT name FROM member WHERE user_id = ? AND name <> '' ORDER BY room <> ?, room DESC",
        (user_id, room),
    )
    return display_name(user_id, latest_name((Safe(row[0]) for row in rows), user_id))


def _group_name(work: Work, _: UserId, room: int) -> Safe:
    """What the room is called, else who is in it."""
    connection = work.connection
    name = text(connection, "SELECT name FROM room WHERE number = ?", (room,)) or ""
    members = sorted(company_of(connection, room, work.me).known)
    return group_name(Safe(name), [_called(work, user_id, room) for user_id in members])


def _is_pending(work: Work, room_id: RoomId) -> bool:
    return any(
        edit.room_id == room_id and edit.action is not DirectAction.REMOVE
        for edit in pending_edits(work)
    )


# -- reading --------------------------------------------------------------------------------

_COLUMNS = (
    "SELECT p.user_id, p.name, p.clash, r.room_id, p.latest, p.preview, p.unread, p.encrypted,"
    " p.peer, coalesce(d.text, ''), p.flag_pending, p.known_as, p.looks_like, p.pinned,"
    " p.archived, p.muted, p.muted_until, p.was_with, d.meant_for, p.marked_unread"
    " FROM person p JOIN room r ON r.number = p.room LEFT JOIN draft d ON d.user_id = p.user_id"
)


def newest_people(connection: sqlite3.Connection, limit: int | None) -> tuple[Conversation, ...]:
    """In the order of the people list: those pinned, then newest first, and last those put away."""
    rows = connection.execute(
        f"{_COLUMNS} ORDER BY p.archived, p.pinned DESC, p.latest DESC, p.user_id LIMIT ?",
        (-1 if limit is None else limit,),
    ).fetchall()
    return tuple([_conversation(row) for row in rows])


def person(connection: sqlite3.Connection, user_id: UserId) -> Conversation | None:
    row = connection.execute(f"{_COLUMNS} WHERE p.user_id = ?", (user_id,)).fetchone()
    return None if row is None else _conversation(row)


_Row: TypeAlias = tuple[
    UserId, Safe, int, RoomId, int, Safe, int, int, str, str, int, Safe, Safe, int, int, int, int,
    UserId | None, UserId | None, int,
]  # fmt: skip


def _conversation(row: _Row) -> Conversation:
    user_id, name, clash, room_id, latest, line, count, encrypted, peer, draft, pending = row[:11]
    known_as, looks_like, pinned, archived, muted, muted_until, was_with, draft_for = row[11:19]
    return Conversation(
        user_id,
        with_user_id(user_id, name) if clash else name,
        room_id,
        latest,
        line,
        count,
        bool(encrypted),
        PeerState(peer),
        draft,
        bool(pending),
        known_as,
        looks_like,
        bool(pinned),
        bool(archived),
        bool(muted),
        muted_until,
        was_with,
        draft_for,
        bool(row[19]),
    )


def sender_name(user_id: UserId, name: str | None) -> Safe:
    """The petname, else the name that a member event gives, else the localpart."""
    return Safe(name) if name else localpart(user_id)
