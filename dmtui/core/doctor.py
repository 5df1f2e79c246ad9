"""The doctor of ``m.direct``: what is wrong with the map, in words, and which changes mend it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dmtui.core.direct import room_person
from dmtui.core.intents import DirectAction, DirectChange, DropDirect, EditDirect, TidyDirect
from dmtui.core.model import Json, JsonObject, Membership, RoomId, Safe, UserId
from dmtui.core.names import clean_line, is_user_id
from dmtui.core.repairs import apply_changes, rooms_in

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class Ailment(StrEnum):
    """What can be wrong."""

    NOT_A_USER = "not a user"
    MALFORMED = "malformed"
    DUPLICATE = "duplicate"
    UNKNOWN_ROOM = "unknown room"
    LEFT_ROOM = "left room"
    UPGRADED = "upgraded room"
    GROUP = "group"
    SELF = "listed under yourself"
    SEVERAL_USERS = "several people"
    WRONG_PERSON = "wrong person"
    LOST_FLAG = "lost flag"
    NEVER_MARKED = "never marked"


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """What is known of a room that the map lists, or that I have joined.

    ``mine``: ``None`` when I was never in it or have forgotten it. ``humans`` are joined and
    invited members besides me, less service members; ``successor`` is a joined room that it was
    upgraded to. ``direct``: the invite by ``inviter`` (of me, or by me) carried ``is_direct``.
    ``plain``: it has no name, topic, alias or avatar. ``kept``: I want it to be an ordinary room.
    """

    room_id: RoomId
    mine: Membership | None
    humans: tuple[UserId, ...] = ()
    successor: RoomId | None = None
    inviter: UserId | None = None
    direct: bool = False
    space: bool = False
    plain: bool = False
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Survey:
    """``m.direct``, fresh from the server, and the rooms that matter to it."""

    content: JsonObject
    rooms: tuple[RoomFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: one line for the user; no ``changes`` where none is safe."""

    ailment: Ailment
    line: Safe
    changes: tuple[DirectChange, ...] = ()

    @property
    def candidate(self) -> bool:
        """Whether it is no fault, but something that the user may want or not."""
        return self.ailment is Ailment.NEVER_MARKED


def examine(survey: Survey, me: UserId) -> tuple[Finding, ...]:
    """Everything that is wrong with the map, in its order; then what it lacks, then candidates.

    What a repair of these would uncover is found, too: after it there is nothing more to repair.
    """
    found = tuple(_Examination(survey, me).findings())
    content = apply_changes(survey.content, repair_of(found))
    for _ in range(len(survey.rooms) + 1):
        again = _Examination(Survey(content, survey.rooms), me).findings()
        known = {change for finding in found for change in finding.changes}
        fresh = tuple(f for f in again if f.changes and not known.issuperset(f.changes))
        if not any(not finding.candidate for finding in fresh):
            break
        found += fresh
        content = apply_changes(survey.content, repair_of(found))
    named = {room for value in content.values() for room in rooms_in(value)}
    faults = [finding for finding in found if not finding.candidate]
    return (*faults, *(f for f in found if f.candidate and named.isdisjoint(_rooms_of(f))))


def _rooms_of(finding: Finding) -> frozenset[RoomId]:
    return frozenset(c.room_id for c in finding.changes if isinstance(c, EditDirect))


def repair_of(findings: Sequence[Finding], *, candidates: bool = False) -> tuple[DirectChange, ...]:
    """All changes in an order that makes sense: rooms find their people before keys go.

    Those of candidates only if wished.
    """
    wanted = (finding for finding in findings if candidates or not finding.candidate)
    changes = dict.fromkeys(change for finding in wanted for change in finding.changes)
    ranks = {EditDirect: 0, TidyDirect: 1, DropDirect: 2}
    return tuple(sorted(changes, key=lambda change: ranks[type(change)]))


class _Examination:
    def __init__(self, survey: Survey, me: UserId):
        self._me = me
        self._content = survey.content
        self._facts: Mapping[RoomId, RoomFacts] = {f.room_id: f for f in survey.rooms}
        self._people: dict[RoomId, list[UserId]] = {}
        for key, value in survey.content.items():
            if is_user_id(key):
                for room in dict.fromkeys(rooms_in(value)):
                    self._people.setdefault(RoomId(room), []).append(UserId(key))

    def findings(self) -> Iterator[Finding]:
        for key, value in self._content.items():
            if is_user_id(key):
                yield from _value_findings(key, value)
            else:
                yield self._foreign_key(key, value)
        left = 0
        for room_id, people in self._people.items():
            facts = self._facts.get(room_id)
            if facts is None:
                continue
            if facts.mine in (Membership.LEAVE, Membership.BAN) and facts.successor is None:
                left += 1
            else:
                yield from self._room(facts, people)
        if left:
            rooms = (
                "1 room that you left stays" if left == 1 else f"{left} rooms that you left stay"
            )
            line = f"{rooms} listed: a new invite is recognised by it."
            yield _finding(Ailment.LEFT_ROOM, line)
        yield from self._unlisted()

    # -- keys and values --

    def _foreign_key(self, key: str, value: Json) -> Finding:
        """A key that is no user ID: its rooms go to their people, then it can go."""
        rooms = tuple(RoomId(room) for room in dict.fromkeys(rooms_in(value)))
        moves = []
        stuck = False
        for room_id in rooms:
            if room_id in self._people:
                continue
            facts = self._facts.get(room_id)
            person = self._only_person(facts)
            if person is not None:
                moves.append(EditDirect(DirectAction.MOVE, person, room_id))
            elif facts is None or facts.mine is not None:
                stuck = True
        what = "an e-mail address" if _EMAIL.fullmatch(key) else "no user ID"
        line = f"{_quoted(key)} is {what}, so nobody's chats are listed there"
        if stuck:
            line += "; it stays, as whose its room is can't be told."
            return _finding(Ailment.NOT_A_USER, line)
        line += "; its rooms go to their people." if moves else "."
        return _finding(Ailment.NOT_A_USER, line, *moves, DropDirect(key, rooms))

    def _only_person(self, facts: RoomFacts | None) -> UserId | None:
        """The one other human of a joined room."""
        if facts is None or facts.mine is not Membership.JOIN or facts.space:
            return None
        return facts.humans[0] if len(facts.humans) == 1 else None

    # -- rooms --

    def _room(self, facts: RoomFacts, people: Sequence[UserId]) -> Iterator[Finding]:
        room_id = facts.room_id
        if facts.mine is None:
            gone = [EditDirect(DirectAction.REMOVE, user_id, room_id) for user_id in people]
            line = f"{_room(room_id, people)} is none that you are in, left or are invited to."
            yield _finding(Ailment.UNKNOWN_ROOM, line, *gone)
        elif facts.successor is not None:
            successor = self._facts.get(facts.successor)
            fit = successor is None or (
                successor.mine is Membership.JOIN and len(successor.humans) <= 1
            )
            if fit and facts.successor not in self._people:
                add = EditDirect(DirectAction.ADD, people[0], facts.successor)
                line = f"{_room(room_id, people)} was upgraded; the new room is not listed."
                yield _finding(Ailment.UPGRADED, line, add)
        elif len(facts.humans) > 1:
            line = f"{_room(room_id, people)} has {len(facts.humans)} other people: no chat of two."
            yield _finding(Ailment.GROUP, line)
        elif (person := self._person_instead(facts, people)) is not None:
            names = " and ".join(_quoted(user_id) for user_id in people)
            move = EditDirect(DirectAction.MOVE, person, room_id)
            line = f"{_quoted(room_id)} is listed under {names}; only {_quoted(person)} is there."
            yield _finding(Ailment.WRONG_PERSON, line, move)
        elif len(people) > 1:
            yield self._several(facts, people)
        elif people == [self._me] and facts.humans:
            person = facts.humans[0]
            move = EditDirect(DirectAction.MOVE, person, room_id)
            line = f"{_quoted(room_id)} is listed under yourself, yet it is {_quoted(person)}'s."
            yield _finding(Ailment.SELF, line, move)

    def _person_instead(self, facts: RoomFacts, people: Sequence[UserId]) -> UserId | None:
        """The one other human of the room, where it is listed under others alone."""
        person = self._only_person(facts)
        if person is None or person in people or {*people} == {self._me} or facts.kept:
            return None
        return person

    def _several(self, facts: RoomFacts, people: Sequence[UserId]) -> Finding:
        names = " and ".join(_quoted(user_id) for user_id in people)
        line = f"{_quoted(facts.room_id)} is listed under {names}"
        person = room_person(people, self._me, facts.humans, facts.inviter)
        if person is None or (person not in facts.humans):
            return _finding(Ailment.SEVERAL_USERS, f"{line}; none of them is there.")
        move = EditDirect(DirectAction.MOVE, person, facts.room_id)
        return _finding(Ailment.SEVERAL_USERS, f"{line}; it is {_quoted(person)}'s.", move)

    def _unlisted(self) -> Iterator[Finding]:
        """Chats whose flag was lost, then those that never had one."""
        candidates = []
        successors = {facts.successor for facts in self._facts.values()}
        named = {room for value in self._content.values() for room in rooms_in(value)}
        for facts in self._facts.values():
            if facts.room_id in named or facts.room_id in successors:
                continue
            person = self._flagged_person(facts)
            if person is not None:
                add = EditDirect(DirectAction.ADD, person, facts.room_id)
                line = (
                    f"{_quoted(facts.room_id)} began as a chat with {_quoted(person)}"
                    " and is not listed."
                )
                yield _finding(Ailment.LOST_FLAG, line, add)
            elif (person := self._candidate_person(facts)) is not None:
                line = (
                    f"{_quoted(facts.room_id)} could be a chat with {_quoted(person)}:"
                    " you two are alone there, and it was never marked as one."
                )
                add = EditDirect(DirectAction.ADD, person, facts.room_id)
                candidates.append(_finding(Ailment.NEVER_MARKED, line, add))
        yield from candidates

    def _candidate_person(self, facts: RoomFacts) -> UserId | None:
        fit = facts.plain and not facts.kept and facts.successor is None
        return self._only_person(facts) if fit else None

    def _flagged_person(self, facts: RoomFacts) -> UserId | None:
        if not facts.direct or facts.mine is not Membership.JOIN or facts.space or facts.kept:
            return None
        if facts.successor is not None or len(facts.humans) > 1:
            return None
        present = facts.humans[0] if facts.humans else None
        if facts.inviter in (None, self._me):
            return present
        return facts.inviter if present in (None, facts.inviter) else None


def _value_findings(key: str, value: Json) -> Iterator[Finding]:
    tidy = TidyDirect(key)
    if not isinstance(value, list):
        what = "nothing" if value is None else "no list"
        line = f"{_quoted(key)} has {what} where a list of rooms belongs."
        yield _finding(Ailment.MALFORMED, line, tidy)
        return
    rooms = rooms_in(value)
    if len(rooms) < len(value):
        line = f"{_quoted(key)} lists something that is no room."
        yield _finding(Ailment.MALFORMED, line, tidy)
    if len(set(rooms)) < len(rooms):
        yield _finding(Ailment.DUPLICATE, f"{_quoted(key)} lists a room more than once.", tidy)


def _finding(ailment: Ailment, line: str, *changes: DirectChange) -> Finding:
    return Finding(ailment, clean_line(line, 400), changes)


def _room(room_id: RoomId, people: Sequence[UserId]) -> str:
    return f"{_quoted(room_id)} of {_quoted(people[0])}"


def _quoted(name: str) -> str:
    return str(clean_line(name, 80)) or "(nothing)"
