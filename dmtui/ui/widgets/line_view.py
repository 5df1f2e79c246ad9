"""A scrolling widget painted line by line, with its styles looked up once per theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.widget import Widget

if TYPE_CHECKING:
    from rich.style import Style
    from textual.geometry import Region
    from textual.strip import Strip


class LineView(ScrollView, can_focus=True):
    """Base of the people list and the timeline; subclasses implement :meth:`paint_line`.

    It overrides ``render_lines`` and so has neither border nor padding: Textual's style cache
    for those costs more than all the rest of a repaint.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    LineView {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        scrollbar-color: $foreground 20%;
        scrollbar-color-hover: $foreground 40%;
        scrollbar-color-active: $primary;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-corner-color: $background;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._style_of: dict[str, Style] = {}
        self._lines = (0, 0)

    def paint_line(self, y: int, width: int) -> Strip:
        """Return line ``y`` of the content, exactly ``width`` cells wide."""
        raise NotImplementedError

    def style_of(self, name: str) -> Style:
        """Return the style of a component class, the empty name being the widget itself.

        Of several, with spaces between, the later ones change what the first one is.
        """
        style = self._style_of.get(name)
        if style is None:
            whole, *changes = name.split(" ")
            style = self.get_component_rich_style(whole) if whole else self.rich_style
            for change in changes:
                style += self.get_component_rich_style(change, partial=True)
            self._style_of[name] = style
        return style

    @property
    def line_width(self) -> int:
        """Cells of a line."""
        return self.scrollable_content_region.width

    @property
    def line_count(self) -> int:
        """Lines that fit on the screen."""
        return self.scrollable_content_region.height

    def lines_resized(self) -> None:
        """The width or height changed: arrange anew, before the frame is painted."""

    def _size_updated(
        self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True
    ) -> bool:
        """Arrange within the layout: the Resize event comes a frame too late: a visible jump."""
        changed = super()._size_updated(size, virtual_size, container_size, layout)
        lines = self.line_width, self.line_count
        if lines != self._lines:
            self._lines = lines
            self.lines_resized()
        return changed

    def set_line_total(self, lines: int) -> None:
        """Have the content be so many lines, without the layout of the screen done anew for it."""
        size = Size(0, lines)
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._style_of.clear()
        self.forget_painted()

    def forget_painted(self) -> None:
        """Drop whatever was painted with the former styles."""

    def render_lines(self, crop: Region) -> list[Strip]:
        width = self.size.width
        top = round(self.scroll_y)
        strips = [self.paint_line(top + y, width) for y in range(crop.y, crop.bottom)]
        if crop.x or crop.width != width:
            strips = [strip.crop(crop.x, crop.right) for strip in strips]
        for line_filter in self.get_line_filters():
            background = self.background_colors[1]
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        return strips
