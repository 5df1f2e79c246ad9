"""How a command ends: with lines on standard output, or with one line that says why not."""

from __future__ import annotations

import json
import re
import sys

from dmtui.core.errors import DmtuiError
from dmtui.core.model import Json

_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

DONE = 0
FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130


class Failure(DmtuiError):
    """The command could not do what it was asked; the message is the line to show."""


class WrongUsage(DmtuiError):
    """What was typed can't be meant."""


def say(line: str) -> None:
    """One line on standard output."""
    sys.stdout.write(f"{_inert(line)}\n")


def say_json(value: Json) -> None:
    """One JSON value on standard output."""
    text = json.dumps(value, ensure_ascii=False)
    say(_STEERING.sub(lambda found: f"\\u{ord(found.group()):04x}", text))


def tell(line: str) -> None:
    """A line for who sits there, on standard error."""
    sys.stderr.write(f"{_inert(line)}\n")


def complain(line: str) -> None:
    """One line on standard error."""
    tell(f"dmtui: {' '.join(line.split())}")


def _inert(line: str) -> str:
    """Whatever a homeserver has put into it, the terminal obeys none of it."""
    return _STEERING.sub("\ufffd", line)
