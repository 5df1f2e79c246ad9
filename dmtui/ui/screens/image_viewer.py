"""Shows an image: drawn by the terminal if it can, else in half blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from dmtui.ui.widgets.half_blocks import half_blocks

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.geometry import Region

    from dmtui.core.model import Pixels, Safe
    from dmtui.ui.graphics import Graphic

AROUND = 2
"""Lines that are not the image's: its name, and the last one, below which terminals scroll."""


@runtime_checkable
class _Terminal(Protocol):
    def write(self, sequence: str) -> None: ...


class Picture(Widget):
    """The image in the middle of the widget.

    What the terminal draws lies on the cells: it is drawn anew after whatever was painted there.
    """

    DEFAULT_CSS = "Picture { height: 1fr; width: 1fr; }"

    def __init__(self, picture: Pixels, graphic: Graphic | None):
        super().__init__()
        self._picture = picture
        self._graphic = graphic
        self._strips: list[Strip] = []
        self._due = False

    def on_mount(self) -> None:
        if self._graphic is not None:
            self._write(self._graphic.hand_over)

    def on_unmount(self) -> None:
        if self._graphic is not None:
            self._write(self._graphic.forget)

    def on_resize(self) -> None:
        graphic, (width, height) = self._graphic, self.size
        if graphic is not None and not (graphic.columns <= width and graphic.rows < height):
            self._write(graphic.forget)
            self._graphic = None
        ground = self.rich_style.background_style
        self._strips = half_blocks(self._picture, width, height, ground)
        self.refresh()

    def cover(self) -> None:
        """Another screen comes on top."""
        if self._graphic is not None:
            self._write(self._graphic.erase)

    def render_lines(self, crop: Region) -> list[Strip]:
        if self._graphic is not None and not self._due:
            self._due = True
            self.call_after_refresh(self._draw)
        return super().render_lines(crop)

    def _draw(self) -> None:
        self._due = False
        graphic = self._graphic
        if graphic is None or not self.screen.is_current or self.screen.query("Toast"):
            return
        left, top = (self.size.width - graphic.columns) // 2, (self.size.height - graphic.rows) // 2
        self._write(graphic.at(self.region.x + left, self.region.y + top))

    def _write(self, sequence: str) -> None:
        if isinstance(self.app, _Terminal) and sequence:
            self.app.write(sequence)

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        ground = self.rich_style.background_style
        row = y - (height - len(self._strips)) // 2
        if self._graphic is not None or not 0 <= row < len(self._strips):
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

    def __init__(self, name: Safe, picture: Pixels, graphic: Graphic | None = None):
        super().__init__()
        self._name = name
        self._picture = picture
        self._graphic = graphic

    def compose(self) -> ComposeResult:
        yield Static(Content(f"{self._name} · Esc closes"), id="name", markup=False)
        yield Picture(self._picture, self._graphic)

    def on_screen_suspend(self) -> None:
        self.query_one(Picture).cover()
