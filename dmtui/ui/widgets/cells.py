"""Text measured in terminal cells: filter, clip, pad and wrap without splitting a character."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.cells import cell_len, split_graphemes
from rich.segment import Segment
from textual.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.style import Style

ELLIPSIS = "…"

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufe0f]")
_NARROW = re.compile(r"[ -~\xa0-\xac\xae-\u02ff\u0370-\u0482\u048a-\u0590\u2010-\u2027\u20ac]*")
"""Characters of one cell each, which need no measuring."""
_CODE_POINTS = 2
"""To look at for each cell, at first: a text may be very long, and a character many of them."""
_SHORT = 256
"""Code points of a text that is measured as a whole."""
_BREAKS = re.compile(r"[^ ]+ *| +")


def printable(text: str) -> str:
    """Drop what could steer a terminal, and the variation selector that terminals disagree on."""
    if text.isascii() and text.isprintable():
        return text
    return _CONTROLS.sub("", text)


def clip(text: str, width: int) -> str:
    """Cut to at most ``width`` cells, ending in "…" where something was cut."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    return head(text, width - 1) + ELLIPSIS


def head(text: str, width: int) -> str:
    """Return the longest beginning of whole characters that fits ``width`` cells."""
    if text.isascii():
        return text[: max(width, 0)]
    looked_at = _CODE_POINTS * (max(width, 0) + 1)
    while True:
        used = 0
        spans, _ = split_graphemes(text[:looked_at])
        for start, _, cells in spans:
            if used + cells > width:
                return text[:start]
            used += cells
        if looked_at >= len(text):
            return text
        looked_at *= 8


def pad(text: str, width: int) -> str:
    """Fill up with spaces to ``width`` cells."""
    return text + " " * max(0, width - cell_len(text))


def wrap(text: str, width: int) -> tuple[str, ...]:
    """Break into lines of at most ``width`` cells, at spaces where possible; newlines are kept."""
    width = max(width, 2)
    lines: list[str] = []
    text = text.expandtabs(4) if "\t" in text else text
    for paragraph in text.split("\n"):
        clean = printable(paragraph)
        if not _NARROW.fullmatch(clean):
            lines.extend(_wrap_measured(clean, width))
        elif len(clean) <= width:
            lines.append(clean.rstrip(" "))
        else:
            lines.extend(_wrap_narrow(clean, width))
    return tuple(lines)


def _wrap_narrow(text: str, width: int) -> list[str]:
    lines: list[str] = []
    start = 0
    while len(text) - start > width:
        cut = text.rfind(" ", start, start + width + 1)
        line = text[start:cut].rstrip(" ") if cut > start else ""
        if line:
            lines.append(line)
            start = cut + 1
            while text.startswith(" ", start):
                start += 1
        else:
            lines.append(text[start : start + width])
            start += width
    lines.append(text[start:].rstrip(" "))
    return lines


def _fits(text: str, width: int) -> bool:
    return cell_len(text) <= width if len(text) <= _SHORT else head(text, width) == text


def _wrap_measured(text: str, width: int) -> list[str]:
    lines: list[str] = []
    line, used = "", 0
    for word in _BREAKS.findall(text):
        bare = word.rstrip(" ")
        if line and not _fits(bare, width - used):
            lines.append(line.rstrip(" "))
            line, used = "", 0
        while not _fits(bare, width):
            start = head(bare, width)
            lines.append(start)
            word, bare = word[len(start) :], bare[len(start) :]
        line += word
        used += cell_len(word)
    lines.append(line.rstrip(" "))
    return lines


@lru_cache(maxsize=1024)
def _blank(width: int, style: Style) -> Segment:
    return Segment(" " * width, style)


def strip(parts: Iterable[tuple[str, Style]], width: int, fill: Style) -> Strip:
    """Build one line of exactly ``width`` cells from styled parts; controls are dropped."""
    segments: list[Segment] = []
    used = 0
    for text, style in parts:
        shown = printable(text)
        cells = cell_len(shown)
        if used + cells > width:
            shown = clip(shown, width - used)
            cells = cell_len(shown)
        if shown:
            segments.append(Segment(shown, style))
        used += cells
    if used < width:
        segments.append(_blank(width - used, fill))
    return Strip(segments, width)
