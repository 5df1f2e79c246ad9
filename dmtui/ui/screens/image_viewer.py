"""Shows an image in half blocks: two pixels to a cell, in any terminal with colours."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from dmtui.core.model import Pixels, Safe

MOST_PIXELS = (320, 200)
"""Wide and high: more than a terminal shows."""

UPPER_HALF = "▀"


def half_blocks(picture: Pixels, width: int, height: int) -> list[Strip]:
    """The picture as large as it fits into so many cells; nearest pixels, never enlarged."""
    scale = max(1.0, picture.width / max(1, width), picture.height / max(1, height * 2))
    columns = max(1, int(picture.width / scale))
    rows = max(1, int(picture.height / scale))
    across = [int(column * scale) * 3 for column in range(columns)]
    lines = [
        picture.rgb[start : start + picture.width * 3]
        for start in (int(row * scale) * picture.width * 3 for row in range(rows))
    ]
    if rows % 2:
        lines.append(bytes(picture.width * 3))
    pairs = zip(lines[::2], lines[1::2], strict=True)
    return [
        Strip([Segment(UPPER_HALF, _style(up[x : x + 3], low[x : x + 3])) for x in across], columns)
        for up, low in pairs
    ]


@lru_cache(maxsize=4096)
def _style(upper: bytes, lower: bytes) -> Style:
    return Style.parse(f"#{upper.hex()} on #{lower.hex()}")


class Picture(Widget):
    """The image in the middle of the widget."""

    DEFAULT_CSS = "Picture { height: 1fr; width: 1fr; }"

    def __init__(self, picture: Pixels):
        super().__init__()
        self._picture = picture
        self._strips: list[Strip] = []

    def on_resize(self) -> None:
        self._strips = half_blocks(self._picture, self.size.width, self.size.height)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        ground = self.rich_style.background_style
        row = y - (height - len(self._strips)) // 2
        if not 0 <= row < len(self._strips):
            return Strip.blank(width, ground)
        strip = self._strips[row]
        left = (width - strip.cell_length) // 2
        right = width - left - strip.cell_length
        return Strip.join([Strip.blank(left, ground), strip, Strip.blank(right, ground)])


class ImageViewer(ModalScreen[None]):
    """Any of the usual keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,v,enter,space", "dismiss(None)", "Close", show=False, id="viewer.close")
    ]

    def __init__(self, name: Safe, picture: Pixels):
        super().__init__()
        self._name = name
        self._picture = picture

    def compose(self) -> ComposeResult:
        yield Static(Content(f"{self._name} · Esc closes"), id="name", markup=False)
        yield Picture(self._picture)
