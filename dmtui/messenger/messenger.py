"""The façade of the application service: plain values in, plain values and keys of changes out.

Skeleton of the public surface that screens and commands rely on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from dmtui.core.events import Change
from dmtui.core.intents import Outcome
from dmtui.core.model import (
    Connection,
    Conversation,
    Cursor,
    Invite,
    Page,
    Profile,
    RoomId,
    TransactionId,
    UserId,
)


@dataclass(frozen=True, slots=True)
class Opened:
    """Start Chat found or made the conversation."""

    user_id: UserId
    room_id: RoomId


@dataclass(frozen=True, slots=True)
class InvitedAlready:
    """The person has a direct invite to me pending: accept that one instead of making a room."""

    invite: Invite


@dataclass(frozen=True, slots=True)
class PersonLeft:
    """The person left the direct room: invite back, or start anew?"""

    user_id: UserId
    room_id: RoomId


@dataclass(frozen=True, slots=True)
class Unverified:
    """The server could not confirm that the user exists; ``why`` is one line."""

    user_id: UserId
    why: str


@dataclass(frozen=True, slots=True)
class Unencrypted:
    """The person has no device that can decrypt; the chat would be unencrypted."""

    user_id: UserId
    why: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Written down, and carried out once the homeserver answers; ``why`` is one line."""

    user_id: UserId
    why: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It can't be done; ``why`` is one line."""

    user_id: UserId
    why: str


StartChatResult: TypeAlias = (
    Opened | InvitedAlready | PersonLeft | Unverified | Unencrypted | Waiting | Failed
)


@dataclass(frozen=True, slots=True)
class Consent:
    """What the user has agreed to while starting a chat."""

    unverified: bool = False  # go on although the profile could not be confirmed
    unencrypted: bool = False  # go on without encryption
    anew: bool = False  # make a new room although the person left an old one
    invite_back: bool = False  # invite the person back to the old room


class Subscription:
    """Changes not yet read by one reader, as a set: a burst becomes one refresh."""

    async def next(self) -> frozenset[Change]:
        """Wait for at least one change and take all there are."""
        raise NotImplementedError

    def close(self) -> None: ...


class Messenger:
    """Everything dmtui can do with an account. Lives on one asyncio loop.

    Reads are quick (SQLite, well under a frame) and never wait for the network; acts write their
    intent down first and raise only ``StoreTrouble`` unless said otherwise.
    """

    @property
    def me(self) -> UserId:
        raise NotImplementedError

    async def start(self) -> None:
        """Begin syncing, sending and carrying out intents, in the background."""

    async def stop(self) -> None:
        """Stop everything; nothing is lost."""

    def subscribe(self) -> Subscription:
        raise NotImplementedError

    # -- reading --
    @property
    def connection(self) -> Connection:
        raise NotImplementedError

    @property
    def synced(self) -> bool:
        """Whether the account was ever completely synced into the store."""
        raise NotImplementedError

    def people(self) -> tuple[Conversation, ...]:
        """All conversations, newest first."""
        raise NotImplementedError

    def conversations(self, user_ids: frozenset[UserId]) -> tuple[Conversation, ...]:
        """Those of the given people that exist."""
        raise NotImplementedError

    def messages(self, user_id: UserId, before: Cursor | None = None, limit: int = 50) -> Page:
        raise NotImplementedError

    def messages_from(self, user_id: UserId, first: Cursor) -> Page:
        raise NotImplementedError

    def invites(self) -> tuple[Invite, ...]:
        raise NotImplementedError

    def is_typing(self, user_id: UserId) -> bool:
        raise NotImplementedError

    def pending(self) -> tuple[str, ...]:
        """What waits for the server, one line each ("DM flag pending for Bob")."""
        raise NotImplementedError

    # -- talking --
    async def send(self, user_id: UserId, text: str) -> TransactionId:
        """Queue a text message to the conversation's room; returns once it is on disk."""
        raise NotImplementedError

    async def retry(self, transaction_id: TransactionId) -> None:
        """Queue a failed message again."""

    async def discard(self, transaction_id: TransactionId) -> str:
        """Remove a failed or queued message and return its text (for editing)."""
        raise NotImplementedError

    async def load_older(self, user_id: UserId, before: Cursor | None) -> bool:
        """Fetch older messages from the server; false at the beginning. Raises ``DmtuiError``."""
        raise NotImplementedError

    async def save_draft(self, user_id: UserId, text: str) -> None: ...

    async def mark_read(self, user_id: UserId) -> None:
        """The user has seen the newest message of the conversation."""

    def set_typing(self, user_id: UserId, typing: bool) -> None:
        """Tell the person that I am typing (rate limited inside)."""

    # -- direct messages --
    async def start_chat(self, user_id: UserId, consent: Consent = Consent()) -> StartChatResult:
        """Find the conversation or make it; asks for consent by its result. ``InvalidUserId``."""
        raise NotImplementedError

    async def accept(self, room_id: RoomId, direct: bool = True) -> Outcome | None:
        """Accept a pending invite; ``None`` when it waits for the server."""
        raise NotImplementedError

    async def decline(self, room_id: RoomId, ignore: bool = False) -> Outcome | None:
        """Decline a pending invite; ``None`` when it waits for the server."""
        raise NotImplementedError

    async def deliver(self, user_id: UserId, text: str) -> Outcome | None:
        """Start Chat semantics, then one message; ``None`` when it waits for the server."""
        raise NotImplementedError

    async def search_people(self, term: str) -> tuple[Profile, ...]:
        """Known people first, then the user directory. Raises ``DmtuiError``."""
        raise NotImplementedError

    async def logout(self) -> None:
        """End the session on the server. Raises ``DmtuiError``."""
