"""Files on their way up and down: how far each is, and an end to it when the user says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import TypeVar

from dmtui.core.errors import GivenUp
from dmtui.core.events import TimelineChanged
from dmtui.core.model import Message, Page, Transfer, UserId
from dmtui.core.ports import Progress
from dmtui.messenger.clock import Clock
from dmtui.messenger.ledger import Ledger

T = TypeVar("T")

TOLD_EVERY = 0.25
"""Seconds between two looks at how far a file is."""


@dataclass(slots=True)
class _Moving:
    user_id: UserId
    transfer: Transfer
    end: Callable[[], object]
    told_at: float
    given_up: bool = False


class Transfers:
    """All that are under way, each by the key or the transaction ID of its message."""

    def __init__(self, ledger: Ledger, clock: Clock):
        self._ledger = ledger
        self._clock = clock
        self._moving: dict[str, _Moving] = {}

    async def carry_out(
        self,
        name: str,
        user_id: UserId,
        sending: bool,
        work: Callable[[Progress], Coroutine[None, None, T]],
    ) -> T:
        """Move a file of this person's conversation. ``GivenUp`` once :meth:`give_up` ends it."""
        if name in self._moving:
            raise GivenUp("It is under way already.")
        task = asyncio.ensure_future(work(lambda done, total: self._tell(name, done, total)))
        moving = _Moving(user_id, Transfer(sending, 0, 0), task.cancel, self._clock.now())
        self._moving[name] = moving
        self._publish(moving)
        try:
            return await task
        except asyncio.CancelledError:
            if moving.given_up:
                raise GivenUp("You ended it.") from None
            raise
        finally:
            del self._moving[name]
            self._publish(moving)

    def give_up(self, name: str) -> None:
        """End it, if it is under way."""
        if (moving := self._moving.get(name)) is not None:
            moving.given_up = True
            moving.end()

    def shown(self, page: Page) -> Page:
        """The page, and how far the files of its messages are."""
        if not self._moving:
            return page
        return replace(page, messages=tuple(map(self._with_transfer, page.messages)))

    def _with_transfer(self, message: Message) -> Message:
        moving = self._moving.get(message.key)
        if moving is None and message.transaction_id is not None:
            moving = self._moving.get(message.transaction_id)
        return message if moving is None else replace(message, transfer=moving.transfer)

    def _tell(self, name: str, done: int, total: int) -> None:
        moving = self._moving.get(name)
        if moving is None:
            return
        moving.transfer = replace(moving.transfer, done=done, total=total)
        if self._clock.now() - moving.told_at >= TOLD_EVERY:
            moving.told_at = self._clock.now()
            self._publish(moving)

    def _publish(self, moving: _Moving) -> None:
        self._ledger.publish(frozenset({TimelineChanged(moving.user_id)}))
