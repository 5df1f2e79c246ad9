"""The process that decodes one picture.

``measure FILE THUMBNAIL``, ``pixels FILE WIDTH HEIGHT``, ``face FILE SIDE`` or ``portrait FILE
TARGET``. Run as a script by :mod:`dmtui.pictures.sandbox`; it bounds itself before it looks at the
file.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import warnings
from typing import BinaryIO

from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
MOST_PIXELS = 60_000_000
LARGEST_FILE = 200 * 1024 * 1024
THUMBNAIL = (800, 600)
PORTRAIT = (512, 512)
WORTH_A_THUMBNAIL = 100_000
"""Bytes: what is smaller is its own thumbnail."""

_MEMORY = 1024 * 1024 * 1024
_SECONDS = 15
_LARGEST_OUTPUT = 4 * 1024 * 1024


def bound() -> None:
    """Little memory, little time, small files, and no other process."""
    limits = (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, _SECONDS),
        (resource.RLIMIT_FSIZE, _LARGEST_OUTPUT),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, limit in limits:
        with contextlib.suppress(ValueError):  # macOS has no bound on memory
            resource.setrlimit(kind, (limit, limit))
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def opened(path: str) -> Image.Image:
    """The picture, of a known format and of a bearable size; not decoded yet."""
    if os.stat(path).st_size > LARGEST_FILE:  # noqa: PTH116 - Path is slow to import
        raise ValueError("too large")
    picture = Image.open(path, formats=FORMATS)
    if picture.width * picture.height > MOST_PIXELS:
        raise ValueError("too many pixels")
    return picture


def small(path: str, size: tuple[int, int]) -> Image.Image:
    """Upright, opaque, and no larger than the size."""
    picture = upright(path, size)
    ground = Image.new("RGBA", picture.size, (0, 0, 0, 255))
    ground.alpha_composite(picture)
    found = ground.convert("RGB")
    found.thumbnail(size)
    return found


def upright(path: str, size: tuple[int, int]) -> Image.Image:
    """The picture with its transparency, decoded no larger than that size needs."""
    picture = opened(path)
    picture.draft("RGB", (size[0] * 2, size[1] * 2))
    return ImageOps.exif_transpose(picture).convert("RGBA")


def measure(path: str, thumbnail: str) -> None:
    """Say how large the picture is; write a thumbnail if it is worth one."""
    with opened(path) as picture:
        turned = picture.getexif().get(0x0112) in (5, 6, 7, 8)
        width, height = picture.size
    if turned:
        width, height = height, width
    made: tuple[int, int, int] | None = None
    if os.stat(path).st_size > WORTH_A_THUMBNAIL:  # noqa: PTH116
        found = small(path, THUMBNAIL)
        with _new(thumbnail) as file:
            found.save(file, "JPEG", quality=80)
        made = (*found.size, os.stat(thumbnail).st_size)  # noqa: PTH116
    print(json.dumps({"width": width, "height": height, "thumbnail": made}))  # noqa: T201


def _new(path: str) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def pixels(path: str, width: int, height: int) -> None:
    """Say what the picture looks like when it is small."""
    _say(small(path, (width, height)))


def face(path: str, side: int) -> None:
    """Say what the middle of the picture looks like, as a small square."""
    _say(ImageOps.fit(small(path, (4 * side, 4 * side)), (side, side)))


def _say(found: Image.Image) -> None:
    sys.stdout.buffer.write(f"{found.width} {found.height}\n".encode() + found.tobytes())


def portrait(path: str, target: str) -> None:
    """Write what is to be seen and nothing else: no place, no date, no camera."""
    picture = upright(path, PORTRAIT)
    picture.thumbnail(PORTRAIT)
    clear = any(picture.getchannel("A").histogram()[:255])
    found = Image.new("RGBA" if clear else "RGB", picture.size)
    found.paste(picture)
    with _new(target) as file:
        if clear:
            found.save(file, "PNG")
        else:
            found.save(file, "JPEG", quality=90)
        file.flush()
        os.fsync(file.fileno())
    print("image/png" if clear else "image/jpeg", end="")  # noqa: T201


def main(arguments: list[str]) -> None:
    bound()
    match arguments:
        case ["measure", path, thumbnail]:
            measure(path, thumbnail)
        case ["pixels", path, width, height]:
            pixels(path, int(width), int(height))
        case ["face", path, side]:
            face(path, int(side))
        case ["portrait", path, target]:
            portrait(path, target)
        case _:
            raise SystemExit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
