"""Faces of people where there is no picture: initials, and a hue that stays theirs."""

from __future__ import annotations

import unicodedata
import zlib
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dmtui.core.model import UserId

HUES = ("#b3384a", "#a85a16", "#77701c", "#2f7d46", "#1b7878", "#2f6db5", "#7a55c0", "#a8428f")
"""Grounds on which white is read well, and which stand out from dark and from light themes."""

INITIALS_CELLS = 2
"""Cells that initials take at most: two narrow characters, or a wide one."""

FACES_FROM = 30
"""Cells of a people list that has room for them."""

_WIDE = "WF"
_RIGHT_TO_LEFT = ("R", "AL")
_SELECTORS = "\ufe0e\ufe0f"
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)


def hue(user_id: UserId) -> int:
    """Which of the :data:`HUES` is the person's, on every device and for good."""
    return zlib.crc32(user_id.encode("utf-8", "replace")) % len(HUES)


def initials(name: str, user_id: UserId) -> str:
    """The first letters of the first word and of the last; of one word its first two.

    Never more than :data:`INITIALS_CELLS`: just one where it is wide, as in Chinese or for an
    emoji, where the script runs from right to left, as terminals differ in the order, and of one
    word where vowels hang on letters. Of an emoji that is joined of several it is the first, as
    terminals differ in the width. A user ID that a name carries to be told apart does not count.
    """
    name = name.removesuffix(f" ({user_id})").strip() or user_id
    words = [word for word in (_from_letter(word) for word in name.split()) if word]
    if not words:
        return next(_characters(name.removeprefix("@")), "?")
    first = _capital(next(_characters(words[0])))
    if len(words) > 1:
        second = _capital(next(_characters(words[-1])))
    else:
        second = next(islice(_characters(words[0]), 1, None), "")
        second = second if second.upper() != second.lower() or second.isdigit() else ""
    alone = not second or _stands_alone(first) or _stands_alone(second)
    return first if alone else first + second


def _from_letter(word: str) -> str:
    """The word without what precedes its first letter or digit; empty where it has none."""
    return next((word[at:] for at, char in enumerate(word) if char.isalnum()), "")


def _capital(character: str) -> str:
    capital = character.upper()
    return capital if len(capital) == len(character) else character


def _stands_alone(character: str) -> bool:
    return (
        unicodedata.east_asian_width(character[0]) in _WIDE
        or unicodedata.bidirectional(character[0]) in _RIGHT_TO_LEFT
    )


def _characters(text: str) -> Iterator[str]:
    """What a reader takes for a character each: letters with marks, emoji, flags."""
    at = 0
    while at < len(text):
        end = at + 1
        if ord(text[at]) in _FLAG_LETTERS and ord(text[end : end + 1] or " ") in _FLAG_LETTERS:
            end += 1
        while end < len(text) and unicodedata.category(text[end]) in ("Mn", "Me"):
            end += 1
        yield "".join(c for c in text[at:end] if c not in _SELECTORS and not _joins(c))
        at = end


def _joins(character: str) -> bool:
    """A virama, which ties a letter to the next one, that is left out here."""
    return unicodedata.combining(character) == 9
