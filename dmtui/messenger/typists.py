"""Who is typing where, as sync tells: forgotten with the connection, and never written down."""

from __future__ import annotations

from collections.abc import Mapping

from dmtui.core.events import Change, Line, RoomUpdate, TypingChanged, Undecryptable
from dmtui.core.model import RoomId, Safe, UserId
from dmtui.store.store import Store


class Typists:
    """Keeps what ``m.typing`` says of each room; whose message came has stopped."""

    def __init__(self, store: Store):
        self._store = store
        self._typing: dict[RoomId, frozenset[UserId]] = {}

    def take(self, update: RoomUpdate) -> frozenset[Change]:
        """News of a room; what changed by it."""
        before = self._typing.get(update.room_id, frozenset())
        typing = before if update.typing is None else update.typing
        if not update.initial:
            typing -= {
                event.sender
                for event in update.timeline
                if isinstance(event.content, Line | Undecryptable)
            }
        if typing == before:
            return frozenset()
        self._typing[update.room_id] = typing
        return self._changed(update.room_id)

    def forget(self) -> frozenset[Change]:
        """Nobody tells any more when they stop; what changed by it."""
        typing, self._typing = self._typing, {}
        return frozenset().union(*(self._changed(room_id) for room_id in typing))

    def now(self) -> Mapping[UserId, tuple[Safe, ...]]:
        """The names of those who type, by conversation: of its members, and none that I ignore."""
        found: dict[UserId, tuple[Safe, ...]] = {}
        for room_id, typing in self._typing.items():
            owner = self._store.person_of(room_id) if typing else None
            if owner is not None and (names := self._names(room_id, typing)):
                found[owner] = names
        return found

    def _names(self, room_id: RoomId, typing: frozenset[UserId]) -> tuple[Safe, ...]:
        store = self._store
        members = store.evidence.members_among(room_id, typing)
        return tuple(name for one, name in members if not store.ignores(one))

    def _changed(self, room_id: RoomId) -> frozenset[Change]:
        owner = self._store.person_of(room_id)
        return frozenset() if owner is None else frozenset({TypingChanged(owner)})
