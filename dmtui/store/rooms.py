"""Facts of rooms and their members, as sync tells them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from dmtui.core.events import Edit, Line, MembershipChange, RoomUpdate, TimelineEvent
from dmtui.core.fold import is_snapshot, merged_member
from dmtui.core.model import (
    Doubt,
    EventId,
    Kind,
    Member,
    Membership,
    RoomId,
    UserId,
)
from dmtui.store.belonging import member_of
from dmtui.store.database import Value, number, one
from dmtui.store.forgotten import remember, stays_forgotten
from dmtui.store.invites import drop_invite
from dmtui.store.positions import ECHO
from dmtui.store.receipts import move, start_reading, take_receipt
from dmtui.store.timeline import begin_unseen, place_live
from dmtui.store.told import begin_telling
from dmtui.store.work import Work

_SPOKEN = frozenset({Kind.TEXT, Kind.NOTICE, Kind.EMOTE, Kind.ATTACHMENT})


def ensure_room(work: Work, room_id: RoomId, membership: Membership = Membership.JOIN) -> int:
    """The room's row number; a room not seen yet gets a row with this membership of mine."""
    room = work.room(room_id)
    if room is None:
        work.connection.execute(
            "INSERT INTO room (room_id, membership) VALUES (?, ?)", (room_id, membership)
        )
        room = work.room(room_id)
        assert room is not None  # noqa: S101 - inserted above
        work.touch(room)
    return room


def apply_room(work: Work, update: RoomUpdate) -> None:
    """News of one room."""
    if stays_forgotten(work, update):
        return
    room = ensure_room(work, update.room_id, update.membership)
    update = _suspecting(work, room, update)
    _facts(work, room, update)
    _state_members(work, room, update)
    fresh = place_live(work, room, update)
    _member_events(work, room, update, fresh)
    first = number(
        work.connection,
        "SELECT min(position) FROM timeline WHERE room = ? AND position < ?",
        (room, ECHO),
    )
    for receipt in update.receipts:
        take_receipt(work, room, receipt)
    if update.fully_read is not None:
        _fully_read(work, room, update.fully_read)
    if first is not None:
        start_reading(work, room, first)
    begin_telling(work.connection, room)
    if update.membership is not Membership.INVITE:
        drop_invite(work, update.room_id)


def _suspecting(work: Work, room: int, update: RoomUpdate) -> RoomUpdate:
    """With a doubt about what came as plain text although the room was encrypted before."""
    was_encrypted = number(
        work.connection,
        "SELECT encrypted FROM room WHERE number = ?1"
        " AND EXISTS (SELECT 1 FROM timeline WHERE room = ?1 AND position < ?2)",
        (room, ECHO),
    )
    if not was_encrypted:
        return update
    return replace(update, timeline=tuple(_suspected(event) for event in update.timeline))


def _suspected(event: TimelineEvent) -> TimelineEvent:
    said = event.content.line if isinstance(event.content, Edit) else event.content
    speaks = isinstance(said, Line) and said.kind in _SPOKEN
    return replace(event, doubt=Doubt.PLAIN) if speaks and not event.encrypted else event


def _facts(work: Work, room: int, update: RoomUpdate) -> None:
    connection = work.connection
    facts: dict[str, Value] = {
        "membership": update.membership,
        "entered": 0,
        "encrypted": 1 if update.encrypted else None,
        "name": update.name,
        "space": update.is_space,
        "created_at": update.created_at,
        "successor": update.successor,
        "successor_via": update.successor_via,
        "predecessor": update.predecessor,
        "service": None
        if update.service_members is None
        else json.dumps(sorted(update.service_members)),
        "nonce": update.nonce,
        "joined_count": update.joined_count,
        "invited_count": update.invited_count,
        "marked_unread": update.marked_unread,
        "tags": None if update.tags is None else json.dumps(sorted(update.tags)),
    }
    invite = connection.execute(
        "SELECT inviter, direct, encrypted FROM invite WHERE room_id = ?", (update.room_id,)
    ).fetchone()
    if invite is not None:
        facts["inviter"], facts["invite_direct"] = invite[0], invite[1]
        facts["encrypted"] = facts["encrypted"] or invite[2] or None
    told = {column: value for column, value in facts.items() if value is not None}
    columns = ", ".join(told)
    known = connection.execute(f"SELECT {columns} FROM room WHERE number = ?", (room,))  # noqa: S608
    if known.fetchone() == tuple(told.values()):
        return
    if update.successor is not None or update.predecessor is not None:
        work.invites_changed()  # who follows an upgrade looks again; an invite to it is no request
    work.tell_owner(room)
    places = ", ".join(f"{column} = ?" for column in told)
    connection.execute(
        f"UPDATE room SET {places} WHERE number = ?",  # noqa: S608 - fixed column names
        (*told.values(), room),
    )
    work.touch(room)


# -- members --------------------------------------------------------------------------------


def put_member(work: Work, room: int, news: Member, previous: Membership | None = None) -> bool:
    """Take over one member event; false if it says nothing new."""
    known = member_of(work.connection, room, news.user_id)
    member = merged_member(known, news, previous)
    if member == known:
        return False
    work.connection.execute(
        "INSERT OR REPLACE INTO member (room, user_id, membership, name, is_direct, sender,"
        " never_in) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            room,
            member.user_id,
            member.membership,
            member.name,
            member.is_direct,
            member.sender,
            member.never_in,
        ),
    )
    if news.user_id == work.me and news.membership is Membership.INVITE:
        work.connection.execute(
            "UPDATE room SET inviter = ?, invite_direct = ? WHERE number = ?",
            (news.sender or None, news.is_direct, room),
        )
    if work.synced and (known is None or known.membership is not member.membership):
        work.tell_owner(room)
    work.touch(room, lines=known is not None and known.name != member.name)
    return True


def replace_members(work: Work, room: int, members: Sequence[Member]) -> None:
    """These are all members: others have left, with their last names kept."""
    named = {member.user_id for member in members}
    for member in members:
        put_member(work, room, member)
    for (user_id,) in work.connection.execute(
        "SELECT user_id FROM member WHERE room = ? AND membership IN ('join', 'invite')", (room,)
    ).fetchall():
        if user_id not in named:
            put_member(work, room, Member(user_id, Membership.LEAVE))


def learn_members(work: Work, room: int, members: Sequence[Member]) -> None:
    """Members as they were in old history: only those never heard of."""
    for member in members:
        if member_of(work.connection, room, member.user_id) is None:
            put_member(work, room, member)


def _state_members(work: Work, room: int, update: RoomUpdate) -> None:
    moved = any(_moves(work, room, member) for member in update.members)
    if update.initial and is_snapshot(update.members, update.joined_count, update.invited_count):
        replace_members(work, room, update.members)
    else:
        for member in update.members:
            put_member(work, room, member)
    if moved and update.joined_count is None:
        forget_counts(work, room)


def _moves(work: Work, room: int, member: Member) -> bool:
    """Whether somebody known stands differently from before, as counts of then don't say."""
    known = member_of(work.connection, room, member.user_id)
    return known is not None and known.membership is not member.membership


def _member_events(
    work: Work, room: int, update: RoomUpdate, fresh: Sequence[TimelineEvent]
) -> None:
    """Member events on the timeline are newer than the state before it."""
    stated = {member.user_id for member in update.members}
    changed = False
    for event in fresh:
        match event.content:
            case MembershipChange(member, previous):
                if update.initial and member.user_id in stated:
                    continue
                changed = put_member(work, room, member, previous) or changed
    if changed and update.joined_count is None:
        forget_counts(work, room)


def forget_counts(work: Work, room: int) -> None:
    """The counts are older than the members: count those instead."""
    work.connection.execute(
        "UPDATE room SET joined_count = NULL, invited_count = NULL WHERE number = ?", (room,)
    )
    work.touch(room)


def read_if_left(work: Work, room: int) -> None:
    """What came to be known of a room after I left it is not unread when I come back."""
    newest = number(
        work.connection,
        "SELECT max(t.position) FROM timeline t JOIN room r ON r.number = t.room"
        " WHERE t.room = ? AND t.position < ? AND r.membership <> 'join'",
        (room, ECHO),
    )
    if newest is not None:
        move(work.connection, room, work.me, newest)


def list_unseen(work: Work) -> None:
    """Rooms of the map that sync never showed: I may have left them, with messages in them."""
    for (room_id,) in work.connection.execute(
        "SELECT DISTINCT d.room_id FROM direct d LEFT JOIN room r ON r.room_id = d.room_id"
        " LEFT JOIN invite i ON i.room_id = d.room_id"
        " WHERE r.number IS NULL AND i.room_id IS NULL"
    ).fetchall():
        begin_unseen(work, ensure_room(work, RoomId(room_id), Membership.LEAVE))


def _fully_read(work: Work, room: int, event_id: EventId) -> None:
    place = number(
        work.connection,
        "SELECT t.position FROM event e JOIN timeline t ON t.event = e.number"
        " WHERE e.room = ? AND e.event_id = ? AND t.position < ?",
        (room, event_id, ECHO),
    )
    if place is not None and move(work.connection, room, work.me, place):
        work.touch(room, lines=True)


def leave_room(work: Work, room_id: RoomId) -> None:
    """I am no longer in the room, nor invited."""
    room = work.room(room_id)
    if room is not None:
        left = work.connection.execute(
            "UPDATE room SET membership = 'leave', entered = 0"
            " WHERE number = ? AND (membership <> 'leave' OR entered)",
            (room,),
        )
        if left.rowcount:
            work.touch(room)
    drop_invite(work, room_id)


def created(work: Work, room: int, peer: UserId, nonce: str, encrypted: bool) -> None:
    """A room of our own making that sync has not shown yet."""
    work.connection.execute(
        "UPDATE room SET membership = 'join', nonce = ?, encrypted = max(encrypted, ?),"
        " told = coalesce(told, 0)"
        " WHERE number = ?",
        (nonce, encrypted, room),
    )
    if peer != work.me and member_of(work.connection, room, peer) is None:
        put_member(work, room, Member(peer, Membership.INVITE, is_direct=True, sender=work.me))
    work.touch(room)


def accepted(work: Work, room: int, room_id: RoomId) -> None:
    """We joined by an invite, and sync has not shown it yet."""
    connection = work.connection
    remember(work, room)
    connection.execute("UPDATE room SET membership = 'join', entered = 1 WHERE number = ?", (room,))
    work.touch(room)
    invite = connection.execute(
        "SELECT inviter, inviter_name, direct, encrypted FROM invite WHERE room_id = ?", (room_id,)
    ).fetchone()
    if invite is None:
        return
    inviter, name, direct, encrypted = invite
    connection.execute(
        "UPDATE room SET inviter = ?, invite_direct = ?, encrypted = max(encrypted, ?)"
        " WHERE number = ?",
        (inviter, direct, encrypted, room),
    )
    put_member(work, room, Member(inviter, Membership.JOIN, name))
    drop_invite(work, room_id)


def keep(work: Work, room: int) -> None:
    """It is a room of its own, and listed as one, whatever the number of its members."""
    work.connection.execute("UPDATE room SET kept = 1 WHERE number = ?", (room,))
    work.touch(room)


def is_encrypted(work: Work, room: int) -> bool:
    return bool(one(work.connection, "SELECT encrypted FROM room WHERE number = ?", (room,)))
