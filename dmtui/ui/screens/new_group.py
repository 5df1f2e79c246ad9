"""The dialog for a new group: people one after the other, then a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from dmtui.core.errors import InvalidUserId
from dmtui.core.model import UserId
from dmtui.core.names import is_user_id, linked_user, valid_user_id
from dmtui.ui.screens.go_to_person import warning_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from dmtui.core.roster import Roster

_SHOWN = 20  # rows; typing another letter narrows it further
_NAME_LENGTH = 200
_ASK = "Nobody yet. Type a name or a user ID, and Enter."


@dataclass(frozen=True, slots=True)
class GroupWish:
    """Whom to ask into a new group, and its name, which may be empty."""

    members: tuple[UserId, ...]
    name: str


class NewGroup(ModalScreen[GroupWish | None]):
    """Dismissed with what is wished; Esc is ``None``."""

    DEFAULT_CSS = "NewGroup #term { margin: 1 0; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False, id="group.cancel"),
        Binding("down", "move(1)", "Next", show=False, priority=True, id="group.next"),
        Binding("up", "move(-1)", "Previous", show=False, priority=True, id="group.previous"),
        Binding(
            "ctrl+d", "drop", "Take the last one out", show=False, priority=True, id="group.drop"
        ),
    ]

    def __init__(
        self, roster: Roster, members: Sequence[UserId] = (), name: str = "", notice: str = ""
    ):
        super().__init__()
        self._roster = roster
        self._called_so = name
        self._told = notice
        self._members = list(members)
        self._found: list[UserId] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Start a group"
            yield Static("", id="question", markup=False)
            yield Input(placeholder="A name or @name:server; empty starts the group", id="term")
            yield Input(
                self._called_so,
                placeholder="Name of the group, if it has one",
                max_length=_NAME_LENGTH,
                id="name",
            )
            yield OptionList(markup=False, compact=True, id="found")
            yield Static("", id="notice", markup=False)
            yield Static(
                "Enter adds, then starts · Tab names · Ctrl+D drops · Esc",
                classes="hint",
                markup=False,
            )

    def on_mount(self) -> None:
        self._list.can_focus = False
        self._show()
        self._tell(self._told)

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    @property
    def _term(self) -> str:
        return linked_user(self.query_one("#term", Input).value.strip())

    @on(Input.Changed, "#term")
    def look(self) -> None:
        """Show who can be meant."""
        self._show()

    def _show(self) -> None:
        term = self._term
        rows = [c for c in self._roster.people(term)[:_SHOWN] if c.user_id not in self._members]
        self._found = [c.user_id for c in rows]
        options = [_row(c.name, c.user_id, warning_of(c)) for c in rows]
        if is_user_id(term) and term not in (*self._found, *self._members):
            self._found.insert(0, UserId(term))
            options.insert(0, _row("", UserId(term)))
        self._list.clear_options()
        self._list.add_options(options)
        self._list.highlighted = 0 if options and term else None
        self.query_one("#question", Static).update(self._chosen())
        self._tell("")

    def _chosen(self) -> Content:
        if not self._members:
            return Content(_ASK)
        names = (self._called(user_id) for user_id in self._members)
        return Content.assemble("You and ", Content(", ").join(names))

    def _called(self, user_id: UserId) -> Content:
        known = self._roster.get(user_id)
        return Content.styled(known.name if known else user_id, "bold")

    def _tell(self, line: str) -> None:
        self.query_one("#notice", Static).update(Content(line))

    def action_move(self, by: int) -> None:
        """Choose another row."""
        if by > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    def action_drop(self) -> None:
        """Take out who was added last."""
        if self._members:
            self._members.pop()
            self._show()

    @on(OptionList.OptionSelected)
    @on(Input.Submitted, "#term")
    def add(self) -> None:
        """Add the chosen person; with nothing typed or chosen, start."""
        row = self._list.highlighted
        if row is None and not self._term:
            self.start()
            return
        try:
            user_id = self._found[row] if row is not None else valid_user_id(self._term)
        except InvalidUserId as error:
            self._tell(str(error) if self._term.startswith("@") else "Nobody of that name.")
            return
        if user_id not in self._members:
            self._members.append(user_id)
        self.query_one("#term", Input).value = ""
        self._show()

    @on(Input.Submitted, "#name")
    def start(self) -> None:
        """Start the group with those added."""
        if self._members:
            self.dismiss(GroupWish(tuple(self._members), self.query_one("#name", Input).value))
        else:
            self._tell("A group needs somebody besides you.")


def _row(name: str, user_id: UserId, warning: tuple[str, str] = ("", "")) -> Option:
    return Option(
        Content.assemble((name, "bold"), "  " if name else "", (user_id, "$text-muted"), warning)
    )
