"""The process that decodes one picture, from a file or from the clipboard.

``measure FILE THUMBNAIL``, ``pixels``, ``png`` or ``sixel`` ``FILE WIDTH HEIGHT``, ``face FILE
SIDE``, ``portrait FILE TARGET``, ``grab FILE``. Run as a script by :mod:`dmtui.pictures.sandbox`;
it bounds itself before it looks at the file.
"""

from __future__ import annotations

import contextlib
import io
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

_REDUCIBLE = ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr")
_MEMORY = 1024 * 1024 * 1024
_SECONDS = 15
_LARGEST_OUTPUT = 4 * 1024 * 1024
_LARGEST_GRAB = 100 * 1024 * 1024


def bound(largest: int = _LARGEST_OUTPUT) -> None:
    """Little memory, little time, and files of no more than ``largest`` bytes."""
    limits = (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, _SECONDS),
        (resource.RLIMIT_FSIZE, largest),
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
    if picture.mode not in _REDUCIBLE:
        picture = picture.convert("RGBA")
    scale = max(picture.width / size[0], picture.height / size[1])
    picture = picture.reduce(max(1, int(scale / 4)))  # what follows takes memory for each pixel
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


def png(path: str, width: int, height: int) -> None:
    """Give it as large as it fits into so many pixels."""
    found = small(path, (width, height))
    content = io.BytesIO()
    found.save(content, "PNG", compress_level=3)
    sys.stdout.buffer.write(f"{found.width} {found.height}\n".encode() + content.getvalue())


def sixel(path: str, width: int, height: int) -> None:
    """Give it as sixels (DEC VT340)."""
    # what the library has besides asks the terminal when it is imported, and encodes while painting
    from textual_image._sixel import SixelOptions, image_to_sixels

    found = small(path, (width, height))
    options = SixelOptions(quantize="adaptive")  # the usual way leaves bands in a sky
    text = f"{found.width} {found.height}\n{image_to_sixels(found, options)}"
    sys.stdout.buffer.write(text.encode())


def grab(path: str) -> None:
    """Write the picture that is in the clipboard to a new file; say what became of it."""
    from PIL import ImageGrab

    answer = "none"
    try:
        found = ImageGrab.grabclipboard()
    except NotImplementedError:
        answer = "no tool"
    except ChildProcessError:
        answer = "refused"
    else:
        if isinstance(found, Image.Image):
            with _new(path) as file:
                found.save(file, "PNG")
            answer = "taken"
    print(json.dumps(answer))  # noqa: T201


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
    bound(_LARGEST_GRAB if arguments[:1] == ["grab"] else _LARGEST_OUTPUT)
    match arguments:
        case ["measure", path, thumbnail]:
            measure(path, thumbnail)
        case ["pixels", path, width, height]:
            pixels(path, int(width), int(height))
        case ["png", path, width, height]:
            png(path, int(width), int(height))
        case ["sixel", path, width, height]:
            sixel(path, int(width), int(height))
        case ["grab", path]:
            grab(path)
        case ["face", path, side]:
            face(path, int(side))
        case ["portrait", path, target]:
            portrait(path, target)
        case _:
            raise SystemExit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
