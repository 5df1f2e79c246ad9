"""What the store knows of the rooms behind a person: for the card, and for why they are direct."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from dmtui.core.direct import Candidate
from dmtui.core.evidence import Asked, Evidence, keys_of, recorded
from dmtui.core.guard import DirectVersion
from dmtui.core.intents import EditDirect
from dmtui.core.model import DirectRoom, JsonObject, Membership, RoomId, Safe, UserId
from dmtui.core.names import clean_line, display_name, is_user_id
from dmtui.store import account
from dmtui.store.belonging import company_of, direct_room, member_of, present_among
from dmtui.store.contacts import petname_of
from dmtui.store.database import Database, number, text
from dmtui.store.intents import pending
from dmtui.store.people import candidate_of, person


class EvidenceRecords:
    """Part of the store; reads only. A group's ``user_id`` is its room ID, as in the list."""

    def __init__(self, database: Database, me: UserId):
        self._database = database
        self._me = me

    def rooms(self, user_id: UserId) -> tuple[DirectRoom, ...]:
        """The rooms behind the person: the serving one, then newest first."""
        with self._database.read() as connection:
            reader = _Reader(connection, self._me, user_id)
            rooms = [reader.direct_room(room) for room in reader.own_rooms()]
        return tuple(sorted(rooms, key=lambda room: (not room.serving, -room.created_at)))

    def members(self, room_id: RoomId) -> tuple[tuple[UserId, Safe], ...]:
        """The other humans in the room or invited to it, with their names."""
        with self._database.read() as connection:
            room = _number(connection, room_id)
            if room is None:
                return ()
            return _named(connection, room, sorted(company_of(connection, room, self._me).known))

    def members_among(
        self, room_id: RoomId, user_ids: Collection[UserId]
    ) -> tuple[tuple[UserId, Safe], ...]:
        """Those of :meth:`members` who are asked for, without a look at the others."""
        with self._database.read() as connection:
            room = _number(connection, room_id)
            if room is None:
                return ()
            service = text(connection, "SELECT service FROM room WHERE number = ?", (room,))
            humans = {*user_ids} - {self._me, *json.loads(service or "[]")}
            return _named(connection, room, present_among(connection, room, humans))

    def evidence(self, user_id: UserId, versions: Sequence[DirectVersion]) -> tuple[Evidence, ...]:
        """One for each room of the person, the serving one first; ``versions`` are newest first.

        Rooms that the map, or the flag of an invite, gives to the person are among them.
        """
        history = [(version.content, version.seen_at, version.ours) for version in versions]
        written = history[0][1:] if history else None
        with self._database.read() as connection:
            found = _Reader(connection, self._me, user_id).evidence()
        return tuple(
            replace(one, recorded=recorded(history, one.room_id), written=written) for one in found
        )


class _Reader:
    """One look at what there is of one person."""

    def __init__(self, connection: sqlite3.Connection, me: UserId, user_id: UserId):
        self._connection = connection
        self._me = me
        self._person = user_id
        self._row = person(connection, user_id)

    def own_rooms(self) -> list[int]:
        """Rows of the rooms that make the conversation."""
        rows = self._connection.execute(
            "SELECT number FROM room WHERE (person = ?1 OR room_id = ?1) AND forgotten = 0"
            " ORDER BY number",
            (self._person,),
        )
        return [room for (room,) in rows]

    def direct_room(self, room: int) -> DirectRoom:
        direct = direct_room(self._connection, self._me, room, self._person, serving=False)
        serving = self._row is not None and self._row.room_id == direct.room_id
        return replace(direct, serving=serving)

    def evidence(self) -> list[Evidence]:
        content = account.direct(self._connection) or {}
        edits = [
            entry.intent
            for entry in pending(self._connection)
            if isinstance(entry.intent, EditDirect)
        ]
        own = self.own_rooms()
        rivals = () if self._is_group else tuple(map(self._candidate, own))
        rooms = self._room_ids(own, edits)
        return [self._of_room(room_id, content, edits, rivals) for room_id in rooms]

    @property
    def _is_group(self) -> bool:
        return not is_user_id(self._person)

    def _candidate(self, room: int) -> Candidate:
        return candidate_of(self._connection, self._me, room, self._person)

    def _room_ids(self, own: Iterable[int], edits: Iterable[EditDirect]) -> list[RoomId]:
        """The serving room, the other ones of the conversation, then those that are none of it."""
        found = [self._row.room_id] if self._row is not None else []
        for room in own:
            room_id = text(self._connection, "SELECT room_id FROM room WHERE number = ?", (room,))
            found += [RoomId(room_id)] if room_id else []
        if not self._is_group:
            listed = self._connection.execute(
                "SELECT room_id FROM direct WHERE user_id = ? ORDER BY room_id", (self._person,)
            )
            found += [RoomId(room_id) for (room_id,) in listed]
            flagged = account.candidates(self._connection, self._me, self._person)
            found += [candidate.room_id for candidate in flagged]
            found += [edit.room_id for edit in edits if edit.user_id == self._person]
        return [room_id for room_id in dict.fromkeys(found) if not self._is_forgotten(room_id)]

    def _is_forgotten(self, room_id: RoomId) -> bool:
        forgotten = "SELECT forgotten FROM room WHERE room_id = ?"
        return bool(number(self._connection, forgotten, (room_id,)))

    def _of_room(
        self,
        room_id: RoomId,
        content: JsonObject,
        edits: Sequence[EditDirect],
        rivals: tuple[Candidate, ...],
    ) -> Evidence:
        keys = keys_of(content, room_id)
        wished = tuple(edit for edit in edits if edit.room_id == room_id)
        room = _number(self._connection, room_id)
        if room is None:
            return Evidence(room_id, self._me, None, keys=keys, edits=wished)
        connection = self._connection
        mine, space, name, service, successor, predecessor, kept, inviter, flagged, owner = (
            connection.execute(
                "SELECT membership, space, name, service, successor, predecessor, kept, inviter,"
                " invite_direct, person FROM room WHERE number = ?",
                (room,),
            ).fetchone()
        )
        others = company_of(connection, room, self._me, counted=mine == Membership.JOIN)
        whose = owner if owner and is_user_id(owner) else self._row and self._row.was_with
        humans = tuple(sorted(others.known))
        serving = self._present(room, json.loads(service))
        people = {*humans, *serving, *filter(None, (whose, inviter))}
        ours = any(rival.room_id == room_id for rival in rivals)
        return Evidence(
            room_id,
            self._me,
            Membership(mine),
            UserId(whose) if whose else None,
            keys,
            humans,
            others.count,
            serving,
            {user_id: self._called(room, user_id) for user_id in people},
            self._invite(room, inviter, bool(flagged), humans),
            clean_line(name, 80),
            bool(space),
            bool(kept),
            successor,
            self._is_joined(successor),
            predecessor,
            rivals if ours else (),
            wished,
        )

    def _present(self, room: int, service: Iterable[str]) -> tuple[UserId, ...]:
        """The service members who are in the room or invited."""
        rows = self._connection.execute(
            "SELECT user_id FROM member WHERE room = ? AND membership IN ('join', 'invite')",
            (room,),
        )
        there = {user_id for (user_id,) in rows}
        return tuple(UserId(user_id) for user_id in sorted(there.intersection(service)))

    def _called(self, room: int, user_id: UserId) -> Safe:
        if self._row is not None and user_id == self._person:
            return self._row.name
        return _name(self._connection, room, user_id)

    def _invite(
        self, room: int, inviter: str | None, flagged: bool, humans: Sequence[UserId]
    ) -> Asked | str:
        if inviter and flagged:
            return Asked(UserId(inviter), self._me, direct=True)
        if inviter:
            return f"{self._called(room, UserId(inviter))} invited you"
        for user_id in humans:
            member = member_of(self._connection, room, user_id)
            if member is not None and member.is_direct:
                return Asked(self._me, user_id, direct=True)
        return "not known here"

    def _is_joined(self, room_id: str | None) -> bool:
        joined = "SELECT membership = 'join' FROM room WHERE room_id = ?"
        return bool(room_id and number(self._connection, joined, (room_id,)))


def _number(connection: sqlite3.Connection, room_id: RoomId) -> int | None:
    return number(connection, "SELECT number FROM room WHERE room_id = ?", (room_id,))


def _named(
    connection: sqlite3.Connection, room: int, user_ids: Iterable[UserId]
) -> tuple[tuple[UserId, Safe], ...]:
    return tuple(
        (user_id, petname_of(connection, user_id) or _name(connection, room, user_id))
        for user_id in user_ids
    )


def _name(connection: sqlite3.Connection, room: int, user_id: UserId) -> Safe:
    found = text(
        connection,
        "SELECT name FROM member WHERE user_id = ? AND name <> ''"
        " ORDER BY room <> ?, room DESC LIMIT 1",
        (user_id, room),
    )
    return display_name(user_id, found)
