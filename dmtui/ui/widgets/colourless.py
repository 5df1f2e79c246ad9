"""Lines without colours in a theme that has the terminal's own (``NO_COLOR``, no-color.org)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.filter import LineFilter

if TYPE_CHECKING:
    from textual.color import Color

_REVERSE = Style(reverse=True)


class Colourless(LineFilter):
    """What has a ground of its own, such as a cursor, is reversed: else nothing would show it.

    Textual's filter for this makes greys of colours that only the terminal knows: all are black.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """See ``LineFilter``."""
        return [
            segment if segment.style is None else segment._replace(style=_plain(segment.style))
            for segment in segments
        ]


def _plain(style: Style) -> Style:
    grounded = style.bgcolor is not None and not style.bgcolor.is_default
    return style.without_color + _REVERSE if grounded else style.without_color
