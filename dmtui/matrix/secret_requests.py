"""Secrets for other devices of ours that ask for them (spec: "Sharing secrets").

Only a device that our identity, as this device trusts it, has signed is answered, and only it can
open the answer. The master key stays nowhere here, and is never handed out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from unpaddedbase64 import encode_base64

from dmtui.core.model import JsonObject
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import DeviceLists
from dmtui.matrix.devices import Device
from dmtui.matrix.identities import Identities
from dmtui.matrix.identity import SELF_SIGNING, USER_SIGNING
from dmtui.matrix.key_backup import KEY_BACKUP_SECRET
from dmtui.matrix.to_device import ToDevice
from dmtui.matrix.values import LONGEST_ID, opaque

log = logging.getLogger(__name__)

PATIENCE = 600.0
"""Seconds that a request may wait for its device to be signed."""
_HANDED_OUT = (SELF_SIGNING, USER_SIGNING, KEY_BACKUP_SECRET)
_MOST_WAITING = 50
_MOST_REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class _Wanted:
    device_id: str
    number: str


class SecretRequests:
    """Requests of our other devices, answered by :meth:`settle`; ``now`` is in seconds.

    They often come just before the signature that a verification gives to their device, so they
    wait for it. Each is answered once.
    """

    def __init__(
        self,
        me: tuple[str, str],
        store: CryptoStore,
        lists: DeviceLists,
        identities: Identities,
        to_device: ToDevice,
        now: Callable[[], float],
    ) -> None:
        self._me = me
        self._store = store
        self._lists = lists
        self._identities = identities
        self._to_device = to_device
        self._now = now
        self._waiting: dict[_Wanted, tuple[str, float]] = {}  # the secret's name, and since when
        self._answered: dict[_Wanted, None] = {}

    def hear(self, sender: str, content: JsonObject) -> None:
        """An ``m.secret.request`` that came in plain; what is not for us to answer is dropped."""
        device_id = opaque(content.get("requesting_device_id"), LONGEST_ID)
        number = opaque(content.get("request_id"), LONGEST_ID)
        if sender != self._me[0] or not device_id or device_id == self._me[1] or not number:
            log.info("request for a secret is not ours to answer")
            return
        wanted = _Wanted(device_id, number)
        match content.get("action"), content.get("name"):
            case "request_cancellation", _:
                self._waiting.pop(wanted, None)
            case "request", str(name) if name in _HANDED_OUT:
                self._wait(wanted, name)
            case _:
                log.info("request for what is never handed out")

    def _wait(self, wanted: _Wanted, name: str) -> None:
        if wanted in self._answered or wanted in self._waiting:
            return
        if len(self._waiting) >= _MOST_WAITING:
            log.warning("too many requests for secrets: the oldest is dropped")
            del self._waiting[next(iter(self._waiting))]
        self._waiting[wanted] = (name, self._now())

    async def settle(self) -> None:
        """Answer those whose device is signed. Raises what the requests raise."""
        oldest = self._now() - PATIENCE
        self._waiting = {one: what for one, what in self._waiting.items() if what[1] >= oldest}
        if not self._waiting or not self._lists.is_fresh(self._me[0]):
            return  # a device that was signed out meanwhile must not look signed
        for wanted in list(self._waiting):
            device = self._entitled(wanted.device_id)
            if device is not None:
                await self._to_device.meet([device])
                await self._answer(wanted, device)

    def _entitled(self, device_id: str) -> Device | None:
        mine = self._lists.devices_of([self._me[0]])
        device = next((device for device in mine if device.device_id == device_id), None)
        if device is None or device.blocked or not self._identities.confirms(device):
            return None
        return device

    async def _answer(self, wanted: _Wanted, device: Device) -> None:
        name, _ = self._waiting.get(wanted, ("", 0.0))  # it may have been taken back
        secret = self._store.secret(name)
        if secret is None:
            return

        def answered(_: Iterable[Device]) -> None:
            self._waiting.pop(wanted, None)
            self._answered[wanted] = None
            for old in list(self._answered)[:-_MOST_REMEMBERED]:
                del self._answered[old]
            log.info("%s was given to device %s", name, wanted.device_id)

        content: JsonObject = {"request_id": wanted.number, "secret": encode_base64(secret)}
        await self._to_device.deliver([(device, "m.secret.send", content)], answered)
