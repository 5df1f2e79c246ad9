"""Pending invites, the ignored, and the direct map, as sync tells them."""

from __future__ import annotations

import json
from collections.abc import Collection

from dmtui.core.direct import read_direct
from dmtui.core.events import SettingsChanged
from dmtui.core.fold import changed_lists
from dmtui.core.model import Invite, JsonObject, RoomId, UserId
from dmtui.store.database import number, text
from dmtui.store.work import Work

INVITES = "invites"
"""The row of ``meta`` that says whether anybody may invite me: one of the two values below."""

BLOCKED = "blocked"
ALLOWED = "allowed"

UNSEEN = "unseen"
"""The name of the meta row that says to look for rooms of the map that sync does not show."""


def put_invite(work: Work, invite: Invite) -> None:
    """A new or changed invite; the time it was first received stays.

    An answer of the server that is older than our join may still tell of it: that is passed over.
    The user need not be told of those that the first sync brings.
    """
    connection = work.connection
    values = (
        invite.inviter,
        invite.inviter_name,
        int(invite.direct),
        invite.room_name,
        invite.reason,
        int(invite.encrypted),
        invite.warning,
    )
    room = work.room(invite.room_id)
    if room is not None:
        if number(connection, "SELECT entered FROM room WHERE number = ?", (room,)):
            return
        connection.execute("UPDATE room SET membership = 'invite' WHERE number = ?", (room,))
        work.touch(room)
    known = connection.execute(
        "SELECT inviter, inviter_name, direct, room_name, reason, encrypted, warning"
        " FROM invite WHERE room_id = ?",
        (invite.room_id,),
    ).fetchone()
    if known == values:
        return
    synced = text(connection, "SELECT value FROM meta WHERE name = 'synced'") is not None
    connection.execute(
        "INSERT INTO invite (inviter, inviter_name, direct, room_name, reason, encrypted, warning,"
        " room_id, received, told) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (room_id) DO UPDATE"
        " SET inviter = excluded.inviter, inviter_name = excluded.inviter_name,"
        " direct = excluded.direct, room_name = excluded.room_name, reason = excluded.reason,"
        " encrypted = excluded.encrypted, warning = excluded.warning, dropped = 0",
        (*values, invite.room_id, invite.received, int(not synced)),
    )
    work.invites_changed()


def hide_invite(work: Work, room_id: RoomId) -> None:
    """It is answered or dead, whatever the server goes on telling; a different one shows."""
    hidden = work.connection.execute(
        "UPDATE invite SET dropped = 1 WHERE room_id = ? AND dropped = 0", (room_id,)
    )
    if hidden.rowcount:
        work.invites_changed()


def drop_invite(work: Work, room_id: RoomId) -> None:
    dropped = work.connection.execute("DELETE FROM invite WHERE room_id = ?", (room_id,))
    if dropped.rowcount:
        work.invites_changed()


def keep_invites(work: Work, room_ids: Collection[RoomId]) -> None:
    """Only these are pending."""
    for (room_id,) in work.connection.execute("SELECT room_id FROM invite").fetchall():
        if room_id not in room_ids:
            drop_invite(work, room_id)


def ignored(work: Work) -> set[UserId]:
    return {UserId(row[0]) for row in work.connection.execute("SELECT user_id FROM ignored")}


def set_ignored(work: Work, user_ids: Collection[UserId]) -> None:
    connection = work.connection
    known = ignored(work)
    if known == set(user_ids):
        return
    connection.execute("DELETE FROM ignored")
    connection.executemany("INSERT INTO ignored (user_id) VALUES (?)", [(u,) for u in user_ids])
    work.people |= known ^ set(user_ids)
    work.changes.add(SettingsChanged())
    work.invites_changed()


def set_blocked(work: Work, blocked: bool) -> None:
    """Whether the homeserver lets nobody invite me."""
    value = BLOCKED if blocked else ALLOWED
    if text(work.connection, "SELECT value FROM meta WHERE name = ?", (INVITES,)) != value:
        set_meta(work, INVITES, value)
        work.changes.add(SettingsChanged())


def set_direct(work: Work, content: JsonObject) -> None:
    """``m.direct`` as it now is: kept verbatim, and taken apart for look-ups."""
    connection = work.connection
    verbatim = json.dumps(content)
    if text(connection, "SELECT value FROM meta WHERE name = 'direct'") == verbatim:
        return
    set_meta(work, "direct", verbatim)
    set_meta(work, UNSEEN, "yes")
    before: dict[UserId, list[str]] = {}
    for user_id, room_id in connection.execute("SELECT user_id, room_id FROM direct"):
        before.setdefault(UserId(user_id), []).append(room_id)
    now = read_direct(content)
    connection.execute("DELETE FROM direct")
    connection.executemany(
        "INSERT INTO direct (user_id, room_id) VALUES (?, ?)",
        [(user_id, room_id) for user_id, rooms in now.items() for room_id in rooms],
    )
    for room_id in changed_lists(before, now):
        room = work.room(RoomId(room_id))
        if room is not None:
            work.touch(room)


def set_meta(work: Work, name: str, value: str) -> None:
    work.connection.execute(
        "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value)
    )
