"""What is done to messages that are there: edited, reacted to, deleted."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from dmtui.core.events import Change, Line
from dmtui.core.model import Message, Milliseconds, RoomId, Safe, TransactionId
from dmtui.core.slash import Said
from dmtui.messenger.clock import Clock, milliseconds
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.markdown import formatted
from dmtui.store.store import Store


def new_transaction() -> TransactionId:
    """An ID under which something is sent once, however often it is tried."""
    return TransactionId(f"dmtui-{secrets.token_urlsafe(12)}")


def typed(text: str | Said, store: Store, room_id: RoomId | None) -> Line:
    """The message that somebody means who types this, Markdown and all, in the room."""
    said = text if isinstance(text, Said) else Said(text)
    if said.plain:
        return Line(said.kind, Safe(said.text))
    people = store.evidence.members(room_id) if room_id is not None and "@" in said.text else ()
    return Line(said.kind, Safe(said.text), formatted(said.text, dict(people)))


class Relations:
    """Acts on messages by their keys; each returns once it is on disk, and shows at once.

    What can't be done any more, because the message is deleted meanwhile, does nothing.
    """

    def __init__(self, ledger: Ledger, clock: Clock, queued: Callable[[], None]):
        self._ledger = ledger
        self._clock = clock
        self._queued = queued

    async def edit(self, key: str, text: str | Said) -> None:
        """Change a message of mine; one that was not sent yet is sent as this."""
        store, now = self._ledger.store, milliseconds(self._clock)

        def edit() -> frozenset[Change]:
            message = store.relations.message(key)
            line = typed(text, store, message.room_id if message else None)
            return store.relations.edit(key, new_transaction(), line, now)

        await self._ledger.write(edit)
        self._queued()

    async def react(self, key: str, emoji: str) -> None:
        """React to a message; the same emoji again takes it back."""
        react, now = self._ledger.store.relations.react, milliseconds(self._clock)
        await self._ledger.write(react, key, new_transaction(), Safe(emoji), now)
        self._queued()

    async def delete(self, key: str) -> None:
        """Delete a message of mine for everybody."""
        delete = self._ledger.store.relations.delete
        await self._ledger.write(delete, key, new_transaction(), milliseconds(self._clock))
        self._queued()

    def edit_times(self, key: str) -> tuple[Milliseconds, ...]:
        """When the message was edited, oldest first."""
        return self._ledger.store.relations.edit_times(key)

    def readers(self, key: str) -> tuple[tuple[Safe, Milliseconds], ...]:
        """Who else has read the message, and when at the latest."""
        return self._ledger.store.relations.readers(key)

    def message(self, key: str) -> Message | None:
        """One message, wherever it is."""
        return self._ledger.store.relations.message(key)
