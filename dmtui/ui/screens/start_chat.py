"""The Start Chat dialog: a user ID or a name, people to choose from, then the conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from dmtui.core.errors import DmtuiError, InvalidUserId
from dmtui.core.model import Conversation, Profile, UserId
from dmtui.core.names import is_user_id, linked_user, valid_user_id
from dmtui.ui.screens.chat_flow import begin_chat
from dmtui.ui.screens.go_to_person import warning_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.timer import Timer
    from textual.worker import Worker

    from dmtui.core.roster import Roster
    from dmtui.messenger.messenger import Messenger
    from dmtui.messenger.results import Consent
    from dmtui.ui.screens.confirm import Question

_KNOWN = 20  # rows
_DEBOUNCE = 0.3  # seconds
NOTES = "Notes to self"
_ASK = "Type a user ID like @name:server, or a name."


class StartChat(ModalScreen[UserId | None]):
    """Dismissed with the person whose conversation is to be opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False, id="start_chat.cancel"),
        Binding("down", "move(1)", "Next", show=False, priority=True, id="start_chat.next"),
        Binding("up", "move(-1)", "Previous", show=False, priority=True, id="start_chat.previous"),
    ]

    def __init__(self, messenger: Messenger, roster: Roster):
        super().__init__()
        self._messenger = messenger
        self._roster = roster
        self._found: tuple[Profile, ...] = ()
        self._people: list[UserId] = []
        self._typing: Timer | None = None
        self._begun: Worker[None] | None = None
        self._asked = ""  # typed while there was a question
        self.typed_ahead = ""
        """What was typed since Enter: meant for the person, not for the dialog."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Start a chat"
            yield Input(placeholder="@name:server, or a name", id="term")
            yield OptionList(markup=False, compact=True, id="found")
            yield Static(_ASK, id="notice", markup=False)
            yield Static("↑ ↓ choose · Enter starts · Esc cancels", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._results.can_focus = False
        self._show()

    @property
    def _results(self) -> OptionList:
        return self.query_one("#found", OptionList)

    @property
    def _term(self) -> str:
        return linked_user(self.query_one(Input).value.strip())

    @property
    def busy(self) -> bool:
        """Whether a chat is being started."""
        return self._begun is not None and not self._begun.is_finished

    def tell(self, line: str) -> None:
        """Show one line below the results."""
        self.query_one("#notice", Static).update(Content(line))

    @on(Input.Changed)
    def look(self) -> None:
        """Known people at once, the directory when typing pauses."""
        if self.busy:
            return
        if self._typing is not None:
            self._typing.stop()
        self.workers.cancel_group(self, "directory")
        self._found = ()
        self._show()
        self.tell("" if self._term else _ASK)
        if self._term:
            self._typing = self.set_timer(_DEBOUNCE, self._search)

    @work(exclusive=True, group="directory")
    async def _search(self) -> None:
        term = self._term
        try:
            found = await self._messenger.search_people(term)
        except DmtuiError as error:
            if term == self._term:
                self.tell(str(error))
            return
        if term == self._term:
            self._found = tuple(found)
            self._show()
            if not self._people:
                self.tell("Nobody found. A user ID like @name:server always works.")

    def _show(self) -> None:
        term, results = self._term, self._results
        chosen = self._chosen
        known = self._roster.people(term)[:_KNOWN]
        rows = _rows(term, known, self._found, self._messenger.me)
        self._people = [user_id for user_id, _ in rows]
        results.clear_options()
        results.add_options(Option(prompt) for _, prompt in rows)
        if rows:
            results.highlighted = self._people.index(chosen) if chosen in self._people else 0

    @property
    def _chosen(self) -> UserId | None:
        row = self._results.highlighted
        return self._people[row] if row is not None and row < len(self._people) else None

    def action_move(self, by: int) -> None:
        """Choose another row."""
        if by > 0:
            self._results.action_cursor_down()
        else:
            self._results.action_cursor_up()

    @on(OptionList.OptionSelected)
    @on(Input.Submitted)
    def begin(self) -> None:
        """Start with the chosen person, or say why that can't be."""
        if self.busy:
            return
        try:
            user_id = self._chosen or valid_user_id(self._term)
        except InvalidUserId as error:
            self.tell(str(error) if self._term.startswith("@") else _ASK)
            return
        self.workers.cancel_group(self, "directory")
        self._begun = self._begin(user_id)

    @work(group="begin")
    async def _begin(self, user_id: UserId) -> None:
        mine = user_id == self._messenger.me
        self.tell("Opening your notes…" if mine else f"Starting a chat with {user_id}…")
        term = self.query_one(Input).value
        opened = await begin_chat(self._messenger, user_id, self._ask, self.tell)
        self._hear(term)
        if opened is not None and self.is_current:
            self.dismiss(opened)

    async def _ask(self, question: Question[Consent]) -> Consent | None:
        answer = await self.app.push_screen_wait(question)
        self._asked += question.typed
        return answer

    def _hear(self, term: str) -> None:
        """Tell what was typed into the field before Enter from what was typed after it."""
        field = self.query_one(Input)
        after = field.value.removeprefix(term) if field.value.startswith(term) else ""
        self.typed_ahead, self._asked = after + self._asked, ""
        with field.prevent(Input.Changed):
            field.value = term


def _rows(
    term: str, known: Sequence[Conversation], found: Sequence[Profile], me: UserId
) -> list[tuple[UserId, Content]]:
    rows: dict[UserId, Content] = {}
    if is_user_id(term) and all(person.user_id != term for person in known):
        what = NOTES if term == me else "start a chat"
        rows[UserId(term)] = Content.assemble((term, "bold"), (f"  {what}", "$text-muted"))
    for person in known:
        rows[person.user_id] = _row(person.name, person.user_id) + Content.assemble(
            warning_of(person)
        )
    for profile in found:
        name = NOTES if profile.user_id == me else profile.name
        rows.setdefault(profile.user_id, _row(name, profile.user_id))
    return list(rows.items())


def _row(name: str, user_id: UserId) -> Content:
    return Content.assemble((name, "bold"), (f"  {user_id}", "$text-muted"))
