"""Asks for a day to go to in the conversation."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dmtui.core.days import day_from
from dmtui.core.times import full_date, local_time
from dmtui.ui.widgets.system_zone import SystemZone

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from dmtui.core.model import Milliseconds

_EXAMPLES = "yesterday, Monday, 16 Nov, 2025-11-16, 2025-11"


class GoToDate(ModalScreen[date | None]):
    """Dismissed with the day; Esc is ``None``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False, id="date.cancel")
    ]

    def __init__(self, now: Milliseconds):
        super().__init__()
        self._today = local_time(now, SystemZone()).date()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Go to a date"
            yield Input(placeholder=_EXAMPLES, id="day")
            yield Static("", id="notice", markup=False)
            yield Static("Enter goes there · Esc cancels", classes="hint", markup=False)

    @on(Input.Changed)
    def show(self, event: Input.Changed) -> None:
        """Say which day that is."""
        day = day_from(event.value, self._today)
        self._note(full_date(day) if day else "")

    @on(Input.Submitted)
    def go(self, event: Input.Submitted) -> None:
        """Enter."""
        day = day_from(event.value, self._today)
        if day is not None:
            self.dismiss(day)
        else:
            self._note(f"Not a day. Such as: {_EXAMPLES}.")

    def _note(self, words: str) -> None:
        self.query_one("#notice", Static).update(words)
