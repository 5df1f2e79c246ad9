"""What the end of a chat, or its becoming something else, does to the rooms in the store."""

from __future__ import annotations

import json
import sqlite3

from dmtui.core.events import ConversationsChanged
from dmtui.core.fold import company
from dmtui.core.intents import DELIVERY, CreateGroup, Deliver, ForgetRoom, Intent
from dmtui.core.model import Member, Membership, RoomId, SendState, UserId
from dmtui.store import intents
from dmtui.store.database import Database, number
from dmtui.store.invites import drop_invite
from dmtui.store.outbox import DISCARDED, set_draft
from dmtui.store.rooms import ensure_room, keep, put_member
from dmtui.store.search_index import purge
from dmtui.store.work import Work

_IN = (Membership.JOIN, Membership.BAN, Membership.LEAVE)


class Life:
    """What the messenger asks before it ends a chat."""

    def __init__(self, database: Database, me: UserId):
        self._database = database
        self._me = me

    def rooms(self, user_id: UserId) -> tuple[tuple[RoomId, Membership], ...]:
        """The rooms behind a row of the people list, with my membership; pending invites are none.

        Of a person also those that the map lists and sync never showed, as left ones.
        """
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT room_id, membership FROM room WHERE forgotten = 0 AND"
                " (person = ?1 OR room_id = ?1) UNION"
                " SELECT room_id, 'leave' FROM direct WHERE user_id = ?1"
                " AND room_id NOT IN (SELECT room_id FROM room) ORDER BY 1",
                (user_id,),
            ).fetchall()
        rooms = ((RoomId(room_id), Membership(mine)) for room_id, mine in rows)
        return tuple(room for room in rooms if room[1] in _IN)

    def humans(self, room_id: RoomId) -> frozenset[UserId]:
        """The other humans known to be in the room, or invited to it."""
        with self._database.read() as connection:
            return _humans(connection, room_id, self._me)

    def has_been_in(self, room_id: RoomId, user_id: UserId) -> bool:
        """Whether the person may have been in the room once.

        Where the beginning of the room is not in the store, they may have.
        """
        with self._database.read() as connection:
            never = number(
                connection,
                "SELECT m.never_in FROM member m JOIN room r ON r.number = m.room"
                " WHERE r.room_id = ? AND m.user_id = ?"
                " AND NOT EXISTS (SELECT 1 FROM gap WHERE room = r.number)",
                (room_id, user_id),
            )
        return not never

    def is_banned(self, room_id: RoomId, user_id: UserId) -> bool:
        """Whether the person was banned from the room."""
        with self._database.read() as connection:
            sql = (
                "SELECT 1 FROM member m JOIN room r ON r.number = m.room WHERE r.room_id = ?"
                " AND m.user_id = ? AND m.membership = 'ban'"
            )
            return number(connection, sql, (room_id, user_id)) is not None

    def unsent(self, user_id: UserId) -> int:
        """How many of my messages to this conversation are not sent, failed ones included."""
        with self._database.read() as connection:
            written = number(
                connection,
                "SELECT count(*) FROM event e JOIN room r ON r.number = e.room"
                " WHERE e.state <> ? AND (r.person = ?2 OR r.room_id = ?2)",
                (SendState.SENT, user_id),
            )
            waiting = [e for e in intents.pending(connection) if _is_for(e.intent, user_id)]
            queued = sum(_is_queued(connection, entry.number) for entry in waiting)
        return (written or 0) + len(waiting) - queued


def _humans(connection: sqlite3.Connection, room_id: RoomId, me: UserId) -> frozenset[UserId]:
    room = connection.execute(
        "SELECT number, service FROM room WHERE room_id = ?", (room_id,)
    ).fetchone()
    if room is None:
        return frozenset()
    members = connection.execute(
        "SELECT user_id, membership FROM member WHERE room = ?", (room[0],)
    ).fetchall()
    there = [(UserId(user_id), Membership(membership)) for user_id, membership in members]
    return company(there, me, json.loads(room[1])).known


def _is_for(intent: Intent, user_id: UserId) -> bool:
    return isinstance(intent, Deliver) and intent.user_id == user_id


def _is_queued(connection: sqlite3.Connection, wish: int) -> bool:
    """Whether the message of this :class:`Deliver` is among the messages already."""
    key = f"{DELIVERY}{wish}"
    return bool(number(connection, "SELECT 1 FROM event WHERE transaction_id = ?", (key,)))


# -- writing ----------------------------------------------------------------------------------


def made_group(work: Work, room_id: RoomId, intent: CreateGroup) -> None:
    """A group of our own making that sync has not shown yet."""
    room = ensure_room(work, room_id)
    keep(work, room)
    work.connection.execute(
        "UPDATE room SET nonce = ?, encrypted = max(encrypted, ?), told = coalesce(told, 0),"
        " name = CASE name WHEN '' THEN ? ELSE name END WHERE number = ?",
        (intent.nonce, intent.encrypted, intent.name, room),
    )
    for user_id in intent.members:
        known = "SELECT 1 FROM member WHERE room = ? AND user_id = ?"
        if number(work.connection, known, (room, user_id)) is None:
            put_member(work, room, Member(user_id, Membership.INVITE, sender=work.me))


def forget(work: Work, wish: int, intent: ForgetRoom) -> None:
    """Nothing remains of the room but that it is forgotten, so that late news don't revive it.

    ``wish`` is the number of the intent: messages asked for later are not its business.
    """
    connection = work.connection
    room = ensure_room(work, intent.room_id, Membership.LEAVE)
    work.touch(room, lines=True)
    for (row,) in connection.execute(
        "SELECT number FROM intent WHERE outcome IS NULL AND kind = 'Deliver' AND number < ?",
        (wish,),
    ).fetchall():
        entry = intents.entry(connection, row)
        if entry is not None and _is_for(entry.intent, intent.user_id):
            intents.settle(work, row, DISCARDED)
    purge(work)
    for table in ("timeline", "event", "gap", "receipt", "member"):
        connection.execute(f"DELETE FROM {table} WHERE room = ?", (room,))  # noqa: S608 - ours
    connection.execute(
        "UPDATE room SET forgotten = 1, membership = 'leave', kept = 0, entered = 0, name = '',"
        " tags = '[]', service = '[]', nonce = NULL, joined_count = NULL, invited_count = NULL,"
        " marked_unread = 0, inviter = NULL, invite_direct = 0, marked = NULL, told = NULL"
        " WHERE number = ?",
        (room,),
    )
    drop_invite(work, intent.room_id)
    if set_draft(work, intent.user_id, ""):
        work.changes.add(ConversationsChanged(frozenset({intent.user_id})))
