"""Images in half blocks: two pixels to a cell, in any terminal with colours."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

if TYPE_CHECKING:
    from dmtui.core.model import Pixels

UPPER_HALF = "▀"


def fitted(picture: Pixels, width: int, height: int) -> tuple[int, int]:
    """Columns, and rows of pixels, as large as it fits into so many cells; never enlarged."""
    scale = _scale(picture, width, height)
    return max(1, int(picture.width / scale)), max(1, int(picture.height / scale))


def half_blocks(picture: Pixels, width: int, height: int, ground: Style) -> list[Strip]:
    """The picture as large as it fits into so many cells, of its nearest pixels.

    Where it has an odd number of rows, the lower half of the last cells is ``ground``.
    """
    scale = _scale(picture, width, height)
    columns, rows = fitted(picture, width, height)
    across = [int(column * scale) * 3 for column in range(columns)]
    lines = [
        picture.rgb[start : start + picture.width * 3]
        for start in (int(row * scale) * picture.width * 3 for row in range(rows))
    ]
    cells = [
        [Segment(UPPER_HALF, _style(up[x : x + 3], low[x : x + 3])) for x in across]
        for up, low in zip(lines[::2], lines[1::2], strict=False)
    ]
    if rows % 2:
        last = lines[-1]
        cells.append([Segment(UPPER_HALF, ground + _style(last[x : x + 3], b"")) for x in across])
    return [Strip(segments, columns) for segments in cells]


def _scale(picture: Pixels, width: int, height: int) -> float:
    return max(1.0, picture.width / max(1, width), picture.height / max(1, height * 2))


@lru_cache(maxsize=4096)
def _style(upper: bytes, lower: bytes) -> Style:
    return Style(color=_colour(upper), bgcolor=_colour(lower) if lower else None)


def _colour(rgb: bytes) -> Color:
    return Color.from_rgb(*rgb)
