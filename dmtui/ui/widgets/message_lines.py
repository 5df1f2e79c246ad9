"""One display row of a conversation → the lines it takes at a width."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import tzinfo
from typing import NamedTuple

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from dmtui.core.formatted import read
from dmtui.core.images import PREVIEW
from dmtui.core.markup import Document, Form, Span
from dmtui.core.model import Kind, Message, Safe, SendState, UserId
from dmtui.core.timeline import DaySeparator, MessageRow, NewMessages, RoomChange, Row
from dmtui.core.times import clock_time
from dmtui.core.trust import doubt_note
from dmtui.ui.widgets.cells import clip, pad, printable, strip, wrap
from dmtui.ui.widgets.half_blocks import fitted, half_blocks
from dmtui.ui.widgets.relation_lines import act_note, quote_line, reactions_line, under_way
from dmtui.ui.widgets.styled_lines import PLAIN, Part, hidden, lines_of
from dmtui.ui.widgets.transfer_line import transfer_note

INDENT = 2
MARKS = 4
PREVIEW_ROWS = PREVIEW[1] // 2
STATES = 11
"""Cells for how far a message is: as a mark, and in words."""
MEASURE = 110
"""Cells: longer lines are hard to read."""
NAME_COLOURS = 5
EDITED = " (edited)"
FAILED_KEYS = " · x\xa0retry · d\xa0discard"
EDIT_KEY = " · e\xa0edit"

_STYLED = frozenset({Kind.TEXT, Kind.NOTICE, Kind.EMOTE})


class Shape(NamedTuple):
    """A row wrapped at a width: ``lead`` lines above the text, the text, and what is below it.

    The last of the lines above is the ``quote``, if there is one. ``picture`` counts the lines of
    the image's preview, which come next after the text.
    """

    lead: int
    text: tuple[tuple[Part, ...], ...]
    notes: tuple[str, ...]
    quote: str = ""
    reactions: tuple[str, ...] = ()
    picture: int = 0

    @property
    def height(self) -> int:
        """Lines in all."""
        below = self.picture + len(self.reactions) + len(self.notes)
        return self.lead + len(self.text) + below


def document_of(row: Row) -> Document | None:
    """What is styled in the row's text, or leads somewhere; ``None`` where nothing is."""
    if not isinstance(row, MessageRow) or row.message.kind not in _STYLED:
        return None
    message = row.message
    document = read(message.formatted, message.body)
    if document is None or message.kind is not Kind.EMOTE:
        return document
    name = Span(Safe(_emote(message)))
    first, *others = document
    if first.form is not Form.TEXT or first.first:
        return (replace(first, spans=(name,), form=Form.TEXT, first="", rest=""), *document)
    return (replace(first, spans=(name, *first.spans)), *others)


def shape(
    row: Row,
    width: int,
    document: Document | None = None,
    *,
    plain: bool = False,
    previews: bool = True,
) -> Shape:
    """Wrap the row; cheap, so that a whole window can be measured before it is painted.

    ``plain`` says states in words and draws no rules; ``previews`` shows images.
    """
    if not isinstance(row, MessageRow):
        return Shape(1, (((_title(row), ""),),), ())
    message = row.message
    measure = _measure(width, plain)
    style = _text_style(message)
    if document is not None:
        tail = (EDITED if message.edited else "", "timeline--dim")
        text = lines_of(document, measure, style, tail)
    else:
        said = _words(message) if plain else f"{_sign(message)}{_words(message)}"
        text = tuple(((line, style),) for line in wrap(said, measure))
        if message.edited:
            text = (*text[:-1], _without_mark(*text[-1]))
    note = _note(message)
    notes = wrap(note, measure) if note else ()
    quote = quote_line(message.quote) if message.quote else ""
    reactions = wrap(reactions_line(message.reactions), measure) if message.reactions else ()
    lead = (2 if row.header else 0) + bool(quote)
    picture = 0
    if previews and message.preview is not None:
        picture = (fitted(message.preview, measure, PREVIEW_ROWS)[1] + 1) // 2
    return Shape(lead, text, notes, quote, reactions, picture)


def paint(
    row: Row,
    shaped: Shape,
    width: int,
    *,
    zone: tzinfo,
    style_of: Callable[[str], Style],
    selected: bool = False,
    revealed: bool = False,
    plain: bool = False,
) -> list[Strip]:
    """Paint the row's lines, each exactly ``width`` cells wide; spoilers only if ``revealed``."""
    ground = style_of("timeline--cursor") if selected else style_of("")
    back = ground.background_style
    blank = Strip.blank(width, style_of(""))

    def line(*parts: Part) -> Strip:
        return strip([(text, style_of(name) + back) for text, name in parts], width, ground)

    if not isinstance(row, MessageRow):
        title = clip(f"  {printable(_title(row))}", width) if plain else _ruled(_title(row), width)
        return [blank, line((title, _rule_style(row)))]
    message = row.message
    bar: Part = ((("> " if plain else "▌ ") if selected else "  "), "timeline--bar")
    measure = _measure(width, plain)
    lines: list[Strip] = []
    if row.header:
        lines = [blank, line(bar, *_header(message, width, zone))]
    if shaped.quote:
        lines.append(line(bar, (clip(printable(shaped.quote), measure), "timeline--quote")))
    text = shaped.text
    if not revealed:
        text = tuple(tuple(hidden(part, plain=plain) for part in parts) for parts in text)
    for parts in text[:-1]:
        lines.append(line(bar, *parts))
    marks = _state(message) if plain else _marks(message, text[-1], measure)
    lines.append(line(bar, *text[-1], *marks))
    if shaped.picture:
        before = strip([(bar[0], style_of(bar[1]) + back)], INDENT, ground)
        lines += _picture(message, before, measure, width, ground)
    for reactions in shaped.reactions:
        lines.append(line(bar, (reactions, "timeline--reactions")))
    for note in shaped.notes:
        lines.append(line(bar, (note, _note_style(message))))
    return lines


def _picture(
    message: Message, before: Strip, measure: int, width: int, ground: Style
) -> Iterator[Strip]:
    if message.preview is not None:
        for cells in half_blocks(message.preview, measure, PREVIEW_ROWS, ground):
            after = Strip.blank(width - INDENT - cells.cell_length, ground)
            yield Strip.join([before, cells, after])


def name_style(user_id: UserId) -> str:
    """The colour of a person's name: the same on every screen and every day."""
    return f"timeline--name-{zlib.crc32(user_id.encode('utf-8', 'replace')) % NAME_COLOURS}"


def _measure(width: int, plain: bool = False) -> int:
    return max(8, min(width - INDENT - (STATES if plain else MARKS), MEASURE))


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
            text = f"{_emote(message)}{message.body}"
        case _:
            text = message.body
    return text + EDITED if message.edited and message.kind is not Kind.REDACTED else text


def _sign(message: Message) -> str:
    return "▤ " if message.kind is Kind.ATTACHMENT else ""


def _emote(message: Message) -> str:
    return f"* {message.sender_name} "


def _text_style(message: Message) -> str:
    match message.kind:
        case Kind.UNDECRYPTABLE:
            return "timeline--undecryptable"
        case Kind.REDACTED | Kind.MEMBERSHIP | Kind.OTHER:
            return "timeline--aside"
        case Kind.NOTICE:
            return "timeline--dim"
        case _:
            return PLAIN


def _note(message: Message) -> str:
    if message.transfer is not None:
        return transfer_note(message.transfer)
    if message.state is SendState.FAILED:
        return _failure(message)
    return act_note(message.failed_act) if message.failed_act else _doubt(message)


def _note_style(message: Message) -> str:
    if message.transfer is not None:
        return "timeline--dim"
    failed = message.state is SendState.FAILED or message.failed_act is not None
    return "timeline--failed" if failed else "timeline--doubt"


def _failure(message: Message) -> str:
    reason = f": {message.failure}" if message.failure else ""
    edit = "" if message.kind is Kind.ATTACHMENT else EDIT_KEY
    return f"✗ not sent{reason}{FAILED_KEYS}{edit}"


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


def _state(message: Message) -> list[Part]:
    """The same in a word, behind the text."""
    mark, word, style = _mark(message)
    if not mark:
        return []
    said = {"✓": "sent", "✓✓": "read", "✗": "not sent"}.get(mark, word.strip())
    return [(f" ({said})", style)]


def _without_mark(last: Part) -> tuple[Part, ...]:
    """The last line, the words that it was edited apart from it."""
    text, style = last
    mark = EDITED.strip()
    if not text.endswith(mark):
        return (last,)
    return (text.removesuffix(mark), style), (mark, "timeline--dim")


def _marks(message: Message, last: tuple[Part, ...], measure: int) -> list[Part]:
    """How far a message of ours is, at the end of its last line."""
    mark, word, style = _mark(message)
    if not mark:
        return []
    room = measure - sum(cell_len(text) for text, _ in last)
    shown = word if len(word) + 1 <= room else ""
    return [(" " * (room - len(shown)) + shown, style), (pad(f" {mark}", MARKS), style)]
