"""Whose messages are doubted, and why, against a real homeserver."""

from __future__ import annotations

import asyncio

from dmtui.core.model import Doubt
from dmtui.core.trust import IdentityState
from tests.homeserver.synapse import SynapseServer
from tests.homeserver.talker import Party, Talker, encrypted_room


def last_doubt(talker: Talker) -> Doubt:
    return talker.crypto.suspect(*talker.seen[-1])


async def heard(talker: Talker, *said: str) -> Doubt:
    """The doubt about the last message, once it is read."""
    await talker.sync()
    assert talker.read()[-len(said) :] == list(said)
    return last_doubt(talker)


async def test_device_without_an_identity_is_doubted_mildly_and_a_signed_one_not(
    party: Party,
) -> None:
    alice, bob, room_id = await party.plain_pair()
    await alice.say(room_id, "one")
    assert await heard(bob, "one") is Doubt.NO_IDENTITY
    await alice.crypto.identity.set_up("", "")
    await alice.say(room_id, "two")
    assert await heard(bob, "two") is Doubt.NONE
    assert bob.crypto.identities.state(alice.account.user_id) is IdentityState.FIRST_SEEN


async def test_second_device_that_is_not_signed_is_doubted_at_once(
    party: Party, synapse: SynapseServer
) -> None:
    alice, bob, room_id = await party.plain_pair()
    await alice.crypto.identity.set_up("", "")
    await bob.sync()
    account = await asyncio.to_thread(synapse.login, alice.account.localpart)
    other = await party.guest(account, confirmed=False)
    await other.sync()
    other.crypto.entitlement.set_excepted(bob.account.user_id, True)
    await other.say(room_id, "from elsewhere")
    assert await heard(bob, "from elsewhere") is Doubt.UNSIGNED_DEVICE


async def test_own_message_read_back_is_not_doubted(party: Party) -> None:
    alice, _, room_id = await party.plain_pair()
    await alice.say(room_id, "mine")
    assert await heard(alice, "mine") is Doubt.NONE


async def test_message_of_a_device_that_is_gone_is_doubted(
    party: Party, synapse: SynapseServer
) -> None:
    alice, bob, room_id = await party.plain_pair()
    await alice.say(room_id, "bye")
    assert await heard(bob, "bye") is Doubt.NO_IDENTITY
    await asyncio.to_thread(alice.account.api, "POST", "v3/logout")
    await bob.sync()
    assert last_doubt(bob) is Doubt.UNKNOWN_DEVICE


async def test_sender_met_by_their_first_key_is_known_in_time(party: Party) -> None:
    alice, bob = await party.guest(confirmed=False), await party.guest()
    await alice.sync()
    await bob.sync()
    room_id = encrypted_room(alice.account, bob.account)
    await alice.say(room_id, "hello")
    assert await heard(bob, "hello") is Doubt.NO_IDENTITY
