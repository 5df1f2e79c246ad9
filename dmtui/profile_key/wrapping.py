"""A key encrypted under a passphrase: scrypt (RFC 7914), whose parameters stand beside it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from dmtui.core.errors import WrongPassphrase

COST = (2**16, 8, 2)
"""scrypt's N, r and p: 64 MiB, and half a second of a usual core."""
_MOST_MEMORY = 2**30
_NAME = "dmtui.profile_key"


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A key that a passphrase opens; ``cost`` is scrypt's N, r and p."""

    cost: tuple[int, int, int]
    salt: bytes
    sealed: bytes


def wrap(key: str, passphrase: str) -> Wrapped:
    """Encrypt the key (hexadecimal). Takes about a second."""
    from dmtui.matrix.sealing import seal  # here: the app starts without the cipher

    salt = secrets.token_bytes(16)
    sealed = seal(_derived(passphrase, COST, salt), _NAME, bytes.fromhex(key))
    return Wrapped(COST, salt, sealed.packed())


def unwrap(wrapped: Wrapped, passphrase: str) -> str:
    """The key. Takes about a second. Raises ``WrongPassphrase``."""
    from dmtui.matrix.sealing import Sealed, unseal

    try:
        opener = _derived(passphrase, wrapped.cost, wrapped.salt)
        return unseal(opener, _NAME, Sealed.unpacked(wrapped.sealed)).hex()
    except ValueError as error:
        raise WrongPassphrase("This is not the passphrase of this profile.") from error


def _derived(passphrase: str, cost: tuple[int, int, int], salt: bytes) -> bytes:
    n, r, p = cost
    memory = min(128 * r * (n + p + 2), _MOST_MEMORY)
    secret = passphrase.encode("utf-8", "surrogateescape")
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=32)
