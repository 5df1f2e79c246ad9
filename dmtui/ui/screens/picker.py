"""Choosing by a few letters: a field, the rows that fit what is typed, and Enter."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.content import Content

Picked = TypeVar("Picked")


class Picker(ModalScreen[Picked | None]):
    """Dismissed with what is chosen; subclasses say by :meth:`offer` what can be."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False, priority=True, id="picker.close"),
        Binding("down", "move(1)", "Next", show=False, priority=True, id="picker.next"),
        Binding("up", "move(-1)", "Previous", show=False, priority=True, id="picker.previous"),
    ]

    heading: ClassVar[str]
    placeholder: ClassVar[str]
    hint: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self._offered: Sequence[Picked] = ()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self.heading
            yield Input(placeholder=self.placeholder, id="term")
            yield OptionList(markup=False, compact=True, id="found")
            yield Static("", id="notice", markup=False)
            yield Static(self.hint, classes="hint", markup=False)

    def on_mount(self) -> None:
        self._list.can_focus = False

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    @property
    def term(self) -> str:
        """What is typed."""
        return self.query_one(Input).value

    def offer(self, rows: Sequence[tuple[Picked, Content]], otherwise: str) -> None:
        """Show these to choose from, or ``otherwise`` where there are none."""
        self._offered = [each for each, _ in rows]
        self._list.clear_options()
        self._list.add_options(Option(shown) for _, shown in rows)
        self._list.highlighted = 0 if rows else None
        self.query_one("#notice", Static).update("" if rows else otherwise)

    def action_move(self, by: int) -> None:
        """Choose another row."""
        if by > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def choose(self) -> None:
        """Have the chosen row."""
        row = self._list.highlighted
        if row is not None and self._offered and self.is_current:
            self.dismiss(self._offered[row])
