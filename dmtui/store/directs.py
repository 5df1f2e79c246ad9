"""The records of ``m.direct``: versions seen, losses and conflicts, the survey, the last repair."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import cast

from dmtui.core.direct import holds, losses, read_direct
from dmtui.core.doctor import RoomFacts, Survey
from dmtui.core.events import Change, DirectTroubleChanged
from dmtui.core.fold import company
from dmtui.core.guard import DirectTrouble, DirectVersion
from dmtui.core.intents import DirectAction, EditDirect
from dmtui.core.model import Json, JsonObject, Membership, Milliseconds, RoomId, UserId
from dmtui.store.database import Database, text
from dmtui.store.work import Work

VERSIONS_KEPT = 50

Writing = Callable[[], AbstractContextManager[Work]]


class DirectRecords:
    """Part of the store; all methods raise ``StoreTrouble`` as the store's do."""

    def __init__(self, database: Database, write: Writing, me: UserId):
        self._database = database
        self._write = write
        self._me = me

    def remember(
        self,
        content: JsonObject,
        at: Milliseconds,
        ours: bool,
        watched: Collection[RoomId] = (),
    ) -> frozenset[Change]:
        """A version was seen, or written by us; a mass loss against the one before is noted.

        ``watched`` rooms are no loss: the writer puts them back by itself.
        """
        with self._write() as work:
            newest = _newest(work.connection)
            if newest is None or newest.content != content:
                _add(work, newest, content, at, None if ours else frozenset(watched))
                _forget_old(work)
            _settle(work, content)
        return work.done

    def versions(self) -> tuple[DirectVersion, ...]:
        """The last 50 versions seen, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"{_VERSION} ORDER BY number DESC LIMIT ?", (VERSIONS_KEPT,)
            ).fetchall()
            return tuple(_version(row) for row in rows)

    def version(self, number: int) -> JsonObject | None:
        """The content of a version; ``None`` when it is no longer kept."""
        with self._database.read() as connection:
            row = connection.execute(f"{_VERSION} WHERE number = ?", (number,)).fetchone()
            return None if row is None else _version(row).content

    def trouble(self) -> DirectTrouble | None:
        """What another client has done to the map, until it is dealt with."""
        with self._database.read() as connection:
            if not _is_troubled(connection):
                return None
            newest = _newest(connection)
            lost, formers = _lost(connection, newest.content if newest else {})
            undone = tuple(
                EditDirect(DirectAction(action), UserId(user_id), RoomId(room_id))
                for action, user_id, room_id in connection.execute(
                    "SELECT action, user_id, room_id FROM direct_conflict ORDER BY rowid"
                )
            )
        return DirectTrouble(lost, formers, undone) if lost or undone else None

    def dismiss_trouble(self) -> frozenset[Change]:
        """The map is as the user wants it."""
        with self._write() as work:
            dismiss_losses(work)
            work.connection.execute("DELETE FROM direct_conflict")
            work.changes.add(DirectTroubleChanged())
        return work.done

    # -- the doctor ---------------------------------------------------------------------------

    def keep_survey(self, survey: Survey) -> frozenset[Change]:
        """The newest survey replaces the one before."""
        with self._write() as work:
            rooms: list[Json] = [_write_facts(facts) for facts in survey.rooms]
            _keep(work, "survey", {"content": survey.content, "rooms": rooms})
        return work.done

    def survey(self) -> Survey | None:
        """The newest survey; ``None`` if there was none yet."""
        with self._database.read() as connection:
            kept = _kept(connection, "survey")
        if kept is None:
            return None
        rooms = cast("list[JsonObject]", kept["rooms"])
        return Survey(cast(JsonObject, kept["content"]), tuple(map(_read_facts, rooms)))

    def keep_repair(self, before: JsonObject, after: JsonObject) -> frozenset[Change]:
        """A repair is about to be written: what undo needs."""
        with self._write() as work:
            _keep(work, "repair", {"before": before, "after": after})
        return work.done

    def repair(self) -> tuple[JsonObject, JsonObject] | None:
        """The map before and after the last repair, unless it was undone."""
        with self._database.read() as connection:
            kept = _kept(connection, "repair")
        if kept is None:
            return None
        return cast(JsonObject, kept["before"]), cast(JsonObject, kept["after"])

    def room_facts(
        self, room_ids: Collection[RoomId], joined: Collection[RoomId]
    ) -> dict[RoomId, RoomFacts]:
        """What the store knows of those rooms that it knows; ``joined`` are all I am in."""
        with self._database.read() as connection:
            found = (_facts(connection, self._me, room_id, joined) for room_id in room_ids)
            return {facts.room_id: facts for facts in found if facts is not None}

    def service_members(self, room_id: RoomId) -> frozenset[UserId]:
        """Members who are no humans, as the room's state names them."""
        with self._database.read() as connection:
            kept = text(connection, "SELECT service FROM room WHERE room_id = ?", (room_id,))
        return frozenset(UserId(user_id) for user_id in json.loads(kept or "[]"))


# -- versions and losses --------------------------------------------------------------------

_VERSION = "SELECT number, content, seen_at, ours FROM direct_version"


def _version(row: tuple[int, str, int, int]) -> DirectVersion:
    return DirectVersion(row[0], cast(JsonObject, json.loads(row[1])), row[2], bool(row[3]))


def _newest(connection: sqlite3.Connection) -> DirectVersion | None:
    row = connection.execute(f"{_VERSION} ORDER BY number DESC LIMIT 1").fetchone()
    return None if row is None else _version(row)


def _add(
    work: Work,
    newest: DirectVersion | None,
    content: JsonObject,
    at: Milliseconds,
    watched: frozenset[RoomId] | None,
) -> None:
    """``watched`` is ``None`` for a version of our own."""
    lost: frozenset[RoomId] = frozenset()
    if newest is not None and watched is not None:
        lost = losses(newest.content, content, _joined(work.connection) - watched)
    work.connection.execute(
        "INSERT INTO direct_version (content, seen_at, ours, lost, former) VALUES (?, ?, ?, ?, ?)",
        (
            json.dumps(content),
            at,
            watched is None,
            json.dumps(sorted(lost)),
            newest.number if newest and lost else None,
        ),
    )
    if lost:
        work.changes.add(DirectTroubleChanged())


def _forget_old(work: Work) -> None:
    work.connection.execute(
        "DELETE FROM direct_version WHERE former IS NULL"
        " AND number NOT IN (SELECT number FROM direct_version ORDER BY number DESC LIMIT ?)"
        " AND number NOT IN (SELECT former FROM direct_version WHERE former IS NOT NULL)",
        (VERSIONS_KEPT,),
    )


def _joined(connection: sqlite3.Connection) -> frozenset[RoomId]:
    rows = connection.execute("SELECT room_id FROM room WHERE membership = 'join'")
    return frozenset(RoomId(row[0]) for row in rows)


def _is_troubled(connection: sqlite3.Connection) -> bool:
    """Whether it is worth reading the map."""
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM direct_version WHERE former IS NOT NULL)"
        " OR EXISTS (SELECT 1 FROM direct_conflict)"
    ).fetchone()
    return bool(row[0])


def _lost(
    connection: sqlite3.Connection, content: JsonObject
) -> tuple[frozenset[RoomId], tuple[int, ...]]:
    """Joined rooms of unsettled losses that ``content`` still lacks, and who had them."""
    rows = connection.execute(
        "SELECT former, lost FROM direct_version WHERE former IS NOT NULL ORDER BY number"
    ).fetchall()
    if not rows:
        return frozenset(), ()
    listed = {room for rooms in read_direct(content).values() for room in rooms}
    lost = {RoomId(room) for _, kept in rows for room in json.loads(kept)} - listed
    return _joined(connection) & lost, tuple(former for former, _ in rows)


def _settle(work: Work, content: JsonObject) -> None:
    """What the map has again is no trouble any more."""
    connection = work.connection
    lost, formers = _lost(connection, content)
    if formers and not lost:
        dismiss_losses(work)
    conflicts = connection.execute(
        "SELECT rowid, action, user_id, room_id FROM direct_conflict"
    ).fetchall()
    for row, action, user_id, room_id in conflicts:
        if holds(content, EditDirect(DirectAction(action), UserId(user_id), RoomId(room_id))):
            connection.execute("DELETE FROM direct_conflict WHERE rowid = ?", (row,))
            work.changes.add(DirectTroubleChanged())


def dismiss_losses(work: Work) -> None:
    """Nothing is lost any more."""
    work.connection.execute("UPDATE direct_version SET former = NULL WHERE former IS NOT NULL")
    work.changes.add(DirectTroubleChanged())


def note_conflict(work: Work, edit: EditDirect) -> None:
    """Another client keeps undoing the edit."""
    work.connection.execute(
        "INSERT OR IGNORE INTO direct_conflict (action, user_id, room_id) VALUES (?, ?, ?)",
        (edit.action, edit.user_id, edit.room_id),
    )
    work.changes.add(DirectTroubleChanged())


# -- JSON in the meta table -----------------------------------------------------------------


def _keep(work: Work, name: str, value: JsonObject) -> None:
    work.connection.execute(
        "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, json.dumps(value))
    )


def _kept(connection: sqlite3.Connection, name: str) -> JsonObject | None:
    kept = text(connection, "SELECT value FROM meta WHERE name = ?", (name,))
    return None if kept is None else cast(JsonObject, json.loads(kept))


def forget_repair(work: Work) -> None:
    """It was undone."""
    work.connection.execute("DELETE FROM meta WHERE name = 'repair'")


def _write_facts(facts: RoomFacts) -> JsonObject:
    return {
        "room_id": facts.room_id,
        "mine": facts.mine,
        "humans": list(facts.humans),
        "successor": facts.successor,
        "inviter": facts.inviter,
        "direct": facts.direct,
        "space": facts.space,
        "plain": facts.plain,
        "kept": facts.kept,
    }


def _read_facts(kept: JsonObject) -> RoomFacts:
    mine, successor, inviter = (kept[name] for name in ("mine", "successor", "inviter"))
    return RoomFacts(
        RoomId(str(kept["room_id"])),
        Membership(str(mine)) if mine else None,
        tuple(UserId(str(user_id)) for user_id in cast("Sequence[Json]", kept["humans"])),
        RoomId(str(successor)) if successor else None,
        UserId(str(inviter)) if inviter else None,
        bool(kept["direct"]),
        bool(kept["space"]),
        bool(kept.get("plain")),
        bool(kept.get("kept")),
    )


def _facts(
    connection: sqlite3.Connection, me: UserId, room_id: RoomId, joined: Collection[RoomId]
) -> RoomFacts | None:
    row = connection.execute(
        "SELECT number, membership, space, service, inviter, invite_direct, kept FROM room"
        " WHERE room_id = ? AND (membership <> 'leave' OR told IS NOT NULL)",
        (room_id,),
    ).fetchone()
    if row is None:
        return None
    room, membership, space, service, inviter, direct, kept = row
    members = [
        (UserId(user_id), Membership(stands))
        for user_id, stands in connection.execute(
            "SELECT user_id, membership FROM member WHERE room = ?"
            " AND membership IN ('join', 'invite') ORDER BY user_id",
            (room,),
        )
    ]
    humans = tuple(sorted(company(members, me, json.loads(service), None, None).known))
    return RoomFacts(
        room_id,
        Membership(membership),
        humans,
        _successor(connection, room_id, joined),
        inviter,
        bool(direct),
        bool(space),
        kept=bool(kept),
    )


def _successor(
    connection: sqlite3.Connection, room_id: RoomId, joined: Collection[RoomId]
) -> RoomId | None:
    """The newest joined room down the chain of upgrades; a ring ends the walk."""
    seen: set[str] = {room_id}
    newest = None
    here = text(connection, "SELECT successor FROM room WHERE room_id = ?", (room_id,))
    while here is not None and here not in seen:
        seen.add(here)
        if here in joined:
            newest = RoomId(here)
        here = text(connection, "SELECT successor FROM room WHERE room_id = ?", (here,))
    return newest
