"""Telling the user what came in, however little of dmtui is in sight."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from dmtui.core.errors import StoreTrouble
from dmtui.core.notify import QUIET, Heard, decide

if TYPE_CHECKING:
    from collections.abc import Callable

    from dmtui.core.model import UserId
    from dmtui.messenger.ledger import Subscription
    from dmtui.messenger.messenger import Messenger
    from dmtui.ui.voice import Voice

GRACE = 1.0
"""Seconds in which what was just written may be read on another device, or become several."""


class Notifier:
    """Follows a messenger, and asks ``looked_at`` whom the user sees at this moment."""

    def __init__(self, messenger: Messenger, voice: Voice, looked_at: Callable[[], UserId | None]):
        self._messenger = messenger
        self._voice = voice
        self._looked_at = looked_at
        self._heard = Heard()

    async def run(self) -> None:
        """Tell what comes in until cancelled."""
        changes = self._messenger.subscribe()
        try:
            while True:
                self._count()
                await self._messenger.clock.sleep(GRACE)
                changes.take()
                self._count()
                again_at = await self._tell()
                await self._wait(changes, again_at)
        finally:
            changes.close()

    def _count(self) -> None:
        with contextlib.suppress(StoreTrouble):  # the status line says what is wrong
            self._voice.count(self._messenger.unread())

    async def _tell(self) -> float | None:
        """Say what there is to say; returns when to look again even if nothing comes."""
        if not self._messenger.caught_up:
            return None
        clock = self._messenger.clock
        try:
            news = self._messenger.news()
            writers = frozenset(arrival.user_id for arrival in news.arrivals)
            verdict = decide(
                news,
                clock.now(),
                self._heard,
                looked_at=self._looked_at(),
                muted=[c.user_id for c in self._messenger.conversations(writers) if c.muted],
                how=self._voice.settings.how,
                bodies=self._voice.settings.bodies,
            )
            await self._messenger.mark_told(verdict.told)
        except StoreTrouble:  # better told later than over and over
            return clock.now() + QUIET
        self._heard = verdict.heard
        if verdict.notice is not None:
            self._voice.tell(verdict.notice)
        return verdict.again_at

    async def _wait(self, changes: Subscription, until: float | None) -> None:
        """For a change, or the time."""
        waiting: set[asyncio.Future[object]] = {asyncio.ensure_future(changes.next())}
        if until is not None:
            clock = self._messenger.clock
            waiting.add(asyncio.ensure_future(clock.sleep(max(0.0, until - clock.now()))))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
