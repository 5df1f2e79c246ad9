"""Secrets from a verified device: which are kept, and which are not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unpaddedbase64 import encode_base64

from dmtui.core.model import JsonObject
from dmtui.matrix.cross_signing import Seeds, SigningKey, key_object
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.gossip import Gossip
from dmtui.matrix.identity import SELF_SIGNING, USER_SIGNING
from dmtui.matrix.key_backup import KEY_BACKUP_SECRET, KeyBackup
from dmtui.matrix.machine import Machine
from dmtui.matrix.vouching import Frozen

ME = "@me:s"
SEEDS = Seeds(*(f"seed {number}".encode().ljust(32) for number in range(3)))
ASKED = Frozen(
    ME,
    "OTHER",
    "their ed25519",
    SEEDS.identity().master,
    json.dumps({"keys": {"curve25519:OTHER": "their curve25519"}}),
    "{}",
)
Json = dict[str, Any]


class Server:
    """Shows the identity, and remembers what is sent to devices."""

    def __init__(self) -> None:
        self.requests: dict[str, Json] = {}  # by the secret's name
        self.taken_back: list[tuple[str, str]] = []  # device and request

    async def api(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        if path.endswith("/keys/query"):
            return {"device_keys": {}, **identity()}
        messages: Any = (body or {})["messages"]
        ((device_id, content),) = messages[ME].items()
        if content["action"] == "request_cancellation":
            assert content["requesting_device_id"] == "MINE"
            self.taken_back.append((device_id, content["request_id"]))
        else:
            self.requests[content["name"]] = content
        return {}


def identity() -> JsonObject:
    publics, master = SEEDS.identity(), SigningKey(SEEDS.master)
    answer: Json = {"master_keys": {ME: key_object(ME, "master", publics.master)}}
    lesser = {"self_signing": publics.self_signing, "user_signing": publics.user_signing}
    for role, public in lesser.items():
        answer[f"{role}_keys"] = {ME: master.signed(key_object(ME, role, public), ME)}
    return answer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CryptoStore]:
    opened = CryptoStore(tmp_path / "crypto.db", ME, "MINE", "00" * 32)
    opened.trust_master_key(ME, SEEDS.identity().master)
    yield opened
    opened.close()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def gossip(server: Server, store: CryptoStore) -> Gossip:
    machine = Machine(ME, "MINE", store)
    return Gossip(server, machine, store, KeyBackup(server, machine, store))


def answer(server: Server, name: str, seed: bytes, **changed: object) -> JsonObject:
    request = server.requests[name]["request_id"]
    content: JsonObject = {"request_id": request, "secret": encode_base64(seed)}
    return {"keys": {"ed25519": "their ed25519"}, "content": {**content, **changed}}  # type: ignore[dict-item]


async def test_what_is_missing_is_asked_for_and_kept(
    gossip: Gossip, server: Server, store: CryptoStore
) -> None:
    await gossip.ask(ASKED)
    assert set(server.requests) == {SELF_SIGNING, USER_SIGNING, KEY_BACKUP_SECRET}
    heard: list[str] = []
    gossip.arrived = lambda: heard.append("secret")
    gossip.take(ME, "their curve25519", answer(server, SELF_SIGNING, SEEDS.self_signing))
    assert store.secret(SELF_SIGNING) == SEEDS.self_signing
    assert store.secret(USER_SIGNING) is None
    assert heard == ["secret"]


async def test_secret_is_wanted_of_no_other_device_once_it_is_here(
    gossip: Gossip, server: Server, store: CryptoStore
) -> None:
    await gossip.ask(replace(ASKED, device_id="SILENT", ed25519="silent"))
    silent = dict(server.requests)
    await gossip.ask(ASKED)
    gossip.take(ME, "their curve25519", answer(server, SELF_SIGNING, SEEDS.self_signing))
    await gossip.settle()
    await gossip.settle()
    assert server.taken_back == [("SILENT", silent[SELF_SIGNING]["request_id"])]


async def test_what_is_there_is_not_asked_for(
    gossip: Gossip, server: Server, store: CryptoStore
) -> None:
    for name in (SELF_SIGNING, USER_SIGNING, KEY_BACKUP_SECRET):
        store.save_secret(name, SEEDS.self_signing)
    await gossip.ask(ASKED)
    assert server.requests == {}


async def test_nothing_is_asked_for_an_identity_that_is_not_trusted(
    gossip: Gossip, server: Server, store: CryptoStore
) -> None:
    store.trust_master_key(ME, "another")
    await gossip.ask(ASKED)
    assert server.requests == {}


@pytest.mark.parametrize(
    ("sender", "curve25519", "secret", "changed"),
    [
        ("@mallory:s", "their curve25519", SEEDS.self_signing, {}),
        (ME, "another curve25519", SEEDS.self_signing, {}),
        (ME, "their curve25519", SEEDS.user_signing, {}),
        (ME, "their curve25519", SEEDS.self_signing, {"request_id": "never sent"}),
        (ME, "their curve25519", SEEDS.self_signing, {"secret": "*"}),
        (ME, "their curve25519", b"short", {}),
    ],
)
async def test_secret_that_was_not_asked_of_its_sender_or_does_not_fit_is_dropped(
    gossip: Gossip,
    server: Server,
    store: CryptoStore,
    sender: str,
    curve25519: str,
    secret: bytes,
    changed: Json,
) -> None:
    await gossip.ask(ASKED)
    gossip.take(sender, curve25519, answer(server, SELF_SIGNING, secret, **changed))
    assert store.secret(SELF_SIGNING) is None
