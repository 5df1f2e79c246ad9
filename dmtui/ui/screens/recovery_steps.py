"""The steps of setting recovery up: a passphrase, the account's password, an approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from dmtui.core.names import clean_line
from dmtui.core.recovery import fault_of
from dmtui.ui.clipboard import hand_to_tmux
from dmtui.ui.screens.confirm import prompt_of

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

_URL_LENGTH = 4096
_FIRST = (
    "Your account gets an identity, which tells your devices from a stranger's; a backup of the"
    " keys to your messages; and a recovery key, which opens both on your next device.\n\n"
    "A passphrase of your own can open them, too. Leave it empty for none."
)
_AGAIN = (
    "Setting up was interrupted and is completed now.\n\n"
    "Type the passphrase again if you chose one, or another one; leave it empty for none."
)


class NewPassphrase(ModalScreen[str | None]):
    """Dismissed with a passphrase, empty for none; Esc is ``None``.

    ``again``: a set-up that broke off is completed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False, id="passphrase.cancel")
    ]

    def __init__(self, again: bool = False):
        super().__init__()
        self._text = _AGAIN if again else _FIRST

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog step") as dialog:
            dialog.border_title = "Set up encryption"
            yield Static(self._text, markup=False, id="question")
            yield Input(password=True, placeholder="Passphrase, if you want one", id="first")
            yield Input(password=True, placeholder="The same again", id="again")
            yield Static(id="notice", markup=False)
            yield Static("Enter goes on · Tab · Esc cancels", classes="hint", markup=False)

    @on(Input.Submitted)
    def go_on(self, event: Input.Submitted) -> None:
        """Enter: to the second line, and on."""
        event.stop()
        first = self.query_one("#first", Input).value
        again = self.query_one("#again", Input)
        if event.input is not again and first and not again.value:
            self.set_focus(again)
            return
        fault = "The two are not the same." if first != again.value else ""
        if first and not fault:
            fault = fault_of(first)
        if not fault:
            self.dismiss(first)
            return
        self.query_one("#notice", Static).update(fault)
        if first != again.value:
            again.value = ""
            self.set_focus(again)


class Password(ModalScreen[str | None]):
    """Dismissed with the account's password; Esc is ``None``.

    ``before`` ends a sentence about the homeserver; ``notice`` is of the last try.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", show=False, id="password.cancel")
    ]

    def __init__(self, user_id: str, before: str, notice: str = ""):
        super().__init__()
        self._user_id = user_id
        self._before = before
        self._notice = notice

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog step") as dialog:
            dialog.border_title = "Your account's password"
            yield Static(
                f"The homeserver asks for the password of {self._user_id} before it {self._before}."
                " It is not kept.",
                markup=False,
                id="question",
            )
            yield Input(password=True, placeholder="Password", id="password")
            yield Static(self._notice, id="notice", markup=False)
            yield Static("Enter goes on · Esc cancels", classes="hint", markup=False)

    @on(Input.Submitted)
    def go_on(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        if event.value:
            self.dismiss(event.value)


class Approval(ModalScreen[bool]):
    """A page to open in a browser; dismissed with whether the user says that it is done.

    ``url`` is the homeserver's: it is opened only if it is a web address.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(False)", "Cancel", show=False, id="approval.cancel")
    ]
    _CHOICES: ClassVar[tuple[tuple[str, str], ...]] = (
        ("o", "Open it in a browser"),
        ("y", "Copy the address"),
        ("d", "Done: I have approved it"),
    )

    def __init__(self, url: str, notice: str = ""):
        super().__init__()
        self._url = str(clean_line(url, _URL_LENGTH))
        self._notice = notice

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog step") as dialog:
            dialog.border_title = "Approve it on the web"
            yield Static(
                "The homeserver wants you to approve this on its page, here or on any other"
                " machine. Then come back and say that it is done.",
                markup=False,
                id="question",
            )
            yield Static(self._url, markup=False, id="address")
            yield OptionList(
                *(Option(prompt_of(*choice)) for choice in self._CHOICES),
                markup=False,
                compact=True,
            )
            yield Static(self._notice, id="notice", markup=False)
            yield Static("↑ ↓ Enter or the letter · Esc cancels", classes="hint", markup=False)

    @on(OptionList.OptionSelected)
    def choose(self, event: OptionList.OptionSelected) -> None:
        """Enter."""
        self._do(self._CHOICES[event.option_index][0])

    def on_key(self, event: events.Key) -> None:
        if event.character in {letter for letter, _ in self._CHOICES}:
            event.stop()
            self._do(str(event.character))

    def _do(self, letter: str) -> None:
        match letter:
            case "d":
                self.dismiss(True)
            case "y":
                self._copy()
            case _ if urlsplit(self._url).scheme in ("https", "http"):
                self.app.open_url(self._url)
                self._tell("It opens in your browser, if there is one on this machine.")
            case _:
                self._tell("This is no web address, so it is not opened.")

    @work(group="copy")
    async def _copy(self) -> None:
        self.app.copy_to_clipboard(self._url)
        copied = await hand_to_tmux(self._url)
        self._tell("Copied." if copied else "Not copied: tmux did not take it.")

    def _tell(self, line: str) -> None:
        self.query_one("#notice", Static).update(line)
