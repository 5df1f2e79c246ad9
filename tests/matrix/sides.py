"""Devices that verify each other over a server that a test can lean on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from dmtui.core.model import EventId, JsonObject, RoomId, UserId
from dmtui.core.verification import Phase, Verification
from dmtui.matrix.cross_signing import Seeds, SigningKey, key_object
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.identity import SELF_SIGNING, USER_SIGNING
from dmtui.matrix.machine import Machine
from dmtui.matrix.sas import Party
from dmtui.matrix.verification import Verifications
from dmtui.matrix.vouching import Vouching

ALICE, BOB, MALLORY = UserId("@alice:s"), UserId("@bob:s"), UserId("@mallory:s")
ROOM = RoomId("!chat:s")
NOW = 1_790_000_000.0
Json = dict[str, Any]
Tamper = Callable[[str, Json], Json | None]


class Ears(Protocol):
    """Where messages arrive."""

    def hear_to_device(self, sender: UserId, kind: str, content: JsonObject, /) -> None: ...

    def hear_in_room(
        self, room_id: RoomId, raw: JsonObject, kind: str, content: JsonObject, /
    ) -> None: ...


class End(Protocol):
    """A device."""

    @property
    def verifications(self) -> Ears: ...


class Server:
    """Carries messages between devices; ``tamper`` may change or swallow what passes."""

    def __init__(self) -> None:
        self.devices: dict[str, Json] = {}
        self.keys: dict[str, Json] = {
            f"{r}_keys": {} for r in ("master", "self_signing", "user_signing")
        }
        self.ends: dict[tuple[str, str], End] = {}
        self.signatures: list[Json] = []
        self.sent: list[tuple[str, str]] = []  # (sender, type)
        self.tamper: Tamper = lambda kind, content: content
        self.events = 0

    async def api(self, me: str, path: str, body: Any) -> JsonObject:
        if path.endswith("/keys/query"):
            return {"device_keys": {**self.devices}, **self.keys}
        if path.endswith("/keys/signatures/upload"):
            self.signatures.append(body)
            return {}
        kind = path.split("/")[-2]
        self.sent.append((me, kind))
        for user, messages in body["messages"].items():
            for device, content in messages.items():
                changed = self.tamper(kind, content)
                if changed is not None:
                    end = self.ends[user, device]
                    end.verifications.hear_to_device(UserId(me), kind, changed)
        return {}

    async def post(self, me: str, room_id: RoomId, kind: str, content: JsonObject) -> EventId:
        self.events += 1
        identifier = EventId(f"$event{self.events}")
        self.sent.append((me, kind))
        changed = self.tamper(kind, dict(content))
        if changed is not None:
            raw: JsonObject = {
                "sender": me,
                "event_id": identifier,
                "origin_server_ts": int(NOW * 1000),
                "content": {},
            }
            for end in self.ends.values():
                end.verifications.hear_in_room(room_id, raw, kind, changed)
        return identifier


class Side:
    """A device and its verifications."""

    def __init__(self, server: Server, user: UserId, device: str, path: Path):
        self.server, self.user, self.device = server, user, device
        path = path / device.replace("/", "_")
        path.mkdir()
        self.store = CryptoStore(path / "crypto.db", user, device, "00" * 32)
        self.machine = Machine(user, device, self.store)
        self.changed: list[str] = []
        self.vouching = Vouching(self, self.machine, self.store, self.changed.extend)
        self.verifications = Verifications(
            self, Party(user, device), self.vouching, self.post, lambda: NOW
        )
        server.devices.setdefault(user, {})[device] = self.machine.device_keys()
        server.ends[user, device] = self

    async def api(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        return await self.server.api(self.user, path, body)

    async def post(self, room_id: RoomId, kind: str, content: JsonObject) -> EventId:
        return await self.server.post(self.user, room_id, kind, content)

    def publish(self, seeds: Seeds) -> None:
        """The account's identity, of which this device is a part."""
        publics, master = seeds.identity(), SigningKey(seeds.master)
        lesser = {"self_signing": publics.self_signing, "user_signing": publics.user_signing}
        self.server.keys["master_keys"][self.user] = key_object(self.user, "master", publics.master)
        for role, public in lesser.items():
            signed = master.signed(key_object(self.user, role, public), self.user)
            self.server.keys[f"{role}_keys"][self.user] = signed
        self.store.trust_master_key(self.user, publics.master)
        self.store.save_secret(SELF_SIGNING, seeds.self_signing)
        self.store.save_secret(USER_SIGNING, seeds.user_signing)

    @property
    def all(self) -> list[Verification]:
        return [one.shown() for one in self.verifications._known.values()]

    @property
    def one(self) -> Verification:
        (found,) = self.all
        return found

    async def close(self) -> None:
        await self.verifications.close()
        self.store.close()


def seeds(letter: str) -> Seeds:
    return Seeds(*(f"{letter}{number}".encode().ljust(32) for number in range(3)))


async def settle(*sides: Side) -> None:
    """Until nobody has anything left to take in."""
    while any(side.verifications._waiting for side in sides):
        for side in sides:
            await side.verifications.settle()
    for side in sides:
        await side.verifications.settle()
    if any(side.verifications._waiting for side in sides):
        await settle(*sides)


async def compare(one: Side, two: Side, room: RoomId | None = ROOM) -> None:
    """Until both show something."""
    await one.verifications.request(two.user, room)
    await settle(one, two)
    await two.verifications.accept(two.one.id)
    await settle(one, two)


async def agree(one: Side, two: Side) -> None:
    for side in (one, two):
        await side.verifications.confirm(side.one.id)
        await settle(one, two)


def phases(*sides: Side) -> list[Phase]:
    return [side.one.phase for side in sides]


def cancels(server: Server) -> list[str]:
    return [sender for sender, kind in server.sent if kind.endswith(".cancel")]
