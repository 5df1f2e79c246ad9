"""The text colours of a theme, made to be read on what is behind them.

Textual's themes leave some at 1.5 to 1; WCAG 2.2 (1.4.3) asks for 4.5 to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.color import BLACK, WHITE, Color, ColorParseError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEAST = 4.5
COLOURS = ("primary", "secondary", "accent", "warning", "error", "success")
"""Of each there is a ``text-`` variable."""
CURSOR = 0.25
"""How much of the primary colour is in the ground of a cursor, at most."""
_STEPS = 20
_MUTED = range(60, 101, 5)  # per cent, from what Textual has


def readable(variables: Mapping[str, str]) -> dict[str, str]:
    """What to change in the variables of a theme; nothing where the terminal has the colours."""
    try:
        behind = grounds(variables)
        texts = {f"text-{name}": Color.parse(variables[f"text-{name}"]) for name in COLOURS}
    except ColorParseError:
        return {}
    if any(colour.ansi is not None for colour in (*behind, *texts.values())):
        return {}
    end = BLACK if behind[0].brightness > 0.5 else WHITE
    changed = {name: _moved(colour, end, behind).hex for name, colour in texts.items()}
    return {**changed, "text-muted": f"auto {_muted(end, behind)}%"}


def grounds(variables: Mapping[str, str]) -> tuple[Color, ...]:
    """What text stands on: the screen, dialogs, and the cursor on either."""
    primary = Color.parse(variables["primary"])
    plain = tuple(Color.parse(variables[name]) for name in ("background", "surface"))
    return (*plain, *(ground.blend(primary, CURSOR) for ground in plain))


def contrast(text: Color, ground: Color) -> float:
    """From 1, the same, to 21, black on white (WCAG 2.2, "contrast ratio")."""
    one, other = sorted((_luminance(text), _luminance(ground)))
    return (other + 0.05) / (one + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _is_read(text: Color, behind: Sequence[Color]) -> bool:
    return all(contrast(text, ground) >= LEAST for ground in behind)


def _moved(colour: Color, end: Color, behind: Sequence[Color]) -> Color:
    """As little nearer to black or white as does."""
    steps = (colour.blend(end, step / _STEPS) for step in range(_STEPS))
    return next((step for step in steps if _is_read(step, behind)), end)


def _muted(end: Color, behind: Sequence[Color]) -> int:
    """Per cent of black or white in it; a cursor does not change the text that it comes upon."""
    texts = ((share, [ground.blend(end, share / 100) for ground in behind]) for share in _MUTED)
    read = (share for share, muted in texts if all(_is_read(text, behind) for text in muted))
    return next(read, _MUTED[-1])
