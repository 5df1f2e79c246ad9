"""The first frame's text in cells and its colours as escape codes, without Rich."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from dmtui.core.faces import HUES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_Colour: TypeAlias = tuple[int, int, int]

_GROUNDS: Mapping[str, _Colour] = {
    "": (0x12, 0x12, 0x12),
    "cursor": (0x0D, 0x2B, 0x42),
    "surface": (0x1E, 0x1E, 0x1E),
    **{
        f"face {number}": (int(hue[1:3], 16), int(hue[3:5], 16), int(hue[5:7], 16))
        for number, hue in enumerate(HUES)
    },
}
_STYLES: Mapping[str, tuple[_Colour, str]] = {
    "name": ((0xE0, 0xE0, 0xE0), ""),
    "unread": ((0xE0, 0xE0, 0xE0), "1"),
    "dim": ((0xA0, 0xA0, 0xA0), ""),
    "lock": ((0x8A, 0xD4, 0xA1), ""),
    "draft": ((0xFF, 0xC4, 0x73), "3"),
    "badge": ((0x57, 0xA5, 0xE2), "1"),
    "pin": ((0xFF, 0xC4, 0x73), ""),
    "warning": ((0xFF, 0xC4, 0x73), "1"),
    "heading": ((0xA0, 0xA0, 0xA0), "1"),
    "requests": ((0xFF, 0xC4, 0x73), "1"),
    "border": ((0x30, 0x30, 0x30), ""),
    "notice": ((0xFF, 0xC4, 0x73), ""),
    "waiting": ((0xFF, 0xC4, 0x73), ""),
    "key": ((0xFF, 0xC4, 0x73), ""),
    "face": ((0xFF, 0xFF, 0xFF), "1"),
}
"""The default theme's, as Textual computes them."""


class Part(NamedTuple):
    """Text in a style, on a ground."""

    text: str
    style: str
    ground: str = ""

    def on(self, ground: str) -> Part:
        """The same on another ground; a face keeps its own."""
        return self if self.style == "face" else self._replace(ground=ground)


def printable(text: str) -> str:
    """Without what could steer a terminal, and without what has no width of its own for sure."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if c.isprintable() and c != "\ufe0f")


def width_of(text: str) -> int:
    """Cells that the text takes; near enough for what is painted over in a moment."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(c) in ("Mn", "Me") else 2 if east_asian_width(c) in "WF" else 1 for c in text
    )


def clipped(text: str, width: int) -> str:
    """The printable text, cut to ``width`` cells with "…" where something was cut."""
    text = printable(text)
    if width_of(text) <= width:
        return text
    while text and width_of(text) > width - 1:
        text = text[: max(0, min(len(text) - 1, width))]
    return f"{text}…" if width > 0 else ""


def padded(parts: Sequence[Part], width: int, ellipsis: bool = False) -> list[Part]:
    """The line in exactly ``width`` cells."""
    line: list[Part] = []
    left = width
    for part in parts:
        cells = width_of(part.text)
        if cells > left:
            text = clipped(part.text, left) if ellipsis else part.text[:left]
            part, cells = part._replace(text=text), left
        line.append(part)
        left -= cells
    return [*line, Part(" " * left, "dim")] if left else line


class Colours(NamedTuple):
    """How the terminal takes colours: 24 bits, 256 of them, or none where the user wants none."""

    depth: int

    def code(self, part: Part) -> str:
        """What precedes the text."""
        colour, weight = _STYLES[part.style]
        codes = ["0", weight] if weight else ["0"]
        if self.depth:
            codes += [self._code(38, colour), self._code(48, _GROUNDS[part.ground])]
        elif part.ground == "cursor":
            codes.append("7")
        return f"\x1b[{';'.join(codes)}m"

    def _code(self, layer: int, colour: _Colour) -> str:
        if self.depth == 24:
            return f"{layer};2;{colour[0]};{colour[1]};{colour[2]}"
        return f"{layer};5;{_of_256(colour)}"


def colours(environment: Mapping[str, str]) -> Colours | None:
    """``None`` for a terminal with fewer colours, which would not look like the app."""
    kind = environment.get("TERM", "")
    if kind in ("", "dumb", "unknown"):
        return None
    if "NO_COLOR" in environment:
        return Colours(0)
    if environment.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return Colours(24)
    return Colours(8) if kind.endswith("-256color") else None


def _of_256(colour: _Colour) -> int:
    """The nearest of the 6 × 6 × 6 colours and the greys, as Rich picks it."""
    low, high = min(colour) / 255, max(colour) / 255
    spread = high - low
    lightness = (high + low) / 2
    if not spread or spread / (high + low if lightness <= 0.5 else 2 - high - low) < 0.15:
        grey = round(lightness * 25)
        return 16 if grey == 0 else 231 if grey == 25 else 231 + grey
    red, green, blue = (c / 95 if c < 95 else 1 + (c - 95) / 40 for c in colour)
    return 16 + 36 * round(red) + 6 * round(green) + round(blue)


def escaped(lines: Iterable[Sequence[Part]], palette: Colours) -> str:
    """The whole screen from its upper left corner, painted at once where terminals can."""
    painted = [
        f"\x1b[{number};1H" + "".join(palette.code(part) + part.text for part in line)
        for number, line in enumerate(lines, 1)
    ]
    return f"\x1b[?2026h{''.join(painted)}\x1b[0m\x1b[?2026l"
