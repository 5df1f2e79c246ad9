"""The picker of reactions: a digit for the common ones, a name for all others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import on, work
from textual.content import Content
from textual.widgets import Input

from dmtui.core.fold import bare_emoji
from dmtui.ui.emoji_names import find
from dmtui.ui.screens.picker import Picker
from dmtui.ui.widgets.cells import clip, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMON = (
    ("👍", "thumbs up"),
    ("❤️", "red heart"),
    ("😂", "tears of joy"),
    ("😮", "open mouth"),
    ("😢", "crying"),
    ("🎉", "party popper"),
)
_DIGITS = {str(number): emoji for number, (emoji, _) in enumerate(COMMON, start=1)}
_NAMES = 44  # cells
_SHOWN = 30  # rows; typing another letter narrows it further


class ReactionPicker(Picker[str]):
    """Dismissed with the emoji; ``given`` are those that are taken back by choosing them."""

    heading = "React"
    placeholder = "A name, such as heart"
    hint = f"1…{len(COMMON)} or ↑ ↓ Enter · Esc closes"

    def __init__(self, given: Sequence[str]):
        super().__init__()
        self._given = given

    def on_mount(self) -> None:
        self._show(COMMON)

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        """Show the emoji whose name has what is typed; a digit alone is one of the common ones."""
        term = event.value.strip()
        if term in _DIGITS:
            self.dismiss(_DIGITS[term])
        else:
            self._find(term)

    @work(exclusive=True)
    async def _find(self, term: str) -> None:
        self._show(await asyncio.to_thread(find, term, _SHOWN) if term else COMMON)

    def _show(self, found: Sequence[tuple[str, str]]) -> None:
        rows = [
            (emoji, self._row(f" {number} " if found is COMMON else "", emoji, name))
            for number, (emoji, name) in enumerate(found, start=1)
        ]
        self.offer(rows, "No emoji of that name.")

    def _row(self, digit: str, emoji: str, name: str) -> Content:
        shown = printable(emoji)
        gap = " " * (4 - cell_len(shown))
        mine = bare_emoji(emoji) in map(bare_emoji, self._given)
        return Content.assemble(
            (digit, "$text-accent bold"),
            f" {shown}{gap}{clip(name, _NAMES)}",
            ("  yours: taken back" if mine else "", "$text-muted"),
        )
