"""Changing ``config.toml``: what else stands in it stays as the user wrote it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Collection, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from dmtui.config import checked, read_config, settings_in, text_of
from dmtui.core.errors import ConfigTrouble
from dmtui.core.keymap import Keyed
from dmtui.core.setting_kinds import Written
from dmtui.core.settings import Config, WrongSetting
from dmtui.private_files import replace_privately

Changes: TypeAlias = Mapping[str, Written | None]

KEPT = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """``core.settings.SettingsFile``; the rest is as for :func:`dmtui.config.read_config`."""

    path: Path
    themes: Collection[str]
    commands: Sequence[Keyed]
    profiles: Mapping[str, Mapping[str, str]]

    def read(self) -> Config:
        """Raises ``ConfigTrouble``."""
        return read_config(self.path, self.themes, self.commands, self.profiles)

    def copied(self, path: Path) -> ConfigFile:
        """Another file that says the same; changing it leaves this one alone."""
        path.write_text(text_of(self.path), "utf-8")
        return replace(self, path=path)

    def change(self, changes: Changes) -> Config:
        """Replaces the file as a whole, readable by the user alone, or leaves it as it is.

        A link stays one. Raises ``ConfigTrouble`` where the file, or what would become of it, is
        wrong, or the disk does not take it.
        """
        target = Path(os.path.realpath(self.path))
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _alone(target.parent):
                before = self._before()
                _refuse_read_only(target)
                after = changed(before, changes)
                config = self._after(before, after, changes)
                if after != before:
                    replace_privately(target, after.encode())
                return config
        except OSError as error:
            why = error.strerror or "the disk does not take it"
            raise ConfigTrouble(f"{self.path} can't be written: {why}. {KEPT}") from error

    def _before(self) -> str:
        try:
            self.read()
            return text_of(self.path)
        except ConfigTrouble as trouble:
            raise ConfigTrouble(f"{trouble} {KEPT}") from trouble

    def _after(self, before: str, after: str, changes: Changes) -> Config:
        """What the new text sets: just what is meant."""
        wanted = {**settings_in(self.path, before), **changes}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        try:
            settings = settings_in(self.path, after)
            if settings != wanted:
                raise _unclear(self.path)
            return checked(settings, self.themes, self.commands, self.profiles)
        except WrongSetting as wrong:
            raise ConfigTrouble(f"{wrong}. {KEPT}") from None


def changed(text: str, changes: Changes) -> str:
    """The text with these settings, by their full names; raises ``ConfigTrouble``."""
    import tomlkit  # takes its time, and few ever change a setting
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        for name, value in changes.items():
            table, key = _place(document, name) or (None, name)
            if table is not None and value is not None:
                table[key] = value
            elif table is not None:
                del table[key]
            elif value is not None:
                _add(document, name, value)
        return tomlkit.dumps(document)
    except TOMLKitError as error:
        raise _unclear(Path("config.toml")) from error


def _unclear(path: Path) -> ConfigTrouble:
    return ConfigTrouble(
        f"{path} is written in a way that dmtui can't change safely: change it by hand. {KEPT}"
    )


def _place(
    table: MutableMapping[str, object], name: str
) -> tuple[MutableMapping[str, object], str] | None:
    """The table that has the setting, and its key there, however they are nested."""
    for key, value in table.items():
        if isinstance(value, MutableMapping):
            if name.startswith(f"{key}.") and (found := _place(value, name[len(key) + 1 :])):
                return found
        elif key == name:
            return table, key
    return None


def _add(document: MutableMapping[str, object], name: str, value: Written) -> None:
    """At the end of its section, before the comments that lead to the next one."""
    import tomlkit
    from tomlkit.items import Table

    section, _, key = name.partition(".")
    if section not in document:
        document[section] = tomlkit.table()
    table = document[section]
    body = table.value.body if isinstance(table, Table) else []
    trail = []
    while body and body[-1][0] is None:
        trail.append(body.pop())
    if isinstance(table, MutableMapping):
        table[key] = value
    body.extend(reversed(trail))


def _refuse_read_only(file: Path) -> None:
    """Replacing would succeed, and would not be what the user means."""
    with contextlib.suppress(FileNotFoundError):
        if not file.stat().st_mode & stat.S_IWUSR:
            raise PermissionError(0, "it is read-only")


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Another dmtui waits, as all profiles share the file."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
