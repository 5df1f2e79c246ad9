"""Secret storage: secrets in account data that the recovery key, or a passphrase, opens.

Spec: "Secrets", ``m.secret_storage.v1.aes-hmac-sha2`` and ``m.pbkdf2``.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import dataclass, field

from unpaddedbase64 import decode_base64, encode_base64

from dmtui.core.errors import BadContent, BadRecoveryKey, NotFound
from dmtui.core.model import JsonObject
from dmtui.core.recovery import read_recovery_key
from dmtui.matrix.account import Owner, account_data, set_account_data
from dmtui.matrix.sealing import Sealed, seal, unseal
from dmtui.matrix.values import mapping, opaque, whole

DEFAULT_KEY = "m.secret_storage.default_key"
ALGORITHM = "m.secret_storage.v1.aes-hmac-sha2"
_KEY = "m.secret_storage.key."
_KEY_BYTES = 32
_MOST_ITERATIONS = 5_000_000  # some 25 s of a core: what a hostile server may cost
_NOTHING = b"\x00" * 32
_BROKEN = "The recovery data on the homeserver is malformed."


@dataclass(frozen=True, slots=True)
class Passphrase:
    """How a key follows from a passphrase (``m.pbkdf2``)."""

    salt: str
    iterations: int

    async def key(self, passphrase: str) -> bytes:
        """The 32 bytes; takes seconds, in a thread. Raises ``BadContent`` if it took too many."""
        if self.iterations > _MOST_ITERATIONS:
            raise BadContent("The homeserver asks for too much work to read a passphrase.")
        said, salt = passphrase.encode(errors="replace"), self.salt.encode(errors="replace")
        return await asyncio.to_thread(
            hashlib.pbkdf2_hmac, "sha512", said, salt, self.iterations, _KEY_BYTES
        )


@dataclass(frozen=True, slots=True)
class StorageKey:
    """The key of a secret storage: its ``name`` in account data and its 32 bytes."""

    name: str
    secret: bytes = field(repr=False)
    passphrase: Passphrase | None = None

    def description(self) -> JsonObject:
        """What account data tells of the key; it lets a typed key be checked."""
        check = seal(self.secret, "", _NOTHING)
        content: JsonObject = {
            "algorithm": ALGORITHM,
            "iv": encode_base64(check.iv),
            "mac": encode_base64(check.mac),
        }
        if self.passphrase is not None:
            content["passphrase"] = {
                "algorithm": "m.pbkdf2",
                "salt": self.passphrase.salt,
                "iterations": self.passphrase.iterations,
                "bits": 8 * _KEY_BYTES,
            }
        return content


@dataclass(frozen=True, slots=True)
class Described:
    """The default key as account data describes it, unproven; bytes are ``None`` if not told."""

    name: str
    iv: bytes | None
    mac: bytes | None
    passphrase: Passphrase | None

    async def open(self, typed: str) -> StorageKey:
        """The key, by its text or the passphrase. Raises ``BadRecoveryKey``."""
        try:
            return self._proven(read_recovery_key(typed))
        except BadRecoveryKey:
            if self.passphrase is None:
                raise
        return self._proven(await self.passphrase.key(typed))

    def _proven(self, secret: bytes) -> StorageKey:
        if self.iv is not None and self.mac is not None:
            mac = seal(secret, "", _NOTHING, self.iv).mac
            if not hmac.compare_digest(mac, self.mac):
                raise BadRecoveryKey(
                    "This is not the recovery key of this account."
                    if self.passphrase is None
                    else "This is neither the recovery key nor the passphrase of this account."
                )
        return StorageKey(self.name, secret, self.passphrase)


class SecretStorage:
    """The account's secret storage on the server."""

    def __init__(self, owner: Owner):
        self._owner = owner

    async def described(self) -> Described | None:
        """The default key; ``None`` where there is none. Raises ``BadContent``."""
        default = await account_data(self._owner, DEFAULT_KEY)
        if not default:
            return None
        name = opaque(default.get("key"), 255)
        if name is None:
            raise BadContent(_BROKEN)
        content = await account_data(self._owner, _KEY + name)
        if not content:
            raise BadContent("The recovery key's description is missing on the homeserver.")
        return _described(name, content)

    async def open(self, typed: str) -> StorageKey:
        """The default key, by its text or its passphrase.

        Raises ``NotFound`` without secret storage, ``BadRecoveryKey``, ``BadContent``.
        """
        described = await self.described()
        if described is None:
            raise NotFound("Recovery is not set up for this account.", 404, "M_NOT_FOUND")
        return await described.open(typed)

    async def read(self, key: StorageKey, name: str) -> bytes | None:
        """The secret of this name; ``None`` if it is not kept under the key.

        Raises ``BadContent`` for one that is malformed or was not sealed with the key.
        """
        content = mapping(await account_data(self._owner, name))
        entry = mapping(content.get("encrypted")).get(key.name)
        if entry is None:
            return None
        part = mapping(entry)
        try:
            sealed = Sealed(*(_decoded(part.get(one)) for one in ("iv", "ciphertext", "mac")))
            return unseal(key.secret, name, sealed)
        except ValueError as error:
            raise BadContent("A secret on the homeserver can't be opened by this key.") from error

    async def write(
        self, key: StorageKey, name: str, secret: bytes, *, beside: bool = False
    ) -> None:
        """Keep the secret under this key: alone, or beside what other keys open."""
        sealed = seal(key.secret, name, secret)
        entry: JsonObject = {
            "iv": encode_base64(sealed.iv),
            "ciphertext": encode_base64(sealed.ciphertext),
            "mac": encode_base64(sealed.mac),
        }
        others = mapping(await account_data(self._owner, name)).get("encrypted") if beside else {}
        content: JsonObject = {"encrypted": {**mapping(others), key.name: entry}}
        await set_account_data(self._owner, name, content)

    async def describe(self, key: StorageKey) -> None:
        """Publish the key's description."""
        await set_account_data(self._owner, _KEY + key.name, key.description())

    async def make_default(self, key: StorageKey) -> None:
        """From now on this key is the one to open."""
        await set_account_data(self._owner, DEFAULT_KEY, {"key": key.name})


def _described(name: str, content: JsonObject) -> Described:
    if content.get("algorithm") != ALGORITHM:
        raise BadContent("Recovery is encrypted in a way that dmtui does not know.")
    try:
        iv, mac = (
            None if content.get(one) is None else _decoded(content[one]) for one in ("iv", "mac")
        )
    except ValueError as error:
        raise BadContent(_BROKEN) from error
    if iv is not None and len(iv) != 16:
        raise BadContent(_BROKEN)
    return Described(name, iv, mac, _passphrase(content.get("passphrase")))


def _passphrase(value: object) -> Passphrase | None:
    """How the key follows from a passphrase; ``None`` where it does not, or in no known way."""
    content = mapping(value)
    salt, iterations = content.get("salt"), whole(content.get("iterations"))
    known = content.get("algorithm") == "m.pbkdf2" and content.get("bits", 256) == 8 * _KEY_BYTES
    if not (known and isinstance(salt, str) and iterations):
        return None
    return Passphrase(salt, iterations)


def _decoded(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("not base64")
    return bytes(decode_base64(value.rstrip("=")))
