"""Emoji by their names, from the Unicode character database as the ``emoji`` package has it."""

from __future__ import annotations

from functools import cache


@cache
def _table() -> tuple[tuple[str, str], ...]:
    """Every emoji with its names in words, without the skin tones, in the order of their names.

    Takes longer than a frame the first time.
    """
    from emoji import EMOJI_DATA, STATUS

    return tuple(
        sorted(
            (
                (emoji, _words([data["en"], *data.get("alias", ())]))
                for emoji, data in EMOJI_DATA.items()
                if data["status"] == STATUS["fully_qualified"] and "skin_tone" not in data["en"]
            ),
            key=lambda found: found[1],
        )
    )


def _words(codes: list[str]) -> str:
    return ", ".join(dict.fromkeys(code.strip(":").replace("_", " ") for code in codes))


def find(term: str, limit: int) -> list[tuple[str, str]]:
    """Emoji whose names have every word of the term, those that begin with it first."""
    term = term.strip(": ").replace("_", " ").casefold()
    words = term.split()
    found = [
        (emoji, names)
        for emoji, names in _table()
        if all(word in names.casefold() for word in words) or emoji == term
    ]
    found.sort(key=lambda each: _rank(each[1].casefold(), term))
    return found[:limit]


def _rank(names: str, term: str) -> tuple[int, int]:
    """What is named just so, what begins so, the shortest name first, then all others."""
    each = names.split(", ")
    if term in each:
        return 0, 0
    begun = [len(name) for name in each if name.startswith(term)]
    return (1, min(begun)) if begun else (2, 0)
