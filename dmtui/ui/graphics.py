"""Images as the terminal's own graphics: which it knows, and what draws one on its screen.

The terminal is never asked: an answer that comes late would be typed into the composer.
kitty: https://sw.kovidgoyal.net/kitty/graphics-protocol/; sixels: DEC VT340.
"""

from __future__ import annotations

import fcntl
import secrets
import struct
import sys
import termios
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from dmtui.core.images import Drawing, Drawn

_ESC = "\x1b"
_CHUNK = 4096
_KONSOLE_WITH_SIXEL = 220400

_BY_TERM = {
    "xterm-kitty": Drawing.KITTY,
    "xterm-ghostty": Drawing.KITTY,
    "foot": Drawing.SIXEL,
    "foot-extra": Drawing.SIXEL,
    "wezterm": Drawing.SIXEL,
    "mlterm": Drawing.SIXEL,
    "contour": Drawing.SIXEL,
}
_BY_PROGRAM = {
    "ghostty": Drawing.KITTY,
    "WezTerm": Drawing.SIXEL,
    "iTerm.app": Drawing.SIXEL,
}


def drawn_with(environment: Mapping[str, str], wish: Drawing) -> Drawing:
    """What the user wants, else what the environment variables say that the terminal draws.

    Behind tmux and screen that is blocks, which they understand.
    """
    if wish is not Drawing.AUTO:
        return wish
    if environment.get("TMUX") or environment.get("STY"):
        return Drawing.BLOCKS
    program = environment.get("TERM_PROGRAM", "")
    if environment.get("LC_TERMINAL") == "iTerm2":  # what iTerm2 hands on through SSH
        program = "iTerm.app"
    if found := _BY_TERM.get(environment.get("TERM", "")) or _BY_PROGRAM.get(program):
        return found
    konsole = environment.get("KONSOLE_VERSION", "")
    if konsole.isdecimal() and int(konsole) >= _KONSOLE_WITH_SIXEL:
        return Drawing.SIXEL
    return Drawing.BLOCKS


def cell_size() -> tuple[int, int] | None:
    """Width and height of a cell in pixels, where the terminal has told the system."""
    try:
        size = fcntl.ioctl(sys.__stderr__ or 2, termios.TIOCGWINSZ, bytes(8))
    except (OSError, ValueError):
        return None
    rows, columns, width, height = struct.unpack("HHHH", size)
    if not (rows and columns and width // columns and height // rows):
        return None
    return width // columns, height // rows


@dataclass(frozen=True, slots=True)
class Graphic:
    """An image that the terminal draws: so many cells, and what to write for it.

    ``hand_over`` comes first and once, ``paint`` draws at the cursor, ``erase`` takes it off the
    screen and ``forget`` out of the terminal.
    """

    columns: int
    rows: int
    hand_over: str
    paint: str
    erase: str
    forget: str

    @classmethod
    def of(cls, drawn: Drawn, cell: tuple[int, int]) -> Graphic:
        """``cell`` is the size of one in pixels."""
        columns, rows = -(-drawn.width // cell[0]), -(-drawn.height // cell[1])
        if drawn.drawing is Drawing.SIXEL:
            return cls(columns, rows, "", drawn.content.decode("ascii"), "", "")
        name = secrets.randbelow(2**31 - 1) + 1
        return cls(
            columns,
            rows,
            _handed_over(drawn.content, name),
            _command(f"a=p,i={name},p=1,C=1,q=2"),
            _command(f"a=d,d=i,i={name},q=2"),
            _command(f"a=d,d=I,i={name},q=2"),
        )

    def at(self, x: int, y: int) -> str:
        """Draw it with its upper left corner in this cell of the screen; the cursor stays."""
        return f"{_ESC}7{_ESC}[{y + 1};{x + 1}H{self.paint}{_ESC}8"


def _handed_over(png: bytes, name: int) -> str:
    data = b64encode(png).decode("ascii")
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    first, *others = chunks
    more = len(others)
    commands = [_command(f"a=t,f=100,i={name},q=2,m={int(more > 0)};{first}")]
    for number, chunk in enumerate(others, start=1):
        commands.append(_command(f"m={int(number < more)};{chunk}"))
    return "".join(commands)


def _command(text: str) -> str:
    return f"{_ESC}_G{text}{_ESC}\\"
