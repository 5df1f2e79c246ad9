"""A figure, and the table of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, in words, and how it stands to its target.

    ``value`` and ``target`` are what is compared: less is better; without a target it is told only.
    """

    name: str
    measured: str
    value: float
    target: float | None = None
    wanted: str = ""
    ratio: str = ""

    @property
    def verdict(self) -> str:
        """Whether the target was met, or by how much it was missed."""
        if self.target is None:
            return ""
        if self.value <= self.target:
            return "met"
        return f"missed by {(self.value / self.target - 1) * 100:.0f} %"


def milliseconds(name: str, seconds: float, target: float | None, ratio: str = "") -> Figure:
    """A time, with its target in milliseconds."""
    wanted = "" if target is None else f"≤ {target:g} ms"
    return Figure(name, f"{seconds * 1000:.1f} ms", seconds * 1000, target, wanted, ratio)


def times(name: str, seconds: float, base: float, of: str, target: float | None) -> Figure:
    """A time as a multiple of another, with its target as a multiple."""
    ratio = seconds / base
    wanted = "" if target is None else f"≤ {target:g} × {of}"
    return Figure(
        name, f"{seconds * 1000:.0f} ms", round(ratio, 2), target, wanted, f"{ratio:.2f} × {of}"
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of the values (0 to 1) do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


_HEAD = ("Figure", "Measured", "Ratio", "Target", "")


def markdown(figures: Iterable[Figure]) -> str:
    """The table, aligned, as Markdown."""
    rows = [(f.name, f.measured, f.ratio, f.wanted, f.verdict) for f in figures]
    widths = [max(len(row[column]) for row in (_HEAD, *rows)) for column in range(len(_HEAD))]
    lines = [_HEAD, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )
