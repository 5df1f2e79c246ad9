"""The switcher: a few letters of a name, Enter, and there you are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from dmtui.core.model import Conversation, UserId
from dmtui.ui.commands import registry_of

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from dmtui.core.roster import Roster

_SHOWN = 50  # rows; typing another letter narrows it further


class GoToPerson(ModalScreen[UserId | None]):
    """Dismissed with the person to go to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,ctrl+k", "dismiss(None)", "Close", show=False, priority=True, id="go.close"
        ),
        Binding("down", "move(1)", "Next", show=False, priority=True, id="go.next"),
        Binding("up", "move(-1)", "Previous", show=False, priority=True, id="go.previous"),
    ]

    def __init__(self, roster: Roster):
        super().__init__()
        self._roster = roster
        self._rows: tuple[Conversation, ...] = ()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Go to"
            yield Input(placeholder="A name or a user ID", id="term")
            yield OptionList(markup=False, compact=True, id="found")
            yield Static("", id="notice", markup=False)
            yield Static("↑ ↓ choose · Enter goes there · Esc closes", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._list.can_focus = False
        self.narrow()

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    @on(Input.Changed)
    def narrow(self) -> None:
        """Show the people whose name or user ID has what is typed."""
        self._rows = self._roster.rows(self.query_one(Input).value)[:_SHOWN]
        self._list.clear_options()
        self._list.add_options(Option(_row(person)) for person in self._rows)
        self._list.highlighted = 0 if self._rows else None
        start = registry_of(self.app).press("chat.start")
        self.query_one("#notice", Static).update(
            "" if self._rows else f"Nobody of that name. {start} starts a chat with somebody new."
        )

    def action_move(self, by: int) -> None:
        """Choose another row."""
        if by > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def go(self) -> None:
        """Go to the chosen person."""
        row = self._list.highlighted
        if row is not None and self._rows and self.is_current:
            self.dismiss(self._rows[row].user_id)


def _row(person: Conversation) -> Content:
    unread = (f"  {person.unread} new", "$accent bold") if person.unread else ""
    return Content.assemble(
        (person.name, "bold"), (f"  {person.user_id}", "dim"), unread, warning_of(person)
    )


def warning_of(person: Conversation) -> tuple[str, str]:
    """Whom the person could be taken for."""
    words = f"  ! looks like {person.looks_like}" if person.looks_like else ""
    return words, "$text-warning bold"
