"""The sync loop: batch after batch into the store, with back-off, healing and gap filling."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from dmtui.core.errors import (
    DmtuiError,
    Forbidden,
    NotFound,
    RateLimited,
    Refused,
    ServerTrouble,
    SignedOut,
    Unreachable,
)
from dmtui.core.events import (
    ConnectionChanged,
    History,
    MembershipChange,
    RoomUpdate,
    SyncBatch,
    TimelineEvent,
)
from dmtui.core.model import Availability, JsonObject, Membership, RoomId, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.clock import Clock, back_off
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.line import Line
from dmtui.messenger.typists import Typists
from dmtui.store.store import Gap

HOLD_SECONDS = 30.0
"""How long the server may hold a sync request that has no news."""

PAGE = 100
"""Events asked for in one page of history."""


class Syncing:
    """Keeps the store level with the homeserver."""

    def __init__(
        self,
        ledger: Ledger,
        line: Line,
        clock: Clock,
        direct_seen: Callable[[JsonObject], Awaitable[None]],
    ):
        self._ledger = ledger
        self._line = line
        self._clock = clock
        self._direct_seen = direct_seen
        self._follow = asyncio.Event()
        self._holes = asyncio.Event()
        self._entered: dict[RoomId, Gap] = {}
        self._begun_anew: set[RoomId] = set()
        self._paging: dict[RoomId, asyncio.Task[bool]] = {}
        self.typists = Typists(ledger.store)
        self.caught_up = False
        self._request: asyncio.Future[SyncBatch] | None = None
        self._seen = Availability.OFFLINE  # as the request has me

    def refollow(self) -> None:
        """The rooms to follow, or how I am to be seen, may have changed: ask the server anew."""
        self._follow.set()

    async def end_former_presence(self) -> None:
        """End the request under way, if it has me seen otherwise than I wish."""
        while self._request is not None and self._seen is not self._wished:
            self.refollow()
            await asyncio.wait({self._request})

    @property
    def _wished(self) -> Availability:
        return self._ledger.store.presence() or Availability.OFFLINE

    async def run(self, homeserver: Homeserver) -> None:
        """Sync until signed out."""
        await self._heal(homeserver, None)
        async with asyncio.TaskGroup() as tasks:
            filling = tasks.create_task(self._fill_holes(homeserver))
            await self._sync(homeserver)
            filling.cancel()

    async def _sync(self, homeserver: Homeserver) -> None:
        failures, hold = 0, 0.0
        while True:
            try:
                batch = await self._poll(homeserver, hold)
            except SignedOut as error:
                self._ledger.publish(self.typists.forget())
                self._line.signed_out(str(error))
                return
            except DmtuiError as error:
                failures += 1
                self.caught_up = False
                self._ledger.publish(self.typists.forget())
                delay = error.retry_after if isinstance(error, RateLimited) else back_off(failures)
                self._line.offline(str(error), delay)
                await self._clock.sleep(delay)
                hold = 0.0
                continue
            failures = 0
            if batch is not None:
                await self._apply(homeserver, batch)
                hold = HOLD_SECONDS if batch.complete else 0.0

    async def _poll(self, homeserver: Homeserver, hold: float) -> SyncBatch | None:
        """One request; given up (``None``) when another one is to be made."""
        store = self._ledger.store
        self._follow.clear()
        rooms = await self._ledger.run(store.followed_rooms)
        token = await self._ledger.run(store.token)
        seen = self._wished  # what is wished from here on finds the request, and ends it
        request = asyncio.ensure_future(homeserver.sync(token, rooms, hold, seen))
        self._request, self._seen = request, seen
        change = asyncio.ensure_future(self._changed(rooms, seen))
        try:
            await asyncio.wait({request, change}, return_when=asyncio.FIRST_COMPLETED)
            return request.result() if request.done() else None
        finally:
            for task in (request, change):
                task.cancel()
            await asyncio.gather(request, change, return_exceptions=True)
            self._request = None

    async def _changed(self, rooms: frozenset[RoomId], seen: Availability) -> None:
        """Other rooms are to be followed, or I am to be seen otherwise."""
        store = self._ledger.store
        while True:
            await self._follow.wait()
            self._follow.clear()
            if self._wished is not seen or await self._ledger.run(store.followed_rooms) != rooms:
                return

    async def _apply(self, homeserver: Homeserver, batch: SyncBatch) -> None:
        await self._ledger.write(self._ledger.store.apply, batch)
        self._line.online()
        if batch.complete and not self.caught_up:
            self._ledger.publish(frozenset({ConnectionChanged()}))
        self.caught_up = batch.complete
        for update in batch.rooms:
            self._ledger.publish(self.typists.take(update))
            self._note_entered(update)
        if batch.room_keys:
            await self._heal(homeserver, batch.room_keys)
        if batch.direct is not None:
            await self._direct_seen(batch.direct)
        self._holes.set()

    def _note_entered(self, update: RoomUpdate) -> None:
        """What was said to me before I joined: another homeserver's rooms begin with my joining."""
        me = self._ledger.store.me
        if update.prev_batch is not None and any(_enters(event, me) for event in update.timeline):
            self._entered[update.room_id] = Gap(update.room_id, update.prev_batch, beginning=True)

    async def heal_all(self, homeserver: Homeserver) -> None:
        """Decrypt whatever can be read now: keys came by another way than sync."""
        await self._heal(homeserver, None)

    async def _heal(
        self, homeserver: Homeserver, sessions: tuple[tuple[RoomId, str], ...] | None
    ) -> None:
        store = self._ledger.store
        waiting = await self._ledger.run(store.undecryptable, sessions)
        for room_id, raw in waiting.items():
            events = await homeserver.decrypt(room_id, raw)
            await self._ledger.write(store.apply_decrypted, room_id, events)

    # -- what lies between and before the stored stretches --

    async def _fill_holes(self, homeserver: Homeserver) -> None:
        attempts = 0
        put_off: dict[Gap, ServerTrouble] = {}  # until every other hole has had its turn
        while True:
            self._holes.clear()
            stored = await self._ledger.run(self._ledger.store.holes)
            holes = (one for one in (*stored, *self._entered.values()) if one not in put_off)
            hole = next(holes, None)
            if hole is None:
                if not put_off:
                    await self._holes.wait()
                    continue
                attempts += 1
                await self._line.pause(put_off.popitem()[1], attempts)
                put_off.clear()
                continue
            try:
                await self._page(homeserver, hole)
            except (Unreachable, RateLimited, SignedOut) as error:
                attempts += 1
                await self._line.pause(error, attempts)
            except ServerTrouble as error:
                put_off[hole] = error
            else:
                attempts = 0
                if self._entered.get(hole.room_id) == hole:
                    del self._entered[hole.room_id]

    async def page_back(self, homeserver: Homeserver, gap: Gap) -> bool:
        """Fetch a page into the gap; true unless it was the last. Shared by simultaneous callers.

        Raises ``Recoverable`` and ``SignedOut``.
        """
        task = self._paging.get(gap.room_id)
        if task is None:
            task = asyncio.create_task(self._page(homeserver, gap))
            self._paging[gap.room_id] = task
            task.add_done_callback(lambda _: self._paging.pop(gap.room_id, None))
        return await asyncio.shield(task)

    async def _page(self, homeserver: Homeserver, gap: Gap) -> bool:
        history = await self._history(homeserver, gap)
        await self._ledger.write(self._ledger.store.apply_history, gap, history)
        return history.end is not None

    async def _history(self, homeserver: Homeserver, gap: Gap) -> History:
        """The page; of a place that the server has forgotten, the newest, once in a run."""
        try:
            return await homeserver.history(gap.room_id, gap.before, PAGE)
        except SignedOut:
            raise
        except Refused as error:
            if error.status == 400 and gap.before and gap.room_id not in self._begun_anew:
                self._begun_anew.add(gap.room_id)
                return await self._history(homeserver, replace(gap, before=""))
            if isinstance(error, Forbidden | NotFound):
                return History((), None)  # it will never tell: what is there is all there is
            raise ServerTrouble(str(error)) from error


def _enters(event: TimelineEvent, user_id: UserId) -> bool:
    match event.content:
        case MembershipChange(member, previous) if member.user_id == user_id:
            return member.membership is Membership.JOIN and previous is not Membership.JOIN
        case _:
            return False
