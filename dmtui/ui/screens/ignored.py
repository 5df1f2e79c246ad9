"""Whom to hear of: ignoring people, the list of them, and who may invite me."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from dmtui.core.errors import DmtuiError
from dmtui.core.events import SettingsChanged
from dmtui.core.names import clean_line
from dmtui.ui.screens.confirm import Choice, Question

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult

    from dmtui.core.intents import Outcome
    from dmtui.core.model import Conversation, UserId
    from dmtui.messenger.messenger import Messenger
    from dmtui.ui.screens.hands import Hands

LATER = "It is done as soon as the homeserver can be reached."
MEANS = (
    "You see nothing of them any more: the chat leaves your list, and requests of theirs are"
    " declined. They are not told."
)


async def ignore(hands: Hands, conversation: Conversation) -> None:
    """Ignore the person, once asked."""
    user_id = conversation.user_id
    if conversation.group:
        hands.tell("A group can't be ignored; its members can, one by one.")
        return
    if user_id == hands.messenger.me:
        hands.tell("You can't ignore yourself.")
        return
    question = Question(
        f"Ignore {conversation.name}?",
        f"{MEANS} ({user_id})",
        (Choice("n", "Do nothing", False), Choice("i", "Ignore", True)),
    )
    if await hands.ask(question):
        done = f"{conversation.name} is ignored."
        await _carried_out(hands, lambda: hands.messenger.requests.ignore(user_id), done)


async def ignored_people(hands: Hands) -> None:
    """List whom I ignore, to take people off the list."""
    if not hands.messenger.requests.ignored():
        hands.tell("You ignore nobody.")
        return
    await hands.ask(IgnoredPeople(hands.messenger))


async def block_invites(hands: Hands) -> None:
    """Let nobody invite me, or everybody again."""
    blocked = hands.messenger.requests.blocked
    if blocked:
        title, text = "Invites: blocked", "Your homeserver refuses every invite to you."
        choice = Choice("a", "Allow invites from everybody", True)
    else:
        title, text = "Invites: allowed", "Everybody may invite you to a chat or a room."
        choice = Choice("b", "Block all invites, from everybody", True)
    if await hands.ask(Question(title, text, (Choice("n", "Leave it so", False), choice))):
        done = "Invites are allowed." if blocked else "Invites are blocked."
        await _carried_out(hands, lambda: hands.messenger.requests.block(not blocked), done)


async def _carried_out(
    hands: Hands, act: Callable[[], Awaitable[Outcome | None]], done: str
) -> None:
    """Do it and tell how it went; what failed is offered again."""
    again = True
    while again:
        try:
            outcome = await act()
        except DmtuiError as error:
            hands.tell(str(error))
            return
        if outcome is None or outcome.ok:
            hands.tell(LATER if outcome is None else done)
            return
        question = Question(
            "This failed",
            f"{outcome.message} Try again?",
            (Choice("n", "Leave it so", False), Choice("t", "Try again", True)),
            unasked=True,
        )
        again = await hands.ask(question) is True


class IgnoredPeople(ModalScreen[None]):
    """Enter has dmtui hear of the person again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close", show=False, id="ignored.close")
    ]

    def __init__(self, messenger: Messenger):
        super().__init__()
        self._messenger = messenger
        self._changes = messenger.subscribe()
        self._people: tuple[UserId, ...] | None = None  # nothing is shown yet

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="ignored") as dialog:
            dialog.border_title = "Ignored people"
            yield OptionList(markup=False, compact=True)
            yield Static(id="notice", markup=False)
            yield Static("↑ ↓ · Enter stops ignoring · Esc closes", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._show()
        self._follow()

    @work(group="follow")
    async def _follow(self) -> None:
        try:
            while True:
                if SettingsChanged() in await self._changes.next():
                    self._show()
        finally:
            self._changes.close()

    def _show(self) -> None:
        people = self._messenger.requests.ignored()
        if people == self._people:
            return
        self._people = people
        options = self.query_one(OptionList)
        here = options.highlighted or 0
        options.clear_options()
        options.add_options(Option(clean_line(user_id)) for user_id in people)
        options.highlighted = min(here, len(people) - 1) if people else None
        if not people:
            options.add_option(Option("You ignore nobody.", disabled=True))

    @on(OptionList.OptionSelected)
    @work(group="hear")
    async def hear(self, event: OptionList.OptionSelected) -> None:
        """Take the person off the list."""
        if not self._people:
            return
        user_id = self._people[event.option_index]
        self._tell(f"{user_id} is being taken off the list…")
        try:
            outcome = await self._messenger.requests.stop_ignoring(user_id)
        except DmtuiError as error:
            self._tell(str(error))
            return
        if outcome is None:
            self._tell(LATER)
        elif outcome.ok:
            self._tell(f"You hear of {user_id} again. Declined requests stay declined.")
        else:
            self._tell(f"{outcome.message} Enter tries again.")

    def _tell(self, line: str) -> None:
        self.query_one("#notice", Static).update(line)
