"""The user's settings: ``config.toml``, where a wrong one is named with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from dmtui.core.errors import ConfigTrouble
from dmtui.core.keys import keys_of, types_text
from dmtui.core.names import clean_line
from dmtui.core.notify import Bodies, How, Language, Settings, Title
from dmtui.core.privacy import OPEN, Privacy, Receipts
from dmtui.core.safekeeping import Protection

T = TypeVar("T")

DEFAULT_THEME = "textual-dark"
USUAL_KEYS = "standard"
KNOWN = (
    "there are ui.theme, ui.plain, files.downloads and the sections [keys], [notifications],"
    " [privacy] and [security]"
)
_PLAIN = "ui.plain"
_TYPING = "privacy.typing"
_RECEIPTS = "privacy.receipts"
_PROFILE = "keys.profile"
_PROTECTION = "security.key_protection"
_DOWNLOADS = "files.downloads"

_NO_PROFILES: Mapping[str, Mapping[str, str]] = MappingProxyType({USUAL_KEYS: {}})
_SECTION = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_SETTING = re.compile(r"\s*([^\s=#\[][^=#]*?)\s*=")


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


@dataclass(frozen=True, slots=True)
class Config:
    """All settings; each has a default.

    ``keys`` maps ids of commands to their keys: ``[keys]`` ``chat.start = "ctrl+n,f9"``; a command
    with an empty text has none. Those of ``key_profile`` are among them. ``downloads`` is where
    files are saved, if not where the system has its downloads.
    """

    theme: str = DEFAULT_THEME
    keys: Mapping[str, str] = field(default_factory=dict)
    notifications: Settings = field(default_factory=Settings)
    key_protection: Protection = Protection.AUTO
    key_profile: str = USUAL_KEYS
    plain: bool = False
    downloads: Path | None = None
    privacy: Privacy = OPEN


def read_config(
    file: Path,
    themes: Collection[str],
    commands: Sequence[Keyed],
    profiles: Mapping[str, Mapping[str, str]] = _NO_PROFILES,
) -> Config:
    """The settings in ``file``, the defaults without one; raises ``ConfigTrouble``.

    ``themes``, ``commands`` and ``profiles`` are those that may be named; a profile gives commands
    other keys than their usual ones.
    """
    return _read(file, lambda settings: _checked(settings, themes, commands, profiles))


def read_protection(file: Path) -> Protection:
    """That setting alone, for who needs no other; raises ``ConfigTrouble``."""

    def protection(settings: Mapping[str, object]) -> Protection:
        alone = {name: value for name, value in settings.items() if name == _PROTECTION}
        return _checked(alone, themes=(), commands=()).key_protection

    return _read(file, protection)


def _read(file: Path, use: Callable[[Mapping[str, object]], T]) -> T:
    try:
        text = file.read_text("utf-8")
        tables: dict[str, object] = tomllib.loads(text)
    except FileNotFoundError:
        return use({})
    except OSError as error:
        raise ConfigTrouble(f"{file} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigTrouble(f"{file} is not UTF-8 text.") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigTrouble(f"{file}: {clean_line(str(error))}.") from error
    try:
        return use(dict(_settings(tables)))
    except _WrongSetting as wrong:
        line = _line_of(wrong.name, text)
        where = f"{file}, line {line}" if line else str(file)
        raise ConfigTrouble(f"{where}: {wrong.problem}.") from None


class _WrongSetting(Exception):
    def __init__(self, name: str, problem: str):
        self.name = name
        self.problem = f"{clean_line(name, 60)} {problem}"


def _settings(tables: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Settings by their full dotted names, however they were nested."""
    for name, value in tables.items():
        if isinstance(value, dict) and value:
            yield from _settings(value, f"{prefix}{name}.")
        elif not isinstance(value, dict):
            yield f"{prefix}{name}", value


def _checked(
    settings: Mapping[str, object],
    themes: Collection[str],
    commands: Sequence[Keyed],
    profiles: Mapping[str, Mapping[str, str]] = _NO_PROFILES,
) -> Config:
    choices: Mapping[str, Collection[str]] = {
        "ui.theme": themes,
        _PROFILE: profiles,
        **{name: tuple(kind) for name, kind in _CHOICES.items()},
    }
    downloads = None
    keys: dict[str, str] = {}
    chosen: dict[str, str] = {}
    for name, value in settings.items():
        section, _, rest = name.partition(".")
        if name in (_PLAIN, _TYPING):
            if not isinstance(value, bool):
                raise _WrongSetting(name, "must be true or false")
            continue
        if name not in (*choices, _DOWNLOADS) and not (section == "keys" and rest):
            raise _WrongSetting(name, f"is no setting; {KNOWN}")
        if not isinstance(value, str):
            raise _WrongSetting(name, "must be text in quotes")
        if name == _DOWNLOADS:
            downloads = _directory(value)
        elif name not in choices:
            keys[rest] = value
        elif value in choices[name]:
            chosen[name] = value
        else:
            raise _WrongSetting(name, f"must be one of {', '.join(sorted(choices[name]))}")
    profile = chosen.get(_PROFILE, USUAL_KEYS)
    return Config(
        chosen.get("ui.theme", DEFAULT_THEME),
        _keymap(keys, commands, profiles[profile]),
        _notifications(chosen),
        Protection(chosen.get(_PROTECTION, Protection.AUTO)),
        profile,
        settings.get(_PLAIN) is True,
        downloads,
        Privacy(
            settings.get(_TYPING, OPEN.typing) is True,
            Receipts(chosen.get(_RECEIPTS, OPEN.receipts)),
        ),
    )


def _directory(value: str) -> Path:
    try:
        directory = Path(value).expanduser()
    except RuntimeError:  # nobody of that name
        directory = Path()
    if not directory.is_absolute():
        raise _WrongSetting(_DOWNLOADS, "must be the whole path of a directory")
    return directory


def _keymap(
    chosen: Mapping[str, str], commands: Sequence[Keyed], profile: Mapping[str, str]
) -> Mapping[str, str]:
    """The same in the words that commands have for keys, if every command can be told by them.

    What is not chosen is as the profile has it.
    """
    commands = [replace(c, keys=profile.get(c.name, c.keys)) for c in commands]
    known = {command.name: command for command in commands}
    keys: dict[str, tuple[str, ...]] = {}
    for name, written in chosen.items():
        command = known.get(name)
        if command is None:
            raise _WrongSetting(f"keys.{name}", "is no command; F1 lists them")
        if command.fixed:
            raise _WrongSetting(f"keys.{name}", "can't have other keys")
        try:
            keys[name] = keys_of(written)
        except ValueError as error:
            raise _WrongSetting(f"keys.{name}", f"has no key called {_quoted(error)}") from None
        if command.priority and (typing := next(filter(types_text, keys[name]), None)):
            problem = f"can't be {typing}: it works everywhere, and nobody could type that"
            raise _WrongSetting(f"keys.{name}", problem)
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
                problem = f"can't be {clash}: that is the key of {other.name}"
                raise _WrongSetting(f"keys.{mine.name}", problem)


def _quoted(error: ValueError) -> str:
    return f'"{clean_line(str(error), 30)}"'


_CHOICES: Mapping[str, type[StrEnum]] = {
    _PROTECTION: Protection,
    _RECEIPTS: Receipts,
    "notifications.how": How,
    "notifications.bodies": Bodies,
    "notifications.title": Title,
    "notifications.terminal": Language,
}


def _notifications(chosen: Mapping[str, str]) -> Settings:
    usual = Settings()
    return Settings(
        How(chosen.get("notifications.how", usual.how)),
        Bodies(chosen.get("notifications.bodies", usual.bodies)),
        Title(chosen.get("notifications.title", usual.title)),
        Language(chosen.get("notifications.terminal", usual.terminal)),
    )


def _line_of(name: str, text: str) -> int | None:
    """Where the setting was written, counted from 1; ``None`` if spelt unusually."""
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := _SECTION.match(line):
            section = _plain(heading.group(1))
        elif setting := _SETTING.match(line):
            written = ".".join(filter(None, (section, _plain(setting.group(1)))))
            if name == written or name.startswith(f"{written}."):
                return number
    return None


def _plain(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
