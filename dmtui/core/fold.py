"""What news means for the rows of the store: decisions as functions of values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from dmtui.core.events import Content, Line, MembershipChange, Undecryptable
from dmtui.core.model import Kind, Member, Membership, PeerState, Safe, UserId
from dmtui.core.names import clean_line, localpart

DELETED = Safe("Message deleted")
SEALED = Safe("(encrypted: cannot be read yet)")
PREVIEW_LENGTH = 120
_SELECTOR = "\ufe0f"
NOTICE_NAME = 60
"""How long a name may be in a line about who came or went."""

_OWN_ACTS = (" joined", " left", " declined the invite")

GROUP_NAMES = 3
"""How many members name a room without a name."""

PRESENT = (Membership.JOIN, Membership.INVITE)


class Weight(IntEnum):
    """What an event is worth in its conversation; each kind includes those below it."""

    HIDDEN = 0  # changes another line or nothing at all
    STATE = 1  # a line that moves nobody up the people list
    MESSAGE = 2  # something said
    COUNTED = 3  # said by somebody else: unread until read


_SAID = (Kind.TEXT, Kind.NOTICE, Kind.EMOTE, Kind.ATTACHMENT, Kind.UNDECRYPTABLE)


def weight(kind: Kind | None, own: bool, body: str = "") -> Weight:
    """How a line of this kind counts; ``None`` is an edit, a redaction or a reaction."""
    if kind is None or (kind is Kind.MEMBERSHIP and not body):
        return Weight.HIDDEN
    if kind in _SAID:
        return Weight.MESSAGE if own else Weight.COUNTED
    return Weight.MESSAGE if kind is Kind.REDACTED else Weight.STATE


def line_kind(content: Content) -> Kind | None:
    """The kind of line that the content makes; ``None`` if it makes none."""
    match content:
        case Line(kind=kind):
            return kind
        case Undecryptable():
            return Kind.UNDECRYPTABLE
        case MembershipChange():
            return Kind.MEMBERSHIP
        case _:
            return None


def membership_line(
    change: MembershipChange, sender: UserId, sender_name: Safe, member_name: Safe
) -> Safe:
    """A member event in words, with the names last known; empty where nobody came or went."""
    member = change.member
    name = clean_line(member_name, NOTICE_NAME) or localpart(member.user_id)
    by_self = sender == member.user_id
    by = clean_line(sender_name, NOTICE_NAME) or localpart(sender)
    match member.membership, change.previous:
        case now, before if now == before:
            return Safe("")
        case Membership.JOIN, _:
            return Safe(f"{name} joined")
        case Membership.INVITE, _:
            return Safe(f"{by} invited {name}")
        case Membership.LEAVE, Membership.INVITE:
            return Safe(f"{name} declined the invite" if by_self else f"{by} took the invite back")
        case Membership.LEAVE, Membership.BAN:
            return Safe(f"{by} unbanned {name}")
        case Membership.LEAVE, _:
            return Safe(f"{name} left" if by_self else f"{by} removed {name}")
        case Membership.BAN, _:
            return Safe(f"{by} banned {name}")
        case _:
            return Safe(f"{name} asks to join")


def renamed_line(line: str, known_as: str, name: str) -> Safe:
    """A :func:`membership_line` with what I call its sender, where it tells of them alone."""
    known_as, name = clean_line(known_as, NOTICE_NAME), clean_line(name, NOTICE_NAME)
    act = next((act for act in _OWN_ACTS if line == f"{known_as}{act}"), None)
    return Safe(line if act is None else f"{name}{act}")


def preview(kind: Kind, body: str, own: bool, name: Safe) -> Safe:
    """One line for the people list; ``name`` is the sender's, for emotes."""
    match kind:
        case Kind.REDACTED:
            text = str(DELETED)
        case Kind.UNDECRYPTABLE:
            text = str(SEALED)
        case Kind.EMOTE:
            return clean_line(f"* {name} {body}", PREVIEW_LENGTH)
        case _:
            text = body
    return clean_line(f"You: {text}" if own else text, PREVIEW_LENGTH)


def edit_applies(
    kind: Kind | None,
    target_sender: UserId,
    target_encrypted: bool,
    sender: UserId,
    encrypted: bool,
) -> bool:
    """Whether an edit may change its target: the same sender, and no plain text over encrypted.

    Client-server API, "Validity of replacement events".
    """
    return (
        sender == target_sender
        and kind in (Kind.TEXT, Kind.NOTICE, Kind.EMOTE, Kind.ATTACHMENT)
        and (encrypted or not target_encrypted)
    )


def bare_emoji(key: str) -> str:
    """The key of a reaction without the selector, which some clients leave out."""
    return key.replace(_SELECTOR, "")


def furthest(*places: int | None) -> int | None:
    """Receipts move forward only."""
    return max((place for place in places if place is not None), default=None)


# -- members --------------------------------------------------------------------------------


def merged_member(known: Member | None, news: Member, previous: Membership | None = None) -> Member:
    """``news`` with the last known name after a leave, and the flag that an invite once had.

    ``previous`` is the membership before the news, where these tell.
    """
    gone = news.membership not in PRESENT
    if known is None:
        asked = previous if gone else news.membership
        return replace(news, never_in=asked is Membership.INVITE)
    outside = known.never_in and known.membership is not Membership.JOIN
    return replace(
        news,
        name=news.name or (known.name if gone else Safe("")),
        is_direct=news.is_direct or known.is_direct,
        never_in=outside and Membership.JOIN not in (news.membership, previous),
    )


def is_snapshot(members: Sequence[Member], joined: int | None, invited: int | None) -> bool:
    """Whether the members given with an initial update are all there are.

    With lazily loaded members they are fewer than the counts say.
    """
    if not members:
        return False
    there = sum(member.membership is Membership.JOIN for member in members)
    asked = sum(member.membership is Membership.INVITE for member in members)
    return (joined is None or there >= joined) and (invited is None or asked >= invited)


@dataclass(frozen=True, slots=True)
class Company:
    """The humans in a room besides me: those known by name, and how many there are."""

    known: frozenset[UserId]
    count: int


def company(
    members: Iterable[tuple[UserId, Membership]],
    me: UserId,
    service: Collection[UserId],
    joined: int | None = None,
    invited: int | None = None,
) -> Company:
    """Joined and invited members less me and service members; the larger of list and counts."""
    present = {user for user, membership in members if membership in PRESENT}
    known = frozenset(present - {me} - set(service))
    if joined is None:
        return Company(known, len(known))
    servants = len(present & set(service))
    return Company(known, max(len(known), joined + (invited or 0) - 1 - servants))


def is_group(person: UserId | None, others: Company) -> bool:
    """Whether anybody but the person is in the room with me.

    A single member who is not known by name is taken for the person.
    """
    return others.count > 1 or bool(others.known - {person})


def peer_state(peer: Member | None, me: UserId, person: UserId) -> PeerState:
    """Where the other person stands; my own notes have nobody to wait for."""
    membership = None if peer is None else peer.membership
    if person == me or membership is Membership.JOIN:
        return PeerState.JOINED
    if membership is Membership.INVITE:
        return PeerState.INVITED
    if membership is Membership.BAN:
        return PeerState.BANNED
    if peer is not None and membership is Membership.LEAVE and peer.never_in:
        return PeerState.LEFT if peer.sender == me else PeerState.DECLINED
    return PeerState.LEFT


def group_name(name: Safe, members: Sequence[Safe]) -> Safe:
    """The room's name, else those of its members."""
    if name:
        return clean_line(name, PREVIEW_LENGTH)
    shown = [str(member) for member in members[:GROUP_NAMES]]
    more = len(members) - len(shown)
    if more:
        return Safe(f"{', '.join(shown)} and {more} more")
    return Safe(" and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:]))) or "Empty room")


def latest_name(names: Iterable[Safe], user_id: UserId) -> Safe:
    """The first name that is set, else the localpart."""
    return next((name for name in names if name), localpart(user_id))


def changed_lists(
    before: Mapping[UserId, Sequence[str]], after: Mapping[UserId, Sequence[str]]
) -> frozenset[str]:
    """Rooms that stand under other users than before."""
    old = {(user, room) for user, rooms in before.items() for room in rooms}
    new = {(user, room) for user, rooms in after.items() for room in rooms}
    return frozenset(room for _, room in old ^ new)
