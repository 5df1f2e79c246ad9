"""What Start Chat answers: a small sealed type, and the consents that a question asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from dmtui.core.model import Invite, RoomId, UserId


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
class Unmarked:
    """The two of us are alone in a room never marked as a direct chat: is that the chat?"""

    user_id: UserId
    room_id: RoomId
    why: str


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
class Ignored:
    """I ignore the person, and would never see an answer; ``why`` is one line."""

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
    Opened
    | InvitedAlready
    | PersonLeft
    | Unmarked
    | Unverified
    | Unencrypted
    | Ignored
    | Waiting
    | Failed
)


@dataclass(frozen=True, slots=True)
class Consent:
    """What the user has agreed to while starting a chat."""

    unverified: bool = False  # go on although the profile could not be confirmed
    unencrypted: bool = False  # go on without encryption
    anew: bool = False  # make a new room although the person left an old one
    invite_back: bool = False  # invite the person back to the old room
    stop_ignoring: bool = False  # take the person off the list of ignored people
    adopt: bool = False  # have the old room that was never marked be the chat
    fresh: bool = False  # make a new room although there may be such an old one
