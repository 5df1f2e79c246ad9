"""A first sync of 1,000 direct rooms, alone and beside group rooms."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from statistics import median

from benchmarks.echo import until_complete
from benchmarks.figure import Figure, times
from benchmarks.homeserver import GROUPS, PEOPLE, crowded
from benchmarks.start import APP
from benchmarks.stored import home_of
from benchmarks.terminal import Terminal
from tests.homeserver.account import Account
from tests.homeserver.launcher import Launcher


def figures(quick: bool) -> Iterator[Figure]:
    """Few rounds, for each takes long; the server is restarted for each, its caches cold."""
    rounds = 1 if quick else 3
    first: list[float] = []
    alone: list[float] = []
    beside: list[float] = []
    with contextlib.closing(Launcher()) as launcher:
        for _ in range(rounds):
            for groups, whole in ((0, alone), (GROUPS, beside)):
                with crowded(launcher, PEOPLE, groups) as (_, account):
                    shown, complete = _synced(account)
                    first.append(shown)
                    whole.append(complete)
    shown = median(first)
    yield Figure(
        "first sync: start to the first people on screen", f"{shown:.2f} s", shown, 2, "≤ 2 s"
    )
    yield Figure("first sync: start to all 1,000 people", f"{median(alone):.1f} s", 0)
    yield times(
        f"first sync beside {GROUPS} group rooms: all people",
        median(beside),
        median(alone),
        "without",
        1.2,
    )


def _synced(account: Account) -> tuple[float, float]:
    with home_of(account) as (environment, paths), Terminal(APP, environment) as terminal:
        shown = terminal.until("person0") - terminal.started
        return shown, until_complete(terminal, paths.store_file) - terminal.started
