"""People as I have arranged them: petname, pin, mute, archive, unread; here first, then there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from dmtui.core.contacts import (
    FAVOURITE,
    LOW_PRIORITY,
    PEOPLE,
    Part,
    TaggedRoom,
    Wish,
    with_contact,
)
from dmtui.core.errors import DmtuiError, Recoverable, SignedOut, StoreTrouble
from dmtui.core.events import Change
from dmtui.core.intents import ArrangeContact, Entry, Outcome
from dmtui.core.model import Milliseconds, Safe, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.clock import Clock, milliseconds
from dmtui.messenger.journal import Journal, Settlement
from dmtui.messenger.ledger import Ledger, Subscription

LONGEST_SLEEP = 60.0
"""Seconds; a machine that was asleep notices within these that a mute is over."""


class Contacts:
    """Every change is in the store when the call returns, and on its way to the server.

    The entry returned tells how that went; ``None``: it is there already. A group's key is its
    room ID.
    """

    def __init__(self, ledger: Ledger, journal: Journal, clock: Clock):
        self._ledger = ledger
        self._records = ledger.store.contacts
        self._journal = journal
        self._clock = clock

    def petname(self, user_id: UserId) -> Safe:
        """What I call the person; empty where I have given no name."""
        return self._records.contact(user_id).petname

    async def rename(self, user_id: UserId, petname: str) -> Entry | None:
        """Call the person so, on my devices alone; an empty name takes the petname away."""
        return await self._change(user_id, lambda: self._records.rename(user_id, petname))

    async def turn_pin(self, user_id: UserId) -> tuple[bool, Entry | None]:
        """Keep the person at the top of the list, or no longer; whether they are there now."""

        def turn() -> tuple[bool, frozenset[Change]]:
            pinned = not self._records.contact(user_id).pinned
            return pinned, self._records.pin(user_id, pinned)

        return await self._turn(user_id, turn)

    async def turn_archive(self, user_id: UserId) -> tuple[bool, Entry | None]:
        """Put the person away until they write again, or bring them back; whether they are away."""

        def turn() -> tuple[bool, frozenset[Change]]:
            archived = not self._records.contact(user_id).archived
            return archived, self._records.archive(user_id, archived)

        return await self._turn(user_id, turn)

    async def turn_unread(self, user_id: UserId, private: bool) -> tuple[bool, Entry | None]:
        """Mark the chat as unread until it is read, or read it; whether it is unread now.

        ``private``: nobody is told that it is read.
        """
        store = self._ledger.store

        def turn() -> tuple[bool, frozenset[Change]]:
            if any(here.is_unread for here in store.conversations([user_id])):
                return False, store.mark_read_here(user_id, private)
            return True, self._records.mark_unread(user_id)

        return await self._turn(user_id, turn)

    async def _turn(
        self, user_id: UserId, turn: Callable[[], tuple[bool, frozenset[Change]]]
    ) -> tuple[bool, Entry | None]:
        """Decided in the writing thread: a key pressed again counts from what it did before."""
        now = False

        def act() -> frozenset[Change]:
            nonlocal now
            now, changes = turn()
            return changes

        entry = await self._change(user_id, act)
        return now, entry

    async def mute(self, user_id: UserId, muted: bool, until: Milliseconds = 0) -> Entry | None:
        """Notify of nothing they write, until then (0: for good), or again of everything."""
        return await self._change(user_id, lambda: self._records.mute(user_id, muted, until))

    async def _change(self, user_id: UserId, act: Callable[[], frozenset[Change]]) -> Entry | None:
        await self._ledger.write(act)
        self._journal.wake()
        wish = ArrangeContact(user_id)
        entries = self._ledger.store.pending_intents()
        return next((entry for entry in entries if entry.intent == wish), None)

    async def run(self) -> None:
        """Watch for ever: mutes whose time is over.

        Archived people who have written come back as their messages reach the store.
        """
        tried = 0  # mutes that the server would not end are tried again after the longest sleep
        changes = self._ledger.subscribe()
        try:
            while True:
                changes.take()
                synced = self._ledger.store.synced()
                end = self._records.next_end(tried) if synced else None
                now = milliseconds(self._clock)
                if end is not None and end <= now:
                    await self._ledger.write(self._records.end_mutes, now)
                    tried = now
                elif not await _changed(changes, self._sleep(end, tried)):
                    tried = 0
        finally:
            changes.close()

    async def _sleep(self, until: Milliseconds | None, tried: Milliseconds) -> None:
        """Until then, or for ever if there is nothing to wait for."""
        if until is None and not tried:
            await asyncio.Event().wait()
        left = LONGEST_SLEEP if until is None else until / 1000 - self._clock.now()
        await self._clock.sleep(min(max(0.0, left), LONGEST_SLEEP))


async def _changed(changes: Subscription, sleep: Coroutine[None, None, None]) -> bool:
    """Whether something changed before the sleep was over."""
    change, pause = asyncio.ensure_future(changes.next()), asyncio.ensure_future(sleep)
    try:
        await asyncio.wait({change, pause}, return_when=asyncio.FIRST_COMPLETED)
        return change.done()
    finally:
        change.cancel()
        pause.cancel()


async def arrange_contact(
    intent: ArrangeContact, homeserver: Homeserver, ledger: Ledger
) -> Settlement:
    """Bring tags, marks, push rules and account data to what the store has; nothing else.

    What the server refuses is wished no longer. Other clients of mine are told of the end of a
    mute last, so that they never see it without the mute.
    """
    records = ledger.store.contacts
    wish = await ledger.run(records.wish, intent.user_id)
    if wish is None:
        return Outcome(ok=True), ()
    try:
        for room in wish.rooms:
            await _arrange_room(homeserver, wish, room)
        if wish.parts & (Part.NAME | Part.MUTE):
            async with ledger.account_data:
                await _write_down(homeserver, wish)
    except (Recoverable, SignedOut, StoreTrouble):
        raise
    except DmtuiError as error:
        await ledger.write(records.refused, wish)
        return Outcome(ok=False, message=str(error)), ()
    await ledger.write(records.published, wish)
    return Outcome(ok=True), ()


async def _arrange_room(homeserver: Homeserver, wish: Wish, room: TaggedRoom) -> None:
    """Only what is not so already is set, as a tag may have an order that setting it loses."""
    contact = wish.contact
    for part, tag, present in (
        (Part.PIN, FAVOURITE, contact.pinned),
        (Part.ARCHIVE, LOW_PRIORITY, contact.archived),
    ):
        if part in wish.parts and not (present and tag in room.tags):
            await homeserver.set_tag(room.room_id, tag, present)
    if Part.MUTE in wish.parts and not (contact.muted and room.muted):
        await homeserver.set_muted(room.room_id, contact.muted)
    if Part.UNREAD in wish.parts and (room.serving or room.marked_unread):
        await homeserver.set_marked_unread(room.room_id, wish.marks(room))


async def _write_down(homeserver: Homeserver, wish: Wish) -> None:
    content = await homeserver.account_data(PEOPLE) or {}
    wanted = with_contact(content, wish.contact, wish.parts)
    if wanted != content:
        await homeserver.set_account_data(PEOPLE, wanted)
