"""Has an intent carried out: by this process if no other owns the account, else by the other."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from dmtui.command_line.answers import Failure
from dmtui.compose import messenger_for, write_log
from dmtui.core.errors import ProfileInUse
from dmtui.core.intents import Accept, Decline, EditDirect, Entry, Intent, Outcome
from dmtui.core.model import Phase, Session
from dmtui.lock import ProfileLock
from dmtui.profile import ProfilePaths
from dmtui.store.store import Store

if TYPE_CHECKING:
    from dmtui.messenger.messenger import Messenger

PATIENCE = 30.0
"""Seconds until an intent is left to whoever runs dmtui next."""

CONSEQUENCES = 5.0
"""Seconds to wait for what follows from an intent; it is journalled in any case."""

LOOK_EVERY = 0.1
"""Seconds between two looks at what another process has done."""

Wish: TypeAlias = Callable[[Store], Intent]
"""The intent, decided from what is in the store; raises ``DmtuiError`` if there is none."""


class Errand:
    """One run of one command: waits for the first sync, then for the outcome of an intent."""

    def __init__(
        self,
        paths: ProfilePaths,
        session: Session,
        store: Store,
        wish: Wish | None,
        patience: float = PATIENCE,
    ):
        self._paths = paths
        self._session = session
        self._store = store
        self._wish = wish
        self._entry: Entry | None = None
        self._why = ""
        self._deadline = time.monotonic() + patience

    def run(self) -> Outcome:
        """The outcome, or success after the first sync where nothing is wished.

        Raises ``Failure`` when time is up; the intent then stays queued.
        """
        while (outcome := self._outcome()) is None:
            if self._left() <= 0:
                raise self._time_is_up()
            try:
                with ProfileLock(self._paths):
                    asyncio.run(self._carry_out())
            except ProfileInUse:
                self._hand_over()
                time.sleep(LOOK_EVERY)
        return outcome

    def _outcome(self) -> Outcome | None:
        if self._wish is None:
            return Outcome(ok=True) if self._store.synced() else None
        if self._entry is None:
            return None
        self._entry = self._store.intent(self._entry.number) or self._entry
        self._why = self._entry.problem or self._why
        return self._entry.outcome

    def _hand_over(self) -> None:
        """Write the intent down for the process that owns the account."""
        if self._entry is None and self._store.synced() and self._wish is not None:
            self._write_down(self._wish(self._store))

    def _write_down(self, intent: Intent) -> None:
        self._entry = self._store.intent(self._store.add_intent(intent))

    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _time_is_up(self) -> Failure:
        why = self._why.rstrip(".") or "the homeserver does not answer"
        if self._entry is not None:
            return Failure(f"not done yet: {why}; it stays queued.")
        return Failure(f"not done: {why}.")

    # -- with the account to ourselves --

    async def _carry_out(self) -> None:
        if self._outcome() is not None:  # the former owner did it at last
            return
        self._answer_known_invite()
        write_log(self._paths)
        messenger = messenger_for(self._paths, self._session, self._store)
        await messenger.start()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._left())):
                    await self._with(messenger)
        finally:
            await messenger.stop()

    def _answer_known_invite(self) -> None:
        """An answer needs no news first, and joins one that is queued already.

        A message does: which room is the conversation is decided from what the server has now.
        """
        if self._wish is None or self._entry is not None or not self._store.synced():
            return
        with contextlib.suppress(Failure):  # the invite may be news yet
            intent = self._wish(self._store)
            if isinstance(intent, Accept | Decline):
                self._write_down(intent)

    async def _with(self, messenger: Messenger) -> None:
        await self._until(messenger, lambda: self._is_level(messenger))
        if self._wish is None:
            return
        if self._entry is None:
            self._entry = await messenger.write_down(self._wish(self._store))
        await self._until(messenger, lambda: self._outcome() is not None)
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
