"""Upgraded direct rooms: which are to be followed where, and what was written meanwhile."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from dmtui.core.events import UpgradeRefused
from dmtui.core.fold import Company
from dmtui.core.intents import FollowUpgrade, Outcome
from dmtui.core.model import Membership, RoomId, SendState, UserId
from dmtui.store.belonging import NOW_A_GROUP, company_of, is_for_fewer, member_of
from dmtui.store.database import Database, number, text
from dmtui.store.positions import echo
from dmtui.store.work import Work

AWAITS_ROOM = "the room was upgraded: this is sent as soon as you are in its new one"

EXPECTED = (
    "EXISTS (SELECT 1 FROM room o JOIN member k ON k.room = o.number"
    " WHERE o.successor = invite.room_id AND k.user_id = invite.inviter AND k.membership = 'join'"
    " AND o.membership = 'join' AND o.person <> o.room_id AND o.followed IS NOT o.successor)"
)
"""Of an invite: that it leads to the successor of a direct room that the inviter is in."""

_OPEN = (
    "SELECT 1 FROM room o WHERE o.membership = 'join' AND o.person <> o.room_id"
    " AND o.successor IS NOT NULL AND o.followed IS NOT o.successor"
)
"""Direct rooms whose upgrade has not been dealt with."""

_INVITED = "SELECT 1 FROM invite WHERE room_id = ? AND dropped = 0"


@dataclass(frozen=True, slots=True)
class Successor:
    """The new room as far as sync has shown it; ``peer`` is the person's membership there."""

    mine: Membership
    seen: bool
    space: bool
    predecessor: RoomId | None
    others: Company
    peer: Membership | None


class UpgradeRecords:
    """Part of the store; reads only."""

    def __init__(self, database: Database, me: UserId):
        self._database = database
        self._me = me

    def wanted(self) -> tuple[FollowUpgrade, ...]:
        """Upgrades of joined direct rooms that I, or the person, have not gone along with."""
        with self._database.read() as connection:
            rows = connection.execute(_WANTED, (self._me,)).fetchall()
        return tuple(
            FollowUpgrade(
                UserId(user_id), RoomId(room_id), RoomId(successor), (via,) if via else ()
            )
            for user_id, room_id, successor, via in rows
        )

    def successor(self, intent: FollowUpgrade) -> Successor | None:
        """What is known of the new room."""
        with self._database.read() as connection:
            found = connection.execute(
                "SELECT number, membership, told IS NOT NULL, space, predecessor FROM room"
                " WHERE room_id = ?",
                (intent.successor,),
            ).fetchone()
            if found is None:
                return None
            room, mine, seen, space, predecessor = found
            peer = member_of(connection, room, intent.user_id)
            return Successor(
                Membership(mine),
                bool(seen),
                bool(space),
                None if predecessor is None else RoomId(predecessor),
                company_of(connection, room, self._me, counted=False),
                None if peer is None else peer.membership,
            )

    def before(self, room_id: RoomId) -> tuple[RoomId, ...]:
        """The rooms that were upgraded to this one, and those before them."""
        with self._database.read() as connection:
            rows = connection.execute(
                "WITH RECURSIVE old (room_id) AS (SELECT room_id FROM room WHERE successor = ?1"
                " UNION SELECT r.room_id FROM room r JOIN old ON r.successor = old.room_id)"
                " SELECT room_id FROM old WHERE room_id <> ?1 ORDER BY 1",
                (room_id,),
            ).fetchall()
        return tuple(RoomId(row[0]) for row in rows)

    def is_invited(self, successor: RoomId) -> bool:
        """Whether somebody of the old room has asked me into the new one."""
        with self._database.read() as connection:
            return number(connection, f"{_INVITED} AND {EXPECTED}", (successor,)) is not None

    def is_open(self, intent: FollowUpgrade) -> bool:
        """Whether the old room is still a direct room of the person that leads there."""
        with self._database.read() as connection:
            sql = f"{_OPEN} AND o.room_id = ? AND o.person = ?"
            return number(connection, sql, (intent.room_id, intent.user_id)) is not None

    def peer_is_there(self, intent: FollowUpgrade) -> bool:
        """Whether the person is still in the old room, or invited to it."""
        with self._database.read() as connection:
            sql = (
                "SELECT 1 FROM member m JOIN room r ON r.number = m.room WHERE r.room_id = ?"
                " AND m.user_id = ? AND m.membership IN ('join', 'invite')"
            )
            return number(connection, sql, (intent.room_id, intent.user_id)) is not None


_WANTED = (
    "SELECT o.person, o.room_id, o.successor, o.successor_via FROM room o"
    " LEFT JOIN room s ON s.room_id = o.successor"
    " LEFT JOIN member p ON p.room = s.number AND p.user_id = o.person"
    " WHERE o.membership = 'join' AND o.person <> o.room_id AND o.successor IS NOT NULL"
    " AND o.followed IS NOT o.successor"
    " AND (s.number IS NULL OR (s.forgotten = 0 AND s.kept = 0"
    " AND (s.membership = 'invite' OR (s.membership = 'leave' AND s.told IS NULL)"
    " OR (s.membership = 'join' AND (s.person IS NOT o.person"
    " OR (p.membership IS NULL AND o.person <> ?))))))"
    " ORDER BY +o.number"  # by the index of upgraded rooms, which are few
)


# -- writing ----------------------------------------------------------------------------------


def settled(work: Work, intent: FollowUpgrade, outcome: Outcome) -> None:
    """The upgrade is dealt with for good; what waited for it goes to the new room, or is told."""
    connection = work.connection
    room, successor = work.room(intent.room_id), work.room(intent.successor)
    if room is None:
        return
    if not outcome.ok and number(connection, f"{_OPEN} AND o.number = ?", (room,)):
        work.changes.add(UpgradeRefused(intent.user_id))
    connection.execute("UPDATE room SET followed = successor WHERE number = ?", (room,))
    work.touch(room)
    work.tell_owner(room)
    work.invites_changed()
    waiting = connection.execute(
        "SELECT number FROM event WHERE room = ? AND state <> 'sent' AND target IS NULL"
        " AND (state = ? OR (state = ? AND failure = ?)) ORDER BY number",
        (room, SendState.QUEUED, SendState.FAILED, AWAITS_ROOM),
    ).fetchall()
    for (row,) in waiting:
        if outcome.ok and successor is not None:
            _take_along(work, row, room, successor)
        elif not outcome.ok:
            connection.execute(
                "UPDATE event SET failure = ? WHERE number = ? AND state = ?",
                (outcome.message, row, SendState.FAILED),
            )
            work.touch(room, lines=True)


def refused(work: Work, row: int, room: int) -> bool:
    """A message to an upgraded room was refused: it goes to the new one, now or later.

    False where the room was not upgraded, or its new one is not gone along with; and for what is
    done to a message, which stays where that is.
    """
    connection = work.connection
    if (
        number(connection, "SELECT 1 FROM event WHERE number = ? AND target IS NULL", (row,))
        is None
    ):
        return False
    newest = _newest(connection, room)
    if newest != room:
        _take_along(work, row, room, newest)
        return True
    if number(connection, f"{_OPEN} AND o.number = ?", (room,)) is None:
        return False
    connection.execute(
        "UPDATE event SET state = ?, failure = ? WHERE number = ?",
        (SendState.FAILED, AWAITS_ROOM, row),
    )
    work.touch(room, lines=True)
    return True


def _newest(connection: sqlite3.Connection, room: int) -> int:
    """The last joined room of the same person down the chain of upgrades."""
    seen = {room}
    while True:
        following = number(
            connection,
            "SELECT s.number FROM room o JOIN room s ON s.room_id = o.successor"
            " WHERE o.number = ? AND s.membership = 'join' AND s.person = o.person",
            (room,),
        )
        if following is None or following in seen:
            return room
        seen.add(following)
        room = following


def _take_along(work: Work, row: int, room: int, successor: int) -> None:
    """Queue the message for the new room; it never becomes less encrypted, or read by more."""
    connection = work.connection
    recipient = text(connection, "SELECT recipient FROM event WHERE number = ?", (row,))
    crowd = is_for_fewer(connection, successor, None if recipient is None else UserId(recipient))
    connection.execute(
        "UPDATE event SET room = ?, state = ?, failure = ?, reply_to = NULL, thread = NULL,"
        " encrypted = max(encrypted, (SELECT encrypted FROM room WHERE number = ?))"
        " WHERE number = ?",
        (
            successor,
            SendState.FAILED if crowd else SendState.QUEUED,
            NOW_A_GROUP if crowd else "",
            successor,
            row,
        ),
    )
    upon = connection.execute(
        "SELECT a.number FROM event a JOIN event e ON a.target = e.transaction_id"
        " WHERE e.number = ? AND a.room = ?",
        (row, room),
    ).fetchall()
    for (act,) in upon:
        connection.execute("UPDATE event SET room = ? WHERE number = ?", (successor, act))
    for (moved,) in ((row,), *upon):
        connection.execute(
            "UPDATE timeline SET room = ?, position = ? WHERE event = ?",
            (successor, echo(successor, moved), moved),
        )
    work.touch(room, lines=True)
    work.touch(successor, lines=True)
