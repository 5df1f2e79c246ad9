"""What the app says to the terminal besides frames, as far as the user wants to hear it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dmtui.core.notify import Notice, Settings, Title, title_of
from dmtui.ui.terminal_escape import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable


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

    def change(self, settings: Settings) -> None:
        """From now on say what these let it say."""
        before, self.settings = self.settings, settings
        if settings.terminal is not before.terminal:
            self._terminal = Terminal.of(os.environ, settings.terminal)
        if settings.title is before.title:
            return
        if settings.title is Title.OFF:
            self._say(self._terminal.restore_title)
        else:
            unread, self._unread = self._unread or 0, None
            self._say(self._terminal.keep_title)
            self.count(unread)

    def count(self, unread: int) -> None:
        """Have the title say so many unread messages."""
        before, self._unread = self._unread, unread
        if self.settings.title is not Title.OFF and unread != before:
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
