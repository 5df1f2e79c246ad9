"""The picker of reactions: a digit for the common ones, a name for all others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from dmtui.core.fold import bare_emoji
from dmtui.ui.emoji_names import find
from dmtui.ui.widgets.cells import clip, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

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


class ReactionPicker(ModalScreen[str | None]):
    """Dismissed with the emoji; ``given`` are those that are taken back by choosing them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False, priority=True, id="react.close"),
        Binding("down", "move(1)", "Next", show=False, priority=True, id="react.next"),
        Binding("up", "move(-1)", "Previous", show=False, priority=True, id="react.previous"),
    ]

    def __init__(self, given: Sequence[str]):
        super().__init__()
        self._given = given
        self._rows: Sequence[tuple[str, str]] = ()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "React"
            yield Input(placeholder="A name, such as heart", id="term")
            yield OptionList(markup=False, compact=True, id="found")
            yield Static("", id="notice", markup=False)
            hint = f"1…{len(COMMON)} or ↑ ↓ Enter · Esc closes"
            yield Static(hint, classes="hint", markup=False)

    def on_mount(self) -> None:
        self._list.can_focus = False
        self._show(COMMON)

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

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

    def _show(self, rows: Sequence[tuple[str, str]]) -> None:
        self._rows = rows
        self._list.clear_options()
        self._list.add_options(
            Option(self._row(number, *row)) for number, row in enumerate(rows, start=1)
        )
        self._list.highlighted = 0 if rows else None
        notice = "" if rows else "No emoji of that name."
        self.query_one("#notice", Static).update(notice)

    def _row(self, number: int, emoji: str, name: str) -> Content:
        digit = f" {number} " if self._rows is COMMON else ""
        mine = bare_emoji(emoji) in map(bare_emoji, self._given)
        return Content.assemble(
            (digit, "$accent bold"),
            f" {printable(emoji)}  {clip(name, _NAMES)}",
            ("  yours: taken back" if mine else "", "$text-muted"),
        )

    def action_move(self, by: int) -> None:
        """Choose another row."""
        if by > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def choose(self) -> None:
        """React with the chosen one."""
        row = self._list.highlighted
        if row is not None and self._rows and self.is_current:
            self.dismiss(self._rows[row][0])
