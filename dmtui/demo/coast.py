"""A picture that somebody has taken from a train: the sea at sunset."""

from __future__ import annotations

import io
import math

from PIL import Image, ImageDraw, ImageFilter

SIZE = (960, 640)

_HORIZON = 360
_SUN = (700, 290, 56)
_SKY = ((38, 52, 104), (126, 86, 132), (238, 138, 98), (255, 205, 132))
_SEA = ((214, 126, 102), (70, 68, 112), (22, 30, 62))
_LAND = (24, 26, 44)


def coast() -> bytes:
    """The picture, as JPEG."""
    picture = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(picture)
    width, height = SIZE
    for y in range(height):
        sky = y < _HORIZON
        part = y / _HORIZON if sky else (y - _HORIZON) / (height - _HORIZON)
        draw.line([(0, y), (width, y)], _between(_SKY if sky else _SEA, part))
    _draw_sun(draw)
    draw.polygon(_hill(-160, 480, 120), (96, 72, 110))
    draw.polygon(_hill(220, 560, 50), (62, 54, 92))
    picture = picture.filter(ImageFilter.GaussianBlur(1.5))
    shore = [(0, height), (0, 520), (170, 506), (330, 560), (520, 596), (700, height)]
    ImageDraw.Draw(picture).polygon(shore, _LAND)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=85)
    return content.getvalue()


def _draw_sun(draw: ImageDraw.ImageDraw) -> None:
    """And its path of light on the water."""
    x, y, radius = _SUN
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), (255, 238, 190))
    for depth in range(4, 200, 9):
        half = 26 + depth * 0.35 + 14 * math.sin(depth)
        line = (x - half, _HORIZON + depth, x + half, _HORIZON + depth + 4)
        draw.rectangle(line, (255, 206 - depth // 3, 140 - depth // 4))


def _hill(left: int, right: int, rise: int) -> list[tuple[float, float]]:
    """It stands on the horizon, from one end to the other."""
    crest: list[tuple[float, float]] = []
    for x in range(left, right + 1, 4):
        slope = math.sin(math.pi * (x - left) / (right - left)) ** 1.5
        crest.append((x, _HORIZON - rise * (slope + 0.1 * math.sin(x / 23))))
    return [(left, _HORIZON), *crest, (right, _HORIZON)]


def _between(colours: tuple[tuple[int, int, int], ...], part: float) -> tuple[int, int, int]:
    """The colour that far down a row of them."""
    place = part * (len(colours) - 1)
    index = min(int(place), len(colours) - 2)
    rest = place - index
    red, green, blue = (
        round(one + (other - one) * rest)
        for one, other in zip(colours[index], colours[index + 1], strict=True)
    )
    return red, green, blue
