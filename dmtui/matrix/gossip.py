"""Secrets from another device of ours that was just verified (spec: "Sharing secrets").

Asked for in plain, answered sealed: only by the device that was asked, and only what fits the
public keys of the identity that this device trusts. A request that needs no answer any more
is taken back.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from dmtui.core.errors import BadContent, WrongIdentity
from dmtui.core.model import JsonObject
from dmtui.matrix.client import path
from dmtui.matrix.cross_signing import SigningKey, read_identity
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.identity import SELF_SIGNING, USER_SIGNING, seed_of
from dmtui.matrix.key_backup import KEY_BACKUP_SECRET, KeyBackup
from dmtui.matrix.machine import Machine
from dmtui.matrix.requests import Requests
from dmtui.matrix.values import mapping, text
from dmtui.matrix.vouching import Frozen

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    name: str
    device_id: str
    public: str  # empty where the backup says itself what fits
    curve25519: str
    ed25519: str


class Gossip:
    """``arrived`` is called after each secret that was kept."""

    def __init__(self, requests: Requests, machine: Machine, store: CryptoStore, backup: KeyBackup):
        self._requests = requests
        self._machine = machine
        self._store = store
        self._backup = backup
        self._asked: dict[str, _Asked] = {}
        self._needless: dict[str, _Asked] = {}  # to be taken back
        self._connect = False
        self.arrived: Callable[[], None] = lambda: None

    async def ask(self, frozen: Frozen) -> None:
        """Ask the verified device for what this one lacks. Raises what the requests raise."""
        me = self._machine.user_id
        body: JsonObject = {"device_keys": {me: []}}
        answer = await self._requests.api("POST", path("keys", "query"), body)
        try:
            mine = read_identity(answer, me, self._machine.verify_json)
        except WrongIdentity:
            return
        if mine is None or mine.master != self._store.master_key(me):
            return
        keys = mapping(json.loads(frozen.device).get("keys"))
        curve25519 = text(keys.get(f"curve25519:{frozen.device_id}"))
        publics = {
            SELF_SIGNING: mine.self_signing,
            USER_SIGNING: mine.user_signing,
            KEY_BACKUP_SECRET: "",
        }
        for name, public in publics.items():
            if self._store.secret(name) is None:
                number = uuid.uuid4().hex
                asked = _Asked(name, frozen.device_id, public, curve25519, frozen.ed25519)
                self._asked[number] = asked
                await self._say(number, asked, {"action": "request", "name": name})

    async def _say(self, number: str, asked: _Asked, words: JsonObject) -> None:
        content: JsonObject = {
            **words,
            "request_id": number,
            "requesting_device_id": self._machine.device_id,
        }
        body: JsonObject = {"messages": {self._machine.user_id: {asked.device_id: content}}}
        target = path("sendToDevice", "m.secret.request", uuid.uuid4().hex)
        await self._requests.api("PUT", target, body)

    def take(self, sender: str, sender_key: str, payload: JsonObject) -> None:
        """Keep the secret of an ``m.secret.send`` that was opened, if it was asked for."""
        content = mapping(payload.get("content"))
        number = text(content.get("request_id"))
        asked = self._asked.get(number)
        said_by = text(mapping(payload.get("keys")).get("ed25519"))
        if asked is None or sender != self._machine.user_id:
            return
        if (sender_key, said_by) != (asked.curve25519, asked.ed25519):
            log.warning("secret from a device that was not asked")
            return
        try:
            seed = seed_of(text(content.get("secret")).encode())
        except BadContent:
            log.warning("secret that is malformed")
            return
        if asked.public and SigningKey(seed).public != asked.public:
            log.warning("secret that does not fit")
            return
        self._store.save_secret(asked.name, seed)
        del self._asked[number]
        needless = {n: other for n, other in self._asked.items() if other.name == asked.name}
        self._needless |= needless
        for other in needless:
            del self._asked[other]
        self._connect = self._connect or asked.name == KEY_BACKUP_SECRET
        self.arrived()

    async def settle(self) -> None:
        """Take back what needs no answer any more, and use a backup whose key has come.

        Raises what the requests raise.
        """
        for number, asked in list(self._needless.items()):
            await self._say(number, asked, {"action": "request_cancellation"})
            del self._needless[number]
        if self._connect:
            await self._backup.connect()
            self._connect = False
            self.arrived()
