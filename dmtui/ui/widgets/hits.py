"""Where a search has hit, marked in painted lines."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from dmtui.core.search import Query, spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.style import Style


def marked(line: Strip, query: Query, style: Style) -> Strip:
    """The line with the query's words and phrases in this style, as far as they stand in it."""
    hits = spans(line.text, query)
    return Strip(_painted(line, hits, style), line.cell_length) if hits else line


def _painted(line: Strip, hits: tuple[tuple[int, int], ...], style: Style) -> Iterator[Segment]:
    start = 0
    for text, plain, control in line:
        end = start + len(text)
        edges = {start, end} | {edge for hit in hits for edge in hit if start < edge < end}
        for first, last in pairwise(sorted(edges)):
            hit = any(a <= first < b for a, b in hits)
            shown = (plain + style if plain else style) if hit else plain
            yield Segment(text[first - start : last - start], shown, control)
        start = end
