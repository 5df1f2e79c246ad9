"""Files that nobody but the user may read, such as a recovery key on paper's stead."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def taken(path: Path) -> str:
    """Why a new file can't have this name, which is taken already."""
    if path.is_dir():
        return "That is a directory: add a name for the file."
    return "There is a file of that name: choose another one."


def write_private(path: Path, text: str) -> None:
    """Write a new file (0600), on the disk when this returns; never over one that is there.

    Raises ``OSError``; a file half written is removed.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
