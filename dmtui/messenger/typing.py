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
    """Says that I am typing at most every few seconds, and once that I stopped."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._told: dict[RoomId, float] = {}
        self._notices: asyncio.Queue[tuple[RoomId, bool]] = asyncio.Queue()

    def started(self, room_id: RoomId) -> None:
        """I am typing in the room."""
        now = self._clock.now()
        if now - self._told.get(room_id, 0.0) >= REPEAT_SECONDS:
            self._told[room_id] = now
            self._notices.put_nowait((room_id, True))

    def stopped(self, room_id: RoomId) -> None:
        """I stopped typing in the room."""
        if self._told.pop(room_id, None) is not None:
            self._notices.put_nowait((room_id, False))

    async def run(self, homeserver: Homeserver) -> None:
        """Send notices for ever; a failed one is dropped."""
        while True:
            room_id, typing = await self._notices.get()
            with contextlib.suppress(DmtuiError):
                await homeserver.set_typing(room_id, typing)
