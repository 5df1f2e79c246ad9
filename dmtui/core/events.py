"""What one sync said (:class:`SyncBatch`) and what a write changed (:data:`Change`).

A batch is already cleaned and typed: raw JSON stops in :mod:`dmtui.matrix.translate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from dmtui.core.model import (
    Alarm,
    Attachment,
    Doubt,
    EventId,
    Invite,
    JsonObject,
    Kind,
    Member,
    Membership,
    Milliseconds,
    RoomId,
    Safe,
    TransactionId,
    UserId,
)
from dmtui.core.own_devices import OwnDevice

# -- contents of timeline events ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """Something to read: ``kind`` tells which; ``formatted`` is untrusted HTML.

    ``body`` describes an ``attachment`` in words. ``thread`` is the root of the thread that it is
    in (``m.thread``).
    """

    kind: Kind
    body: Safe
    formatted: str = ""
    reply_to: EventId | None = None
    thread: EventId | None = None
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """``m.replace``: the new content of an earlier event by the same sender."""

    target: EventId
    line: Line


@dataclass(frozen=True, slots=True)
class Redaction:
    """``m.room.redaction`` of an earlier event."""

    target: EventId


@dataclass(frozen=True, slots=True)
class Reaction:
    """``m.annotation`` of an earlier event."""

    target: EventId
    key: Safe


@dataclass(frozen=True, slots=True)
class Undecryptable:
    """An encrypted event whose key is missing; ``raw`` is its JSON, kept until the key arrives."""

    session_id: str
    raw: str
    reason: str = ""  # ours: why, in words


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """A member event on the timeline."""

    member: Member
    previous: Membership | None = None


Sendable: TypeAlias = Line | Edit | Redaction | Reaction
"""What can be sent; a line of mine is a text, a notice, an emote or an attachment."""

Content: TypeAlias = Line | Edit | Redaction | Reaction | Undecryptable | MembershipChange


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """An event in a room's order; ``transaction_id`` is set on echoes of this device's sends.

    ``doubt`` is why its sender's authorship can't be vouched for.
    """

    event_id: EventId
    sender: UserId
    sent_at: Milliseconds
    content: Content
    encrypted: bool = False
    transaction_id: TransactionId | None = None
    doubt: Doubt = Doubt.NONE


# -- what one sync said ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Receipt:
    """``m.read`` or ``m.read.private``: ``user_id`` has read up to ``event_id`` at ``read_at``."""

    user_id: UserId
    event_id: EventId
    read_at: Milliseconds


@dataclass(frozen=True, slots=True)
class RoomUpdate:
    """News of one room that I am in, or was in; ``None`` means "not mentioned".

    ``initial``: members and state are a snapshot, not a difference.
    ``limited``: events are missing before ``timeline[0]``; ``prev_batch`` pages back to them.
    ``tags`` are the names of ``m.tag``, and ``marked_unread`` is ``m.marked_unread``;
    ``predecessor`` and ``successor`` are those of an upgrade, and ``successor_via`` is the server
    of whoever upgraded the room.
    ``timeline`` is oldest first. ``encrypted`` never goes back to false.
    """

    room_id: RoomId
    membership: Membership = Membership.JOIN
    initial: bool = False
    limited: bool = False
    prev_batch: str | None = None
    timeline: tuple[TimelineEvent, ...] = ()
    members: tuple[Member, ...] = ()
    encrypted: bool = False
    name: Safe | None = None
    is_space: bool | None = None
    created_at: Milliseconds | None = None
    successor: RoomId | None = None
    service_members: frozenset[UserId] | None = None
    nonce: str | None = None  # from our own createRoom, see ports.Homeserver.create_direct_room
    joined_count: int | None = None
    invited_count: int | None = None
    receipts: tuple[Receipt, ...] = ()
    fully_read: EventId | None = None
    typing: frozenset[UserId] | None = None
    tags: frozenset[str] | None = None
    marked_unread: bool | None = None
    predecessor: RoomId | None = None
    successor_via: str | None = None


@dataclass(frozen=True, slots=True)
class SyncBatch:
    """Everything one answer of the sync endpoint said, in the order to apply it.

    ``token`` is opaque and resumes after this batch; it is committed with the batch's rows.
    ``invites`` are new or changed; ``all_invites`` names every pending one where the server told.
    ``gone``: rooms that I left, was removed from, or whose invite ended; after a start from
    nothing also rooms of the map that ended before, or that I was never in.
    ``direct`` is the new content of ``m.direct``; ``ignored`` of ``m.ignored_user_list``.
    ``muted`` are the rooms for which a push rule says never to notify; ``contacts`` is the content
    of :data:`dmtui.core.contacts.PEOPLE`; ``invites_blocked`` of ``m.invite_permission_config``.
    ``room_keys``: Megolm sessions whose keys arrived or were refused, as (room, session ID).
    ``complete``: the whole account is in the store once this batch is applied.
    ``verified`` are all people whose identity has been compared, and is the same since.
    ``alarms`` are all people whom nothing encrypted should reach for now, and why.
    ``own_devices`` are all devices of my account with keys, this one among them.
    """

    token: str
    rooms: tuple[RoomUpdate, ...] = ()
    invites: tuple[Invite, ...] = ()
    all_invites: frozenset[RoomId] | None = None
    gone: tuple[RoomId, ...] = ()
    direct: JsonObject | None = None
    ignored: frozenset[UserId] | None = None
    muted: frozenset[RoomId] | None = None
    contacts: JsonObject | None = None
    invites_blocked: bool | None = None
    room_keys: tuple[tuple[RoomId, str], ...] = ()
    complete: bool = True
    verified: frozenset[UserId] | None = None
    alarms: Mapping[UserId, Alarm] | None = None
    own_devices: tuple[OwnDevice, ...] | None = None


@dataclass(frozen=True, slots=True)
class History:
    """A page of ``/messages`` going back: newest first; ``end`` pages on, ``None`` at the start."""

    events: tuple[TimelineEvent, ...]
    end: str | None
    members: tuple[Member, ...] = ()


# -- what a write changed -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConversationsChanged:
    """These rows of the people list are new, different or gone."""

    user_ids: frozenset[UserId]


@dataclass(frozen=True, slots=True)
class TimelineChanged:
    """Messages of this conversation were added or changed."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class InvitesChanged:
    """Pending invites came or went."""


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    """The connection's state, or what waits for it, is different."""


@dataclass(frozen=True, slots=True)
class TypingChanged:
    """This person began or stopped typing."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class IntentsChanged:
    """Persisted intents were added or settled."""


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """Who may invite me, or whom I ignore, is different."""


@dataclass(frozen=True, slots=True)
class DirectTroubleChanged:
    """Another client has spoilt ``m.direct``, or that has been dealt with."""


@dataclass(frozen=True, slots=True)
class EncryptionChanged:
    """Where the encryption identity, its recovery or the key backup stand, or work on them."""


@dataclass(frozen=True, slots=True)
class IdentityChanged:
    """The person's encryption identity is another one than was known."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class NewSignIn:
    """A device has signed in to my account that was never seen before; told once."""

    device_id: str


@dataclass(frozen=True, slots=True)
class OwnDevicesChanged:
    """A device of my account is new, gone, or confirmed, or the user has looked at it."""


@dataclass(frozen=True, slots=True)
class UpgradeRefused:
    """The chat with the person was upgraded, and is not moved to its new room for good."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class VerificationChanged:
    """Somebody asks to verify, or a verification has gone on or ended."""


Change: TypeAlias = (
    ConversationsChanged
    | TimelineChanged
    | InvitesChanged
    | ConnectionChanged
    | TypingChanged
    | IntentsChanged
    | DirectTroubleChanged
    | IdentityChanged
    | NewSignIn
    | OwnDevicesChanged
    | UpgradeRefused
    | SettingsChanged
    | VerificationChanged
    | EncryptionChanged
)
