"""Typing notices, sent sparingly: lost ones do no harm."""

from __future__ import annotations

import asyncio
import contextlib

from dmtui.core.errors import DmtuiError
from dmtui.core.model import RoomId
from dmtui.core.ports import Homeserver
from dmtui.messenger.clock import Clock

REPEAT_SECONDS = 10.0
"""How long a notice is taken as known by the server."""


class TypingNotices:
    """Says that I am typing at most every few seconds, and once that I stopped.

    Of a room only the newest notice waits: after a while offline older ones are not true any more.
    """

    def __init__(self, clock: Clock):
        self._clock = clock
        self._told: dict[RoomId, float] = {}
        self._waiting: dict[RoomId, bool] = {}
        self._wake = asyncio.Event()

    def started(self, room_id: RoomId) -> None:
        """I am typing in the room."""
        now = self._clock.now()
        if now - self._told.get(room_id, 0.0) >= REPEAT_SECONDS:
            self._told[room_id] = now
            self._tell(room_id, typing=True)

    def stopped(self, room_id: RoomId) -> None:
        """I stopped typing in the room."""
        if self._told.pop(room_id, None) is not None:
            self._tell(room_id, typing=False)

    def _tell(self, room_id: RoomId, *, typing: bool) -> None:
        self._waiting[room_id] = typing
        self._wake.set()

    async def run(self, homeserver: Homeserver) -> None:
        """Send notices for ever; a failed one is dropped."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                room_id, typing = self._waiting.popitem()
                with contextlib.suppress(DmtuiError):
                    await homeserver.set_typing(room_id, typing)
