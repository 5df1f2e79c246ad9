"""What the app says to the terminal besides frames, as far as the user wants to hear it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.notify import Notice, Settings, Title, title_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from dmtui.ui.terminal_escape import Terminal


class Voice:
    """Writes whole sequences by ``write``; what is set to ``off`` is never written."""

    def __init__(self, settings: Settings, terminal: Terminal, write: Callable[[str], None]):
        self.settings = settings
        self._terminal = terminal
        self._write = write
        self._unread: int | None = None

    def begin(self) -> None:
        """The terminal is ours: its title, too."""
        if self.settings.title is not Title.OFF:
            self._say(self._terminal.keep_title)
            self.count(0)

    def count(self, unread: int) -> None:
        """Have the title say so many unread messages."""
        if self.settings.title is not Title.OFF and unread != self._unread:
            self._unread = unread
            self._say(self._terminal.title(title_of(unread)))

    def tell(self, notice: Notice) -> None:
        """Notify the user."""
        self._say(self._terminal.say(notice, self.settings.how))

    def end(self) -> None:
        """The terminal is the user's again."""
        if self.settings.title is not Title.OFF:
            self._say(self._terminal.restore_title)

    def _say(self, sequence: str) -> None:
        if sequence:
            self._write(sequence)
