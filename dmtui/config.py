"""The user's settings: ``config.toml``, where a wrong one is named with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from dmtui.core.errors import ConfigTrouble
from dmtui.core.keymap import Keyed, keymap
from dmtui.core.names import clean_line
from dmtui.core.safekeeping import Protection
from dmtui.core.setting_kinds import Directory, WrongValue
from dmtui.core.settings import (
    DOWNLOADS,
    KEY_PROFILE,
    KEY_PROTECTION,
    KEYS,
    USUAL_KEYS,
    Config,
    Setting,
    WrongSetting,
    described,
    known,
)

_NO_PROFILES: Mapping[str, Mapping[str, str]] = MappingProxyType({USUAL_KEYS: {}})
_SECTION = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_SETTING = re.compile(r"\s*([^\s=#\[][^=#]*?)\s*=")


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
    text = text_of(file)
    settings = settings_in(file, text)
    try:
        return checked(settings, themes, commands, profiles)
    except WrongSetting as wrong:
        raise _trouble(file, text, wrong) from None


def read_protection(file: Path) -> Protection:
    """That setting alone, for who needs no other; raises ``ConfigTrouble``."""
    text = text_of(file)
    settings = settings_in(file, text)
    alone = {name: value for name, value in settings.items() if name == KEY_PROTECTION.name}
    try:
        return checked(alone, themes=(), commands=())[KEY_PROTECTION]
    except WrongSetting as wrong:
        raise _trouble(file, text, wrong) from None


def downloads(config: Config) -> Path | None:
    """Where files are saved, if not where the system has its downloads."""
    chosen = config[DOWNLOADS]
    return Path(chosen).expanduser() if chosen else None


def text_of(file: Path) -> str:
    """What the file says, empty without one; raises ``ConfigTrouble``."""
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ConfigTrouble(f"{file} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigTrouble(f"{file} is not UTF-8 text.") from error


def settings_in(file: Path, text: str) -> Mapping[str, object]:
    """Settings by their full dotted names, however they were nested; raises ``ConfigTrouble``."""
    try:
        tables: dict[str, object] = tomllib.loads(text)
        return dict(_flat(tables))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigTrouble(f"{file}: {clean_line(str(error))}.") from error


def _flat(tables: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in tables.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        elif not isinstance(value, dict):
            yield f"{prefix}{name}", value


def checked(
    settings: Mapping[str, object],
    themes: Collection[str],
    commands: Sequence[Keyed],
    profiles: Mapping[str, Mapping[str, str]] = _NO_PROFILES,
) -> Config:
    """What they set, by their full names; raises ``WrongSetting``."""
    all_of_them = {setting.name: setting for setting in described(themes, profiles)}
    keys: dict[str, str] = {}
    chosen: dict[str, object] = {}
    for name, value in settings.items():
        section, _, command = name.partition(".")
        if setting := all_of_them.get(name):
            chosen[name] = _value(setting, value)
        elif section != KEYS or not command:
            raise WrongSetting(name, f"is no setting; {known(name)}")
        elif not isinstance(value, str):
            raise WrongSetting(name, "must be text in quotes")
        else:
            keys[command] = value
    profile = profiles[Config(chosen)[KEY_PROFILE]]
    return Config(chosen, keymap(keys, commands, profile), keys)


def _value(setting: Setting[object], value: object) -> object:
    try:
        read = setting.kind.read(value)
        if isinstance(setting.kind, Directory):
            _require_home(str(read))
    except WrongValue as wrong:
        raise WrongSetting(setting.name, str(wrong)) from None
    return read


def _require_home(path: str) -> None:
    try:
        Path(path).expanduser()
    except RuntimeError:  # nobody of that name
        raise WrongValue("must be the whole path of a directory") from None


def _trouble(file: Path, text: str, wrong: WrongSetting) -> ConfigTrouble:
    line = _line_of(wrong.name, text)
    where = f"{file}, line {line}" if line else str(file)
    return ConfigTrouble(f"{where}: {wrong}.")


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
