"""A thread with an event loop of its own for all network work.

Decoding, decrypting and importing aiohttp and nio take longer than a frame; here they may.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from dmtui.core.errors import Unreachable

P = ParamSpec("P")
T = TypeVar("T")


class NetworkThread:
    """A daemon thread running an event loop; its calls are made from one other loop."""

    def __init__(self, name: str = "network"):
        self._closing = False
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(LeftBehind())
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Call ``work`` in the thread and wait for it; cancelling this cancels it there.

        Raises ``Unreachable`` once the thread is being closed: its loop would never come to it.
        """
        if self._closing:
            raise Unreachable("The connection is closed.")
        return await self._call(work)

    async def _call(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async def call() -> T:
            return await work()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(), self._loop))

    async def close(self, last: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """Cancel what still runs, then do ``last``, end the loop and wait for the thread."""
        self._closing = True
        try:
            await self._call(lambda: _finish(last))
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            await asyncio.to_thread(self._thread.join)

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(_finish(None))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()


async def _finish(last: Callable[[], Coroutine[Any, Any, None]] | None) -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if last is not None:
        await last()


class LeftBehind(ThreadPoolExecutor):
    """A thread for each call, which neither the loop nor the process waits for at its end.

    asyncio looks names up in its executor, and nothing can end a look-up that hangs.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - handed on to who waits for it
                future.set_exception(error)

        threading.Thread(target=run, name="network-call", daemon=True).start()
        return future
