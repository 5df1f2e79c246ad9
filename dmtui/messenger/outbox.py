"""Sends what is queued: in order within a room, again until the server has given its verdict."""

from __future__ import annotations

import asyncio
from collections import Counter

from dmtui.core.errors import DmtuiError, Forbidden, Recoverable, Refused, SignedOut, TrustAlarm
from dmtui.core.events import Line as Spoken
from dmtui.core.model import RoomId, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.attaching import Attaching
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.line import Line
from dmtui.store.alarms import Hold
from dmtui.store.store import Outgoing

ALREADY_REACTED = "M_DUPLICATE_ANNOTATION"
"""Another device of mine has reacted with the same emoji: sync brings that reaction."""


class Outbox:
    """One message under way per room; a failed one is parked and lets later ones pass.

    Where the user has to decide about somebody first, the messages to them wait.
    """

    def __init__(self, ledger: Ledger, line: Line, attaching: Attaching):
        self._ledger = ledger
        self._line = line
        self._attaching = attaching
        self._busy: set[RoomId] = set()
        self._held: dict[RoomId, tuple[frozenset[UserId], Hold]] = {}
        self._attempts: Counter[RoomId] = Counter()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for queued messages now."""
        self._wake.set()

    async def run(self, homeserver: Homeserver) -> None:
        """Send for ever. What a crash left in ``sending`` goes out under the same ID."""
        store = self._ledger.store
        self._busy.clear()
        await self._ledger.write(store.requeue_interrupted)
        async with asyncio.TaskGroup() as deliveries:
            while True:
                self._wake.clear()
                await self._let_go()
                waiting = self._busy | self._held.keys()
                outgoing = await self._ledger.run(store.next_outgoing, frozenset(waiting))
                if outgoing is None:
                    await self._wake.wait()
                else:
                    self._busy.add(outgoing.room_id)
                    deliveries.create_task(self._deliver(homeserver, outgoing))

    async def _let_go(self) -> None:
        """Try rooms again whose people or their keys are not as they were; a wrong try is cheap."""
        for room_id, (people, hold) in list(self._held.items()):
            if await self._ledger.run(self._ledger.store.hold, room_id, people) != hold:
                del self._held[room_id]

    async def _deliver(self, homeserver: Homeserver, outgoing: Outgoing) -> None:
        try:
            await self._attempt(homeserver, outgoing)
        finally:
            self._busy.discard(outgoing.room_id)
            self.wake()

    async def _attempt(self, homeserver: Homeserver, outgoing: Outgoing) -> None:
        store, write = self._ledger.store, self._ledger.write
        room_id, transaction_id = outgoing.room_id, outgoing.transaction_id
        await write(store.mark_sending, transaction_id)
        current = store.being_sent(transaction_id)
        if current is None:
            return  # discarded meanwhile, or the chat has become a group
        try:
            content = await self._attaching.uploaded(homeserver, current)
            event_id = await homeserver.send(room_id, transaction_id, content, current.encrypted)
        except (Recoverable, SignedOut) as error:
            self._attempts[room_id] += 1
            await write(store.mark_queued, transaction_id)
            await self._line.pause(error, self._attempts[room_id])
        except TrustAlarm as error:
            people = frozenset(error.alarms)
            await write(store.raise_alarms, error.alarms)
            self._held[room_id] = people, await self._ledger.run(store.hold, room_id, people)
            await write(store.mark_queued, transaction_id)
        except Forbidden as error:
            await write(store.mark_refused, transaction_id, str(error))
        except DmtuiError as error:
            await write(store.mark_failed, transaction_id, str(error))
            if isinstance(error, Refused) and error.errcode == ALREADY_REACTED:
                await write(store.discard, transaction_id)
        else:
            del self._attempts[room_id]
            await write(store.mark_sent, transaction_id, event_id)
            if isinstance(content, Spoken):
                await self._attaching.drop(content.attachment)
