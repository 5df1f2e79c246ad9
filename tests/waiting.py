"""Waiting for what nothing announces, such as the end of somebody else's process."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds to wait for what is sure to come: on a busy machine it takes its time."""


def wait_until(condition: Callable[[], bool], timeout: float = PATIENCE) -> bool:
    """Ask again until ``condition`` holds; whether it did within ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds
