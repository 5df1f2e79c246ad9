"""Previews of the images that are on screen: made one by one, the ones last seen first."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from dmtui.core.errors import DmtuiError, FarTrouble, Recoverable
from dmtui.core.images import PREVIEW, preview_source
from dmtui.core.model import Attachment, Conversation, Media, Message, Pixels, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.clock import Clock, back_off
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.outgoing_files import OutgoingFiles
from dmtui.pictures import sandbox

PATIENCE = 30.0
"""Seconds for one image to come."""

_MOST_TRIES = 3
"""Where it is the image that does not come, and not the network that is gone."""


@dataclass(frozen=True, slots=True)
class _Wish:
    of: UserId
    attachment: Attachment
    source: Media


class Previews:
    """Fetches no more than ``limit`` bytes for one of them; 0: there are none.

    What is fetched lies decrypted among ``files`` while it is decoded, and no longer.
    """

    def __init__(self, ledger: Ledger, clock: Clock, files: OutgoingFiles, limit: int):
        self._ledger = ledger
        self._clock = clock
        self._files = files
        self._limit = limit
        self._of: UserId | None = None
        self._wishes: dict[str, _Wish] = {}
        self._failures: Counter[Media] = Counter()
        self._hopeless: set[Media] = set()
        self._wake = asyncio.Event()

    def want(self, conversation: Conversation, messages: Iterable[Message]) -> None:
        """These are on screen; what was wanted of another conversation is wanted no more."""
        if conversation.user_id != self._of:
            self._of = conversation.user_id
            self._wishes.clear()
        for message in messages:
            source = preview_source(conversation, message, self._limit)
            if source is None or message.attachment is None or source in self._hopeless:
                continue
            if self._ledger.store.person_of(message.room_id) != conversation.user_id:
                continue  # another conversation has been opened since it came on screen
            self._wishes.pop(message.key, None)
            self._wishes[message.key] = _Wish(self._of, message.attachment, source)
        self._wake.set()

    async def run(self, homeserver: Homeserver) -> None:
        """Make what is wanted, for ever; what did not come is tried again after all others."""
        attempts = 0
        while True:
            while not self._wishes:
                self._wake.clear()
                await self._wake.wait()
            key, wish = self._wishes.popitem()
            if wish.source in self._hopeless or self._is_made(key):
                continue
            try:
                pixels = await self._look(homeserver, wish.source)
                attempts = 0
            except (FarTrouble, TimeoutError):
                self._failures[wish.source] += 1
                if (failures := self._failures[wish.source]) < _MOST_TRIES:
                    self._put_off(key, wish)
                    await self._clock.sleep(back_off(failures))
                    continue
                pixels = None
            except Recoverable:
                self._put_off(key, wish)
                attempts += 1
                await self._clock.sleep(back_off(attempts))
                continue
            except DmtuiError:
                pixels = None
            if pixels is None:
                self._hopeless.add(wish.source)
            else:
                keep = self._ledger.store.keep_preview
                await self._ledger.write(keep, key, wish.attachment, pixels)

    def _is_made(self, key: str) -> bool:
        """Whether there is a preview by now: the message was read before."""
        message = self._ledger.store.relations.message(key)
        return message is not None and message.preview is not None

    def _put_off(self, key: str, wish: _Wish) -> None:
        """Behind all others, unless nobody looks at it any more."""
        if wish.of == self._of and key not in self._wishes:
            self._wishes = {key: wish, **self._wishes}

    async def _look(self, homeserver: Homeserver, source: Media) -> Pixels | None:
        if not source.uri:
            return await sandbox.pixels(self._files.path(source.copy), *PREVIEW)
        fetched = self._files.passing()
        file = self._files.path(fetched)
        try:
            async with asyncio.timeout(PATIENCE):
                await homeserver.download(source, str(file), self._limit, lambda _, __: None)
            return await sandbox.pixels(file, *PREVIEW)
        finally:
            await asyncio.to_thread(self._files.drop, (fetched,))
