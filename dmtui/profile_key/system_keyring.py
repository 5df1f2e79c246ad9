"""The system's keyring through the library of that name, which may block, prompt or fail."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import TimeoutError as NoAnswer
from typing import TYPE_CHECKING, TypeVar

from dmtui.core.errors import KeyringTrouble
from dmtui.matrix.thread import LeftBehind

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

log = logging.getLogger(__name__)

SERVICE = "dmtui"
PATIENCE = 30.0
"""Seconds for an answer; the keyring may ask the user for its password meanwhile."""
_LEAST_PRIORITY = 1
"""What the library calls recommended; those that keep nothing or fail are below."""

SILENT = (
    "The keyring has not answered for {seconds:.0f} seconds: see whether it asks for its"
    " password, then start dmtui again."
)
LOCKED = "The keyring is locked: unlock it, then start dmtui again."
ABSENT = (
    "There is none that dmtui can reach from here: start it in the desktop session whose keyring"
    " it is."
)
FAILED = "The keyring failed ({name}): see whether it runs, then start dmtui again."


class SystemKeyring:
    """The entries are dmtui's own. Every call blocks for ``patience`` seconds at most.

    All raise ``KeyringTrouble``.
    """

    def __init__(self, patience: float = PATIENCE):
        self._patience = patience

    def is_there(self) -> bool:
        """Whether there is a keyring that keeps what it is given."""
        return self._ask(_is_real)

    def get(self, entry: str) -> str | None:
        """What the entry holds; ``None`` where the keyring has no such entry."""
        return self._ask(lambda keyring: _real(keyring).get_password(SERVICE, entry))

    def put(self, entry: str, value: str) -> None:
        """Make the entry, or replace what it holds."""
        self._ask(lambda keyring: _real(keyring).set_password(SERVICE, entry, value))

    def delete(self, entry: str) -> None:
        """Have no such entry."""
        self._ask(lambda keyring: _delete(_real(keyring), entry))

    def _ask(self, act: Callable[[KeyringBackend], T]) -> T:
        def run() -> T:
            import keyring  # here, in the thread: it looks for backends and may ask D-Bus

            return act(keyring.get_keyring())

        try:
            return LeftBehind().submit(run).result(self._patience)
        except NoAnswer as error:
            raise KeyringTrouble(SILENT.format(seconds=self._patience)) from error
        except KeyringTrouble:
            raise
        except Exception as error:
            raise _in_words(error) from error


def _in_words(error: Exception) -> KeyringTrouble:
    from keyring.errors import InitError, KeyringLocked, NoKeyringError

    if isinstance(error, KeyringLocked):
        return KeyringTrouble(LOCKED)
    if isinstance(error, NoKeyringError | InitError):
        return KeyringTrouble(ABSENT)
    log.warning("the system keyring failed: %s", type(error).__name__)
    return KeyringTrouble(FAILED.format(name=type(error).__name__))


def _is_real(keyring: KeyringBackend) -> bool:
    return float(keyring.priority) >= _LEAST_PRIORITY


def _real(keyring: KeyringBackend) -> KeyringBackend:
    if not _is_real(keyring):
        raise KeyringTrouble(ABSENT)
    return keyring


def _delete(keyring: KeyringBackend, entry: str) -> None:
    from keyring.errors import PasswordDeleteError

    try:
        keyring.delete_password(SERVICE, entry)
    except PasswordDeleteError:
        if keyring.get_password(SERVICE, entry) is not None:
            raise
