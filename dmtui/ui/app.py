"""The app: which screen is on show, and leaving in good order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, ClassVar

from rich.traceback import Traceback
from textual import constants, on, work
from textual.app import App
from textual.events import DescendantFocus
from textual.filter import Monochrome, NoColor
from textual.widgets import Input, TextArea

from dmtui.core.errors import DmtuiError
from dmtui.core.images import BLOCKS_ALONE
from dmtui.core.images import Settings as ImageSettings
from dmtui.core.notify import Settings
from dmtui.core.privacy import Privacy
from dmtui.core.safekeeping import PLACES, KeyPlace
from dmtui.core.settings import ANIMATIONS, KEY_PROFILE, THEME
from dmtui.ui.commands import TAKES_EVERY_KEY, CommandProvider, Registry, Scope, bindings
from dmtui.ui.contrast import readable
from dmtui.ui.hangup import guard_hangup
from dmtui.ui.key_profiles import STANDARD
from dmtui.ui.keyboard import guard_keyboard
from dmtui.ui.notifier import Notifier
from dmtui.ui.pasting import guard_pastes
from dmtui.ui.screens.help import Help
from dmtui.ui.screens.main import MainScreen
from dmtui.ui.screens.passphrase import PassphraseScreen
from dmtui.ui.screens.sign_in import SignInScreen
from dmtui.ui.terminal_escape import Terminal
from dmtui.ui.voice import Voice
from dmtui.ui.widgets.colourless import Colourless
from dmtui.ui.widgets.settled import Settled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from textual.binding import BindingType
    from textual.command import Provider
    from textual.filter import LineFilter
    from textual.screen import Screen

    from dmtui.core import ports
    from dmtui.core.model import Session, UserId
    from dmtui.core.settings import Config, SettingsFile
    from dmtui.messenger.messenger import Messenger
    from dmtui.ui.screens.passphrase import Locked


class DmtuiApp(App[None]):
    """Opens with the main screen if there is an account, else with the sign-in screen.

    A profile that is ``locked`` is opened first; only then it is known which of them it is.
    ``keymap`` maps ids of commands to keys, as in :mod:`dmtui.ui.commands`, ``key_profile`` being
    the set that it is from; ``plain`` is for screen readers: one column, words and no signs;
    ``images`` says what images are drawn with and whether they have previews;
    without ``animations`` nothing moves by itself, as with ``TEXTUAL_ANIMATIONS=none``;
    ``terminal`` is told of what comes in as ``notifications`` say;
    ``settings`` are changed by F2; ``taken_over`` is called once the screen belongs to the app.
    """

    TITLE = "dmtui"
    NOTIFICATION_TIMEOUT = 3.0
    CSS_PATH = "dmtui.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {CommandProvider}
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.EVERYWHERE, app=True)]

    def __init__(
        self,
        *,
        messenger: Messenger | None,
        open_messenger: Callable[[Session], Awaitable[Messenger]],
        sign_in: ports.SignIn,
        locked: Locked | None = None,
        demo: bool = False,
        keymap: Mapping[str, str] | None = None,
        key_profile: str = STANDARD,
        theme: str = "textual-dark",
        plain: bool = False,
        images: ImageSettings = BLOCKS_ALONE,
        animations: bool = True,
        notifications: Settings | None = None,
        terminal: Terminal | None = None,
        settings: SettingsFile | None = None,
        taken_over: Callable[[], None] = lambda: None,
    ):
        super().__init__()
        guard_keyboard()
        guard_hangup()
        guard_pastes()
        self._messenger = messenger
        self._open_messenger = open_messenger
        self._sign_in = sign_in
        self._locked = locked
        self._demo = demo
        self.registry = Registry(keymap or {}, key_profile)
        self._screens_made = 0
        self._voice = Voice(notifications or Settings(), terminal or Terminal(), self.write)
        self._settings = settings
        self._taken_over = taken_over
        self._lent = False  # the terminal, to an editor
        self._settled, self._colourless = Settled(), Colourless()
        self.theme = theme
        self._plain = plain
        self._images = images
        if plain:
            self.add_class("plain")
        self._privacy: Privacy | None = None  # chosen while dmtui runs
        self._move(animations)

    def _move(self, animations: bool) -> None:
        still = self._plain or not animations
        self.animation_level = "none" if still else constants.TEXTUAL_ANIMATIONS

    def get_default_screen(self) -> Screen[None]:
        """The first frame is the real thing."""
        if self._locked is not None:
            return PassphraseScreen(self._locked)
        if self._messenger is not None:
            return MainScreen(self._messenger, self._demo, plain=self._plain, images=self._images)
        return SignInScreen(self._sign_in)

    def get_css_variables(self) -> dict[str, str]:
        """Those of the theme, with texts that can be read."""
        variables = super().get_css_variables()
        self.theme_variables = {**variables, **readable(variables)}
        return self.theme_variables

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's, and the last hand on what everybody wrote."""
        filters = super().get_line_filters()
        if self.no_color and self.native_ansi_color:
            greys = (Monochrome, NoColor)
            filters = [self._colourless if isinstance(f, greys) else f for f in filters]
        return [*filters, self._settled]

    def on_mount(self) -> None:
        self._taken_over()
        self.set_keymap(self.registry.keymap)
        self._voice.begin()
        self._begin()
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError):  # Windows
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self.leave)

    def on_unmount(self) -> None:
        self._voice.end()
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError):
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.remove_signal_handler(number)

    @on(PassphraseScreen.Opened)
    def open_profile(self, event: PassphraseScreen.Opened) -> None:
        """Unlocked: on to the main screen, or to signing in."""
        self._locked, self._messenger = None, event.messenger
        self._replace_screen_by(self.get_default_screen)
        self._begin()

    @on(SignInScreen.SignedIn)
    @work(group="leave", exclusive=True)
    async def open_account(self, event: SignInScreen.SignedIn) -> None:
        """Signed in: on to the main screen."""
        try:
            self._messenger = await self._open_messenger(event.session)
        except DmtuiError as error:
            if isinstance(self.screen, SignInScreen):
                self.screen.tell(str(error))
            return
        self._replace_screen_by(self.get_default_screen)
        self._begin()
        if self._messenger.encryption.key_place is KeyPlace.FILE:
            self.notify(PLACES[KeyPlace.FILE], timeout=20, markup=False)

    @on(MainScreen.SignInWanted)
    @work(group="leave", exclusive=True)
    async def sign_in_again(self) -> None:
        """The session is over: end its work, keep its store, ask for the password."""
        user_id = str(self._messenger.me) if self._messenger else ""
        problem = await self._settle()
        self._voice.count(0)
        self._replace_screen_by(lambda: SignInScreen(self._sign_in, user_id, problem))

    def _replace_screen_by(self, make: Callable[[], Screen[None]]) -> None:
        former, self._screens_made = self.current_mode, self._screens_made + 1
        name = f"screen {self._screens_made}"
        self.add_mode(name, make)
        self.switch_mode(name)
        if former != self.DEFAULT_MODE:
            self.remove_mode(former)

    async def action_quit(self) -> None:
        """Ctrl+Q."""
        self.leave()

    @work(group="leave", exclusive=True)
    async def leave(self) -> None:
        """Drafts to disk, the messenger stopped, then the end."""
        problem = await self._settle()
        self.exit(message=problem or None, return_code=1 if problem else 0)

    async def _settle(self) -> str:
        messenger, self._messenger = self._messenger, None
        self.workers.cancel_group(self, "notify")
        try:
            for screen in self.screen_stack:
                if isinstance(screen, MainScreen):
                    await screen.settle()
            if messenger is not None:
                await messenger.stop()
        except DmtuiError as error:
            return str(error)
        return ""

    def _fatal_error(self) -> None:
        """As Textual has it, but without the values of variables: keys may be among them."""
        self.bell()
        self.panic(Traceback(show_locals=False, width=None))

    def _begin(self) -> None:
        """With the messenger, if there is one now."""
        self._keep_private()
        if self._messenger is not None and not self.is_headless:
            self._keep_notifying(self._messenger)

    def _keep_private(self) -> None:
        if self._messenger is not None and self._privacy is not None:
            self._messenger.privacy = self._privacy

    # -- what the terminal is told besides frames --

    @work(group="notify", exclusive=True)
    async def _keep_notifying(self, messenger: Messenger) -> None:
        await Notifier(messenger, self._voice, self._looked_at).run()

    def _looked_at(self) -> UserId | None:
        return self.screen.looked_at if isinstance(self.screen, MainScreen) else None

    def write(self, sequence: str) -> None:
        """In one piece, between two frames, as they are written from this same thread."""
        driver = self._driver
        if driver is not None and not driver.is_headless and not self._lent:
            driver.write(sequence)
            driver.flush()

    @contextlib.contextmanager
    def suspend(self) -> Iterator[None]:
        """As Textual's; what goes on meanwhile is painted afterwards and not into the middle."""
        self._lent = True
        try:
            with self.batch_update(), super().suspend():
                yield
        finally:
            self._lent = False

    @on(DescendantFocus)
    def hold_still(self, event: DescendantFocus) -> None:
        """No cursor blinks where nothing is to move by itself."""
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = self.animation_level != "none"

    def action_keys(self) -> None:
        """F1."""
        if isinstance(self.screen, Help):
            self.screen.dismiss()
        else:
            self.push_screen(Help(self.registry))

    def action_settings(self) -> None:
        """F2."""
        from dmtui.ui.screens.setting_desk import SettingDesk  # nothing to wait for at the start
        from dmtui.ui.screens.settings import SettingsScreen

        if isinstance(self.screen, SettingsScreen):
            self.screen.dismiss(None)
        elif self._settings and not any(isinstance(s, SettingsScreen) for s in self.screen_stack):
            self.push_screen(SettingsScreen(SettingDesk(self._settings, self._take_settings)))

    def _take_settings(self, before: Config, config: Config) -> None:
        """Follow what was changed, as far as it can be done at once."""
        if config[THEME] != before[THEME]:
            self.theme = config[THEME]
        self._voice.change(config.notifications)
        self._move(config[ANIMATIONS])
        self._privacy = config.privacy
        self._keep_private()
        if (config.keys, config[KEY_PROFILE]) != (before.keys, before[KEY_PROFILE]):
            self.registry = Registry(config.keys, config[KEY_PROFILE])
            self.set_keymap(self.registry.keymap)
            for screen in self.screen_stack:
                if isinstance(screen, MainScreen):
                    screen.learn_keys()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key works while a new one is waited for."""
        return not self.screen.has_class(TAKES_EVERY_KEY) and super().check_action(
            action, parameters
        )

    def action_copy_selection(self) -> None:
        """Ctrl+C: what is selected where one types, else in the conversation."""
        if isinstance(self.focused, Input | TextArea) and self.focused.selected_text:
            self.focused.action_copy()
        else:
            self.screen.action_copy_text()
