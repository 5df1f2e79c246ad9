"""Sealed messages to single devices: claim one-time keys, encrypt, hand over to the server."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable, Sequence

from dmtui.core.model import Json, JsonObject
from dmtui.matrix.client import path
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import REMOTE_PATIENCE
from dmtui.matrix.devices import Device
from dmtui.matrix.machine import Machine
from dmtui.matrix.requests import Requests
from dmtui.matrix.values import mapping

log = logging.getLogger(__name__)

_DEVICES_PER_REQUEST = 50
_DOWN_FOR = 60.0


class ToDevice:
    """Outgoing to-device messages of this device; ``now`` is in seconds."""

    def __init__(
        self, requests: Requests, machine: Machine, store: CryptoStore, now: Callable[[], float]
    ) -> None:
        self._requests = requests
        self._machine = machine
        self._store = store
        self._now = now
        self._claiming = asyncio.Lock()
        self._down: dict[str, float] = {}

    async def meet(self, devices: Iterable[Device]) -> None:
        """Have a session with each device where that is possible now (``POST /keys/claim``).

        Raises what the request raises; a device without one-time keys is left without a session.
        """
        async with self._claiming:  # two rooms must not claim for one device at once
            missing = [
                device
                for device in devices
                if self._machine.session_with(device) is None and not self._is_down(device)
            ]
            if missing:
                await self._claim(missing)

    async def renew(self, devices: Sequence[Device]) -> None:
        """Begin new sessions and tell with ``m.dummy`` (spec: "Recovering from undecryptable")."""
        async with self._claiming:
            await self._claim(devices)
        await self.deliver([(device, "m.dummy", {}) for device in devices])

    async def deliver(
        self,
        messages: Sequence[tuple[Device, str, JsonObject]],
        delivered: Callable[[Iterable[Device]], None] = lambda devices: None,
    ) -> None:
        """Seal and send ``(device, type, content)``; ``delivered`` is told after each success.

        Devices without a session are passed over. Raises what the request raises; what was
        delivered before that is known to ``delivered``.
        """
        for first in range(0, len(messages), _DEVICES_PER_REQUEST):
            sealed: dict[str, dict[str, Json]] = {}
            reached = []
            with self._store.transaction():
                for device, kind, content in messages[first : first + _DEVICES_PER_REQUEST]:
                    message = self._seal(device, kind, content)
                    if message is not None:
                        sealed.setdefault(device.user_id, {})[device.device_id] = message
                        reached.append(device)
            if reached:
                body: JsonObject = {"messages": {**sealed}}
                target = path("sendToDevice", "m.room.encrypted", uuid.uuid4().hex)
                await self._requests.api("PUT", target, body)
                delivered(reached)

    def _seal(self, device: Device, kind: str, content: JsonObject) -> JsonObject | None:
        try:
            return self._machine.seal(device, kind, content)
        except ValueError as error:
            log.warning("%s: can't encrypt to %s: %s", device.user_id, device.device_id, error)
            return None

    def _is_down(self, device: Device) -> bool:
        return self._down.get(device.user_id.partition(":")[2], 0.0) > self._now()

    async def _claim(self, devices: Sequence[Device]) -> None:
        wanted: dict[str, dict[str, Json]] = {}
        for device in devices:
            wanted.setdefault(device.user_id, {})[device.device_id] = "signed_curve25519"
        body: JsonObject = {"one_time_keys": {**wanted}, "timeout": REMOTE_PATIENCE}
        answer = await self._requests.api("POST", path("keys", "claim"), body)
        failed = mapping(answer.get("failures"))
        self._down |= dict.fromkeys(failed, self._now() + _DOWN_FOR)
        claimed = mapping(answer.get("one_time_keys"))
        with self._store.transaction():
            for device in devices:
                keys = mapping(mapping(claimed.get(device.user_id)).get(device.device_id))
                if not self._begin(device, keys):
                    log.warning("%s: no key for device %s", device.user_id, device.device_id)

    def _begin(self, device: Device, keys: JsonObject) -> bool:
        for name, signed in keys.items():
            key = mapping(signed).get("key")
            good = name.startswith("signed_curve25519:") and self._machine.verify_json(
                signed, device.ed25519, device.user_id, device.device_id
            )
            if not good or not isinstance(key, str):
                continue
            try:
                self._machine.create_session(key, device.curve25519)
            except ValueError:
                continue
            return True
        return False
