"""Files handed to the program that the system has for them."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from dmtui.core.errors import FileTrouble

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = "open" if sys.platform == "darwin" else "xdg-open"


async def open_file(path: Path, command: str = COMMAND) -> None:
    """Start the program with the whole path and let it go.

    Raises ``FileTrouble`` where there is no such program.
    """
    try:
        await asyncio.create_subprocess_exec(
            command,
            path,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise FileTrouble(f"{command} can't be started: {error.strerror}.") from error
