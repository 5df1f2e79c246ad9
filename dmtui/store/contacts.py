"""How people are arranged: what I wish, until the server has it, and what the server says."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import cast

from dmtui.core.contacts import (
    FAVOURITE,
    LOW_PRIORITY,
    NOTHING,
    Part,
    TaggedRoom,
    Wish,
    arranged,
    is_readable,
    lacking,
    petname,
    read_people,
)
from dmtui.core.events import Change, TimelineChanged
from dmtui.core.intents import ArrangeContact
from dmtui.core.model import Contact, JsonObject, Milliseconds, RoomId, Safe, UserId
from dmtui.store import intents
from dmtui.store.database import Database, number, text
from dmtui.store.work import Work

ACCOUNT_DATA = Part.NAME | Part.MUTE
"""What of an arrangement is in account data, a mute's end being the part of it that is."""

Writing = Callable[[], AbstractContextManager[Work]]


class ContactRecords:
    """Part of the store; all methods raise ``StoreTrouble`` as the store's do.

    Every change writes the wish and journals ``ArrangeContact`` in one transaction. A person's
    key is a user ID, a group's its room ID.
    """

    def __init__(self, database: Database, write: Writing):
        self._database = database
        self._write = write

    def contact(self, user_id: UserId) -> Contact:
        """How the person is arranged, whether or not there is a conversation."""
        with self._database.read() as connection:
            return arrangement(connection, user_id)

    def rename(self, user_id: UserId, name: str) -> frozenset[Change]:
        """Give the person a petname; an empty one takes it away."""
        with self._write() as work:
            before = arrangement(work.connection, user_id)
            _wish(work, replace(before, petname=petname(name)), Part.NAME)
        return work.done

    def pin(self, user_id: UserId, pinned: bool) -> frozenset[Change]:
        """Keep at the top, or no longer; whoever is pinned is not put away."""
        with self._write() as work:
            before = arrangement(work.connection, user_id)
            parts = Part.PIN | (Part.ARCHIVE if pinned and before.archived else NOTHING)
            archived = before.archived and not pinned
            _wish(work, replace(before, pinned=pinned, archived=archived), parts)
        return work.done

    def archive(self, user_id: UserId, archived: bool) -> frozenset[Change]:
        """Put away, or bring back; whoever is put away is not pinned."""
        with self._write() as work:
            before = arrangement(work.connection, user_id)
            parts = Part.ARCHIVE | (Part.PIN if archived and before.pinned else NOTHING)
            pinned = before.pinned and not archived
            _wish(work, replace(before, pinned=pinned, archived=archived), parts)
        return work.done

    def mute(self, user_id: UserId, muted: bool, until: Milliseconds = 0) -> frozenset[Change]:
        """Keep quiet of the person until then (0: for good), or no longer."""
        with self._write() as work:
            _mute(work, user_id, muted, until)
        return work.done

    def mark_unread(self, user_id: UserId) -> frozenset[Change]:
        """Have something to read, until the chat is read."""
        with self._write() as work:
            before = arrangement(work.connection, user_id)
            _wish(work, replace(before, marked_unread=True), Part.UNREAD)
        return work.done

    def next_end(self, after: Milliseconds = 0) -> Milliseconds | None:
        """When the first of the timed mutes is over that ends after then."""
        with self._database.read() as connection:
            sql = "SELECT min(muted_until) FROM contact WHERE muted_until > ?"
            return number(connection, sql, (after,))

    def end_mutes(self, now: Milliseconds) -> frozenset[Change]:
        """Wish those mutes to end whose time is over."""
        with self._write() as work:
            over = work.connection.execute(
                "SELECT user_id FROM contact WHERE muted_until BETWEEN 1 AND ?", (now,)
            ).fetchall()
            for (user_id,) in over:
                _mute(work, user_id, False, 0)
        return work.done

    # -- publishing ---------------------------------------------------------------------------

    def wish(self, user_id: UserId) -> Wish | None:
        """What is to be published of the person; ``None``: nothing."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT wished, changed FROM contact WHERE user_id = ?", (user_id,)
            ).fetchone()
            if row is None or not row[1]:
                return None
            rooms = tuple(_rooms(connection, user_id))
            return Wish(arrangement(connection, user_id), Part(row[0]), row[1], rooms)

    def published(self, wish: Wish) -> frozenset[Change]:
        """The server has it; from now on what sync tells counts, unless more was wished since."""
        with self._write() as work:
            if _end(work, wish):
                for room in wish.rooms:
                    _take_over(work, room, wish)
        return work.done

    def refused(self, wish: Wish) -> frozenset[Change]:
        """The server will not have it: what sync told counts again."""
        with self._write() as work:
            if _end(work, wish):
                content = _content(work.connection)
                told = read_people(content).get(wish.contact.user_id)
                _put_told(work, told or Contact(wish.contact.user_id), wish.parts)
        return work.done


# -- wishes ---------------------------------------------------------------------------------


def _wish(work: Work, contact: Contact, parts: Part) -> None:
    columns: dict[str, Safe | int] = {"wished": int(parts), "changed": 1}
    if Part.NAME in parts:
        columns["petname"] = contact.petname
        _tell_of_name(work, contact.user_id)
    if Part.PIN in parts:
        columns["pinned"] = contact.pinned
    if Part.ARCHIVE in parts:
        columns["archived"] = contact.archived
    if Part.MUTE in parts:
        columns |= {"muted": contact.muted, "muted_until": contact.muted_until}
    if Part.UNREAD in parts:
        columns["marked_unread"] = contact.marked_unread
    changes = {name: f"excluded.{name}" for name in columns}
    changes |= {"wished": "wished | excluded.wished", "changed": "changed + 1"}
    work.connection.execute(
        f"INSERT INTO contact ({', '.join(columns)}, user_id)"  # noqa: S608 - fixed names
        f" VALUES ({'?, ' * len(columns)}?) ON CONFLICT (user_id) DO UPDATE"
        f" SET {', '.join(f'{name} = {value}' for name, value in changes.items())}",
        (*columns.values(), contact.user_id),
    )
    intents.add(work, ArrangeContact(contact.user_id))
    work.people.add(contact.user_id)


def _tell_of_name(work: Work, user_id: UserId) -> None:
    """Timelines say who wrote, and groups may go by who is in them."""
    groups = work.connection.execute(
        "SELECT r.person FROM member m JOIN room r ON r.number = m.room"
        " WHERE m.user_id = ? AND r.person = r.room_id",
        (user_id,),
    ).fetchall()
    for key in (user_id, *(group for (group,) in groups)):
        work.people.add(key)
        work.changes.add(TimelineChanged(key))


def _mute(work: Work, user_id: UserId, muted: bool, until: Milliseconds) -> None:
    before = arrangement(work.connection, user_id)
    _wish(work, replace(before, muted=muted, muted_until=until if muted else 0), Part.MUTE)


def bring_back(work: Work, user_id: UserId) -> Contact:
    """Somebody put away has written: wish them back; returns how they stand now."""
    contact = replace(arrangement(work.connection, user_id), archived=False)
    _wish(work, contact, Part.ARCHIVE)
    return contact


def end_mark(work: Work, user_id: UserId) -> None:
    """The chat is read: wish that it is marked as unread no more, if it is."""
    contact = arrangement(work.connection, user_id)
    if contact.marked_unread:
        _wish(work, replace(contact, marked_unread=False), Part.UNREAD)


def adopt(work: Work, user_id: UserId, room: int) -> None:
    """A room has come to a person: pinned, put away or muted as they were, it is to be, too."""
    if not work.synced:
        return
    connection = work.connection
    row = connection.execute(
        "SELECT pinned, archived, muted, muted_until FROM person WHERE user_id = ?"
        " AND (pinned OR archived OR muted)",
        (user_id,),
    ).fetchone()
    if row is None:
        return
    before = arrangement(connection, user_id)
    contact = Contact(user_id, before.petname, bool(row[0]), bool(row[1]), bool(row[2]), row[3])
    (here,) = _rooms(connection, user_id, room) or (None,)
    if here is not None and (parts := lacking(contact, here)):
        _wish(work, contact, parts)


def is_waiting(work: Work, user_id: UserId) -> bool:
    """Whether something wished of the person is not published."""
    changed = "SELECT changed FROM contact WHERE user_id = ?"
    return bool(number(work.connection, changed, (user_id,)))


def _end(work: Work, wish: Wish) -> bool:
    """No longer wished; false if something else was wished meanwhile."""
    user_id = wish.contact.user_id
    ended = work.connection.execute(
        "UPDATE contact SET wished = 0, changed = 0 WHERE user_id = ? AND changed = ?",
        (user_id, wish.version),
    )
    work.people.add(user_id)
    return bool(ended.rowcount)


def _take_over(work: Work, room: TaggedRoom, wish: Wish) -> None:
    """The room is as it was wished, before sync says so."""
    contact, tags = wish.contact, set(room.tags)
    for part, tag, present in (
        (Part.PIN, FAVOURITE, contact.pinned),
        (Part.ARCHIVE, LOW_PRIORITY, contact.archived),
    ):
        if part in wish.parts:
            tags = tags | {tag} if present else tags - {tag}
    set_tags(work, room.room_id, tags)
    if Part.MUTE in wish.parts:
        sql = "INSERT OR IGNORE INTO muted_room (room_id) VALUES (?)"
        if not contact.muted:
            sql = "DELETE FROM muted_room WHERE room_id = ?"
        work.connection.execute(sql, (room.room_id,))
    if Part.UNREAD in wish.parts:
        set_marked_unread(work, room.room_id, wish.marks(room))


# -- what sync tells ------------------------------------------------------------------------


def set_tags(work: Work, room_id: RoomId, tags: Collection[str]) -> None:
    """The names of ``m.tag`` of a room that is known."""
    changed = work.connection.execute(
        "UPDATE room SET tags = ? WHERE room_id = ? AND tags <> ?",
        (kept := json.dumps(sorted(tags)), room_id, kept),
    )
    if changed.rowcount and (room := work.room(room_id)) is not None:
        work.touch(room)


def set_marked_unread(work: Work, room_id: RoomId, marked: bool) -> None:
    """``m.marked_unread`` of a room that is known."""
    changed = work.connection.execute(
        "UPDATE room SET marked_unread = ? WHERE room_id = ? AND marked_unread <> ?",
        (marked, room_id, marked),
    )
    if changed.rowcount and (room := work.room(room_id)) is not None:
        work.touch(room)


def set_muted(work: Work, room_ids: Collection[RoomId]) -> None:
    """These rooms and no others are muted by a push rule."""
    connection = work.connection
    known = {RoomId(row[0]) for row in connection.execute("SELECT room_id FROM muted_room")}
    wanted = set(room_ids)
    connection.executemany(
        "DELETE FROM muted_room WHERE room_id = ?", [(room_id,) for room_id in known - wanted]
    )
    connection.executemany(
        "INSERT INTO muted_room (room_id) VALUES (?)", [(room_id,) for room_id in wanted - known]
    )
    for room_id in known ^ wanted:
        if (room := work.room(room_id)) is not None:
            work.touch(room)


def set_contacts(work: Work, content: JsonObject) -> None:
    """Petnames and ends of mutes as the server has them; kept verbatim."""
    if not is_readable(content):
        return
    connection = work.connection
    now = read_people(content)
    known = {UserId(row[0]) for row in connection.execute("SELECT user_id FROM contact")}
    connection.execute(
        "INSERT OR REPLACE INTO meta (name, value) VALUES ('contacts', ?)", (json.dumps(content),)
    )
    for user_id in known | now.keys():
        told = now.get(user_id) or Contact(user_id)
        wished = number(connection, "SELECT wished FROM contact WHERE user_id = ?", (user_id,))
        _put_told(work, told, ACCOUNT_DATA & ~Part(wished or 0))


def _put_told(work: Work, told: Contact, parts: Part) -> None:
    """Write down what account data says of these parts of the person."""
    columns: dict[str, Safe | int] = {}
    if Part.NAME in parts:
        columns["petname"] = told.petname
    if Part.MUTE in parts:
        columns["muted_until"] = told.muted_until
    for column, value in columns.items():
        changed = work.connection.execute(
            f"INSERT INTO contact ({column}, user_id) VALUES (?, ?)"  # noqa: S608 - fixed names
            f" ON CONFLICT (user_id) DO UPDATE SET {column} = excluded.{column}"
            f" WHERE {column} <> excluded.{column}",
            (value, told.user_id),
        )
        if changed.rowcount:
            work.people.add(told.user_id)
            if column == "petname":
                _tell_of_name(work, told.user_id)


def _content(connection: sqlite3.Connection) -> JsonObject:
    kept = text(connection, "SELECT value FROM meta WHERE name = 'contacts'")
    return {} if kept is None else cast(JsonObject, json.loads(kept))


# -- reading --------------------------------------------------------------------------------


def petname_of(connection: sqlite3.Connection, user_id: UserId) -> Safe:
    """What I call the person; empty for nothing of my own."""
    return Safe(text(connection, "SELECT petname FROM contact WHERE user_id = ?", (user_id,)) or "")


def arrangement(connection: sqlite3.Connection, user_id: UserId) -> Contact:
    """How the person stands now."""
    row = connection.execute(
        "SELECT petname, pinned, archived, muted, muted_until, marked_unread, wished FROM contact"
        " WHERE user_id = ?",
        (user_id,),
    ).fetchone()
    rooms = _rooms(connection, user_id)
    if row is None:
        return arranged(Contact(user_id), NOTHING, rooms)
    name, pinned, archived, muted, until, marked, wished = row
    states = (bool(pinned), bool(archived), bool(muted), until, bool(marked))
    stored = Contact(user_id, name, *states)
    return arranged(stored, Part(wished), rooms)


def _rooms(
    connection: sqlite3.Connection, user_id: UserId, room: int | None = None
) -> list[TaggedRoom]:
    """The joined rooms that make the person's conversation, or one of them."""
    rows = connection.execute(
        "SELECT r.room_id, r.tags, m.room_id IS NOT NULL, r.marked_unread,"
        " EXISTS (SELECT 1 FROM person p WHERE p.user_id = r.person AND p.room = r.number)"
        " FROM room r LEFT JOIN muted_room m ON m.room_id = r.room_id"
        " WHERE r.person = ? AND r.membership = 'join' AND coalesce(r.number = ?, 1)",
        (user_id, room),
    ).fetchall()
    return [
        TaggedRoom(
            room_id,
            frozenset(json.loads(tags) if tags != "[]" else ()),
            bool(muted),
            bool(marked),
            bool(serving),
        )
        for room_id, tags, muted, marked, serving in rows
    ]
