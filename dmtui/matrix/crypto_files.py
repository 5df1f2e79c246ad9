"""The encryption directory on disk: private modes, a random key, one process at a time."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

from dmtui.core.errors import ProfileInUse, StoreTrouble

_KEY_BYTES = 32


def prepare_directory(directory: Path) -> None:
    """Create the directory with mode 0700, or tighten the mode it has. Raises ``StoreTrouble``."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
    except OSError as error:
        raise StoreTrouble(f"The encryption folder can't be used: {error.strerror}.") from error


def claim_directory(path: Path) -> int:
    """Lock the file for this process; the descriptor holds the lock until it is closed.

    Raises ``ProfileInUse`` when another process has it: two ratchets on one store break both.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreTrouble(f"The encryption folder can't be used: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise ProfileInUse("Another dmtui uses this account's encryption keys.") from error
    return descriptor


def load_key(path: Path, database: Path) -> str:
    """The key that pickles are encrypted with, as hex; made at random beside a new database.

    Raises ``StoreTrouble`` when the key of an existing database is gone or damaged.
    """
    try:
        if not path.exists() and not database.exists():
            _write_key(path, secrets.token_hex(_KEY_BYTES))
        key = path.read_text("ascii").strip()
        path.chmod(0o600)
    except FileNotFoundError as error:
        raise StoreTrouble("The key of the encryption database is missing.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise StoreTrouble("The key of the encryption database can't be read.") from error
    if len(key) != 2 * _KEY_BYTES:
        raise StoreTrouble("The key of the encryption database is damaged.")
    return key


def create_private(path: Path) -> None:
    """Make sure the file exists with mode 0600, before anything else would create it wider."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise StoreTrouble(f"The encryption database can't be opened: {error.strerror}.") from error


def _write_key(path: Path, key: str) -> None:
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
