"""A QR code in half blocks, black on white whatever the theme, so that a phone can read it."""

from __future__ import annotations

from typing import TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

Modules: TypeAlias = tuple[bytes, ...]
"""A square of rows from the top, one byte for each module: 1 is dark."""

QUIET = (4, 2)
"""Light modules around a code: as the standard has it, and what still is enough."""

_LIGHT, _DARK = Style(color="#000000", bgcolor="#ffffff"), Style(color="#ffffff", bgcolor="#000000")
_CELLS = {
    (0, 0): Segment(" ", _LIGHT),
    (1, 0): Segment("▀", _LIGHT),
    (0, 1): Segment("▀", _DARK),
    (1, 1): Segment(" ", _DARK),
}
"""By upper and lower module: no gap between lines shows where both are the same."""


def modules_of(data: bytes) -> Modules:
    """The code of these bytes; takes longer than a frame."""
    import segno  # slow to load, seldom needed

    made = segno.make(data, error="l", mode="byte", micro=False, boost_error=False)
    return tuple(bytes(row) for row in made.matrix)


def size_with(quiet: int, modules: Modules) -> Size:
    """In cells, with so many light modules on each side."""
    side = len(modules) + 2 * quiet
    return Size(side, (side + 1) // 2)


class QrCode(Widget):
    """Two modules in each cell; what it shows is given to :meth:`fit`."""

    DEFAULT_CSS = "QrCode { width: auto; height: auto; }"
    ALLOW_SELECT = False

    modules: reactive[Modules] = reactive((), layout=True)
    quiet: reactive[int] = reactive(0, layout=True)

    def fit(self, modules: Modules, room: Size) -> bool:
        """Show the code with as much light around it as fits; whether any does."""
        for quiet in QUIET:
            size = size_with(quiet, modules)
            if size.width <= room.width and size.height <= room.height:
                self.modules, self.quiet = modules, quiet
                return True
        return False

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """In cells."""
        return size_with(self.quiet, self.modules).width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """In cells."""
        return size_with(self.quiet, self.modules).height

    def render_line(self, y: int) -> Strip:
        """One row of cells."""
        pairs = zip(self._row(2 * y), self._row(2 * y + 1), strict=True)
        return Strip([_CELLS[pair] for pair in pairs]).simplify()

    def _row(self, number: int) -> bytes:
        number, side = number - self.quiet, len(self.modules)
        row = self.modules[number] if 0 <= number < side else bytes(side)
        return row.center(side + 2 * self.quiet, b"\0")
