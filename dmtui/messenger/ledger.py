"""The store as the messenger uses it: writes in one thread, and everyone told what changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from dmtui.core.events import Change
from dmtui.store.store import Store

P = ParamSpec("P")
T = TypeVar("T")


class Subscription:
    """Changes not yet read by one reader, as a set: a burst becomes one refresh."""

    def __init__(self, close: Callable[[Subscription], None]):
        self._close = close
        self._waiting: set[Change] = set()
        self._arrived = asyncio.Event()

    async def next(self) -> frozenset[Change]:
        """Wait for at least one change and take all there are."""
        await self._arrived.wait()
        return self.take()

    def take(self) -> frozenset[Change]:
        """Take all there are, without waiting."""
        changes = frozenset(self._waiting)
        self._waiting.clear()
        self._arrived.clear()
        return changes

    def put(self, changes: frozenset[Change]) -> None:
        """Add changes for the reader."""
        if changes:
            self._waiting |= changes
            self._arrived.set()

    def close(self) -> None:
        """Receive no more."""
        self._close(self)


class Ledger:
    """One store, one writing thread, any number of subscribers on one loop."""

    def __init__(self, store: Store):
        self.store = store
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dmtui-store")
        self._subscriptions: set[Subscription] = set()
        self.account_data = asyncio.Lock()
        """Held by whoever reads account data to write it back changed, ``m.direct`` excepted."""

    async def run(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a store method in the writing thread; cancelling the caller does not undo it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, lambda: act(*args, **kwargs))

    async def write(
        self, act: Callable[P, frozenset[Change]], *args: P.args, **kwargs: P.kwargs
    ) -> frozenset[Change]:
        """Run a store method that writes, and publish what it changed."""

        async def write_and_tell() -> frozenset[Change]:
            changes = await self.run(act, *args, **kwargs)
            self.publish(changes)
            return changes

        return await asyncio.shield(asyncio.ensure_future(write_and_tell()))

    def publish(self, changes: frozenset[Change]) -> None:
        """Tell every subscriber."""
        for subscription in self._subscriptions:
            subscription.put(changes)

    def subscribe(self) -> Subscription:
        """A reader of changes from now on."""
        subscription = Subscription(self._subscriptions.discard)
        self._subscriptions.add(subscription)
        return subscription

    async def wait_until(self, ready: Callable[[], T | None]) -> T:
        """The first value of ``ready`` that is not ``None``, asked again after every change."""
        subscription = self.subscribe()
        try:
            while (value := ready()) is None:
                await subscription.next()
            return value
        finally:
            subscription.close()

    def close(self) -> None:
        """Finish the writes under way."""
        self._writer.shutdown(wait=True)
