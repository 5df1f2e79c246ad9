"""What other people and servers may put into encrypted traffic; nothing of it may raise."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import Any

import pytest
import vodozemac

from dmtui.core.events import Undecryptable
from dmtui.core.model import RoomId
from dmtui.matrix.room_decryption import WITHHELD
from tests.homeserver.account import Json
from tests.homeserver.talker import Party, Talker, encrypted_room

WAITING = "No key for this message: it may still come, or it was sent before you signed in here."
STRANGER = "@stranger:localhost"


def sealed(talker: Talker, **changes: object) -> Json:
    """An Olm event for the talker that nobody can open."""
    body = {"type": 0, "body": "AwogAAAAAAAA", **changes}
    content = {
        "algorithm": "m.olm.v1.curve25519-aes-sha2",
        "sender_key": "xBxWNDKo3bdWBnzrSlNYxBxWNDKo3bdWBnzrSlNYxBw",
        "ciphertext": {_curve25519(talker): body},
    }
    return {"type": "m.room.encrypted", "sender": STRANGER, "content": content}


def malformed(talker: Talker) -> list[Any]:
    whole = sealed(talker)
    deep: Json = {}
    for _ in range(500):
        deep = {"deeper": deep}
    return [
        None,
        7,
        [],
        {},
        {"type": "m.room.encrypted"},
        {"type": ["m.room.encrypted"], "sender": {}, "content": 3},
        {"type": "m.room.encrypted", "sender": STRANGER, "content": None},
        {**whole, "content": {**whole["content"], "ciphertext": "text"}},
        {**whole, "content": {**whole["content"], "sender_key": 5}},
        {**whole, "content": {**whole["content"], "sender_key": "\ud800"}},
        {**whole, "content": {**whole["content"], "more": deep}},
        whole,
        sealed(talker, type=1),
        sealed(talker, type=True),
        sealed(talker, type=9),
        sealed(talker, body="ä"),
        sealed(talker, body=""),
        sealed(talker, type=1, body="!!!"),
        {"type": "m.room_key.withheld", "sender": STRANGER, "content": {"room_id": 4}},
        {"type": "m.room_key.withheld", "sender": STRANGER, "content": {"code": "\ud800"}},
        {"type": "m.room_key_request", "sender": STRANGER, "content": {"action": "request"}},
        {"type": "m.room_key", "sender": STRANGER, "content": {"session_key": "A"}},
    ]


def _curve25519(talker: Talker) -> str:
    asked: Json = {"device_keys": {talker.account.user_id: []}}
    answer = talker.account.api("POST", "v3/keys/query", asked)
    device = answer["device_keys"][talker.account.user_id][talker.account.device_id]
    return str(device["keys"][f"curve25519:{talker.account.device_id}"])


async def test_room_key_arrives_among_malformed_to_device_events(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "through the noise")
    answer = bob.fetch()
    noise = malformed(bob)
    answer["to_device"]["events"] = [*noise, *answer["to_device"]["events"], *noise]
    arrived = await bob.take_in(answer)
    assert [room for room, _ in arrived] == [room_id]
    assert bob.read() == ["through the noise"]


async def test_malformed_device_lists_and_counts_are_passed_over(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    bad_lists: list[Json] = [
        {"changed": 3, "left": [None, {}, "\ud800", 5]},
        {"changed": ["nobody", bob.account.user_id]},
    ]
    for bad in bad_lists:
        types: list[Any] = [7]
        await alice.crypto.receive([], bad, {"signed_curve25519": "many"}, types, "b")
        await alice.crypto.maintain()
    await alice.say(room_id, "still here")
    await bob.sync()
    assert bob.read() == ["still here"]


async def test_repeated_batch_gives_the_same_keys_and_breaks_no_session(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "one")
    first = await bob.take_in(bob.fetch(), commit=False)
    await bob.restart()
    await alice.say(room_id, "two")
    again = await bob.take_in(bob.fetch())
    assert set(first) == set(again) != set()
    await bob.sync()
    await bob.say(room_id, "three")
    await alice.sync()
    await alice.say(room_id, "four")
    await bob.sync()
    assert [body for body in bob.read() if body != "one"] == ["two", "three", "four"]
    assert _sessions(bob) == _sessions(alice) == 1


def _sessions(talker: Talker) -> int:
    """How many Olm sessions the talker keeps."""
    with contextlib.closing(sqlite3.connect(talker.directory / "crypto.db")) as database:
        return int(database.execute("SELECT count(*) FROM olm").fetchone()[0])


async def test_replayed_ciphertext_is_refused_also_after_a_restart(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "pay him")
    await bob.sync()
    assert bob.read() == ["pay him"]
    await bob.restart()
    assert bob.read() == ["pay him"]
    room, event = bob.seen[0]
    replayed = bob.crypto.decrypt(room, {**event, "event_id": "$another"})
    assert isinstance(replayed, Undecryptable)
    assert replayed.reason == "This message repeats an earlier one."


async def test_message_in_the_name_of_another_member_is_refused(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    mallory = await party.guest()
    alice.account.invite(room_id, mallory.account)
    mallory.account.join(room_id)
    await mallory.sync()
    await mallory.say(room_id, "send money")
    await bob.sync()
    room, event = bob.seen[0]
    spoofed = bob.crypto.decrypt(room, {**event, "sender": alice.account.user_id})
    assert isinstance(spoofed, Undecryptable)
    assert spoofed.reason == "The key of this message belongs to somebody other than its sender."
    assert bob.read() == ["send money"]


async def test_message_of_another_room_is_refused(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    other = encrypted_room(alice.account, bob.account)
    await alice.say(room_id, "here")
    await bob.sync()
    elsewhere = bob.crypto.decrypt(RoomId(other), bob.seen[0][1])
    assert isinstance(elsewhere, Undecryptable)
    assert elsewhere.reason == WAITING


async def test_events_without_the_deprecated_fields_are_read(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "modern")
    await bob.sync()
    for field in ("sender_key", "device_id"):
        del bob.seen[0][1]["content"][field]
    assert bob.read() == ["modern"]


@pytest.mark.parametrize(
    "change",
    [
        {"ciphertext": 5},
        {"ciphertext": {"a": "b"}},
        {"ciphertext": "A"},
        {"ciphertext": "ä" * 100},
        {"ciphertext": "A" * 60_000},
        {"session_id": None},
        {"session_id": "\ud800"},
        {"session_id": ["a"]},
        {"algorithm": "m.megolm.v9"},
        {"algorithm": 1},
    ],
)
async def test_garbage_message_is_undecryptable(party: Party, change: Json) -> None:
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "good")
    await bob.sync()
    room, event = bob.seen[0]
    bad = bob.crypto.decrypt(room, {**event, "content": {**event["content"], **change}})
    assert isinstance(bad, Undecryptable)
    assert bad.reason
    assert bob.read() == ["good"]


@pytest.mark.parametrize(
    "plaintext",
    [
        "no json",
        "[]",
        "[" * 30_000,
        '{"type":"m.room.message","room_id":ROOM,"content":' + '{"a":' * 200 + "1" + "}" * 201,
        '{"type":"m.room.message","room_id":ROOM,"content":{"n":NaN}}',
        '{"type":"m.room.message","room_id":ROOM,"content":{"n":1e999}}',
        '{"type":"m.room.message","room_id":ROOM,"content":{"n":' + "9" * 5000 + "}}",
        '{"type":"m.room.message","room_id":ROOM,"content":"text"}',
        '{"type":7,"room_id":ROOM,"content":{}}',
        '{"type":"m.room.message","room_id":"!other","content":{}}',
        '{"type":"m.room.member","state_key":"@x:y","room_id":ROOM,"content":{}}',
    ],
)
async def test_garbage_inside_the_ciphertext_is_undecryptable(party: Party, plaintext: str) -> None:
    alice, bob, room_id = await party.pair()
    event = await _smuggled(alice, bob, room_id, plaintext.replace("ROOM", json.dumps(room_id)))
    found = bob.crypto.decrypt(RoomId(room_id), event)
    assert isinstance(found, Undecryptable)
    assert found.reason != WAITING


async def test_lone_surrogates_in_a_message_become_replacement_characters(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    body = '{"type":"m.room.message","room_id":ROOM,"content":{"body":"a\\ud800\\u202e😀"}}'
    event = await _smuggled(alice, bob, room_id, body.replace("ROOM", json.dumps(room_id)))
    found = bob.crypto.decrypt(RoomId(room_id), event)
    assert isinstance(found, dict)
    assert found["content"] == {"body": "a\ufffd\u202e😀"}


async def _smuggled(alice: Talker, bob: Talker, room_id: str, plaintext: str) -> Json:
    """An event of Alice's whose ciphertext holds just this text, its key given to Bob."""
    group = vodozemac.GroupSession()
    key: Json = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "room_id": room_id,
        "session_id": group.session_id,
        "session_key": group.session_key.to_base64(),
    }
    await alice.crypto.lists.ensure([bob.account.user_id])
    (device,) = alice.crypto.lists.devices_of([bob.account.user_id])
    await alice.crypto.to_device.meet([device])
    await alice.crypto.to_device.deliver([(device, "m.room_key", key)])
    await bob.sync()
    content = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "session_id": group.session_id,
        "ciphertext": group.encrypt(plaintext.encode()).to_base64(),
    }
    return {
        "type": "m.room.encrypted",
        "sender": alice.account.user_id,
        "event_id": "$smuggled",
        "content": content,
    }


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("m.blacklisted", WITHHELD["m.blacklisted"]),
        ("m.unverified", WITHHELD["m.unverified"]),
        ("org.example.mood", "The sender withheld the key."),
    ],
)
async def test_withheld_key_gives_the_senders_reason(party: Party, code: str, reason: str) -> None:
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "not for you")
    answer = bob.fetch()
    (event,) = answer["rooms"]["join"][room_id]["timeline"]["events"][-1:]
    withheld = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "room_id": room_id,
        "session_id": event["content"]["session_id"],
        "code": code,
    }
    key, answer["to_device"]["events"] = (
        answer["to_device"]["events"],
        [{"type": "m.room_key.withheld", "sender": alice.account.user_id, "content": withheld}],
    )
    await bob.take_in(answer)
    assert bob.read() == [reason]
    answer["to_device"]["events"] = key
    await bob.crypto.receive(key, {}, None, None, "later")
    assert bob.read() == ["not for you"]


async def test_withheld_notice_of_somebody_else_says_nothing(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "hello")
    answer = bob.fetch()
    answer["to_device"]["events"] = []
    await bob.take_in(answer)
    withheld: Json = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "room_id": room_id,
        "session_id": bob.seen[0][1]["content"]["session_id"],
        "code": "m.blacklisted",
    }
    event: Json = {"type": "m.room_key.withheld", "sender": STRANGER, "content": withheld}
    await bob.crypto.receive([event], {}, None, None, "later")
    assert bob.read() == [WAITING]


async def test_key_request_of_a_stranger_is_not_answered(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    mallory = await party.guest()
    await alice.say(room_id, "secret")
    await bob.sync()
    request = {
        "action": "request",
        "request_id": "1",
        "requesting_device_id": mallory.account.device_id,
        "body": {
            "algorithm": "m.megolm.v1.aes-sha2",
            "room_id": room_id,
            "session_id": bob.seen[0][1]["content"]["session_id"],
            "sender_key": bob.seen[0][1]["content"]["sender_key"],
        },
    }
    target = f"v3/sendToDevice/m.room_key_request/{mallory.account.device_id}"
    for talker in (alice, bob):
        everyone = {talker.account.user_id: {"*": request}}
        mallory.account.api("PUT", f"{target}{talker.account.localpart}", {"messages": everyone})
        await talker.sync()
    assert mallory.fetch().get("to_device", {}).get("events", []) == []
