"""A messenger over a real store and the fake homeserver, with time in the test's hands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from dmtui.core.intents import Intent
from dmtui.core.model import Conversation, Message, SendState, UserId
from dmtui.core.ports import Homeserver
from dmtui.core.privacy import OPEN
from dmtui.messenger.messenger import Messenger
from tests.fakes import BOB, ME, FakeClock, FakeHomeserver
from tests.new_store import open_store
from tests.waiting import PATIENCE


class Desk:
    """One account at work: start it, stop it, kill it, look at it."""

    def __init__(self, path: Path):
        self.path = path
        self.downloads = path.with_name("downloads")
        self.preview_limit = 0
        self.clock = FakeClock()
        self.server = FakeHomeserver(ME, self.clock)
        self.store = open_store(path, ME)
        self.privacy = OPEN
        self.messenger = self._messenger()

    def _messenger(self) -> Messenger:
        async def connect() -> Homeserver:
            return self.server

        return Messenger(
            ME,
            self.store,
            connect,
            self.clock,
            downloads=self.downloads,
            preview_limit=self.preview_limit,
            privacy=self.privacy,
        )

    async def start(self) -> None:
        """Start and wait for the first sync."""
        await self.messenger.start()
        await self.until(self.store.synced)

    async def stop(self) -> None:
        await self.messenger.stop()
        self.store.close()

    async def restart(self) -> None:
        """As after a crash: what the store holds is all that is left."""
        await self.restart_offline()
        await self.until(self.store.synced)

    async def restart_offline(self) -> None:
        """Restart without waiting for the server."""
        await self.stop()
        self.store = open_store(self.path, ME)
        self.messenger = self._messenger()
        await self.messenger.start()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for the condition while the clock runs, fifty times as fast as time does."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self.clock.turn(0.1)
                await asyncio.sleep(0.002)

    def hand_over(self, intent: Intent) -> int:
        """Write an intent down as a command in another process does."""
        other = open_store(self.path, ME)
        number = other.add_intent(intent)
        other.close()
        return number

    def conversation(self, user_id: UserId = BOB) -> Conversation | None:
        found = self.messenger.conversations(frozenset({user_id}))
        return found[0] if found else None

    def messages(self, user_id: UserId = BOB) -> tuple[Message, ...]:
        return self.messenger.messages(user_id).messages

    def bodies(self, user_id: UserId = BOB) -> list[str]:
        return [message.body for message in self.messages(user_id)]

    def states(self, user_id: UserId = BOB) -> list[SendState]:
        return [message.state for message in self.messages(user_id) if message.own]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """An account that has not been started yet, so that the test can set the server up."""
    desk = Desk(tmp_path / "store.db")
    yield desk
    await desk.stop()
