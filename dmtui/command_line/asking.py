"""What is typed and must not be seen: without echo, or from standard input."""

from __future__ import annotations

import getpass
import sys

from dmtui.command_line.answers import WrongUsage


def secret(prompt: str) -> str:
    """A line without echo on a terminal, else the next line of standard input."""
    if sys.stdin.isatty():
        typed = getpass.getpass(prompt)
    else:
        typed = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    if not typed:
        raise WrongUsage(f"Nothing was given for: {prompt.rstrip(': ').lower()}.")
    return typed


def new_secret(prompt: str) -> str:
    """As :func:`secret`; on a terminal it is typed twice."""
    passphrase = secret(prompt)
    if sys.stdin.isatty() and getpass.getpass("Once more: ") != passphrase:
        raise WrongUsage("These are two different passphrases.")
    return passphrase
