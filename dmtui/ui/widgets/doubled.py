"""A key pressed twice at once, or held: what it did to one row it is not to do to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual import events

APART = 0.4
"""Seconds between two presses of a key that are both meant."""


class Doubled:
    """Tells by when keys were pressed, not by when they are handled."""

    def __init__(self) -> None:
        self._key = ""
        self._at = 0.0

    def __call__(self, event: events.Key) -> bool:
        """Whether the key follows itself at once; every key is to be shown to it."""
        again = event.key == self._key and event.time - self._at < APART
        self._key, self._at = event.key, event.time
        return again

    def forget(self) -> None:
        """Something came between: the next key is meant."""
        self._key = ""
