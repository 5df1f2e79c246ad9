"""The first screen of a profile whose key a passphrase guards: nothing is opened before it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from dmtui.core.errors import DmtuiError, WrongPassphrase
from dmtui.ui.screens.sign_in import Field

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.worker import Worker

    from dmtui.messenger.messenger import Messenger

_ENTER = "The keys and the session on this computer are locked."
_CHOOSE = (
    "It locks the keys and the session on this computer, and is asked for whenever dmtui starts."
    " Without it you would have to sign in anew."
)


@dataclass(frozen=True, slots=True)
class Locked:
    """A profile that ``open`` opens with the passphrase, or with a new one (``choose``).

    ``open`` gives ``None`` where nobody is signed in, and raises ``DmtuiError``.
    """

    choose: bool
    open: Callable[[str], Awaitable[Messenger | None]]


class PassphraseScreen(Screen[None]):
    """Asks until the passphrase is right, or for a new one twice."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.quit", "Quit", show=False, id="passphrase.quit")
    ]

    @dataclass
    class Opened(Message):
        """The key is there; ``messenger`` is ``None`` where nobody is signed in."""

        messenger: Messenger | None

    def __init__(self, locked: Locked):
        super().__init__()
        self._locked = locked
        self._attempt: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        choose = self._locked.choose
        with Vertical(id="sign-in"):
            yield Static("dmtui", id="name", markup=False)
            yield Static(_CHOOSE if choose else _ENTER, id="motto", markup=False)
            title = "New passphrase" if choose else "Passphrase"
            yield Field(title, "", self.move_on_or_open, password=True, id="passphrase")
            if choose:
                yield Field("The same again", "", self.move_on_or_open, password=True, id="again")
            yield Static(id="notice", markup=False)
            yield Static("Enter goes on · Esc quits", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._field("passphrase").focus()

    def _field(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    def _tell(self, line: str, *, problem: bool = True) -> None:
        notice = self.query_one("#notice", Static)
        notice.update(line)
        notice.set_class(problem, "problem")

    def move_on_or_open(self) -> None:
        """Enter: to the second line where there is one, and on."""
        if self._attempt is not None and not self._attempt.is_finished:
            return
        passphrase = self._field("passphrase").value
        if not passphrase:
            self._tell("Type a passphrase." if self._locked.choose else "Type your passphrase.")
            return
        if self._locked.choose and self._field("again").value != passphrase:
            if self._field("again").value:
                self._tell("The two are not the same.")
            self._field("again").clear()
            self._field("again").focus()
            return
        self._attempt = self._open(passphrase)

    @work(exclusive=True)
    async def _open(self, passphrase: str) -> None:
        self._tell("Opening…", problem=False)
        try:
            messenger = await self._locked.open(passphrase)
        except DmtuiError as error:
            self._tell(str(error))
            if isinstance(error, WrongPassphrase):
                self._field("passphrase").clear()
            return
        for field in self.query(Input):
            field.clear()
        self.post_message(self.Opened(messenger))
