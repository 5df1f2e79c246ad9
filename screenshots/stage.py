"""The real app on the demo's homeserver, without a terminal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from textual.pilot import Pilot
from textual.theme import BUILTIN_THEMES

from dmtui.compose import Account
from dmtui.config_file import ConfigFile
from dmtui.core.images import Drawing, Settings
from dmtui.core.safekeeping import Protection
from dmtui.demo.demo import demo
from dmtui.matrix.sign_in import sign_in_with_password
from dmtui.messenger.messenger import Messenger
from dmtui.profile import ProfilePaths
from dmtui.profile_key.profile_key import ProfileKey
from dmtui.ui.app import DmtuiApp
from dmtui.ui.commands import COMMANDS
from dmtui.ui.key_profiles import PROFILES

Play: TypeAlias = Callable[[Pilot[None], Messenger], Awaitable[None]]


def perform(play: Play, size: tuple[int, int], *options: str) -> None:
    """Open the app in so many columns and lines, play, and leave; ``options`` are the demo's."""
    with demo(options) as here:
        paths = ProfilePaths.named().inside(here.directory)
        key = ProfileKey(paths, Protection.FILE)
        with contextlib.closing(Account(paths, key)) as account:
            messenger = asyncio.run(account.signed_in(here.session))
            app = DmtuiApp(
                messenger=messenger,
                open_messenger=account.signed_in,
                sign_in=sign_in_with_password,
                demo=True,
                images=Settings(Drawing.BLOCKS),
                settings=ConfigFile(
                    here.directory / "config.toml",
                    tuple(BUILTIN_THEMES),
                    [command.keyed for command in COMMANDS],
                    PROFILES,
                ),
            )
            asyncio.run(_play(app, messenger, play, size))


async def _play(app: DmtuiApp, messenger: Messenger, play: Play, size: tuple[int, int]) -> None:
    async with app.run_test(size=size, notifications=True) as pilot:
        await play(pilot, messenger)
        await app.leave().wait()
