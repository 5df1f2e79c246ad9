"""A program on a terminal of its own: what it paints is waited for by the bytes, with the time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType

COLUMNS, LINES = 120, 40
PATIENCE = 60.0


def waiting_for(name: str) -> str:
    """The mark of an empty composer, whose first letter the cursor may stand on."""
    return f"essage {name}"


class NotPainted(Exception):
    """The program ended or painted something else."""


class Terminal:
    """Runs ``command`` inside its ``with`` block, and ends it with the block."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]):
        self.started = time.perf_counter()
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            try:
                size = struct.pack("HHHH", LINES, COLUMNS, 0, 0)
                fcntl.ioctl(0, termios.TIOCSWINSZ, size)
                settings = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
                os.execve(command[0], list(command), {**environment, **settings})  # noqa: S606
            finally:
                os._exit(127)
        self.painted = b""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.close(self._terminal)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def press(self, keys: str) -> None:
        """Type; what was painted before is forgotten."""
        self.painted = b""
        os.write(self._terminal, keys.encode())

    def until(self, *marks: str, patience: float = PATIENCE) -> float:
        """Wait until the marks were painted, one after the other; returns ``perf_counter``."""
        deadline = time.perf_counter() + patience
        at = 0
        for mark in marks:
            wanted = mark.encode()
            while (found := self.painted.find(wanted, at)) < 0:
                if not self._read(deadline):
                    raise NotPainted(f"{mark!r} not in {self.painted[-2000:]!r}")
            at = found + len(wanted)
        return time.perf_counter()

    def until_ended(self) -> float:
        """Wait for the end of the program; returns ``perf_counter``."""
        while self._read(time.perf_counter() + PATIENCE):
            pass
        return time.perf_counter()

    def drain(self, seconds: float) -> None:
        """Read for so long, as a terminal does."""
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            self._read(deadline)

    def attributes(self) -> object:
        """The settings of the terminal: echo, line editing and the like."""
        return termios.tcgetattr(self._terminal)

    def settle(self, quiet: float = 0.3) -> None:
        """Read until nothing is painted for so long, or something blinks."""
        deadline = time.perf_counter() + 5 * quiet
        while (now := time.perf_counter()) < deadline and self._read(now + quiet):
            pass

    def _read(self, deadline: float) -> bool:
        left = deadline - time.perf_counter()
        if left <= 0 or not select.select([self._terminal], [], [], left)[0]:
            return False
        try:
            got = os.read(self._terminal, 65536)
        except OSError:
            return False
        self.painted += got
        return bool(got)


LETTERS = "абвгдежзиклмнопрстуфхцчшщэюя"
"""Letters that no escape sequence holds, to be found where they are painted."""


def echoes(terminal: Terminal, count: int, pause: float = 0.05) -> Iterator[float]:
    """Seconds from each key press to its letter on the screen; the text is thrown away between."""
    for number in range(count):
        letter = LETTERS[number % len(LETTERS)]
        if number and number % len(LETTERS) == 0:
            terminal.press("\x15")  # Ctrl+U
            terminal.settle()
        begin = time.perf_counter()
        terminal.press(letter)
        yield terminal.until(letter) - begin
        terminal.drain(pause)
