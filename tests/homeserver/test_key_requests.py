"""Room keys asked of my other device, on a real homeserver: who gets them and who does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from dmtui.core.model import Doubt, RoomId
from dmtui.matrix.room_decryption import NOT_YET, WITHHELD
from tests.homeserver.account import Account, Json
from tests.homeserver.confirmed import seeds_of
from tests.homeserver.synapse import SynapseServer
from tests.homeserver.talker import Party, Talker
from tests.waiting import PATIENCE

REQUEST = "m.room_key_request"


def trust(talker: Talker) -> Talker:
    """The device is part of its user's identity."""
    me = talker.account.user_id
    talker.crypto._store.trust_master_key(me, seeds_of(me).identity().master)
    return talker


async def chat_of_old(party: Party) -> tuple[Talker, Talker, str]:
    """Alice's first device, where she and Bob have written; their room."""
    first, bob, room_id = await party.pair()
    trust(first)
    await bob.say(room_id, "from Bob")
    await first.sync()
    await first.say(room_id, "from Alice")
    await first.sync()
    return first, bob, room_id


async def until(talkers: list[Talker], holds: Callable[[], bool]) -> None:
    """Have everybody sync until it holds."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            for talker in talkers:
                await talker.take_in(await asyncio.to_thread(talker.fetch))
                await talker.crypto.maintain()


@pytest.mark.parametrize("code", ["m.blacklisted", "m.unverified"])
async def test_what_its_sender_keeps_from_this_device_is_asked_of_no_other(
    party: Party, synapse: SynapseServer, code: str
) -> None:
    first, bob, room_id = await chat_of_old(party)
    account = await asyncio.to_thread(synapse.login, first.account.localpart)
    second = trust(await party.guest(account))
    await second.sync()
    session_id = second.seen[0][1]["content"]["session_id"]
    second.crypto._store.save_withheld(room_id, session_id, bob.account.user_id, code)
    assert second.read() == [WITHHELD[code], NOT_YET]
    second.crypto.backup_upkeep.wake()
    await until([first, second], lambda: second.read()[1] == "from Alice")
    await until([first, second], lambda: code == "m.blacklisted" or "from Bob" in second.read())
    assert second.read()[0] == (WITHHELD[code] if code == "m.blacklisted" else "from Bob")
    await second.crypto.backup_upkeep.close()


async def test_reason_that_the_inviter_gave_is_shown_until_the_sender_gives_one(
    party: Party, synapse: SynapseServer
) -> None:
    first, bob, room_id = await chat_of_old(party)
    account = await asyncio.to_thread(synapse.login, first.account.localpart)
    second = await party.guest(account)
    await second.sync()
    session_id = second.seen[0][1]["content"]["session_id"]
    second.crypto._store.save_withheld(room_id, session_id, "", "m.history_not_shared")
    assert second.read()[0] == WITHHELD["m.history_not_shared"]
    second.crypto._store.save_withheld(room_id, session_id, bob.account.user_id, "m.blacklisted")
    assert second.read()[0] == WITHHELD["m.blacklisted"]


async def test_new_device_without_a_backup_reads_what_the_other_one_can_read(
    party: Party, synapse: SynapseServer
) -> None:
    first, bob, room_id = await chat_of_old(party)
    account = await asyncio.to_thread(synapse.login, first.account.localpart)
    second = trust(await party.guest(account))
    await second.sync()
    assert second.read() == [NOT_YET, NOT_YET]
    second.crypto.backup_upkeep.wake()
    await until([first, second], lambda: second.read() == ["from Bob", "from Alice"])
    await second.crypto.lists.ensure([bob.account.user_id])
    doubts = {second.crypto.suspect(RoomId(room_id), event) for _, event in second.seen}
    assert doubts == {Doubt.INDIRECT}
    await second.crypto.backup_upkeep.close()


def asks(account: Account, first: Talker, room_id: str) -> None:
    """Send a request for the newest message's key to Alice's first device."""
    session_id = first.seen[-1][1]["content"]["session_id"]
    body: Json = {"algorithm": "m.megolm.v1.aes-sha2", "room_id": room_id, "session_id": session_id}
    content: Json = {
        "action": "request",
        "body": body,
        "request_id": "1",
        "requesting_device_id": account.device_id,
    }
    messages: Json = {first.account.user_id: {first.account.device_id: content}}
    account.api("PUT", f"v3/sendToDevice/{REQUEST}/1", {"messages": messages})


@pytest.mark.parametrize("confirmed", [True, False], ids=["Bob", "an unconfirmed device of mine"])
async def test_nobody_but_my_confirmed_devices_is_given_keys(
    party: Party, synapse: SynapseServer, confirmed: bool
) -> None:
    first, bob, room_id = await chat_of_old(party)
    asker = bob
    if not confirmed:
        account = await asyncio.to_thread(synapse.login, first.account.localpart)
        asker = await party.guest(account, confirmed=False)
    await asker.sync()
    await asyncio.to_thread(asks, asker.account, first, room_id)
    heard = first.fetch()
    assert [event["type"] for event in heard["to_device"]["events"]] == [REQUEST]
    await first.take_in(heard)
    await first.crypto.maintain()
    await first.sync()
    assert asker.fetch().get("to_device", {}).get("events", []) == []
