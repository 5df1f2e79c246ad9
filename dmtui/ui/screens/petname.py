"""What to call a person: a name that nobody but me sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dmtui.core.contacts import PETNAME_LENGTH

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from dmtui.core.model import Safe, UserId


class Petname(ModalScreen[str | None]):
    """Dismissed with what was typed, empty for no petname; Esc is ``None``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False, id="petname.cancel")
    ]

    def __init__(self, user_id: UserId, known_as: Safe, current: Safe):
        super().__init__()
        self._user_id = user_id
        self._known_as = known_as
        self._current = current

    def compose(self) -> ComposeResult:
        who = Content.assemble((self._known_as, "bold"), (f"  {self._user_id}", "$text-muted"))
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "A name of your own"
            yield Static(who, markup=False, id="question")
            yield Input(
                self._current,
                placeholder=self._known_as,
                max_length=PETNAME_LENGTH,
                id="petname",
            )
            yield Static(
                "Only you see it · Enter saves, empty removes · Esc cancels",
                classes="hint",
                markup=False,
            )

    @on(Input.Submitted)
    def save(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        self.dismiss(event.value.strip())
