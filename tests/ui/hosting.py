"""Rows to show, and what a widget painted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from textual.geometry import Region

from dmtui.core.model import (
    Conversation,
    Cursor,
    EventId,
    Kind,
    Message,
    Milliseconds,
    RoomId,
    Safe,
    UserId,
)

if TYPE_CHECKING:
    from textual.widget import Widget

NOW = datetime(2026, 11, 16, 12, 0, tzinfo=UTC).timestamp()
HOUR: Milliseconds = 3_600_000
HOSTILE = "\x1b]52;c;ZXZpbA==\x07\x9b31m\x7f\x00\u202e[/x][@click=app.quit]quit[/]"
FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
STEERING = ("\x1b", "\x07", "\x9b", "\x7f", "\x00", "\u202e")


def now() -> float:
    return NOW


def person(number: int, name: str = "") -> Conversation:
    return Conversation(
        user_id=UserId(f"@p{number}:example.org"),
        name=Safe(name or f"Person {number}"),
        room_id=RoomId(f"!p{number}"),
        latest=int(NOW * 1000) - (number + 1) * 60_000,
        preview=Safe(f"preview {number}"),
    )


def people(count: int) -> list[Conversation]:
    return [person(number) for number in range(count)]


def message(number: int, body: str = "", own: bool = False, kind: Kind = Kind.TEXT) -> Message:
    return Message(
        key=f"m{number}",
        room_id=RoomId("!r"),
        cursor=Cursor(number),
        event_id=EventId(f"$e{number}"),
        sender=UserId("@me:example.org" if own else "@bob:example.org"),
        sender_name=Safe("Me" if own else "Bob"),
        own=own,
        sent_at=int(NOW * 1000) - 2 * HOUR + number * 1000,
        kind=kind,
        body=Safe(body or f"message {number}"),
    )


def messages(first: int, last: int) -> tuple[Message, ...]:
    """Numbers ``first`` to ``last``, some of which wrap to several lines."""
    rows = [message(number) for number in range(first, last + 1)]
    return tuple(
        replace(row, body=Safe(row.body + " words" * 30)) if number % 7 == 3 else row
        for number, row in enumerate(rows, first)
    )


def painted(widget: Widget) -> list[str]:
    """The widget's lines of text as they are on the screen, with its border."""
    size = widget.outer_size
    return [strip.text for strip in widget.render_lines(Region(0, 0, size.width, size.height))]


def line_of(widget: Widget, text: str) -> int | None:
    """The first screen line of the widget that holds ``text``."""
    return next((y for y, line in enumerate(painted(widget)) if text in line), None)
