"""Lines whose text can be selected with the mouse, and copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.geometry import Region
from textual.strip import Strip

from dmtui.ui.widgets.line_view import LineView

if TYPE_CHECKING:
    from textual.selection import Selection


class SelectableView(LineView):
    """What is selected goes by lines of the content: call :meth:`unselect` before they move."""

    ALLOW_SELECT: ClassVar[bool] = True

    def selectable(self, y: int, width: int) -> str:
        """The text of line ``y``, from its left edge, without what is no part of it."""
        return self.paint_line(y, width).text.rstrip()

    def unselect(self) -> None:
        """Nothing is selected any more."""
        if self.is_mounted and self.text_selection is not None:
            self.screen.clear_selection()

    def render_lines(self, crop: Region) -> list[Strip]:
        top = round(self.scroll_y)
        selection = self.text_selection
        return [
            self._marked(strip, top + y, selection).apply_offsets(crop.x, top + y)
            for y, strip in enumerate(super().render_lines(crop), crop.y)
        ]

    def render_line(self, y: int) -> Strip:
        """One line of the screen; Textual asks it for the place of the mouse in the text."""
        return self.render_lines(Region(0, y, self.size.width, 1))[0]

    def _marked(self, strip: Strip, y: int, selection: Selection | None) -> Strip:
        span = selection.get_span(y) if selection is not None else None
        if span is None:
            return strip
        start, end = span
        text = strip.text
        first = cell_len(text[:start])
        last = cell_len(text.rstrip() if end == -1 else text[:end])
        style = self.screen.get_component_rich_style("screen--selection")
        chosen = strip.crop(first, max(first, last)).apply_style(style)
        return Strip.join([strip.crop(0, first), chosen, strip.crop(max(first, last))])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, the margin of its lines left out."""
        first = selection.start.y if selection.start else 0
        last = selection.end.y if selection.end else self.virtual_size.height - 1
        lines = [self.selectable(y, self.line_width) for y in range(max(first, 0), last + 1)]
        if not lines:
            return None
        if selection.end:
            lines[-1] = lines[-1][: selection.end.x]
        margins = [0] * len(lines)
        if selection.start:
            margins[0] = selection.start.x
        text = "\n".join(
            line[margin:] if margin else line.removeprefix("  ")
            for line, margin in zip(lines, margins, strict=True)
        )
        return text, "\n"
