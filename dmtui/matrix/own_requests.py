"""What other devices of ours ask this one for: who is answered, and when.

Only a device that our identity, as this device trusts it, has signed is answered, and only it can
open the answer.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from dmtui.core.model import JsonObject
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import DeviceLists
from dmtui.matrix.devices import Device
from dmtui.matrix.identities import Identities
from dmtui.matrix.to_device import ToDevice
from dmtui.matrix.values import LONGEST_ID, opaque

log = logging.getLogger(__name__)

PATIENCE = 600.0
"""Seconds that a request may wait for its device to be signed."""
_MOST_REMEMBERED = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Wanted:
    device_id: str
    number: str


class OwnRequests(ABC, Generic[T]):
    """Requests of our other devices, answered by :meth:`settle`; ``now`` is in seconds.

    They often come just before the signature that a verification gives to their device, so they
    wait for it. Each is answered once.
    """

    most_waiting: ClassVar[int]
    answer_type: ClassVar[str]

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
        self._waiting: dict[_Wanted, tuple[T, float]] = {}  # for what, and since when
        self._answered: dict[_Wanted, None] = {}

    @abstractmethod
    def read(self, content: JsonObject) -> T | None:
        """What a request is for; ``None`` for what is never handed out."""

    @abstractmethod
    def find(self, asked: T, number: str) -> JsonObject | None:
        """The content of the answer to this request, if this device has what is asked for."""

    def hear(self, sender: str, content: JsonObject) -> None:
        """A request that came in plain; what is not for us to answer is dropped."""
        device_id = opaque(content.get("requesting_device_id"), LONGEST_ID)
        number = opaque(content.get("request_id"), LONGEST_ID)
        if sender != self._me[0] or not device_id or device_id == self._me[1] or not number:
            log.info("request is not ours to answer")
            return
        wanted = _Wanted(device_id, number)
        if content.get("action") == "request_cancellation":
            self._waiting.pop(wanted, None)
            return
        asked = self.read(content) if content.get("action") == "request" else None
        if asked is None:
            log.info("request for what is never handed out")
        else:
            self._wait(wanted, asked)

    def _wait(self, wanted: _Wanted, asked: T) -> None:
        if wanted in self._answered or wanted in self._waiting:
            return
        if len(self._waiting) >= self.most_waiting:
            log.warning("too many requests: the oldest is dropped")
            del self._waiting[next(iter(self._waiting))]
        self._waiting[wanted] = (asked, self._now())

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
        mine = self._identities.confirmed(self._lists.devices_of([self._me[0]]))
        return next((device for device in mine if device.device_id == device_id), None)

    async def _answer(self, wanted: _Wanted, device: Device) -> None:
        if wanted not in self._waiting:
            return  # it was taken back
        content = self.find(self._waiting[wanted][0], wanted.number)
        if content is None:
            return

        def answered(_: Iterable[Device]) -> None:
            self._waiting.pop(wanted, None)
            self._answered[wanted] = None
            for old in list(self._answered)[:-_MOST_REMEMBERED]:
                del self._answered[old]
            log.info("%s was given to device %s", self.answer_type, wanted.device_id)

        await self._to_device.deliver([(device, self.answer_type, content)], answered)
