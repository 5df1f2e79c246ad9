"""From the start of the process to the people list on the screen, and to the whole app."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from benchmarks.figure import Figure, times
from benchmarks.minimal import READY
from benchmarks.stored import signed_in
from benchmarks.terminal import Terminal

APP = (sys.executable, "-m", "dmtui")
_TEXTUAL = "\x1b[?1000h"  # Textual takes the mouse, then paints


def figures(quick: bool) -> Iterator[Figure]:
    """All measured in turn, so that a busy moment of the machine meets each alike."""
    rounds = 5 if quick else 15
    python, first, whole, minimal = [], [], [], []
    with signed_in(10_000, 1_000_000) as (environment, _):
        for _ in range(rounds + 1):
            python.append(_ended((sys.executable, "-c", "pass")))
            minimal.append(
                _painted((sys.executable, "-m", "benchmarks.minimal"), os.environ, READY)
            )
            first.append(_painted(APP, environment, "Person 0"))
            whole.append(_painted(APP, environment, _TEXTUAL, "Person 0"))
    base, textual = median(python[1:]), median(minimal[1:])
    yield times(
        "start to the painted people list, 10,000 people, 1,000,000 messages",
        median(first[1:]),
        base,
        "python -c pass",
        3,
    )
    yield times("start to the whole app", median(whole[1:]), textual, "minimal Textual app", 1.3)


def _ended(command: Sequence[str]) -> float:
    with Terminal(command, os.environ) as terminal:
        return terminal.until_ended() - terminal.started


def _painted(command: Sequence[str], environment: Mapping[str, str], *marks: str) -> float:
    with Terminal(command, environment) as terminal:
        return terminal.until(*marks) - terminal.started
