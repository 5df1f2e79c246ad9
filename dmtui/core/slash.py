"""What a line typed into the composer means: something to say, or a command."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dmtui.core.model import Kind

SHRUG = "¯\\_(ツ)_/¯"
SAYING: Mapping[str, str] = MappingProxyType(
    {
        "me": "Say what you do: /me waves",
        "notice": "Say it as a notice, which rings for nobody",
        "plain": "Say it as it is typed, without Markdown",
        "shrug": f"Say it with {SHRUG} behind",
    }
)
"""Commands that send what follows them, and what they do."""
_COMMAND = re.compile(r"/([a-z]+(?:-[a-z]+)*)(?:\s+(.*))?", re.DOTALL)
_ESCAPED = re.compile(r"/(/+[a-z]+(?:-[a-z]+)*(?:\s.*)?)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Said:
    """To be sent: ``plain`` without Markdown."""

    text: str
    kind: Kind = Kind.TEXT
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """To be done, not sent; ``rest`` is what follows the command's name."""

    name: str
    rest: str = ""


def meaning(text: str) -> Said | Order:
    """``/name rest`` is a command; ``//name`` says ``/name``, and ``/etc/fstab`` says itself.

    A command that sends something is an :class:`Order` where nothing follows it.
    """
    found = _COMMAND.fullmatch(text)
    if found is None:
        escaped = _ESCAPED.fullmatch(text)
        return Said(escaped.group(1) if escaped else text)
    name, rest = found.group(1), (found.group(2) or "").strip()
    match name:
        case "shrug":
            return Said(f"{rest} {SHRUG}".strip(), plain=True)
        case "me" if rest:
            return Said(rest, Kind.EMOTE)
        case "notice" if rest:
            return Said(rest, Kind.NOTICE)
        case "plain" if rest:
            return Said(rest, plain=True)
    return Order(name, rest)


def spoken(text: str) -> Said:
    """What a text says that is sent, which a command never is."""
    meant = meaning(text)
    return meant if isinstance(meant, Said) else Said(text)


def objection(order: Order, known: Collection[str]) -> str:
    """Why the command can't be given, in one line; empty where it can."""
    if order.name in SAYING:
        return f"/{order.name} says what follows it, and nothing does."
    if order.name not in known:
        return f"There is no command /{order.name}. With // in front it is sent as text."
    if order.rest:
        return f"/{order.name} takes nothing behind it. With // in front it is sent as text."
    return ""


def typed_as(text: str, kind: Kind) -> str:
    """What to type so that it means this."""
    if kind in (Kind.EMOTE, Kind.NOTICE):
        return f"/{'me' if kind is Kind.EMOTE else 'notice'} {text}"
    return text if meaning(text) == Said(text) else f"/{text}"
