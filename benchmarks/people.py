"""The people list with many people, and how much more that costs than 100."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from benchmarks.figure import Figure
from benchmarks.widgets import measure

_TARGETS = {
    "people: update a row": 10.0,
    "people: move a row to the top": 10.0,
    "people: filter key": 25.0,
    "timeline: append": 10.0,
}


def figures(quick: bool) -> Iterator[Figure]:
    """CPU time of the widgets, from the act to the painted screen."""
    most = 1_000 if quick else 10_000
    few, many = (asyncio.run(measure(count)) for count in (100, most))
    for name, target in _TARGETS.items():
        yield Figure(
            f"{name}, {most:,} rows",
            f"{many[name]:.1f} ms",
            many[name],
            target,
            f"≤ {target:g} ms",
            f"{many[name] / few[name]:.1f} × 100 rows",
        )
