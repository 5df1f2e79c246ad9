"""Being seen as I wish for as long as I sync.

Client-server API v1.18, "Presence". Synapse's sliding sync says nothing of presence, unlike its
``/sync``; what it is told apart from it, it forgets after 30 seconds or, seen on Synapse 1.163, not
for long.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from dmtui.core.errors import Recoverable, Refused
from dmtui.core.model import Availability, JsonObject, UserId
from dmtui.matrix.client import path
from dmtui.matrix.news import Api
from dmtui.matrix.people import presence

RENEWAL = 20.0
"""Seconds after which it has to be said again."""

_PATIENCE = 1.0
"""Seconds that leaving may take."""

log = logging.getLogger(__name__)


class OwnPresence:
    """Says how I am to be seen, and says it again with the status that the server has of me."""

    def __init__(self, client: Api, me: UserId):
        self._client = client
        self._me = me
        self._wished = Availability.OFFLINE
        self._due = 0.0
        self._renewal: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()  # what is renewed is read before, and must be what there is

    async def set(self, availability: Availability, status: str) -> None:
        """Be seen like this from now on, after any renewal that is under way."""
        async with self._turn:
            await self._put(availability, status)

    def renew(self, availability: Availability) -> None:
        """Begin to say it if it is new or about to lapse, one renewal at a time.

        A server that will not have it is left alone. Offline is not said, nor at the end: my other
        devices may be there.
        """
        now = time.monotonic()
        if availability is not self._wished:
            self._wished, self._due = availability, now
        if availability is Availability.OFFLINE or now < self._due:
            return
        if self._renewal is not None:
            if not self._renewal.done():
                return
            self._renewal.result()
        self._due = now + RENEWAL
        self._renewal = asyncio.create_task(self._say(availability))

    async def end(self) -> None:
        """I am gone; only where it was said here, as all else lapses by itself."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)
        if self._wished is not Availability.OFFLINE:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self._say(Availability.OFFLINE)

    async def _say(self, availability: Availability) -> None:
        try:
            async with self._turn:
                status = (await presence(self._client, self._me)).status
                await self._put(availability, status)
        except (Recoverable, Refused) as error:
            log.info("presence is not said: %s", type(error).__name__)

    async def _put(self, availability: Availability, status: str) -> None:
        """``PUT /presence/{userId}/status``."""
        content: JsonObject = {"presence": availability.value, "status_msg": status}
        await self._client.api("PUT", path("presence", self._me, "status"), content)
