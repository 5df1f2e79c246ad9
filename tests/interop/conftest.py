"""Fixtures of the ring in which the other person uses Element."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.homeserver.account import Account
from tests.homeserver.dmtui_account import DmtuiAccount
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.synapse import SynapseServer
from tests.interop.install import NotInstallable, install
from tests.interop.peer import Element, Peer
from tests.interop.setting import OpenDmtui, OpenElement, Way

STACK = pytest.StashKey[Path | NotInstallable]()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out the tests with Element's stack where it can't be had; one line says so and why.

    This is the only skip in the tests, and stands in a hook because a fixture's would be told once
    per test.
    """
    if "peer" not in getattr(item, "fixturenames", ()):
        return
    stash = item.config.stash
    if STACK not in stash:
        stash[STACK] = _stack()
    if isinstance(stash[STACK], NotInstallable):
        pytest.skip(f"the tests with Element's stack are left out: {stash[STACK]}")


def _stack() -> Path | NotInstallable:
    try:
        return install()
    except NotInstallable as reason:
        return reason


@pytest.fixture(scope="session")
def peer(pytestconfig: pytest.Config) -> Iterator[Peer]:
    """Element's stack, shared by all tests."""
    installed = pytestconfig.stash[STACK]
    assert isinstance(installed, Path)
    running = Peer(installed)
    yield running
    running.close()


@pytest.fixture
async def open_element(peer: Peer) -> AsyncIterator[OpenElement]:
    """Sign in to Element; stopped at the end."""
    running: list[Element] = []

    async def start(account: Account) -> Element:
        element = Element(peer, account)
        await element.sign_in()
        running.append(element)
        return element

    yield start
    for element in running:
        await element.stop()


@pytest.fixture
async def bob(open_element: OpenElement, synapse: SynapseServer) -> Element:
    """Somebody else, with Element, and set up as Element asks everybody to."""
    element = await open_element(synapse.register(displayname="Bob"))
    await element.set_up()
    return element


@pytest.fixture
def way(request: pytest.FixtureRequest, proxy: FaultProxy) -> Way:
    """Sliding sync, unless the test asks for the classic one, used where the other is missing."""
    chosen = Way(getattr(request, "param", Way.SLIDING))
    if chosen is Way.CLASSIC:
        unknown = {"errcode": "M_UNRECOGNIZED", "error": "?"}
        proxy.add(path="simplified_msc3575", status=404, body=unknown)
    return chosen


@pytest.fixture
async def open_dmtui(way: Way, proxy: FaultProxy, tmp_path: Path) -> AsyncIterator[OpenDmtui]:
    """Start dmtui for a device; stopped at the end."""
    running: list[DmtuiAccount] = []

    async def start(account: Account) -> DmtuiAccount:
        dmtui = DmtuiAccount(account, tmp_path / f"device{len(running)}", proxy.base_url)
        await dmtui.start()
        running.append(dmtui)
        return dmtui

    yield start
    for dmtui in running:
        await dmtui.stop()


@pytest.fixture
async def dmtui(peer: Peer, open_dmtui: OpenDmtui, synapse: SynapseServer) -> DmtuiAccount:
    """Me, with dmtui."""
    return await open_dmtui(synapse.register(displayname="Alice"))
