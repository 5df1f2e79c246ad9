"""Maintenance of the encryption beside sync: one run at a time, resting after trouble."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from dmtui.core.errors import RateLimited, Recoverable, SignedOut

log = logging.getLogger(__name__)

_SHORTEST_REST = 10.0
_LONGEST_REST = 300.0


class Upkeep:
    """Calls ``maintain`` in the background; what it can't mend now it tries again when woken."""

    def __init__(
        self, maintain: Callable[[], Awaitable[None]], now: Callable[[], float] = time.monotonic
    ):
        self._maintain = maintain
        self._now = now
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._rest = 0.0
        self._rest_until = 0.0

    def wake(self) -> None:
        """See to it that a run begins after now; raises ``StoreTrouble`` of an earlier one."""
        if self._task is not None and not self._task.done():
            self._again = True
            return
        if self._task is not None:
            done, self._task = self._task, None
            done.result()
        if self._now() >= self._rest_until:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """End a run that is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        self._again = True
        while self._again:
            self._again = False
            try:
                await self._maintain()
            except SignedOut:
                return  # sync hears of it too, and says so
            except Recoverable as error:
                asked = error.retry_after if isinstance(error, RateLimited) else 0.0
                self._rest = min(max(2 * self._rest, _SHORTEST_REST, asked), _LONGEST_REST)
                self._rest_until = self._now() + self._rest
                log.info("upkeep of the encryption waits: %s", type(error).__name__)
                return
            self._rest = 0.0
