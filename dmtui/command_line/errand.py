"""Has intents carried out: by this process if no other owns the account, else by the other."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from dmtui.command_line.answers import Failure
from dmtui.command_line.signed_in import open_key, profile_key
from dmtui.compose import messenger_for, write_log
from dmtui.core.errors import ProfileInUse
from dmtui.core.intents import (
    Accept,
    BlockInvites,
    Decline,
    EditDirect,
    Entry,
    Ignore,
    Intent,
    Outcome,
    Report,
)
from dmtui.core.model import Phase
from dmtui.lock import ProfileLock
from dmtui.profile import ProfilePaths
from dmtui.session import SavedSession
from dmtui.store.store import Store

if TYPE_CHECKING:
    from dmtui.messenger.messenger import Messenger
    from dmtui.profile_key.profile_key import ProfileKey

PATIENCE = 30.0
"""Seconds until an intent is left to whoever runs dmtui next."""

CONSEQUENCES = 5.0
"""Seconds to wait for what follows from an intent; it is journalled in any case."""

LOOK_EVERY = 0.1
"""Seconds between two looks at what another process has done."""

Wish: TypeAlias = Callable[[Store], Sequence[Intent]]
"""The intents, decided from what is in the store; raises ``DmtuiError`` if there are none."""

NEEDS_NO_NEWS = (Accept, Decline, Ignore, Report, BlockInvites)
"""What can be decided before the server has told its news."""


class Errand:
    """One run of one command: waits for the first sync, then for the outcomes of its intents."""

    def __init__(
        self,
        paths: ProfilePaths,
        session: SavedSession,
        store: Store,
        wish: Wish | None,
        patience: float = PATIENCE,
        key: ProfileKey | None = None,
    ):
        self._paths = paths
        self._session = session
        self._store = store
        self._wish = wish
        self._key = key or profile_key(paths)
        self._entries: list[Entry] = []
        self._why = ""
        self._deadline = time.monotonic() + patience

    def run(self) -> tuple[Outcome, ...]:
        """The outcome of each intent; none after the first sync where nothing is wished.

        When time is up, whatever is not done stays queued; raises ``Failure`` if that is all.
        """
        while not self._is_done():
            if self._left() <= 0:
                return self._when_time_is_up()
            try:
                with ProfileLock(self._paths):
                    self._open_key()
                    asyncio.run(self._carry_out())
            except ProfileInUse:
                self._hand_over()
                time.sleep(LOOK_EVERY)
        return tuple(entry.outcome for entry in self._entries if entry.outcome is not None)

    def _open_key(self) -> None:
        """Unless nothing is left to do; what the user takes to type costs no patience."""
        if not self._is_done():
            begun = time.monotonic()
            open_key(self._key)
            self._deadline += time.monotonic() - begun

    def _is_done(self) -> bool:
        if self._wish is None:
            return self._store.synced()
        self._entries = [self._store.intent(entry.number) or entry for entry in self._entries]
        self._why = next((e.problem for e in self._entries if e.problem), self._why)
        return bool(self._entries) and all(entry.outcome for entry in self._entries)

    def _hand_over(self) -> None:
        """Write the intents down for the process that owns the account."""
        if not self._entries and self._store.synced() and self._wish is not None:
            self._write_down(self._wish(self._store))

    def _write_down(self, intents: Sequence[Intent]) -> None:
        numbers, _ = self._store.add_intents(intents)
        entries = (self._store.intent(number) for number in numbers)
        self._entries = [entry for entry in entries if entry is not None]

    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _when_time_is_up(self) -> tuple[Outcome, ...]:
        why = self._why.rstrip(".") or "the homeserver does not answer"
        if not self._entries:
            raise Failure(f"not done: {why}.")
        waiting = Outcome(ok=False, message=f"not done yet: {why}; it stays queued.")
        if not any(entry.outcome for entry in self._entries):
            raise Failure(waiting.message)
        return tuple(entry.outcome or waiting for entry in self._entries)

    # -- with the account to ourselves --

    async def _carry_out(self) -> None:
        if self._is_done():  # the former owner did it at last
            return
        self._decide_early()
        write_log(self._paths)
        messenger = messenger_for(self._paths, self._session, self._store, self._key)
        await messenger.start()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._left())):
                    await self._with(messenger)
        finally:
            await messenger.stop()

    def _decide_early(self) -> None:
        """An answer needs no news first, and joins one that is queued already.

        A message does: which room is the conversation is decided from what the server has now.
        """
        if self._wish is None or self._entries or not self._store.synced():
            return
        with contextlib.suppress(Failure):  # the invite may be news yet
            intents = self._wish(self._store)
            if all(isinstance(intent, NEEDS_NO_NEWS) for intent in intents):
                self._write_down(intents)

    async def _with(self, messenger: Messenger) -> None:
        await self._until(messenger, lambda: self._is_level(messenger))
        if self._wish is None:
            return
        if not self._entries:
            intents = self._wish(self._store)
            self._entries = [await messenger.write_down(intent) for intent in intents]
        await self._until(messenger, self._is_done)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONSEQUENCES):
                await self._until(messenger, self._has_no_consequences)

    def _is_level(self, messenger: Messenger) -> bool:
        """Whether the store is as the server has it, or an intent may be queued all the same."""
        connection = messenger.connection
        if connection.phase is Phase.ONLINE:
            self._why = "your chats are still being loaded"
        elif connection.phase is Phase.OFFLINE:
            self._why = connection.reason
        return connection.phase is not Phase.CONNECTING and messenger.synced

    def _has_no_consequences(self) -> bool:
        """What followed from the intent is done as well: the chat stands in ``m.direct``."""
        pending = self._store.pending_intents()
        return not any(isinstance(entry.intent, EditDirect | Decline) for entry in pending)

    async def _until(self, messenger: Messenger, reached: Callable[[], bool]) -> None:
        """Wait; raises ``Failure`` when the messenger stops for good."""
        changes = messenger.subscribe()
        try:
            while not reached():
                connection = messenger.connection
                if connection.phase is Phase.SIGNED_OUT:
                    raise Failure(
                        f"{connection.reason.rstrip('.')}. Run dmtui logout, then dmtui login."
                    )
                if connection.phase is Phase.OFFLINE and connection.retry_at is None:
                    raise Failure(connection.reason)
                await changes.next()
        finally:
            changes.close()
