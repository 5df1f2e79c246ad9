"""Hands a URL to the desktop's browser, which is no part of this terminal."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATIENCE = 2.0  # seconds: some openers stay until the browser is closed


async def open_in_browser(url: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether something took the URL, which is a :func:`dmtui.core.links.target`."""
    command = _command(sys.platform, environment)
    return bool(command) and await asyncio.to_thread(_run, (*command, url), dict(environment))


def _command(platform: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Empty where there is no desktop: a browser of text would draw over the conversation."""
    match platform:
        case "darwin":
            return ("open",)
        case "win32":
            return ("rundll32", "url.dll,FileProtocolHandler")
        case _:
            desktop = environment.get("WAYLAND_DISPLAY") or environment.get("DISPLAY")
            return ("xdg-open",) if desktop else ()


def _run(command: tuple[str, ...], environment: dict[str, str]) -> bool:
    try:
        opener = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return opener.wait(_PATIENCE) == 0
    except subprocess.TimeoutExpired:
        return True
    except OSError:
        return False
