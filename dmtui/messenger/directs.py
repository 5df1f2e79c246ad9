"""The one careful writer of ``m.direct``: fresh read, least change, confirmation by content."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from dmtui.core.direct import apply_edits, holds
from dmtui.core.errors import DmtuiError
from dmtui.core.intents import EditDirect, Entry, Outcome
from dmtui.core.model import JsonObject
from dmtui.core.ports import Homeserver
from dmtui.messenger.clock import Clock
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.line import Line

M_DIRECT = "m.direct"
MOST_REPEATS = 3
WATCH_SECONDS = 60.0
READ_BACK_SECONDS = (0.2, 1.5)


@dataclass
class _Watch:
    """An edit that was written, and may be overwritten by another client until ``until``."""

    edit: EditDirect
    until: float
    repeats: int = 0


class DirectWriter:
    """Carries out journalled edits; never writes from a cache, never after a failed read."""

    def __init__(self, ledger: Ledger, line: Line, clock: Clock):
        self._ledger = ledger
        self._line = line
        self._clock = clock
        self._wake = asyncio.Event()
        self._watches: list[_Watch] = []

    def wake(self) -> None:
        """Look for journalled edits now."""
        self._wake.set()

    async def seen(self, content: JsonObject) -> None:
        """The map as sync delivered it: edits that vanished from it are journalled again."""
        now = self._clock.now()
        self._watches = [watch for watch in self._watches if watch.until > now]
        for watch in self._watches:
            if not holds(content, watch.edit) and watch.repeats < MOST_REPEATS:
                watch.repeats += 1
                await self._ledger.run(self._ledger.store.add_intent, watch.edit)
                self.wake()

    async def run(self, homeserver: Homeserver) -> None:
        """Write for ever, once the first sync is complete."""
        attempts = 0
        while True:
            self._wake.clear()
            entries = self._pending()
            if not entries:
                await self._wake.wait()
                continue
            try:
                await self._write(homeserver, entries)
            except DmtuiError as error:
                attempts += 1
                for entry in entries:
                    await self._ledger.write(
                        self._ledger.store.postpone_intent, entry.number, str(error)
                    )
                await self._line.pause(error, attempts)
            else:
                attempts = 0

    def _pending(self) -> list[Entry]:
        store = self._ledger.store
        if not store.synced():
            return []
        return [e for e in store.pending_intents() if isinstance(e.intent, EditDirect)]

    async def _write(self, homeserver: Homeserver, entries: Sequence[Entry]) -> None:
        edits = [entry.intent for entry in entries if isinstance(entry.intent, EditDirect)]
        for _ in range(1 + MOST_REPEATS):
            content = await homeserver.account_data(M_DIRECT) or {}
            wanted = apply_edits(content, edits)
            if wanted == content:
                await self._settle(entries, Outcome(ok=True))
                return
            await homeserver.set_account_data(M_DIRECT, wanted)
            self._watch(edits)
            await self._clock.sleep(random.uniform(*READ_BACK_SECONDS))  # noqa: S311 (jitter)
        content = await homeserver.account_data(M_DIRECT) or {}
        conflict = Outcome(ok=False, message="Another client keeps undoing the DM flag.")
        for entry, edit in zip(entries, edits, strict=True):
            await self._settle([entry], Outcome(ok=True) if holds(content, edit) else conflict)

    def _watch(self, edits: Sequence[EditDirect]) -> None:
        watched = {watch.edit for watch in self._watches}
        until = self._clock.now() + WATCH_SECONDS
        self._watches += [_Watch(edit, until) for edit in edits if edit not in watched]

    async def _settle(self, entries: Sequence[Entry], outcome: Outcome) -> None:
        for entry in entries:
            await self._ledger.write(self._ledger.store.settle_intent, entry.number, outcome)
