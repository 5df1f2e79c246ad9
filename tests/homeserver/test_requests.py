"""Requests on a real homeserver: their order, refusing them, ignoring, and the switch."""

from __future__ import annotations

import asyncio

import pytest

from dmtui.core.model import Invite, Membership, PeerState, RoomId, Standing, UserId
from dmtui.messenger.requests import Step
from tests.homeserver.account import Account, Json, MatrixError
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.homeserver.setting import Open, Setting, locally

LIST = "m.ignored_user_list"
SWITCH = "m.invite_permission_config"
EVERYTHING = (Step.DECLINE, Step.IGNORE, Step.REPORT)


async def asked(dmtui: DmtuiAccount, room_id: str) -> Invite:
    """The invite, once sync has told of it."""
    await dmtui.until(lambda: room_id in {i.room_id for i in dmtui.messenger.invites()})
    return next(i for i in dmtui.messenger.invites() if i.room_id == room_id)


def membership(account: Account, other: Account, room_id: str) -> object:
    """How the other person stands in the room, as the account sees it."""
    return account.members(room_id)[other.user_id]["membership"]


async def test_who_shares_rooms_comes_before_who_does_not(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    carol = await asyncio.to_thread(setting.there.register)

    def ask() -> tuple[str, str]:
        common = dmtui.account.create_room(preset="private_chat", invite=[carol.user_id])
        carol.wait_for_invite(common)
        carol.join(common)
        return carol.create_dm(dmtui.account), bob.create_dm(dmtui.account)

    with_carol, with_bob = await asyncio.to_thread(ask)
    await asked(dmtui, with_carol)
    await asked(dmtui, with_bob)

    def weighed() -> bool:
        return all(i.shared_rooms is not None for i in dmtui.messenger.invites())

    await dmtui.until(weighed)
    first, second = dmtui.messenger.invites()
    assert (first.inviter, first.standing, first.shared_rooms) == (
        carol.user_id,
        Standing.SHARES_ROOMS,
        1,
    )
    alone = Standing.SAME_SERVER if setting.here is setting.there else Standing.STRANGER
    assert (second.inviter, second.standing, second.shared_rooms) == (bob.user_id, alone, 0)


async def test_second_request_of_a_contact_is_one_of_my_people(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    await dmtui.befriend(bob)
    invite = await asked(dmtui, await asyncio.to_thread(bob.create_dm, dmtui.account))
    assert invite.standing is Standing.CONTACT


async def test_declined_ignored_and_reported_in_one_go(dmtui: DmtuiAccount, bob: Account) -> None:
    invite = await asked(dmtui, await asyncio.to_thread(bob.create_dm, dmtui.account))
    results = await dmtui.messenger.requests.refuse(invite, EVERYTHING, "sells watches")
    assert [(r.step, r.outcome is not None and r.outcome.ok) for r in results] == [
        (step, True) for step in EVERYTHING
    ]
    await asyncio.to_thread(
        bob.wait_for_member, invite.room_id, dmtui.account, Membership.LEAVE.value
    )
    ignored = await asyncio.to_thread(dmtui.account.account_data, LIST)
    assert ignored == {"ignored_users": {bob.user_id: {}}}
    assert dmtui.messenger.invites() == ()


@locally
async def test_step_that_fails_leaves_the_others_done_and_can_be_repeated(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    invite = await asked(dmtui, await asyncio.to_thread(bob.create_dm, dmtui.account))
    answer: Json = {"errcode": "M_FORBIDDEN", "error": "not today"}
    setting.proxy.add(path=f"/account_data/{LIST}", method="PUT", times=1, status=403, body=answer)
    results = await dmtui.messenger.requests.refuse(invite, EVERYTHING)
    assert [result.failed for result in results] == [False, True, False]
    assert await asyncio.to_thread(dmtui.account.account_data, LIST) is None
    (again,) = await dmtui.messenger.requests.refuse(invite, [Step.IGNORE])
    assert not again.failed
    await dmtui.until(lambda: dmtui.messenger.requests.ignored() == (user(bob),))
    leaves = setting.proxy.requests(r"/leave$", "POST")
    assert len(leaves) == 1


@locally
async def test_server_without_reports_says_so(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    invite = await asked(dmtui, await asyncio.to_thread(bob.create_dm, dmtui.account))
    unknown: Json = {"errcode": "M_UNRECOGNIZED", "error": "Unrecognized request"}
    setting.proxy.add(path=r"/report$", method="POST", status=404, body=unknown)
    results = await dmtui.messenger.requests.refuse(invite, EVERYTHING)
    assert [result.failed for result in results] == [False, False, True]
    assert results[2].outcome is not None
    assert results[2].outcome.message == "Your homeserver takes no reports."


async def test_scenario_22_ignored_request_is_gone_for_good(
    dmtui: DmtuiAccount, bob: Account, open_dmtui: Open
) -> None:
    def ask() -> tuple[str, str]:
        return bob.create_dm(dmtui.account), bob.create_room(
            preset="private_chat", name="Lottery", invite=[dmtui.account.user_id]
        )

    rooms = await asyncio.to_thread(ask)
    for room_id in rooms:
        await asked(dmtui, room_id)
    outcome = await dmtui.messenger.requests.ignore(user(bob))
    assert outcome is not None
    assert outcome.ok
    await dmtui.until(lambda: dmtui.store.pending_intents() == ())
    assert dmtui.messenger.invites() == ()
    for room_id in rooms:
        await asyncio.to_thread(bob.wait_for_member, room_id, dmtui.account, "leave")
    await dmtui.until(lambda: dmtui.messenger.requests.ignored() == (user(bob),))
    await dmtui.messenger.requests.stop_ignoring(user(bob))
    await dmtui.until(lambda: dmtui.messenger.requests.ignored() == ())
    other = await open_dmtui(dmtui.account)
    assert other.messenger.invites() == ()
    assert dmtui.messenger.invites() == ()
    later = await asyncio.to_thread(bob.create_dm, dmtui.account)
    await asked(dmtui, later)


async def test_ignored_person_leaves_the_list_and_comes_back_with_their_chat(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room_id = await dmtui.befriend(bob)
    await asyncio.to_thread(bob.send_text, room_id, "before")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["before"])
    await dmtui.messenger.requests.ignore(user(bob))
    await dmtui.until(lambda: dmtui.conversation(bob) is None)
    await dmtui.messenger.requests.stop_ignoring(user(bob))
    conversation = await dmtui.until_peer(bob, PeerState.JOINED)
    assert conversation.room_id == room_id
    assert dmtui.bodies(bob) == ["before"]


async def test_switch_keeps_strangers_out_until_another_client_throws_it_back(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    await asyncio.to_thread(
        dmtui.account.set_account_data, SWITCH, {"org.example.kept": {"yes": 1}}
    )
    assert not dmtui.messenger.requests.blocked
    outcome = await dmtui.messenger.requests.block(True)
    assert outcome is not None
    assert outcome.ok
    await dmtui.until(lambda: dmtui.messenger.requests.blocked)
    content = await asyncio.to_thread(dmtui.account.account_data, SWITCH)
    assert content == {"default_action": "block", "org.example.kept": {"yes": 1}}
    with pytest.raises(MatrixError) as refused:
        await asyncio.to_thread(bob.create_dm, dmtui.account)
    assert refused.value.errcode == "M_INVITE_BLOCKED"
    await asyncio.to_thread(dmtui.account.set_account_data, SWITCH, {"default_action": "allow"})
    await dmtui.until(lambda: not dmtui.messenger.requests.blocked)
    await asked(dmtui, await asyncio.to_thread(bob.create_dm, dmtui.account))


async def test_request_accepted_as_a_room_is_listed_as_one(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room_id = RoomId(await asyncio.to_thread(bob.create_dm, dmtui.account))
    await asked(dmtui, room_id)
    outcome = await dmtui.messenger.accept(room_id, direct=False)
    assert outcome is not None
    assert outcome.ok
    await dmtui.until(lambda: dmtui.group(room_id))
    row = dmtui.group(room_id)
    assert row is not None
    assert row.group
    assert dmtui.conversation(bob) is None
    assert await dmtui.direct_map() is None
    await asyncio.to_thread(bob.send_text, room_id, "hello room")

    def heard() -> bool:
        page = dmtui.messenger.messages(UserId(room_id))
        return "hello room" in [message.body for message in page.messages]

    await dmtui.until(heard)
