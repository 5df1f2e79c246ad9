"""Carries out persisted intents (all but edits of ``m.direct``) until each has an outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from dmtui.core.errors import DmtuiError, Recoverable, SignedOut, StoreTrouble
from dmtui.core.events import IntentsChanged
from dmtui.core.intents import DirectWish, Entry, Intent, Outcome
from dmtui.messenger.clock import Clock
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.line import Line

OTHER_PROCESSES_SECONDS = 0.5
"""How often to look for intents that another process has written down."""

Settlement: TypeAlias = tuple[Outcome, tuple[Intent, ...]]
"""How an intent ended, and what is to be done because of it."""

Act: TypeAlias = Callable[[Entry], Awaitable[Settlement]]


class Journal:
    """Every pending intent is tried until the server has given its verdict."""

    def __init__(self, ledger: Ledger, line: Line):
        self._ledger = ledger
        self._line = line
        self._wake = asyncio.Event()
        self._running: set[int] = set()

    def wake(self) -> None:
        """Look for new intents now."""
        self._wake.set()

    async def add(self, intent: Intent) -> Entry:
        """Write an intent down; it is carried out in the background."""
        (entry,) = await self.add_all([intent])
        return entry

    async def add_all(self, intents: Sequence[Intent]) -> tuple[Entry, ...]:
        """Write several down in one transaction; identical pending ones share an entry."""
        store = self._ledger.store
        numbers, changes = await self._ledger.run(store.add_intents, intents)
        self._ledger.publish(changes | {IntentsChanged()})
        self.wake()
        found = {number: store.intent(number) for number in numbers}
        return tuple(entry for number in numbers if (entry := found[number]) is not None)

    async def outcome(self, entry: Entry) -> Outcome | None:
        """How the intent ended; ``None`` as soon as one more try did not get through."""

        def settled_or_postponed() -> Entry | None:
            now = self._ledger.store.intent(entry.number)
            if now is None or now.outcome or now.attempts > entry.attempts:
                return now or Entry(entry.number, entry.intent, outcome=Outcome(ok=True))
            return None

        return (await self._ledger.wait_until(settled_or_postponed)).outcome

    async def watch(self, clock: Clock, version: int) -> None:
        """Have what another process writes down noticed, for ever; ``version`` is the store's."""
        while True:
            await clock.sleep(OTHER_PROCESSES_SECONDS)
            before, version = version, self._ledger.store.data_version()
            if version != before:
                self._ledger.publish(frozenset({IntentsChanged()}))

    async def run(self, act: Act) -> None:
        """Carry out intents for ever, several at a time. Raises ``StoreTrouble``."""
        self._running.clear()
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._wake.clear()
                for entry in await self._ledger.run(self._ledger.store.pending_intents):
                    if (
                        not isinstance(entry.intent, DirectWish)
                        and entry.number not in self._running
                    ):
                        self._running.add(entry.number)
                        tasks.create_task(self._carry_out(entry, act))
                await self._wake.wait()

    async def _carry_out(self, entry: Entry, act: Act) -> None:
        store = self._ledger.store
        attempts = 0
        while True:
            try:
                outcome, consequences = await act(entry)
            except (Recoverable, SignedOut) as error:
                attempts += 1
                await self._ledger.write(store.postpone_intent, entry.number, str(error))
                await self._line.pause(error, attempts)
                entry = store.intent(entry.number) or entry
                continue
            except StoreTrouble:  # no verdict: it stays written down
                raise
            except DmtuiError as error:
                outcome, consequences = Outcome(ok=False, message=str(error)), ()
            await self._ledger.write(store.settle_intent, entry.number, outcome, consequences)
            self._running.discard(entry.number)
            return
