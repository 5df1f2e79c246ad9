"""The scenarios that dmtui promises for direct messages, on one real homeserver and on two.

Those of the map's guard and its doctor (14, 23) stand in ``test_guard``, the one of ignoring (22)
in ``test_requests``, the one of many devices at once (13) in ``test_many_writers``.
"""

from __future__ import annotations

import asyncio

import pytest

from dmtui.core.errors import InvalidUserId
from dmtui.core.intents import DirectAction, EditDirect
from dmtui.core.model import PeerState, RoomId, SendState, UserId
from dmtui.messenger.results import (
    Consent,
    Failed,
    InvitedAlready,
    Opened,
    PersonLeft,
    Unencrypted,
    Unverified,
    Waiting,
)
from tests.homeserver.account import Account
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.setting import Open, Setting, locally
from tests.homeserver.talker import ENCRYPTED
from tests.waiting import wait_until

CREATE, DIRECT_MAP = "/createRoom", "/account_data/m.direct"


@pytest.fixture
def proxy(setting: Setting) -> FaultProxy:
    """In front of my homeserver."""
    return setting.proxy


async def test_scenario_01_first_chat_makes_one_flagged_room_and_records_it(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    assert await dmtui.direct_map() is None
    opened = await dmtui.start_plain_chat(bob)
    await dmtui.until_recorded({bob.user_id: [opened.room_id]})
    room_id, member = await asyncio.to_thread(bob.wait_for_invite)
    assert (room_id, member["is_direct"]) == (opened.room_id, True)
    assert len(proxy.requests(CREATE, "POST")) == 1
    assert await asyncio.to_thread(dmtui.account.joined_rooms) == {opened.room_id}


async def test_scenario_02_existing_chat_opens_without_a_write(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    room_id = await dmtui.befriend(bob)
    assert await dmtui.messenger.start_chat(user(bob)) == Opened(user(bob), room_id)
    assert proxy.requests(CREATE) == []
    assert proxy.requests(DIRECT_MAP, "PUT") == []


async def test_scenario_03_person_who_left_is_invited_back_with_the_flag(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    opened = await dmtui.start_plain_chat(bob)
    await asyncio.to_thread(bob.wait_for_invite, opened.room_id)
    await asyncio.to_thread(bob.join, opened.room_id)
    await dmtui.until_peer(bob, PeerState.JOINED)
    await asyncio.to_thread(bob.leave, opened.room_id)
    assert (await dmtui.until_peer(bob, PeerState.LEFT)).name == "Bob"
    assert await dmtui.messenger.start_chat(user(bob)) == PersonLeft(user(bob), opened.room_id)
    assert await dmtui.messenger.start_chat(user(bob), Consent(invite_back=True)) == opened
    _, member = await asyncio.to_thread(bob.wait_for_invite, opened.room_id)
    assert member["is_direct"] is True
    await asyncio.to_thread(bob.join, opened.room_id)
    await dmtui.until_peer(bob, PeerState.JOINED)


async def test_scenario_04_room_with_a_third_person_is_not_reused(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    carol = await asyncio.to_thread(setting.there.register)
    room_id = await dmtui.befriend(bob)

    def bring_carol() -> None:
        bob.invite(room_id, carol, is_direct=False)
        carol.join(room_id)

    await asyncio.to_thread(bring_carol)
    await dmtui.until(lambda: dmtui.group(room_id))
    assert dmtui.conversation(bob) is None
    opened = await dmtui.start_plain_chat(bob)
    assert opened.room_id != room_id
    group = dmtui.group(room_id)
    assert group is not None
    assert (group.room_id, group.peer, group.was_with) == (room_id, PeerState.GROUP, user(bob))


async def test_scenario_05_pending_invite_is_accepted_instead_of_creating(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    room_id = await asyncio.to_thread(bob.create_dm, dmtui.account)
    await dmtui.until(dmtui.messenger.invites)
    offered = await dmtui.messenger.start_chat(user(bob))
    assert isinstance(offered, InvitedAlready)
    assert (offered.invite.room_id, offered.invite.inviter_name) == (room_id, "Bob")
    await dmtui.accept(room_id)
    await dmtui.until_recorded({bob.user_id: [room_id]})
    assert proxy.requests(CREATE) == []


async def test_scenario_06_encrypted_room_serves_and_the_newer_plain_one_is_shown_with_it(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    def befriend_twice() -> tuple[RoomId, RoomId]:
        secret = bob.create_dm(dmtui.account, initial_state=[ENCRYPTED])
        plain = bob.create_dm(dmtui.account)
        for room_id in (secret, plain):
            dmtui.account.join(room_id)
            dmtui.account.record_direct(bob, room_id)
        bob.send_text(plain, "in the newer room")
        return RoomId(secret), RoomId(plain)

    secret, plain = await asyncio.to_thread(befriend_twice)
    await dmtui.until(lambda: dmtui.bodies(bob) == ["in the newer room"])
    await dmtui.until(lambda: (c := dmtui.conversation(bob)) and c.room_id == secret)
    assert await dmtui.messenger.start_chat(user(bob)) == Opened(user(bob), secret)
    await dmtui.messenger.send(user(bob), "in the encrypted room")
    await dmtui.until(lambda: dmtui.states(bob) == [SendState.SENT])
    shown = [(m.room_id, m.body) for m in dmtui.messages(bob) if m.kind == "text"]
    assert shown == [(plain, "in the newer room"), (secret, "in the encrypted room")]
    assert proxy.requests(CREATE) == []
    await dmtui.until_recorded({bob.user_id: [secret, plain]})
    assert proxy.requests(DIRECT_MAP, "PUT") == []


async def test_scenario_07_impatient_start_makes_one_request(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    proxy.add(CREATE, delay=0.5)
    first, second = await asyncio.gather(dmtui.start_plain_chat(bob), dmtui.start_plain_chat(bob))
    assert first == second
    assert len(proxy.requests(CREATE, "POST")) == 1


async def test_scenario_08_refused_invite_is_explained_and_its_room_forgotten(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    before = {"@old:example.org": ["!kept"]}

    def set_up() -> None:
        dmtui.account.set_account_data("m.direct", before)
        bob.set_account_data("m.invite_permission_config", {"default_action": "block"})

    await asyncio.to_thread(set_up)
    result = await dmtui.messenger.start_chat(user(bob), Consent(unencrypted=True))
    assert result == Failed(user(bob), f"{bob.user_id} does not accept invites.")
    (left,), (forgotten,) = proxy.requests("/leave$"), proxy.requests("/forget$")
    assert left.path.removesuffix("/leave") == forgotten.path.removesuffix("/forget")
    assert (left.status, forgotten.status) == (200, 200)
    assert await asyncio.to_thread(dmtui.account.joined_rooms) == set()
    await dmtui.until_recorded(before)
    assert proxy.requests(DIRECT_MAP, "PUT") == []
    assert dmtui.messenger.people() == ()


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
    opened = await dmtui.start_plain_chat(bob)
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
    opened = await dmtui.start_plain_chat(bob)
    await dmtui.until_recorded({**broken, bob.user_id: [opened.room_id]})


async def test_scenario_15_identical_content_is_not_written(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    room_id = await dmtui.befriend(bob)
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


async def test_scenario_18_invite_without_the_flag_to_a_listed_room_is_direct(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room_id = await asyncio.to_thread(bob.create_room, preset="private_chat")
    await asyncio.to_thread(dmtui.account.record_direct, bob, room_id)
    await asyncio.to_thread(bob.room_api, "POST", room_id, "invite", {"user_id": dmtui.me})
    await dmtui.until(dmtui.messenger.invites)
    (asked,) = dmtui.messenger.invites()
    assert (asked.room_id, asked.inviter, asked.direct) == (room_id, bob.user_id, True)
    await dmtui.accept(room_id)
    await dmtui.until_peer(bob, PeerState.JOINED)


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
    setting: Setting, open_dmtui: Open, bob: Account
) -> None:
    me = await asyncio.to_thread(setting.here.register)
    first = await open_dmtui(me)
    second = await open_dmtui(await asyncio.to_thread(setting.here.login, me.localpart))
    room_id = await asyncio.to_thread(bob.create_dm, me)
    await first.until(first.messenger.invites)
    await second.accept(room_id)
    await first.until(lambda: first.messenger.invites() == ())
    await first.until(lambda: first.conversation(bob))
    await second.until_recorded({bob.user_id: [room_id]})
    assert len(setting.proxy.requests(DIRECT_MAP, "PUT")) == 1


async def test_scenario_24_chat_that_i_upgraded_elsewhere_goes_on_in_its_new_room(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    old = (await dmtui.start_plain_chat(bob)).room_id
    await asyncio.to_thread(bob.wait_for_invite, old)
    await asyncio.to_thread(bob.join, old)
    await asyncio.to_thread(bob.send_text, old, "before")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["before"])
    new = RoomId(await asyncio.to_thread(upgraded, dmtui.account, old))
    _, member = await asyncio.to_thread(bob.wait_for_invite, new)
    assert (member["is_direct"], member["membership"]) == (True, "invite")
    await asyncio.to_thread(bob.join, new)
    await dmtui.until_peer(bob, PeerState.JOINED)
    await goes_on(dmtui, bob, old, new)


async def test_scenario_24_chat_that_the_other_upgraded_goes_on_in_its_new_room(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    old = await dmtui.befriend(bob)
    await asyncio.to_thread(bob.send_text, old, "before")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["before"])
    new = RoomId(await asyncio.to_thread(upgraded, bob, old))
    await asyncio.to_thread(bob.invite, new, dmtui.account)
    await goes_on(dmtui, bob, old, new)


def upgraded(owner: Account, room_id: str) -> str:
    """The room that the owner's other client has put in place of this one."""
    answer = owner.room_api("POST", room_id, "upgrade", {"new_version": "11"})
    return str(answer["replacement_room"])


async def goes_on(dmtui: DmtuiAccount, bob: Account, old: RoomId, new: RoomId) -> None:
    """The new room serves, is listed once, and the old one's past stands above its own."""
    await dmtui.until(lambda: (c := dmtui.conversation(bob)) and c.room_id == new)
    assert len(dmtui.messenger.people()) == 1
    await dmtui.until(lambda: dmtui.store.pending_intents() == ())
    recorded = await dmtui.direct_map()
    assert isinstance(recorded, dict)
    assert recorded.keys() == {bob.user_id}
    assert sorted(recorded[bob.user_id]) == sorted([old, new])
    await dmtui.messenger.send(user(bob), "after")
    await asyncio.to_thread(bob.wait_for_text, new, "after")
    await dmtui.until(lambda: dmtui.bodies(bob)[-1] == "after")
    while dmtui.bodies(bob) != ["before", "after"]:
        assert await dmtui.messenger.load_older(user(bob), dmtui.messages(bob)[0].cursor)
    assert await dmtui.messenger.start_chat(user(bob)) == Opened(user(bob), new)
    assert dmtui.messenger.invites() == ()


async def test_scenario_25_rooms_with_and_without_a_server_in_their_id_are_alike(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    mine = (await dmtui.start_plain_chat(bob)).room_id
    theirs = RoomId(await asyncio.to_thread(bob.create_dm, dmtui.account))
    assert (":" in mine, ":" in theirs) == (setting.here is not setting.there, False)
    await asyncio.to_thread(bob.wait_for_invite, mine)
    await asyncio.to_thread(bob.join, mine)
    await dmtui.accept(theirs)
    await dmtui.until_recorded({bob.user_id: [mine, theirs]})
    await asyncio.to_thread(bob.send_text, theirs, "in mine")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["in mine"])
    await asyncio.to_thread(bob.send_text, mine, "in yours")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["in mine", "in yours"])
    await dmtui.until(lambda: (c := dmtui.conversation(bob)) and c.room_id == mine)
    await dmtui.messenger.send(user(bob), "here, then")
    await asyncio.to_thread(bob.wait_for_text, mine, "here, then")


@locally
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


@locally
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


async def test_scenario_29_chats_begun_on_both_sides_are_one_conversation(
    dmtui: DmtuiAccount, setting: Setting, open_dmtui: Open
) -> None:
    bob = await open_dmtui(await asyncio.to_thread(setting.there.register))
    here, there = await asyncio.gather(
        dmtui.start_plain_chat(bob.account), bob.start_plain_chat(dmtui.account)
    )
    assert here.room_id != there.room_id
    sides = ((dmtui, bob, here.room_id, there.room_id), (bob, dmtui, there.room_id, here.room_id))
    for one, other, _, _ in sides:
        await one.messenger.send(other.me, f"from {one.me}")
        await one.until(lambda: one.states(other.account) == [SendState.SENT])  # noqa: B023
    for one, _, _, theirs in sides:
        await one.accept(theirs)
    for one, other, mine, theirs in sides:
        await one.until_recorded({other.me: [mine, theirs]})
        assert await asyncio.to_thread(hears, one.account, theirs, f"from {other.me}")
        assert await asyncio.to_thread(one.account.joined_rooms) == {mine, theirs}
    for one, other, _, _ in sides:  # both go on where the newest message is
        await one.until(lambda: chosen(one, other.account) == there.room_id)  # noqa: B023
        assert await one.messenger.start_chat(other.me) == Opened(other.me, there.room_id)


def chosen(dmtui: DmtuiAccount, person: Account) -> RoomId | None:
    conversation = dmtui.conversation(person)
    return conversation.room_id if conversation else None


def hears(account: Account, room_id: RoomId, text: str) -> bool:
    return wait_until(lambda: text in account.texts(room_id))


async def test_encrypted_chat_of_two_dmtui_users(
    dmtui: DmtuiAccount, setting: Setting, open_dmtui: Open
) -> None:
    bob = await open_dmtui(await asyncio.to_thread(setting.there.register))
    await asyncio.gather(dmtui.confirm(), bob.confirm())
    opened = await dmtui.messenger.start_chat(bob.me)
    assert isinstance(opened, Opened)
    await dmtui.messenger.send(bob.me, "written before you joined")
    await bob.accept(opened.room_id)
    await bob.until(lambda: bob.bodies(dmtui.account) == ["written before you joined"])
    await bob.messenger.send(dmtui.me, "and read")
    expected = ["written before you joined", "and read"]
    await dmtui.until(lambda: dmtui.bodies(bob.account) == expected)
    await dmtui.messenger.send(bob.me, "good")
    await bob.until(lambda: bob.bodies(dmtui.account) == [*expected, "good"])
    sent = await asyncio.to_thread(dmtui.account.events, opened.room_id)
    assert {e["type"] for e in sent if e["type"] in ("m.room.message", "m.room.encrypted")} == {
        "m.room.encrypted"
    }


async def test_person_who_is_deactivated_has_left(dmtui: DmtuiAccount, bob: Account) -> None:
    await dmtui.befriend(bob)
    await asyncio.to_thread(bob.deactivate)
    await dmtui.until_peer(bob, PeerState.LEFT)


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
