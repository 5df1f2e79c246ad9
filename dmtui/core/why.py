"""Why a room is a direct message, or is none: the evidence in words, the verdict first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum

from dmtui.core.direct import Candidate, rank, room_person
from dmtui.core.evidence import Evidence
from dmtui.core.fold import PRESENT
from dmtui.core.intents import DirectAction
from dmtui.core.model import (
    Membership,
    Milliseconds,
    Safe,
    UserId,
)
from dmtui.core.names import clean_line, localpart
from dmtui.core.times import full_date, local_time

MOST_NAMED = 5
"""How many people, or keys, a line names before it counts the rest."""


class Bearing(StrEnum):
    """What a line says about the verdict."""

    VERDICT = "verdict"
    FOR = "for"
    AGAINST = "against"
    FACT = "fact"
    REMEDY = "remedy"


@dataclass(frozen=True, slots=True)
class Reason:
    """One line for the user."""

    bearing: Bearing
    line: Safe


def explain(evidence: Evidence, zone: tzinfo) -> tuple[Reason, ...]:
    """The verdict, what speaks for and against it, and what would change it."""
    words = _Words(evidence, zone)
    return tuple(words.reasons())


class _Words:
    def __init__(self, evidence: Evidence, zone: tzinfo):
        self._e = evidence
        self._zone = zone

    def reasons(self) -> Iterator[Reason]:
        yield _reason(Bearing.VERDICT, self._verdict())
        yield self._listing()
        yield from self._pending()
        yield self._standing()
        yield self._company()
        if self._e.service:
            service = self._people(self._e.service)
            yield _reason(Bearing.FACT, f"Not counted, as they serve the room: {service}.")
        yield self._invite()
        yield from self._nature()
        yield from self._chain()
        yield from self._ranking()
        yield from self._history()
        if self._e.untold:
            yield _reason(Bearing.FACT, f"This is as last seen: {self._e.untold}")
        yield from self._remedies()

    # -- the verdict --

    def _verdict(self) -> str:
        e = self._e
        if e.direct:
            return self._yes()
        if e.mine is None:
            return "This is no chat: you are not in the room."
        if e.space:
            return "This is not a direct chat: it is a space, which holds rooms."
        if e.mine is not Membership.JOIN:
            return f"This is not a direct chat now: {_MINE[e.mine]}."
        if e.instead is not None:
            listed = self._name(e.person or e.listed[0])
            return f"This is listed as a chat with {listed}, but {self._name(e.instead)} is here."
        if e.others > 1:
            was = f" It was one with {self._name(e.person)}." if e.person and e.listed else ""
            return f"This is not a direct chat: {e.others} other people are in it.{was}"
        if any(edit.action is not DirectAction.REMOVE for edit in e.edits):
            return "This is becoming a direct chat: your list does not say so yet."
        if e.keys:
            return "This is not a direct chat: your list has it under no user ID."
        return "This is not a direct chat: your list of direct messages lacks it."

    def _yes(self) -> str:
        e = self._e
        person = e.person or room_person(e.listed, e.me, e.humans)
        if person == e.me and not e.humans:
            return "These are your notes to self: a chat with nobody else."
        name = self._name(person) if person else "somebody"
        if not e.humans and e.count == 0:
            return f"This is a direct chat with {name}, who is not there now."
        if e.goes_on:
            return f"This is a direct chat with {name} that goes on in a newer room."
        return f"This is a direct chat with {name}."

    # -- evidence --

    def _listing(self) -> Reason:
        e = self._e
        if not e.keys:
            return _reason(Bearing.AGAINST, "Nobody's entry in your list (m.direct) names it.")
        if not e.listed:
            keys = _several([f"“{clean_line(key, 40)}”" for key in e.keys])
            line = f"Your list (m.direct) names it under {keys}, which is no user ID."
            return _reason(Bearing.AGAINST, line)
        keys = _several([str(clean_line(key, 80)) for key in e.keys])
        line = f"Your list (m.direct) names it under {keys}"
        if len(e.keys) > 1:
            person = e.person or room_person(e.listed, e.me, e.humans)
            line += f"; it is shown once, as {self._name(person)}'s" if person else ""
        return _reason(Bearing.AGAINST if e.instead else Bearing.FOR, f"{line}.")

    def _pending(self) -> Iterator[Reason]:
        for edit in self._e.edits:
            under = clean_line(edit.user_id, 80)
            what = {
                DirectAction.ADD: f"list it under {under}",
                DirectAction.MOVE: f"list it under {under} alone",
                DirectAction.REMOVE: f"take it from under {under}",
            }[edit.action]
            yield _reason(Bearing.FACT, f"Waiting for the homeserver: {what}.")

    def _standing(self) -> Reason:
        mine = self._e.mine
        if mine is Membership.JOIN:
            return _reason(Bearing.FOR, "You are in the room.")
        line = "You are not in the room." if mine is None else f"Of the room: {_MINE[mine]}."
        return _reason(Bearing.AGAINST, line)

    def _company(self) -> Reason:
        e = self._e
        if e.others == 0:
            return _reason(Bearing.FOR, "Nobody else is there.")
        people = self._people(e.humans)
        unnamed = e.others - len(e.humans)
        if unnamed:
            people = f"{people} and {unnamed} more" if people else "not known by name yet"
        if e.others == 1:
            bearing = Bearing.AGAINST if e.instead else Bearing.FOR
            return _reason(bearing, f"One other person is there or invited: {people}.")
        line = f"{e.others} other people are there or invited: {people}."
        return _reason(Bearing.AGAINST, line)

    def _invite(self) -> Reason:
        invite = self._e.invite
        if isinstance(invite, str):
            return _reason(Bearing.FACT, f"Who invited whom: {invite or 'not told'}.")
        by = "You" if invite.inviter == self._e.me else self._name(invite.inviter)
        whom = "you" if invite.invitee == self._e.me else self._name(invite.invitee)
        if invite.direct:
            return _reason(Bearing.FOR, f"{by} invited {whom} to a direct chat (is_direct).")
        return _reason(Bearing.FACT, f"{by} invited {whom}, not saying that it is a direct chat.")

    def _nature(self) -> Iterator[Reason]:
        e = self._e
        if e.space:
            yield _reason(Bearing.AGAINST, "It is a space.")
        if e.room_name:
            yield _reason(Bearing.FACT, f"It has a name of its own: {e.room_name}.")
        if e.kept:
            yield _reason(Bearing.AGAINST, "You wanted it to be an ordinary room.")

    def _chain(self) -> Iterator[Reason]:
        e = self._e
        if e.predecessor:
            yield _reason(Bearing.FACT, f"It continues {clean_line(e.predecessor, 60)}.")
        if e.successor:
            yours = "which you are in" if e.goes_on else "which you have not joined"
            line = f"It was upgraded to {clean_line(e.successor, 60)}, {yours}."
            yield _reason(Bearing.FACT, line)

    def _ranking(self) -> Iterator[Reason]:
        e = self._e
        if len(e.candidates) < 2:
            return
        ranked = rank(e.candidates)
        of = f"Of {len(e.candidates)} rooms with {self._name(e.person)}" if e.person else "Of all"
        place = next((n for n, c in enumerate(ranked) if c.room_id == e.room_id), None)
        if place is None:
            yield _reason(Bearing.FACT, f"{of} this one can't be written to as a direct chat.")
        elif place == 0:
            better = f": {_better(ranked[0], ranked[1])}" if len(ranked) > 1 else ""
            yield _reason(Bearing.FOR, f"{of} this is the one written to{better}.")
        else:
            better = _better(ranked[0], ranked[place])
            line = f"{of} another one is written to ({clean_line(ranked[0].room_id, 60)}): {better}"
            yield _reason(Bearing.FACT, f"{line}.")

    def _history(self) -> Iterator[Reason]:
        e = self._e
        if e.recorded is not None:
            day = self._day(e.recorded.at)
            who = "dmtui on this device" if e.recorded.ours else "another client"
            if e.recorded.known:
                yield _reason(Bearing.FACT, f"Listed since {day}, written by {who}.")
            else:
                yield _reason(Bearing.FACT, f"Listed since before {day}, when first seen here.")
        if e.written is not None:
            at, ours = e.written
            who = "dmtui on this device" if ours else "another client"
            yield _reason(Bearing.FACT, f"The list was last written by {who}, {self._day(at)}.")

    # -- what would change it --

    def _remedies(self) -> Iterator[Reason]:
        e = self._e
        if e.direct or e.space:
            return
        if e.mine is not Membership.JOIN:
            yield _reason(Bearing.REMEDY, "Start a chat with the person, or accept their invite.")
        elif e.others > 1:
            yield _reason(
                Bearing.REMEDY,
                "It is one again when only one other person is left; or start a new chat.",
            )
        elif not any(edit.action is not DirectAction.REMOVE for edit in e.edits):
            if e.instead or (e.keys and not e.listed):
                yield _reason(Bearing.REMEDY, "The doctor gives the room to its person.")
            else:
                yield _reason(Bearing.REMEDY, "“Make it a direct chat” puts it on your list.")

    # -- words --

    def _name(self, user_id: UserId | None) -> str:
        if user_id is None:
            return "nobody"
        if user_id == self._e.me:
            return "yourself"
        return str(self._e.names.get(user_id) or localpart(user_id))

    def _people(self, people: Sequence[UserId]) -> str:
        return _several([self._person(user_id) for user_id in people])

    def _person(self, user_id: UserId) -> str:
        name, shown = self._name(user_id), str(clean_line(user_id, 80))
        return name if name.endswith(f"({shown})") else f"{name} ({shown})"

    def _day(self, at: Milliseconds) -> str:
        return full_date(local_time(at, self._zone).date())


_MINE = {
    Membership.JOIN: "you are in it",
    Membership.INVITE: "you are invited and have not answered",
    Membership.LEAVE: "you left it",
    Membership.BAN: "you were banned from it",
    Membership.KNOCK: "you have asked to be let in",
}


def _better(first: Candidate, other: Candidate) -> str:
    """Why the first ranks before the other."""
    if first.peer is not other.peer:
        if first.peer in PRESENT:
            there = "they are there" if first.peer is Membership.JOIN else "they are invited there"
            return f"{there}, and not in the other" if other.peer not in PRESENT else there
        return "they were the last to leave it"
    if first.encrypted is not other.encrypted:
        return "it is encrypted"
    if first.last_message != other.last_message:
        return "it has the newest message"
    if first.created_at != other.created_at:
        return "it is the oldest"
    return "all else is equal, and its ID comes first"


def _several(items: Sequence[str]) -> str:
    """``a, b and c``; beyond a few, counted."""
    if len(items) > MOST_NAMED:
        return f"{', '.join(items[:MOST_NAMED])} and {len(items) - MOST_NAMED} more"
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def _reason(bearing: Bearing, line: str) -> Reason:
    return Reason(bearing, clean_line(line, 400))
