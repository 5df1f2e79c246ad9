from __future__ import annotations

import asyncio
import threading

import pytest

from dmtui.core.errors import Unreachable
from dmtui.matrix.thread import NetworkThread
from tests.waiting import PATIENCE


async def test_call_that_can_not_be_cancelled_does_not_hold_up_the_end() -> None:
    thread = NetworkThread()
    begun, release = threading.Event(), threading.Event()

    def look_up() -> None:
        begun.set()
        release.wait()

    waiting = asyncio.create_task(thread.run(lambda: asyncio.to_thread(look_up)))
    try:
        await asyncio.to_thread(begun.wait)
        async with asyncio.timeout(PATIENCE):
            await thread.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    finally:
        release.set()


async def test_result_and_error_of_a_blocking_call_come_back() -> None:
    thread = NetworkThread()
    try:
        assert await thread.run(lambda: asyncio.to_thread(int, "7")) == 7
        with pytest.raises(ValueError, match="seven"):
            await thread.run(lambda: asyncio.to_thread(int, "seven"))
    finally:
        await thread.close()


async def test_call_after_the_end_is_refused_and_not_left_waiting() -> None:
    thread = NetworkThread()
    ending = asyncio.create_task(thread.close())
    await asyncio.sleep(0)
    with pytest.raises(Unreachable):
        await thread.run(lambda: asyncio.to_thread(int, "7"))
    await ending
    with pytest.raises(Unreachable):
        await thread.run(lambda: asyncio.to_thread(int, "7"))
