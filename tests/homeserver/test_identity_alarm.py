"""Somebody's identity changes on a real homeserver: nothing is sent until that is accepted."""

from __future__ import annotations

import asyncio
import os

import pytest

from dmtui.core.errors import TrustAlarm
from dmtui.core.model import Alarm, UserId
from dmtui.core.trust import IdentityState
from dmtui.matrix.cross_signing import Seeds
from tests.homeserver.account import Account
from tests.homeserver.confirmed import confirm
from tests.homeserver.talker import Party


def set_up_anew(account: Account) -> None:
    """Publish another identity, as a client does whose user has lost the recovery key."""
    confirm(account, Seeds(*(os.urandom(32) for _ in range(3))))


async def test_nothing_is_sent_to_a_changed_identity_before_it_is_accepted(party: Party) -> None:
    alice, bob, room_id = await party.plain_pair()
    await bob.crypto.identity.set_up("", "")
    await alice.sync()
    await alice.say(room_id, "one")
    await asyncio.to_thread(set_up_anew, bob.account)
    await alice.sync()
    bobs = UserId(bob.account.user_id)
    assert alice.crypto.identities.state(bobs) is IdentityState.CHANGED
    with pytest.raises(TrustAlarm) as alarm:
        await alice.say(room_id, "two")
    assert alarm.value.alarms == {bobs: Alarm.IDENTITY}
    await alice.restart()
    assert alice.crypto.identities.alarms() == {bobs}
    alice.crypto.identities.accept(bobs)
    await alice.say(room_id, "two")
    await bob.sync()
    assert bob.read() == ["one", "two"]


async def test_change_is_known_before_sending_though_sync_told_nothing(party: Party) -> None:
    alice, bob, room_id = await party.plain_pair()
    await bob.crypto.identity.set_up("", "")
    await alice.say(room_id, "one")
    await alice.sync()
    await asyncio.to_thread(set_up_anew, bob.account)
    alice.crypto.lists.lost()
    with pytest.raises(TrustAlarm):
        await alice.say(room_id, "two")


async def test_person_without_an_identity_before_is_not_alarming(party: Party) -> None:
    alice, bob, room_id = await party.plain_pair()
    await alice.say(room_id, "one")
    await bob.crypto.identity.set_up("", "")
    await alice.sync()
    await alice.say(room_id, "two")
    assert alice.crypto.identities.alarms() == frozenset()
