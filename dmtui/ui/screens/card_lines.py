"""The lines of a person card: what is known of somebody, as styled text laid out to a width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING
from urllib.parse import quote

from textual.content import Content

from dmtui.core.evidence import Evidence
from dmtui.core.model import Availability, Membership, PeerState
from dmtui.core.names import clean_line
from dmtui.core.times import full_date, local_time, until_time
from dmtui.core.trust import device_words, identity_advice, identity_words
from dmtui.core.why import Bearing, explain

if TYPE_CHECKING:
    from datetime import tzinfo

    from dmtui.core.model import (
        Conversation,
        DirectRoom,
        Milliseconds,
        PersonDevice,
        Presence,
        Safe,
        UserId,
    )
    from dmtui.core.trust import Trust
    from dmtui.messenger.cards import Card, News

LABEL = 13  # columns
ASKING = "asking the homeserver…"
_MINUTE = 60_000
_NOTHING = Content("")
_DOT = Content("· ")
_APART = Content("  ")
_MARKS = {
    Bearing.VERDICT: (" ", "bold"),
    Bearing.FOR: ("✓", "$text-success"),
    Bearing.AGAINST: ("✗", "$text-error"),
    Bearing.FACT: ("·", "$text-muted"),
    Bearing.REMEDY: ("→", "$text-primary"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """Text behind a label; without one it takes the whole width. ``heading``: begins a part."""

    text: Content
    label: Content = _NOTHING
    heading: bool = False
    indent: int = LABEL


def laid_out(lines: Sequence[Line], width: int, face: Sequence[Content] = ()) -> Content:
    """The lines one below the other, long ones wrapped beside their labels.

    With a ``face`` they stand beside it, up to the first heading.
    """
    shown: list[Content] = []
    room = width - face[0].cell_length - len(_APART) if face else width
    beside = bool(face)
    for line in lines:
        if beside and line.heading:
            shown, beside = _joined(face, shown), False
        shown += _rows(line, room if beside else width, first=not shown)
    return Content("\n").join(_joined(face, shown) if beside else shown)


def _rows(line: Line, width: int, first: bool) -> list[Content]:
    if line.heading:
        return [Content("")] * (not first) + [line.text.stylize("bold $text-primary")]
    rows: list[Content] = []
    indent = line.indent if width > 2 * line.indent else 2
    label = line.label
    if label.cell_length > indent:
        rows.append(label)
        label = Content("")
    label = label.pad_right(indent - label.cell_length)
    for part in line.text.wrap(max(width - indent, 8)) or [Content("")]:
        rows.append(Content.assemble(label, part))
        label = Content(" " * indent)
    return rows


def _joined(face: Sequence[Content], rows: Sequence[Content]) -> list[Content]:
    """The rows beside the face, and below it."""
    nothing = Content(" " * face[0].cell_length)
    pairs = zip_longest(face, rows)
    return [Content.assemble(left or nothing, _APART, row or _NOTHING) for left, row in pairs]


def link_to(user_id: UserId) -> str:
    """What others can open in their clients: a ``matrix.to`` link (spec, appendices)."""
    return f"https://matrix.to/#/{quote(user_id, safe='@:')}"


def spaced(fingerprint: str) -> str:
    """In groups of four, as people compare them."""
    clean = str(clean_line(fingerprint, 120)).replace(" ", "")
    return " ".join(clean[at : at + 4] for at in range(0, len(clean), 4))


def in_words(presence: Presence) -> str:
    """``online``, ``idle``, ``active 5 minutes ago``, ``offline``; and their status message."""
    ago = presence.active_ago
    if presence.availability is Availability.ONLINE:
        words = "online"
    elif ago is not None:
        words = f"active {_ago(ago)}"
    else:
        words = "idle" if presence.availability is Availability.UNAVAILABLE else "offline"
    return f"{words}: {presence.status}" if presence.status else words


def _ago(passed: int) -> str:
    minutes = passed // _MINUTE
    for length, unit in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if minutes >= length:
            count = minutes // length
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


# -- the card -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Times:
    """The moment and the zone that times are told for."""

    now: Milliseconds
    zone: tzinfo

    def day(self, at: Milliseconds) -> str:
        return full_date(local_time(at, self.zone).date()).partition(", ")[2]


def card_lines(card: Card, news: News | None, times: Times) -> Iterator[Line]:
    """All that the card says; ``news`` is ``None`` until the server has answered."""
    person = card.conversation
    if card.group:
        yield from _group(card)
    else:
        yield from _names(card, news)
    yield labelled("Arranged", _arranged(card, times))
    if not card.group:
        yield from _from_server(news, times)
    yield from _rooms(card.rooms, times)
    if person is not None and person.flag_pending:
        yield Line(Content("The flag of the chat waits for the homeserver."), indent=0)


def _names(card: Card, news: News | None) -> Iterator[Line]:
    person = card.conversation
    if person is not None and person.looks_like:
        warning = f"Looks like {person.looks_like}, whom you know longer: mind the user ID."
        yield Line(Content.styled(warning, "$text-warning bold"), Content("! "), indent=2)
    if person is not None:
        yield labelled("Name", str(person.name))
    if card.contact.petname:
        yield labelled("Your name", f"{card.contact.petname} (seen by you alone)")
    known_as, style = _known_as(person, news)
    if person is None or known_as != person.name.removesuffix(f" ({person.user_id})"):
        yield labelled("Known as", known_as, style)
    yield labelled("User ID", str(clean_line(card.user_id)))
    yield labelled("Link", link_to(card.user_id))
    if card.ignored:
        yield labelled("Ignored", "yes: nothing they write is shown")


def _known_as(person: Conversation | None, news: News | None) -> tuple[str, str]:
    """What the profile says, else what was last heard, with its style."""
    known = str(person.known_as) if person is not None else ""
    if news is None:
        return known or ASKING, "" if known else "$text-muted"
    if isinstance(news.profile, str):
        return (known, "") if known else _untold(news.profile)
    name = str(news.profile.name)
    if known and name and name != known:
        return f"{name} (in the chat: {known})", ""
    return name or known or "(no name set)", ""


def _group(card: Card) -> Iterator[Line]:
    person = card.conversation
    yield Line(Content(_group_verdict(card)), indent=0)
    if person is not None:
        yield labelled("Name", str(person.name))
        if person.was_with is not None:
            yield labelled("Was with", f"a direct chat with {clean_line(person.was_with)}")
    yield labelled("Room ID", str(clean_line(card.user_id)))
    yield Line(Content(f"Others ({len(card.members)})"), heading=True)
    for user_id, name in card.members:
        yield Line(Content.assemble(str(name), (f"  {clean_line(user_id)}", "$text-muted")), _DOT)


def _group_verdict(card: Card) -> str:
    """What the group is; a chat of two that is listed under somebody else reads otherwise."""
    listed = card.conversation.was_with if card.conversation is not None else None
    here = next((room.alone_with for room in card.rooms if room.serving), None)
    if listed is None or here is None:
        return "A group, and no direct message: everybody reads everything."
    name = next((name for user_id, name in card.members if user_id == here), here)
    return f"Listed under {clean_line(listed)}, but {clean_line(name)} is the only one here."


def _arranged(card: Card, times: Times) -> str:
    contact = card.contact
    words = []
    if contact.pinned:
        words.append("pinned")
    if contact.muted:
        until = contact.muted_until
        end = f"until {until_time(until, times.now, times.zone)}" if until else "for good"
        words.append(f"muted {end}")
    if contact.archived:
        words.append("archived")
    return " · ".join(words) or "not pinned, not muted, not archived"


def _from_server(news: News | None, times: Times) -> Iterator[Line]:
    if news is None:
        for label in ("Presence", "Shared rooms", "Identity", "Devices"):
            yield labelled(label, ASKING, "$text-muted")
        return
    presence, shared, trust = news.presence, news.shared_rooms, news.trust
    if isinstance(presence, str):
        yield labelled("Presence", *_untold(presence))
    else:
        yield labelled("Presence", in_words(presence))
    if isinstance(shared, str):
        yield labelled("Shared rooms", *_untold(shared))
    else:
        yield labelled("Shared rooms", str(len(shared)) if shared else "none")
    if isinstance(trust, str):
        yield labelled("Identity", *_untold(trust))
        yield labelled("Devices", *_untold(trust))
        return
    yield from _identity(trust, times)
    if trust.excepted:
        yield labelled("Keys", "to all of their devices, confirmed or not", "$text-warning")
    if trust.devices:
        yield from _devices(trust.devices)
    else:
        yield labelled("Devices", "none with keys: they can't read encrypted messages")


def _identity(trust: Trust, times: Times) -> Iterator[Line]:
    """Where the identity stands; an alarming one with what to do about it."""
    words = identity_words(trust.identity, times.day(trust.since))
    alarming = trust.identity.is_alarming
    yield labelled("Identity", words, "$text-error bold" if alarming else "")
    if alarming:
        advice = identity_advice(trust.identity)
        yield Line(Content(advice), Content.styled("! ", "$text-error"), indent=2)


def _devices(devices: Sequence[PersonDevice]) -> Iterator[Line]:
    yield Line(Content(f"Devices ({len(devices)})"), heading=True)
    for device in devices:
        device_id = str(clean_line(device.device_id, 60))
        name = str(clean_line(device.name, 60)) or "(no name)"
        yield Line(Content.assemble(name, (f"  {device_id}", "$text-muted")), _DOT, indent=2)
        style = "$text-warning" if device.signed is False else "$text-muted"
        yield Line(Content.styled(device_words(device.signed), style), indent=2)
        yield Line(Content(spaced(device.fingerprint)), indent=2)


def _rooms(rooms: Sequence[DirectRoom], times: Times) -> Iterator[Line]:
    if not rooms:
        yield labelled("Chats", "none")
        return
    yield Line(Content(f"Rooms behind it ({len(rooms)})"), heading=True)
    for room in rooms:
        mark = Content.styled("● ", "$text-success") if room.serving else Content("○ ")
        yield Line(Content(", ".join(_room_words(room, times))), mark, indent=2)
        yield Line(Content.styled(str(clean_line(room.room_id, 80)), "$text-muted"), indent=2)


def _room_words(room: DirectRoom, times: Times) -> Iterator[str]:
    if room.serving:
        yield "written to"
    if room.mine is Membership.JOIN:
        yield _PEER[room.peer]
    else:
        yield _MINE.get(room.mine, "you are not in it")
    yield "encrypted" if room.encrypted else "not encrypted"
    if room.successor is not None:
        yield "upgraded"
    if room.created_at > 0:
        yield f"since {times.day(room.created_at)}"


_MINE = {Membership.LEAVE: "you left", Membership.BAN: "you are banned"}
_PEER = {
    PeerState.JOINED: "both there",
    PeerState.INVITED: "invited, not there yet",
    PeerState.DECLINED: "they declined",
    PeerState.LEFT: "they left",
    PeerState.BANNED: "they are banned",
    PeerState.GROUP: "a group",
}


def labelled(label: str, text: str | Safe, style: str = "") -> Line:
    """A line of the card."""
    return Line(Content.styled(text, style), Content.styled(label, "$text-muted"))


def _untold(reason: str) -> tuple[str, str]:
    return f"not told: {reason}", "$text-muted"


# -- why ------------------------------------------------------------------------------------


def why_lines(evidences: Sequence[Evidence], zone: tzinfo) -> Iterator[Line]:
    """The verdict and its reasons for every room, the serving one first."""
    if not evidences:
        yield Line(Content("There is no room with them: nothing to be a direct chat."), indent=0)
    for count, evidence in enumerate(evidences, 1):
        number = f" {count} of {len(evidences)}" if len(evidences) > 1 else ""
        yield Line(Content(f"Room{number}: {clean_line(evidence.room_id, 60)}"), heading=True)
        for reason in explain(evidence, zone):
            mark, style = _MARKS[reason.bearing]
            if reason.bearing is Bearing.VERDICT:
                yield Line(Content.styled(reason.line, style), indent=0)
            else:
                yield Line(Content(reason.line), Content.styled(f"{mark} ", style), indent=2)
