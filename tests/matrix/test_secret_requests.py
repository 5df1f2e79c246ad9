"""Requests for secrets: which of our devices get which, and what is never answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from unpaddedbase64 import decode_base64

from dmtui.core.errors import Unreachable
from dmtui.core.model import JsonObject
from dmtui.matrix.cross_signing import Seeds, SigningKey, key_object
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import DeviceLists
from dmtui.matrix.identities import Identities
from dmtui.matrix.identity import MASTER, SELF_SIGNING, USER_SIGNING
from dmtui.matrix.key_backup import KEY_BACKUP_SECRET
from dmtui.matrix.machine import Machine
from dmtui.matrix.own_requests import PATIENCE
from dmtui.matrix.secret_requests import SecretRequests
from dmtui.matrix.to_device import ToDevice

ME, MALLORY = "@me:s", "@mallory:s"
SEEDS = Seeds(*(f"seed {number}".encode().ljust(32) for number in range(3)))
SECRETS = {
    SELF_SIGNING: SEEDS.self_signing,
    USER_SIGNING: SEEDS.user_signing,
    KEY_BACKUP_SECRET: b"backup".ljust(32),
}
Json = dict[str, Any]


class Other:
    """Another device of mine: asks, and opens what is sent to it."""

    def __init__(self, store: CryptoStore):
        self.machine = Machine(ME, "OTHER", store)
        self.keys: Json = self.machine.device_keys()
        self.machine.account.generate_one_time_keys(10)
        pool = self.machine.account.one_time_keys["curve25519"]
        self.one_time_keys = [self.machine.signed({"key": key}) for key in pool.values()]

    def sign(self) -> None:
        """Our identity vouches for it."""
        signed = SigningKey(SEEDS.self_signing).signed({**self.keys, "signatures": {}}, ME)
        theirs: Any = signed["signatures"]
        self.keys["signatures"] = {ME: {**self.keys["signatures"][ME], **theirs[ME]}}


class Server:
    """Shows the identity and the device, and keeps what is sent to devices."""

    def __init__(self) -> None:
        self.devices: Json = {}
        self.one_time_keys: list[JsonObject] = []
        self.sent: list[Json] = []  # by user and device
        self.down = False

    async def api(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        if self.down:
            raise Unreachable("no")
        if path.endswith("/keys/query"):
            return {"device_keys": {ME: self.devices}, **identity()}
        if path.endswith("/keys/claim"):
            keys: Json = (
                {"signed_curve25519:A": self.one_time_keys.pop()} if self.one_time_keys else {}
            )
            return {"one_time_keys": {ME: {"OTHER": keys}}}
        assert "/sendToDevice/m.room.encrypted/" in path
        messages: Any = (body or {})["messages"]
        self.sent.append(messages)
        return {}


def identity() -> JsonObject:
    publics, master = SEEDS.identity(), SigningKey(SEEDS.master)
    answer: Json = {"master_keys": {ME: key_object(ME, "master", publics.master)}}
    lesser = {"self_signing": publics.self_signing, "user_signing": publics.user_signing}
    for role, public in lesser.items():
        answer[f"{role}_keys"] = {ME: master.signed(key_object(ME, role, public), ME)}
    return answer


class Desk:
    """This device, its other one, and the time."""

    def __init__(self, store: CryptoStore, other: Other):
        self.now = 0.0
        self.store, self.other, self.server = store, other, Server()
        self.server.devices = {"OTHER": other.keys}
        self.server.one_time_keys = other.one_time_keys
        store.trust_master_key(ME, SEEDS.identity().master)
        for name, secret in SECRETS.items():
            store.save_secret(name, secret)
        machine = Machine(ME, "MINE", store)
        self.curve25519 = machine.curve25519
        identities = Identities(store, machine.verify_json, ME)
        self.lists = DeviceLists(
            self.server, store, machine.verify_json, (ME, "MINE"), self._now, identities
        )
        to_device = ToDevice(self.server, machine, store, self._now)
        self.requests = SecretRequests(
            (ME, "MINE"), store, self.lists, identities, to_device, self._now
        )

    def _now(self) -> float:
        return self.now

    async def settle(self) -> None:
        """As upkeep does."""
        await self.lists.refresh()
        await self.requests.settle()

    def signed(self) -> None:
        """The other device is signed from now on, as the server tells."""
        self.other.sign()
        self.lists.changed([ME])

    def opened(self) -> dict[str, bytes]:
        """What the other device was given, by the request."""
        found = {}
        for messages in self.server.sent:
            ((user_id, devices),) = messages.items()
            ((device_id, sealed),) = devices.items()
            assert (user_id, device_id) == (ME, "OTHER")
            payload = self.other.machine.open_message(ME, sealed)
            content: Any = payload["content"]
            assert payload["type"] == "m.secret.send"
            found[content["request_id"]] = decode_base64(content["secret"])
        assert len(found) == len(self.server.sent)
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    mine = CryptoStore(tmp_path / "mine.db", ME, "MINE", "00" * 32)
    other = CryptoStore(tmp_path / "other.db", ME, "OTHER", "00" * 32)
    yield Desk(mine, Other(other))
    mine.close()
    other.close()


def request(name: object = SELF_SIGNING, **changed: object) -> Json:
    content: Json = {
        "action": "request",
        "name": name,
        "request_id": "1",
        "requesting_device_id": "OTHER",
    }
    return {**content, **changed}


async def answered(desk: Desk) -> bool:
    """Whether anything is sent, now and once everything is settled again."""
    await desk.settle()
    await desk.settle()
    return bool(desk.server.sent)


async def test_signed_device_is_given_each_secret_once_and_nobody_else_can_read_it(
    desk: Desk,
) -> None:
    desk.other.sign()
    for name in SECRETS:
        desk.requests.hear(ME, request(name, request_id=name))
    await desk.settle()
    await desk.settle()
    assert desk.opened() == SECRETS


async def test_request_that_comes_before_the_signature_is_answered_after_it(desk: Desk) -> None:
    desk.requests.hear(ME, request())
    assert not await answered(desk)
    desk.signed()
    await desk.settle()
    assert desk.opened() == {"1": SEEDS.self_signing}


async def test_request_that_comes_before_the_device_is_known_is_answered(desk: Desk) -> None:
    desk.server.devices = {}
    desk.requests.hear(ME, request())
    assert not await answered(desk)
    desk.server.devices = {"OTHER": desk.other.keys}
    desk.signed()
    await desk.settle()
    assert desk.opened() == {"1": SEEDS.self_signing}


async def test_request_waits_for_its_device_no_longer_than_ten_minutes(desk: Desk) -> None:
    desk.requests.hear(ME, request())
    await desk.settle()
    desk.now += PATIENCE + 1
    desk.signed()
    assert not await answered(desk)


async def test_requests_that_wait_are_bounded(desk: Desk) -> None:
    desk.requests.hear(ME, request())
    for number in range(1000):
        desk.requests.hear(ME, request(request_id=f"flood {number}"))
    desk.signed()
    await desk.settle()
    assert 0 < len(desk.server.sent) <= 50


async def test_replayed_request_is_not_answered_again(desk: Desk) -> None:
    desk.other.sign()
    for _ in range(3):
        desk.requests.hear(ME, request())
        await desk.settle()
    assert desk.opened() == {"1": SEEDS.self_signing}


async def test_request_that_was_taken_back_is_not_answered(desk: Desk) -> None:
    desk.requests.hear(ME, request())
    await desk.settle()
    desk.requests.hear(ME, request(action="request_cancellation"))
    desk.signed()
    assert not await answered(desk)


async def test_only_the_device_that_asked_takes_its_request_back(desk: Desk) -> None:
    desk.other.sign()
    desk.requests.hear(ME, request())
    taken_back = request(action="request_cancellation", requesting_device_id="THIRD")
    desk.requests.hear(ME, taken_back)
    assert await answered(desk)


REFUSED: dict[str, tuple[str, Json]] = {
    "of somebody else": (MALLORY, request()),
    "for the master key": (ME, request(MASTER)),
    "for something unheard of": (ME, request("m.something")),
    "for what is no name": (ME, request([KEY_BACKUP_SECRET])),
    "of another action": (ME, request(action="demand")),
    "without an ID": (ME, request(request_id="")),
    "with an ID of another type": (ME, request(request_id=1)),
    "with an endless ID": (ME, request(request_id="x" * 300)),
    "without a device": (ME, request(requesting_device_id=None)),
    "of this very device": (ME, request(requesting_device_id="MINE")),
    "of a device that is not there": (ME, request(requesting_device_id="THIRD")),
}


@pytest.mark.parametrize("shape", REFUSED)
async def test_request_that_is_not_ours_to_answer_is_ignored(desk: Desk, shape: str) -> None:
    desk.other.sign()
    sender, content = REFUSED[shape]
    desk.requests.hear(sender, content)
    assert not await answered(desk)


def unsigned(desk: Desk) -> None:
    """It was never signed."""


def signed_by_another(desk: Desk) -> None:
    """The server signs it with a key of its own, under the name of ours."""
    forged = SigningKey(b"forged".ljust(32)).signed({**desk.other.keys, "signatures": {}}, ME)
    theirs: Any = forged["signatures"]
    (signature,) = theirs[ME].values()
    own = desk.other.keys["signatures"][ME]
    public = SEEDS.identity().self_signing
    desk.other.keys["signatures"] = {ME: {**own, f"ed25519:{public}": signature}}


def other_keys(desk: Desk) -> None:
    """The server puts another Olm key under the signatures."""
    desk.other.sign()
    keys = {**desk.other.keys["keys"], "curve25519:OTHER": desk.curve25519}
    desk.server.devices = {"OTHER": {**desk.other.keys, "keys": keys}}


def not_trusted(desk: Desk) -> None:
    """The identity is another one than this device trusts."""
    desk.other.sign()
    desk.store.trust_master_key(ME, "another")


def never_trusted(desk: Desk) -> None:
    """This device is not part of the identity."""
    desk.other.sign()
    desk.store._do("DELETE FROM identity")


@pytest.mark.parametrize(
    "prepare", [unsigned, signed_by_another, other_keys, not_trusted, never_trusted]
)
async def test_device_that_our_identity_does_not_vouch_for_gets_nothing(
    desk: Desk, prepare: Callable[[Desk], None]
) -> None:
    prepare(desk)
    desk.requests.hear(ME, request())
    assert not await answered(desk)


async def test_blocked_device_gets_nothing(desk: Desk) -> None:
    desk.other.sign()
    await desk.lists.refresh()
    (device,) = desk.lists.devices_of([ME])
    desk.lists.block(device)
    desk.requests.hear(ME, request())
    assert not await answered(desk)


async def test_device_that_was_signed_out_gets_nothing(desk: Desk) -> None:
    desk.other.sign()
    await desk.lists.refresh()
    desk.server.devices = {}
    desk.lists.changed([ME])
    desk.requests.hear(ME, request())
    await desk.requests.settle()  # its list could not be asked for yet
    assert not await answered(desk)


async def test_secret_that_is_not_here_is_not_answered(desk: Desk) -> None:
    desk.other.sign()
    desk.store.forget_secret(USER_SIGNING)
    desk.requests.hear(ME, request(USER_SIGNING))
    assert not await answered(desk)


async def test_request_is_answered_once_the_server_can_be_reached(desk: Desk) -> None:
    desk.other.sign()
    await desk.lists.refresh()
    desk.requests.hear(ME, request())
    desk.server.down = True
    with pytest.raises(Unreachable):
        await desk.requests.settle()
    desk.server.down = False
    await desk.settle()
    assert desk.opened() == {"1": SEEDS.self_signing}
