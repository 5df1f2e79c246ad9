"""Our own copies of files that are to be sent: what becomes of the originals does not matter.

Images lie beside them while they are decoded.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from dmtui.core.errors import FileTrouble
from dmtui.core.names import clean_line

_STALE = 60 * 60.0
"""Seconds: a copy is made before the message that names it is written down."""

_PASSING = "passing-"
"""Begins the names of what no message will ever name."""


class OutgoingFiles:
    """A directory of the profile (0700) with files (0600) by names of our own."""

    def __init__(self, directory: Path):
        self._directory = directory
        self._lent: set[str] = set()

    def path(self, name: str) -> Path:
        """Where the copy of this name is."""
        return self._directory / name

    def fresh(self) -> str:
        """A name for another file; the directory is there."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise FileTrouble(f"The file can't be kept: {error.strerror}.") from error
        return secrets.token_hex(16)

    def passing(self) -> str:
        """A name for a file that is not needed beyond this run."""
        name = _PASSING + self.fresh()
        self._lent.add(name)
        return name

    def take(self, source: Path) -> str:
        """Copy the file, on the disk when this returns; the copy's name. ``FileTrouble``."""
        taken = self.fresh()
        try:
            with (
                self.dropped_on_failure(taken),
                regular(source) as original,
                _new(self.path(taken)) as file,
            ):
                shutil.copyfileobj(original, file, 1024 * 1024)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            name = clean_line(source.name)
            raise FileTrouble(f"{name} can't be copied: {error.strerror}.") from error
        return taken

    def write(self, name: str, content: bytes) -> None:
        """Make the file of this name. ``FileTrouble``."""
        try:
            with self.dropped_on_failure(name), _new(self.path(name)) as file:
                file.write(content)
        except OSError as error:
            raise FileTrouble(f"The picture can't be kept: {error.strerror}.") from error

    @contextlib.contextmanager
    def dropped_on_failure(self, name: str) -> Iterator[None]:
        """Nothing is left of a file that was not finished, whatever ended the block."""
        try:
            yield
        except BaseException:
            self.drop((name,))
            raise

    def drop(self, names: Collection[str]) -> None:
        """These are not needed any more."""
        for name in names:
            with contextlib.suppress(OSError):
                self.path(name).unlink(missing_ok=True)

    def sweep(self, needed: Collection[str]) -> None:
        """Drop what nobody needs and nobody is about to need, and what a killed run left."""
        with contextlib.suppress(OSError):
            for file in self._directory.iterdir():
                stale = time.time() - file.stat().st_mtime > _STALE
                left = file.name.startswith(_PASSING) and file.name not in self._lent
                if left or (stale and file.name not in needed):
                    file.unlink()


def regular(source: Path) -> BinaryIO:
    """The file, opened; nothing else is ever read (a device, a pipe, a directory).

    Raises ``OSError`` and ``FileTrouble``.
    """
    descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileTrouble(f"{clean_line(source.name)} is no file.")
    return os.fdopen(descriptor, "rb")


def _new(copy: Path) -> BinaryIO:
    return os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
