"""The scenarios that dmtui promises for direct messages, on a real homeserver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from dmtui.core.errors import InvalidUserId
from dmtui.core.intents import DirectAction, EditDirect
from dmtui.core.model import PeerState, RoomId, SendState, UserId
from dmtui.messenger.results import (
    Consent,
    InvitedAlready,
    Opened,
    PersonLeft,
    Unencrypted,
    Unverified,
    Waiting,
)
from tests.homeserver.account import Account
from tests.homeserver.dmtui_account import DmtuiAccount
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.synapse import SynapseServer

CREATE, DIRECT_MAP = "/createRoom", "/account_data/m.direct"

Open = Callable[..., Awaitable[DmtuiAccount]]


@pytest.fixture
async def open_dmtui(tmp_path: Path, proxy: FaultProxy) -> AsyncIterator[Open]:
    """Start dmtui for an account, behind the proxy; stopped at the end."""
    running: list[DmtuiAccount] = []

    async def start(account: Account) -> DmtuiAccount:
        directory = tmp_path / f"device{len(running)}"
        dmtui = DmtuiAccount(account, directory, proxy.base_url)
        await dmtui.start()
        running.append(dmtui)
        return dmtui

    yield start
    for dmtui in running:
        await dmtui.stop()


@pytest.fixture
def bob(synapse: SynapseServer) -> Account:
    return synapse.register(displayname="Bob")


@pytest.fixture
async def dmtui(synapse: SynapseServer, open_dmtui: Open) -> DmtuiAccount:
    return await open_dmtui(synapse.register())


def user(account: Account) -> UserId:
    return UserId(account.user_id)


async def befriend(me: Account, other: Account) -> RoomId:
    """A direct room that both have joined and recorded."""

    def make() -> str:
        room_id = other.create_dm(me)
        me.join(room_id)
        me.record_direct(other, room_id)
        return room_id

    return RoomId(await asyncio.to_thread(make))


async def settled(dmtui: DmtuiAccount, direct_map: object) -> None:
    """Wait until nothing is pending and the map is as expected."""
    await dmtui.until(lambda: dmtui.store.pending_intents() == ())
    await dmtui.until(lambda: dmtui.store.direct() == direct_map)


async def plainly(dmtui: DmtuiAccount, person: Account) -> Opened:
    """Start a chat with somebody whose devices have no keys."""
    result = await dmtui.messenger.start_chat(user(person), Consent(unencrypted=True))
    assert isinstance(result, Opened)
    return result


async def test_scenario_01_first_chat_makes_one_flagged_room_and_records_it(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    assert await dmtui.direct_map() is None
    opened = await plainly(dmtui, bob)
    await dmtui.until_recorded({bob.user_id: [opened.room_id]})
    room_id, member = await asyncio.to_thread(bob.wait_for_invite)
    assert (room_id, member["is_direct"]) == (opened.room_id, True)
    assert len(proxy.requests(CREATE, "POST")) == 1
    assert await asyncio.to_thread(dmtui.account.joined_rooms) == {opened.room_id}


async def test_scenario_02_existing_chat_opens_without_a_write(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    room_id = await befriend(dmtui.account, bob)
    await dmtui.until(lambda: dmtui.conversation(bob))
    assert await dmtui.messenger.start_chat(user(bob)) == Opened(user(bob), room_id)
    assert proxy.requests(CREATE) == []
    assert proxy.requests(DIRECT_MAP, "PUT") == []


async def test_scenario_03_person_who_left_is_invited_back_with_the_flag(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    opened = await plainly(dmtui, bob)
    await asyncio.to_thread(bob.join, opened.room_id)
    await dmtui.until(lambda: (c := dmtui.conversation(bob)) and c.peer is PeerState.JOINED)
    await asyncio.to_thread(bob.leave, opened.room_id)
    await dmtui.until(lambda: (c := dmtui.conversation(bob)) and c.peer is PeerState.LEFT)
    assert await dmtui.messenger.start_chat(user(bob)) == PersonLeft(user(bob), opened.room_id)
    back = await dmtui.messenger.start_chat(user(bob), Consent(invite_back=True))
    assert back == opened
    member = await asyncio.to_thread(
        dmtui.account.state, opened.room_id, "m.room.member", bob.user_id
    )
    assert member is not None
    assert (member["membership"], member["is_direct"]) == ("invite", True)


async def test_scenario_04_room_with_a_third_person_is_not_reused(
    dmtui: DmtuiAccount, bob: Account, synapse: SynapseServer
) -> None:
    carol = await asyncio.to_thread(synapse.register)
    room_id = await befriend(dmtui.account, bob)
    await dmtui.until(lambda: dmtui.conversation(bob))

    def bring_carol() -> None:
        bob.invite(room_id, carol, is_direct=False)
        carol.join(room_id)

    await asyncio.to_thread(bring_carol)
    await dmtui.until(lambda: (c := dmtui.conversation(bob)) and c.peer is PeerState.GROUP)
    opened = await plainly(dmtui, bob)
    assert opened.room_id != room_id


async def test_scenario_05_pending_invite_is_accepted_instead_of_creating(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    room_id = await asyncio.to_thread(bob.create_dm, dmtui.account)
    await dmtui.until(dmtui.messenger.invites)
    offered = await dmtui.messenger.start_chat(user(bob))
    assert isinstance(offered, InvitedAlready)
    assert offered.invite.room_id == room_id
    outcome = await dmtui.messenger.accept(offered.invite.room_id)
    assert outcome is not None
    assert outcome.ok
    await dmtui.until_recorded({bob.user_id: [room_id]})
    assert proxy.requests(CREATE) == []


async def test_scenario_07_impatient_start_makes_one_request(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    proxy.add(CREATE, delay=0.5)
    first, second = await asyncio.gather(plainly(dmtui, bob), plainly(dmtui, bob))
    assert first == second
    assert len(proxy.requests(CREATE, "POST")) == 1


async def test_scenario_09_lost_answer_of_create_room_adopts_the_room(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    proxy.add(CREATE, reset="after", times=1)
    result = await dmtui.messenger.start_chat(user(bob), Consent(unencrypted=True))
    assert isinstance(result, Waiting)
    await dmtui.until(lambda: dmtui.conversation(bob))
    conversation = dmtui.conversation(bob)
    assert conversation is not None
    await dmtui.until_recorded({bob.user_id: [conversation.room_id]})
    assert len(proxy.requests(CREATE, "POST")) == 1


async def test_scenario_10_end_between_create_room_and_its_record_is_healed_at_the_next_start(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    broken = proxy.add(DIRECT_MAP, method="PUT", status=502)
    opened = await plainly(dmtui, bob)
    await dmtui.stop()
    assert await dmtui.direct_map() is None
    broken.times = 0
    await dmtui.start()
    await dmtui.until_recorded({bob.user_id: [opened.room_id]})
    assert len(proxy.requests(CREATE, "POST")) == 1


async def test_scenario_11_failed_read_writes_nothing_until_the_server_is_back(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    before = {"@old:example.org": ["!kept"]}
    await asyncio.to_thread(dmtui.account.set_account_data, "m.direct", before)
    room_id = await asyncio.to_thread(bob.create_dm, dmtui.account)
    await dmtui.until(dmtui.messenger.invites)
    broken = proxy.add(DIRECT_MAP, method="GET", status=500)
    await dmtui.messenger.accept(RoomId(room_id))
    await dmtui.until(lambda: any(e.attempts for e in dmtui.store.pending_intents()))
    assert dmtui.messenger.pending() == ("DM flag pending for Bob",)
    assert proxy.requests(DIRECT_MAP, "PUT") == []
    assert await dmtui.direct_map() == before
    broken.times = 0
    await dmtui.until_recorded({**before, bob.user_id: [room_id]})


async def test_scenario_12_malformed_entries_survive_our_write_verbatim(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    broken = {"@a:x": None, "[object Object]": ["!z"], "@b:y": ["!r", "!r", 5]}
    await asyncio.to_thread(dmtui.account.set_account_data, "m.direct", broken)
    opened = await plainly(dmtui, bob)
    await dmtui.until_recorded({**broken, bob.user_id: [opened.room_id]})


async def test_scenario_13_six_devices_add_six_people_at_once(
    synapse: SynapseServer, open_dmtui: Open
) -> None:
    me = await asyncio.to_thread(synapse.register)
    devices = [await open_dmtui(me)]
    for _ in range(5):
        device = await asyncio.to_thread(synapse.login, me.localpart, me.password)
        devices.append(await open_dmtui(device))
    people = [await asyncio.to_thread(synapse.register) for _ in devices]
    opened = await asyncio.gather(
        *(plainly(device, person) for device, person in zip(devices, people, strict=True))
    )
    wanted = {p.user_id: [o.room_id] for p, o in zip(people, opened, strict=True)}
    await asyncio.gather(*(settled(one, wanted) for one in devices))
    assert await devices[0].direct_map() == wanted


async def test_scenario_15_identical_content_is_not_written(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    room_id = await befriend(dmtui.account, bob)
    await dmtui.until(lambda: dmtui.conversation(bob))
    dmtui.store.add_intent(EditDirect(DirectAction.ADD, user(bob), room_id))
    await dmtui.stop()
    await dmtui.start()
    await dmtui.until_recorded({bob.user_id: [room_id]})
    assert proxy.requests(DIRECT_MAP, "PUT") == []


async def test_scenario_16_inviter_who_renamed_himself_is_recorded(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room_id = await asyncio.to_thread(bob.create_dm, dmtui.account)
    await dmtui.until(dmtui.messenger.invites)
    await asyncio.to_thread(bob.set_name, "Robert")
    outcome = await dmtui.messenger.accept(RoomId(room_id))
    assert outcome is not None
    assert outcome.ok
    await dmtui.until_recorded({bob.user_id: [room_id]})
    await dmtui.until(lambda: (c := dmtui.conversation(bob)) and c.name == "Robert")


async def test_scenario_17_flagged_space_is_no_direct_invite(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    await asyncio.to_thread(
        bob.create_room,
        preset="private_chat",
        is_direct=True,
        invite=[dmtui.me],
        creation_content={"type": "m.space"},
    )
    await dmtui.until(dmtui.messenger.invites)
    (invite,) = dmtui.messenger.invites()
    assert not invite.direct
    assert invite.warning
    assert dmtui.messenger.people() == ()


async def test_scenario_19_joined_room_is_open_while_its_record_fails(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    room_id = await asyncio.to_thread(bob.create_dm, dmtui.account)
    await dmtui.until(dmtui.messenger.invites)
    broken = proxy.add(DIRECT_MAP, method="PUT", status=502)
    outcome = await dmtui.messenger.accept(RoomId(room_id))
    assert outcome is not None
    assert outcome.ok
    await dmtui.until(lambda: dmtui.conversation(bob))
    conversation = dmtui.conversation(bob)
    assert conversation is not None
    assert (conversation.room_id, conversation.flag_pending) == (room_id, True)
    await dmtui.messenger.send(user(bob), "already talking")
    await dmtui.until(lambda: dmtui.states(bob) == [SendState.SENT])
    broken.times = 0
    await dmtui.until_recorded({bob.user_id: [room_id]})


async def test_scenario_20_invite_whose_inviter_left_is_explained_and_goes(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room_id = await asyncio.to_thread(bob.create_dm, dmtui.account)
    await dmtui.until(dmtui.messenger.invites)
    await asyncio.to_thread(bob.leave, room_id)
    outcome = await dmtui.messenger.accept(RoomId(room_id))
    assert outcome is not None
    assert not outcome.ok
    assert outcome.message == "The invite is no longer available."
    await dmtui.until(lambda: dmtui.messenger.invites() == ())
    assert await dmtui.direct_map() is None


async def test_scenario_21_revoked_invite_goes_while_looked_at(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room_id = await asyncio.to_thread(bob.create_dm, dmtui.account, preset="private_chat")
    await dmtui.until(dmtui.messenger.invites)
    await asyncio.to_thread(bob.kick, room_id, dmtui.account)
    await dmtui.until(lambda: dmtui.messenger.invites() == ())


async def test_scenario_21_invite_accepted_on_another_device_becomes_a_chat_and_is_written_once(
    synapse: SynapseServer, open_dmtui: Open, bob: Account, proxy: FaultProxy
) -> None:
    me = await asyncio.to_thread(synapse.register)
    first = await open_dmtui(me)
    second = await open_dmtui(await asyncio.to_thread(synapse.login, me.localpart, me.password))
    room_id = await asyncio.to_thread(bob.create_dm, me)
    await first.until(first.messenger.invites)
    await second.until(second.messenger.invites)
    await second.messenger.accept(RoomId(room_id))
    await first.until(lambda: first.messenger.invites() == ())
    await first.until(lambda: first.conversation(bob))
    await second.until_recorded({bob.user_id: [room_id]})
    assert len(proxy.requests(DIRECT_MAP, "PUT")) == 1


async def test_scenario_25_room_ids_have_no_server_part(dmtui: DmtuiAccount, bob: Account) -> None:
    opened = await plainly(dmtui, bob)
    assert ":" not in opened.room_id
    await asyncio.to_thread(bob.join, opened.room_id)
    await dmtui.messenger.send(user(bob), "hello")
    await asyncio.to_thread(bob.wait_for_text, opened.room_id, "hello")
    await asyncio.to_thread(bob.send_text, opened.room_id, "hello yourself")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["hello", "hello yourself"])


async def test_scenario_26_notes_to_self_are_one_room(
    dmtui: DmtuiAccount, proxy: FaultProxy
) -> None:
    first = await dmtui.messenger.start_chat(dmtui.me)
    assert isinstance(first, Opened)
    await dmtui.until_recorded({dmtui.me: [first.room_id]})
    assert await dmtui.messenger.start_chat(dmtui.me) == first
    assert [
        request.json["invite"]
        for request in proxy.requests(CREATE, "POST")
        if ("invite" in request.json)
    ] == []


@pytest.mark.parametrize("status", [403, 404, 502])
async def test_scenario_27_unconfirmed_person_is_asked_about(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy, status: int
) -> None:
    proxy.add("/profile/", status=status, body={"errcode": "M_UNKNOWN", "error": "?"})
    result = await dmtui.messenger.start_chat(user(bob))
    assert isinstance(result, Unverified)
    assert proxy.requests(CREATE) == []
    consent = Consent(unverified=True, unencrypted=True)
    assert isinstance(await dmtui.messenger.start_chat(user(bob), consent), Opened)


async def test_scenario_27_invalid_user_id_is_refused_before_any_request(
    dmtui: DmtuiAccount, proxy: FaultProxy
) -> None:
    with pytest.raises(InvalidUserId):
        await dmtui.messenger.start_chat(UserId("bob"))
    assert proxy.requests("/profile/") == []


async def test_scenario_28_person_without_device_keys_is_told_apart(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    result = await dmtui.messenger.start_chat(user(bob))
    assert isinstance(result, Unencrypted)
    assert bob.user_id in result.why
    assert proxy.requests(CREATE) == []


async def test_change_of_the_map_by_another_client_shows_without_a_restart(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    def make() -> str:
        room_id = bob.create_dm(dmtui.account)
        dmtui.account.join(room_id)
        bob.send_text(room_id, "seen at once")
        return room_id

    room_id = await asyncio.to_thread(make)
    await asyncio.to_thread(dmtui.account.record_direct, bob, room_id)
    await dmtui.until(lambda: dmtui.bodies(bob) == ["seen at once"])
    await asyncio.to_thread(dmtui.account.set_account_data, "m.direct", {})
    await dmtui.until(lambda: dmtui.conversation(bob) is None)


async def test_encrypted_chat_of_two_dmtui_users(synapse: SynapseServer, open_dmtui: Open) -> None:
    alice = await open_dmtui(await asyncio.to_thread(synapse.register))
    bob = await open_dmtui(await asyncio.to_thread(synapse.register))
    opened = await alice.messenger.start_chat(bob.me)
    assert isinstance(opened, Opened)
    await alice.messenger.send(bob.me, "written before you joined")
    await bob.until(bob.messenger.invites)
    await bob.messenger.accept(opened.room_id)
    await bob.until(lambda: bob.bodies(alice.account) == ["written before you joined"])
    await bob.messenger.send(alice.me, "and read")
    expected = ["written before you joined", "and read"]
    await alice.until(lambda: alice.bodies(bob.account) == expected)
    sent = await asyncio.to_thread(alice.account.events, opened.room_id)
    assert {e["type"] for e in sent if e["type"] in ("m.room.message", "m.room.encrypted")} == {
        "m.room.encrypted"
    }
