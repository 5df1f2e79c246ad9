"""How a command ends: with lines on standard output, or with one line that says why not."""

from __future__ import annotations

import json
import sys

from dmtui.core.errors import DmtuiError
from dmtui.core.model import Json

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
    sys.stdout.write(f"{line}\n")


def say_json(value: Json) -> None:
    """One JSON value on standard output."""
    say(json.dumps(value, ensure_ascii=False))


def complain(line: str) -> None:
    """One line on standard error."""
    sys.stderr.write(f"dmtui: {' '.join(line.split())}\n")
