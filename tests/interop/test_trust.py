"""What dmtui says of people who use Element: their devices, their identity, and its changes."""

from __future__ import annotations

import asyncio

from dmtui.core.model import Alarm, Doubt, SendState
from dmtui.core.trust import IdentityState
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.homeserver.synapse import SynapseServer
from tests.interop.peer import Element
from tests.interop.setting import OpenElement, chat, on_one_worker

pytestmark = on_one_worker


async def test_element_that_is_set_up_is_confirmed_and_its_messages_are_not_doubted(
    dmtui: DmtuiAccount, bob: Element
) -> None:
    room_id = await chat(dmtui, bob)
    await bob.send(room_id, "signed")
    await dmtui.until(lambda: dmtui.bodies(bob.account) == ["signed"])
    assert dmtui.messages(bob.account)[-1].doubt is Doubt.NONE
    homeserver = await dmtui.messenger.homeserver()
    trust = await homeserver.trust_of(user(bob.account))
    assert trust.identity is IdentityState.FIRST_SEEN
    assert [device.signed for device in trust.devices] == [True]


async def test_second_element_that_is_not_unlocked_is_doubted(
    dmtui: DmtuiAccount, bob: Element, synapse: SynapseServer, open_element: OpenElement
) -> None:
    room_id = await chat(dmtui, bob)
    other = await open_element(await asyncio.to_thread(synapse.login, bob.account.localpart))
    await other.room(room_id, membership="join")
    await other.send(room_id, "who am I")
    await dmtui.until(lambda: dmtui.bodies(bob.account) == ["who am I"])
    assert dmtui.messages(bob.account)[-1].doubt is Doubt.UNSIGNED_DEVICE


async def test_element_that_is_not_unlocked_is_told_why_it_gets_no_key_and_reads_once_it_is(
    dmtui: DmtuiAccount, synapse: SynapseServer, open_element: OpenElement
) -> None:
    bob = await open_element(await asyncio.to_thread(synapse.register))
    recovery_key = await bob.set_up()
    room_id = await chat(dmtui, bob)
    other = await open_element(await asyncio.to_thread(synapse.login, bob.account.localpart))
    await other.room(room_id, membership="join")
    await dmtui.messenger.send(user(bob.account), "for the first")
    await bob.message(room_id, body="for the first", readable=True)
    first = str(dmtui.messages(bob.account)[-1].event_id)
    await other.message(
        room_id, event_id=first, failure="MEGOLM_KEY_WITHHELD_FOR_UNVERIFIED_DEVICE"
    )
    await other.recover(recovery_key)
    await bob.device(other.account, signed=True)
    await bob.send(room_id, "both are signed")
    await dmtui.until(lambda: dmtui.bodies(bob.account)[-1:] == ["both are signed"])
    await dmtui.messenger.send(user(bob.account), "for both")
    await other.message(room_id, body="for both", readable=True)
    await bob.message(room_id, body="for both", readable=True)


async def test_person_whose_element_is_not_set_up_gets_messages_once_it_is(
    dmtui: DmtuiAccount, synapse: SynapseServer, open_element: OpenElement
) -> None:
    bob = await open_element(await asyncio.to_thread(synapse.register))
    person, room_id = user(bob.account), await chat(dmtui, bob)
    await dmtui.messenger.send(person, "psst")
    await dmtui.until(lambda: dmtui.messenger.alarms_of(person) == {person: Alarm.DEVICES})
    await dmtui.until(lambda: dmtui.states(bob.account) == [SendState.QUEUED])
    await bob.set_up()
    await bob.message(room_id, body="psst", readable=True)


async def test_new_identity_of_an_element_user_holds_messages_until_it_is_accepted(
    dmtui: DmtuiAccount, bob: Element
) -> None:
    person = user(bob.account)
    room_id = await chat(dmtui, bob)
    await dmtui.messenger.send(person, "one")
    await bob.message(room_id, body="one", readable=True)
    await bob.reset()
    await dmtui.until(lambda: dmtui.messenger.alarms_of(person) == {person: Alarm.IDENTITY})
    await dmtui.messenger.send(person, "two")
    await dmtui.until(lambda: dmtui.states(bob.account)[-1] is SendState.QUEUED)
    await dmtui.messenger.accept_identity(person)
    await bob.message(room_id, body="two", readable=True)
