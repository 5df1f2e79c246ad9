"""``dmtui`` itself and ``dmtui demo``: the app over a profile."""

from __future__ import annotations

import contextlib
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from dmtui.command_line.answers import Failure
from dmtui.compose import Account, write_log
from dmtui.config import Config, Keyed, read_config
from dmtui.core.safekeeping import Protection
from dmtui.lock import ProfileLock
from dmtui.profile import ProfilePaths

if TYPE_CHECKING:
    from dmtui.profile_key.profile_key import ProfileKey

NO_TERMINAL = "The app needs a terminal; dmtui --help lists the commands that do not."


def app(paths: ProfilePaths, options: Namespace) -> None:
    """Open the app; without an account it asks to sign in."""
    config = _config(paths)
    _require_terminal()
    with ProfileLock(paths):
        from dmtui.profile_key.profile_key import ProfileKey

        _run(
            ProfileKey(paths, config.key_protection),
            config,
            options.taken_over,
            plain=options.plain,
        )


def demo(paths: ProfilePaths, options: Namespace) -> None:
    """Open the app on a homeserver with contacts that lives as long as the app."""
    config = _config(paths)
    _require_terminal()
    from dmtui.demo.demo import demo as running_demo
    from dmtui.profile_key.profile_key import ProfileKey
    from dmtui.session import save_session

    with running_demo() as here:
        own = paths.inside(here.directory)
        key = ProfileKey(own, Protection.FILE)  # it is gone with the demo
        save_session(own, here.session, key.open())
        _run(key, config, lambda: None, demo=True, plain=options.plain)


def _run(
    key: ProfileKey,
    config: Config,
    taken_over: Callable[[], None],
    demo: bool = False,
    *,
    plain: bool,
) -> None:
    write_log(key.paths)
    with contextlib.closing(Account(key.paths, key, config.downloads, config.privacy)) as account:
        from dmtui.profile_key.profile_key import Question
        from dmtui.ui.app import DmtuiApp
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
            key_profile=config.key_profile,
            theme=config.theme,
            plain=config.plain or plain,
            notifications=config.notifications,
            terminal=Terminal.of(os.environ, config.notifications.terminal),
            taken_over=taken_over,
        )
        running.run()
    if running.return_code:
        raise SystemExit(running.return_code)


def _config(paths: ProfilePaths) -> Config:
    from textual.theme import BUILTIN_THEMES

    from dmtui.ui.commands import COMMANDS
    from dmtui.ui.key_profiles import PROFILES

    return read_config(
        paths.config_file,
        themes=frozenset(BUILTIN_THEMES),
        commands=[Keyed(c.id, c.scope, c.keys, c.priority, c.fixed) for c in COMMANDS],
        profiles=PROFILES,
    )


def _require_terminal() -> None:
    streams = (sys.stdin, sys.stdout, sys.stderr)  # Textual draws on standard error
    if not all(stream.isatty() for stream in streams):
        raise Failure(NO_TERMINAL)
