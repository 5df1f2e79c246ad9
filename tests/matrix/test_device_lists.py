"""What a homeserver may answer to ``/keys/query``, and what of it is believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dmtui.core.errors import ServerTrouble
from dmtui.core.model import JsonObject
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import DeviceLists
from dmtui.matrix.identities import Identities
from dmtui.matrix.machine import Machine

ME, BOB = "@me:localhost", "@bob:localhost"
Json = dict[str, Any]


class Server:
    """Answers ``/keys/query`` with what it is given, and counts the users asked for."""

    def __init__(self) -> None:
        self.answer: Json = {"device_keys": {}}
        self.asked: list[list[str]] = []
        self.during: Callable[[], None] = lambda: None

    async def api(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        assert (method, path.endswith("/keys/query")) == ("POST", True)
        users: Any = (body or {})["device_keys"]
        self.asked.append(sorted(users))
        self.during()
        return self.answer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CryptoStore]:
    opened = CryptoStore(tmp_path / "me.db", ME, "MINE", "key")
    yield opened
    opened.close()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def lists(server: Server, store: CryptoStore) -> DeviceLists:
    return opened(server, store)


def opened(server: Server, store: CryptoStore, now: float = 0.0) -> DeviceLists:
    verify = Machine(ME, "MINE", store).verify_json
    identities = Identities(store, verify, ME, lambda: now)
    return DeviceLists(server, store, verify, (ME, "MINE"), lambda: now, identities)


def bobs_device(tmp_path: Path, name: str = "PHONE") -> Json:
    """A new device of Bob's, signed by itself."""
    store = CryptoStore(tmp_path / f"{name}.db", BOB, name, "key")
    keys: Json = Machine(BOB, name, store).device_keys()
    store.close()
    (tmp_path / f"{name}.db").unlink()
    return keys


def names(lists: DeviceLists) -> list[str]:
    return [device.device_id for device in lists.devices_of([BOB])]


async def test_signed_device_is_known_also_after_a_restart(
    lists: DeviceLists, server: Server, store: CryptoStore, tmp_path: Path
) -> None:
    phone = bobs_device(tmp_path)
    server.answer = {"device_keys": {BOB: {"PHONE": phone}}}
    await lists.ensure([BOB])
    assert names(lists) == ["PHONE"]
    again = opened(server, store)
    assert again.devices_of([BOB]) == lists.devices_of([BOB])
    asked = len(server.asked)
    await again.ensure([BOB])
    assert len(server.asked) == asked


HOSTILE: dict[str, Callable[[Json], object]] = {
    "nothing": lambda _: None,
    "a list": lambda device: [device],
    "no keys": lambda device: device | {"keys": None},
    "no ed25519": lambda device: device | {"keys": {"curve25519:PHONE": "A"}},
    "keys of other types": lambda device: (
        device | {"keys": {"ed25519:PHONE": 1, "curve25519:PHONE": []}}
    ),
    "another user": lambda device: device | {"user_id": "@mallory:localhost"},
    "another device": lambda device: device | {"device_id": "TABLET"},
    "no signature": lambda device: device | {"signatures": {}},
    "garbage signature": lambda device: device | {"signatures": {BOB: {"ed25519:PHONE": "A" * 86}}},
    "signature of another type": lambda device: device | {"signatures": [BOB]},
    "swapped curve key": lambda device: (
        device | {"keys": device["keys"] | {"curve25519:PHONE": "A" * 43}}
    ),
    "surrogates": lambda device: device | {"more": "\ud800"},
}


@pytest.mark.parametrize("shape", HOSTILE)
async def test_malformed_device_is_no_device_and_costs_no_other(
    lists: DeviceLists, server: Server, tmp_path: Path, shape: str
) -> None:
    good = bobs_device(tmp_path, "DESK")
    bad = HOSTILE[shape](bobs_device(tmp_path))
    server.answer = {"device_keys": {BOB: {"PHONE": bad, "DESK": good}}}
    await lists.ensure([BOB])
    assert names(lists) == ["DESK"]


@pytest.mark.parametrize("answer", [{}, {"device_keys": 5}, {"device_keys": {BOB: []}}])
async def test_malformed_answer_takes_no_device_away(
    lists: DeviceLists, server: Server, tmp_path: Path, answer: Json
) -> None:
    server.answer = {"device_keys": {BOB: {"PHONE": bobs_device(tmp_path)}}}
    await lists.ensure([BOB])
    server.answer = answer
    lists.changed([BOB])
    with suppress(ServerTrouble):
        await lists.ensure([BOB])
    assert names(lists) == ["PHONE"]


async def test_device_keeps_its_first_keys(
    lists: DeviceLists, server: Server, tmp_path: Path
) -> None:
    server.answer = {"device_keys": {BOB: {"PHONE": bobs_device(tmp_path)}}}
    await lists.ensure([BOB])
    before = lists.devices_of([BOB])
    server.answer = {"device_keys": {BOB: {"PHONE": bobs_device(tmp_path)}}}
    lists.changed([BOB])
    await lists.ensure([BOB])
    assert lists.devices_of([BOB]) == before


async def test_deleted_device_is_gone(lists: DeviceLists, server: Server, tmp_path: Path) -> None:
    server.answer = {"device_keys": {BOB: {"PHONE": bobs_device(tmp_path)}}}
    await lists.ensure([BOB])
    server.answer = {"device_keys": {BOB: {}}}
    lists.changed([BOB])
    await lists.refresh()
    assert names(lists) == []


async def test_change_heard_during_a_query_is_asked_for_again(
    lists: DeviceLists, server: Server
) -> None:
    server.during = lambda: lists.changed([BOB])
    await lists.ensure([BOB])
    server.during = lambda: None
    await lists.ensure([BOB])
    await lists.ensure([BOB])
    assert server.asked.count([BOB]) == 2


async def test_changes_of_strangers_are_not_asked_for(lists: DeviceLists, server: Server) -> None:
    await lists.refresh()
    lists.changed(["@stranger:localhost"])
    await lists.refresh()
    assert server.asked == [[ME]]


async def test_user_who_left_is_asked_for_anew_when_met_again(
    lists: DeviceLists, server: Server
) -> None:
    await lists.ensure([BOB])
    lists.left([BOB, ME])
    lists.changed([BOB])
    await lists.ensure([BOB, ME])
    assert server.asked == [[BOB], [BOB, ME]]


async def test_unwatched_user_is_asked_for_every_time_until_watched(
    lists: DeviceLists, server: Server, store: CryptoStore
) -> None:
    await lists.ensure([BOB, ME], unwatched=[BOB])
    await lists.refresh()
    await lists.ensure([BOB, ME], unwatched=[BOB])
    again = opened(server, store)
    await again.ensure([BOB, ME])
    await again.ensure([BOB, ME])
    assert server.asked == [[BOB, ME], [BOB], [BOB]]


async def test_unwatched_user_was_watched_before(lists: DeviceLists, server: Server) -> None:
    await lists.ensure([BOB])
    await lists.ensure([BOB], unwatched=[BOB])
    assert server.asked == [[BOB]] * 2


async def test_missed_changes_make_every_list_outdated(lists: DeviceLists, server: Server) -> None:
    await lists.ensure([BOB, ME])
    lists.lost()
    await lists.refresh()
    assert server.asked == [[BOB, ME]] * 2


async def test_outdated_list_is_asked_for_after_a_restart(
    lists: DeviceLists, server: Server, store: CryptoStore
) -> None:
    await lists.ensure([BOB, ME])
    lists.changed([BOB])
    await opened(server, store).refresh()
    assert server.asked == [[BOB, ME], [BOB]]


async def test_failed_query_is_repeated(lists: DeviceLists, server: Server, tmp_path: Path) -> None:
    def fail() -> None:
        raise ServerTrouble("no")

    server.during = fail
    with pytest.raises(ServerTrouble):
        await lists.ensure([BOB])
    server.during = lambda: None
    server.answer = {"device_keys": {BOB: {"PHONE": bobs_device(tmp_path)}}}
    await lists.ensure([BOB])
    assert names(lists) == ["PHONE"]


async def test_server_that_is_down_keeps_the_old_list_and_is_asked_again_later(
    lists: DeviceLists, server: Server, store: CryptoStore, tmp_path: Path
) -> None:
    server.answer = {"device_keys": {BOB: {"PHONE": bobs_device(tmp_path)}}}
    await lists.ensure([BOB])
    lists.changed([BOB])
    server.answer = {"device_keys": {}, "failures": {"localhost": {}}}
    await lists.ensure([BOB])
    await lists.ensure([BOB])
    assert names(lists) == ["PHONE"]
    assert server.asked == [[BOB]] * 2
    server.answer = {"device_keys": {BOB: {}}}
    later = opened(server, store, now=3600.0)
    await later.ensure([BOB])
    assert names(later) == []


async def test_owner_of_a_key_is_who_lists_it(
    lists: DeviceLists, server: Server, tmp_path: Path
) -> None:
    phone = bobs_device(tmp_path)
    server.answer = {"device_keys": {BOB: {"PHONE": phone}}}
    await lists.ensure([BOB])
    assert lists.owners(phone["keys"]["curve25519:PHONE"]) == {BOB}
    assert lists.owners("unknown") == frozenset()
