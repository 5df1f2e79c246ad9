"""Keyrings that are none of the machine's: one that keeps, and some that do not play along."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

FILE = "DMTUI_TEST_KEYRING"
"""Names the file of :class:`Keeping`, for the processes that tests start as well."""


def entries() -> dict[str, str]:
    """What :class:`Keeping` holds."""
    file = Path(os.environ[FILE])
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return kept


def keep(kept: dict[str, str]) -> None:
    Path(os.environ[FILE]).write_text(json.dumps(kept))


def use(backend: type[KeyringBackend]) -> None:
    """Have this be the system's keyring, in this process."""
    keyring.set_keyring(backend())


class Keeping(KeyringBackend):
    """As a keyring should be."""

    priority = 5.0

    def get_password(self, service: str, username: str) -> str | None:
        return entries().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        keep(entries() | {f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        kept = entries()
        if kept.pop(f"{service} {username}", None) is None:
            raise PasswordDeleteError("There is no such entry.")
        keep(kept)


class Troubled(KeyringBackend):
    """Fails whatever it is asked."""

    priority = 5.0

    def trouble(self) -> None:
        raise RuntimeError("out of order")

    def get_password(self, service: str, username: str) -> str | None:
        self.trouble()
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        self.trouble()

    def delete_password(self, service: str, username: str) -> None:
        self.trouble()


class Locked(Troubled):
    """Its user does not unlock it."""

    def trouble(self) -> None:
        raise KeyringLocked("Failed to unlock the collection!")


class Silent(Troubled):
    """Never answers."""

    def trouble(self) -> None:
        threading.Event().wait()


class Forgetful(Troubled):
    """Takes everything and keeps nothing."""

    def trouble(self) -> None:
        pass
