"""Upgraded chats, groups and chats that I left, by either way of syncing."""

from __future__ import annotations

import asyncio
from enum import StrEnum

import pytest

from dmtui.core.model import Membership, PeerState, RoomId
from tests.homeserver.account import Account
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.homeserver.setting import Open, Setting, locally

pytestmark = locally


class Way(StrEnum):
    """How dmtui syncs."""

    SLIDING = "sliding"
    CLASSIC = "classic"


@pytest.fixture(params=list(Way), autouse=True)
def way(request: pytest.FixtureRequest, setting: Setting) -> Way:
    """Without sliding sync the classic one is used."""
    if request.param is Way.CLASSIC:
        unknown = {"errcode": "M_UNRECOGNIZED", "error": "?"}
        setting.proxy.add(path="simplified_msc3575", status=404, body=unknown)
    return Way(request.param)


@pytest.fixture
def carol(setting: Setting) -> Account:
    """A third person."""
    return setting.here.register(displayname="Carol")


def upgraded(owner: Account, room_id: str) -> str:
    """The room that the owner has put in place of this one."""
    answer = owner.room_api("POST", room_id, "upgrade", {"new_version": "12"})
    return str(answer["replacement_room"])


async def settled(dmtui: DmtuiAccount) -> None:
    await dmtui.until(lambda: dmtui.store.pending_intents() == ())


async def test_chat_that_the_other_upgraded_is_followed(dmtui: DmtuiAccount, bob: Account) -> None:
    old = await dmtui.befriend(bob)
    await asyncio.to_thread(bob.send_text, old, "before")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["before"])
    new = RoomId(await asyncio.to_thread(upgraded, bob, old))
    await asyncio.to_thread(bob.invite, new, dmtui.account)
    await dmtui.until(lambda: (c := dmtui.conversation(bob)) and c.room_id == new)
    await settled(dmtui)
    await asyncio.to_thread(bob.send_text, new, "after")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["before", "after"])
    assert await dmtui.direct_map() == {bob.user_id: [old, new]}
    assert dmtui.messenger.invites() == ()
    first, second = dmtui.messenger.rooms_of(user(bob))
    assert (first.room_id, first.successor, first.serving) == (old, new, False)
    assert (second.room_id, second.serving) == (new, True)


async def test_chat_that_my_other_client_upgraded_is_followed(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    old = (await dmtui.start_plain_chat(bob)).room_id
    await asyncio.to_thread(bob.wait_for_invite, old)
    await asyncio.to_thread(bob.join, old)
    await dmtui.until_peer(bob, PeerState.JOINED)
    new = RoomId(await asyncio.to_thread(upgraded, dmtui.account, old))
    _, member = await asyncio.to_thread(bob.wait_for_invite, new)
    assert member["is_direct"] is True
    await asyncio.to_thread(bob.join, new)
    await dmtui.until(lambda: (c := dmtui.conversation(bob)) and c.room_id == new)
    await settled(dmtui)
    assert await dmtui.direct_map() == {bob.user_id: [old, new]}


async def test_upgrade_into_a_crowd_is_left_again(
    dmtui: DmtuiAccount, bob: Account, carol: Account, setting: Setting
) -> None:
    old = await dmtui.befriend(bob)

    def lure() -> str:
        crowd = bob.create_room(
            preset="public_chat", creation_content={"predecessor": {"room_id": old}}
        )
        carol.join(crowd)
        bob.set_state(old, "m.room.tombstone", {"body": "", "replacement_room": crowd})
        return crowd

    crowd = await asyncio.to_thread(lure)
    await asyncio.to_thread(setting.proxy.wait_for_request, "/leave")
    await settled(dmtui)
    await asyncio.to_thread(bob.send_text, old, "come on")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["come on"])
    assert crowd not in await asyncio.to_thread(dmtui.account.joined_rooms)
    assert await dmtui.direct_map() == {bob.user_id: [old]}
    assert dmtui.group(crowd) is None


async def test_successor_is_entered_once_its_invite_comes(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    old = await dmtui.befriend(bob)
    new = RoomId(await asyncio.to_thread(upgraded, bob, old))
    await asyncio.to_thread(setting.proxy.wait_for_answer, "/join/", 403)
    await dmtui.messenger.send(user(bob), "meanwhile")
    await dmtui.until(lambda: dmtui.messages(bob)[-1].failure or "meanwhile" in dmtui.bodies(bob))
    await asyncio.to_thread(bob.invite, new, dmtui.account, is_direct=False)
    await dmtui.until(lambda: (c := dmtui.conversation(bob)) and c.room_id == new)
    await settled(dmtui)
    assert len(setting.proxy.requests("/join/")) == 2


async def test_chat_becomes_a_group_when_a_third_person_comes_and_a_chat_again(
    dmtui: DmtuiAccount, bob: Account, carol: Account
) -> None:
    room_id = await dmtui.befriend(bob)
    await dmtui.messenger.save_draft(user(bob), "half typed")

    def bring() -> None:
        bob.invite(room_id, carol, is_direct=False)
        carol.join(room_id)

    await asyncio.to_thread(bring)
    await dmtui.until(lambda: dmtui.group(room_id))
    group = dmtui.group(room_id)
    assert group is not None
    assert (group.peer, group.was_with, group.draft) == (
        PeerState.GROUP,
        user(bob),
        "half typed",
    )
    assert dmtui.conversation(bob) is None
    await asyncio.to_thread(carol.leave, room_id)
    await dmtui.until(lambda: dmtui.conversation(bob))
    assert dmtui.group(room_id) is None


async def test_chat_that_i_left_stays_above_the_new_one_also_on_a_new_device(
    dmtui: DmtuiAccount, bob: Account, open_dmtui: Open, setting: Setting
) -> None:
    old = await dmtui.befriend(bob)
    await asyncio.to_thread(bob.send_text, old, "long ago")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["long ago"])
    await asyncio.to_thread(dmtui.account.leave, old)
    await dmtui.until(lambda: dmtui.conversation(bob) is None)
    new = await dmtui.befriend(bob)
    await asyncio.to_thread(bob.send_text, new, "again")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["long ago", "again"])
    second = await open_dmtui(await asyncio.to_thread(setting.here.login, dmtui.account.localpart))
    await second.until(lambda: second.bodies(bob) == ["again"])
    while not (page := second.messenger.messages(user(bob))).complete:
        before = page.messages[0].cursor if page.messages else None
        assert await second.messenger.load_older(user(bob), before)
    assert second.bodies(bob) == ["long ago", "again"]
    mine = {room.room_id: room.mine for room in second.messenger.rooms_of(user(bob))}
    assert mine == {old: Membership.LEAVE, new: Membership.JOIN}
    assert [c.unread for c in second.messenger.people()] == [1]


async def test_person_who_declines_is_told_from_one_who_left(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room_id = (await dmtui.start_plain_chat(bob)).room_id
    await asyncio.to_thread(bob.wait_for_invite, room_id)
    await dmtui.until_peer(bob, PeerState.INVITED)
    await asyncio.to_thread(bob.leave, room_id)
    await dmtui.until_peer(bob, PeerState.DECLINED)
