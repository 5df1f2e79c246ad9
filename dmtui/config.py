"""The user's settings: ``config.toml``, where a wrong one is named with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dmtui.core.errors import ConfigTrouble
from dmtui.core.names import clean_line

DEFAULT_THEME = "textual-dark"
KNOWN = "there are ui.theme and the section [keys]"

_SECTION = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_SETTING = re.compile(r"\s*([^\s=#\[][^=#]*?)\s*=")


@dataclass(frozen=True, slots=True)
class Config:
    """All settings; each has a default.

    ``keys`` maps ids of commands to their keys: ``[keys]`` ``chat.start = "ctrl+n,f5"``.
    """

    theme: str = DEFAULT_THEME
    keys: Mapping[str, str] = field(default_factory=dict)


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
    theme, keys = DEFAULT_THEME, {}
    for name, value in settings.items():
        command = name.removeprefix("keys.")
        if name != "ui.theme" and command == name:
            raise _WrongSetting(name, f"is no setting; {KNOWN}")
        if not isinstance(value, str):
            raise _WrongSetting(name, "must be text in quotes")
        if name == "ui.theme":
            if value not in themes:
                raise _WrongSetting(name, f"must be one of {', '.join(sorted(themes))}")
            theme = value
        elif command not in commands:
            raise _WrongSetting(name, "is no command; F1 lists them")
        else:
            keys[command] = value
    return Config(theme, keys)


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
