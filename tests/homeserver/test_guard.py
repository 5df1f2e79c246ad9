"""``m.direct`` among other clients, on a real homeserver: the guard and the doctor."""

from __future__ import annotations

import asyncio

import pytest

from dmtui.core.doctor import Ailment, examine, repair_of
from dmtui.core.model import PeerState, SendState
from tests.homeserver.account import Account, Json
from tests.homeserver.dmtui_account import user
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.setting import Open, Setting, locally

DIRECT_MAP = "/account_data/m.direct"


@pytest.fixture
def proxy(setting: Setting) -> FaultProxy:
    return setting.proxy


@pytest.fixture
def me(setting: Setting) -> Account:
    """Not in dmtui yet, so that the test can set the account up."""
    return setting.here.register()


def chat(me: Account, other: Account) -> str:
    """A direct room that both have joined and nobody has recorded."""
    room_id = other.create_dm(me, record=False)
    me.join(room_id)
    return room_id


def puts(proxy: FaultProxy) -> int:
    return len(proxy.requests(DIRECT_MAP, "PUT"))


@locally
async def test_scenario_14_mass_loss_is_restored_by_merge(
    me: Account, bob: Account, proxy: FaultProxy, open_dmtui: Open
) -> None:
    def forty_chats() -> Json:
        full: Json = {bob.user_id: [me.create_room() for _ in range(40)]}
        me.set_account_data("m.direct", full)
        return full

    full = await asyncio.to_thread(forty_chats)
    dmtui = await open_dmtui(me)
    await dmtui.until(dmtui.messenger.care.versions)
    rooms = full[bob.user_id]
    await dmtui.until(lambda: len(dmtui.store.directs.room_facts(rooms, ())) == len(rooms))
    only = {"@new:example.org": ["!new"]}
    await asyncio.to_thread(me.set_account_data, "m.direct", only)
    await dmtui.until(dmtui.messenger.care.trouble)
    trouble = dmtui.messenger.care.trouble()
    assert trouble is not None
    assert trouble.lost == {*rooms}
    assert puts(proxy) == 0
    outcome = await dmtui.messenger.care.mend()
    assert outcome is not None
    assert outcome.ok
    await dmtui.until_recorded({**only, **full})
    assert puts(proxy) == 1
    assert dmtui.messenger.care.trouble() is None
    await dmtui.until(lambda: dmtui.conversation(bob))


async def test_scenario_23_lost_flag_is_found_by_a_new_device(
    me: Account, bob: Account, setting: Setting, open_dmtui: Open
) -> None:
    carol = await asyncio.to_thread(setting.there.register)

    def lose() -> tuple[str, str]:
        with_bob = chat(me, bob)
        with_carol = me.create_dm(carol, record=False)
        carol.join(with_carol)
        bob.create_room(preset="private_chat", invite=[me.user_id])  # pending, no chat
        me.join(bob.create_room(preset="private_chat", invite=[me.user_id]))
        for account in (me, bob, carol):
            account.set_name(f"{account.localpart} renamed")
        me.set_account_data("m.direct", {})
        return with_bob, with_carol

    with_bob, with_carol = await asyncio.to_thread(lose)
    dmtui = await open_dmtui(me)
    survey = await dmtui.messenger.care.examine()
    assert survey is not None
    found = examine(survey, dmtui.me)
    lost, unmarked = Ailment.LOST_FLAG, Ailment.NEVER_MARKED
    assert [finding.ailment for finding in found] == [lost, lost, unmarked]
    outcome = await dmtui.messenger.care.repair(repair_of(found))
    assert outcome is not None
    assert outcome.ok
    await dmtui.until_recorded({bob.user_id: [with_bob], carol.user_id: [with_carol]})
    await dmtui.until(lambda: dmtui.conversation(bob) and dmtui.conversation(carol))


@locally
async def test_chat_started_while_the_map_is_examined_is_not_lost(
    me: Account, bob: Account, open_dmtui: Open
) -> None:
    await asyncio.to_thread(me.set_account_data, "m.direct", {"@x:example.org": None})
    dmtui = await open_dmtui(me)
    survey = await dmtui.messenger.care.examine()
    assert survey is not None
    opened = await dmtui.start_plain_chat(bob)
    await dmtui.until(lambda: dmtui.store.pending_intents() == ())
    await dmtui.messenger.care.repair(repair_of(examine(survey, dmtui.me)))
    await dmtui.until_recorded({bob.user_id: [opened.room_id]})
    await dmtui.messenger.care.undo()
    await dmtui.until_recorded({"@x:example.org": None, bob.user_id: [opened.room_id]})


async def test_room_listed_under_somebody_who_is_not_in_it_is_not_theirs(
    me: Account, bob: Account, setting: Setting, open_dmtui: Open
) -> None:
    eve = await asyncio.to_thread(setting.there.register)
    room_id = await asyncio.to_thread(chat, me, eve)
    await asyncio.to_thread(me.record_direct, bob, room_id)
    dmtui = await open_dmtui(me)
    await dmtui.until(dmtui.messenger.people)
    (row,) = dmtui.messenger.people()
    assert (row.peer, row.room_id) == (PeerState.GROUP, room_id)
    opened = await dmtui.start_plain_chat(bob)
    assert opened.room_id != room_id
    await dmtui.messenger.send(user(bob), "for Bob alone")
    await dmtui.until(lambda: dmtui.states(bob) == [SendState.SENT])
    assert await asyncio.to_thread(eve.texts, room_id) == []
