"""Chats that end or become something else, on a real homeserver."""

from __future__ import annotations

import asyncio

import pytest

from dmtui.core.intents import Deliver, Outcome
from dmtui.core.model import PeerState, RoomId, SendState, UserId
from dmtui.messenger.results import Consent, Opened, Waiting
from tests.homeserver.account import Account
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.homeserver.setting import Setting, locally

CREATE = "/createRoom"


def well(outcome: Outcome | None) -> Outcome:
    """The outcome, which must be a success."""
    assert outcome is not None
    assert outcome.ok, outcome.message
    return outcome


def rows(dmtui: DmtuiAccount) -> set[str]:
    return {conversation.user_id for conversation in dmtui.messenger.people()}


async def invited(dmtui: DmtuiAccount, bob: Account) -> RoomId:
    """A chat that Bob has been invited to, recorded."""
    opened = await dmtui.start_plain_chat(bob)
    await dmtui.until_recorded({bob.user_id: [opened.room_id]})
    await asyncio.to_thread(bob.wait_for_invite, opened.room_id)
    return opened.room_id


def invites_of(account: Account) -> set[str]:
    return set(account.sync().get("rooms", {}).get("invite", {}))


async def membership(account: Account, room_id: str, whose: Account) -> str:
    members = await asyncio.to_thread(account.members, room_id)
    return str(members[whose.user_id]["membership"])


@locally
async def test_chat_left_and_begun_anew_shows_old_and_new_messages(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    old = await dmtui.befriend(bob)
    await asyncio.to_thread(bob.send_text, old, "before")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["before"])
    well(await dmtui.messenger.life.leave(user(bob)))
    await dmtui.until(lambda: rows(dmtui) == set())
    assert await membership(bob, old, dmtui.account) == "leave"
    opened = await dmtui.start_plain_chat(bob)
    assert opened.room_id != old
    await asyncio.to_thread(bob.wait_for_invite, opened.room_id)
    await asyncio.to_thread(bob.join, opened.room_id)
    await asyncio.to_thread(bob.send_text, opened.room_id, "after")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["before", "after"])
    await dmtui.until_recorded({bob.user_id: [old, opened.room_id]})


@locally
async def test_forgotten_chat_is_gone_here_and_there_and_stays_so(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room_id = await dmtui.befriend(bob)
    await asyncio.to_thread(bob.send_text, room_id, "secret")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["secret"])
    well(await dmtui.messenger.life.forget(user(bob)))
    await dmtui.until_recorded({})
    await asyncio.to_thread(bob.send_text, room_id, "hello?")
    await dmtui.stop()
    await dmtui.start()
    assert rows(dmtui) == set()
    assert dmtui.messages(bob) == ()
    room = dmtui.account.sync(full_state="true").get("rooms", {})
    assert room_id not in {**room.get("join", {}), **room.get("leave", {})}


async def test_invite_taken_back_is_gone_for_the_person_too(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room_id = await invited(dmtui, bob)
    well(await dmtui.messenger.life.take_invite_back(user(bob)))
    await dmtui.until_recorded({})
    await dmtui.until(lambda: rows(dmtui) == set())
    await asyncio.to_thread(bob.wait_for, lambda _: room_id not in invites_of(bob) or None)
    assert room_id not in await asyncio.to_thread(dmtui.account.joined_rooms)


async def test_invite_accepted_meanwhile_is_left_alone(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    room_id = await invited(dmtui, bob)
    held = setting.proxy.add("/sync", delay=600.0)
    setting.proxy.cut()
    await asyncio.to_thread(bob.join, room_id)
    await asyncio.to_thread(dmtui.account.wait_for_member, room_id, bob, "join")
    outcome = await dmtui.messenger.life.take_invite_back(user(bob))
    assert outcome is not None
    assert not outcome.ok
    assert "accepted meanwhile" in outcome.message
    held.times = 0
    setting.proxy.cut()
    await dmtui.until_peer(bob, PeerState.JOINED)
    await dmtui.until_recorded({bob.user_id: [room_id]})


async def test_person_who_declined_says_so_and_is_invited_again_with_the_flag(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room_id = await invited(dmtui, bob)
    await asyncio.to_thread(bob.leave, room_id)
    assert (await dmtui.until_peer(bob, PeerState.DECLINED)).name == "Bob"
    assert not await dmtui.messenger.life.seems_gone(user(bob))
    well(await dmtui.messenger.life.invite_back(user(bob)))
    _, member = await asyncio.to_thread(bob.wait_for_invite, room_id)
    assert member["is_direct"] is True
    await asyncio.to_thread(bob.join, room_id)
    await dmtui.until_peer(bob, PeerState.JOINED)


@locally
async def test_account_that_was_erased_seems_gone(dmtui: DmtuiAccount, bob: Account) -> None:
    await dmtui.befriend(bob)
    await asyncio.to_thread(bob.deactivate, erase=True)
    await dmtui.until_peer(bob, PeerState.LEFT)
    assert await dmtui.messenger.life.seems_gone(user(bob))


@locally
async def test_chat_becomes_a_room_and_a_chat_again(dmtui: DmtuiAccount, bob: Account) -> None:
    room_id = await dmtui.befriend(bob)
    well(await dmtui.messenger.life.make_room(user(bob)))
    await dmtui.until_recorded({})
    await dmtui.until(lambda: rows(dmtui) == {room_id})
    await asyncio.to_thread(bob.send_text, room_id, "still here")
    await dmtui.until(lambda: (c := dmtui.group(room_id)) and c.preview == "still here")
    await dmtui.stop()
    await dmtui.start()
    assert rows(dmtui) == {room_id}
    well(await dmtui.messenger.life.make_direct(room_id, user(bob)))
    await dmtui.until_recorded({bob.user_id: [room_id]})
    await dmtui.until(lambda: rows(dmtui) == {bob.user_id})
    assert dmtui.bodies(bob) == ["still here"]


@locally
async def test_group_of_three_is_listed_apart_and_direct_chats_stay_for_two(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    carol = await asyncio.to_thread(setting.there.register, displayname="Carol")
    direct = await dmtui.befriend(bob)
    outcome = well(
        await dmtui.messenger.life.start_group([user(bob), user(carol)], "Picnic", encrypted=False)
    )
    assert outcome.room_id is not None
    group = outcome.room_id
    for person in (bob, carol):
        _, member = await asyncio.to_thread(person.wait_for_invite, group)
        assert not member.get("is_direct")
        await asyncio.to_thread(person.join, group)
    await asyncio.to_thread(carol.send_text, group, "cake?")
    await dmtui.until(lambda: (c := dmtui.group(group)) and c.preview == "cake?")
    found = dmtui.group(group)
    assert found is not None
    assert found.name == "Picnic"
    assert rows(dmtui) == {bob.user_id, group}
    await dmtui.until_recorded({bob.user_id: [direct]})
    await dmtui.messenger.send(UserId(group), "bread, too")
    await asyncio.to_thread(carol.wait_for_text, group, "bread, too")
    assert set(await asyncio.to_thread(dmtui.account.members, direct)) == {dmtui.me, bob.user_id}
    well(await dmtui.messenger.life.leave(UserId(group)))
    await dmtui.until(lambda: rows(dmtui) == {bob.user_id})


@locally
async def test_group_with_somebody_who_accepts_no_invites_leaves_nobody_invited(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    carol = await asyncio.to_thread(setting.there.register)
    blocking = {"default_action": "block"}
    await asyncio.to_thread(carol.set_account_data, "m.invite_permission_config", blocking)
    outcome = await dmtui.messenger.life.start_group([user(bob), user(carol)], "", encrypted=False)
    assert outcome is not None
    assert outcome.message == f"{carol.user_id} does not accept invites. No group was made."
    assert await asyncio.to_thread(dmtui.account.joined_rooms) == set()
    await asyncio.to_thread(bob.wait_for, lambda _: not invites_of(bob) or None)
    assert rows(dmtui) == set()


@locally
async def test_group_whose_answer_was_lost_is_made_once(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    setting.proxy.add(CREATE, reset="after", times=1)
    life = dmtui.messenger.life
    assert await life.start_group([user(bob)], "Picnic", encrypted=False) is None
    await dmtui.until(lambda: not dmtui.store.pending_intents())
    (room_id,) = await asyncio.to_thread(dmtui.account.joined_rooms)
    await dmtui.until(lambda: rows(dmtui) == {room_id})
    assert len(setting.proxy.requests(CREATE, "POST")) == 1
    assert await dmtui.direct_map() is None


@locally
async def test_notes_to_self_are_one_room_that_never_grows(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    notes = await dmtui.messenger.start_chat(dmtui.me)
    assert isinstance(notes, Opened)
    await dmtui.until_recorded({dmtui.me: [notes.room_id]})
    well(await dmtui.messenger.life.start_group([user(bob)], "", encrypted=False))
    assert await dmtui.messenger.start_chat(dmtui.me) == notes
    assert set(await asyncio.to_thread(dmtui.account.members, notes.room_id)) == {dmtui.me}


@locally
async def test_slow_create_room_whose_answer_was_lost_makes_one_room(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    setting.proxy.add(CREATE, late=7.0, times=1)
    result = await dmtui.messenger.start_chat(user(bob), Consent(unencrypted=True))
    assert isinstance(result, Waiting)
    await dmtui.until(lambda: dmtui.conversation(bob) and not dmtui.store.pending_intents())
    (room_id,) = await asyncio.to_thread(dmtui.account.joined_rooms)
    await dmtui.until_recorded({bob.user_id: [room_id]})
    assert len(setting.proxy.requests(CREATE, "POST")) == 1


@locally
async def test_messages_handed_over_in_an_outage_arrive_in_their_order(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    room_id = await dmtui.befriend(bob)
    texts = [f"number {n}" for n in range(5)]
    broken = setting.proxy.add("/send/", status=502)
    for text in texts:
        await dmtui.messenger.write_down(Deliver(user(bob), text))
    await dmtui.until(lambda: len(dmtui.states(bob)) == 5)
    await dmtui.stop()
    broken.times = 0
    await dmtui.start()
    await dmtui.until(lambda: dmtui.states(bob) == [SendState.SENT] * 5)
    assert await asyncio.to_thread(bob.texts, room_id) == texts


@pytest.mark.parametrize("path", ["/leave", "/forget", "/account_data/m.direct"])
@locally
async def test_forgetting_cut_short_is_completed_at_the_next_start(
    dmtui: DmtuiAccount, bob: Account, setting: Setting, path: str
) -> None:
    room_id = await dmtui.befriend(bob)
    fault = setting.proxy.add(f"{path}$", reset="after")
    await dmtui.messenger.life.forget(user(bob))
    await asyncio.to_thread(setting.proxy.wait_for_request, f"{path}$")
    await dmtui.stop()
    fault.times = 0
    await dmtui.start()
    await dmtui.until_recorded({})
    assert rows(dmtui) == set()
    assert room_id not in await asyncio.to_thread(dmtui.account.joined_rooms)
