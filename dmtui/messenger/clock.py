"""Time, as something to hand in."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Protocol

from dmtui.core.model import Milliseconds


class Clock(Protocol):
    """What the messenger asks of time."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def milliseconds(clock: Clock) -> Milliseconds:
    """The time as Matrix writes it."""
    return int(clock.now() * 1000)


LONGEST_DELAY = 60.0
"""Seconds; the longest pause between two tries."""


def back_off(attempt: int) -> float:
    """Seconds to wait after the given failed attempt (1, 2, …), doubling and jittered."""
    return min(LONGEST_DELAY, 2.0 ** min(attempt - 1, 10)) * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)
