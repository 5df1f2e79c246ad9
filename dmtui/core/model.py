"""The nouns of dmtui: typed identifiers and frozen snapshots of what the user sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType, TypeAlias

UserId = NewType("UserId", str)
RoomId = NewType("RoomId", str)
EventId = NewType("EventId", str)
TransactionId = NewType("TransactionId", str)

Safe = NewType("Safe", str)
"""Text from the network that went through :func:`dmtui.core.names.clean`; fit for a terminal."""

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]

Milliseconds: TypeAlias = int
"""A Matrix timestamp: milliseconds since 1970-01-01 UTC."""


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in device. ``homeserver`` is the base URL of the client-server API."""

    user_id: UserId
    device_id: str
    access_token: str = field(repr=False)
    homeserver: str


class Membership(StrEnum):
    """The ``membership`` of an ``m.room.member`` event."""

    JOIN = "join"
    INVITE = "invite"
    LEAVE = "leave"
    BAN = "ban"
    KNOCK = "knock"


@dataclass(frozen=True, slots=True)
class Profile:
    """A user as the user directory or the profile API describes them.

    ``avatar`` is the ``mxc://server/id`` of their picture, empty without one.
    """

    user_id: UserId
    name: Safe
    avatar: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """One ``m.room.member`` state event; an empty name means none is set.

    ``never_in``: they were invited, and as far as is known have not been in the room.
    """

    user_id: UserId
    membership: Membership
    name: Safe = Safe("")
    is_direct: bool = False
    sender: UserId = UserId("")
    never_in: bool = False


class SendState(StrEnum):
    """How far a message of ours has come."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class Kind(StrEnum):
    """What a line of a conversation is."""

    TEXT = "text"
    NOTICE = "notice"
    EMOTE = "emote"
    ATTACHMENT = "attachment"  # image, file, audio, video, location
    UNDECRYPTABLE = "undecryptable"
    REDACTED = "redacted"
    MEMBERSHIP = "membership"  # somebody joined, left, was invited
    OTHER = "other"  # a type dmtui does not know, named in the body


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in a conversation; compares like the order on screen."""

    position: int


class Doubt(StrEnum):
    """Why nobody vouches for who wrote a message, as it stands in the local database."""

    NONE = ""
    UNKNOWN_DEVICE = "unknown device"
    """The sender has no such device, or has it no longer."""
    UNSIGNED_DEVICE = "unsigned device"
    """The sender has an identity, which does not confirm the device."""
    NO_IDENTITY = "no identity"
    """The sender has no identity that could confirm the device."""
    VIOLATED = "violated"
    """The sender's identity is another one than was compared."""
    INDIRECT = "indirect"
    """The key came from the backup or a file, not from the sender."""
    PLAIN = "plain"
    """It came without encryption into an encrypted room."""


class Alarm(StrEnum):
    """Why nothing is sent to a person before the user decides, as it stands in the database."""

    IDENTITY = "identity"
    """Their encryption identity is another one than was known."""
    DEVICES = "devices"
    """They confirm none of their devices: there is nobody who could be given the keys."""


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that another one answers; ``kind`` is ``None`` where it is not in the store.

    ``thread``: the answer is in a thread that the quoted message is part of, or the root of.
    """

    key: str
    sender_name: Safe
    own: bool
    kind: Kind | None
    body: Safe
    thread: bool = False


@dataclass(frozen=True, slots=True)
class Reactions:
    """Who reacted to a message with the same emoji, in the order they came.

    ``waiting``: mine among them is not sent yet.
    """

    emoji: Safe
    names: tuple[Safe, ...]
    mine: bool
    waiting: bool = False


class ActKind(StrEnum):
    """What I do to a message that is there already."""

    EDIT = "edit"
    REACTION = "reaction"
    REDACTION = "redaction"


@dataclass(frozen=True, slots=True)
class Act:
    """Something done to a message that is not sent yet, or could not be; ``failure`` says why."""

    transaction_id: TransactionId
    kind: ActKind
    state: SendState
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Aim:
    """What is being written besides a new message, as keys of messages, empty for none.

    ``answers``: the draft is a reply to that one. ``edits``: that one is being edited, and its
    text is ``edited`` so far; the draft waits meanwhile.
    """

    answers: str = ""
    edits: str = ""
    edited: str = ""


NO_AIM = Aim()


class AttachmentKind(StrEnum):
    """What an attachment is shown as."""

    IMAGE = "image"
    FILE = "file"
    AUDIO = "audio"
    VOICE = "voice message"
    VIDEO = "video"
    STICKER = "sticker"


@dataclass(frozen=True, slots=True)
class FileKey:
    """What opens an encrypted file: AES-CTR key and counter, and the hash of the ciphertext.

    Each in base64 without padding, ``key`` in its URL-safe form, as the spec's ``EncryptedFile``.
    """

    key: str = field(repr=False)
    iv: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Media:
    """A file in the media repository: ``uri`` is ``mxc://server/id``, empty before it is there.

    ``size`` is in bytes, ``width`` and ``height`` in pixels, 0 where not told; ``copy`` names
    our own copy of a file that is still to be sent.
    """

    uri: str
    key: FileKey | None = None
    size: int | None = None
    mimetype: str = ""
    width: int = 0
    height: int = 0
    copy: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a message; ``duration`` is in milliseconds, 0 where not told."""

    kind: AttachmentKind
    name: Safe
    media: Media
    thumbnail: Media | None = None
    duration: Milliseconds = 0
    caption: Safe = Safe("")


@dataclass(frozen=True, slots=True)
class Pixels:
    """A picture made small: ``width`` times ``height`` pixels of three bytes, row by row."""

    width: int
    height: int
    rgb: bytes


@dataclass(frozen=True, slots=True)
class Transfer:
    """How much of a file has come or gone; ``total`` is 0 where that is not known."""

    sending: bool
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a conversation.

    ``key`` is unique in the conversation and stays the same from local echo to delivery;
    ``transaction_id`` names what this device sent. ``formatted`` is untrusted HTML for the body.
    ``preview`` is the attached image, made small.
    """

    key: str
    room_id: RoomId
    cursor: Cursor
    event_id: EventId | None
    sender: UserId
    sender_name: Safe
    own: bool
    sent_at: Milliseconds
    kind: Kind
    body: Safe
    state: SendState = SendState.SENT
    failure: str = ""
    edited: bool = False
    encrypted: bool = False
    unread: bool = False
    read_by_peer: bool = False
    transaction_id: TransactionId | None = None
    doubt: Doubt = Doubt.NONE
    formatted: str = ""
    quote: Quote | None = None
    reactions: tuple[Reactions, ...] = ()
    acts: tuple[Act, ...] = ()
    attachment: Attachment | None = None
    preview: Pixels | None = None
    transfer: Transfer | None = None

    @property
    def lives(self) -> bool:
        """Whether it was said by somebody and is not deleted."""
        return self.kind not in (Kind.MEMBERSHIP, Kind.REDACTED)

    @property
    def failed_act(self) -> Act | None:
        """What could not be done to it."""
        return next((act for act in self.acts if act.state is SendState.FAILED), None)


@dataclass(frozen=True, slots=True)
class Page:
    """Messages in order, oldest first; ``more`` says older ones are in the store.

    ``complete`` says that the beginning of the conversation is in the store; ``newer``, that what
    follows the messages is, too, and left out.
    """

    messages: tuple[Message, ...]
    more: bool
    complete: bool
    newer: bool = False


class PeerState(StrEnum):
    """Where the other person stands in the room that stands for the conversation."""

    JOINED = "joined"
    INVITED = "invited"
    DECLINED = "declined"  # was invited, and never came
    LEFT = "left"
    BANNED = "banned"  # and not to be asked in again
    GROUP = "group"  # further people are in the room: no direct chat, and listed apart


@dataclass(frozen=True, slots=True)
class Conversation:
    """One person and the direct rooms shared with them: a row of the people list.

    ``name`` is what to show: the petname if there is one, else ``known_as``, the profile's;
    ``looks_like`` is the name of an older contact that reads the same to the eye. ``preview`` is
    one line; ``latest`` orders the list. ``muted_until`` 0 is a mute for good. ``marked_unread``
    is my own mark, however many messages are ``unread``.
    A group, ``peer`` says so, is no direct chat: its ``user_id`` is its room ID, which no user ID
    equals, and ``was_with`` is the person whose direct room it was. ``draft_for`` is the person
    to whom alone its draft was typed, before others came.
    """

    user_id: UserId
    name: Safe
    room_id: RoomId
    latest: Milliseconds
    preview: Safe = Safe("")
    unread: int = 0
    encrypted: bool = False
    peer: PeerState = PeerState.JOINED
    draft: str = ""
    flag_pending: bool = False
    known_as: Safe = Safe("")
    looks_like: Safe = Safe("")
    pinned: bool = False
    archived: bool = False
    muted: bool = False
    muted_until: Milliseconds = 0
    was_with: UserId | None = None
    draft_for: UserId | None = None
    marked_unread: bool = False

    @property
    def group(self) -> bool:
        """Whether it is no direct chat."""
        return self.peer is PeerState.GROUP

    @property
    def is_unread(self) -> bool:
        """Whether there is something to read, or I have marked it so."""
        return self.unread > 0 or self.marked_unread


@dataclass(frozen=True, slots=True)
class DirectRoom:
    """One of the rooms behind a conversation; ``serving`` is the one that messages go to.

    ``mine`` and ``peer`` are memberships; ``created_at`` is 0 where it is not known.
    ``given_up``: the upgrade to its ``successor`` is dealt with, and was not followed for good.
    ``service`` are those in it who count as no people, because the room says that they are bots.
    ``alone_with`` is the one other human in it, where there is just one and that is known.
    """

    room_id: RoomId
    mine: Membership
    peer: PeerState
    serving: bool
    encrypted: bool
    created_at: Milliseconds = 0
    successor: RoomId | None = None
    given_up: bool = False
    service: tuple[UserId, ...] = ()
    alone_with: UserId | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """How I have arranged a person, on every device of mine; ``muted_until`` 0 is for good."""

    user_id: UserId
    petname: Safe = Safe("")
    pinned: bool = False
    archived: bool = False
    muted: bool = False
    muted_until: Milliseconds = 0
    marked_unread: bool = False


class Availability(StrEnum):
    """The ``presence`` of a user."""

    ONLINE = "online"
    UNAVAILABLE = "unavailable"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Presence:
    """``m.presence`` of a user; ``active_ago`` is in milliseconds, ``None`` where not told."""

    availability: Availability
    status: Safe = Safe("")
    active_ago: int | None = None


@dataclass(frozen=True, slots=True)
class PersonDevice:
    """A device of somebody with keys; ``fingerprint`` is its ed25519 key in unpadded base64.

    ``signed``: its owner's identity vouches for it; ``None`` where they have no identity.
    """

    device_id: str
    name: Safe
    fingerprint: str
    signed: bool | None = None


class Standing(StrEnum):
    """What I have in common with somebody who invites me, closest first."""

    CONTACT = "contact"  # there is a conversation with them, or they have a petname
    VERIFIED = "verified"  # we have compared our identities
    SHARES_ROOMS = "shares rooms"
    SAME_SERVER = "same server"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Invite:
    """A pending invite to me; ``direct`` follows the rules for direct messages.

    ``shared_rooms`` counts the joined rooms that I share with the inviter; ``None``: not known yet.
    ``looks_like`` is the name of a contact of mine, not the inviter, that reads the same.
    """

    room_id: RoomId
    inviter: UserId
    inviter_name: Safe
    direct: bool
    received: Milliseconds
    room_name: Safe = Safe("")
    reason: Safe = Safe("")
    encrypted: bool = False
    warning: str = ""  # why a flagged invite is not shown as direct; ours, not the network's
    standing: Standing = Standing.STRANGER
    shared_rooms: int | None = None
    looks_like: Safe = Safe("")


class Phase(StrEnum):
    """How the connection to the homeserver stands."""

    CONNECTING = "connecting"
    ONLINE = "online"
    OFFLINE = "offline"
    SIGNED_OUT = "signed out"


@dataclass(frozen=True, slots=True)
class Connection:
    """The connection's state; times are seconds of the messenger's clock."""

    phase: Phase
    since: float
    retry_at: float | None = None
    reason: str = ""
