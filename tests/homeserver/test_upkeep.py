from __future__ import annotations

import asyncio

import pytest

from dmtui.core.errors import RateLimited, SignedOut, StoreTrouble, Unreachable
from dmtui.matrix.upkeep import Upkeep


class Work:
    """Maintenance that does what the script says, one entry a run."""

    def __init__(self, *script: Exception | None):
        self._script = list(script)
        self.runs = 0
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> None:
        self.runs += 1
        self.begun.set()
        outcome = self._script.pop(0) if self._script else None
        await self.gate.wait()
        if outcome is not None:
            raise outcome


async def settled() -> None:
    """Let everything that can run do so."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others)


async def test_waking_during_a_run_makes_exactly_one_more() -> None:
    work = Work()
    work.gate.clear()
    upkeep = Upkeep(work)
    upkeep.wake()
    await work.begun.wait()
    for _ in range(5):
        upkeep.wake()
    work.gate.set()
    await settled()
    assert work.runs == 2


async def test_trouble_is_rested_from_ever_longer_and_forgotten_after_success() -> None:
    now = 0.0
    work = Work(Unreachable("x"), Unreachable("x"), None, Unreachable("x"))
    upkeep = Upkeep(work, lambda: now)
    begun = []
    for second in range(60):
        now = float(second)
        before = work.runs
        upkeep.wake()
        await settled()
        if work.runs > before:
            begun.append(second)
    assert begun[:5] == [0, 10, 30, 31, 41]


async def test_rate_limit_is_respected() -> None:
    now = 0.0
    work = Work(RateLimited("slow", 45.0))
    upkeep = Upkeep(work, lambda: now)
    runs = []
    for second in (0.0, 44.0, 45.0):
        now = second
        upkeep.wake()
        await settled()
        runs.append(work.runs)
    assert runs == [1, 1, 2]


async def test_trouble_of_the_disk_is_told_at_the_next_wake() -> None:
    upkeep = Upkeep(Work(StoreTrouble("full")))
    upkeep.wake()
    await settled()
    with pytest.raises(StoreTrouble):
        upkeep.wake()


async def test_end_of_the_session_is_left_for_sync_to_tell() -> None:
    work = Work(SignedOut("over"))
    upkeep = Upkeep(work)
    upkeep.wake()
    await settled()
    upkeep.wake()
    await settled()
    assert work.runs == 2


async def test_close_ends_a_run_under_way() -> None:
    work = Work()
    work.gate.clear()
    upkeep = Upkeep(work)
    upkeep.wake()
    await work.begun.wait()
    await upkeep.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}
