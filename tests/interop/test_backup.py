"""Room keys that dmtui or Element backs up, restored by the other."""

from __future__ import annotations

import asyncio

import pytest

from dmtui.core.model import SendState
from tests.homeserver.account import Account
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.homeserver.synapse import SynapseServer
from tests.interop.peer import Element, Peer
from tests.interop.setting import OpenDmtui, OpenElement, another_element, chat, on_one_worker

pytestmark = on_one_worker


async def test_room_keys_backed_up_here_are_restored_in_element(
    dmtui: DmtuiAccount, bob: Element, synapse: SynapseServer, open_element: OpenElement
) -> None:
    homeserver = await dmtui.messenger.homeserver()
    key = await homeserver.set_up_recovery("")
    room_id = await chat(dmtui, bob)
    await bob.send(room_id, "one")
    await dmtui.until(lambda: dmtui.bodies(bob.account) == ["one"])
    await dmtui.messenger.send(user(bob.account), "two")
    await dmtui.until(lambda: dmtui.states(bob.account) == [SendState.SENT])
    assert await homeserver.back_up() == 0
    mine = await another_element(dmtui, synapse, open_element)
    assert await mine.recover(key) == {"imported": 2, "total": 2}
    await mine.message(room_id, body="one", readable=True)
    await mine.message(room_id, body="two", readable=True)


async def chat_of_old(
    synapse: SynapseServer, open_element: OpenElement, bob: Element
) -> tuple[Element, str, str]:
    """My Element, where messages were exchanged and backed up, the recovery key and the room."""
    mine = await open_element(await asyncio.to_thread(synapse.register))
    key = await mine.set_up()
    room_id = await mine.create_direct(bob.account)
    await bob.accept(room_id)
    await mine.room(room_id, members={bob.me: "join"})
    await bob.send(room_id, "one")
    await mine.message(room_id, body="one", readable=True)
    await mine.send(room_id, "two")
    await mine.backup(count=2)
    return mine, key, room_id


async def test_messages_from_before_my_sign_in_are_readable_once_unlocked(
    peer: Peer,
    synapse: SynapseServer,
    open_element: OpenElement,
    open_dmtui: OpenDmtui,
    bob: Element,
) -> None:
    mine, key, _ = await chat_of_old(synapse, open_element, bob)
    dmtui = await open_dmtui(await asyncio.to_thread(synapse.login, mine.account.localpart))
    await dmtui.until(lambda: len(dmtui.messages(bob.account)) > 0)
    assert dmtui.bodies(bob.account) == []
    await (await dmtui.messenger.homeserver()).unlock(key)
    await dmtui.until(lambda: dmtui.bodies(bob.account) == ["one", "two"])


def without_backup(me: Account) -> None:
    """No device of mine uses the backup any more (spec: ``m.key_backup``)."""
    target = f"v3/user/{me.user_id}/account_data/m.key_backup"
    me.api("PUT", target, {"enabled": False})


async def test_element_gives_the_keys_that_dmtui_asks_for(
    peer: Peer,
    synapse: SynapseServer,
    open_element: OpenElement,
    open_dmtui: OpenDmtui,
    bob: Element,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine, key, room_id = await chat_of_old(synapse, open_element, bob)
    await asyncio.to_thread(without_backup, mine.account)
    dmtui = await open_dmtui(await asyncio.to_thread(synapse.login, mine.account.localpart))
    await (await dmtui.messenger.homeserver()).unlock(key)
    await mine.device(dmtui.account, verified=True)
    monkeypatch.setattr("dmtui.matrix.key_requests.AGAIN", 0.0)
    await bob.send(room_id, "three")  # with which an early request is repeated
    await dmtui.until(lambda: dmtui.bodies(bob.account) == ["one", "two", "three"])


async def test_dmtui_gives_the_keys_that_element_asks_for(
    dmtui: DmtuiAccount, bob: Element, synapse: SynapseServer, open_element: OpenElement
) -> None:
    homeserver = await dmtui.messenger.homeserver()
    key = await homeserver.set_up_recovery("")
    room_id = await chat(dmtui, bob)
    await bob.send(room_id, "one")
    await dmtui.until(lambda: dmtui.bodies(bob.account) == ["one"])
    version = dmtui.account.api("GET", "v3/room_keys/version")["version"]
    await asyncio.to_thread(dmtui.account.api, "DELETE", f"v3/room_keys/version/{version}")
    mine = await another_element(dmtui, synapse, open_element)
    await mine.recover(key)
    await mine.room(room_id, membership="join")
    await mine.request_keys(room_id)
    await mine.message(room_id, body="one", readable=True)


async def test_all_room_keys_backed_up_in_element_are_restored_here(
    peer: Peer,
    synapse: SynapseServer,
    open_element: OpenElement,
    open_dmtui: OpenDmtui,
    bob: Element,
) -> None:
    mine, key, _ = await chat_of_old(synapse, open_element, bob)
    dmtui = await open_dmtui(await asyncio.to_thread(synapse.login, mine.account.localpart))
    homeserver = await dmtui.messenger.homeserver()
    await homeserver.unlock(key)
    done: list[tuple[int, int]] = []
    await homeserver.restore_keys(lambda part, whole: done.append((part, whole)))
    assert done[-1] == (2, 2)
    await dmtui.until(lambda: dmtui.bodies(bob.account) == ["one", "two"])
    assert await homeserver.restore_keys(lambda part, whole: None) == 0
