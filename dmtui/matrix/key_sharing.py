"""Room messages encrypted: a session per room, its key with every device before the message.

A device counts as having the key only after the server took the message that carries it. Nothing
here is marked ahead of an ``await``, so cancelling at any of them leaves a true state.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field

from nio.crypto import OutboundGroupSession

from dmtui.core.errors import IdentityAlarm, ServerTrouble
from dmtui.core.model import EventId, JsonObject, RoomId, TransactionId
from dmtui.matrix.client import path
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import DeviceLists
from dmtui.matrix.devices import Device, may_have_keys
from dmtui.matrix.identities import Identities
from dmtui.matrix.machine import Machine
from dmtui.matrix.requests import Requests
from dmtui.matrix.room_keys import MEGOLM
from dmtui.matrix.room_members import Audience, RoomMembers
from dmtui.matrix.to_device import ToDevice
from dmtui.matrix.values import event_id


@dataclass(slots=True)
class Outbound:
    """A room's current session; ``owed`` keeps the key as of when a device first missed it."""

    session: OutboundGroupSession
    holders: set[Device] = field(default_factory=set)
    owed: dict[Device, str] = field(default_factory=dict)


class KeySharing:
    """Encrypts for rooms; one message of a room at a time."""

    def __init__(
        self,
        requests: Requests,
        machine: Machine,
        store: CryptoStore,
        lists: DeviceLists,
        to_device: ToDevice,
        identities: Identities,
    ) -> None:
        self._identities = identities
        self._requests = requests
        self._machine = machine
        self._store = store
        self._lists = lists
        self._to_device = to_device
        self.members = RoomMembers(requests)
        self._outbound: dict[RoomId, Outbound] = {}
        self._turns: defaultdict[RoomId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def send(
        self, room_id: RoomId, transaction_id: TransactionId, kind: str, content: JsonObject
    ) -> EventId:
        """Encrypt and send; see :meth:`dmtui.matrix.crypto.Crypto.send`."""
        async with self._turns[room_id]:
            audience = await self.members.audience(room_id)
            await self._lists.ensure(audience.users, unwatched=audience.invited)
            if not _verifies(kind, content):
                self._refuse_alarming(audience)
            outbound = self._current(room_id, audience)
            await self._share(room_id, outbound, self._recipients(audience))
            sealed = self._encrypt(room_id, outbound, kind, content)
        target = path("rooms", room_id, "send", "m.room.encrypted", transaction_id)
        answer = await self._requests.api("PUT", target, sealed)
        sent = event_id(answer.get("event_id"))
        if sent is None:
            raise ServerTrouble("The homeserver's answer names no event.")
        return sent

    def _refuse_alarming(self, audience: Audience) -> None:
        alarming = self._identities.alarms().intersection(audience.users)
        if alarming:
            who = ", ".join(sorted(alarming))
            raise IdentityAlarm(f"The encryption identity of {who} has changed.", alarming)

    def forget(self, room_id: RoomId) -> None:
        """Begin a new session with the next message."""
        self._outbound.pop(room_id, None)

    def _recipients(self, audience: Audience) -> list[Device]:
        return [
            device for device in self._lists.devices_of(audience.users) if may_have_keys(device)
        ]

    def _current(self, room_id: RoomId, audience: Audience) -> Outbound:
        """The session to use: a new one once it is worn out or somebody may no longer read."""
        outbound = self._outbound.get(room_id)
        if outbound is not None:
            outbound.session.max_messages = audience.messages_per_key
            outbound.session.max_age = audience.age_of_key
            gone = outbound.holders.difference(self._recipients(audience))
            if not gone and not outbound.session.expired:
                return outbound
        return self._begin(room_id, audience)

    def _begin(self, room_id: RoomId, audience: Audience) -> Outbound:
        session = OutboundGroupSession()
        session.max_messages = audience.messages_per_key
        session.max_age = audience.age_of_key
        machine = self._machine
        machine.create_group_session(
            machine.curve25519, machine.ed25519, room_id, session.id, session.session_key
        )
        outbound = self._outbound[room_id] = Outbound(session)
        return outbound

    async def _share(self, room_id: RoomId, outbound: Outbound, recipients: list[Device]) -> None:
        """Give the key to those who lack it; raises before any message could outrun its key."""
        missing = [device for device in recipients if device not in outbound.holders]
        key = outbound.session.session_key
        outbound.owed = {device: outbound.owed.get(device, key) for device in missing}
        if missing:
            await self._to_device.meet(missing)
            keys = [
                (device, "m.room_key", _room_key(room_id, outbound.session.id, owed))
                for device, owed in outbound.owed.items()
            ]
            await self._to_device.deliver(keys, outbound.holders.update)
        outbound.session.shared = True

    def _encrypt(
        self, room_id: RoomId, outbound: Outbound, kind: str, content: JsonObject
    ) -> JsonObject:
        payload: JsonObject = {"type": kind, "content": content, "room_id": room_id}
        ciphertext = outbound.session.encrypt(json.dumps(payload))  # type: ignore[no-untyped-call]
        sealed: JsonObject = {
            "algorithm": MEGOLM,
            "sender_key": self._machine.curve25519,
            "ciphertext": ciphertext,
            "session_id": outbound.session.id,
            "device_id": self._machine.device_id,
        }
        if "m.relates_to" in content:  # the server can only group what it can read
            sealed["m.relates_to"] = content["m.relates_to"]
        return sealed


def _verifies(kind: str, content: JsonObject) -> bool:
    """Whether the event is part of a verification, which is what helps against an alarm."""
    request = content.get("msgtype") == "m.key.verification.request"
    return kind.startswith("m.key.verification.") or request


def _room_key(room_id: RoomId, session_id: str, session_key: str) -> JsonObject:
    return {
        "algorithm": MEGOLM,
        "room_id": room_id,
        "session_id": session_id,
        "session_key": session_key,
    }
