"""Room messages encrypted: a session per room, its key with those entitled before the message.

Devices that are not are told so; once that changes, a new session begins. A device counts as
having the key only after the server took the message that carries it. Nothing here is marked
ahead of an ``await``, so cancelling at any of them leaves a true state.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from nio.crypto import OutboundGroupSession

from dmtui.core.errors import Recoverable, Refused, ServerTrouble, TrustAlarm
from dmtui.core.model import Alarm, EventId, Json, JsonObject, RoomId, TransactionId, UserId
from dmtui.matrix.client import path
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import DeviceLists
from dmtui.matrix.devices import Device
from dmtui.matrix.entitlement import BLOCKED, UNCONFIRMED, Entitlement
from dmtui.matrix.identities import Identities
from dmtui.matrix.machine import Machine
from dmtui.matrix.requests import Requests
from dmtui.matrix.room_keys import MEGOLM
from dmtui.matrix.room_members import Audience, RoomMembers
from dmtui.matrix.to_device import ToDevice
from dmtui.matrix.values import event_id

log = logging.getLogger(__name__)

_NO_OLM = "m.no_olm"
_REASONS = {
    BLOCKED: "The sender has blocked this device.",
    UNCONFIRMED: "The sender gives no keys to devices that their owner has not confirmed.",
    _NO_OLM: "The sender could not set up an encrypted channel to this device.",
}
_NOTICES_PER_REQUEST = 100


@dataclass(slots=True)
class Outbound:
    """A room's current session; ``owed`` keeps the key as of when a device first missed it.

    ``told`` are the devices that know that they get no key.
    """

    session: OutboundGroupSession
    shares_history: bool
    holders: set[Device] = field(default_factory=set)
    owed: dict[Device, str] = field(default_factory=dict)
    told: set[Device] = field(default_factory=set)


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
        entitlement: Entitlement,
    ) -> None:
        self._identities = identities
        self._entitlement = entitlement
        self._requests = requests
        self._machine = machine
        self._store = store
        self._lists = lists
        self._to_device = to_device
        self.members = RoomMembers(requests)
        self._outbound: dict[RoomId, Outbound] = {}
        self._turns: defaultdict[RoomId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._unreached: set[Device] = set()  # that know of it

    async def send(
        self, room_id: RoomId, transaction_id: TransactionId, kind: str, content: JsonObject
    ) -> EventId:
        """Encrypt and send; see :meth:`dmtui.matrix.crypto.Crypto.send`."""
        async with self._turns[room_id]:
            audience = await self.members.audience(room_id)
            await self._lists.ensure(audience.users, unwatched=audience.invited)
            if _verifies(kind, content):
                outbound, recipients = self._begin(room_id, audience), self._everybody(audience)
            else:
                self._refuse_alarming(audience)
                outbound, recipients = self._current(room_id, audience), self._entitled(audience)
            await self._share(room_id, outbound, recipients)
            await self._withhold(room_id, outbound, audience)
            sealed = self._encrypt(room_id, outbound, kind, content)
        target = path("rooms", room_id, "send", "m.room.encrypted", transaction_id)
        answer = await self._requests.api("PUT", target, sealed)
        sent = event_id(answer.get("event_id"))
        if sent is None:
            raise ServerTrouble("The homeserver's answer names no event.")
        return sent

    def _refuse_alarming(self, audience: Audience) -> None:
        """Send nothing to whom the user has to decide about, nor where nobody could read it."""
        changed = self._identities.alarms().intersection(audience.users)
        if changed:
            who = ", ".join(sorted(changed))
            raise TrustAlarm(
                f"The encryption identity of {who} has changed.",
                dict.fromkeys(changed, Alarm.IDENTITY),
            )
        me = self._machine.user_id
        theirs = [device for device in self._everybody(audience) if device.user_id != me]
        people = dict.fromkeys((UserId(one.user_id) for one in theirs), Alarm.DEVICES)
        whole = people.keys() >= audience.users - {me}  # who has no device at all holds nothing up
        if theirs and whole and all(map(self._entitlement.refusal, theirs)):
            who = ", ".join(sorted(people))
            raise TrustAlarm(f"No device of {who} is confirmed by its owner.", people)

    def forget(self, room_id: RoomId) -> None:
        """Begin a new session with the next message."""
        self._outbound.pop(room_id, None)

    def _everybody(self, audience: Audience) -> list[Device]:
        """A verification is for devices that are not confirmed yet, too."""
        devices = self._lists.devices_of(audience.users)
        return [device for device in devices if not device.blocked]

    def _entitled(self, audience: Audience) -> list[Device]:
        devices = self._lists.devices_of(audience.users)
        return [device for device in devices if not self._entitlement.refusal(device)]

    def _current(self, room_id: RoomId, audience: Audience) -> Outbound:
        """The session to use: a new one once it is worn out or others may read than before.

        Others are also those who join later, where that was changed.
        """
        outbound = self._outbound.get(room_id)
        if outbound is not None:
            outbound.session.max_messages = audience.messages_per_key
            outbound.session.max_age = audience.age_of_key
            entitled = self._entitled(audience)
            same = (
                outbound.holders.issubset(entitled)
                and outbound.told.isdisjoint(entitled)
                and outbound.shares_history is audience.shares_history
            )
            if same and not outbound.session.expired:
                return outbound
        outbound = self._outbound[room_id] = self._begin(room_id, audience)
        return outbound

    def _begin(self, room_id: RoomId, audience: Audience) -> Outbound:
        session = OutboundGroupSession()
        session.max_messages = audience.messages_per_key
        session.max_age = audience.age_of_key
        machine = self._machine
        machine.create_group_session(
            machine.curve25519,
            machine.ed25519,
            room_id,
            session.id,
            session.session_key,
            audience.shares_history,
        )
        return Outbound(session, audience.shares_history)

    async def _share(self, room_id: RoomId, outbound: Outbound, recipients: list[Device]) -> None:
        """Give the key to those who lack it; raises before any message could outrun its key."""
        missing = [device for device in recipients if device not in outbound.holders]
        key = outbound.session.session_key
        outbound.owed = {device: outbound.owed.get(device, key) for device in missing}
        if missing:
            await self._to_device.meet(missing)
            keys = [
                (device, "m.room_key", _room_key(room_id, outbound, owed))
                for device, owed in outbound.owed.items()
            ]
            await self._to_device.deliver(keys, outbound.holders.update)
        outbound.session.shared = True

    async def _withhold(self, room_id: RoomId, outbound: Outbound, audience: Audience) -> None:
        """Tell devices once why they get no key.

        Spec: "Reporting that decryption keys are withheld". What can't be told now is told with
        the next message: this one does not wait for it.
        """
        notices: dict[Device, JsonObject] = {}
        for device in self._lists.devices_of(audience.users):
            if device in outbound.holders:
                self._unreached.discard(device)
            elif device in outbound.owed:
                if device not in self._unreached:
                    notices[device] = self._notice(_NO_OLM, {})
            elif device not in outbound.told and (code := self._entitlement.refusal(device)):
                session: JsonObject = {"room_id": room_id, "session_id": outbound.session.id}
                notices[device] = self._notice(code, session)
        try:
            for first in range(0, len(notices), _NOTICES_PER_REQUEST):
                some = dict(list(notices.items())[first : first + _NOTICES_PER_REQUEST])
                await self._tell(some)
                self._unreached.update(one for one in some if one in outbound.owed)
                outbound.told.update(one for one in some if one not in outbound.owed)
        except (Recoverable, Refused) as error:
            log.info("notices of withheld keys wait: %s", type(error).__name__)

    def _notice(self, code: str, session: JsonObject) -> JsonObject:
        return {
            "algorithm": MEGOLM,
            "code": code,
            "reason": _REASONS[code],
            "sender_key": self._machine.curve25519,
            **session,
        }

    async def _tell(self, notices: Mapping[Device, JsonObject]) -> None:
        messages: dict[str, dict[str, Json]] = {}
        for device, notice in notices.items():
            messages.setdefault(device.user_id, {})[device.device_id] = notice
        body: JsonObject = {"messages": {**messages}}
        target = path("sendToDevice", "m.room_key.withheld", uuid.uuid4().hex)
        await self._requests.api("PUT", target, body)

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


def _room_key(room_id: RoomId, outbound: Outbound, session_key: str) -> JsonObject:
    return {
        "algorithm": MEGOLM,
        "room_id": room_id,
        "session_id": outbound.session.id,
        "session_key": session_key,
        "shared_history": outbound.shares_history,
    }
