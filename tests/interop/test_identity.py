"""Identities and recovery keys made by dmtui or by Element, used by the other."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest

from dmtui.core.errors import BadRecoveryKey, IdentityExists, Recoverable
from dmtui.core.model import SendState
from dmtui.core.recovery import Backup, Identity
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.synapse import SynapseServer
from tests.interop.peer import Element, Peer, Shield
from tests.interop.setting import OpenDmtui, OpenElement, another_element, chat, on_one_worker

pytestmark = on_one_worker

PASSPHRASE = "a phrase that I will not forget"
STEPS = (
    "m.secret_storage.key",
    "m.cross_signing.master",
    "m.cross_signing.self_signing",
    "m.cross_signing.user_signing",
    "device_signing/upload",
    "signatures/upload",
    "room_keys/version",
    "m.megolm_backup.v1",
    "m.secret_storage.default_key",
)
"""What requests to make an identity, storage and backup have in their paths."""
UNREMARKABLE = Shield("NONE", None)


async def test_identity_made_here_is_believed_by_element(dmtui: DmtuiAccount, bob: Element) -> None:
    homeserver = await dmtui.messenger.homeserver()
    await homeserver.set_up_recovery("")
    room_id = await chat(dmtui, bob)
    await bob.user(dmtui.account, identity=True)
    await bob.device(dmtui.account, signed=True)
    await dmtui.messenger.send(user(bob.account), "signed")
    heard = await bob.message(room_id, body="signed", readable=True)
    assert heard.shield == UNREMARKABLE


async def test_element_that_excludes_unsigned_devices_lets_dmtui_in_once_it_is_set_up(
    dmtui: DmtuiAccount, bob: Element
) -> None:
    await bob.only_signed()
    room_id = await chat(dmtui, bob)
    await dmtui.messenger.send(user(bob.account), "too early")
    await dmtui.until(lambda: dmtui.states(bob.account) == [SendState.SENT])
    early = str(dmtui.messages(bob.account)[-1].event_id)
    await bob.message(room_id, event_id=early, failure="UNSIGNED_SENDER_DEVICE")
    homeserver = await dmtui.messenger.homeserver()
    await homeserver.set_up_recovery("")
    await bob.device(dmtui.account, signed=True)
    await bob.send(room_id, "to a signed device")
    await dmtui.until(lambda: dmtui.bodies(bob.account)[-1:] == ["to a signed device"])
    await dmtui.messenger.send(user(bob.account), "from a signed device")
    heard = await bob.message(room_id, body="from a signed device", readable=True)
    assert heard.shield == UNREMARKABLE


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
async def test_element_recovers_with_what_was_made_here(
    dmtui: DmtuiAccount, synapse: SynapseServer, open_element: OpenElement, passphrase: str
) -> None:
    homeserver = await dmtui.messenger.homeserver()
    key = await homeserver.set_up_recovery(passphrase)
    mine = await another_element(dmtui, synapse, open_element)
    if passphrase:
        await mine.recover(passphrase=passphrase)
    else:
        await mine.recover(key)
    found = await mine.encryption(identity=True, storage=True)
    assert set(found.secrets.values()) == {True}
    assert found.backup is not None
    backup = await mine.backup(version=found.backup)
    assert backup.trusted
    assert backup.readable
    await mine.device(dmtui.account, signed=True, verified=True)


@pytest.mark.parametrize("lost", ["before", "after"])
async def test_set_up_that_was_cut_off_at_every_step_is_whole_in_element(
    dmtui: DmtuiAccount,
    proxy: FaultProxy,
    synapse: SynapseServer,
    open_element: OpenElement,
    lost: Literal["before", "after"],
) -> None:
    homeserver = await dmtui.messenger.homeserver()
    for path in STEPS:
        proxy.add(path=path, reset=lost)
        with pytest.raises(Recoverable):
            await homeserver.set_up_recovery("")
        proxy.clear()
    key = await homeserver.set_up_recovery("")
    mine = await another_element(dmtui, synapse, open_element)
    await mine.recover(key)
    found = await mine.encryption(identity=True, storage=True)
    assert set(found.secrets.values()) == {True}
    assert (await mine.backup(version=found.backup)).trusted
    await mine.device(dmtui.account, signed=True, verified=True)


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
async def test_identity_made_in_element_is_unlocked_here(
    peer: Peer,
    synapse: SynapseServer,
    open_element: OpenElement,
    open_dmtui: OpenDmtui,
    bob: Element,
    passphrase: str,
) -> None:
    mine = await open_element(await asyncio.to_thread(synapse.register))
    key = await mine.set_up(passphrase)
    dmtui = await open_dmtui(await asyncio.to_thread(synapse.login, mine.account.localpart))
    homeserver = await dmtui.messenger.homeserver()
    before = await homeserver.encryption()
    assert (before.identity, before.backup) == (Identity.LOCKED, Backup.LOCKED)
    assert (before.recovery, before.passphrase) == (True, bool(passphrase))
    await homeserver.unlock(passphrase or key)
    after = await homeserver.encryption()
    assert (after.identity, after.backup) == (Identity.OURS, Backup.ON)
    await mine.device(dmtui.account, signed=True, verified=True)
    await chat(dmtui, bob)
    await bob.device(dmtui.account, signed=True)


async def test_key_of_another_account_does_not_unlock(
    peer: Peer, synapse: SynapseServer, open_element: OpenElement, open_dmtui: OpenDmtui
) -> None:
    mine = await open_element(await asyncio.to_thread(synapse.register))
    await mine.set_up()
    stranger = await open_element(await asyncio.to_thread(synapse.register))
    key = await stranger.set_up()
    dmtui = await open_dmtui(await asyncio.to_thread(synapse.login, mine.account.localpart))
    homeserver = await dmtui.messenger.homeserver()
    with pytest.raises(BadRecoveryKey):
        await homeserver.unlock(key)
    await mine.device(dmtui.account, known=True, signed=False)


async def test_identity_made_in_element_is_never_overwritten_here(
    peer: Peer, synapse: SynapseServer, open_element: OpenElement, open_dmtui: OpenDmtui
) -> None:
    mine = await open_element(await asyncio.to_thread(synapse.register))
    await mine.set_up()
    made = await mine.encryption(identity=True)
    dmtui = await open_dmtui(await asyncio.to_thread(synapse.login, mine.account.localpart))
    homeserver = await dmtui.messenger.homeserver()
    with pytest.raises(IdentityExists):
        await homeserver.set_up_recovery("")
    assert await mine.encryption() == made


async def test_identity_that_my_element_resets_is_changed_here(
    peer: Peer, synapse: SynapseServer, open_element: OpenElement, open_dmtui: OpenDmtui
) -> None:
    mine = await open_element(await asyncio.to_thread(synapse.register))
    key = await mine.set_up()
    dmtui = await open_dmtui(await asyncio.to_thread(synapse.login, mine.account.localpart))
    homeserver = await dmtui.messenger.homeserver()
    await homeserver.unlock(key)
    await mine.reset()
    assert (await homeserver.encryption()).identity is Identity.CHANGED
