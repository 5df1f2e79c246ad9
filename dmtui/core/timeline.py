"""Messages → display rows: day separators, the "new messages" line, and grouping by sender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import TypeAlias

from dmtui.core.model import Kind, Message, Milliseconds
from dmtui.core.times import day_name, local_time

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
class MessageRow:
    """A message; ``header`` says to show sender and time above it."""

    key: str
    message: Message
    header: bool


Row: TypeAlias = DaySeparator | NewMessages | MessageRow


def arrange(
    messages: Sequence[Message], today: date, zone: tzinfo, first_unread: str | None = None
) -> tuple[Row, ...]:
    """Rows for ``messages`` (oldest first); ``key`` is unique and stays with its message.

    ``first_unread`` is the key of the message that the "new messages" line precedes. A header is
    shown once for messages of one sender, each within 5 minutes of the one before.
    """
    rows: list[Row] = []
    previous: Message | None = None
    day: date | None = None
    for message in messages:
        sent_on = local_time(message.sent_at, zone).date()
        if sent_on != day:
            day, previous = sent_on, None
            rows.append(DaySeparator(f"day {message.key}", day_name(sent_on, today)))
        if message.key == first_unread:
            previous = None
            rows.append(NewMessages(f"new {message.key}"))
        rows.append(MessageRow(message.key, message, _has_header(message, previous)))
        previous = message
    return tuple(rows)


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
