"""Room keys that whoever invited us offers: what is taken in, when, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nio.crypto.attachments import encrypt_attachment
from nio.exceptions import EncryptionError

from dmtui.core.errors import NotFound, Refused, Unreachable
from dmtui.core.model import JsonObject, RoomId
from dmtui.matrix.cross_signing import Seeds, SigningKey, key_object
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import DeviceLists
from dmtui.matrix.identities import Identities
from dmtui.matrix.key_bundles import LATEST, KeyBundles
from dmtui.matrix.machine import Machine
from dmtui.matrix.room_keys import MEGOLM, RoomKey, Source, portable
from tests.matrix.own_device import ROOM, some_key

ME, ALICE, MALLORY = "@me:s", "@alice:s", "@mallory:s"
SEEDS = Seeds(*(f"alice {number}".encode().ljust(32) for number in range(3)))
JOINED = 1_790_000_000_000
Json = dict[str, Any]


class Alice:
    """Has invited me, and offers what she has."""

    def __init__(self, store: CryptoStore):
        self.machine = Machine(ALICE, "A", store)
        self.device: Json = self.machine.device_keys()
        self.confirm()

    def confirm(self) -> None:
        signed: Json = {
            **SigningKey(SEEDS.self_signing).signed({**self.device, "signatures": {}}, ALICE)
        }
        both = {**self.device["signatures"][ALICE], **signed["signatures"][ALICE]}
        self.device["signatures"] = {ALICE: both}

    def identity(self) -> Json:
        publics, master = SEEDS.identity(), SigningKey(SEEDS.master)
        lesser = key_object(ALICE, "self_signing", publics.self_signing)
        return {
            "master_keys": {ALICE: key_object(ALICE, "master", publics.master)},
            "self_signing_keys": {ALICE: master.signed(lesser, ALICE)},
        }


class Server:
    """Knows that Alice has invited me, that I have joined, and the file."""

    def __init__(self, alice: Alice):
        self.alice = alice
        self.joined: list[str] = [ROOM]
        self.inviter = ALICE
        self.file = b""
        self.downloads: list[str] = []
        self.trouble: Exception | None = None

    async def api(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        if path.endswith("/joined_rooms"):
            return {"joined_rooms": [*self.joined]}
        if path.endswith("/keys/query"):
            return {"device_keys": {ALICE: {"A": self.alice.device}}, **self.alice.identity()}
        if path.endswith("/event/%24invite"):
            return self.member("$invite", self.inviter, "invite")
        assert path.endswith("?format=event"), path
        joined = self.member("$join", ME, "join")
        return {**joined, "unsigned": {"replaces_state": "$invite"}}

    def member(self, event_id: str, sender: str, membership: str) -> Json:
        return {
            "type": "m.room.member",
            "event_id": event_id,
            "sender": sender,
            "state_key": ME,
            "origin_server_ts": JOINED,
            "content": {"membership": membership},
        }

    async def download(self, path: str, longest: int) -> bytes:
        self.downloads.append(path)
        if self.trouble is not None:
            raise self.trouble
        return self.file


class Desk:
    """My device; ``told`` are the sessions of which there is news."""

    def __init__(self, store: CryptoStore, server: Server):
        self.now = JOINED / 1000 - 100
        self.store, self.server = store, server
        self.told: list[tuple[RoomId, str]] = []
        self.open()

    def open(self) -> None:
        """Start (again)."""
        self.machine = Machine(ME, "MINE", self.store)
        identities = Identities(self.store, self.machine.verify_json, ME)
        verify = self.machine.verify_json
        self.lists = DeviceLists(
            self.server, self.store, verify, (ME, "MINE"), lambda: 0.0, identities
        )
        self.bundles = KeyBundles(
            self.server,
            self.machine,
            self.store,
            self.lists,
            identities,
            self.told.extend,
            lambda: self.now,
        )
        self.bundles.download = self.server.download

    def offer(self, held: object, sender: str = ALICE, **changed: object) -> Json:
        """Have Alice's device send an offer of this; the file's description."""
        self.server.file, keys = encrypt_attachment(json.dumps(held).encode())
        file: Json = {**keys, "url": "mxc://s/media", **changed}
        alice = self.server.alice.machine
        payload: Json = {
            "content": {"room_id": ROOM, "file": file},
            "keys": {"ed25519": alice.ed25519},
            "sender_device_keys": alice.device_keys(),
        }
        self.bundles.take(sender, alice.curve25519, payload)
        return file

    def kept(self) -> list[RoomKey]:
        return [key for session in self.store.sessions() for key in self.store.room_keys(*session)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    mine = CryptoStore(tmp_path / "mine.db", ME, "MINE", "00" * 32)
    hers = CryptoStore(tmp_path / "hers.db", ALICE, "A", "00" * 32)
    yield Desk(mine, Server(Alice(hers)))
    mine.close()
    hers.close()


def listed(key: RoomKey, **changed: object) -> Json:
    named: Json = {"room_id": ROOM, "session_id": key.session.id}
    return {**portable(key), **named, **changed}


def bundle(*keys: Json, withheld: object = ()) -> Json:
    return {"room_keys": [*keys], "withheld": withheld or []}


async def test_keys_of_the_inviter_are_taken_in_with_her_name_and_told(desk: Desk) -> None:
    key = some_key()
    desk.offer(bundle(listed(key)))
    await desk.bundles.settle()
    (found,) = desk.kept()
    assert (found.source, found.owner, found.shared_history) == (Source.BUNDLE, ALICE, True)
    assert found.session.sender_key == "bob's curve"
    assert desk.told == [(ROOM, key.session.id)]
    assert desk.server.downloads == ["/_matrix/client/v1/media/download/s/media"]


async def test_nothing_is_downloaded_before_we_have_joined(desk: Desk) -> None:
    desk.server.joined = []
    desk.offer(bundle(listed(some_key())))
    await desk.bundles.settle()
    assert desk.server.downloads == []
    desk.server.joined = [ROOM]
    desk.bundles.members_changed(ROOM)
    await desk.bundles.settle()
    assert len(desk.kept()) == 1


async def test_offer_outlives_a_restart_and_is_taken_in_once(desk: Desk) -> None:
    desk.offer(bundle(listed(some_key())))
    desk.open()
    await desk.bundles.settle()
    desk.open()
    await desk.bundles.settle()
    assert len(desk.kept()) == len(desk.server.downloads) == 1


async def test_offer_is_kept_until_the_server_can_be_reached(desk: Desk) -> None:
    desk.offer(bundle(listed(some_key())))
    desk.server.trouble = Unreachable("no")
    with pytest.raises(Unreachable):
        await desk.bundles.settle()
    desk.server.trouble = None
    await desk.bundles.settle()
    assert len(desk.kept()) == 1


async def test_withheld_sessions_are_remembered_and_told(desk: Desk) -> None:
    entry: Json = {
        "algorithm": MEGOLM,
        "code": "m.unauthorised",
        "room_id": ROOM,
        "session_id": "withheld",
    }
    others = [{**entry, "room_id": "!other:s"}, {**entry, "session_id": 1}, {**entry, "code": ""}]
    desk.offer(bundle(withheld=[*others, entry, 5]))
    await desk.bundles.settle()
    assert desk.told == [(ROOM, "withheld")]
    assert desk.store.withheld(ROOM, "withheld", "") == "m.unauthorised"


async def test_malformed_key_costs_itself_alone(desk: Desk) -> None:
    good = some_key()
    bad = [
        listed(some_key(), room_id="!other:s"),
        listed(some_key(), session_id=good.session.id),
        listed(some_key(), session_key="*"),
        listed(some_key(), sender_key=None),
        listed(some_key(), algorithm="m.other"),
    ]
    desk.offer({"room_keys": [*bad, 5, listed(good)]})
    await desk.bundles.settle()
    assert [key.session.id for key in desk.kept()] == [good.session.id]


async def test_offered_key_displaces_no_other(desk: Desk) -> None:
    for source in (Source.BACKUP, Source.FORWARD, Source.FILE, Source.OLM):
        key = some_key(source=source)
        desk.machine.keep_room_key(key)
        desk.offer(bundle(listed(key)))
        await desk.bundles.settle()
        (found,) = desk.store.room_keys(ROOM, key.session.id)
        assert (found.source, found.shared_history) == (source, False)


def somebody_else_invited_me(desk: Desk) -> None:
    desk.server.inviter = MALLORY


def came_too_late(desk: Desk) -> None:
    desk.now = (JOINED + LATEST) / 1000 + 1


def device_is_not_confirmed(desk: Desk) -> None:
    device = desk.server.alice.device
    own = f"ed25519:{device['device_id']}"
    device["signatures"] = {ALICE: {own: device["signatures"][ALICE][own]}}


def device_is_gone(desk: Desk) -> None:
    desk.server.alice.device = {}


@pytest.mark.parametrize(
    "prepare",
    [somebody_else_invited_me, came_too_late, device_is_not_confirmed, device_is_gone],
)
async def test_offer_that_is_not_the_inviters_is_refused_unseen_and_forgotten(
    desk: Desk, prepare: Callable[[Desk], None]
) -> None:
    prepare(desk)
    desk.offer(bundle(listed(some_key())))
    await desk.bundles.settle()
    assert desk.server.downloads == []
    assert desk.store.bundles() == []


@pytest.mark.parametrize("held", ["{", [], 5, {"room_keys": {}}, {"room_keys": 5, "withheld": 5}])
async def test_file_that_is_no_bundle_brings_nothing(desk: Desk, held: object) -> None:
    desk.offer(held)
    await desk.bundles.settle()
    assert desk.kept() == []
    assert desk.store.bundles() == []


@pytest.mark.parametrize(
    "trouble", [Refused("large", 200, "M_TOO_LARGE"), NotFound("gone", 404, "M_NOT_FOUND")]
)
async def test_file_that_can_not_be_had_is_given_up(desk: Desk, trouble: Refused) -> None:
    desk.offer(bundle(listed(some_key())))
    desk.server.trouble = trouble
    await desk.bundles.settle()
    assert desk.store.bundles() == []


async def test_file_that_was_changed_on_the_server_is_refused(desk: Desk) -> None:
    desk.offer(bundle(listed(some_key())))
    desk.server.file = desk.server.file[:-1] + bytes([desk.server.file[-1] ^ 1])
    await desk.bundles.settle()
    assert desk.kept() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"url": None},
        {"url": "https://s/media"},
        {"url": "mxc://s"},
        {"url": "mxc://s/a/b"},
        {"url": "mxc:///media"},
        {"url": "xmxc://s/media"},
        {"key": []},
        {"iv": 5},
        {"hashes": {}},
        {"v": "v3"},
    ],
)
async def test_malformed_offer_is_refused(desk: Desk, changed: Json) -> None:
    with pytest.raises(EncryptionError):
        desk.offer(bundle(), **changed)
    assert desk.store.bundles() == []


async def test_offers_that_wait_are_bounded(desk: Desk) -> None:
    for number in range(150):
        desk.now += 1
        desk.offer(bundle(), sender=f"@flood{number}:s")
    assert len(desk.store.bundles()) == 100
