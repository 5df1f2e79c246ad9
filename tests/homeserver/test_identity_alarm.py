"""Somebody's identity changes on a real homeserver: nothing is sent until that is accepted."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from dmtui.core.errors import IdentityAlarm
from dmtui.core.model import UserId
from dmtui.core.trust import IdentityState
from dmtui.matrix.cross_signing import Seeds, SigningKey, key_object
from tests.homeserver.account import Account
from tests.homeserver.synapse import PASSWORD
from tests.homeserver.talker import Party


def set_up_anew(account: Account) -> None:
    """Publish another identity, as a client does whose user has lost the recovery key."""
    seeds, me = Seeds(*(os.urandom(32) for _ in range(3))), account.user_id
    publics, master = seeds.identity(), SigningKey(seeds.master)
    lesser: Any = {
        f"{role}_key": master.signed(key_object(me, role, public), me)
        for role, public in (
            ("self_signing", publics.self_signing),
            ("user_signing", publics.user_signing),
        )
    }
    identifier = {"type": "m.id.user", "user": me}
    auth = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
    body = {"master_key": key_object(me, "master", publics.master), **lesser, "auth": auth}
    account.api("POST", "v3/keys/device_signing/upload", body)


async def test_nothing_is_sent_to_a_changed_identity_before_it_is_accepted(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await bob.crypto.identity.set_up("", "")
    await alice.sync()
    await alice.say(room_id, "one")
    await asyncio.to_thread(set_up_anew, bob.account)
    await alice.sync()
    bobs = UserId(bob.account.user_id)
    assert alice.crypto.identities.state(bobs) is IdentityState.CHANGED
    with pytest.raises(IdentityAlarm) as alarm:
        await alice.say(room_id, "two")
    assert alarm.value.user_ids == {bobs}
    await alice.restart()
    assert alice.crypto.identities.alarms() == {bobs}
    alice.crypto.identities.accept(bobs)
    await alice.say(room_id, "two")
    await bob.sync()
    assert bob.read() == ["one", "two"]


async def test_change_is_known_before_sending_though_sync_told_nothing(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await bob.crypto.identity.set_up("", "")
    await alice.say(room_id, "one")
    await alice.sync()
    await asyncio.to_thread(set_up_anew, bob.account)
    alice.crypto.lists.lost()
    with pytest.raises(IdentityAlarm):
        await alice.say(room_id, "two")


async def test_person_without_an_identity_before_is_not_alarming(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "one")
    await bob.crypto.identity.set_up("", "")
    await alice.sync()
    await alice.say(room_id, "two")
    assert alice.crypto.identities.alarms() == frozenset()
