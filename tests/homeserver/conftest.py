"""Fixtures of the ring that runs against a real homeserver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.homeserver.federation import Federation
from tests.homeserver.launcher import Launcher
from tests.homeserver.synapse import SynapseServer
from tests.homeserver.talker import Party


@pytest.fixture
async def party(synapse: SynapseServer, tmp_path: Path) -> AsyncIterator[Party]:
    """Devices that talk through dmtui's encryption."""
    async with AsyncExitStack() as stack:
        yield Party(synapse, tmp_path, stack)


@pytest.fixture(scope="module")
def federation(launcher: Launcher) -> Iterator[Federation]:
    """Two servers that talk to each other; whoever stops one starts it again."""
    with Federation(launcher) as running:
        yield running
