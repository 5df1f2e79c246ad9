"""``m.direct`` while many write it, some of them from what they remember of it."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

from tests.homeserver.account import Account, Json
from tests.homeserver.device_process import DeviceProcess
from tests.homeserver.dmtui_account import DmtuiAccount
from tests.homeserver.setting import Setting, locally
from tests.homeserver.synapse import SynapseServer
from tests.waiting import wait_until

DIRECT_MAP = "/account_data/m.direct"
DEVICES = 6
OVERWRITES = 2
PATIENCE = 60.0


def direct_map(me: Account) -> Json:
    return me.account_data("m.direct") or {}


def overwrite_from_memory(me: Account, remembered: Json) -> None:
    """Add a person at a time to an old copy, and put that in place of what others wrote since."""
    for number in range(OVERWRITES):
        me.wait_for(lambda _: len(direct_map(me).keys() - remembered.keys()) > number, PATIENCE)  # noqa: B023
        remembered[f"@friend{number}:example.org"] = [f"!theirs{number}:example.org"]
        me.set_account_data("m.direct", remembered)


def test_scenario_13_processes_lose_no_entry_of_theirs_to_a_client_that_overwrites_the_map(
    synapse: SynapseServer, tmp_path: Path
) -> None:
    """What the other client adds may go: nothing tells of a map that was replaced at once."""
    me = synapse.register()
    people = [synapse.register() for _ in range(DEVICES)]
    remembered: Json = {"@old:example.org": ["!old:example.org"]}
    me.set_account_data("m.direct", remembered)
    with ExitStack() as stack:
        devices = [
            stack.enter_context(DeviceProcess(synapse.login(me.localpart), tmp_path / str(number)))
            for number in range(DEVICES)
        ]
        for device in devices:
            device.wait_until_started()
        for device, person in zip(devices, people, strict=True):
            device.begin_to_add(person)
        overwrite_from_memory(me, remembered)
        added = {p.user_id: [d.added()] for p, d in zip(people, devices, strict=True)}
        wanted = {"@old:example.org": remembered["@old:example.org"], **added}

        def lost() -> dict[str, object]:
            here = direct_map(me)
            return {
                user_id: rooms for user_id, rooms in wanted.items() if here.get(user_id) != rooms
            }

        def settled() -> bool:
            return not any(device.pending() for device in devices) and not lost()

        assert wait_until(settled, PATIENCE), lost()


@locally
async def test_entry_that_another_client_adds_between_our_read_and_our_write_is_kept(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    setting.proxy.add(DIRECT_MAP, method="PUT", delay=0.5, times=1)
    opened = await dmtui.start_plain_chat(bob)
    await asyncio.to_thread(setting.proxy.wait_for_request, DIRECT_MAP, "PUT")
    theirs = {"@friend:example.org": ["!theirs:example.org"]}
    await asyncio.to_thread(dmtui.account.set_account_data, "m.direct", theirs)
    await dmtui.until_recorded({**theirs, bob.user_id: [opened.room_id]})
