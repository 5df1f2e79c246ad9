"""Blocks of styled spans → the lines they take at a width, as parts of text with styles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TypeAlias

from rich.cells import cell_len

from dmtui.core.markup import Block, Document, Form, Look
from dmtui.ui.widgets.cells import head, printable, wrap

Part: TypeAlias = tuple[str, str]
"""Text and the names of its styles, the first of them a whole one, with spaces between."""

PLAIN = "timeline--text"
SPOILER = "timeline--spoiler"
_EDGE = "timeline--edge"
_STYLES = {look: f"timeline--{look.name}".lower() for look in Look if look.name is not None}
STYLES = frozenset({_EDGE, "timeline--heading", "timeline--block", *_STYLES.values()})
_LEAST = 4  # cells that edges leave for text
_RULE = 40  # cells
_CODE_BAR = "▎ "


def lines_of(document: Document, width: int, base: str, tail: Part) -> tuple[tuple[Part, ...], ...]:
    """Wrap the blocks; ``base`` is the style of text, ``tail`` ends the last line."""
    lines: list[tuple[Part, ...]] = []
    for block in document:
        if block.apart:
            lines.append(((block.rest.rstrip(), _EDGE),))
        lines.extend(_block(block, width, base, tail if block is document[-1] else ("", "")))
    return tuple(lines)


def _block(block: Block, width: int, base: str, tail: Part) -> Iterator[tuple[Part, ...]]:
    first, rest = (edge[: max(0, width - _LEAST)] for edge in (block.first, block.rest))
    room = max(_LEAST, width - len(rest))
    if block.form is Form.RULE:
        parts: list[Part] = [("─" * min(room, _RULE), _EDGE)]
    else:
        parts = [(_clean(span.text), _style(base, block.form, span.look)) for span in block.spans]
    if block.form is Form.CODE:
        first, rest, room = first + _CODE_BAR, rest + _CODE_BAR, room - len(_CODE_BAR)
        lines = [*_lines(parts, _chop("".join(text for text, _ in parts), room)), (tail,)]
        lines = lines if tail[0] else lines[:-1]
    else:
        parts.append(tail)
        lines = list(_lines(parts, wrap("".join(text for text, _ in parts), room)))
    for number, line in enumerate(lines):
        edge = rest if number else first
        yield ((edge, _EDGE), *line) if edge else line


def _clean(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def _chop(text: str, width: int) -> Iterator[str]:
    """Lines of code, cut where they are too long, with their spaces."""
    for line in text.split("\n"):
        start = head(line, max(2, width))
        yield start
        while len(line) > len(start):
            line = line[len(start) :]
            start = head(line, max(2, width))
            yield start


def _lines(
    parts: Sequence[Part], lines: Sequence[str] | Iterator[str]
) -> Iterator[tuple[Part, ...]]:
    """The parts cut as their text was; between lines there are only spaces and newlines."""
    text = "".join(part[0] for part in parts)
    ends: list[int] = []
    for part in parts:
        ends.append((ends[-1] if ends else 0) + len(part[0]))
    position = index = 0
    for line in lines:
        position = text.index(line, position)
        end = position + len(line)
        cut: list[Part] = []
        while position < end:
            while ends[index] <= position:
                index += 1
            stop = min(end, ends[index])
            cut.append((text[position:stop], parts[index][1]))
            position = stop
        yield tuple(cut)
        if text.startswith("\n", position):
            position += 1


@lru_cache(maxsize=512)
def _style(base: str, form: Form, look: Look) -> str:
    names = [base]
    if form is Form.HEADING:
        names.append("timeline--heading")
    elif form is Form.CODE:
        names.append("timeline--block")
    names += [style for each, style in _STYLES.items() if each in look]
    return " ".join(names)


def hidden(part: Part, *, plain: bool) -> Part:
    """A spoiler as a bar of its length, ``plain`` in a word; any other part as it is."""
    text, style = part
    if SPOILER not in style:
        return part
    return "(spoiler)" if plain else "█" * cell_len(text), _EDGE
