"""The keys that a user has chosen, checked: every command can be told by its keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dmtui.core.keys import keys_of, types_text
from dmtui.core.names import clean_line
from dmtui.core.settings import KEYS, WrongSetting


@dataclass(frozen=True, slots=True)
class Keyed:
    """A command and its usual keys, a comma-separated list.

    No two commands of one ``scope`` can have the same key; one with ``priority`` has its keys for
    itself, and works while typing. ``fixed`` says that its keys can't be others.
    """

    name: str
    scope: str
    keys: str
    priority: bool = False
    fixed: bool = False


class KeyTaken(WrongSetting):
    """``key`` is the ``owner``'s already."""

    def __init__(self, name: str, key: str, owner: str):
        super().__init__(name, f"can't be {key}: that is the key of {owner}")
        self.key = key
        self.owner = owner


class KeyTypes(WrongSetting):
    """``key`` writes a character, and the command works everywhere."""

    def __init__(self, name: str, key: str):
        super().__init__(name, f"can't be {key}: it works everywhere, and nobody could type that")
        self.key = key


def keymap(
    chosen: Mapping[str, str], commands: Sequence[Keyed], profile: Mapping[str, str]
) -> Mapping[str, str]:
    """What was ``chosen``, in the words that commands have for keys; raises ``WrongSetting``.

    What is not chosen is as the profile has it.
    """
    commands = [replace(c, keys=profile.get(c.name, c.keys)) for c in commands]
    known = {command.name: command for command in commands}
    keys: dict[str, tuple[str, ...]] = {}
    for name, written in chosen.items():
        command = known.get(name)
        if command is None:
            raise WrongSetting(f"{KEYS}.{name}", "is no command; F1 lists them")
        if command.fixed:
            raise WrongSetting(f"{KEYS}.{name}", "can't have other keys")
        try:
            keys[name] = keys_of(written)
        except ValueError as error:
            raise WrongSetting(f"{KEYS}.{name}", f"has no key called {_quoted(error)}") from None
        if command.priority and (typing := next(filter(types_text, keys[name]), None)):
            raise KeyTypes(f"{KEYS}.{name}", typing)
    for name in keys:
        _refuse_clash(known[name], commands, keys)
    return {**profile, **{name: ",".join(mine) for name, mine in keys.items()}}


def _refuse_clash(
    mine: Keyed, commands: Sequence[Keyed], chosen: Mapping[str, tuple[str, ...]]
) -> None:
    taken = set(chosen[mine.name])
    for other in commands:
        if other.name == mine.name:
            continue
        if other.scope == mine.scope or other.priority or mine.priority:
            theirs = chosen.get(other.name, keys_of(other.keys))
            if clash := next((key for key in theirs if key in taken), None):
                raise KeyTaken(f"{KEYS}.{mine.name}", clash, other.name)


def _quoted(error: ValueError) -> str:
    return f'"{clean_line(str(error), 30)}"'
