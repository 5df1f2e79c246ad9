"""A face as large as a card has room for: the picture in half blocks, else the initials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.content import Content

from dmtui.core.faces import hue, initials
from dmtui.ui.widgets.face import face_style
from dmtui.ui.widgets.half_blocks import half_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.widget import Widget

    from dmtui.core.model import Pixels, UserId

WIDTH = 16
HEIGHT = 8
SIDE = 16
"""Pixels of a picture that is as wide and as high."""

_ROOM = 60
"""Cells of a page that has room for a face."""


def face_of(page: Widget, name: str, user_id: UserId, picture: Pixels | None) -> Sequence[Content]:
    """The face for this page, as :func:`face_lines`; none where it is narrow or read aloud."""
    if page.scrollable_content_region.width < _ROOM or page.app.has_class("plain"):
        return ()
    return face_lines(name, user_id, picture, page.app.native_ansi_color)


def face_lines(name: str, user_id: UserId, picture: Pixels | None, ansi: bool) -> Sequence[Content]:
    """:data:`HEIGHT` lines of :data:`WIDTH` cells each; of initials half as many."""
    if picture is not None:
        return [
            Content.from_rich_text(
                Text.assemble(*((part.text, part.style or "") for part in strip))
            )
            for strip in half_blocks(picture, WIDTH, HEIGHT, Style.null())
        ]
    letters, width = initials(name, user_id), WIDTH // 2
    left = (width - cell_len(letters)) // 2
    middle = f"{' ' * left}{letters}".ljust(width - cell_len(letters) + len(letters))
    blank = " " * width
    lines = [blank, middle, blank, blank]
    return [Content.styled(line, face_style(hue(user_id), ansi)) for line in lines]
