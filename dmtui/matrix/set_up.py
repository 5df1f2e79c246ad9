"""A recovery set-up under way, kept on the disk before the server hears of any part of it."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Self

from dmtui.core.errors import StoreTrouble
from dmtui.core.model import JsonObject
from dmtui.matrix.cross_signing import SEED_BYTES, Seeds
from dmtui.matrix.secret_storage import Passphrase, StorageKey
from dmtui.matrix.values import mapping, text, whole

ITERATIONS = 500_000
"""Of PBKDF2 for a new passphrase: 2 to 3 s of a slow core."""


async def new_key(passphrase: str) -> StorageKey:
    """A storage key, at random or from the passphrase."""
    name = secrets.token_hex(16)
    if not passphrase:
        return StorageKey(name, secrets.token_bytes(SEED_BYTES))
    derivation = Passphrase(secrets.token_hex(16), ITERATIONS)
    return StorageKey(name, await derivation.key(passphrase), derivation)


async def opens(key: StorageKey, passphrase: str) -> bool:
    """Whether the passphrase makes the key; the empty one is right for a key at random."""
    if key.passphrase is None or not passphrase:
        return key.passphrase is None and not passphrase
    return secrets.compare_digest(await key.passphrase.key(passphrase), key.secret)


def write_key(key: StorageKey) -> JsonObject:
    """The key as JSON, the secret in hex."""
    content: JsonObject = {"name": key.name, "secret": key.secret.hex()}
    if key.passphrase is not None:
        content["salt"] = key.passphrase.salt
        content["iterations"] = key.passphrase.iterations
    return content


def read_key(content: JsonObject) -> StorageKey:
    """The reverse of :func:`write_key`."""
    salt, iterations = text(content.get("salt")), whole(content.get("iterations"))
    passphrase = Passphrase(salt, iterations) if iterations else None
    return StorageKey(text(content.get("name")), _bytes(content, "secret"), passphrase)


@dataclass(frozen=True, slots=True)
class SetUp:
    """All secrets of an identity in the making; ``backup`` is the secret of its key backup.

    ``replaces`` is the public master key of the identity that the user gives up for it, if any.
    """

    key: StorageKey
    seeds: Seeds
    backup: bytes = field(repr=False)
    replaces: str = ""

    @classmethod
    def new(cls, key: StorageKey, replaces: str) -> Self:
        """Of random seeds."""
        drawn = [secrets.token_bytes(SEED_BYTES) for _ in range(4)]
        return cls(key, Seeds(*drawn[:3]), drawn[3], replaces)

    def write(self) -> bytes:
        """As JSON."""
        content: JsonObject = {
            "key": write_key(self.key),
            "master": self.seeds.master.hex(),
            "self_signing": self.seeds.self_signing.hex(),
            "user_signing": self.seeds.user_signing.hex(),
            "backup": self.backup.hex(),
            "replaces": self.replaces,
        }
        return json.dumps(content).encode()

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The reverse of :meth:`write`."""
        content = mapping(json.loads(data))
        seeds = [_bytes(content, name) for name in ("master", "self_signing", "user_signing")]
        key = read_key(mapping(content.get("key")))
        replaces = text(content.get("replaces"))
        return cls(key, Seeds(*seeds), _bytes(content, "backup"), replaces)


def _bytes(content: JsonObject, name: str) -> bytes:
    try:
        return bytes.fromhex(text(content.get(name)))
    except ValueError as error:
        raise StoreTrouble("A recovery set-up kept on this computer is damaged.") from error
