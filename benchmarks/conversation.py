"""A conversation opened out of 1,000,000 stored messages, and paged back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator
from statistics import median

from textual.pilot import Pilot

from benchmarks.figure import Figure, milliseconds
from benchmarks.stored import signed_in, user
from benchmarks.terminal import Terminal
from dmtui.compose import Account
from dmtui.matrix.sign_in import sign_in_with_password
from dmtui.profile import ProfilePaths
from dmtui.ui.app import DmtuiApp
from dmtui.ui.screens.conversation import ConversationPane
from dmtui.ui.screens.main import MainScreen
from tests.profiles import key_in_file

_NEXT, _PREVIOUS = "\x1b[1;3B", "\x1b[1;3A"


def figures(quick: bool) -> Iterator[Figure]:
    """On a terminal: a key to the painted messages. In process: wall time until painted."""
    rounds = 5 if quick else 15
    with signed_in(10_000, 1_000_000) as (environment, paths):
        opened = _opened(environment, rounds)
        yield milliseconds("open the longest of 10,000 conversations, key to painted", opened, 25)
        back, shown = asyncio.run(_paged(paths, rounds))
        yield milliseconds("page back 50 messages", back, 20)
        yield milliseconds("read and paint anew what is on show", shown, None)


def _opened(environment: dict[str, str], rounds: int) -> float:
    from benchmarks.start import APP

    times = []
    with Terminal(APP, environment) as terminal:
        terminal.until("\x1b[?1000h", "Person 0", "Offline")
        terminal.press("\r")
        terminal.until("message 50086 of 0")
        for _ in range(rounds):
            terminal.settle()
            terminal.press(_NEXT)
            terminal.until("message 88 of 1")
            terminal.settle()
            begin = time.perf_counter()
            terminal.press(_PREVIOUS)
            times.append(terminal.until("message 50086 of 0") - begin)
    return median(times)


async def _paged(paths: ProfilePaths, rounds: int) -> tuple[float, float]:
    with contextlib.closing(Account(paths, key_in_file(paths))) as account:
        app = DmtuiApp(
            messenger=account.saved(),
            open_messenger=account.signed_in,
            sign_in=sign_in_with_password,
        )
        async with app.run_test(size=(120, 40)) as pilot:
            screen = app.screen
            assert isinstance(screen, MainScreen)
            screen.open(user(0))
            await pilot.pause()
            conversation = screen.query_one(ConversationPane)

            async def older() -> None:
                conversation.reading.show_older()

            async def again() -> None:
                conversation.refresh_messages()

            back = await _timed(pilot, older, rounds)
            screen.open(user(1))
            screen.open(user(0))
            return back, await _timed(pilot, again, rounds)


async def _timed(pilot: Pilot[None], act: Callable[[], Awaitable[None]], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        await pilot.pause()
        begin = time.perf_counter()
        await act()
        await pilot.pause(0)
        times.append(time.perf_counter() - begin)
    return median(times)
