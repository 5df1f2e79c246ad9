from __future__ import annotations

import pytest

from dmtui.core.errors import ApprovalNeeded, BadRecoveryKey, PasswordNeeded, Unreachable
from dmtui.core.recovery import Backup, Identity
from tests.messenger.conftest import Desk


async def test_recovery_is_set_up_and_its_key_kept(desk: Desk) -> None:
    await desk.start()
    recovery = desk.messenger.recovery
    assert (await recovery.state()).identity is Identity.NONE
    text = await recovery.set_up("phrase")
    state = await recovery.state()
    assert (state.identity, state.backup, state.passphrase) == (Identity.OURS, Backup.ON, True)
    assert desk.server.recovery.key == text
    await recovery.kept()
    assert not (await recovery.state()).unkept_key


async def test_what_the_homeserver_asks_for_is_passed_on(desk: Desk) -> None:
    desk.server.recovery.password = "right"
    await desk.start()
    recovery = desk.messenger.recovery
    with pytest.raises(PasswordNeeded):
        await recovery.set_up()
    desk.server.recovery.approval = "https://example.org"
    with pytest.raises(ApprovalNeeded):
        await recovery.set_up(password="right")


async def test_an_identity_is_unlocked_and_its_backup_restored(desk: Desk) -> None:
    text = desk.server.recovery.set_up_elsewhere()
    desk.server.recovery.in_backup = 3
    desk.server.recovery.to_back_up = 2
    await desk.start()
    recovery = desk.messenger.recovery
    with pytest.raises(BadRecoveryKey):
        await recovery.unlock(text[:-1])
    await recovery.unlock(text)
    told: list[tuple[int, int]] = []
    assert await recovery.restore(lambda done, of: told.append((done, of))) == 3
    assert told[-1] == (3, 3)
    assert await recovery.back_up() == 0


async def test_trouble_on_the_way_is_told(desk: Desk) -> None:
    desk.server.fail("encryption", Unreachable("The homeserver did not answer."), times=9)
    await desk.start()
    with pytest.raises(Unreachable):
        await desk.messenger.recovery.state()
