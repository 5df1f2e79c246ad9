"""Commands by the names that are typed after a slash, from the one registry."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from dmtui.core.slash import SAYING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dmtui.ui.commands import Command

_SHORT = MappingProxyType(
    {
        "chat.start": "chat",
        "chat.date": "date",
        "search.here": "find",
        "search.everywhere": "search",
        "people.ignored": "ignored",
        "picture.paste": "paste",
        "requests.open": "requests",
    }
)
_BY_LAST_PART = ("app", "person")


def slash_name(name: str) -> str:
    """What to type for the command with this id: ``person.mute`` is ``mute``."""
    section, _, rest = name.partition(".")
    short = rest if section in _BY_LAST_PART else name
    return _SHORT.get(name, short).replace(".", "-").replace("_", "-")


def slash_commands(commands: Iterable[Command]) -> Mapping[str, Command]:
    """Those that the palette offers; names that say something of their own are left out."""
    named = {slash_name(command.id): command for command in commands if command.offered}
    return {name: command for name, command in named.items() if name not in SAYING}
