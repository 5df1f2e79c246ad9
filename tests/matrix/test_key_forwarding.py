"""Requests for room keys: which of my devices get them, and what is never answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dmtui.matrix.room_keys import MEGOLM, RoomKey
from tests.matrix.own_device import ROOM, OwnDevice, Server, some_key
from tests.matrix.test_secret_requests import MALLORY, ME

Json = dict[str, Any]
KEY = some_key(2)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def mine(server: Server, tmp_path: Path) -> Iterator[OwnDevice]:
    """The device that has the key."""
    device = OwnDevice(server, "MINE", tmp_path)
    device.machine.keep_room_key(KEY)
    yield device
    device.close()


@pytest.fixture
def other(server: Server, tmp_path: Path) -> Iterator[OwnDevice]:
    device = OwnDevice(server, "OTHER", tmp_path)
    yield device
    device.close()


def request(key: RoomKey = KEY, body: object = None, **changed: object) -> Json:
    session: Json = {"algorithm": MEGOLM, "room_id": ROOM, "session_id": key.session.id}
    content: Json = {
        "action": "request",
        "body": session if body is None else body,
        "request_id": "1",
        "requesting_device_id": "OTHER",
    }
    return {**content, **changed}


def body(**changed: object) -> Json:
    return {**request()["body"], **changed}


async def test_confirmed_device_gets_the_key_once_from_the_first_message_that_it_reads(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    other.confirm()
    for _ in range(2):
        mine.answering.hear(ME, request())
        await mine.settle()
    (sealed,) = server.sealed("OTHER")
    sender_key, payload = other.open(sealed)
    assert sender_key == mine.machine.curve25519
    assert payload["content"] == {
        "algorithm": MEGOLM,
        "room_id": ROOM,
        "session_id": KEY.session.id,
        "session_key": KEY.session.export_session(2),
        "sender_key": "bob's curve",
        "sender_claimed_ed25519_key": "bob's ed",
        "forwarding_curve25519_key_chain": [],
        "shared_history": False,
    }


async def test_request_waits_until_its_device_is_confirmed(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    mine.answering.hear(ME, request())
    await mine.settle()
    assert server.sent == []
    other.confirm()
    mine.lists.changed([ME])
    await mine.settle()
    assert len(server.sealed("OTHER")) == 1


async def test_request_waits_for_its_key(server: Server, mine: OwnDevice, other: OwnDevice) -> None:
    other.confirm()
    key = some_key()
    mine.answering.hear(ME, request(key))
    await mine.settle()
    assert server.sent == []
    mine.machine.keep_room_key(key)
    await mine.settle()
    assert len(server.sealed("OTHER")) == 1


async def test_request_that_was_taken_back_is_not_answered(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    other.confirm()
    mine.answering.hear(ME, request())
    mine.answering.hear(ME, request(action="request_cancellation"))
    await mine.settle()
    assert server.sent == []


async def test_blocked_device_gets_no_key(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    other.confirm()
    await mine.lists.refresh()
    (device,) = mine.lists.devices_of([ME])
    mine.lists.block(device)
    mine.answering.hear(ME, request())
    await mine.settle()
    assert server.sent == []


async def test_requests_that_wait_are_bounded(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    mine.answering.hear(ME, request())
    for number in range(1000):
        mine.answering.hear(ME, request(request_id=f"flood {number}"))
    assert len(mine.answering._waiting) == mine.answering.most_waiting


REFUSED: dict[str, tuple[str, Json]] = {
    "of somebody else": (MALLORY, request()),
    "of another action": (ME, request(action="demand")),
    "without an ID": (ME, request(request_id="")),
    "of this very device": (ME, request(requesting_device_id="MINE")),
    "of a device that is not there": (ME, request(requesting_device_id="THIRD")),
    "without a body": (ME, request(body=[])),
    "of another algorithm": (ME, request(body=body(algorithm="m.other"))),
    "of no room": (ME, request(body=body(room_id=1))),
    "of another room": (ME, request(body=body(room_id="!other:s"))),
    "of no session": (ME, request(body=body(session_id=["x"]))),
    "of an endless session": (ME, request(body=body(session_id="x" * 300))),
}


@pytest.mark.parametrize("shape", REFUSED)
async def test_request_that_is_not_ours_to_answer_is_ignored(
    server: Server, mine: OwnDevice, other: OwnDevice, shape: str
) -> None:
    other.confirm()
    sender, content = REFUSED[shape]
    mine.answering.hear(sender, content)
    await mine.settle()
    await mine.settle()
    assert server.sent == []
