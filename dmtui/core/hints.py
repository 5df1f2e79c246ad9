"""The line of hints: which keys stay where there is no room for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = "   "
_NARROW_GAP = "  "
_FIRST_TO_GO = ("person.go", "composer.newline")
_LAST_TO_GO = ("app.help", "app.quit", "people.toggle")


class Hint(NamedTuple):
    """What the key of the command with this id does, in a word or two."""

    name: str
    key: str
    title: str


def fitting(hints: Sequence[Hint], width: int) -> Sequence[Hint]:
    """Those that fit into ``width`` cells, in their order; what matters most goes last."""
    kept = list(hints)
    ordinary = [h.name for h in reversed(kept) if h.name not in (*_FIRST_TO_GO, *_LAST_TO_GO)]
    for name in (*_FIRST_TO_GO, *ordinary, *_LAST_TO_GO):
        if len(GAP.join(f"{hint.key} {hint.title}" for hint in kept)) <= width:
            break
        kept = [hint for hint in kept if hint.name != name]
    return kept


def in_rows(hints: Sequence[Hint], width: int) -> Sequence[str]:
    """All of them, in as few rows of ``width`` cells as their order allows."""
    rows: list[str] = []
    for hint in hints:
        words = f"{hint.key} {hint.title}"
        if rows and len(rows[-1]) + len(_NARROW_GAP) + len(words) <= width:
            rows[-1] += _NARROW_GAP + words
        else:
            rows.append(words)
    return rows
