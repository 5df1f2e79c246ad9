"""Encryption on a bad network: nothing is sent before its key, nothing hangs afterwards."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dmtui.core.errors import RateLimited, Recoverable
from dmtui.matrix.room_decryption import NOT_YET
from tests.homeserver.account import Json
from tests.homeserver.faultproxy import BAD_GATEWAY_PAGE, RATE_LIMITED, FaultProxy
from tests.homeserver.talker import Party

STEPS = ("/members", "/state/m.room.encryption", "/keys/query", "/keys/claim", "/sendToDevice/")
FAULTS: dict[str, dict[str, Any]] = {
    "bad gateway": {"status": 502, "body": BAD_GATEWAY_PAGE},
    "server error": {"status": 500, "body": {"errcode": "M_UNKNOWN", "error": "Internal"}},
    "rate limit": {"status": 429, "body": RATE_LIMITED},
    "page instead of an answer": {"status": 200, "body": BAD_GATEWAY_PAGE},
    "cut before": {"reset": "before"},
    "answer lost": {"reset": "after"},
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_is_sent_before_its_key_and_the_next_try_is_read(
    party: Party, proxy: FaultProxy, fault: str
) -> None:
    alice, bob, room_id = await party.pair(proxy.base_url)
    for step in STEPS:
        proxy.add(path=step, **FAULTS[fault])
        with pytest.raises(Recoverable):
            await alice.say(room_id, "hello", "hello")
        proxy.clear()
        assert proxy.requests("/send/") == []
    await alice.say(room_id, "hello", "hello")
    await bob.sync()
    assert bob.read() == ["hello"]


async def test_rate_limit_tells_how_long_to_wait(party: Party, proxy: FaultProxy) -> None:
    alice, _, room_id = await party.pair(proxy.base_url)
    proxy.add(path="/sendToDevice/", times=1, status=429, body=RATE_LIMITED)
    with pytest.raises(RateLimited) as caught:
        await alice.say(room_id, "hello")
    assert caught.value.retry_after == 0.5


@pytest.mark.parametrize("step", [*STEPS, "/send/m.room.encrypted/"])
async def test_cancelled_send_does_not_disturb_the_next(
    party: Party, proxy: FaultProxy, step: str
) -> None:
    alice, bob, room_id = await party.pair(proxy.base_url)
    proxy.add(path=step, hang=True)
    sending = asyncio.create_task(alice.say(room_id, "given up"))
    await asyncio.to_thread(proxy.wait_for_request, step)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    proxy.clear()
    await alice.say(room_id, "second thoughts")
    await bob.sync()
    assert bob.read() == ["second thoughts"]


async def test_lost_answer_to_a_send_makes_one_event(party: Party, proxy: FaultProxy) -> None:
    alice, bob, room_id = await party.pair(proxy.base_url)
    proxy.add(path="/send/", reset="after")
    with pytest.raises(Recoverable):
        await alice.say(room_id, "once", "same")
    proxy.clear()
    await alice.say(room_id, "once", "same")
    for talker in (alice, bob):
        await talker.sync()
        assert talker.read() == ["once"]


async def test_device_that_could_not_get_the_key_gets_it_with_the_next_message(
    party: Party, proxy: FaultProxy
) -> None:
    alice, bob, room_id = await party.pair(proxy.base_url)
    proxy.add(path="/keys/claim", times=1, status=200, body={"one_time_keys": {}, "failures": {}})
    await alice.say(room_id, "first")
    await bob.sync()
    assert bob.read() == [NOT_YET]
    await alice.say(room_id, "second")
    await bob.sync()
    assert bob.read() == ["first", "second"]


async def test_unreachable_server_of_one_member_does_not_hold_up_the_others(
    party: Party, proxy: FaultProxy
) -> None:
    alice, bob, room_id = await party.pair(proxy.base_url)
    asked: Json = {"device_keys": {bob.account.user_id: []}}
    answer = bob.account.api("POST", "v3/keys/query", asked)
    members = alice.account.room_api("GET", room_id, "members")
    members["chunk"].append({"state_key": "@carol:down.example", "content": {"membership": "join"}})
    answer["failures"] = {"down.example": {"status": 503}}
    proxy.add(path="/members", times=1, status=200, body=members)
    proxy.add(path="/keys/query", times=1, status=200, body=answer)
    await alice.say(room_id, "anyone there?")
    await alice.say(room_id, "hello?")
    await bob.sync()
    assert bob.read() == ["anyone there?", "hello?"]
    (query,) = (one for one in proxy.requests("/keys/query") if b"down.example" in one.body)
    assert query.faulted


async def test_new_device_during_a_query_is_asked_for_again(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "before")
    asking = asyncio.create_task(alice.crypto.lists.ensure([bob.account.user_id]))
    alice.crypto.lists.changed([bob.account.user_id])
    await asking
    await alice.say(room_id, "after")
    await bob.sync()
    assert bob.read() == ["before", "after"]


async def test_upkeep_goes_on_past_a_failure_and_reports_it(
    party: Party, proxy: FaultProxy
) -> None:
    alice, bob, _ = await party.pair(proxy.base_url)
    alice.crypto.lists.changed([bob.account.user_id], begin=True)
    proxy.add(path="/keys/upload", status=502, body=BAD_GATEWAY_PAGE)
    bob.account.api("POST", "v3/keys/claim", _claim(alice.account.user_id, alice.account.device_id))
    await alice.take_in(alice.fetch())
    seen = len(proxy.requests("/keys/query"))
    with pytest.raises(Recoverable):
        await alice.crypto.maintain()
    assert len(proxy.requests("/keys/query")) == seen + 1


def _claim(user_id: str, device_id: str) -> dict[str, Any]:
    return {"one_time_keys": {user_id: {device_id: "signed_curve25519"}}}
