"""Alice with two devices, and Bob, before they verify each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.matrix.sides import ALICE, BOB, Server, Side, seeds


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def alice(server: Server, tmp_path: Path) -> AsyncIterator[Side]:
    side = Side(server, ALICE, "A1", tmp_path)
    side.publish(seeds("a"))
    yield side
    await side.close()


@pytest.fixture
async def bob(server: Server, tmp_path: Path) -> AsyncIterator[Side]:
    side = Side(server, BOB, "B1", tmp_path)
    side.publish(seeds("b"))
    yield side
    await side.close()


@pytest.fixture
async def other(server: Server, tmp_path: Path, alice: Side) -> AsyncIterator[Side]:
    """Another device of Alice, which has just signed in."""
    side = Side(server, ALICE, "A2", tmp_path)
    yield side
    await side.close()
