"""What is being typed that can be completed: an emoji's name, a person, a command."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Sign(StrEnum):
    """What begins it."""

    EMOJI = ":"
    PERSON = "@"
    COMMAND = "/"


@dataclass(frozen=True, slots=True)
class Word:
    """What stands before the cursor: from column ``start`` on the sign, then ``term``."""

    sign: Sign
    start: int
    term: str


@dataclass(frozen=True, slots=True)
class Offer:
    """``text`` takes the word's place; ``shown`` and ``detail`` tell what it is."""

    text: str
    shown: str
    detail: str = ""


_COMMAND = re.compile(r"/([a-z-]*)$")
_PERSON = re.compile(r"(?<![\w/@:.])@([^\s@]*)$")
_EMOJI = re.compile(r"(?<![\w:/]):([A-Za-z0-9+_-]{2,})$")


def word_before(line: str, *, first: bool) -> Word | None:
    """What ends the line, which goes to the cursor; only the ``first`` line has commands."""
    if first and (found := _COMMAND.match(line)):
        return Word(Sign.COMMAND, 0, found.group(1))
    for sign, pattern in ((Sign.PERSON, _PERSON), (Sign.EMOJI, _EMOJI)):
        if found := pattern.search(line):
            return Word(sign, found.start(), found.group(1))
    return None
