"""The user's settings: ``config.toml``, where a wrong one is named with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from dmtui.core.errors import ConfigTrouble
from dmtui.core.names import clean_line
from dmtui.core.notify import Bodies, How, Language, Settings, Title

DEFAULT_THEME = "textual-dark"
KNOWN = "there are ui.theme and the sections [keys] and [notifications]"

_SECTION = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_SETTING = re.compile(r"\s*([^\s=#\[][^=#]*?)\s*=")


@dataclass(frozen=True, slots=True)
class Config:
    """All settings; each has a default.

    ``keys`` maps ids of commands to their keys: ``[keys]`` ``chat.start = "ctrl+n,f5"``.
    """

    theme: str = DEFAULT_THEME
    keys: Mapping[str, str] = field(default_factory=dict)
    notifications: Settings = field(default_factory=Settings)


def read_config(file: Path, themes: Collection[str], commands: Collection[str]) -> Config:
    """The settings in ``file``, the defaults without one; raises ``ConfigTrouble``.

    ``themes`` and ``commands`` are those that may be named.
    """
    try:
        text = file.read_text("utf-8")
        tables: dict[str, object] = tomllib.loads(text)
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise ConfigTrouble(f"{file} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigTrouble(f"{file} is not UTF-8 text.") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigTrouble(f"{file}: {clean_line(str(error))}.") from error
    try:
        return _checked(dict(_settings(tables)), themes, commands)
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
    settings: Mapping[str, object], themes: Collection[str], commands: Collection[str]
) -> Config:
    theme, keys, telling = DEFAULT_THEME, {}, {}
    for name, value in settings.items():
        section, _, rest = name.partition(".")
        if name not in ("ui.theme", *_TELLING) and not (section == "keys" and rest):
            raise _WrongSetting(name, f"is no setting; {KNOWN}")
        if not isinstance(value, str):
            raise _WrongSetting(name, "must be text in quotes")
        if section == "keys":
            if rest not in commands:
                raise _WrongSetting(name, "is no command; F1 lists them")
            keys[rest] = value
            continue
        choices = themes if name == "ui.theme" else tuple(_TELLING[name])
        if value not in choices:
            raise _WrongSetting(name, f"must be one of {', '.join(sorted(choices))}")
        if name == "ui.theme":
            theme = value
        else:
            telling[name] = value
    return Config(theme, keys, _notifications(telling))


_TELLING: Mapping[str, type[StrEnum]] = {
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
