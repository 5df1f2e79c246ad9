"""A message comes in: from the server to the screen, against a client that only asks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median
from threading import Thread

from benchmarks.figure import Figure, milliseconds
from benchmarks.homeserver import chat
from benchmarks.start import APP
from benchmarks.stored import home_of
from benchmarks.terminal import Terminal, waiting_for
from tests.homeserver.account import Account


def figures(quick: bool) -> Iterator[Figure]:
    """Each message is timed from before it is sent, to the screen and to the asking client."""
    rounds = 5 if quick else 20
    with (
        chat() as here,
        home_of(here.me) as (environment, _),
        Terminal(APP, environment) as terminal,
    ):
        terminal.until("hello")
        terminal.press("\r")
        terminal.until(waiting_for(""))
        terminal.drain(1)
        asking = here.server.login(here.me.localpart)
        painted, asked = _timed(terminal, here.bob, asking, here.room_id, rounds)
    yield milliseconds("incoming message: sent to painted", median(painted), None)
    over = median(ours - raw for ours, raw in zip(painted, asked, strict=True))
    yield milliseconds("incoming message: over the server's own time", over, 50)


def _timed(
    terminal: Terminal, bob: Account, me: Account, room_id: str, rounds: int
) -> tuple[list[float], list[float]]:
    painted, asked = [], []
    since = me.sync()["next_batch"]
    for number in range(rounds):
        text = f"news {number} for you"
        arrived: list[float] = []

        def ask(token: str, arrived: list[float], text: str) -> None:
            while True:
                answer = me.sync(token, timeout=30)
                token = answer["next_batch"]
                if text in str(answer):
                    arrived.append(time.perf_counter())
                    return

        asking = Thread(target=ask, args=(since, arrived, text))
        asking.start()
        terminal.settle()
        begin = time.perf_counter()
        sending = Thread(target=bob.send_text, args=(room_id, text))
        sending.start()
        painted.append(terminal.until(text) - begin)
        asking.join()
        sending.join()
        asked.append(arrived[0] - begin)
        since = me.sync(since)["next_batch"]
    return painted, asked
