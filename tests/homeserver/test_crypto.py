"""Encrypted conversations of dmtui's devices with each other on a real homeserver."""

from __future__ import annotations

import asyncio

from dmtui.core.events import Undecryptable
from dmtui.core.model import JsonObject, RoomId, TransactionId
from tests.homeserver.synapse import SynapseServer
from tests.homeserver.talker import Party, encrypted_room


async def test_two_devices_read_each_other(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "hello Bob")
    await bob.sync()
    await bob.say(room_id, "hello Alice")
    await alice.say(room_id, "how are you?")
    for talker in (alice, bob):
        await talker.sync()
        assert talker.read() == ["hello Bob", "hello Alice", "how are you?"]


async def test_further_device_of_the_sender_reads_what_is_sent(
    party: Party, synapse: SynapseServer
) -> None:
    alice, bob, room_id = await party.pair()
    phone = await party.guest(synapse.login(alice.account.localpart))
    await alice.sync()
    await bob.sync()
    await alice.say(room_id, "from my desk")
    await bob.say(room_id, "to both of you")
    await phone.sync()
    assert phone.read() == ["from my desk", "to both of you"]


async def test_invited_person_reads_what_was_said_before_joining(party: Party) -> None:
    alice, bob = await party.guest(), await party.guest()
    room_id = encrypted_room(alice.account)
    alice.account.invite(room_id, bob.account)
    await alice.sync()
    await alice.say(room_id, "come in")
    await bob.sync()
    bob.account.join(room_id)
    await bob.sync()
    assert bob.read() == ["come in"]


async def test_device_that_signs_in_while_its_user_is_invited_reads_what_follows(
    party: Party, synapse: SynapseServer
) -> None:
    alice, desk = await party.guest(), await party.guest()
    room_id = encrypted_room(alice.account)
    alice.account.invite(room_id, desk.account)
    await alice.sync()
    await alice.say(room_id, "come in")
    phone = await party.guest(synapse.login(desk.account.localpart))
    await alice.sync()
    await alice.say(room_id, "are you there?")
    phone.account.join(room_id)
    await phone.sync()
    assert phone.read()[-1] == "are you there?"


async def test_person_who_joins_later_reads_only_what_follows(party: Party) -> None:
    alice, _, room_id = await party.pair()
    carol = await party.guest()
    await alice.say(room_id, "between us")
    alice.account.invite(room_id, carol.account)
    carol.account.join(room_id)
    await alice.sync()
    await alice.say(room_id, "welcome Carol")
    await carol.sync()
    assert "welcome Carol" in carol.read()
    assert "between us" not in carol.read()


async def test_new_session_after_a_member_leaves(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    carol = await party.guest()
    alice.account.invite(room_id, carol.account)
    carol.account.join(room_id)
    await alice.sync()
    await alice.say(room_id, "all three")
    carol.account.leave(room_id)
    await alice.sync()
    await alice.say(room_id, "just us")
    await bob.sync()
    assert bob.read() == ["all three", "just us"]
    first, second = (event["content"]["session_id"] for _, event in bob.seen)
    assert first != second
    await carol.sync()
    assert isinstance(carol.crypto.decrypt(RoomId(room_id), bob.seen[1][1]), Undecryptable)


async def test_new_session_after_a_device_is_signed_out(
    party: Party, synapse: SynapseServer
) -> None:
    alice, bob, room_id = await party.pair()
    lost = await party.guest(synapse.login(bob.account.localpart))
    await alice.sync()
    await alice.say(room_id, "before")
    lost.account.logout()
    await alice.sync()
    await alice.say(room_id, "after")
    await bob.sync()
    first, second = (event["content"]["session_id"] for _, event in bob.seen)
    assert first != second
    assert bob.read() == ["before", "after"]


async def test_blocked_device_gets_no_more_keys(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "friends")
    (device,) = alice.crypto.lists.devices_of([bob.account.user_id])
    alice.crypto.lists.block(device)
    await alice.say(room_id, "no more")
    await alice.restart()
    await alice.say(room_id, "never")
    alice.crypto.lists.block(device, False)
    await alice.say(room_id, "friends again")
    await bob.sync()
    first, *hidden, last = bob.read()
    assert (first, last) == ("friends", "friends again")
    assert not {"no more", "never"} & set(hidden)


async def test_session_changes_after_as_many_messages_as_the_room_says(party: Party) -> None:
    alice, bob = await party.guest(), await party.guest()
    room_id = encrypted_room(alice.account, bob.account, rotation_period_msgs=2)
    for number in range(4):
        await alice.say(room_id, str(number))
    await bob.sync()
    sessions = [event["content"]["session_id"] for _, event in bob.seen]
    assert bob.read() == ["0", "1", "2", "3"]
    assert sessions[0] == sessions[1] != sessions[2] == sessions[3]


async def test_old_messages_stay_readable_after_a_restart(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "remember this")
    for talker in (alice, bob):
        await talker.sync()
        await talker.restart()
        assert talker.read() == ["remember this"]
    await bob.say(room_id, "I do")
    await alice.say(room_id, "good")
    for talker in (alice, bob):
        await talker.sync()
        assert talker.read() == ["remember this", "I do", "good"]


async def test_relation_is_sent_in_the_clear_for_the_server_to_group(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    first = await alice.say(room_id, "frist")
    relation: JsonObject = {"rel_type": "m.replace", "event_id": first}
    await alice.crypto.send(
        RoomId(room_id),
        TransactionId("edit"),
        "m.room.message",
        {"msgtype": "m.text", "body": "* first", "m.relates_to": relation},
    )
    await bob.sync()
    assert bob.seen[1][1]["content"]["m.relates_to"] == relation


async def test_same_transaction_twice_makes_one_readable_event(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    once = await alice.say(room_id, "only once", "the-same")
    again = await alice.say(room_id, "only once", "the-same")
    assert once == again
    for talker in (alice, bob):
        await talker.sync()
        assert talker.read() == ["only once"]


async def test_messages_sent_at_the_same_time_all_arrive(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await asyncio.gather(*(alice.say(room_id, str(number)) for number in range(5)))
    await bob.sync()
    assert sorted(bob.read()) == ["0", "1", "2", "3", "4"]
    assert len({event["content"]["session_id"] for _, event in bob.seen}) == 1
