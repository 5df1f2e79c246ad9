"""Searching what is stored: questions off the loop, and the index brought up to date behind it."""

from __future__ import annotations

import asyncio
import time

from dmtui.core.model import UserId
from dmtui.core.search import Hits, Query
from dmtui.messenger.clock import Clock
from dmtui.messenger.ledger import Ledger
from dmtui.store.search import COUNTED

__all__ = ["COUNTED", "Search"]

PAGE = 50
"""Hits asked for at a time."""

IDLE = 5.0
"""Seconds between two looks whether there is something to do."""


class Search:
    """Answers come from the store alone; nobody is asked."""

    def __init__(self, ledger: Ledger, clock: Clock):
        self._ledger = ledger
        self._records = ledger.store.search
        self._clock = clock

    async def find(self, user_id: UserId, query: Query) -> tuple[str, ...]:
        """The keys of the messages of the conversation that fit, newest first, ``COUNTED`` at most.

        Raises ``UnclearSearch``.
        """
        return await asyncio.to_thread(self._records.find, user_id, query)

    async def everywhere(self, query: Query, rest: int | None = None) -> Hits:
        """The newest messages of all conversations that fit; ``rest`` is a page's, for the next.

        Raises ``UnclearSearch``.
        """
        return await asyncio.to_thread(self._records.everywhere, query, rest, PAGE)

    @property
    def complete(self) -> bool:
        """Whether all that is stored can be found by now."""
        return self._records.is_level()

    async def run(self) -> None:
        """Index what an older dmtui has stored and wipe what was deleted, in small parts."""
        while True:
            begun = time.perf_counter()
            if await self._ledger.run(self._records.catch_up):
                await self._clock.sleep(time.perf_counter() - begun)  # others have their turn
            else:
                await self._clock.sleep(IDLE)
