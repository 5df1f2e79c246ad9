"""Asks for one line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

if TYPE_CHECKING:
    from textual.app import ComposeResult


class LineQuestion(ModalScreen[str | None]):
    """Dismissed with what was typed, which may be empty; Esc is ``None``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False, id="line.cancel")
    ]

    def __init__(self, title: str, text: str, line: str, longest: int):
        super().__init__()
        self._title = title
        self._text = text
        self._line = line
        self._longest = longest

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog step") as dialog:
            dialog.border_title = Content(self._title).markup
            yield Static(self._text, markup=False, id="question")
            yield Input(self._line, placeholder="none", max_length=self._longest, id="line")
            yield Static("Enter saves, empty removes · Esc cancels", classes="hint", markup=False)

    @on(Input.Submitted)
    def save(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        self.dismiss(event.value.strip())
