"""``m.direct`` among other clients, on a real homeserver: the guard and the doctor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dmtui.core.doctor import Ailment, examine, repair_of
from dmtui.core.model import UserId
from dmtui.core.repairs import difference
from dmtui.messenger.results import Consent, Opened
from tests.homeserver.account import Account, Json
from tests.homeserver.dmtui_account import DmtuiAccount
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.synapse import SynapseServer

DIRECT_MAP = "/account_data/m.direct"


@pytest.fixture
def bob(synapse: SynapseServer) -> Account:
    return synapse.register(displayname="Bob")


@pytest.fixture
async def dmtui(
    synapse: SynapseServer, proxy: FaultProxy, tmp_path: Path
) -> AsyncIterator[DmtuiAccount]:
    """dmtui behind the proxy, not started yet, so that the test can set the account up."""
    dmtui = DmtuiAccount(
        await asyncio.to_thread(synapse.register), tmp_path / "device", proxy.base_url
    )
    yield dmtui
    await dmtui.stop()


def chat(me: Account, other: Account) -> str:
    """A direct room that both have joined and nobody has recorded."""
    room_id = other.create_dm(me, record=False)
    me.join(room_id)
    return room_id


def upgraded(owner: Account, me: Account, room_id: str) -> str:
    """The owner upgrades the room; I follow, and my entry in the map does not."""
    new = str(owner.room_api("POST", room_id, "upgrade", {"new_version": "12"})["replacement_room"])
    owner.invite(new, me, is_direct=False)
    me.join(new)
    return new


def puts(proxy: FaultProxy) -> int:
    return len(proxy.requests(DIRECT_MAP, "PUT"))


async def test_scenario_14_mass_loss_is_restored_by_merge(
    dmtui: DmtuiAccount, bob: Account, proxy: FaultProxy
) -> None:
    me = dmtui.account

    def forty_chats() -> Json:
        full: Json = {bob.user_id: [chat(me, bob) for _ in range(40)]}
        me.set_account_data("m.direct", full)
        return full

    full = await asyncio.to_thread(forty_chats)
    await dmtui.start()
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


async def test_scenario_18_invite_without_the_flag_to_a_listed_room_is_direct(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    def invite() -> str:
        room_id = bob.create_room(preset="private_chat", invite=[dmtui.me])
        dmtui.account.record_direct(bob, room_id)
        return room_id

    room_id = await asyncio.to_thread(invite)
    await dmtui.start()
    await dmtui.until(dmtui.messenger.invites)
    (asked,) = dmtui.messenger.invites()
    assert (asked.room_id, asked.inviter, asked.direct) == (room_id, bob.user_id, True)


async def test_scenario_23_lost_flag_is_found_by_a_new_device(
    dmtui: DmtuiAccount, bob: Account, synapse: SynapseServer
) -> None:
    me = dmtui.account
    carol = await asyncio.to_thread(synapse.register)

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
    await dmtui.start()
    survey = await dmtui.messenger.care.examine()
    assert survey is not None
    found = examine(survey, dmtui.me)
    assert [finding.ailment for finding in found] == [Ailment.LOST_FLAG] * 2
    outcome = await dmtui.messenger.care.repair(repair_of(found))
    assert outcome is not None
    assert outcome.ok
    await dmtui.until_recorded({bob.user_id: [with_bob], carol.user_id: [with_carol]})
    await dmtui.until(lambda: dmtui.conversation(bob) and dmtui.conversation(carol))


async def test_map_broken_in_ten_ways_is_repaired_in_one_write_and_undo_gives_it_back(
    dmtui: DmtuiAccount, bob: Account, synapse: SynapseServer, proxy: FaultProxy
) -> None:
    me = dmtui.account
    carol = await asyncio.to_thread(synapse.register)

    def break_map() -> tuple[Json, Json, list[str]]:
        rooms = [chat(me, bob) for _ in range(8)]
        stray, double, junk, shared, own, old, left, lost = rooms
        group = chat(me, bob)
        bob.invite(group, carol)
        carol.join(group)
        upgrade = upgraded(bob, me, old)
        me.leave(left)
        broken: Json = {
            "[object Object]": [stray],
            "bob@example.org": ["!waiting:example.org"],
            "@null:example.org": None,
            "@text:example.org": "nothing to see",
            bob.user_id: [double, double, junk, 5, {"a": [None]}, shared, old, left, group],
            carol.user_id: [shared],
            me.user_id: [own],
            "@gone:example.org": ["!never:example.org"],
            "@empty:example.org": [],
        }
        kept = [double, junk, shared, old, left, group]
        healthy: Json = {
            bob.user_id: [*kept, stray, own, upgrade, lost],
            "@empty:example.org": [],
        }
        me.set_account_data("m.direct", broken)
        return broken, healthy, rooms

    broken, healthy, _ = await asyncio.to_thread(break_map)
    await dmtui.start()
    survey = await dmtui.messenger.care.examine()
    assert survey is not None
    found = examine(survey, dmtui.me)
    assert {finding.ailment for finding in found} == set(Ailment)
    assert puts(proxy) == 0
    assert await dmtui.direct_map() == broken
    outcome = await dmtui.messenger.care.repair(repair_of(found))
    assert outcome is not None
    assert outcome.ok
    repaired = await dmtui.direct_map()
    assert isinstance(repaired, dict)
    assert {key: sorted(rooms) for key, rooms in repaired.items()} == {
        key: sorted(rooms) for key, rooms in healthy.items()
    }
    assert puts(proxy) == 1
    shown = {line.partition('": ')[0] for line in difference(broken, repaired)}
    gone = {f'- "{key}' for key in broken if key != "@empty:example.org"}
    assert shown == {*gone, f'+ "{bob.user_id}'}
    outcome = await dmtui.messenger.care.undo()
    assert outcome is not None
    assert outcome.ok
    assert json.dumps(await dmtui.direct_map()) == json.dumps(broken)
    assert puts(proxy) == 2


async def test_chat_started_while_the_map_is_examined_is_not_lost(
    dmtui: DmtuiAccount, bob: Account, synapse: SynapseServer
) -> None:
    await asyncio.to_thread(dmtui.account.set_account_data, "m.direct", {"@x:example.org": None})
    await dmtui.start()
    survey = await dmtui.messenger.care.examine()
    assert survey is not None
    opened = await dmtui.messenger.start_chat(UserId(bob.user_id), Consent(unencrypted=True))
    assert isinstance(opened, Opened)
    await dmtui.until(lambda: dmtui.store.pending_intents() == ())
    await dmtui.messenger.care.repair(repair_of(examine(survey, dmtui.me)))
    await dmtui.until_recorded({bob.user_id: [opened.room_id]})
    await dmtui.messenger.care.undo()
    await dmtui.until_recorded({"@x:example.org": None, bob.user_id: [opened.room_id]})
