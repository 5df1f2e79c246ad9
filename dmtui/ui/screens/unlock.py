"""Unlocking with the recovery key or the passphrase; typos are told before any request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dmtui.core.errors import DmtuiError
from dmtui.core.events import EncryptionChanged
from dmtui.core.recovery import is_meant_as_key, read_recovery_key
from dmtui.ui.screens.encryption_lines import opener

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from dmtui.core.recovery import Encryption
    from dmtui.messenger.messenger import Messenger

_KEY_BEGUN = re.compile(r"\s*Es\w\w\s")  # its first group, typed by hand
_KEY_LENGTH = 48


class Unlock(ModalScreen[bool]):
    """Dismissed with whether it is unlocked; Esc leaves what is under way running."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(False)", "Close", show=False, id="unlock.close")
    ]

    def __init__(self, messenger: Messenger, known: Encryption):
        super().__init__()
        self._messenger = messenger
        self._known = known
        self._busy = False
        self._unlocked = False
        self._changes = messenger.subscribe()

    def compose(self) -> ComposeResult:
        what = opener(self._known)
        with Vertical(classes="dialog step") as dialog:
            dialog.border_title = "Confirm this device"
            yield Static(
                f"The {what} of your account, from where you have kept it. Paste it, or type it;"
                " spaces do not matter.",
                markup=False,
                id="question",
            )
            yield Input(password=True, placeholder=what.capitalize(), id="secret")
            yield Static(id="notice", markup=False)
            yield Static("Enter goes on · Esc closes", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._follow()

    def on_unmount(self) -> None:
        self._changes.close()

    @on(Input.Changed)
    def show(self, event: Input.Changed) -> None:
        """A recovery key is shown, to be compared while it is typed; a passphrase is not."""
        is_key = not self._known.passphrase or is_meant_as_key(event.value)
        is_key = is_key or _KEY_BEGUN.match(event.value) is not None
        event.input.password = not is_key
        letters = len("".join(event.value.split()))
        short = is_key and 0 < letters < _KEY_LENGTH
        self._tell(f"{letters} of {_KEY_LENGTH} letters" if short else "")

    @on(Input.Submitted)
    def go_on(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        secret = event.value
        if self._busy or not secret.strip():
            return
        try:
            if is_meant_as_key(secret) or not self._known.passphrase:
                read_recovery_key(secret)
        except DmtuiError as error:
            self._tell(str(error))
            return
        self._busy = True
        self._tell("Unlocking…")
        self._unlock(secret)

    @work(group="unlock")
    async def _unlock(self, secret: str) -> None:
        try:
            await self._messenger.encryption.unlock(secret)
        except DmtuiError as error:
            self._busy = False
            self._tell(str(error))
        else:
            self._unlocked = True
            self.finish()

    @on(events.ScreenResume)
    def finish(self) -> None:
        """Close when it is unlocked, unless something covers this: then after that."""
        if self._unlocked and self.is_current:
            self.dismiss(True)

    @work(group="follow")
    async def _follow(self) -> None:
        """Say what is waited for."""
        while True:
            changes = await self._changes.next()
            if EncryptionChanged() in changes and self._busy:
                self._tell(self._messenger.encryption.trouble or "Unlocking…")

    def _tell(self, line: str) -> None:
        for notice in self.query("#notice").results(Static):  # none once it is closed
            notice.update(line)
