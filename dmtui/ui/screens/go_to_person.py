"""The switcher: a few letters of a name, Enter, and there you are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input

from dmtui.core.model import Conversation, UserId
from dmtui.ui.commands import registry_of
from dmtui.ui.screens.picker import Picker

if TYPE_CHECKING:
    from dmtui.core.roster import Roster

_SHOWN = 50  # rows; typing another letter narrows it further


class GoToPerson(Picker[UserId]):
    """Dismissed with the person to go to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+k", "dismiss(None)", "Close", show=False, priority=True, id="go.close"),
    ]

    heading = "Go to"
    placeholder = "A name or a user ID"
    hint = "↑ ↓ choose · Enter goes there · Esc closes"

    def __init__(self, roster: Roster):
        super().__init__()
        self._roster = roster

    def on_mount(self) -> None:
        self.narrow()

    @on(Input.Changed)
    def narrow(self) -> None:
        """Show the people whose name or user ID has what is typed."""
        start = registry_of(self.app).press("chat.start")
        self.offer(
            [(person.user_id, _row(person)) for person in self._roster.rows(self.term)[:_SHOWN]],
            f"Nobody of that name. {start} starts a chat with somebody new.",
        )


def _row(person: Conversation) -> Content:
    unread = (f"  {person.unread} new", "$text-accent bold") if person.unread else ""
    return Content.assemble(
        (person.name, "bold"), (f"  {person.user_id}", "$text-muted"), unread, warning_of(person)
    )


def warning_of(person: Conversation) -> tuple[str, str]:
    """Whom the person could be taken for."""
    words = f"  ! looks like {person.looks_like}" if person.looks_like else ""
    return words, "$text-warning bold"
