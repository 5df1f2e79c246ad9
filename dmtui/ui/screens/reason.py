"""Asks why somebody is reported."""

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

LONGEST = 500
WHO_READS = "It goes to those who run your homeserver. They need no reason, but one helps."


class Reason(ModalScreen[str | None]):
    """Dismissed with the reason, which may be empty; Esc is ``None``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False, id="reason.cancel")
    ]

    def __init__(self, who: str):
        super().__init__()
        self._who = who

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(f"Report {self._who}").markup
            yield Static(WHO_READS, markup=False, id="question")
            yield Input(placeholder="Reason", id="reason", max_length=LONGEST)
            yield Static("Enter reports · Esc cancels", classes="hint", markup=False)

    @on(Input.Submitted)
    def report(self, event: Input.Submitted) -> None:
        """Enter."""
        self.dismiss(event.value.strip())
