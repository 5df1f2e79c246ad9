"""The local database: writes rows, returns frozen snapshots and the keys of what changed.

Skeleton of the public surface; every write is one transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dmtui.core.direct import Candidate
from dmtui.core.events import Change, History, SyncBatch, TimelineEvent
from dmtui.core.intents import Entry, Intent, Outcome
from dmtui.core.model import (
    Conversation,
    Cursor,
    EventId,
    Invite,
    JsonObject,
    Member,
    Message,
    Milliseconds,
    Page,
    RoomId,
    TransactionId,
    UserId,
)


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing events of a room: ``before`` pages back from its upper end (``/messages`` token).

    ``beginning`` is true for the gap that reaches back to the room's creation (ordinary paging);
    false for a hole between two stored stretches.
    """

    room_id: RoomId
    before: str
    beginning: bool


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A queued message, ready to be sent."""

    transaction_id: TransactionId
    room_id: RoomId
    user_id: UserId
    body: str
    encrypted: bool


class Store:
    """One account's database. Writes may come from a worker thread, reads from the UI's."""

    @classmethod
    def open(cls, path: Path, me: UserId) -> Self:
        """Open or create; raises ``StoreTrouble`` (unreadable, newer than this dmtui, other account)."""
        raise NotImplementedError

    def close(self) -> None: ...

    def data_version(self) -> int:
        """Changes when another process has written (``PRAGMA data_version``)."""
        raise NotImplementedError

    # -- the server's side --
    def token(self) -> str | None:
        """The sync token to resume from."""
        raise NotImplementedError

    def synced(self) -> bool:
        """Whether the whole account was once in the store (a ``complete`` batch was applied)."""
        raise NotImplementedError

    def apply(self, batch: SyncBatch) -> frozenset[Change]:
        """Commit a batch and its token in one transaction; applying it again changes nothing."""
        raise NotImplementedError

    def apply_history(self, gap: Gap, history: History) -> frozenset[Change]:
        """Put older events before what follows the gap; closes it when it meets stored events."""
        raise NotImplementedError

    def apply_decrypted(
        self, room_id: RoomId, events: Sequence[TimelineEvent]
    ) -> frozenset[Change]:
        """Heal undecryptable messages in place."""
        raise NotImplementedError

    def undecryptable(
        self, sessions: Collection[tuple[RoomId, str]] | None
    ) -> dict[RoomId, list[str]]:
        """Raw events per room waiting for these sessions (``None``: for any)."""
        raise NotImplementedError

    def apply_members(self, room_id: RoomId, members: Sequence[Member]) -> frozenset[Change]:
        """Replace what is known of the room's members."""
        raise NotImplementedError

    def gap_before(self, user_id: UserId, cursor: Cursor | None) -> Gap | None:
        """The nearest gap at or above the cursor in the conversation (``None``: from the newest)."""
        raise NotImplementedError

    def holes(self) -> tuple[Gap, ...]:
        """Gaps between stored stretches, of limited timelines, newest rooms first."""
        raise NotImplementedError

    def direct(self) -> JsonObject | None:
        """``m.direct`` as last seen; ``None`` before the first sync named it."""
        raise NotImplementedError

    def followed_rooms(self) -> frozenset[RoomId]:
        """Rooms to follow in sync: in ``m.direct``, or in a pending ``EditDirect``/``Accept``."""
        raise NotImplementedError

    def room_of_nonce(self, nonce: str) -> RoomId | None:
        """The room that our own createRoom with this nonce made, once sync has shown it."""
        raise NotImplementedError

    # -- reading --
    def people(self) -> tuple[Conversation, ...]:
        """All conversations, newest first."""
        raise NotImplementedError

    def conversations(self, user_ids: Collection[UserId]) -> tuple[Conversation, ...]:
        """Those of the given people that exist."""
        raise NotImplementedError

    def messages(self, user_id: UserId, before: Cursor | None, limit: int) -> Page:
        """The newest ``limit`` messages before the cursor, oldest first."""
        raise NotImplementedError

    def messages_from(self, user_id: UserId, first: Cursor) -> Page:
        """All messages at or after the cursor: to refresh what is on screen."""
        raise NotImplementedError

    def message(self, transaction_id: TransactionId) -> Message | None:
        raise NotImplementedError

    def invites(self) -> tuple[Invite, ...]:
        """Pending invites: direct ones first, then newest first."""
        raise NotImplementedError

    def candidates(self, user_id: UserId) -> tuple[Candidate, ...]:
        """Rooms that could be the conversation with this person, unranked."""
        raise NotImplementedError

    def person_of(self, room_id: RoomId) -> UserId | None:
        """The person whose conversation the room belongs to."""
        raise NotImplementedError

    def newest_event(self, user_id: UserId) -> tuple[RoomId, EventId] | None:
        """The newest event of the conversation that has an event ID: what a receipt points at."""
        raise NotImplementedError

    # -- the user's side --
    def set_draft(self, user_id: UserId, text: str) -> frozenset[Change]:
        raise NotImplementedError

    def queue_message(
        self,
        user_id: UserId,
        room_id: RoomId,
        transaction_id: TransactionId,
        body: str,
        at: Milliseconds,
    ) -> frozenset[Change]:
        """Insert the local echo; clears the person's draft in the same transaction."""
        raise NotImplementedError

    def next_outgoing(self, busy: Collection[RoomId]) -> Outgoing | None:
        """The oldest queued message of a room that is not busy."""
        raise NotImplementedError

    def mark_sending(self, transaction_id: TransactionId) -> frozenset[Change]: ...  # type: ignore[empty-body]
    def mark_queued(self, transaction_id: TransactionId) -> frozenset[Change]: ...  # type: ignore[empty-body]
    def mark_sent(self, transaction_id: TransactionId, event_id: EventId) -> frozenset[Change]: ...  # type: ignore[empty-body]
    def mark_failed(self, transaction_id: TransactionId, reason: str) -> frozenset[Change]: ...  # type: ignore[empty-body]
    def discard(self, transaction_id: TransactionId) -> frozenset[Change]:
        """Remove a message of ours that was not sent."""
        raise NotImplementedError

    def requeue_interrupted(self) -> frozenset[Change]:
        """At start: messages in ``sending`` go back to ``queued`` (same transaction ID)."""
        raise NotImplementedError

    def mark_read_here(self, user_id: UserId) -> frozenset[Change]:
        """Everything is read: unread becomes 0 and stays so until something newer arrives.

        Journals ``MarkRead`` for each room concerned, replacing an older pending one.
        """
        raise NotImplementedError

    # -- intents --
    def add_intent(self, intent: Intent) -> int:
        """Write it down; an identical pending one is not written twice: its number is returned."""
        raise NotImplementedError

    def pending_intents(self) -> tuple[Entry, ...]:
        """In the order they were written."""
        raise NotImplementedError

    def intent(self, number: int) -> Entry | None:
        raise NotImplementedError

    def replace_intent(self, number: int, intent: Intent) -> None:
        """Record progress of a pending intent (``CreateRoom.posted``)."""
        raise NotImplementedError

    def postpone_intent(self, number: int, problem: str) -> frozenset[Change]:
        """A try did not get through: counts it and keeps the reason."""
        raise NotImplementedError

    def settle_intent(
        self, number: int, outcome: Outcome, then: Sequence[Intent] = ()
    ) -> frozenset[Change]:
        """End it and write down what follows from it, in one transaction."""
        raise NotImplementedError
