"""Messages → display rows: days, changes of room, the "new messages" line, grouping by sender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from typing import TypeAlias

from dmtui.core.model import (
    DirectRoom,
    Kind,
    Membership,
    Message,
    Milliseconds,
    PeerState,
    RoomId,
)
from dmtui.core.times import day_name, local_time, midnight

GROUP_WITHIN: Milliseconds = 5 * 60 * 1000
_NAMES_SENDER_ITSELF = frozenset({Kind.EMOTE, Kind.MEMBERSHIP})


@dataclass(frozen=True, slots=True)
class DaySeparator:
    """A new day begins; ``text`` names it."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class NewMessages:
    """What follows was unread when the conversation was opened."""

    key: str


@dataclass(frozen=True, slots=True)
class RoomChange:
    """What follows was said in another room; ``text`` says what happened."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message; ``header`` says to show sender and time above it."""

    key: str
    message: Message
    header: bool


Row: TypeAlias = DaySeparator | NewMessages | RoomChange | MessageRow


def arrange(
    messages: Sequence[Message],
    today: date,
    zone: tzinfo,
    first_unread: str | None = None,
    rooms: Sequence[DirectRoom] = (),
) -> tuple[Row, ...]:
    """Rows for ``messages`` (oldest first); ``key`` is unique and stays with its message.

    ``first_unread`` is the key of the message that the "new messages" line precedes. A header is
    shown once for messages of one sender, each within 5 minutes of the one before. ``rooms`` are
    those of the conversation, oldest first.
    """
    shown: list[Row] = []
    previous: Message | None = None
    day: date | None = None
    begin = end = 0  # of the day: time zones are too slow to ask about every message
    room = messages[0].room_id if messages else None
    known = {direct.room_id: direct for direct in rooms}
    for message in messages:
        if not begin <= message.sent_at < end:
            sent_on = local_time(message.sent_at, zone).date()
            begin, end = midnight(sent_on, zone), midnight(sent_on + timedelta(days=1), zone)
            if sent_on != day:
                day, previous = sent_on, None
                shown.append(DaySeparator(f"day {message.key}", day_name(sent_on, today)))
        if message.room_id != room:
            text = room_change(room, message.room_id, known)
            room, previous = message.room_id, None
            shown.append(RoomChange(f"room {message.key}", text))
        if message.key == first_unread:
            previous = None
            shown.append(NewMessages(f"new {message.key}"))
        shown.append(MessageRow(message.key, message, _has_header(message, previous)))
        previous = message
    return tuple(shown)


def room_change(before: RoomId | None, after: RoomId, rooms: Mapping[RoomId, DirectRoom]) -> str:
    """Why the conversation goes on in another room, in words; ``rooms`` are oldest first."""
    old, new = None if before is None else rooms.get(before), rooms.get(after)
    if old is None or new is None:
        return "In another room"
    words = _words(old, new, tuple(rooms))
    if old.encrypted != new.encrypted:
        words += " · encrypted" if new.encrypted else " · not encrypted"
    return words


def _words(old: DirectRoom, new: DirectRoom, order: tuple[RoomId, ...]) -> str:
    if old.successor == new.room_id:
        return "Upgraded: the chat goes on in a new room"
    if new.successor == old.room_id:
        return "From the room before the upgrade"
    if order.index(new.room_id) < order.index(old.room_id):
        who = _ended_by(new)
        return f"From an earlier chat, which {who}" if who else "From an earlier chat"
    who = _ended_by(old)
    if not who:
        return "The chat goes on in another room"
    return f"{who[0].upper()}{who[1:]} the chat above: this is a new one"


def _ended_by(room: DirectRoom) -> str:
    """Who ended the chat, and how; empty if it goes on."""
    if room.mine is not Membership.JOIN:
        return "you were banned from" if room.mine is Membership.BAN else "you left"
    match room.peer:
        case PeerState.LEFT:
            return "they left"
        case PeerState.DECLINED:
            return "they declined"
        case PeerState.BANNED:
            return "they were banned from"
        case _:
            return ""


def first_unread(messages: Sequence[Message]) -> str | None:
    """The key of the first unread message; ask before marking them read."""
    return next((message.key for message in messages if message.unread), None)


def _has_header(message: Message, previous: Message | None) -> bool:
    if message.kind in _NAMES_SENDER_ITSELF:
        return False
    return (
        previous is None
        or previous.kind in _NAMES_SENDER_ITSELF
        or previous.sender != message.sender
        or abs(message.sent_at - previous.sent_at) > GROUP_WITHIN
    )
