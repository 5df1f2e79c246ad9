"""What a terminal showed, frame by frame, as an animated SVG in which every line is drawn once.

The frames stand below one another and are pulled past a window. Whoever wants no motion, and
whatever knows no animations, gets one of the frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from rich.cells import cell_len
from rich.color import blend_rgb

if TYPE_CHECKING:
    from rich.color_triplet import ColorTriplet
    from rich.segment import Segment
    from rich.style import Style
    from textual.strip import Strip

CELL, LINE, BASE = 10.2, 20, 15.5  # pixels: width, height, and where the letters stand
PADDING, TITLE, CAPTION = 10, 34, 44
PAPER, WINDOW, KEY = "#121212", "#1e1e1e", "#0178d4"
_STYLE = (
    "text{font:17px 'Fira Code','DejaVu Sans Mono',Menlo,Consolas,monospace;white-space:pre}"
    ".b{font-weight:bold}.i{font-style:italic}.u{text-decoration:underline}"
    ".s{text-decoration:line-through}.t{font-family:sans-serif;fill:#e0e0e0}"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """The lines of the terminal for ``seconds``; ``keys`` are being pressed, and do ``what``."""

    lines: tuple[Strip, ...]
    seconds: float
    keys: str = ""
    what: str = ""

    def looks_like(self, other: Frame) -> bool:
        """Whether only the time is different."""
        return (self.lines, self.keys, self.what) == (other.lines, other.keys, other.what)


class _Drawn:
    """Pieces of SVG, each of which gets a name when it is drawn first."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def use(self, drawing: str, top: float) -> str:
        """A reference to the drawing, ``top`` pixels below; empty for an empty one."""
        if not drawing:
            return ""
        name = self._names.setdefault(drawing, f"d{len(self._names)}")
        return f'<use href="#{name}" y="{top:g}"/>'

    def definitions(self) -> str:
        return "\n".join(f'<g id="{name}">{each}</g>' for each, name in self._names.items())


def film(frames: Sequence[Frame], title: str, still: int = -1) -> str:
    """The SVG; ``still`` is the frame for those without motion. Raises ValueError without any."""
    if not frames:
        raise ValueError("a film has at least one frame")
    columns = max(line.cell_length for frame in frames for line in frame.lines)
    rows = max(len(frame.lines) for frame in frames)
    width, height = columns * CELL + 2 * PADDING, TITLE + rows * LINE + CAPTION
    drawn = _Drawn()
    step = rows * LINE + CAPTION
    shown = "\n".join(
        f'<g transform="translate(0 {number * step})">{_frame(frame, rows, columns, drawn)}</g>'
        for number, frame in enumerate(frames)
    )
    still = range(len(frames))[still]
    return f"""<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" \
viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}">
<title>{escape(title)}</title>
<style>{_STYLE}
{_motion(frames, step)}</style>
<defs>
{drawn.definitions()}
</defs>
<rect width="{width:g}" height="{height:g}" rx="8" fill="{WINDOW}"/>
<circle cx="20" cy="17" r="6" fill="#ff5f57"/><circle cx="40" cy="17" r="6" fill="#febc2e"/>\
<circle cx="60" cy="17" r="6" fill="#28c840"/>
<text class="t" x="{width / 2:g}" y="22" text-anchor="middle">{escape(title)}</text>
<svg x="{PADDING}" y="{TITLE}" width="{columns * CELL:g}" height="{step}">
<g class="film" transform="translate(0 {-still * step})">
{shown}
</g></svg>
</svg>
"""


def _motion(frames: Sequence[Frame], step: int) -> str:
    """The frames jump into sight one after the other, over and over."""
    length = sum(frame.seconds for frame in frames)
    passed, stops = 0.0, []
    for number, frame in enumerate(frames):
        stops.append(f"{passed / length:.3%}{{transform:translate(0,-{number * step}px)}}")
        passed += frame.seconds
    return (
        f".film{{animation:film {length:.2f}s step-end infinite}}\n"
        f"@keyframes film{{{''.join(stops)}}}\n"
        "@media(prefers-reduced-motion:reduce){.film{animation:none}}"
    )


def _frame(frame: Frame, rows: int, columns: int, drawn: _Drawn) -> str:
    paper = f'<rect width="{columns * CELL:g}" height="{rows * LINE}" fill="{PAPER}"/>'
    lines = (drawn.use(_line(line), row * LINE) for row, line in enumerate(frame.lines))
    caption = drawn.use(_caption(frame.keys, frame.what), rows * LINE)
    return f"{drawn.use(paper, 0)}{''.join(lines)}{caption}"


def _caption(keys: str, what: str) -> str:
    """A key cap, and what pressing it does."""
    if not keys:
        return ""
    cap = cell_len(keys) * CELL + 16
    return (
        f'<rect x="4" y="9" width="{cap:g}" height="26" rx="5" fill="{KEY}"/>'
        f'<text x="12" y="27" fill="#fff" class="b">{escape(keys)}</text>'
        f'<text x="{cap + 16:g}" y="27" class="t">{escape(what)}</text>'
    )


def _line(line: Strip) -> str:
    """What is painted behind the text, then the text; lines of boxes are stretched, not spaced."""
    behind, text, column = [], [], 0
    for segment in line.simplify():
        cells = cell_len(segment.text)
        colour, paper = _colours(segment.style)
        left, width = f"{column * CELL:g}", f"{cells * CELL:g}"
        if paper != PAPER and cells:
            behind.append(f'<rect x="{left}" width="{width}" height="{LINE}" fill="{paper}"/>')
        if segment.text.strip():
            whole = "" if segment.text.isascii() else ' lengthAdjust="spacingAndGlyphs"'
            text.append(
                f'<text x="{left}" y="{BASE}" textLength="{width}"{whole} fill="{colour}"'
                f"{_class(segment)}>{escape(segment.text)}</text>"
            )
        column += cells
    return "".join(behind + text)


def _class(segment: Segment) -> str:
    style = segment.style
    if style is None:
        return ""
    looks = {"b": style.bold, "i": style.italic, "u": style.underline, "s": style.strike}
    names = " ".join(name for name, present in looks.items() if present)
    return f' class="{names}"' if names else ""


def _colours(style: Style | None) -> tuple[str, str]:
    """Of the letters and of the paper."""
    if style is None:
        return "#e0e0e0", PAPER
    paper = style.bgcolor.get_truecolor(foreground=False) if style.bgcolor else None
    colour = style.color.get_truecolor() if style.color else None
    if style.dim and colour and paper:
        colour = blend_rgb(colour, paper, 0.5)
    shown = _hex(colour, "#e0e0e0"), _hex(paper, PAPER)
    return shown[::-1] if style.reverse else shown


def _hex(colour: ColorTriplet | None, default: str) -> str:
    return colour.hex if colour else default
