"""The last hand on every line: nothing steers the terminal, and each terminal has the same columns.

Terminals disagree about emoji with a variation selector or a skin tone (tmux 3.3: ``❤️`` 1 cell,
``👍🏽`` 4; Rich: 2 each), and some of them turn right-to-left text around, with whatever stands
next to it on the row.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size, split_graphemes
from rich.segment import Segment
from textual.filter import LineFilter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.color import Color

_SKIN_TONES = "\U0001f3fb-\U0001f3ff"
_STEERING = r"\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069"
_UNSETTLED = re.compile(rf"[{_STEERING}\ufe0f{_SKIN_TONES}]")
_SKIN_TONE = re.compile(rf"[{_SKIN_TONES}]")
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff]")
_STRONG = ("L", "R", "AL")
_LEFT, _RIGHT = "\u200e", "\u200f"
_COMPOUND = re.compile("[\u200d\U0001f1e6-\U0001f1ff\U000e0020-\U000e007f]")
_FLAG = re.compile("([\U0001f1e6-\U0001f1ff]{2})")
_JOINER = "\u200d"
_COLUMN = "  "
"""What a text ends in where another column follows."""


class Settled(LineFilter):
    """Applied to the lines of all widgets; every segment keeps the cells that Rich counts for it.

    Text is in logical order. A right-to-left one is closed by direction marks, which have no cells:
    a terminal that turns it around leaves the rest of the row where it is.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """See ``LineFilter``."""
        if all(text.isascii() and text.isprintable() for text, _, _ in segments):
            return segments
        settled = [
            segment if segment.control else segment._replace(text=settled_text(segment.text))
            for segment in segments
        ]
        if any(_RIGHT_TO_LEFT.search(segment.text) for segment in settled):
            settled = list(_enclosed(settled))
        if any(_COMPOUND.search(segment.text) for segment in settled):
            return [part for segment in settled for part in _whole_parts(segment)]
        return settled


class Whole(Segment):
    """One character of many code points; Rich would cut between them, wherever a dialog begins."""

    __slots__ = ()

    def split_cells(self, cut: int) -> tuple[Segment, Segment]:
        """See ``Segment``."""
        cells = cell_len(self.text)
        if cut >= cells:
            return self, Segment("", self.style)
        return Segment(" " * cut, self.style), Segment(" " * (cells - cut), self.style)


def _whole_parts(segment: Segment) -> Iterator[Segment]:
    """The segment with each character that is compound as a part of its own."""
    text, style, control = segment
    if control or not _COMPOUND.search(text):
        yield segment
        return
    for compound, characters in groupby(_characters(text), lambda one: bool(_COMPOUND.search(one))):
        if compound:
            yield from (Whole(character, style) for character in characters)
        else:
            yield Segment("".join(characters), style)


def _characters(text: str) -> Iterator[str]:
    """Whole ones, flags as well, which Rich takes for two."""
    for part in _FLAG.split(text):
        if _FLAG.fullmatch(part):
            yield part
        else:
            yield from (part[start:end] for start, end, _ in split_graphemes(part)[0])


def settled_text(text: str) -> str:
    """In as many cells, without what terminals obey or measure differently."""
    if (bare := text.strip(_JOINER)) != text:  # a cursor stands within a character
        text = set_cell_size(bare, cell_len(text))
    if not _UNSETTLED.search(text):
        return text
    spans, _ = split_graphemes(text)
    settled = "".join(_settled_character(text[start:end], cells) for start, end, cells in spans)
    cells = cell_len(text)
    if cell_len(settled) == cells:
        return settled
    return set_cell_size(_UNSETTLED.sub("", text).replace(_JOINER, ""), cells)


def _settled_character(whole: str, cells: int) -> str:
    bare = _UNSETTLED.sub("", whole)
    if not bare and (tone := _SKIN_TONE.search(whole)):
        bare = tone.group()
    return bare + " " * (cells - cell_len(bare))


def _enclosed(segments: Sequence[Segment]) -> Iterator[Segment]:
    """Segments with marks about each run of right-to-left ones."""
    run: list[Segment] = []
    for segment in segments:
        if not _RIGHT_TO_LEFT.search(segment.text):
            yield from _marked(run)
            run = []
            yield segment
            continue
        if run and run[-1].text.endswith(_COLUMN):
            yield from _marked(run)
            run = []
        run.append(segment)
    yield from _marked(run)


def _marked(run: list[Segment]) -> Iterator[Segment]:
    if not run:
        return
    to_right = _direction("".join(segment.text for segment in run)) == "L"
    first, last = run[0].text, run[-1].text
    if not to_right:
        bare = first.lstrip(" ")
        run[0] = run[0]._replace(text=first[: len(first) - len(bare)] + _RIGHT + bare)
        last = run[-1].text
    bare = last.rstrip(" ")
    marks = _LEFT if to_right else _RIGHT + _LEFT
    run[-1] = run[-1]._replace(text=bare + marks + last[len(bare) :])
    yield from run


def _direction(text: str) -> str:
    """``L`` where the first letter runs from left to right."""
    directions = map(unicodedata.bidirectional, text)
    return next((one for one in directions if one in _STRONG), "L")
