"""Pictures are decoded in a process of their own, within bounds of time, memory and disk.

Whatever is wrong with a picture costs nothing but the answer ``None``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from dmtui.core.images import Canvas, Drawing, Drawn
from dmtui.core.model import Pixels

PATIENCE = 20.0
"""Seconds for one picture."""

MOST_DRAWN = (1600, 1200)
"""Pixels: more would be slow on its way to the terminal."""

_MOST_CELLS = 1000 * 1000
_MOST_BYTES = 32 * 1024 * 1024
_SIXELS = re.compile(rb"\x1bP[0-9;]*q[ -~]*\x1b\\")
_UNREADABLE = "The picture in the clipboard can't be read."
_NOT_GRABBED = {
    b'"none"': "There is no picture in the clipboard.",
    b'"no tool"': "The clipboard can't be read here: install wl-clipboard or xclip.",
    b'"refused"': "The clipboard can't be reached from this terminal.",
}


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


async def drawn(picture: Path, canvas: Canvas) -> Drawn | None:
    """The picture as the terminal draws it, no larger than the canvas."""
    form = "sixel" if canvas.drawing is Drawing.SIXEL else "png"
    size = min(canvas.width, MOST_DRAWN[0]), min(canvas.height, MOST_DRAWN[1])
    answer = await _ask(form, str(picture), *map(str, size))
    header, _, content = (answer or b"").partition(b"\n")
    try:
        wide, high = map(int, header.split())
    except ValueError:
        return None
    if not (0 < wide <= size[0] and 0 < high <= size[1] and content):
        return None
    if canvas.drawing is Drawing.SIXEL and not await asyncio.to_thread(_SIXELS.fullmatch, content):
        return None
    return Drawn(canvas.drawing, wide, high, content)


async def grabbed(target: Path) -> str:
    """Why there is no picture of the clipboard in this file (0600) now; empty if there is one."""
    answer = (await _ask("grab", str(target)) or b"").strip()
    return "" if answer == b'"taken"' else _NOT_GRABBED.get(answer, _UNREADABLE)


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
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        async with asyncio.timeout(PATIENCE):
            answer = await _all_of(process.stdout)
            await process.wait()
    except (TimeoutError, _TooMuch):
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return answer if process.returncode == 0 else None


class _TooMuch(Exception):
    """No picture takes so much."""


async def _all_of(stream: asyncio.StreamReader) -> bytes:
    found = bytearray()
    while chunk := await stream.read(256 * 1024):
        found += chunk
        if len(found) > _MOST_BYTES:
            raise _TooMuch
    return bytes(found)
