"""Devices of one account that ask each other for room keys, over a server that carries messages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nio.crypto import InboundGroupSession, OutboundGroupSession
from nio.exceptions import EncryptionError

from dmtui.core.errors import Unreachable
from dmtui.core.model import JsonObject, RoomId
from dmtui.matrix.cross_signing import SigningKey
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import DeviceLists
from dmtui.matrix.identities import Identities
from dmtui.matrix.key_forwarding import KeyForwarding
from dmtui.matrix.key_requests import KeyRequests
from dmtui.matrix.machine import Machine
from dmtui.matrix.room_keys import RoomKey, Source
from dmtui.matrix.to_device import ToDevice
from tests.matrix.test_secret_requests import ME, SEEDS, identity

ROOM = RoomId("!room:s")
Json = dict[str, Any]


def some_key(start: int = 0, source: Source = Source.OLM) -> RoomKey:
    """A room key of Bob's that reads from this message on."""
    group = OutboundGroupSession()
    whole = InboundGroupSession(group.session_key, "bob's ed", "bob's curve", ROOM)
    return reaching(RoomKey(whole, "@bob:s" if source is Source.OLM else "", source), start)


def reaching(key: RoomKey, start: int) -> RoomKey:
    """The same key from a later message on."""
    state, names = key.session.export_session(start), key.session
    session = InboundGroupSession.import_session(state, names.ed25519, names.sender_key, ROOM)
    return RoomKey(session, key.owner, key.source)


class Server:
    """The account's devices, and what was sent to them as ``(type, device, content)``."""

    def __init__(self) -> None:
        self.now = 0.0
        self.devices: Json = {}
        self.one_time_keys: dict[str, list[JsonObject]] = {}
        self.sent: list[tuple[str, str, Json]] = []
        self.requests = 0
        self.down = False

    async def api(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        asked: Any = body
        if self.down:
            raise Unreachable("no")
        if path.endswith("/keys/query"):
            return {"device_keys": {ME: self.devices}, **identity()}
        if path.endswith("/keys/claim"):
            claimed: Json = {}
            for device_id in asked["one_time_keys"][ME]:
                claimed[device_id] = {"signed_curve25519:A": self.one_time_keys[device_id].pop()}
            return {"one_time_keys": {ME: claimed}}
        self.requests += 1
        kind = path.split("/")[-2]
        ((user_id, messages),) = asked["messages"].items()
        assert user_id == ME
        self.sent += [(kind, device_id, content) for device_id, content in messages.items()]
        return {}

    def asked(self, action: str = "request") -> list[tuple[str, Json]]:
        """The requests for keys: whom, and what."""
        return [
            (device_id, content)
            for kind, device_id, content in self.sent
            if kind == "m.room_key_request" and content["action"] == action
        ]

    def sealed(self, device_id: str) -> list[Json]:
        """What was sent sealed to the device."""
        return [
            c for kind, device, c in self.sent if (kind, device) == ("m.room.encrypted", device_id)
        ]


class OwnDevice:
    """A device of mine that trusts our identity."""

    def __init__(self, server: Server, device_id: str, path: Path):
        self.server, self.device_id = server, device_id
        self.store = CryptoStore(path / f"{device_id}.db", ME, device_id, "00" * 32)
        self.machine = Machine(ME, device_id, self.store)
        self.store.trust_master_key(ME, SEEDS.identity().master)
        identities = Identities(self.store, self.machine.verify_json, ME)
        own = (ME, device_id)
        self.lists = DeviceLists(
            server, self.store, self.machine.verify_json, own, self._now, identities
        )
        to_device = ToDevice(server, self.machine, self.store, self._now)
        self.asking = KeyRequests(
            server, self.machine, self.store, self.lists, identities, self._now
        )
        self.answering = KeyForwarding(
            own, self.store, self.lists, identities, to_device, self._now
        )
        server.devices[device_id] = self.machine.device_keys()
        self.machine.account.generate_one_time_keys(10)
        pool = self.machine.account.one_time_keys["curve25519"]
        server.one_time_keys[device_id] = [
            self.machine.signed({"key": key}) for key in pool.values()
        ]

    def _now(self) -> float:
        return self.server.now

    def confirm(self) -> None:
        """Our identity vouches for it; the others learn it when they look again."""
        keys: Json = self.server.devices[self.device_id]
        signed: Json = {**SigningKey(SEEDS.self_signing).signed({**keys, "signatures": {}}, ME)}
        both = {**keys["signatures"][ME], **signed["signatures"][ME]}
        self.server.devices[self.device_id] = {**keys, "signatures": {ME: both}}

    async def settle(self) -> None:
        """As upkeep does."""
        await self.lists.refresh()
        await self.answering.settle()
        await self.asking.settle()

    def open(self, sealed: JsonObject) -> tuple[str, JsonObject]:
        """Who says what in a sealed message: the Olm key of the device, and the payload."""
        payload = self.machine.open_message(ME, sealed)
        assert payload["type"] == "m.forwarded_room_key"
        return str(sealed["sender_key"]), payload

    def taken(self, sender_key: str, payload: Mapping[str, Any], sender: str = ME) -> bool:
        """Whether the forwarded key was accepted."""
        try:
            self.asking.take(sender, sender_key, dict(payload))
        except (EncryptionError, ValueError):
            return False
        return True

    def close(self) -> None:
        self.store.close()
