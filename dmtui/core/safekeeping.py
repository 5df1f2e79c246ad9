"""Where the key lies that the secrets on this computer are encrypted with."""

from __future__ import annotations

from enum import StrEnum


class Protection(StrEnum):
    """Where the user wants the key: ``auto`` is the system keyring where there is one."""

    AUTO = "auto"
    FILE = "file"
    PASSPHRASE = "passphrase"  # noqa: S105 - the name of a place


class KeyPlace(StrEnum):
    """Where the key is; ``passphrase``: in a file, encrypted."""

    KEYRING = "keyring"
    FILE = "file"
    PASSPHRASE = "passphrase"  # noqa: S105 - the name of a place


PLACES = {
    KeyPlace.KEYRING: "The key to your secrets on this computer is in the system keyring.",
    KeyPlace.FILE: "The key to your secrets on this computer is in a file that you alone can read."
    " A keyring or a passphrase guards it better.",
    KeyPlace.PASSPHRASE: "The key to your secrets on this computer is locked with your passphrase.",
}
