"""What others are told of what I do: that I am typing, and what I have read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Receipts(StrEnum):
    """Who is told how far I have read: everybody in the room, or only my own devices."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Privacy:
    """The section ``[privacy]`` of the settings."""

    typing: bool = True
    receipts: Receipts = Receipts.PUBLIC


OPEN = Privacy()
"""As Matrix clients usually are."""
