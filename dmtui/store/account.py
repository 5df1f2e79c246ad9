"""What the store knows of the whole account: the direct map, rooms to follow, pending invites."""

from __future__ import annotations

import json
import sqlite3
from typing import cast

from dmtui.core.direct import Candidate
from dmtui.core.fold import PRESENT
from dmtui.core.intents import Accept, DirectAction, EditDirect, FollowUpgrade
from dmtui.core.invites import ranked, standing_of
from dmtui.core.model import (
    Availability,
    Invite,
    JsonObject,
    Membership,
    RoomId,
    Safe,
    UserId,
)
from dmtui.store.database import text
from dmtui.store.intents import pending
from dmtui.store.likeness import taken_for
from dmtui.store.people import candidate_of
from dmtui.store.upgrades import EXPECTED

PRESENCE = "presence"
"""The row of ``meta`` that says how I wish to be seen."""


def meta(connection: sqlite3.Connection, name: str) -> str | None:
    return text(connection, "SELECT value FROM meta WHERE name = ?", (name,))


def presence(connection: sqlite3.Connection) -> Availability | None:
    """How I wish to be seen; ``None``: nothing is to be said."""
    wished = meta(connection, PRESENCE)
    return Availability(wished) if wished else None


def direct(connection: sqlite3.Connection) -> JsonObject | None:
    """``m.direct`` verbatim."""
    content = meta(connection, "direct")
    return None if content is None else cast(JsonObject, json.loads(content))


def followed_rooms(connection: sqlite3.Connection) -> frozenset[RoomId]:
    """Rooms in the map, those on their way into it, and groups listed beside it."""
    rows = connection.execute(
        "SELECT room_id FROM direct UNION ALL SELECT room_id FROM room WHERE kept = 1"
    )
    listed = {RoomId(row[0]) for row in rows}
    for entry in pending(connection):
        match entry.intent:
            case EditDirect(action=DirectAction.ADD | DirectAction.MOVE, room_id=room_id):
                listed.add(room_id)
            case Accept(room_id=room_id) | FollowUpgrade(successor=room_id):
                listed.add(room_id)
    return frozenset(listed)


_INVITES = (
    "SELECT room_id, inviter,"
    " coalesce((SELECT nullif(petname, '') FROM contact WHERE user_id = inviter), inviter_name),"
    " direct, received, room_name, reason, encrypted,"
    " warning, shared_rooms, EXISTS (SELECT 1 FROM person WHERE user_id = inviter)"
    " OR EXISTS (SELECT 1 FROM contact WHERE user_id = inviter AND petname <> ''),"
    " EXISTS (SELECT 1 FROM verified WHERE user_id = inviter)"
    " FROM invite WHERE dropped = 0 AND inviter NOT IN (SELECT user_id FROM ignored)"
)


def invites(connection: sqlite3.Connection, me: UserId) -> tuple[Invite, ...]:
    """Pending ones of people who are not ignored: direct ones first, by standing, newest first."""
    rows = connection.execute(f"{_INVITES} AND NOT {EXPECTED}")  # those are followed unasked
    return ranked(
        Invite(
            RoomId(row[0]),
            UserId(row[1]),
            Safe(row[2]),
            bool(row[3]),
            row[4],
            Safe(row[5]),
            Safe(row[6]),
            bool(row[7]),
            row[8],
            standing_of(UserId(row[1]), me, bool(row[10]), bool(row[11]), row[9]),
            row[9],
            Safe("") if row[10] else taken_for(connection, UserId(row[1]), Safe(row[2])),
        )
        for row in rows
    )


def candidates(
    connection: sqlite3.Connection, me: UserId, user_id: UserId
) -> tuple[Candidate, ...]:
    """Rooms listed under the person, flagged when one of us invited the other, or inviting me."""
    rows = {
        row[0]
        for row in connection.execute(
            "SELECT r.number FROM direct d JOIN room r ON r.room_id = d.room_id"
            " WHERE d.user_id = ?1 AND (r.membership <> 'leave' OR r.told IS NOT NULL)"
            " UNION SELECT number FROM room WHERE person = ?1"
            " AND (membership <> 'leave' OR told IS NOT NULL)",
            (user_id,),
        )
    }
    found = {
        candidate.room_id: candidate
        for candidate in (candidate_of(connection, me, row, user_id) for row in sorted(rows))
    }
    if user_id != me:
        for candidate in _flagged(connection, me, user_id):
            found.setdefault(candidate.room_id, candidate)
    for invite in invites(connection, me):
        if invite.direct and invite.inviter == user_id:
            found[invite.room_id] = Candidate(
                invite.room_id,
                Membership.INVITE,
                Membership.JOIN,
                humans=1,
                flagged=True,
                encrypted=invite.encrypted,
                peer_invited_me=True,
            )
    return tuple(found.values())


def _flagged(connection: sqlite3.Connection, me: UserId, user_id: UserId) -> list[Candidate]:
    """Joined rooms for the two of us whose invite carried the flag, though the map lacks them.

    Not those that I keep as ordinary rooms.
    """
    rows = connection.execute(
        "SELECT r.number FROM member m JOIN room r ON r.number = m.room WHERE m.user_id = ?"
        " AND r.membership = 'join' AND r.kept = 0 AND (m.is_direct = 1 OR (r.invite_direct = 1 AND"
        " r.inviter = m.user_id))",
        (user_id,),
    ).fetchall()
    found = [candidate_of(connection, me, row[0], user_id) for row in rows]
    return [c for c in found if c.humans <= (1 if c.peer in PRESENT else 0)]


def waiting_events(
    connection: sqlite3.Connection, sessions: set[tuple[RoomId, str]] | None
) -> dict[RoomId, list[str]]:
    """Raw undecryptable events per room, of these Megolm sessions or of all."""
    sql = (
        "SELECT r.room_id, e.raw FROM event e JOIN room r ON r.number = e.room"
        " WHERE e.session IS NOT NULL AND e.raw IS NOT NULL"
    )
    if sessions is None:
        rows = connection.execute(sql).fetchall()
    else:
        rows = [
            row
            for room_id, session in sorted(sessions)
            for row in connection.execute(
                f"{sql} AND r.room_id = ? AND e.session = ?", (room_id, session)
            )
        ]
    waiting: dict[RoomId, list[str]] = {}
    for room_id, raw in rows:
        waiting.setdefault(RoomId(room_id), []).append(raw)
    return waiting


def room_of_nonce(connection: sqlite3.Connection, nonce: str) -> RoomId | None:
    room_id = text(connection, "SELECT room_id FROM room WHERE nonce = ?", (nonce,))
    return None if room_id is None else RoomId(room_id)


def person_of(connection: sqlite3.Connection, room_id: RoomId) -> UserId | None:
    user_id = text(connection, "SELECT person FROM room WHERE room_id = ?", (room_id,))
    return None if user_id is None else UserId(user_id)


def ignores(connection: sqlite3.Connection, user_id: UserId) -> bool:
    """Whether I ignore the person."""
    row = connection.execute("SELECT 1 FROM ignored WHERE user_id = ?", (user_id,)).fetchone()
    return row is not None
