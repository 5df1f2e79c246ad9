"""Whose a room is: a person's, nobody's, or its own where it is a group."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection

from dmtui.core.direct import room_person
from dmtui.core.events import ConversationsChanged
from dmtui.core.fold import PRESENT, Company, company, is_group, peer_state
from dmtui.core.intents import DirectAction, EditDirect
from dmtui.core.model import (
    DirectRoom,
    Member,
    Membership,
    PeerState,
    RoomId,
    Safe,
    SendState,
    UserId,
)
from dmtui.store.database import number, text
from dmtui.store.events import settle_edit
from dmtui.store.intents import pending_edits
from dmtui.store.work import Work

NOW_A_GROUP = "the chat has become a group since; sending it again sends it to everyone there"


def assign(work: Work, room: int) -> tuple[UserId | None, UserId | None]:
    """Decide whose room it is; returns who had it before, and who has it now.

    A room that I am not in any more stays a person's as history, while ``m.direct`` lists it.
    """
    connection = work.connection
    room_id, membership, hidden, kept, former = connection.execute(
        "SELECT room_id, membership, space OR forgotten, kept, person FROM room WHERE number = ?",
        (room,),
    ).fetchone()
    present = None
    if not hidden:
        owner, group = owner_of(work, room)
        if group or (owner is None and kept):
            present = UserId(room_id) if membership == Membership.JOIN else None
        else:
            present = owner
    if present != former:
        connection.execute("UPDATE room SET person = ? WHERE number = ?", (present, room))
        work.lines.add(room)
        if present == room_id:
            _fail_unsent(work, room, room_id)
    return former, present


def owner_of(work: Work, room: int) -> tuple[UserId | None, bool]:
    """Whom ``m.direct`` lists the room under, and whether more people are in it than that."""
    connection = work.connection
    room_id, membership, inviter = connection.execute(
        "SELECT room_id, membership, inviter FROM room WHERE number = ?", (room,)
    ).fetchone()
    rows = connection.execute("SELECT user_id FROM direct WHERE room_id = ?", (room_id,))
    listed = _with_edits({row[0] for row in rows}, RoomId(room_id), pending_edits(work))
    if not listed:
        return None, False
    others = company_of(connection, room, work.me, counted=membership == Membership.JOIN)
    owner = room_person(listed, work.me, others.known, inviter)
    return owner, is_group(owner, others)


def _with_edits(listed: set[UserId], room_id: RoomId, edits: tuple[EditDirect, ...]) -> set[UserId]:
    """Who lists the room once the pending edits of the map are through."""
    for edit in edits:
        if edit.room_id != room_id:
            continue
        match edit.action:
            case DirectAction.ADD:
                listed = listed | {edit.user_id}
            case DirectAction.REMOVE:
                listed = listed - {edit.user_id}
            case DirectAction.MOVE:
                listed = {edit.user_id}
    return listed


def company_of(
    connection: sqlite3.Connection, room: int, me: UserId, counted: bool = True
) -> Company:
    """The humans in the room besides me; ``counted``: the server's counts are of today."""
    service, joined, invited = connection.execute(
        "SELECT service, joined_count, invited_count FROM room WHERE number = ?", (room,)
    ).fetchone()
    members = [
        (UserId(user_id), Membership(membership))
        for user_id, membership in connection.execute(
            "SELECT user_id, membership FROM member WHERE room = ?"
            " AND membership IN ('join', 'invite')",
            (room,),
        )
    ]
    counts = (joined, invited) if counted else (None, None)
    return company(members, me, json.loads(service), *counts)


def member_of(connection: sqlite3.Connection, room: int, user_id: UserId) -> Member | None:
    """The member event that is known of the user."""
    row = connection.execute(
        "SELECT membership, name, is_direct, sender, never_in FROM member"
        " WHERE room = ? AND user_id = ?",
        (room, user_id),
    ).fetchone()
    if row is None:
        return None
    membership, name, is_direct, sender, never_in = row
    return Member(
        user_id, Membership(membership), Safe(name), bool(is_direct), UserId(sender), bool(never_in)
    )


def direct_room(
    connection: sqlite3.Connection, me: UserId, room: int, user_id: UserId, serving: bool
) -> DirectRoom:
    """The room as one of the conversation, which may be a group's."""
    room_id, mine, encrypted, created_at, successor, followed, service = connection.execute(
        "SELECT room_id, membership, encrypted, created_at, successor, followed, service"
        " FROM room WHERE number = ?",
        (room,),
    ).fetchone()
    group = room_id == user_id
    others = company_of(connection, room, me, counted=mine == Membership.JOIN)
    return DirectRoom(
        RoomId(room_id),
        Membership(mine),
        PeerState.GROUP if group else peer_state(member_of(connection, room, user_id), me, user_id),
        serving,
        bool(encrypted),
        created_at,
        None if successor is None else RoomId(successor),
        successor is not None and followed == successor,
        present_among(connection, room, set(json.loads(service)) - {me, user_id}),
        next(iter(others.known)) if others.count == len(others.known) == 1 else None,
    )


def present_among(
    connection: sqlite3.Connection, room: int, user_ids: Collection[str]
) -> tuple[UserId, ...]:
    """Those of them who are in the room, or invited to it."""
    members = (member_of(connection, room, UserId(user_id)) for user_id in sorted(user_ids))
    return tuple(m.user_id for m in members if m is not None and m.membership in PRESENT)


# -- when a chat becomes a group ------------------------------------------------------------


def is_for_fewer(connection: sqlite3.Connection, room: int, recipient: UserId | None) -> bool:
    """Whether something written to one person would be read by a whole group."""
    found = connection.execute(
        "SELECT 1 FROM room WHERE number = ? AND person = room_id AND person <> ?",
        (room, recipient or ""),
    ).fetchone()
    return found is not None


def _fail_unsent(work: Work, room: int, group: UserId) -> None:
    """What waits to be sent was written to one person: it goes to the group only if wished."""
    failed = work.connection.execute(
        "UPDATE event SET state = ?, failure = ? WHERE room = ? AND state = ? AND state <> 'sent'"
        " AND coalesce(recipient, '') <> ? RETURNING target",
        (SendState.FAILED, NOW_A_GROUP, room, SendState.QUEUED, group),
    ).fetchall()
    if failed:
        work.touch(room, lines=True)
    for (target,) in failed:
        if target is not None:
            settle_edit(work, room, target)


def move_draft(work: Work, room: int, former: UserId, present: UserId) -> None:
    """The draft of a person whose last room becomes a group goes there, as one meant for them.

    It stays with a person who has another room; of a group that is none any more it goes along.
    """
    connection = work.connection
    room_id = text(connection, "SELECT room_id FROM room WHERE number = ?", (room,))
    elsewhere = "SELECT 1 FROM room WHERE person = ? AND membership = 'join' LIMIT 1"
    if room_id not in (former, present) or number(connection, elsewhere, (former,)):
        return
    serving = number(connection, "SELECT room FROM person WHERE user_id = ?", (former,))
    draft = connection.execute(
        "SELECT text, answers, edits, edited FROM draft WHERE user_id = ?", (former,)
    ).fetchone()
    if serving != room or draft is None:
        return
    connection.execute("DELETE FROM draft WHERE user_id = ?", (former,))
    connection.execute(
        "INSERT INTO draft (user_id, meant_for, text, answers, edits, edited)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (user_id) DO UPDATE"
        " SET text = text || char(10) || excluded.text, meant_for = excluded.meant_for",
        (present, former if present == room_id else None, *draft),
    )
    work.changes.add(ConversationsChanged(frozenset({former, present})))
