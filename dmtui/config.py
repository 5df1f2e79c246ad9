"""The user's settings: ``config.toml``, where a wrong one is named with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from dmtui.core.errors import ConfigTrouble
from dmtui.core.names import clean_line

_SECTION = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_SETTING = re.compile(r"\s*([^\s=#\[][^=#]*?)\s*=")
_KINDS = MappingProxyType({str: "text in quotes", bool: "true or false"})


@dataclass(frozen=True, slots=True)
class Config:
    """All settings; each has a default."""

    theme: str = ""  # empty: the app's own
    send_typing: bool = True
    send_read_receipts: bool = True


_FIELDS: Mapping[str, tuple[str, type]] = MappingProxyType(
    {
        "ui.theme": ("theme", str),
        "privacy.send_typing": ("send_typing", bool),
        "privacy.send_read_receipts": ("send_read_receipts", bool),
    }
)
_SECTIONS = frozenset(name.partition(".")[0] for name in _FIELDS)


def read_config(file: Path) -> Config:
    """The settings in ``file``, the defaults without one; raises ``ConfigTrouble``."""
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
        return _checked(tables)
    except _WrongSetting as wrong:
        line = _line_of(wrong.name, text)
        where = f"{file}, line {line}" if line else str(file)
        raise ConfigTrouble(f"{where}: {wrong.problem}.") from None


class _WrongSetting(Exception):
    def __init__(self, name: str, problem: str):
        super().__init__(problem)
        self.name = name
        self.problem = problem


def _checked(tables: Mapping[str, object]) -> Config:
    values: dict[str, object] = {}
    for section, settings in tables.items():
        if section not in _SECTIONS or not isinstance(settings, dict):
            known = ", ".join(f"[{name}]" for name in sorted(_SECTIONS))
            raise _WrongSetting(section, f"{_shown(section)} is no section; there are {known}")
        for setting, value in settings.items():
            name = f"{section}.{setting}"
            field, kind = _FIELDS.get(name, ("", object))
            if not field:
                raise _WrongSetting(name, f"there is no setting {_shown(name)}{_those_of(section)}")
            if not isinstance(value, kind):
                raise _WrongSetting(name, f"{_shown(name)} must be {_KINDS[kind]}")
            values[field] = value
    return Config(**values)  # type: ignore[arg-type]  # each value's type was checked above


def _those_of(section: str) -> str:
    known = (name for name in _FIELDS if name.startswith(f"{section}."))
    return f"; there is {', '.join(known)}"


def _shown(name: str) -> str:
    return clean_line(name, 60)


def _line_of(name: str, text: str) -> int | None:
    """Where the section or setting was written, counted from 1; ``None`` if spelt unusually."""
    prefix = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if section := _SECTION.match(line):
            prefix = _plain(section.group(1))
            written = prefix
        elif setting := _SETTING.match(line):
            written = ".".join(filter(None, (prefix, _plain(setting.group(1)))))
        else:
            continue
        if written == name or written.startswith(f"{name}."):
            return number
    return None


def _plain(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
