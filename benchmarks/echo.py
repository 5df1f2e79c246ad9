"""From a key press to its letter on the screen: idle, and while a first sync goes on."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.figure import Figure, milliseconds, percentile
from benchmarks.homeserver import PEOPLE, crowded
from benchmarks.minimal import READY
from benchmarks.start import APP
from benchmarks.stored import home_of, signed_in
from benchmarks.terminal import Terminal, echoes, waiting_for
from tests.homeserver.account import Account
from tests.homeserver.launcher import Launcher

_AREA = (sys.executable, "-m", "benchmarks.minimal", "textarea")


def figures(quick: bool) -> Iterator[Figure]:
    """A bare TextArea and dmtui in turn; then dmtui in the middle of a first sync."""
    ours, bare = _idle(40 if quick else 150)
    yield milliseconds(
        "key press to echo, idle", median(ours), 8, f"{median(ours) / median(bare):.2f} × TextArea"
    )
    yield milliseconds("key press to echo, bare TextArea", median(bare), None)
    syncing: list[float] = []
    with contextlib.closing(Launcher()) as launcher:
        for _ in range(1 if quick else 3):
            with crowded(launcher, PEOPLE, 0) as (_, account):
                syncing += _while_syncing(account)
    name = "key press to echo during a first sync of 1,000 people"
    yield milliseconds(f"{name}, median", median(syncing), None, f"{len(syncing)} keys")
    yield milliseconds(f"{name}, p95", percentile(syncing, 0.95), 30)
    yield milliseconds(f"{name}, worst", max(syncing), None)


def _idle(keys: int) -> tuple[list[float], list[float]]:
    ours: list[float] = []
    bare: list[float] = []
    with (
        signed_in(10_000, 1_000_000) as (environment, _),
        Terminal(APP, environment) as app,
        Terminal(_AREA, os.environ) as area,
    ):
        app.until("\x1b[?1000h", "Person 0", "Offline")
        app.press("\r")
        app.until(waiting_for("Person 0"))
        area.until(READY)
        area.press("\t")
        for terminal in (app, area):
            terminal.settle()
        for _ in range(5):
            ours += echoes(app, keys // 5)
            bare += echoes(area, keys // 5)
            for terminal in (app, area):
                terminal.press("\x15")
                terminal.settle()
    return ours, bare


def _while_syncing(account: Account) -> list[float]:
    """Echoes from the moment that the first people are there until all are."""
    with home_of(account) as (environment, paths):
        found: list[float] = []
        with Terminal(APP, environment) as terminal:
            terminal.until("person0")
            terminal.press("\r")
            terminal.until(waiting_for("person"))
            while people(paths.store_file) < PEOPLE:
                found += echoes(terminal, 10)
                terminal.press("\x15")
                terminal.drain(0.05)
        return found


def people(store: Path) -> int:
    """How many are in the store by now."""
    if not store.exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        try:
            (count,) = connection.execute("SELECT count(*) FROM person").fetchone()
        except sqlite3.OperationalError:
            return 0
        return int(count)


def until_complete(terminal: Terminal, store: Path) -> float:
    """Wait until everybody is there; returns ``perf_counter``."""
    while people(store) < PEOPLE:
        terminal.drain(0.05)
    return time.perf_counter()
