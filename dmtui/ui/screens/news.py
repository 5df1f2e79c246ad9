"""News of other things than messages: noted in the status line, or told once in passing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.events import (
    DirectTroubleChanged,
    EncryptionChanged,
    IdentityChanged,
    IntentsChanged,
    NewSignIn,
    OwnDevicesChanged,
    UpgradeRefused,
    VerificationChanged,
)
from dmtui.core.model import Phase
from dmtui.core.names import clean_line
from dmtui.core.own_devices import sign_in_words, waiting_words
from dmtui.ui.screens import verification
from dmtui.ui.screens.encryption_lines import notice_words
from dmtui.ui.screens.heading import not_moved

if TYPE_CHECKING:
    from collections.abc import Callable

    from dmtui.core.events import Change
    from dmtui.core.model import Connection, UserId
    from dmtui.core.roster import Roster
    from dmtui.ui.screens.hands import Hands
    from dmtui.ui.screens.sides import Sides


class News:
    """Follows the messenger's changes; ``requests`` says in a few words who asks to chat."""

    def __init__(self, screen: Sides, hands: Hands, roster: Roster, requests: Callable[[], str]):
        self._screen = screen
        self._hands = hands
        self._roster = roster
        self._requests = requests
        self._told_end = False
        self._trouble = ""
        self._ended = ""

    def follow(self, changes: frozenset[Change]) -> None:
        """Tell what is new."""
        for change in changes:
            self._tell_in_passing(change)
        kinds = {type(change) for change in changes}
        if DirectTroubleChanged in kinds or IntentsChanged in kinds:
            self.show_trouble()
        if VerificationChanged in kinds:
            self._show_verification()
        if EncryptionChanged in kinds:
            self._show_encryption()
        if OwnDevicesChanged in kinds:
            self.show_notice()

    def _tell_in_passing(self, change: Change) -> None:
        """What is told once, wherever the user is."""
        match change:
            case IdentityChanged(user_id):
                self._tell_identity(user_id)
            case NewSignIn(device_id):
                self._tell_sign_in(device_id)
            case UpgradeRefused(user_id):
                if (conversation := self._roster.get(user_id)) is not None:
                    self._hands.tell(not_moved(conversation))

    def _tell_identity(self, user_id: UserId) -> None:
        person = self._roster.get(user_id)
        name = clean_line(user_id) if person is None else person.name
        line = f"The encryption identity of {name} has changed. The person's card says more."
        self._screen.notify(line, severity="warning", markup=False)

    def _tell_sign_in(self, device_id: str) -> None:
        """Loudly, unless my own identity vouches for the device."""
        device = self._hands.messenger.own_devices.find(device_id)
        if device is None:
            return
        words = sign_in_words(device)
        if device.confirmed:
            self._hands.tell(f"{words}.")
            return
        line = f"{words}. If it isn't you, sign it out: {self._press('app.encryption')}"
        self._screen.notify(line, severity="warning", timeout=20, markup=False)

    def tell_end(self, connection: Connection) -> None:
        """Why nothing goes on any more, once: the status line has no room for all of it."""
        ended = connection.phase is Phase.OFFLINE and connection.retry_at is None
        if ended and connection.reason and not self._told_end:
            self._told_end = True
            self._screen.notify(connection.reason, severity="error", timeout=60, markup=False)

    def show_trouble(self) -> None:
        """What another client has done to ``m.direct``, once in passing and then as a notice."""
        trouble = self._hands.messenger.care.trouble()
        before, self._trouble = self._trouble, trouble.short if trouble else ""
        if trouble is not None and self._trouble != before:
            mend, palette = self._press("direct.mend"), self._press("app.palette")
            line = f"{trouble.words}. {mend} puts it back; {palette} offers to leave it so."
            self._screen.notify(line, severity="warning", timeout=20, markup=False)
        self.show_notice()

    def _show_verification(self) -> None:
        """What is under way stands in the status line; how it ended is told in passing."""
        messenger = self._hands.messenger
        for ended in messenger.verification.take_ended():
            self._hands.tell(verification.outcome(messenger, ended))
        self.show_notice()

    def _show_encryption(self) -> None:
        """What goes on is told in the status line, and how it ended once in passing."""
        before, self._ended = self._ended, self._hands.messenger.encryption.ended
        if self._ended and self._ended != before:
            self._hands.tell(self._ended)
        self.show_notice()

    def show_notice(self) -> None:
        """Bring the status line's notice up to date."""
        messenger, press = self._hands.messenger, self._press("app.encryption")
        new = waiting_words(messenger.own_devices.waiting())
        notices = (
            f"{self._trouble}: {self._press('direct.mend')}" if self._trouble else "",
            f"{new}: {press}" if new else "",
            verification.notice(messenger, self._press("verification.open")),
            self._requests(),
            notice_words(messenger.encryption, press),
        )
        self._screen.status.notice = " · ".join(notice for notice in notices if notice)

    def _press(self, command: str) -> str:
        return self._screen.commands.press(command)
