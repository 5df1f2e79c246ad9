"""The real app over the real messenger and store, with the homeserver played by the test."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from textual.events import Key
from textual.keys import _character_to_key
from textual.theme import BUILTIN_THEMES

from dmtui.config_file import ConfigFile
from dmtui.core.images import Drawing
from dmtui.core.images import Settings as ImageSettings
from dmtui.core.model import Conversation, Message, Session, UserId
from dmtui.core.notify import Settings
from dmtui.messenger.messenger import Messenger
from dmtui.store.store import Store
from dmtui.ui.app import DmtuiApp
from dmtui.ui.commands import COMMANDS
from dmtui.ui.key_profiles import PROFILES, STANDARD
from dmtui.ui.screens.conversation import ConversationPane
from dmtui.ui.screens.main import MainScreen
from dmtui.ui.terminal_escape import Terminal
from dmtui.ui.widgets.composer import Composer
from dmtui.ui.widgets.invite_prompt import InvitePrompt
from dmtui.ui.widgets.people_list import PeopleList
from dmtui.ui.widgets.timeline import Timeline
from tests.fakes import BOB, ME, FakeClock, FakeHomeserver
from tests.new_store import open_store
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from textual.driver import Driver
    from textual.pilot import Pilot
    from textual.widget import Widget

    from dmtui.core.errors import DmtuiError
    from dmtui.core.ports import Homeserver

SESSION = Session(ME, "DEVICE", "token", "http://127.0.0.1:1")


class SignInDesk:
    """Plays the homeserver's side of signing in."""

    def __init__(self) -> None:
        self.tried: list[tuple[str, str, str]] = []
        self.errors: list[DmtuiError] = []
        self.gate: asyncio.Event | None = None

    async def __call__(self, user_id: str, password: str, homeserver: str) -> Session:
        self.tried.append((user_id, password, homeserver))
        if self.gate is not None:
            await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        return SESSION


class Stage:
    """One account and its app; open it as often as the test wants."""

    def __init__(self, path: Path):
        self._path = path
        self.downloads = path.with_name("downloads")
        self.settings = ConfigFile(
            path.with_name("config.toml"),
            tuple(BUILTIN_THEMES),
            [command.keyed for command in COMMANDS],
            PROFILES,
        )
        self.clock = FakeClock()
        self.server = FakeHomeserver(ME, self.clock)
        self.signing_in = SignInDesk()
        self.driver: type[Driver] | None = None  # none: the app has no terminal
        self.terminal = Terminal()
        self.notifications = Settings()
        self.images = ImageSettings(Drawing.BLOCKS)
        self.pilot: Pilot[None]
        self.app: DmtuiApp
        self.messenger: Messenger

    @asynccontextmanager
    async def open(
        self,
        size: tuple[int, int] = (100, 30),
        *,
        signed_in: bool = True,
        sync: bool = True,
        keymap: Mapping[str, str] | None = None,
        key_profile: str = STANDARD,
        toasts: bool = False,
        plain: bool = False,
        animations: bool = True,
    ) -> AsyncIterator[Pilot[None]]:
        """Run the app until the block ends; ``sync``: once the first sync is on screen."""
        store = open_store(self._path, ME)
        try:
            self.messenger = Messenger(
                ME,
                store,
                self._connect,
                self.clock,
                downloads=self.downloads,
                preview_limit=self.images.limit,
            )
            self.app = DmtuiApp(
                messenger=self.messenger if signed_in else None,
                open_messenger=self._signed_in,
                sign_in=self.signing_in,
                keymap=PROFILES[key_profile] if keymap is None else keymap,
                key_profile=key_profile,
                plain=plain,
                images=self.images,
                animations=animations,
                notifications=self.notifications,
                terminal=self.terminal,
                settings=self.settings,
            )
            self.app.driver_class = self.driver or self.app.driver_class
            async with self.app.run_test(
                size=size, headless=self.driver is None, notifications=toasts
            ) as self.pilot:
                if signed_in and sync:
                    await self.until(lambda: store.synced())
                    await self.pilot.pause()
                yield self.pilot
                if self.app.is_running:
                    await self.app.leave().wait()
        finally:
            store.close()

    async def _signed_in(self, session: Session) -> Messenger:
        return self.messenger

    async def _connect(self) -> Homeserver:
        return self.server

    def another_store(self) -> Store:
        """The account's database, as another process sees it."""
        return open_store(self._path, ME)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for the condition while the clock runs."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self.clock.turn(0.25)
                await self.pilot.pause(0.005)

    async def type(self, text: str) -> None:
        """Press the keys of the text, faster than anybody types."""
        for character in text:
            self.app.post_message(Key(_character_to_key(character), character))
        await self.pilot.pause()

    @property
    def main(self) -> MainScreen:
        return next(s for s in self.app.screen_stack if isinstance(s, MainScreen))

    @property
    def people(self) -> PeopleList:
        return self.main.query_one(PeopleList)

    @property
    def conversation(self) -> ConversationPane:
        return self.main.query_one(ConversationPane)

    @property
    def composer(self) -> Composer:
        return self.main.query_one(Composer)

    @property
    def timeline(self) -> Timeline:
        return self.main.query_one(Timeline)

    @property
    def prompt(self) -> InvitePrompt:
        return self.main.query_one(InvitePrompt)

    def focus_is(self, widget: Widget) -> bool:
        """Whether the widget has the keyboard."""
        return self.app.focused is widget

    def text(self) -> str:
        """What is on the screen."""
        compositor = self.app.screen._compositor
        return "\n".join(strip.text for strip in compositor.render_strips())

    def shows(self, text: str) -> Callable[[], bool]:
        """Whether the screen has this text."""
        return lambda: text in self.text()

    def row(self, user_id: UserId = BOB) -> Conversation | None:
        """The person in the people list."""
        return next((row for row in self.people.rows if row.user_id == user_id), None)

    def messages(self, user_id: UserId = BOB) -> tuple[Message, ...]:
        return self.messenger.messages(user_id).messages

    def notices(self) -> list[str]:
        """What the app told in passing."""
        return [notification.message for notification in self.app._notifications]
