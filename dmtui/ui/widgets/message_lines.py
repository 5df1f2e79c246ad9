"""One display row of a conversation → the lines it takes at a width."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import tzinfo
from typing import NamedTuple

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from dmtui.core.model import Kind, Message, SendState, UserId
from dmtui.core.timeline import DaySeparator, MessageRow, NewMessages, RoomChange, Row
from dmtui.core.times import clock_time
from dmtui.core.trust import doubt_note
from dmtui.ui.widgets.cells import clip, pad, printable, strip, wrap
from dmtui.ui.widgets.relation_lines import act_note, quote_line, reactions_line, under_way

INDENT = 2
MARKS = 4
MEASURE = 110
"""Cells: longer lines are hard to read."""
NAME_COLOURS = 5
EDITED = " (edited)"
FAILED_KEYS = " · x\xa0retry · d\xa0discard · e\xa0edit"

Part = tuple[str, str]
"""Text and the name of its style."""


class Shape(NamedTuple):
    """A row wrapped at a width: ``lead`` lines above the text, the text, and what is below it.

    The last of the lines above is the ``quote``, if there is one.
    """

    lead: int
    text: tuple[str, ...]
    notes: tuple[str, ...]
    quote: str = ""
    reactions: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        """Lines in all."""
        return self.lead + len(self.text) + len(self.reactions) + len(self.notes)


def shape(row: Row, width: int) -> Shape:
    """Wrap the row; cheap, so that a whole window can be measured before it is painted."""
    if not isinstance(row, MessageRow):
        return Shape(1, (_title(row),), ())
    message = row.message
    measure = _measure(width)
    text = wrap(_words(message), measure)
    note = _note(message)
    notes = wrap(note, measure) if note else ()
    quote = quote_line(message.quote) if message.quote else ""
    reactions = wrap(reactions_line(message.reactions), measure) if message.reactions else ()
    return Shape((2 if row.header else 0) + bool(quote), text, notes, quote, reactions)


def paint(
    row: Row,
    shaped: Shape,
    width: int,
    *,
    zone: tzinfo,
    style_of: Callable[[str], Style],
    selected: bool = False,
) -> list[Strip]:
    """Paint the row's lines, each exactly ``width`` cells wide."""
    ground = style_of("timeline--cursor") if selected else style_of("")
    back = ground.background_style
    blank = Strip.blank(width, style_of(""))

    def line(*parts: Part) -> Strip:
        return strip([(text, style_of(name) + back) for text, name in parts], width, ground)

    if not isinstance(row, MessageRow):
        return [blank, line((_ruled(shaped.text[0], width), _rule_style(row)))]
    message = row.message
    bar: Part = ("▌ " if selected else "  ", "timeline--bar")
    lines: list[Strip] = []
    if row.header:
        lines = [blank, line(bar, *_header(message, width, zone))]
    if shaped.quote:
        lines.append(line(bar, (clip(printable(shaped.quote), _measure(width)), "timeline--quote")))
    style = _text_style(message)
    for text in shaped.text[:-1]:
        lines.append(line(bar, (text, style)))
    lines.append(line(bar, *_last_line(message, shaped.text[-1], style, _measure(width))))
    for reactions in shaped.reactions:
        lines.append(line(bar, (reactions, "timeline--reactions")))
    for note in shaped.notes:
        failed = message.state is SendState.FAILED or message.failed_act is not None
        lines.append(line(bar, (note, "timeline--failed" if failed else "timeline--doubt")))
    return lines


def name_style(user_id: UserId) -> str:
    """The colour of a person's name: the same on every screen and every day."""
    return f"timeline--name-{zlib.crc32(user_id.encode('utf-8', 'replace')) % NAME_COLOURS}"


def _measure(width: int) -> int:
    return max(8, min(width - INDENT - MARKS, MEASURE))


def _title(row: DaySeparator | NewMessages | RoomChange) -> str:
    return "new messages" if isinstance(row, NewMessages) else row.text


def _rule_style(row: DaySeparator | NewMessages | RoomChange) -> str:
    match row:
        case DaySeparator():
            return "timeline--day"
        case RoomChange():
            return "timeline--room"
        case NewMessages():
            return "timeline--new"


def _ruled(title: str, width: int) -> str:
    room = min(width, MEASURE + INDENT + MARKS) - 2
    text = f" {clip(printable(title), max(1, room - 4))} "
    left = max(0, (room - cell_len(text)) // 2)
    right = max(0, room - cell_len(text) - left)
    return f" {'─' * left}{text}{'─' * right} "


def _header(message: Message, width: int, zone: tzinfo) -> tuple[Part, Part]:
    time = clock_time(message.sent_at, zone)
    name = "You" if message.own else clip(printable(message.sender_name), width - 10)
    style = "timeline--me" if message.own else name_style(message.sender)
    return (name, style), (f"  {time}", "timeline--dim")


def _words(message: Message) -> str:
    """Say what there is to read; every kind says in words what it is."""
    match message.kind:
        case Kind.UNDECRYPTABLE:
            reason = f": {message.body}" if message.body else ""
            text = f"Cannot be decrypted yet{reason}"
        case Kind.REDACTED:
            text = "Message deleted"
        case Kind.EMOTE:
            text = f"* {message.sender_name} {message.body}"
        case Kind.ATTACHMENT:
            text = f"▤ {message.body}"
        case _:
            text = message.body
    return text + EDITED if message.edited and message.kind is not Kind.REDACTED else text


def _text_style(message: Message) -> str:
    match message.kind:
        case Kind.UNDECRYPTABLE:
            return "timeline--undecryptable"
        case Kind.REDACTED | Kind.MEMBERSHIP | Kind.OTHER:
            return "timeline--aside"
        case Kind.NOTICE:
            return "timeline--dim"
        case _:
            return "timeline--text"


def _note(message: Message) -> str:
    if message.state is SendState.FAILED:
        return _failure(message)
    return act_note(message.failed_act) if message.failed_act else _doubt(message)


def _failure(message: Message) -> str:
    reason = f": {message.failure}" if message.failure else ""
    return f"✗ not sent{reason}{FAILED_KEYS}"


def _doubt(message: Message) -> str:
    note = doubt_note(message.doubt)
    return f"⚠ {note}" if note else ""


def _mark(message: Message) -> tuple[str, str, str]:
    """Mark, the word for it where it still moves, and style."""
    state = under_way(message)
    gone = message.kind is Kind.REDACTED and state is SendState.SENT
    if not message.own or message.kind is Kind.MEMBERSHIP or gone:
        return "", "", ""
    match state:
        case SendState.QUEUED:
            return "…", "queued ", "timeline--dim"
        case SendState.SENDING:
            return "↑", "sending ", "timeline--dim"
        case SendState.FAILED:
            return "✗", "", "timeline--failed"
        case SendState.SENT:
            return (
                ("✓✓", "", "timeline--read") if message.read_by_peer else ("✓", "", "timeline--dim")
            )


def _last_line(message: Message, text: str, style: str, measure: int) -> list[Part]:
    parts: list[Part] = [(text, style)]
    used = cell_len(text)
    edited = message.edited and text.endswith(EDITED.strip())
    if edited:
        parts = [(text[: -len(EDITED.strip())], style), (EDITED.strip(), "timeline--dim")]
    mark, word, mark_style = _mark(message)
    if mark:
        room = measure - used
        shown = word if len(word) + 1 <= room else ""
        parts.append((" " * (room - len(shown)) + shown, mark_style))
        parts.append((pad(f" {mark}", MARKS), mark_style))
    return parts
