"""Two of our own machines verifying each other, and what happens when somebody interferes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from nio.crypto import Sas

from dmtui.core.errors import NotFound
from dmtui.core.model import JsonObject, RoomId, UserId
from dmtui.core.verification import EMOJI, Phase
from dmtui.matrix import verification
from dmtui.matrix.cross_signing import key_object
from dmtui.matrix.identity import USER_SIGNING
from dmtui.matrix.sas import BreachError, commitment
from tests.matrix.sides import (
    ALICE,
    BOB,
    MALLORY,
    NOW,
    ROOM,
    Json,
    Server,
    Side,
    agree,
    cancels,
    compare,
    phases,
    seeds,
    settle,
)


def test_the_table_of_emoji_is_that_of_the_specification() -> None:
    assert [sign for sign, _ in EMOJI] == [sign for sign, _ in Sas.emoji]
    assert EMOJI[34] == ("🔧", "Spanner")
    assert len({name for _, name in EMOJI}) == 64


@pytest.mark.parametrize("room", [ROOM, None])
async def test_people_who_see_the_same_verify_each_other(
    server: Server, alice: Side, bob: Side, room: RoomId | None
) -> None:
    await compare(alice, bob, room)
    assert phases(alice, bob) == [Phase.COMPARING, Phase.COMPARING]
    assert len(alice.one.emoji) == 7
    assert len(alice.one.decimals) == 3
    assert (alice.one.emoji, alice.one.decimals) == (bob.one.emoji, bob.one.decimals)
    await alice.verifications.confirm(alice.one.id)
    await settle(alice, bob)
    assert phases(alice, bob) == [Phase.CONFIRMED, Phase.COMPARING]
    assert server.signatures == []
    await bob.verifications.confirm(bob.one.id)
    await settle(alice, bob)
    assert phases(alice, bob) == [Phase.DONE, Phase.DONE]
    assert sorted(next(iter(body)) for body in server.signatures) == [ALICE, BOB]
    assert (alice.changed, bob.changed) == ([BOB], [ALICE])
    (of_bob,) = [body[BOB] for body in server.signatures if BOB in body]
    ((name, signed),) = of_bob.items()
    master, public = seeds("b").identity().master, seeds("a").identity().user_signing
    assert name == master
    assert alice.machine.verify_json(signed, public, ALICE, public)
    assert cancels(server) == []


async def test_other_device_is_signed_and_comes_to_trust_the_identity(
    server: Server, alice: Side, other: Side
) -> None:
    await compare(other, alice, None)
    await agree(alice, other)
    assert phases(alice, other) == [Phase.DONE, Phase.DONE]
    assert other.store.master_key(ALICE) == seeds("a").identity().master
    (body,) = server.signatures
    signed, public = body[ALICE]["A2"], seeds("a").identity().self_signing
    assert alice.machine.verify_json(signed, public, ALICE, public)


async def test_devices_that_lost_the_race_hear_that_another_one_answered(
    server: Server, alice: Side, other: Side, tmp_path: Path
) -> None:
    third = Side(server, ALICE, "A3", tmp_path)
    try:
        await other.verifications.request(ALICE, None)
        await settle(alice, other, third)
        assert phases(alice, third) == [Phase.ASKED, Phase.ASKED]
        await alice.verifications.accept(alice.one.id)
        await settle(alice, other, third)
        assert phases(alice, other, third) == [Phase.COMPARING, Phase.COMPARING, Phase.ENDED]
        assert third.one.reason == "It goes on at another device."
        assert cancels(server) == [ALICE]
    finally:
        await third.close()


async def test_request_answered_on_my_other_device_ends_on_this_one(
    server: Server, alice: Side, bob: Side, tmp_path: Path
) -> None:
    second = Side(server, BOB, "B2", tmp_path)
    second.publish(seeds("b"))
    try:
        await alice.verifications.request(BOB, ROOM)
        await settle(alice, bob, second)
        await bob.verifications.accept(bob.one.id)
        await settle(alice, bob, second)
        assert phases(alice, bob, second) == [Phase.COMPARING, Phase.COMPARING, Phase.ENDED]
        await agree(alice, bob)
        assert phases(alice, bob) == [Phase.DONE, Phase.DONE]
    finally:
        await second.close()


@pytest.mark.parametrize("room", [ROOM, None])
async def test_mismatch_ends_both_sides_and_signs_nothing(
    server: Server, alice: Side, bob: Side, room: RoomId | None
) -> None:
    await compare(alice, bob, room)
    await bob.verifications.mismatch(bob.one.id)
    await settle(alice, bob)
    assert phases(alice, bob) == [Phase.ENDED, Phase.ENDED]
    assert "did not see the same" in alice.one.reason
    assert server.signatures == []
    assert cancels(server) == [BOB]


async def test_request_can_be_refused(server: Server, alice: Side, bob: Side) -> None:
    await alice.verifications.request(BOB, ROOM)
    await settle(alice, bob)
    await bob.verifications.cancel(bob.one.id)
    await settle(alice, bob)
    assert phases(alice, bob) == [Phase.ENDED, Phase.ENDED]
    assert cancels(server) == [BOB]


async def test_both_may_start_at_once(server: Server, alice: Side, bob: Side) -> None:
    await alice.verifications.request(BOB, ROOM)
    await settle(alice, bob)
    one = bob.verifications._known[bob.one.id]
    await one.accept()
    await one.start()  # before Alice's own start has come
    await settle(alice, bob)
    assert phases(alice, bob) == [Phase.COMPARING, Phase.COMPARING]
    assert alice.one.emoji == bob.one.emoji
    await agree(alice, bob)
    assert phases(alice, bob) == [Phase.DONE, Phase.DONE]


# -- attacks ----------------------------------------------------------------------------------


@contextmanager
def change(server: Server, step: str, **values: object) -> Iterator[None]:
    """Messages of this kind pass with these values."""

    def tamper(kind: str, content: Json) -> Json:
        return {**content, **values} if kind.endswith(f".{step}") else content

    server.tamper = tamper
    yield
    server.tamper = lambda kind, content: content


def another_key() -> str:
    from vodozemac import Sas as Exchange

    return Exchange().public_key.to_base64()


async def test_key_that_was_not_promised_ends_it(server: Server, alice: Side, bob: Side) -> None:
    swapped = another_key()

    def tamper(kind: str, content: Json) -> Json:
        by_bob = server.sent[-1][0] == BOB
        return {**content, "key": swapped} if kind.endswith(".key") and by_bob else content

    server.tamper = tamper
    await compare(alice, bob)
    assert phases(alice, bob) == [Phase.ENDED, Phase.ENDED]
    assert alice.one.reason == "The other device changed its key on the way."
    assert cancels(server) == [ALICE]


async def test_commitment_to_something_else_ends_it(server: Server, alice: Side, bob: Side) -> None:
    with change(server, "accept", commitment=commitment(another_key(), {})):
        await compare(alice, bob)
    assert phases(alice, bob) == [Phase.ENDED, Phase.ENDED]


async def test_somebody_in_between_makes_both_see_different_things(
    server: Server, alice: Side, bob: Side
) -> None:
    swapped = another_key()

    def tamper(kind: str, content: Json) -> Json:
        by_alice = server.sent[-1][0] == ALICE
        return {**content, "key": swapped} if kind.endswith(".key") and by_alice else content

    server.tamper = tamper
    await compare(alice, bob)
    assert phases(alice, bob) == [Phase.COMPARING, Phase.COMPARING]
    assert alice.one.emoji != bob.one.emoji
    assert alice.one.decimals != bob.one.decimals
    await agree(alice, bob)  # even if they do not look
    assert phases(alice, bob) == [Phase.ENDED, Phase.ENDED]
    assert server.signatures == []


@pytest.mark.parametrize("part", ["mac", "keys"])
async def test_wrong_mac_ends_it(server: Server, alice: Side, bob: Side, part: str) -> None:
    await compare(alice, bob)

    def tamper(kind: str, content: Json) -> Json:
        if not kind.endswith(".mac"):
            return content
        if part == "keys":
            return {**content, "keys": "AAAA"}
        return {**content, "mac": dict.fromkeys(content["mac"], "AAAA")}

    server.tamper = tamper
    await alice.verifications.confirm(alice.one.id)
    await settle(alice, bob)
    assert phases(alice, bob) == [Phase.ENDED, Phase.ENDED]
    assert server.signatures == []


@pytest.mark.parametrize("left_out", ["device", "identity"])
async def test_mac_that_leaves_a_key_out_verifies_nobody(
    server: Server, alice: Side, bob: Side, left_out: str
) -> None:
    await compare(alice, bob)
    device = {"ed25519:B1": bob.machine.ed25519}
    identity = {k: v for k, v in bob.vouching.own_keys().items() if k not in device}
    keys = device if left_out == "identity" else identity
    bob.vouching.own_keys = lambda: keys  # type: ignore[method-assign]
    await agree(alice, bob)
    assert alice.one.phase is Phase.ENDED
    assert not any(BOB in body for body in server.signatures)


async def test_keys_exchanged_while_it_goes_on_end_it(
    server: Server, alice: Side, bob: Side
) -> None:
    await compare(alice, bob)
    bob.server.keys["master_keys"][BOB] = key_object(BOB, "master", seeds("x").identity().master)
    await agree(alice, bob)
    assert alice.one.phase is Phase.ENDED
    assert not any(BOB in body for body in server.signatures)


async def test_device_named_like_an_identity_is_refused(
    server: Server, alice: Side, tmp_path: Path
) -> None:
    public = seeds("b").identity().master
    bob = Side(server, BOB, public.replace("/", "_"), tmp_path)
    try:
        bob.device = public
        bob.publish(seeds("b"))
        content = {**bob.machine.device_keys(), "device_id": public}
        content["keys"] = {f"ed25519:{public}": bob.machine.ed25519}
        server.devices[BOB] = {public: content}
        with pytest.raises(BreachError):
            await alice.vouching.freeze(BOB, public)
    finally:
        await bob.close()


@pytest.mark.parametrize("step", ["accept", "key", "mac", "done", "start", "nonsense"])
async def test_message_out_of_turn_ends_it(
    server: Server, alice: Side, bob: Side, step: str
) -> None:
    await alice.verifications.request(BOB, None)
    await settle(alice, bob)
    name = alice.verifications._known[alice.one.id].transaction.name
    content: JsonObject = {"transaction_id": name, "from_device": "B1", "method": "m.sas.v1"}
    alice.verifications.hear_to_device(BOB, f"m.key.verification.{step}", content)
    await settle(alice, bob)
    assert phases(alice, bob) == [Phase.ENDED, Phase.ENDED]
    assert cancels(server) == [ALICE]


async def test_messages_of_others_do_not_count(server: Server, alice: Side, bob: Side) -> None:
    await compare(alice, bob)
    one = alice.verifications._known[alice.one.id]
    relation: Json = {"rel_type": "m.reference", "event_id": one.transaction.name}
    raw: JsonObject = {
        "sender": MALLORY,
        "event_id": "$forged",
        "origin_server_ts": int(NOW * 1000),
        "content": {},
    }
    content: JsonObject = {"m.relates_to": relation, "code": "m.user"}
    alice.verifications.hear_in_room(ROOM, raw, "m.key.verification.cancel", content)
    elsewhere = RoomId("!elsewhere:s")
    alice.verifications.hear_in_room(
        elsewhere, {**raw, "sender": BOB}, "m.key.verification.cancel", content
    )
    to_device: JsonObject = {"transaction_id": one.transaction.name, "code": "m.user"}
    alice.verifications.hear_to_device(BOB, "m.key.verification.cancel", to_device)
    await settle(alice, bob)
    assert phases(alice, bob) == [Phase.COMPARING, Phase.COMPARING]


async def test_messages_that_come_twice_count_once(server: Server, alice: Side, bob: Side) -> None:
    def twice(kind: str, content: Json) -> Json:
        for end in (alice, bob):
            if end.user != server.sent[-1][0]:
                end.verifications.hear_to_device(UserId(server.sent[-1][0]), kind, content)
        return content

    server.tamper = twice
    await compare(alice, bob, None)
    await agree(alice, bob)
    assert phases(alice, bob) == [Phase.DONE, Phase.DONE]
    assert cancels(server) == []


@pytest.mark.parametrize("age", [601, -301])
async def test_request_out_of_its_time_is_passed_over(
    server: Server, alice: Side, bob: Side, age: int
) -> None:
    content: JsonObject = {
        "from_device": "B1",
        "methods": ["m.sas.v1"],
        "timestamp": int((NOW - age) * 1000),
        "transaction_id": "late",
    }
    alice.verifications.hear_to_device(BOB, "m.key.verification.request", content)
    await settle(alice)
    assert alice.all == []


async def test_flood_of_requests_is_cut(server: Server, alice: Side) -> None:
    for number in range(10):
        content: JsonObject = {
            "from_device": "M",
            "methods": ["m.sas.v1"],
            "timestamp": int(NOW * 1000),
            "transaction_id": f"t{number}",
        }
        alice.verifications.hear_to_device(MALLORY, "m.key.verification.request", content)
    await settle(alice)
    assert len(alice.all) == 3


async def test_unknown_transaction_is_denied_and_a_cancel_never_answered(
    server: Server, alice: Side, bob: Side
) -> None:
    content: JsonObject = {"from_device": "B1", "transaction_id": "gone", "method": "m.sas.v1"}
    alice.verifications.hear_to_device(BOB, "m.key.verification.start", content)
    await settle(alice, bob)
    assert cancels(server) == [ALICE]
    cancel: JsonObject = {"transaction_id": "gone", "code": "m.user", "from_device": "B1"}
    alice.verifications.hear_to_device(BOB, "m.key.verification.cancel", cancel)
    await settle(alice, bob)
    assert cancels(server) == [ALICE]


async def test_it_ends_after_its_time(
    server: Server, alice: Side, bob: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "PATIENCE", 0.01)
    await alice.verifications.request(BOB, None)
    async with asyncio.timeout(10):
        while not alice.one.over:
            await alice.verifications.news()
    assert alice.one.reason == "It took too long."


async def test_people_are_not_verified_without_an_identity_of_mine(
    server: Server, alice: Side, bob: Side
) -> None:
    alice.store.forget_secret(USER_SIGNING)
    with pytest.raises(NotFound):
        await alice.verifications.request(BOB, ROOM)
    await bob.verifications.request(ALICE, ROOM)
    await settle(alice, bob)
    with pytest.raises(NotFound):
        await alice.verifications.accept(alice.one.id)
    assert alice.one.phase is Phase.ASKED


async def test_old_request_seen_after_its_answer_is_over(alice: Side) -> None:
    def raw(identifier: str) -> JsonObject:
        return {
            "sender": BOB,
            "event_id": identifier,
            "origin_server_ts": int(NOW * 1000),
            "content": {},
        }

    relation: Json = {"rel_type": "m.reference", "event_id": "$asked"}
    cancel: JsonObject = {"m.relates_to": relation, "code": "m.user"}
    alice.verifications.hear_in_room(ROOM, raw("$late"), "m.key.verification.cancel", cancel)
    request: JsonObject = {
        "msgtype": "m.key.verification.request",
        "to": ALICE,
        "from_device": "B1",
        "methods": ["m.sas.v1"],
    }
    alice.verifications.hear_in_room(ROOM, raw("$asked"), "m.room.message", request)
    await settle(alice)
    assert alice.all == []
