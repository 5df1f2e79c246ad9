"""The clipboard of a tmux around the app, which by default ignores what programs write to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMAND = ("tmux", "load-buffer", "-w", "-")
_PATIENCE = 2.0  # seconds


async def hand_to_tmux(text: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the text is where a paste finds it: taken by tmux, or no tmux is in between."""
    if not environment.get("TMUX"):
        return True
    try:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            env=dict(environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_PATIENCE):
            await process.communicate(text.encode("utf-8", "replace"))
    except (OSError, TimeoutError):
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return False
    return process.returncode == 0
