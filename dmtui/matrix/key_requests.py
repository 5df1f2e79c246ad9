"""Room keys that neither sync nor the backup brought, asked of other devices of ours.

Spec: "Key requests". Asked in plain, answered sealed: only by a device that was asked, and only
what was asked for. Nothing is remembered over a restart: what is missing then is asked for again.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from nio.exceptions import EncryptionError

from dmtui.core.model import Json, JsonObject, RoomId
from dmtui.matrix.client import path
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import DeviceLists
from dmtui.matrix.devices import Device
from dmtui.matrix.identities import Identities
from dmtui.matrix.machine import Machine
from dmtui.matrix.requests import Requests
from dmtui.matrix.room_keys import MEGOLM, read_forwarded
from dmtui.matrix.values import LONGEST_ID, mapping, opaque, room_id, text

log = logging.getLogger(__name__)

UNAVAILABLE = "m.unavailable"
AT_ONCE = 20
"""Requests in :data:`TURN` seconds."""
TURN = 60.0
AGAIN = 20.0
"""Seconds until an unanswered request is repeated, once.

The device that was asked may have seen it before it learned that this one is confirmed.
"""
MOST_ASKED = 500
"""Requests in one run."""
_MOST_WAITING = 1000
_Key: TypeAlias = tuple[RoomId, str]


@dataclass(slots=True)
class _Asked:
    """A request to these devices; ``silent`` are those of them that have not answered.

    ``reach`` is that of the key that was here already, which reads only later messages.
    """

    devices: tuple[Device, ...]
    reach: int | None
    silent: set[Device]
    since: float
    repeated: bool = False
    answered: bool = False
    number: str = field(default_factory=lambda: uuid.uuid4().hex)


class KeyRequests:
    """Asks and takes the answers; ``now`` is in seconds."""

    def __init__(
        self,
        requests: Requests,
        machine: Machine,
        store: CryptoStore,
        lists: DeviceLists,
        identities: Identities,
        now: Callable[[], float],
    ) -> None:
        self._requests = requests
        self._machine = machine
        self._store = store
        self._lists = lists
        self._identities = identities
        self._now = now
        self._settling = asyncio.Lock()
        self._waiting: dict[_Key, None] = {}  # the newest last
        self._asked: dict[_Key, _Asked] = {}
        self._over: set[_Key] = set()  # one answer in a run is enough
        self._turn: list[float] = []  # when the latest requests went out
        self._count = 0

    def want(self, room_id: RoomId, session_id: str) -> None:
        """The session's key is to be had nowhere else."""
        key = (room_id, session_id)
        if key in self._asked or key in self._over or self._store.reach(*key) == 0:
            return
        self._waiting.pop(key, None)
        self._waiting[key] = None
        if len(self._waiting) > _MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]

    async def settle(self) -> None:
        """Take back what needs no answer any more, and ask for what waits, the newest first.

        Raises what the requests raise; the next call goes on.
        """
        async with self._settling:
            for key, asked in list(self._asked.items()):
                if asked.answered or self._has_come(key, asked.reach):
                    await self._say(asked, {"action": "request_cancellation"})
                    self._end(key, asked.answered)
                elif not asked.silent:
                    self._end(key, answered=True)
                elif not asked.repeated and self._now() >= asked.since + AGAIN:
                    await self._say(asked, _request(key))
                    asked.repeated = True
            if self._waiting:
                await self._ask()

    def _end(self, key: _Key, answered: bool) -> None:
        """What came another way may be from a later message on: then the rest is asked for."""
        del self._asked[key]
        if answered:
            self._over.add(key)

    def _has_come(self, key: _Key, reach: int | None) -> bool:
        now = self._store.reach(*key)
        return now is not None and (reach is None or now < reach)

    async def _ask(self) -> None:
        me = self._machine.user_id
        await self._lists.ensure([me])
        devices = tuple(self._identities.confirmed(self._lists.devices_of([me])))
        if not devices or not self._lists.is_fresh(me):
            return  # nobody is asked who might be signed out
        while self._waiting and self._may_ask():
            key, _ = self._waiting.popitem()
            asked = _Asked(devices, self._store.reach(*key), set(devices), self._now())
            self._asked[key] = asked  # before the answer can come
            try:
                await self._say(asked, _request(key))
            except BaseException:
                del self._asked[key]
                self._waiting[key] = None
                raise
            self._turn.append(self._now())
            self._count += 1

    def _may_ask(self) -> bool:
        self._turn = [when for when in self._turn if when > self._now() - TURN]
        return len(self._turn) < AT_ONCE and self._count < MOST_ASKED

    async def _say(self, asked: _Asked, words: JsonObject) -> None:
        content: JsonObject = {
            **words,
            "request_id": asked.number,
            "requesting_device_id": self._machine.device_id,
        }
        messages: dict[str, Json] = {device.device_id: content for device in asked.devices}
        body: JsonObject = {"messages": {self._machine.user_id: messages}}
        target = path("sendToDevice", "m.room_key_request", uuid.uuid4().hex)
        await self._requests.api("PUT", target, body)

    def take(self, sender: str, sender_key: str, payload: JsonObject) -> _Key:
        """Store the key of an ``m.forwarded_room_key`` that was opened; which session it is for.

        Raises ``EncryptionError`` for what was not asked of its sender, or ``ValueError`` for what
        is malformed.
        """
        content = mapping(payload.get("content"))
        room, session_id = room_id(content.get("room_id")), text(content.get("session_id"))
        if room is None or sender != self._machine.user_id:
            raise EncryptionError("forwarded room key that is not for this device to take")
        asked = self._asked.get((room, session_id))
        if asked is None or not self._was_asked(asked, sender_key, payload):
            raise EncryptionError("forwarded room key that was not asked of its sender")
        self._machine.keep_room_key(read_forwarded(content, room, session_id))
        asked.answered = True  # it stays until it is taken back: a batch may be taken in again
        return room, session_id

    def _was_asked(self, asked: _Asked, sender_key: str, payload: JsonObject) -> bool:
        said_by = text(mapping(payload.get("keys")).get("ed25519"))
        known = self._lists.device_with_key(self._machine.user_id, sender_key)
        return (
            known is not None
            and known in asked.devices
            and known.ed25519 == said_by
            and bool(self._identities.confirmed([known]))
        )

    def take_refusal(self, sender: str, content: JsonObject) -> bool:
        """Note an ``m.room_key.withheld``; whether it says only that an asked device lacks the key.

        It is known by its ``sender_key``, which nothing proves: at worst one answer is not awaited.
        """
        room, session_id = room_id(content.get("room_id")), text(content.get("session_id"))
        if room is None or sender != self._machine.user_id:
            return False
        asked = self._asked.get((room, session_id))
        sender_key = opaque(content.get("sender_key"), LONGEST_ID)
        if asked is None or sender_key not in {device.curve25519 for device in asked.devices}:
            return False
        asked.silent = {device for device in asked.silent if device.curve25519 != sender_key}
        return content.get("code") == UNAVAILABLE


def _request(key: _Key) -> JsonObject:
    body: JsonObject = {"algorithm": MEGOLM, "room_id": key[0], "session_id": key[1]}
    return {"action": "request", "body": body}
