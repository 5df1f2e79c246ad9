"""``m.direct`` as functions: a lenient reader, careful edits, and which room is a person's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dmtui.core.intents import DirectAction, EditDirect
from dmtui.core.model import Invite, JsonObject, Membership, Milliseconds, RoomId, UserId
from dmtui.core.names import is_user_id

M_DIRECT = "m.direct"
LOST_ROOMS = 3
LOST_SHARE = 0.3
LONGEST_ID = 255


@dataclass(frozen=True, slots=True)
class Candidate:
    """A room that could be the conversation with one person.

    ``mine`` and ``peer`` are our memberships (``None``: never a member); ``humans`` counts joined
    and invited members besides me, less service members; ``flagged`` says that ``m.direct`` lists
    it under the person, or its invite carried ``is_direct``; ``last_message`` is the time of the
    newest message by either of us (0: none), ``created_at`` of the room's creation (0: unknown).
    """

    room_id: RoomId
    mine: Membership
    peer: Membership | None
    humans: int
    flagged: bool
    encrypted: bool = False
    last_message: Milliseconds = 0
    created_at: Milliseconds = 0
    space: bool = False
    successor: RoomId | None = None
    peer_invited_me: bool = False


# -- reading --------------------------------------------------------------------------------


def read_direct(content: JsonObject) -> Mapping[UserId, tuple[RoomId, ...]]:
    """Who has which direct rooms, in the map's order; what is malformed is passed over.

    Keys that are no user IDs, values that are no lists, elements that are no room IDs and
    duplicates do not show; a person without a room does not either.
    """
    people = {}
    for key, value in content.items():
        if not isinstance(value, list) or not is_user_id(key):
            continue
        rooms = dict.fromkeys(
            RoomId(room) for room in value if isinstance(room, str) and is_room_id(room)
        )
        if rooms:
            people[UserId(key)] = tuple(rooms)
    return people


def is_room_id(text: str) -> bool:
    """Whether it can be a room ID; those of room version 12 have no server part."""
    return text.startswith("!") and 1 < len(text) <= LONGEST_ID and text.isprintable()


def room_person(
    listed: Collection[UserId],
    me: UserId,
    humans: Collection[UserId],
    inviter: UserId | None = None,
) -> UserId | None:
    """Whose room it is, given the users it is ``listed`` under and the ``humans`` in it besides me.

    Several: a member who is not me, the inviter first; so it is shown once. Under my own ID
    alone: the one other human where there is one, else my notes to self. ``None``: nobody's.
    """
    others = [user for user in listed if user != me]
    if not others:
        if me not in listed or len(humans) > 1:
            return None
        return next(iter(humans), me)
    present = [user for user in others if user in humans] or others
    if inviter is not None and inviter in present:
        return inviter
    return min(present)


# -- editing --------------------------------------------------------------------------------


def apply_edits(content: JsonObject, edits: Sequence[EditDirect]) -> JsonObject:
    """A copy of ``content`` in which every edit holds; it shares what no edit touches.

    Only the values that an edit names change. Adding to a malformed value makes it a list that
    keeps the value as its first element (``null`` says nothing and is not kept); a list that an
    edit empties goes with its key. Everything else stays verbatim, malformed or not.
    """
    edited = {key: [*value] if isinstance(value, list) else value for key, value in content.items()}
    for edit in edits:
        match edit.action:
            case DirectAction.ADD:
                _add(edited, edit.user_id, edit.room_id)
            case DirectAction.REMOVE:
                _remove(edited, edit.user_id, edit.room_id)
            case DirectAction.MOVE:
                for key in [key for key in edited if key != edit.user_id]:
                    _remove(edited, key, edit.room_id)
                _add(edited, edit.user_id, edit.room_id)
    return edited


def _add(content: JsonObject, key: str, room_id: RoomId) -> None:
    value = content.get(key)
    match value:
        case list():
            if room_id not in value:
                value.append(room_id)
        case None:
            content[key] = [room_id]
        case _:
            content[key] = [value] if value == room_id else [value, room_id]


def _remove(content: JsonObject, key: str, room_id: RoomId) -> None:
    value = content.get(key)
    if value == room_id:
        del content[key]
    elif isinstance(value, list) and room_id in value:
        rest = [element for element in value if element != room_id]
        if rest:
            content[key] = rest
        else:
            del content[key]


def holds(content: JsonObject, edit: EditDirect) -> bool:
    """Whether ``content`` already says what the edit wants: applying it changes nothing."""
    return apply_edits(content, (edit,)) == content


def crossed(before: JsonObject, ours: JsonObject, theirs: Sequence[JsonObject]) -> list[EditDirect]:
    """What was added between our reading ``before`` and our writing ``ours``, which took it away.

    ``theirs`` are the versions seen in that time. A room that either of the first two lists, under
    whatever user, is none of these: it was moved.
    """
    known = _listed(before) | _listed(ours)
    found = {
        EditDirect(DirectAction.ADD, user_id, room_id): None
        for version in theirs
        for user_id, rooms in read_direct(version).items()
        for room_id in rooms
        if room_id not in known
    }
    return [*found]


def losses(before: JsonObject, after: JsonObject, joined: Collection[RoomId]) -> frozenset[RoomId]:
    """Joined rooms that ``after`` no longer lists, where they are too many to be meant.

    That is more than 3, or over 30 % of those listed before; else the set is empty.
    """
    listed = _listed(before).intersection(joined)
    lost = listed - _listed(after)
    if len(lost) > LOST_ROOMS or len(lost) > LOST_SHARE * len(listed):
        return lost
    return frozenset()


def _listed(content: JsonObject) -> frozenset[RoomId]:
    return frozenset(room for rooms in read_direct(content).values() for room in rooms)


# -- Start Chat: which room stands for a person ---------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenRoom:
    """The room is the conversation; the person may not have accepted yet."""

    room_id: RoomId
    invite_pending: bool


@dataclass(frozen=True, slots=True)
class AcceptInvite:
    """The person has asked first: accept instead of creating."""

    invite: Invite


@dataclass(frozen=True, slots=True)
class PersonIsGone:
    """The only room is one that the person left: invite back, or start anew."""

    room_id: RoomId


@dataclass(frozen=True, slots=True)
class CreateNew:
    """There is no room for the two of us."""


Decision: TypeAlias = OpenRoom | AcceptInvite | PersonIsGone | CreateNew


def look_up(
    peer: UserId,
    candidates: Collection[Candidate],
    invite: Invite | None,
    me: UserId | None = None,
) -> Decision:
    """What Start Chat does, find first and create last; ``invite`` is one pending from the peer.

    With ``me`` as the peer only a room that I am alone in will do ("Notes to self").
    """
    if peer == me:
        alone = [c for c in _usable(candidates) if c.humans == 0]
        return OpenRoom(min(alone, key=_order).room_id, False) if alone else CreateNew()
    ranked = rank(candidates)
    if ranked and ranked[0].peer in (Membership.JOIN, Membership.INVITE):
        return OpenRoom(ranked[0].room_id, ranked[0].peer is Membership.INVITE)
    if invite is not None and invite.direct and invite.inviter == peer:
        return AcceptInvite(invite)
    return PersonIsGone(ranked[0].room_id) if ranked else CreateNew()


def rank(candidates: Collection[Candidate]) -> tuple[Candidate, ...]:
    """The rooms that could serve, best first: the same on every device of mine.

    Both joined; then the peer invited; then the peer gone. Within each: encrypted, newest message,
    oldest creation, room ID. Rooms I am not in, groups, spaces and replaced rooms are left out.
    """
    fit = [c for c in _usable(candidates) if _presence(c) is not None and _is_for_two(c)]
    return tuple(sorted(fit, key=lambda c: (_presence(c) or 0, *_order(c))))


def _usable(candidates: Collection[Candidate]) -> list[Candidate]:
    joined = {c.room_id for c in candidates if c.mine is Membership.JOIN}
    successors = {c.room_id: c.successor for c in candidates}
    return [
        c
        for c in candidates
        if c.room_id in joined
        and c.flagged
        and not c.space
        and not _is_replaced(c.room_id, successors, joined)
    ]


def _is_replaced(
    room_id: RoomId, successors: Mapping[RoomId, RoomId | None], joined: Collection[RoomId]
) -> bool:
    """Whether a room further down the chain of upgrades is joined; a ring ends the walk."""
    seen = {room_id}
    following = successors.get(room_id)
    while following is not None and following not in seen:
        if following in joined:
            return True
        seen.add(following)
        following = successors.get(following)
    return False


def _presence(candidate: Candidate) -> int | None:
    match candidate.peer:
        case Membership.JOIN:
            return 0
        case Membership.INVITE:
            return 1
        case Membership.BAN:
            return None
        case _:
            return 2


def _is_for_two(candidate: Candidate) -> bool:
    there = candidate.peer in (Membership.JOIN, Membership.INVITE)
    return candidate.humans <= (1 if there else 0)


def _order(candidate: Candidate) -> tuple[bool, int, float, str]:
    return (
        not candidate.encrypted,
        -candidate.last_message,
        candidate.created_at or float("inf"),
        candidate.room_id,
    )
