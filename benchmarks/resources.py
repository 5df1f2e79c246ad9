"""Memory and CPU of the app when nothing happens."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

from benchmarks.figure import Figure
from benchmarks.homeserver import chat
from benchmarks.start import APP
from benchmarks.stored import home_of, signed_in
from benchmarks.terminal import Terminal


def figures(quick: bool) -> Iterator[Figure]:
    """From /proc, so on Linux alone; encryption is loaded in all of them."""
    few, many = [], []
    for _ in range(1 if quick else 3):
        with signed_in(20, 1_000) as (environment, _):
            few.append(_resident(environment))
        with signed_in(10_000, 1_000_000) as (environment, _):
            many.append(_resident(environment))
    small, large = median(few), median(many)
    yield Figure("resident memory, small store", f"{small:.0f} MB", small, 100, "≤ 100 MB")
    more = large - small
    name = "resident memory, 10,000 people and 1,000,000 messages"
    yield Figure(name, f"+{more:.0f} MB", more, 20, "≤ +20 MB", f"{large / small:.2f} × small")
    share = _idle_share(10 if quick else 30)
    yield Figure("idle CPU, online, a conversation open", f"{share:.2f} %", share, 0.3, "< 0.3 %")


def _resident(environment: Mapping[str, str]) -> float:
    """Megabytes, a while after the first try to reach the homeserver."""
    with Terminal(APP, environment) as terminal:
        terminal.until("Offline")
        terminal.drain(3)
        process = Path(f"/proc/{terminal.pid}")
        assert "vodozemac" in (process / "maps").read_text()
        lines = (process / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def _idle_share(seconds: float) -> float:
    """Percent of one core."""
    with (
        chat() as here,
        home_of(here.me) as (environment, _),
        Terminal(APP, environment) as terminal,
    ):
        terminal.until("hello")
        terminal.press("\r")  # the cursor blinks in the composer
        terminal.drain(8)
        before = _cpu(terminal.pid)
        terminal.drain(seconds)
        return (_cpu(terminal.pid) - before) / seconds * 100


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
