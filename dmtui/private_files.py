"""Files that hold secrets: readable by their owner alone, replaced as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def replace_privately(file: Path, content: bytes) -> None:
    """Have the content on the disk when this returns. Raises ``OSError``, the file as before."""
    partial = _partial(file)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        partial.replace(file)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _remember_names(file.parent)


def remove(file: Path) -> None:
    """Have the file gone from the disk when this returns, if it was there."""
    remove_partial(file)
    file.unlink(missing_ok=True)
    _remember_names(file.parent)


def remove_partial(file: Path) -> None:
    """Delete what was being written when the process was killed."""
    _partial(file).unlink(missing_ok=True)


def _partial(file: Path) -> Path:
    return file.with_name(f".{file.name}.partial")


def _remember_names(directory: Path) -> None:
    """A crash of the computer must not bring back what was replaced."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
