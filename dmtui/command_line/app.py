"""``dmtui`` itself and ``dmtui demo``: the app over a profile."""

from __future__ import annotations

import contextlib
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from dmtui.command_line.answers import Failure
from dmtui.compose import Account, write_log
from dmtui.config_file import ConfigFile
from dmtui.core.safekeeping import Protection
from dmtui.core.settings import ANIMATIONS, KEY_PROFILE, KEY_PROTECTION, PLAIN, THEME
from dmtui.lock import ProfileLock
from dmtui.profile import ProfilePaths

if TYPE_CHECKING:
    from dmtui.core.settings import Config
    from dmtui.profile_key.profile_key import ProfileKey

NO_TERMINAL = "The app needs a terminal; dmtui --help lists the commands that do not."


def app(paths: ProfilePaths, options: Namespace) -> None:
    """Open the app; without an account it asks to sign in."""
    file = _config_file(paths)
    config = file.read()
    _require_terminal()
    with ProfileLock(paths):
        from dmtui.profile_key.profile_key import ProfileKey

        key = ProfileKey(paths, config[KEY_PROTECTION])
        _run(key, file, config, options.taken_over, plain=options.plain)


def demo(paths: ProfilePaths, options: Namespace) -> None:
    """Open the app on a homeserver with contacts that lives as long as the app."""
    file = _config_file(paths)
    config = file.read()
    _require_terminal()
    from dmtui.demo.demo import demo as running_demo
    from dmtui.profile_key.profile_key import ProfileKey
    from dmtui.session import save_session

    with running_demo() as here:
        own = paths.inside(here.directory)
        key = ProfileKey(own, Protection.FILE)  # it is gone with the demo
        save_session(own, here.session, key.open())
        copy = file.copied(here.directory / "config.toml")
        _run(key, copy, config, lambda: None, demo=True, plain=options.plain)


def _run(
    key: ProfileKey,
    file: ConfigFile,
    config: Config,
    taken_over: Callable[[], None],
    demo: bool = False,
    *,
    plain: bool,
) -> None:
    write_log(key.paths)
    images = config.images
    with contextlib.closing(Account(key.paths, key, config)) as account:
        from dmtui.profile_key.profile_key import Question
        from dmtui.ui.app import DmtuiApp
        from dmtui.ui.graphics import drawn_with
        from dmtui.ui.screens.passphrase import Locked
        from dmtui.ui.terminal_escape import Terminal

        question = account.question
        choose = question is Question.CHOOSE
        running = DmtuiApp(
            messenger=account.saved() if question is None else None,
            locked=None if question is None else Locked(choose, account.unlocked),
            open_messenger=account.signed_in,
            sign_in=account.sign_in,
            demo=demo,
            keymap=config.keys,
            key_profile=config[KEY_PROFILE],
            theme=config[THEME],
            plain=config[PLAIN] or plain,
            images=replace(images, drawing=drawn_with(os.environ, images.drawing)),
            animations=config[ANIMATIONS],
            notifications=config.notifications,
            terminal=Terminal.of(os.environ, config.notifications.terminal),
            settings=file,
            taken_over=taken_over,
        )
        running.run()
    if running.return_code:
        raise SystemExit(running.return_code)


def _config_file(paths: ProfilePaths) -> ConfigFile:
    from textual.theme import BUILTIN_THEMES

    from dmtui.ui.commands import COMMANDS
    from dmtui.ui.key_profiles import PROFILES

    return ConfigFile(
        paths.config_file,
        themes=frozenset(BUILTIN_THEMES),
        commands=[command.keyed for command in COMMANDS],
        profiles=PROFILES,
    )


def _require_terminal() -> None:
    streams = (sys.stdin, sys.stdout, sys.stderr)  # Textual draws on standard error
    if not all(stream.isatty() for stream in streams):
        raise Failure(NO_TERMINAL)
