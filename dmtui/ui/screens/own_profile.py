"""My profile: the name and the status that others see."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dmtui.core.errors import DmtuiError
from dmtui.messenger.own_profile import LONGEST

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from dmtui.core.intents import Outcome
    from dmtui.messenger.own_profile import OwnProfile
    from dmtui.ui.screens.hands import Hands

LATER = "It is done as soon as the homeserver can be reached."


class Wanted(NamedTuple):
    """What was typed; ``None`` where nothing was changed."""

    name: str | None
    status: str | None


async def my_profile(hands: Hands) -> None:
    """Show what others see, and change it."""
    profile = hands.messenger.own_profile
    wanted = await hands.ask(MyProfile(profile, hands.messenger.me))
    if wanted is None:
        return
    try:
        if wanted.name is not None:
            seen = wanted.name or hands.messenger.me
            _tell(hands, await profile.set_name(wanted.name), f"Others see you as {seen}.")
        if wanted.status is not None:
            said = "Your status is changed." if wanted.status else "Your status is removed."
            _tell(hands, await profile.set_status(wanted.status), said)
    except DmtuiError as error:
        hands.tell(str(error))


def _tell(hands: Hands, outcome: Outcome | None, done: str) -> None:
    if outcome is None:
        hands.tell(LATER)
    else:
        hands.tell(done if outcome.ok else outcome.message)


class MyProfile(ModalScreen[Wanted | None]):
    """Dismissed with what is to be changed; Esc is ``None``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False, id="profile.cancel")
    ]

    def __init__(self, profile: OwnProfile, me: str):
        super().__init__()
        self._profile = profile
        self._me = me
        self._found: Wanted | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "My profile"
            yield Static(self._me, markup=False, id="question")
            yield Static("Name, for everybody", classes="heading", markup=False)
            yield Input(placeholder="none", max_length=LONGEST, id="name", disabled=True)
            yield Static("Status, beside your presence", classes="heading", markup=False)
            yield Input(placeholder="none", max_length=LONGEST, id="status", disabled=True)
            yield Static("Asking the homeserver…", id="notice", markup=False)
            yield Static("Tab goes on · Enter saves · Esc cancels", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._ask()

    @work
    async def _ask(self) -> None:
        notice = self.query_one("#notice", Static)
        try:
            self._found = Wanted(await self._profile.name(), await self._profile.status())
        except DmtuiError as error:
            notice.update(str(error))
            return
        notice.update("")
        for field, value in self._fields(self._found):
            field.value = value or ""
            field.disabled = False
        self.query_one("#name").focus()

    def _fields(self, of: Wanted) -> tuple[tuple[Input, str | None], ...]:
        name, status = self.query_one("#name", Input), self.query_one("#status", Input)
        return (name, of.name), (status, of.status)

    @on(Input.Submitted)
    def save(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        if self._found is not None:
            typed = [
                None if field.value.strip() == was else field.value.strip()
                for field, was in self._fields(self._found)
            ]
            self.dismiss(Wanted(*typed))
