"""What the settings are, and changing them: written first, then applied."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.theme import BUILTIN_THEMES

from dmtui.core.keymap import KeyTaken, KeyTypes, keymap
from dmtui.core.keys import readable
from dmtui.core.setting_kinds import Written
from dmtui.core.settings import (
    KEY_PROFILE,
    KEYS,
    Config,
    Setting,
    SettingsFile,
    WrongSetting,
    described,
)
from dmtui.ui.commands import COMMANDS, Registry
from dmtui.ui.key_profiles import PROFILES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class SettingDesk:
    """``apply`` gets them before and after, and has the running app follow as far as it can."""

    def __init__(self, file: SettingsFile, apply: Callable[[Config, Config], None]):
        self._file = file
        self._apply = apply
        self._turn = asyncio.Lock()
        self.config = Config()
        self.settings: Mapping[str, Setting[object]] = {
            setting.name: setting for setting in described(sorted(BUILTIN_THEMES), tuple(PROFILES))
        }

    @property
    def registry(self) -> Registry:
        """The commands with the keys that are set."""
        return Registry(self.config.keys, self.config[KEY_PROFILE])

    async def look(self) -> None:
        """Read what is set; raises ``ConfigTrouble``."""
        self.config = await asyncio.to_thread(self._file.read)

    async def change(self, decide: Callable[[Config], Mapping[str, Written | None]]) -> None:
        """Set what ``decide`` makes of the settings as they are; raises ``ConfigTrouble``.

        One after the other, so that a key pressed twice changes twice. What is begun is done, also
        if nobody waits for it any more: what is on disk holds in the app.
        """
        changing = asyncio.ensure_future(self._change(decide))
        changing.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(changing)

    async def _change(self, decide: Callable[[Config], Mapping[str, Written | None]]) -> None:
        async with self._turn:
            changes = decide(self.config)
            if changes:
                before = self.config
                self.config = await asyncio.to_thread(self._file.change, changes)
                self._apply(before, self.config)

    def written(self, setting: Setting[object]) -> Written | None:
        """The value as the file has it, ``None`` for a default that is no value."""
        value = self.config[setting]
        return value if isinstance(value, bool | int | str) else None

    def objection(self, name: str, keys: str) -> str:
        """Why the command can't have these keys, in one line; empty if it can."""
        wanted = {**self.config.own_keys, name: keys}
        profile = PROFILES[self.config[KEY_PROFILE]]
        titles = {command.id: command.title for command in COMMANDS}
        try:
            keymap(wanted, [command.keyed for command in COMMANDS], profile)
        except KeyTaken as taken:
            owners = (taken.owner, taken.name.removeprefix(f"{KEYS}."))
            owner = next(owner for owner in owners if owner != name)
            return f"{readable(taken.key)} is the key of “{titles[owner]}”."
        except KeyTypes as types:
            return f"{readable(types.key)} is typed as text, and this works while typing, too."
        except WrongSetting as wrong:
            return f"{wrong}."
        return ""
