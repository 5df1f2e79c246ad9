"""A message comes in: from the server to the screen, against a client that only asks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from statistics import median
from threading import Thread

from benchmarks.figure import Figure, milliseconds
from benchmarks.start import APP
from benchmarks.stored import home
from benchmarks.terminal import Terminal
from dmtui.core.model import Session, UserId
from dmtui.session import save_session
from tests.homeserver.account import Account
from tests.homeserver.launcher import Launcher
from tests.homeserver.synapse import SynapseServer


def figures(quick: bool) -> Iterator[Figure]:
    """Each message is timed from before it is sent, to the screen and to the asking client."""
    rounds = 5 if quick else 20
    with (
        contextlib.closing(Launcher()) as launcher,
        SynapseServer(launcher) as server,
        home() as (environment, paths),
    ):
        me, bob = server.register(), server.register()
        room_id = bob.create_dm(me)
        me.join(room_id)
        me.record_direct(bob, room_id)
        bob.send_text(room_id, "hello")
        session = Session(UserId(me.user_id), me.device_id, me.access_token, me.base_url)
        save_session(paths, session)
        with Terminal(APP, environment) as terminal:
            terminal.until("hello")
            terminal.press("\r")
            terminal.until("Message ")
            terminal.drain(1)
            painted, asked = _timed(terminal, bob, server.login(me.localpart), room_id, rounds)
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
