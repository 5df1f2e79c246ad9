"""Pictures are decoded in a process of their own, within bounds of time, memory and disk.

Whatever is wrong with a picture costs nothing but the answer ``None``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from dmtui.core.model import Pixels

PATIENCE = 20.0
"""Seconds for one picture."""

_MOST_CELLS = 1000 * 1000


@dataclass(frozen=True, slots=True)
class Measured:
    """A picture in pixels; ``thumbnail`` has width, height and bytes, where it has one."""

    width: int
    height: int
    thumbnail: tuple[int, int, int] | None


async def measured(picture: Path, thumbnail: Path) -> Measured | None:
    """Measure the picture and write a thumbnail (0600) if it is worth one."""
    answer = await _ask("measure", str(picture), str(thumbnail))
    try:
        found = json.loads(answer or b"null")
        small = found["thumbnail"]
        return Measured(found["width"], found["height"], tuple(small) if small else None)
    except (ValueError, TypeError, KeyError):
        return None


async def pixels(picture: Path, width: int, height: int) -> Pixels | None:
    """The picture made to fit ``width`` times ``height`` pixels, upright and on black."""
    return _pixels(await _ask("pixels", str(picture), str(width), str(height)))


async def face(picture: Path, side: int) -> Pixels | None:
    """The middle of the picture, ``side`` pixels square, upright and on black."""
    return _pixels(await _ask("face", str(picture), str(side)))


async def portrait(picture: Path, target: Path) -> str | None:
    """Write a smaller copy (0600), with nothing in it but what is to be seen; its media type."""
    mimetype = (await _ask("portrait", str(picture), str(target)) or b"").decode("ascii", "replace")
    return mimetype if mimetype in ("image/png", "image/jpeg") else None


def _pixels(answer: bytes | None) -> Pixels | None:
    header, _, rgb = (answer or b"").partition(b"\n")
    try:
        wide, high = map(int, header.split())
    except ValueError:
        return None
    fits = 0 < wide * high <= _MOST_CELLS and len(rgb) == wide * high * 3
    return Pixels(wide, high, rgb) if fits else None


async def _ask(*arguments: str) -> bytes | None:
    """What the worker says; ``None`` unless it ends well and in time."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        str(Path(__file__).with_name("worker.py")),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            answer, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return answer if process.returncode == 0 else None
