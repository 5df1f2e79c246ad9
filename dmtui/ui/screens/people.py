"""The left-hand side: the people list and its filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input

from dmtui.ui.commands import Scope, bindings, registry_of
from dmtui.ui.widgets.people_list import PeopleList

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from dmtui.core.roster import Roster

NOBODY_MATCHES = "Nobody matches."
NOBODY_YET = "Nobody here yet.\nPress {key} to start a chat."


class PeoplePane(Vertical):
    """Shows the roster, narrowed by what is typed into the filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Scope.PEOPLE),
        Binding("escape", "leave_archive", "Everybody", show=False, id="people.everybody"),
    ]

    def __init__(self, roster: Roster, *, plain: bool = False):
        super().__init__(id="people")
        self._plain = plain
        self._roster = roster
        self._in_archive = False

    def compose(self) -> ComposeResult:
        yield Input(placeholder="Filter by name", compact=True, id="filter")
        yield PeopleList(plain=self._plain, id="people-list")

    @property
    def list(self) -> PeopleList:
        """The rows."""
        return self.query_one(PeopleList)

    @property
    def _filter(self) -> Input:
        return self.query_one("#filter", Input)

    @property
    def filtering(self) -> bool:
        """Whether the filter is open."""
        return self.has_class("filtering")

    def refresh_rows(self) -> None:
        """The roster changed."""
        wanted = self._filter.value if self.filtering else ""
        start = registry_of(self.app).press("chat.start")
        self.list.empty_text = NOBODY_MATCHES if wanted else NOBODY_YET.format(key=start)
        archived = self._roster.archived
        self._in_archive = self._in_archive and archived > 0
        if wanted:
            self.list.update_rows(self._roster.rows(wanted))
        elif self._in_archive:
            self.list.update_rows(self._roster.archived_rows(), in_archive=True)
        else:
            self.list.update_rows(self._roster.rows(), archived)

    @on(PeopleList.ArchiveSelected)
    def turn_archive(self, event: PeopleList.ArchiveSelected) -> None:
        """Show those put away, or everybody else again."""
        event.stop()
        self._in_archive = not self._in_archive
        self.refresh_rows()

    def action_leave_archive(self) -> None:
        """Esc: everybody else again."""
        self._in_archive = False
        self.refresh_rows()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc goes on to what it means elsewhere where there is no archive to leave."""
        if action == "leave_archive":
            return self._in_archive and not self.filtering
        return super().check_action(action, parameters)

    def action_filter(self) -> None:
        """Open the filter."""
        self.add_class("filtering")
        self._filter.focus()

    def end_filter(self) -> None:
        """Close the filter and show everyone."""
        self.remove_class("filtering")
        with self.prevent(Input.Changed):
            self._filter.clear()
        self.refresh_rows()
        self.list.focus()

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        """Show the people that match, the cursor on the best."""
        event.stop()
        self.refresh_rows()
        self.list.highlight_first()

    @on(Input.Submitted)
    def open_best(self, event: Input.Submitted) -> None:
        """Enter in the filter opens the person under the cursor."""
        event.stop()
        person = self.list.cursor_person
        if person is not None:
            self.end_filter()
            self.list.highlight(person)
            self.post_message(PeopleList.Selected(person))
