"""The one careful writer of ``m.direct``: fresh read, least change, confirmation by content."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from dmtui.core.direct import M_DIRECT, apply_edits, crossed, holds
from dmtui.core.errors import DmtuiError
from dmtui.core.intents import (
    DirectWish,
    EditDirect,
    Entry,
    Outcome,
    RepairDirect,
    RestoreDirect,
    UndoRepair,
)
from dmtui.core.model import JsonObject
from dmtui.core.ports import Homeserver
from dmtui.core.repairs import apply_changes, merged, undone
from dmtui.messenger.clock import Clock, milliseconds
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.line import Line

MOST_REPEATS = 3
WATCH_SECONDS = 60.0
READ_BACK_SECONDS = (0.2, 1.5)
MOST_CROSSING = 20
CONFLICT = Outcome(ok=False, message="Another client keeps undoing the DM flag.")


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
        self._records = ledger.store.directs
        self._line = line
        self._clock = clock
        self._wake = asyncio.Event()
        self._watches: list[_Watch] = []
        self._told: deque[JsonObject] = deque(maxlen=MOST_CROSSING)  # by sync, since the last read

    def wake(self) -> None:
        """Look for journalled edits now."""
        self._wake.set()

    async def seen(self, content: JsonObject) -> None:
        """The map as sync delivered it: edits that vanished from it are journalled again."""
        await self._remember(content, ours=False)
        self._told.append(content)
        now = self._clock.now()
        self._watches = [watch for watch in self._watches if watch.until > now]
        for watch in [watch for watch in self._watches if not holds(content, watch.edit)]:
            number = await self._ledger.run(self._ledger.store.add_intent, watch.edit)
            if watch.repeats < MOST_REPEATS:
                watch.repeats += 1
                self.wake()
            else:
                self._watches.remove(watch)
                await self._ledger.write(self._ledger.store.settle_intent, number, CONFLICT)

    async def run(self, homeserver: Homeserver) -> None:
        """Write for ever, once the first sync is complete."""
        if (content := self._ledger.store.direct()) is not None:
            await self._remember(content, ours=False)  # delivered just before a crash, perhaps
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
        return [e for e in store.pending_intents() if isinstance(e.intent, DirectWish)]

    async def _write(self, homeserver: Homeserver, entries: Sequence[Entry]) -> None:
        wishes = [entry.intent for entry in entries if isinstance(entry.intent, DirectWish)]
        repairs = [wish for wish in wishes if isinstance(wish, RepairDirect)]
        edits = [wish for wish in wishes if isinstance(wish, EditDirect)]
        self._watches = [one for one in self._watches if _stands(one.edit, (one.edit, *edits))]
        for _ in range(1 + MOST_REPEATS):
            content = await self._read(homeserver)
            wanted = self._with(content, wishes)
            if wanted == content:
                await self._settle(entries, Outcome(ok=True))
                return
            if self._with(content, repairs) != content:
                await self._ledger.write(self._records.keep_repair, content, wanted)
            await homeserver.set_account_data(M_DIRECT, wanted)
            await self._remember(wanted, ours=True)
            self._watch([edit for edit in edits if _stands(edit, edits)])
            await self._clock.sleep(random.uniform(*READ_BACK_SECONDS))  # noqa: S311 (jitter)
            without_ours = [one for one in self._told if self._with(one, wishes) != one]
            wishes += crossed(content, wanted, without_ours)
        content = await self._read(homeserver)
        for entry, wish in zip(entries, wishes, strict=False):  # entries come first
            held = self._with(content, [wish]) == content
            await self._settle([entry], Outcome(ok=True) if held else CONFLICT)

    async def _read(self, homeserver: Homeserver) -> JsonObject:
        self._told.clear()
        content = await homeserver.account_data(M_DIRECT) or {}
        await self._remember(content, ours=False)
        return content

    def _with(self, content: JsonObject, wishes: Sequence[DirectWish]) -> JsonObject:
        """The map as the wishes want it."""
        for wish in wishes:
            match wish:
                case EditDirect():
                    content = apply_edits(content, (wish,))
                case RepairDirect(changes):
                    content = apply_changes(content, changes)
                case UndoRepair():
                    if (repair := self._records.repair()) is not None:
                        content = undone(content, *repair)
                case RestoreDirect(versions):
                    for version in versions:
                        content = merged(content, self._records.version(version) or {})
        return content

    async def _remember(self, content: JsonObject, *, ours: bool) -> None:
        now = milliseconds(self._clock)
        edits = [e.intent for e in self._pending() if isinstance(e.intent, EditDirect)]
        watched = {edit.room_id for edit in (*edits, *(watch.edit for watch in self._watches))}
        await self._ledger.write(self._records.remember, content, now, ours, watched)

    def _watch(self, edits: Sequence[EditDirect]) -> None:
        watched = {watch.edit for watch in self._watches}
        until = self._clock.now() + WATCH_SECONDS
        self._watches += [_Watch(edit, until) for edit in edits if edit not in watched]

    async def _settle(self, entries: Sequence[Entry], outcome: Outcome) -> None:
        for entry in entries:
            await self._ledger.write(self._ledger.store.settle_intent, entry.number, outcome)


def _stands(edit: EditDirect, edits: Sequence[EditDirect]) -> bool:
    """Whether the edit still holds after all of these: no later wish of ours undoes it."""
    return holds(apply_edits({}, edits), edit)
