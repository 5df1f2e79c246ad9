"""The terminal while the app starts: the first frame on it, and keys kept for the app.

Whatever goes wrong here, there is no first frame and the app starts as it would without.
"""

from __future__ import annotations

import os
import signal
import sys
import termios
import time
from typing import TYPE_CHECKING, Any, NoReturn

from dmtui.first_frame.cells import colours, escaped
from dmtui.first_frame.looks import lines
from dmtui.first_frame.stored import read

if TYPE_CHECKING:
    from types import TracebackType

LEAST_LINES = 6
_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
_LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"


class FirstFrame:
    """The terminal while the app starts; leaving the ``with`` block puts it back in order.

    Keys typed meanwhile are not echoed and stay in the terminal's queue for the app to read.
    """

    def __init__(self) -> None:
        self._attributes: list[Any] | None = None
        self._ours = False

    def __enter__(self) -> FirstFrame:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._attributes is None:
            return
        ours = self._ours
        self.taken_over()
        try:
            if ours:
                _write(_LEAVE)
            termios.tcsetattr(0, termios.TCSANOW, self._attributes)
        except (OSError, termios.error):  # the terminal is gone
            return

    def show(self, profile: str) -> None:
        """Paint the profile's people, if it can be done at once."""
        try:
            if all(os.isatty(stream) for stream in (0, 1, 2)):
                self._show(profile)
        except Exception:  # noqa: BLE001, S110 - the app itself says what is wrong
            pass

    def _show(self, profile: str) -> None:
        palette = colours(os.environ)
        size = os.get_terminal_size(1)
        if palette is None or size.lines < LEAST_LINES or "COLUMNS" in os.environ:
            return
        stored = read(profile, size.lines // 2)
        if stored is None or not stored.people:
            return
        now = int(time.time() * 1000)
        text = escaped(lines(stored, size.columns, size.lines, now), palette)
        self._attributes = termios.tcgetattr(0)
        _read_keys_later()
        self._ours = True
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._end)
        _write(_ENTER + text)

    def _end(self, number: int, _: object) -> NoReturn:
        self.__exit__(None, None, None)
        sys.exit(128 + number)

    def taken_over(self) -> None:
        """The app has the screen, and gives it back itself."""
        if self._ours:
            self._ours = False
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) == self._end:
                    signal.signal(number, signal.SIG_DFL)


def _write(text: str) -> None:
    rest = text.encode("utf-8", "replace")
    while rest:
        rest = rest[os.write(2, rest) :]


def _read_keys_later() -> None:
    """As Textual sets the terminal, so that a key pressed now is the same key then."""
    attributes = termios.tcgetattr(0)
    attributes[0] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
    attributes[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
    attributes[6][termios.VMIN] = 1
    termios.tcsetattr(0, termios.TCSANOW, attributes)
