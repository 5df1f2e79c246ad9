"""The two sides of the main screen: where there is room for one alone, which one is on show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input, Static

from dmtui.ui.commands import Registry, Scope, registry_of
from dmtui.ui.screens.conversation import ConversationPane
from dmtui.ui.screens.people import PeoplePane
from dmtui.ui.widgets.composer import Composer
from dmtui.ui.widgets.invite_prompt import InvitePrompt
from dmtui.ui.widgets.status_line import StatusLine
from dmtui.ui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.widget import Widget

NARROW = 80  # columns; below, the list gives way to the conversation


class Sides(Screen[None]):
    """People left, the conversation right, the status and the hints below.

    ``heading`` is a line above it all, if any; ``alone`` shows one side at a time in any width.
    """

    def __init__(
        self,
        people: PeoplePane,
        conversation: ConversationPane,
        heading: str = "",
        *,
        alone: bool = False,
    ):
        super().__init__()
        self._alone = alone
        self.people = people
        self.conversation = conversation
        self._heading = heading
        self._list_wanted = True  # where there is room for one side
        self._list_hidden = False  # where there is room for both

    def compose(self) -> ComposeResult:
        if self._heading:
            yield Static(self._heading, id="demo", markup=False)
        with Horizontal():
            yield self.people
            yield self.conversation
        yield StatusLine(id="status")
        yield Static(id="hints", markup=False)

    @property
    def commands(self) -> Registry:
        """What there is to press."""
        return registry_of(self.app)

    @property
    def prompt(self) -> InvitePrompt:
        """Where a request is answered."""
        return self.query_one(InvitePrompt)

    @property
    def status(self) -> StatusLine:
        """How things stand."""
        return self.query_one(StatusLine)

    @property
    def narrow(self) -> bool:
        """Whether there is room for only one of the list and the conversation."""
        return self._is_narrow(self.size.width)

    def _is_narrow(self, width: int) -> bool:
        return self._alone or width < NARROW

    def hint(self, focused: Widget | None) -> None:
        """Say what the keys do where the focus is."""
        match focused:
            case Composer():
                scope = Scope.COMPOSER
            case Timeline():
                scope = Scope.CONVERSATION
            case Input() if self.conversation.reading.finding.has_focus_within:
                scope = Scope.FIND
            case InvitePrompt():
                scope = Scope.REQUEST
            case _:
                scope = Scope.PEOPLE
        without = self.conversation.timeline.idle_commands
        hints = self.commands.hints(scope, self.size.width - 2, without)
        self.query_one("#hints", Static).update(hints)

    def on_resize(self, event: events.Resize) -> None:
        """Decide whether both sides fit; where not, keep the side that is in use."""
        narrow = self._is_narrow(event.size.width)
        if narrow and not self.has_class("narrow") and self.conversation.person is not None:
            self._list_wanted = self.focused is self.people.list
        self.lay_out(narrow)
        self.hint(self.focused)

    def lay_out(self, narrow: bool | None = None) -> None:
        """Show what there is room for."""
        narrow = self.narrow if narrow is None else narrow
        self.set_class(narrow, "narrow")
        listed = self._list_wanted if narrow else not self._list_hidden
        if narrow and self.conversation.person is None:
            listed = not self.prompt.has_focus
        self.people.display = listed
        self.conversation.display = not (narrow and listed)
        if self.focused is None:
            (self.people.list if listed else self.conversation.composer).focus()

    def to_people(self) -> None:
        """Show the list, and give it the keyboard."""
        self._list_wanted, self._list_hidden = True, False
        self.lay_out()
        self.people.list.focus()

    def to_conversation(self) -> None:
        """Where there is room for one side, show the conversation."""
        if self.narrow:
            self._list_wanted = False
        self.lay_out()

    def to_prompt(self) -> None:
        """Show the request, and give it the keyboard."""
        if self.narrow:
            self.people.display = False
            self.conversation.display = True
        self.prompt.focus()

    def after_prompt(self) -> None:
        """The request is answered: the keyboard goes back to where one writes or chooses."""
        if self.conversation.person is not None:
            self.conversation.composer.focus()
        else:
            self.to_people()

    def action_toggle_people(self) -> None:
        """F4: the list on or off; in a narrow terminal, the list or the conversation."""
        listed = not self.people.display
        if self.narrow:
            self._list_wanted = listed
        else:
            self._list_hidden = not listed
        self.lay_out()
        if listed and (self.narrow or self.conversation.person is None):
            self.people.list.focus()
        elif self.conversation.person is not None:
            self.conversation.composer.focus()

    def action_to_composer(self) -> None:
        """To where one writes, from wherever."""
        if self.conversation.person is not None:
            self.to_conversation()
            self.conversation.back_to_composer()

    def action_back(self) -> None:
        """Esc: one step back, and in the end to the composer."""
        if self.people.filtering:
            self.people.end_filter()
        elif self.focused is self.conversation.composer and self.conversation.writing.end_aim():
            return
        elif self.narrow and self.focused is self.conversation.composer:
            self.action_toggle_people()
        elif self.conversation.person is not None:
            self.to_conversation()
            self.conversation.back_to_composer()
