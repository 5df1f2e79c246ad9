"""Recovery of the encryption identity: where it stands, and the recovery key as people write it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dmtui.core.errors import BadRecoveryKey

SHORTEST = 12
"""Letters of a passphrase; the homeserver could try out shorter ones."""

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_HEADER = b"\x8b\x01"
_BEGINNING = "Es"  # what the header looks like in base58
_KEY_BYTES = 32
_LENGTHS = range(40, 56)
_GROUP = 4


class Identity(StrEnum):
    """The account's cross-signing identity, as this device sees it."""

    NONE = "none"
    """There is none: it can be set up."""
    UNFINISHED = "unfinished"
    """Setting it up on this device was interrupted: doing it again completes it."""
    LOCKED = "locked"
    """There is one, and this device is not part of it: the recovery key unlocks it."""
    OURS = "ours"
    """This device trusts it and is signed by it."""
    CHANGED = "changed"
    """It is another one than this device trusted: it was reset elsewhere, or it is forged."""


class Backup(StrEnum):
    """The backup of room keys on the server, as this device sees it."""

    NONE = "none"
    LOCKED = "locked"
    """There is one, and this device lacks its key."""
    ON = "on"
    UNTRUSTED = "untrusted"
    """There is one whose key is not the one that this device has."""


@dataclass(frozen=True, slots=True)
class Encryption:
    """Where recovery stands.

    ``recovery``: the account keeps its secrets in secret storage; ``passphrase``: they open by a
    passphrase too. ``to_back_up`` counts room keys that are not in the backup yet.
    ``unkept_key``: set up here, and nobody has said that the recovery key is written down.
    """

    identity: Identity
    recovery: bool
    passphrase: bool
    backup: Backup
    to_back_up: int
    unkept_key: bool


def recovery_key_text(key: bytes) -> str:
    """The 32 bytes in base58 and groups of four (spec: "Recovery key" of secret storage)."""
    if len(key) != _KEY_BYTES:
        raise ValueError("a recovery key has 32 bytes")
    whole = _HEADER + key
    number = int.from_bytes(whole + bytes([_parity(whole)]), "big")
    digits = ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return " ".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))


def read_recovery_key(text: str) -> bytes:
    """The 32 bytes of a recovery key; white space does not matter.

    Raises ``BadRecoveryKey`` for anything else, one mistyped letter included.
    """
    typed = "".join(text.split())
    if len(typed) not in _LENGTHS:
        raise BadRecoveryKey("A recovery key has 48 letters and digits, in groups of four.")
    number = 0
    for letter in typed:
        digit = _ALPHABET.find(letter)
        if digit < 0:
            raise BadRecoveryKey("The recovery key has a sign that no recovery key has: a typo?")
        number = number * len(_ALPHABET) + digit
    length = len(_HEADER) + _KEY_BYTES + 1
    if number >= 1 << (8 * length):
        raise BadRecoveryKey("This is no recovery key.")
    whole = number.to_bytes(length, "big")
    if not whole.startswith(_HEADER) or _parity(whole):
        raise BadRecoveryKey("The recovery key has a typo: please compare it with what you kept.")
    return whole[len(_HEADER) : -1]


def is_meant_as_key(text: str) -> bool:
    """Whether somebody typed a recovery key, be it with typos, and not a passphrase."""
    groups = text.split()
    if not text.strip().startswith(_BEGINNING) or len("".join(groups)) not in _LENGTHS:
        return False
    return len(groups) == 1 or all(len(group) == _GROUP for group in groups[:-1])


def fault_of(passphrase: str) -> str:
    """What is wrong with a new passphrase, in one line; empty if nothing is."""
    if len(passphrase) < SHORTEST:
        return f"At least {SHORTEST} letters: the homeserver could try out shorter ones."
    if is_meant_as_key(passphrase):
        return "This would be taken for a recovery key: choose another one."
    return ""


def _parity(data: bytes) -> int:
    parity = 0
    for byte in data:
        parity ^= byte
    return parity
