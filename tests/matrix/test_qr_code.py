"""A code of ours, scanned by the other side: what it says, and what must not come of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from unpaddedbase64 import encode_base64

from dmtui.core.errors import Unreachable
from dmtui.core.model import JsonObject, RoomId, UserId
from dmtui.core.verification import Phase
from dmtui.matrix.cross_signing import key_object
from tests.matrix.sides import (
    ALICE,
    BOB,
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

Exchange: TypeAlias = Callable[[Server, Path], Awaitable[None]]


class Scanner:
    """Takes the place of a device: one that can scan, and whose every word is the test's."""

    def __init__(self, side: Side):
        self.side, self.verifications = side, self
        self.heard: list[tuple[str, Json]] = []
        side.server.ends[side.user, side.device] = self

    def hear_to_device(self, sender: UserId, kind: str, content: JsonObject) -> None:
        self.heard.append((kind.rpartition(".")[2], content))

    def hear_in_room(
        self, room_id: RoomId, raw: JsonObject, kind: str, content: JsonObject
    ) -> None:
        if raw["sender"] != self.side.user:
            self.hear_to_device(self.side.user, kind, content)

    @property
    def cancelled(self) -> list[str]:
        """The codes with which it was."""
        return [content["code"] for kind, content in self.heard if kind == "cancel"]

    async def say(self, to: Side, step: str, **content: Any) -> None:
        """Send the next message of the verification that the other side has."""
        transaction = to.verifications._known[to.one.id].transaction
        dressed = transaction.dress({"from_device": self.side.device, **content})
        kind = f"m.key.verification.{step}"
        if transaction.room_id is None:
            body: Json = {"messages": {to.user: {to.device: dressed}}}
            await self.side.api("PUT", f"/sendToDevice/{kind}/txn", body)
        else:
            await self.side.post(transaction.room_id, kind, dressed)
        await settle(to)

    async def meet(self, shower: Side, room: RoomId | None, methods: list[str]) -> None:
        """Take part in what the shower asks for."""
        await shower.verifications.request(self.side.user, room)
        await self.say(shower, "ready", methods=methods)

    async def scan(self, shower: Side) -> None:
        """Send what the code says back."""
        await self.say(shower, "start", method="m.reciprocate.v1", secret=secret_of(shower.one.qr))


SCANNING = ["m.sas.v1", "m.qr_code.scan.v1", "m.reciprocate.v1"]


def read_code(code: bytes) -> tuple[int, str, str, str, bytes]:
    """Mode, transaction, our key and theirs, secret."""
    assert code[:7] == b"MATRIX\x02"
    start = 10 + int.from_bytes(code[8:10], "big")
    first, second = code[start : start + 32], code[start + 32 : start + 64]
    transaction, secret = code[10:start].decode(), code[start + 64 :]
    return code[7], transaction, encode_base64(first), encode_base64(second), secret


def secret_of(code: bytes) -> str:
    return encode_base64(read_code(code)[-1])


@pytest.mark.parametrize("room", [ROOM, None])
async def test_person_who_scans_my_code_is_verified_once_i_say_that_it_worked(
    server: Server, alice: Side, bob: Side, room: RoomId | None
) -> None:
    scanner = Scanner(bob)
    await scanner.meet(alice, room, SCANNING)
    assert phases(alice) == [Phase.READY]
    mode, transaction, mine, theirs, secret = read_code(alice.one.qr)
    assert (mode, len(secret)) == (0, 8)
    assert transaction == alice.verifications._known[alice.one.id].transaction.name
    assert (mine, theirs) == (seeds("a").identity().master, seeds("b").identity().master)
    await scanner.scan(alice)
    assert (alice.one.phase, alice.one.qr) == (Phase.SCANNED, b"")
    assert server.signatures == []
    await alice.verifications.confirm(alice.one.id)
    assert phases(alice) == [Phase.DONE]
    (body,) = server.signatures
    assert list(body) == [BOB]
    assert list(body[BOB]) == [theirs]
    assert [kind for kind, _ in scanner.heard][-1] == "done"
    assert cancels(server) == []


async def test_device_that_scans_the_code_of_one_that_trusts_the_identity_is_signed(
    server: Server, alice: Side, other: Side
) -> None:
    scanner = Scanner(other)
    await scanner.meet(alice, None, SCANNING)
    keys = (seeds("a").identity().master, other.machine.ed25519)
    assert (read_code(alice.one.qr)[0], read_code(alice.one.qr)[2:4]) == (1, keys)
    await scanner.scan(alice)
    await alice.verifications.confirm(alice.one.id)
    assert phases(alice) == [Phase.DONE]
    (body,) = server.signatures
    assert list(body[ALICE]) == ["A2"]


async def test_device_whose_code_was_scanned_by_one_that_trusts_the_identity_trusts_it_too(
    server: Server, alice: Side, other: Side
) -> None:
    scanner, master = Scanner(alice), seeds("a").identity().master
    await scanner.meet(other, None, SCANNING)
    keys = (other.machine.ed25519, master)
    assert (read_code(other.one.qr)[0], read_code(other.one.qr)[2:4]) == (2, keys)
    await scanner.scan(other)
    assert other.store.master_key(ALICE) is None
    await other.verifications.confirm(other.one.id)
    assert phases(other) == [Phase.DONE]
    assert other.store.master_key(ALICE) == master
    assert server.signatures == []


async def test_scan_proves_no_more_than_the_code_says(
    server: Server, alice: Side, other: Side
) -> None:
    """A device that was unlocked meanwhile does not sign what its code did not show."""
    scanner = Scanner(alice)
    await scanner.meet(other, None, SCANNING)
    other.publish(seeds("a"))
    await scanner.scan(other)
    await other.verifications.confirm(other.one.id)
    assert phases(other) == [Phase.DONE]
    assert server.signatures == []


async def test_code_is_shown_to_who_asks_and_can_scan(alice: Side, bob: Side) -> None:
    scanner = Scanner(bob)
    content: JsonObject = {
        "from_device": "B1",
        "methods": [*SCANNING],
        "timestamp": int(NOW * 1000),
        "transaction_id": "asked",
    }
    alice.verifications.hear_to_device(BOB, "m.key.verification.request", content)
    await settle(alice)
    assert alice.one.qr == b""
    await alice.verifications.accept(alice.one.id)
    assert read_code(alice.one.qr)[:2] == (0, "asked")
    ((kind, ready),) = scanner.heard
    assert kind == "ready"
    assert ready["methods"] == ["m.sas.v1", "m.qr_code.show.v1", "m.reciprocate.v1"]
    await scanner.scan(alice)
    assert phases(alice) == [Phase.SCANNED]


async def test_request_says_that_a_code_can_be_shown(alice: Side, bob: Side) -> None:
    scanner = Scanner(bob)
    await alice.verifications.request(BOB, None)
    ((kind, request),) = scanner.heard
    assert kind == "request"
    assert request["methods"] == ["m.sas.v1", "m.qr_code.show.v1", "m.reciprocate.v1"]


async def test_without_an_identity_there_is_no_code(server: Server, tmp_path: Path) -> None:
    first, second = Side(server, ALICE, "A1", tmp_path), Side(server, ALICE, "A2", tmp_path)
    try:
        scanner = Scanner(second)
        content: JsonObject = {
            "from_device": "A2",
            "methods": [*SCANNING],
            "timestamp": int(NOW * 1000),
            "transaction_id": "asked",
        }
        first.verifications.hear_to_device(ALICE, "m.key.verification.request", content)
        await settle(first)
        await first.verifications.accept(first.one.id)
        assert (first.one.phase, first.one.qr) == (Phase.READY, b"")
        assert scanner.heard[0][1]["methods"] == ["m.sas.v1"]
    finally:
        await first.close()
        await second.close()


@pytest.mark.parametrize("methods", [["m.sas.v1"], SCANNING[:2], ["m.sas.v1", "m.reciprocate.v1"]])
async def test_who_can_not_scan_compares_at_once(
    alice: Side, bob: Side, methods: list[str]
) -> None:
    scanner = Scanner(bob)
    await scanner.meet(alice, None, methods)
    assert (alice.one.phase, alice.one.qr) == (Phase.AGREEING, b"")
    assert scanner.heard[-1][1]["method"] == "m.sas.v1"


@pytest.mark.parametrize("by_us", [True, False])
async def test_pictures_can_be_compared_in_place_of_the_code(
    server: Server, alice: Side, bob: Side, by_us: bool
) -> None:
    def tamper(kind: str, content: Json) -> Json:
        return {**content, "methods": SCANNING} if kind.endswith(".ready") else content

    server.tamper = tamper
    await compare(alice, bob)
    assert phases(alice, bob) == [Phase.READY, Phase.READY]
    assert alice.one.qr
    starter = alice if by_us else bob
    await starter.verifications.start(starter.one.id)
    await settle(alice, bob)
    assert phases(alice, bob) == [Phase.COMPARING, Phase.COMPARING]
    assert alice.one.qr == b""
    await agree(alice, bob)
    assert phases(alice, bob) == [Phase.DONE, Phase.DONE]


@pytest.mark.parametrize(
    "secret", [None, "", 7, ["AAAAAAAAAAA"], "AAAAAAAAAAA", "\ud800", "!" * 11, "A" * 100_000]
)
async def test_wrong_secret_ends_it_and_signs_nothing(
    server: Server, alice: Side, bob: Side, secret: object
) -> None:
    scanner = Scanner(bob)
    await scanner.meet(alice, None, SCANNING)
    await scanner.say(alice, "start", method="m.reciprocate.v1", secret=secret)
    assert phases(alice) == [Phase.ENDED]
    assert "somebody may be in between" in alice.one.reason
    assert scanner.cancelled == ["m.key_mismatch"]
    await alice.verifications.confirm(alice.one.id)
    assert server.signatures == []


async def test_secret_of_one_code_is_none_of_the_next(alice: Side, bob: Side) -> None:
    scanner = Scanner(bob)
    await scanner.meet(alice, None, SCANNING)
    secret = secret_of(alice.one.qr)
    await alice.verifications.cancel(alice.one.id)
    alice.verifications._known.clear()
    await scanner.meet(alice, None, SCANNING)
    await scanner.say(alice, "start", method="m.reciprocate.v1", secret=secret)
    assert phases(alice) == [Phase.ENDED]


async def test_scan_by_a_device_that_did_not_take_part_ends_it(alice: Side, bob: Side) -> None:
    scanner = Scanner(bob)
    await scanner.meet(alice, ROOM, SCANNING)
    secret = secret_of(alice.one.qr)
    await scanner.say(
        alice, "start", method="m.reciprocate.v1", secret=secret, from_device="ANOTHER"
    )
    assert phases(alice) == [Phase.ENDED]
    assert scanner.cancelled == ["m.invalid_message"]


@pytest.mark.parametrize("secret", ["AAAAAAAAAAA", ""])
async def test_scan_without_a_code_ends_it(alice: Side, bob: Side, secret: str) -> None:
    scanner = Scanner(bob)
    await alice.verifications.request(BOB, None)
    await scanner.say(alice, "start", method="m.reciprocate.v1", secret=secret)
    assert phases(alice) == [Phase.ENDED]
    assert scanner.cancelled == ["m.unexpected_message"]


async def test_scan_after_pictures_were_begun_ends_it(alice: Side, bob: Side) -> None:
    scanner = Scanner(bob)
    await scanner.meet(alice, None, SCANNING)
    secret = secret_of(alice.one.qr)
    await alice.verifications.start(alice.one.id)
    await scanner.say(alice, "start", method="m.reciprocate.v1", secret=secret)
    assert phases(alice) == [Phase.ENDED]
    assert scanner.cancelled == ["m.unexpected_message"]


@pytest.mark.parametrize("step", ["start", "accept", "key", "mac", "ready", "nonsense"])
async def test_nothing_but_the_end_may_follow_a_scan(
    server: Server, alice: Side, bob: Side, step: str
) -> None:
    scanner = Scanner(bob)
    await scanner.meet(alice, None, SCANNING)
    await scanner.scan(alice)
    await scanner.say(alice, step, method="m.sas.v1", methods=[])
    assert phases(alice) == [Phase.ENDED]
    assert server.signatures == []


async def test_word_of_the_other_side_alone_verifies_nobody(
    server: Server, alice: Side, bob: Side
) -> None:
    scanner = Scanner(bob)
    await scanner.meet(alice, None, SCANNING)
    await scanner.scan(alice)
    await scanner.say(alice, "done")
    assert phases(alice) == [Phase.SCANNED]
    assert server.signatures == []
    await alice.verifications.confirm(alice.one.id)
    assert phases(alice) == [Phase.DONE]


async def test_nothing_is_confirmed_before_the_code_was_scanned(
    server: Server, alice: Side, bob: Side
) -> None:
    scanner = Scanner(bob)
    await scanner.meet(alice, None, SCANNING)
    await alice.verifications.confirm(alice.one.id)
    assert phases(alice) == [Phase.READY]
    assert server.signatures == []


async def test_scan_that_failed_in_the_eyes_of_the_user_ends_it(
    server: Server, alice: Side, bob: Side
) -> None:
    scanner = Scanner(bob)
    await scanner.meet(alice, ROOM, SCANNING)
    await scanner.scan(alice)
    await alice.verifications.mismatch(alice.one.id)
    assert phases(alice) == [Phase.ENDED]
    assert "somebody may be in between" in alice.one.reason
    assert scanner.cancelled == ["m.key_mismatch"]
    assert server.signatures == []


async def exchange_identity(server: Server, path: Path) -> None:
    public = seeds("x").identity().master
    server.keys["master_keys"][BOB] = key_object(BOB, "master", public)


async def exchange_device(server: Server, path: Path) -> None:
    server.devices[BOB].clear()
    (path / "exchanged").mkdir()
    ends = dict(server.ends)
    await Side(server, BOB, "B1", path / "exchanged").close()
    server.ends = ends


@pytest.mark.parametrize("exchange", [exchange_device, exchange_identity])
async def test_keys_exchanged_after_the_code_was_shown_end_it(
    server: Server, alice: Side, bob: Side, tmp_path: Path, exchange: Exchange
) -> None:
    scanner = Scanner(bob)
    await scanner.meet(alice, ROOM, SCANNING)
    await scanner.scan(alice)
    await exchange(server, tmp_path)
    await alice.verifications.confirm(alice.one.id)
    assert phases(alice) == [Phase.ENDED]
    assert scanner.cancelled == ["m.key_mismatch"]
    assert server.signatures == []


@contextmanager
def away(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing gets to the server."""

    async def fail(*_: object) -> JsonObject:
        raise Unreachable("The homeserver is away.")

    with monkeypatch.context() as patch:
        patch.setattr(server, "api", fail)
        yield


async def test_confirmation_that_the_network_lost_is_said_again(
    server: Server, alice: Side, bob: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanner = Scanner(bob)
    await scanner.meet(alice, None, SCANNING)
    await scanner.scan(alice)
    with away(server, monkeypatch), pytest.raises(Unreachable):
        await alice.verifications.confirm(alice.one.id)
    assert phases(alice) == [Phase.SCANNED]
    await alice.verifications.confirm(alice.one.id)
    assert phases(alice) == [Phase.DONE]
    assert len(server.signatures) == 1


async def test_pictures_that_the_network_did_not_begin_can_be_begun_again(
    server: Server, alice: Side, bob: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanner = Scanner(bob)
    await scanner.meet(alice, None, SCANNING)
    code = alice.one.qr
    with away(server, monkeypatch), pytest.raises(Unreachable):
        await alice.verifications.start(alice.one.id)
    assert (phases(alice), alice.one.qr) == ([Phase.READY], code)
    await alice.verifications.start(alice.one.id)
    assert phases(alice) == [Phase.AGREEING]
    assert scanner.heard[-1][1]["method"] == "m.sas.v1"
