"""The line to the homeserver: its state, and pauses that end when it comes back."""

from __future__ import annotations

import asyncio

from dmtui.core.errors import DmtuiError, FarTrouble, RateLimited
from dmtui.core.events import ConnectionChanged
from dmtui.core.model import Connection, Phase
from dmtui.messenger.clock import Clock, back_off
from dmtui.messenger.ledger import Ledger


class Line:
    """Whether the homeserver can be reached, as the sync loop sees it."""

    def __init__(self, ledger: Ledger, clock: Clock):
        self._ledger = ledger
        self._clock = clock
        self._back = asyncio.Event()
        self.connection = Connection(Phase.CONNECTING, clock.now())

    def online(self) -> None:
        """An answer came: whoever pauses may go on at once."""
        self._enter(Phase.ONLINE)
        self._back.set()
        self._back = asyncio.Event()

    def offline(self, reason: str, retry_in: float) -> None:
        """No answer came; the next try is ``retry_in`` seconds away."""
        self._enter(Phase.OFFLINE, reason, self._clock.now() + retry_in)

    def signed_out(self, reason: str) -> None:
        """The session is over; nothing will be tried again."""
        self._enter(Phase.SIGNED_OUT, reason)

    def stopped(self, reason: str) -> None:
        """Nothing goes on any more: the encryption store can't be opened, say."""
        self._enter(Phase.OFFLINE, reason)

    async def pause(self, error: DmtuiError, attempt: int) -> None:
        """Wait before trying again: as the server asks, else with back-off or until it is back."""
        if isinstance(error, RateLimited):
            await self._clock.sleep(error.retry_after)
            return
        if isinstance(error, FarTrouble):  # news from our own homeserver prove nothing of another
            await self._clock.sleep(back_off(attempt))
            return
        back = asyncio.ensure_future(self._back.wait())
        delay = asyncio.ensure_future(self._clock.sleep(back_off(attempt)))
        try:
            await asyncio.wait({back, delay}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            back.cancel()
            delay.cancel()

    def _enter(self, phase: Phase, reason: str = "", retry_at: float | None = None) -> None:
        same = self.connection.phase is phase
        since = self.connection.since if same else self._clock.now()
        connection = Connection(phase, since, retry_at, reason)
        if connection != self.connection:
            self.connection = connection
            self._ledger.publish(frozenset({ConnectionChanged()}))
