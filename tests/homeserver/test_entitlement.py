"""Who gets the keys of messages on a real homeserver: devices that their owner has confirmed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable

import pytest

from dmtui.core.errors import TrustAlarm
from dmtui.core.model import Alarm, JsonObject, RoomId, TransactionId, UserId
from dmtui.matrix.cross_signing import Seeds
from dmtui.matrix.devices import Device
from dmtui.matrix.room_decryption import NOT_YET, WITHHELD
from tests.homeserver.confirmed import confirm
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.synapse import SynapseServer
from tests.homeserver.talker import ENCRYPTED, Party, Talker, encrypted_room

REFUSED = WITHHELD["m.unverified"]
NOTICES = "/sendToDevice/m.room_key.withheld"


def person(talker: Talker) -> UserId:
    return UserId(talker.account.user_id)


async def second_device(party: Party, synapse: SynapseServer, talker: Talker) -> Talker:
    """Another device of the talker's user, which nobody has confirmed."""
    account = await asyncio.to_thread(synapse.login, talker.account.localpart)
    guest = await party.guest(account, confirmed=False)
    await guest.sync()
    return guest


async def test_device_that_is_not_confirmed_is_told_so_and_reads_once_it_is(
    party: Party, synapse: SynapseServer
) -> None:
    alice, bob, room_id = await party.pair()
    other = await second_device(party, synapse, bob)
    await alice.sync()
    await alice.say(room_id, "one")
    await bob.sync()
    await other.sync()
    assert bob.read() == ["one"]
    assert other.read() == [REFUSED]
    await asyncio.to_thread(confirm, other.account)
    await alice.sync()
    await alice.say(room_id, "two")
    await other.sync()
    assert other.read() == [REFUSED, "two"]


async def test_notice_is_sent_once_for_a_key(
    party: Party, synapse: SynapseServer, proxy: FaultProxy
) -> None:
    alice, bob, room_id = await party.pair(url=proxy.base_url)
    await second_device(party, synapse, bob)
    await alice.sync()
    for body in ("one", "two", "three"):
        await alice.say(room_id, body)
    assert len(proxy.requests(NOTICES)) == 1


async def test_notice_that_fails_holds_no_message_up_and_is_sent_with_the_next(
    party: Party, synapse: SynapseServer, proxy: FaultProxy
) -> None:
    alice, bob, room_id = await party.pair(url=proxy.base_url)
    other = await second_device(party, synapse, bob)
    await alice.sync()
    proxy.add(path=NOTICES, status=502)
    await alice.say(room_id, "one")
    proxy.clear()
    await other.sync()
    assert other.read() == [NOT_YET]
    await alice.say(room_id, "two")
    await other.sync()
    await bob.sync()
    assert (bob.read(), other.read()) == (["one", "two"], [REFUSED, REFUSED])


async def test_nothing_is_sent_where_nobody_could_read_it(party: Party) -> None:
    alice, bob, room_id = await party.pair(confirmed=False)
    with pytest.raises(TrustAlarm) as alarm:
        await alice.say(room_id, "one")
    assert alarm.value.alarms == {person(bob): Alarm.DEVICES}
    assert alice.crypto.alarms() == {person(bob): Alarm.DEVICES}
    await bob.sync()
    assert bob.read() == []
    await asyncio.to_thread(confirm, bob.account)
    await alice.sync()
    assert alice.crypto.alarms() == {}
    await alice.say(room_id, "one")
    await bob.sync()
    assert bob.read() == ["one"]


async def test_exception_for_a_person_holds_after_a_restart_and_can_be_taken_back(
    party: Party,
) -> None:
    alice, bob, room_id = await party.pair(confirmed=False)
    alice.crypto.entitlement.set_excepted(person(bob), True)
    await alice.restart()
    await alice.say(room_id, "one")
    await bob.sync()
    assert bob.read() == ["one"]
    alice.crypto.entitlement.set_excepted(person(bob), False)
    assert alice.crypto.alarms() == {person(bob): Alarm.DEVICES}
    with pytest.raises(TrustAlarm):
        await alice.say(room_id, "two")


async def test_invited_person_who_confirms_a_device_is_found_though_sync_tells_nothing(
    party: Party,
) -> None:
    alice, bob = await party.guest(), await party.guest(confirmed=False)
    room_id = alice.account.create_dm(bob.account, record=False, initial_state=[ENCRYPTED])
    await alice.sync()
    with pytest.raises(TrustAlarm):
        await alice.say(room_id, "one")
    await asyncio.to_thread(confirm, bob.account)
    await alice.crypto.maintain()
    assert alice.crypto.alarms() == {}


async def test_company_gets_messages_that_one_of_them_could_not_read(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    carol = await party.guest(confirmed=False)
    alice.account.invite(room_id, carol.account)
    carol.account.join(room_id)
    await alice.sync()
    await carol.sync()
    await alice.say(room_id, "hello all")
    await bob.sync()
    await carol.sync()
    assert (bob.read(), carol.read()) == (["hello all"], [REFUSED])


async def test_own_devices_get_keys_until_there_is_an_identity_to_confirm_them(
    party: Party, synapse: SynapseServer
) -> None:
    alice, bob = await party.guest(confirmed=False), await party.guest()
    other = await second_device(party, synapse, alice)
    room_id = encrypted_room(alice.account, bob.account)
    await alice.sync()
    await alice.say(room_id, "one")
    await other.sync()
    assert other.read() == ["one"]
    await asyncio.to_thread(confirm, alice.account)
    await alice.sync()
    await alice.say(room_id, "two")
    await other.sync()
    assert other.read() == ["one", REFUSED]


async def test_verification_reaches_devices_that_are_not_confirmed(
    party: Party, synapse: SynapseServer
) -> None:
    alice, bob, room_id = await party.pair()
    other = await second_device(party, synapse, bob)
    await alice.sync()
    await alice.say(room_id, "one")
    ready: JsonObject = {"from_device": "X", "methods": [], "body": "ready"}
    await alice.crypto.send(RoomId(room_id), TransactionId("t"), "m.key.verification.ready", ready)
    await alice.say(room_id, "two")
    await other.sync()
    await bob.sync()
    assert bob.read() == ["one", "ready", "two"]
    assert other.read() == [REFUSED, "ready", REFUSED]


async def test_device_that_appears_while_keys_are_given_gets_the_next_one(
    party: Party, synapse: SynapseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob, room_id = await party.pair()
    meet, found = alice.crypto.to_device.meet, list[Talker]()

    async def meet_while_bob_signs_in(devices: Iterable[Device]) -> None:
        await meet(devices)
        if not found:
            account = await asyncio.to_thread(synapse.login, bob.account.localpart)
            found.append(await party.guest(account))
            alice.crypto.lists.changed([bob.account.user_id])
            await alice.crypto.lists.refresh()

    monkeypatch.setattr(alice.crypto.to_device, "meet", meet_while_bob_signs_in)
    await alice.say(room_id, "one")
    await alice.say(room_id, "two")
    (other,) = found
    await bob.sync()
    await other.sync()
    assert bob.read() == ["one", "two"]
    assert other.read()[-1] == "two"


async def test_another_identity_of_mine_gets_no_keys_before_this_device_is_part_of_one(
    party: Party, synapse: SynapseServer
) -> None:
    alice, bob, room_id = await party.pair()
    other = await second_device(party, synapse, alice)
    await alice.sync()
    await alice.say(room_id, "one")
    await asyncio.to_thread(confirm, other.account, Seeds(*(os.urandom(32) for _ in range(3))))
    await alice.sync()
    await alice.say(room_id, "two")
    await bob.sync()
    await other.sync()
    assert bob.read() == ["one", "two"]
    assert other.read() == [REFUSED, REFUSED]


async def test_person_without_any_device_holds_no_company_up(party: Party) -> None:
    alice, bob, room_id = await party.pair(confirmed=False)
    carol = party.register()
    alice.account.invite(room_id, carol)
    carol.join(room_id)
    await alice.sync()
    await alice.say(room_id, "hello")
    await bob.sync()
    assert bob.read() == [REFUSED]
