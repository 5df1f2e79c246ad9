"""Secrets that Element asks dmtui for once dmtui has verified it."""

from __future__ import annotations

from dmtui.core.model import SendState
from dmtui.core.verification import Phase
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.homeserver.synapse import SynapseServer
from tests.interop.peer import Element
from tests.interop.setting import OpenElement, another_element, chat, either_way, on_one_worker
from tests.interop.test_verification import Here, compared, set_up

pytestmark = on_one_worker

NOTHING = {"master": False, "self_signing": False, "user_signing": False, "backup": False}
ALL_BUT_THE_MASTER_KEY = {"self_signing": True, "user_signing": True, "backup": True}


def waiting(dmtui: DmtuiAccount) -> list[str]:
    """New sign-ins that I have not looked at."""
    return [device.device_id for device in dmtui.messenger.own_devices.waiting()]


async def verified(dmtui: DmtuiAccount, mine: Element) -> None:
    """My new Element asks to be verified, and is."""
    here = Here(dmtui)
    await mine.user(dmtui.account, identity=True)
    await mine.device(dmtui.account, known=True)
    await mine.request_verification()
    one = await here.until(Phase.ASKED)
    await here.desk.accept(one.id)
    await mine.verification(phase="Ready")
    await mine.start_verification()
    await compared(here, mine)
    await mine.confirm_verification()
    await here.desk.confirm(here.latest.id)
    await here.until(Phase.DONE)


@either_way
async def test_new_element_without_a_recovery_key_reads_old_messages_once_it_is_verified(
    dmtui: DmtuiAccount, bob: Element, synapse: SynapseServer, open_element: OpenElement
) -> None:
    await set_up(dmtui)
    homeserver = await dmtui.messenger.homeserver()
    room_id = await chat(dmtui, bob)
    await bob.send(room_id, "one")
    await dmtui.until(lambda: dmtui.bodies(bob.account) == ["one"])
    await dmtui.messenger.send(user(bob.account), "two")
    await dmtui.until(lambda: dmtui.states(bob.account) == [SendState.SENT])
    assert await homeserver.back_up() == 0
    mine = await another_element(dmtui, synapse, open_element)
    assert (await mine.encryption(identity=False)).kept == NOTHING
    await dmtui.until(lambda: waiting(dmtui) == [mine.account.device_id])
    await verified(dmtui, mine)
    await dmtui.until(lambda: waiting(dmtui) == [])
    found = await mine.encryption(identity=True, kept=ALL_BUT_THE_MASTER_KEY)
    assert found.kept["master"] is False
    assert (await mine.backup(version=found.backup, readable=True)).trusted
    await mine.message(room_id, body="one", readable=True)
    await mine.message(room_id, body="two", readable=True)
