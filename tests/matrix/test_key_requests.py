"""Room keys asked of my other devices: who is asked, how often, and which answers are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dmtui.core.errors import Unreachable
from dmtui.core.model import JsonObject
from dmtui.matrix.key_requests import AGAIN, AT_ONCE, MOST_ASKED, TURN
from dmtui.matrix.room_keys import MEGOLM, RoomKey, Source, forwarded
from tests.matrix.own_device import ROOM, OwnDevice, Server, reaching, some_key
from tests.matrix.test_secret_requests import MALLORY, ME

Json = dict[str, Any]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def mine(server: Server, tmp_path: Path) -> Iterator[OwnDevice]:
    """The device that lacks keys."""
    device = OwnDevice(server, "MINE", tmp_path)
    device.confirm()
    yield device
    device.close()


@pytest.fixture
def other(server: Server, tmp_path: Path) -> Iterator[OwnDevice]:
    device = OwnDevice(server, "OTHER", tmp_path)
    device.confirm()
    yield device
    device.close()


@pytest.fixture
def stranger(server: Server, tmp_path: Path) -> Iterator[OwnDevice]:
    """A device of mine that nobody has confirmed."""
    device = OwnDevice(server, "STRANGER", tmp_path)
    yield device
    device.close()


async def wants(mine: OwnDevice, key: RoomKey) -> None:
    mine.asking.want(ROOM, key.session.id)
    await mine.settle()


def kept(mine: OwnDevice, key: RoomKey) -> list[RoomKey]:
    return mine.store.room_keys(ROOM, key.session.id)


def answer(other: OwnDevice, key: RoomKey, **changed: object) -> JsonObject:
    content: Json = {**forwarded(key), **changed}
    return {
        "type": "m.forwarded_room_key",
        "keys": {"ed25519": other.machine.ed25519},
        "content": content,
    }


async def test_key_that_is_nowhere_else_comes_from_my_other_device(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    key = some_key(3)
    other.machine.keep_room_key(key)
    await wants(mine, key)
    ((device_id, request),) = server.asked()
    other.answering.hear(ME, request)
    await other.settle()
    (sealed,) = server.sealed("MINE")
    sender_key, payload = mine.open(sealed)
    assert device_id == "OTHER"
    assert mine.asking.take(ME, sender_key, payload) == (ROOM, key.session.id)
    (found,) = kept(mine, key)
    assert (found.source, found.owner, found.reach) == (Source.FORWARD, "", 3)
    assert (found.session.sender_key, found.session.ed25519) == ("bob's curve", "bob's ed")


async def test_request_says_what_the_specification_asks_for(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    key = some_key()
    await wants(mine, key)
    ((_, request),) = server.asked()
    assert request.pop("request_id")
    assert request == {
        "action": "request",
        "body": {"algorithm": MEGOLM, "room_id": ROOM, "session_id": key.session.id},
        "requesting_device_id": "MINE",
    }


async def test_each_session_is_asked_for_once_in_a_run(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    key = some_key()
    for _ in range(3):
        await wants(mine, key)
    mine.machine.keep_room_key(key)
    await mine.settle()
    await wants(mine, key)
    assert len(server.asked()) == 1


async def test_earlier_part_is_asked_for_where_a_key_came_from_a_later_message_on(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    key = some_key()
    await wants(mine, key)
    mine.machine.keep_room_key(reaching(key, 5))
    await wants(mine, key)
    await wants(mine, key)
    (_, first), (_, again) = server.asked()
    assert first["body"] == again["body"]
    assert mine.taken(other.machine.curve25519, answer(other, key))
    assert [found.reach for found in kept(mine, key)] == [0]


async def test_unanswered_request_is_repeated_once(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    await wants(mine, some_key())
    for _ in range(5):
        server.now += AGAIN
        await mine.settle()
    (_, first), (_, again) = server.asked()
    assert first == again


async def test_only_confirmed_devices_of_mine_are_asked(
    server: Server, mine: OwnDevice, other: OwnDevice, stranger: OwnDevice
) -> None:
    await wants(mine, some_key())
    assert [device_id for device_id, _ in server.asked()] == ["OTHER"]


async def test_blocked_device_is_not_asked(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    await mine.lists.refresh()
    (device,) = mine.lists.devices_of([ME])
    mine.lists.block(device)
    await wants(mine, some_key())
    assert server.asked() == []


async def test_what_waits_is_asked_for_once_a_device_is_confirmed(
    server: Server, mine: OwnDevice, stranger: OwnDevice
) -> None:
    await wants(mine, some_key())
    assert server.asked() == []
    stranger.confirm()
    mine.lists.changed([ME])
    await mine.settle()
    assert [device_id for device_id, _ in server.asked()] == ["STRANGER"]


async def test_nobody_is_asked_while_this_device_trusts_no_identity(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    mine.store._do("DELETE FROM identity")
    await wants(mine, some_key())
    assert server.asked() == []


async def test_requests_are_bounded_in_a_minute_and_in_a_run(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    for number in range(2 * MOST_ASKED):
        mine.asking.want(ROOM, f"session {number}")
    await mine.settle()
    await mine.settle()
    assert len(server.asked()) == AT_ONCE
    assert server.asked()[0][1]["body"]["session_id"] == f"session {2 * MOST_ASKED - 1}"
    for _ in range(MOST_ASKED // AT_ONCE + 1):
        server.now += TURN + 1
        await mine.settle()
    assert len({content["request_id"] for _, content in server.asked()}) == MOST_ASKED
    assert len(server.asked()) == 2 * MOST_ASKED


async def test_request_that_could_not_be_sent_is_sent_later(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    await mine.lists.refresh()
    server.down = True
    with pytest.raises(Unreachable):
        await wants(mine, some_key())
    server.down = False
    await mine.settle()
    assert len(server.asked()) == 1


@pytest.mark.parametrize("forwarded_", [True, False], ids=["an answer", "another way"])
async def test_request_is_taken_back_everywhere_once_the_key_has_come(
    server: Server, mine: OwnDevice, other: OwnDevice, stranger: OwnDevice, forwarded_: bool
) -> None:
    stranger.confirm()
    key = some_key()
    await wants(mine, key)
    if forwarded_:
        assert mine.taken(other.machine.curve25519, answer(other, key))
    else:
        mine.machine.keep_room_key(key)
    await mine.settle()
    await mine.settle()
    assert sorted(device_id for device_id, _ in server.asked("request_cancellation")) == [
        "OTHER",
        "STRANGER",
    ]
    asked, back = server.asked(), server.asked("request_cancellation")
    assert {content["request_id"] for _, content in asked + back} == {asked[0][1]["request_id"]}


async def test_key_from_an_earlier_message_on_is_asked_for_and_joins_the_one_that_is_there(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    key = some_key()
    mine.machine.keep_room_key(reaching(key, 5))
    await wants(mine, key)
    await mine.settle()
    assert server.asked("request_cancellation") == []
    assert mine.taken(other.machine.curve25519, answer(other, key))
    (found,) = kept(mine, key)
    assert (found.source, found.owner, found.reach) == (Source.OLM, "@bob:s", 0)


@pytest.mark.parametrize("source", [Source.OLM, Source.FILE])
async def test_forwarded_key_displaces_none_that_has_a_better_origin(
    mine: OwnDevice, other: OwnDevice, source: Source
) -> None:
    key = some_key(source=source)
    await wants(mine, key)
    mine.machine.keep_room_key(key)
    assert mine.taken(other.machine.curve25519, answer(other, key))
    (found,) = kept(mine, key)
    assert found.source is source


async def test_key_of_another_device_stands_beside_the_one_from_its_sender(
    mine: OwnDevice, other: OwnDevice
) -> None:
    key = some_key()
    await wants(mine, key)
    mine.machine.keep_room_key(key)
    assert mine.taken(other.machine.curve25519, answer(other, key, sender_key="forged"))
    best, _ = kept(mine, key)
    assert (best.source, best.session.sender_key) == (Source.OLM, "bob's curve")


def of_somebody_else(mine: OwnDevice, other: OwnDevice, key: RoomKey) -> bool:
    return mine.taken(other.machine.curve25519, answer(other, key), MALLORY)


def of_a_device_that_was_not_asked(mine: OwnDevice, other: OwnDevice, key: RoomKey) -> bool:
    return mine.taken("another curve25519", answer(other, key))


def under_another_fingerprint(mine: OwnDevice, other: OwnDevice, key: RoomKey) -> bool:
    said = {**answer(other, key), "keys": {"ed25519": "another"}}
    return mine.taken(other.machine.curve25519, said)


def of_another_session(mine: OwnDevice, other: OwnDevice, key: RoomKey) -> bool:
    return mine.taken(other.machine.curve25519, answer(other, some_key()))


def of_another_room(mine: OwnDevice, other: OwnDevice, key: RoomKey) -> bool:
    return mine.taken(other.machine.curve25519, answer(other, key, room_id="!other:s"))


def labelled_as_the_session(mine: OwnDevice, other: OwnDevice, key: RoomKey) -> bool:
    content = answer(other, some_key(), session_id=key.session.id)
    return mine.taken(other.machine.curve25519, content)


def of_a_device_that_was_blocked_meanwhile(mine: OwnDevice, other: OwnDevice, key: RoomKey) -> bool:
    (device,) = mine.lists.devices_of([ME])
    mine.lists.block(device)
    return mine.taken(other.machine.curve25519, answer(other, key))


@pytest.mark.parametrize(
    "offer",
    [
        of_somebody_else,
        of_a_device_that_was_not_asked,
        under_another_fingerprint,
        of_another_session,
        of_another_room,
        labelled_as_the_session,
        of_a_device_that_was_blocked_meanwhile,
    ],
)
async def test_key_that_was_not_asked_of_its_sender_is_refused(
    mine: OwnDevice, other: OwnDevice, offer: Callable[[OwnDevice, OwnDevice, RoomKey], bool]
) -> None:
    key = some_key()
    await wants(mine, key)
    assert not offer(mine, other, key)
    assert mine.store.sessions() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"algorithm": "m.other"},
        {"session_key": "*"},
        {"session_key": 1},
        {"sender_key": None},
        {"sender_key": "x" * 300},
        {"sender_claimed_ed25519_key": None},
        {"sender_claimed_ed25519_key": ["x"]},
        {"forwarding_curve25519_key_chain": None},
        {"room_id": 1},
        {"session_id": None},
    ],
)
async def test_malformed_key_is_refused(mine: OwnDevice, other: OwnDevice, changed: Json) -> None:
    key = some_key()
    await wants(mine, key)
    assert not mine.taken(other.machine.curve25519, answer(other, key, **changed))
    assert mine.store.sessions() == []
    assert mine.taken(other.machine.curve25519, answer(other, key))


async def test_key_that_nobody_asked_for_is_refused(mine: OwnDevice, other: OwnDevice) -> None:
    await mine.lists.refresh()
    assert not mine.taken(other.machine.curve25519, answer(other, some_key()))


async def test_answer_is_taken_again_with_a_batch_that_is_taken_in_again(
    mine: OwnDevice, other: OwnDevice
) -> None:
    key = some_key()
    await wants(mine, key)
    mine.store._do("BEGIN")
    assert mine.taken(other.machine.curve25519, answer(other, key))
    mine.store._do("ROLLBACK")
    assert not kept(mine, key)
    assert mine.taken(other.machine.curve25519, answer(other, key))
    assert kept(mine, key)


def refusal(other: OwnDevice, key: RoomKey, **changed: object) -> Json:
    content: Json = {
        "algorithm": MEGOLM,
        "code": "m.unavailable",
        "room_id": ROOM,
        "session_id": key.session.id,
        "sender_key": other.machine.curve25519,
    }
    return {**content, **changed}


async def test_device_that_lacks_the_key_says_so_and_the_others_are_awaited(
    server: Server, mine: OwnDevice, other: OwnDevice, stranger: OwnDevice
) -> None:
    stranger.confirm()
    key = some_key()
    await wants(mine, key)
    assert mine.asking.take_refusal(ME, refusal(other, key))
    await mine.settle()
    assert mine.taken(stranger.machine.curve25519, answer(stranger, key))


async def test_nothing_is_awaited_once_every_device_lacks_the_key(
    server: Server, mine: OwnDevice, other: OwnDevice
) -> None:
    key = some_key()
    await wants(mine, key)
    assert mine.asking.take_refusal(ME, refusal(other, key))
    await mine.settle()
    assert not mine.taken(other.machine.curve25519, answer(other, key))
    assert server.asked("request_cancellation") == []


async def test_refusal_that_is_no_answer_is_for_others_to_judge(
    mine: OwnDevice, other: OwnDevice
) -> None:
    key = some_key()
    await wants(mine, key)
    assert not mine.asking.take_refusal(MALLORY, refusal(other, key))
    assert not mine.asking.take_refusal(ME, refusal(other, some_key()))
    assert not mine.asking.take_refusal(ME, refusal(other, key, sender_key="another"))
    assert not mine.asking.take_refusal(ME, refusal(other, key, code="m.blacklisted"))
