"""Initials on the person's own colour, where there is no picture of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.color import Color
from textual.content import Content
from textual.style import Style

from dmtui.core.faces import HUES, INITIALS_CELLS, hue, initials

if TYPE_CHECKING:
    from dmtui.core.model import UserId

_ANSI = (
    ("ansi_bright_white", "ansi_red"),
    ("ansi_black", "ansi_yellow"),
    ("ansi_black", "ansi_bright_yellow"),
    ("ansi_black", "ansi_green"),
    ("ansi_black", "ansi_cyan"),
    ("ansi_bright_white", "ansi_blue"),
    ("ansi_black", "ansi_bright_blue"),
    ("ansi_bright_white", "ansi_magenta"),
)
"""The terminal's own colours nearest to the hues, with what is read well on them."""

TAG_CELLS = INITIALS_CELLS + 2


@cache
def face_style(number: int, ansi: bool) -> Style:
    """Of the hue with this number; ``ansi`` in the terminal's own colours."""
    text, ground = _ANSI[number] if ansi else ("#ffffff", HUES[number])
    return Style(background=Color.parse(ground), foreground=Color.parse(text), bold=True)


def tag(name: str, user_id: UserId) -> str:
    """The initials with a margin, in :data:`TAG_CELLS`."""
    letters = initials(name, user_id)
    return f" {letters}{' ' * (INITIALS_CELLS - cell_len(letters))} "


def face_tag(name: str, user_id: UserId, ansi: bool) -> Content:
    """The same, coloured."""
    return Content.styled(tag(name, user_id), face_style(hue(user_id), ansi))
