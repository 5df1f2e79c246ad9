"""Fixtures of the ring that runs against a real homeserver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.homeserver.account import Account
from tests.homeserver.dmtui_account import DmtuiAccount
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.federation import Federation
from tests.homeserver.launcher import Launcher
from tests.homeserver.setting import FEDERATED, LOCAL, Open, Setting
from tests.homeserver.synapse import SynapseServer
from tests.homeserver.talker import Party


@pytest.fixture
async def party(synapse: SynapseServer, tmp_path: Path) -> AsyncIterator[Party]:
    """Devices that talk through dmtui's encryption."""
    async with AsyncExitStack() as stack:
        yield Party(synapse, tmp_path, stack)


@pytest.fixture(scope="session")
def federation(launcher: Launcher) -> Iterator[Federation]:
    """Two servers that talk to each other; whoever stops one starts it again."""
    with Federation(launcher) as running:
        yield running


@pytest.fixture(params=[LOCAL, FEDERATED])
def setting(request: pytest.FixtureRequest, launcher: Launcher) -> Iterator[Setting]:
    """Me and somebody else, on one homeserver and on two."""
    if request.param == "local":
        here = there = request.getfixturevalue("synapse")
    else:
        pair: Federation = request.getfixturevalue("federation")
        here, there = pair.near, pair.far
    with FaultProxy(here.base_url) as proxy:
        yield Setting(here, there, proxy)


@pytest.fixture
async def open_dmtui(setting: Setting, tmp_path: Path) -> AsyncIterator[Open]:
    """Start dmtui for an account; stopped at the end."""
    running: list[DmtuiAccount] = []

    async def start(account: Account) -> DmtuiAccount:
        directory = tmp_path / f"device{len(running)}"
        dmtui = DmtuiAccount(account, directory, setting.url(account))
        await dmtui.start()
        running.append(dmtui)
        return dmtui

    yield start
    for dmtui in running:
        await dmtui.stop()


@pytest.fixture
async def dmtui(setting: Setting, open_dmtui: Open) -> DmtuiAccount:
    """Me, with dmtui."""
    return await open_dmtui(setting.here.register(displayname="Alice"))


@pytest.fixture
def bob(setting: Setting) -> Account:
    """Somebody else, who is no dmtui."""
    return setting.there.register(displayname="Bob")
