"""The one seam: what dmtui asks of a homeserver.

Two implementations: :mod:`dmtui.matrix` and the fake in the tests; one contract suite runs
against both. Methods raise :mod:`dmtui.core.errors` only: ``Unreachable``, ``ServerTrouble`` and
``RateLimited`` for what may pass, ``Refused`` and its kinds for the server's verdicts.
Paths are of the Matrix client-server API, v1.18.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from dmtui.core.events import History, Sendable, SyncBatch, TimelineEvent
from dmtui.core.model import (
    Availability,
    EventId,
    JsonObject,
    Media,
    Member,
    PersonDevice,
    Presence,
    Profile,
    RoomId,
    Session,
    TransactionId,
    UserId,
)
from dmtui.core.own_devices import OwnDevice
from dmtui.core.recovery import Encryption
from dmtui.core.trust import Trust
from dmtui.core.verification import Verification

SignIn: TypeAlias = Callable[[str, str, str], Awaitable[Session]]
"""``(user ID or localpart, password, homeserver URL or "")``; raises errors of core.errors."""

Progress: TypeAlias = Callable[[int, int], None]
"""Told ``(done, total)`` in bytes on the calling event loop; ``total`` is 0 if not known."""


class Homeserver(Protocol):
    """A signed-in device's view of its homeserver. Calls may run concurrently."""

    async def sync(
        self,
        token: str | None,
        rooms: frozenset[RoomId],
        timeout: float,
        presence: Availability = Availability.OFFLINE,
    ) -> SyncBatch:
        """Wait up to ``timeout`` seconds for news since ``token`` (``None``: from the start).

        Meanwhile I am seen as ``presence`` says; ``OFFLINE`` says nothing, and makes nobody so.

        ``rooms`` are followed even if ``m.direct`` does not name them (yet). Room keys in the
        answer are stored before this returns. Asking again with the same token is harmless.
        An expired token is handled inside: the next batch is then ``initial`` throughout.
        """

    async def history(self, room_id: RoomId, before: str, limit: int) -> History:
        """``GET /rooms/{roomId}/messages?dir=b``; ``before`` is a ``prev_batch`` or an ``end``.

        ``""`` begins at the newest event that I may see, of a room that I left as well. A place
        that the server does not know any more is ``Refused`` (400): begin anew with ``""``.
        """

    async def decrypt(self, room_id: RoomId, raw: Sequence[str]) -> tuple[TimelineEvent, ...]:
        """The events of :attr:`Undecryptable.raw`, decrypted where a key has come since."""

    async def send(
        self, room_id: RoomId, transaction_id: TransactionId, content: Sendable, encrypted: bool
    ) -> EventId:
        """Send ``m.room.message`` or ``m.reaction``, or redact; one transaction ID makes one event.

        ``encrypted`` is what the store knows of the room: true never sends plain text. Reactions
        and redactions are never encrypted: servers and other clients have to read them.
        Raises ``TrustAlarm`` while the identity of somebody there is not the pinned one, and
        where nobody else there has a device that may get the keys. Keys go to devices that their
        owner's identity confirms; others are told why they get none.
        Raises ``CannotEncrypt`` for an attachment that lies unencrypted in the media repository.
        """

    async def upload(
        self, room_id: RoomId | None, file: str, media: Media, encrypted: bool, progress: Progress
    ) -> Media:
        """``POST /_matrix/media/v3/upload`` of the file at this path, as ``media`` with its URI.

        Where :meth:`send` would encrypt, the file is encrypted on its way, and the key is in what
        is returned; without a room, ``encrypted`` alone counts. ``Refused`` (413) before anything
        is sent if it is larger than the server takes (``GET /media/config``); ``FileTrouble``
        where it can't be read.
        """

    async def download(self, media: Media, file: str, limit: int, progress: Progress) -> None:
        """``GET /media/download`` into a new file (0600) at this path, decrypted.

        Raises ``DamagedFile`` where hash or length are wrong or it has more than ``limit`` bytes,
        ``FileTrouble`` for the disk; after an error and when it is cancelled there is no file.
        """

    async def create_direct_room(self, peer: UserId | None, nonce: str, encrypted: bool) -> RoomId:
        """``POST /createRoom`` with ``is_direct``; ``None`` makes a room for myself alone.

        ``nonce`` travels as the content of a state event, so that a lost answer can be found
        again by :meth:`find_created_room`. Never retried inside.
        """

    async def find_created_room(self, nonce: str) -> RoomId | None:
        """The joined room that carries ``nonce``, looked for among the newest."""

    async def create_group(
        self, members: Sequence[UserId], name: str, nonce: str, encrypted: bool
    ) -> RoomId:
        """``POST /createRoom`` without ``is_direct``, inviting ``members``; else as above."""

    async def join(self, room_id: RoomId, via: Sequence[str] = ()) -> None:
        """``POST /join/{roomId}``; ``via`` are names of homeservers that are in the room."""

    async def leave(self, room_id: RoomId) -> None:
        """``POST /rooms/{roomId}/leave``; declines a pending invite."""

    async def forget(self, room_id: RoomId) -> None:
        """``POST /rooms/{roomId}/forget``."""

    async def invite_back(self, room_id: RoomId, user_id: UserId) -> None:
        """Invite with the flag: ``PUT .../state/m.room.member/{userId}`` with ``is_direct``."""

    async def remove(self, room_id: RoomId, user_id: UserId) -> None:
        """``POST /rooms/{roomId}/kick``: takes an invite back, too."""

    async def report_user(self, user_id: UserId, reason: str) -> None:
        """``POST /users/{userId}/report``; ``NotFound`` where the server has no such thing."""

    async def report_room(self, room_id: RoomId, reason: str) -> None:
        """``POST /rooms/{roomId}/report``; ``NotFound`` where the server has no such thing."""

    async def set_tag(self, room_id: RoomId, tag: str, present: bool) -> None:
        """``PUT`` or ``DELETE /user/{userId}/rooms/{roomId}/tags/{tag}``; doing it again is fine.

        ``PUT`` gives no ``order``.
        """

    async def set_marked_unread(self, room_id: RoomId, unread: bool) -> None:
        """``m.marked_unread`` in the room's account data."""

    async def set_muted(self, room_id: RoomId, muted: bool) -> None:
        """An ``override`` push rule named as the room that says never to notify, or none.

        As Element mutes a room, so that every client keeps quiet.
        """

    async def shared_rooms(self, user_id: UserId) -> frozenset[RoomId]:
        """``GET /mutual_rooms``, every page; ``NotFound`` where the server has no such thing."""

    async def presence(self, user_id: UserId) -> Presence:
        """``GET /presence/{userId}/status``; ``Refused`` where the server does not tell."""

    async def trust_of(self, user_id: UserId) -> Trust:
        """The identity and the devices, from a fresh ``POST /keys/query``.

        An identity that is hidden or not whole is the one known before. Devices are those whose own
        signature is right.
        """

    async def accept_identity(self, user_id: UserId) -> None:
        """The user has decided to rely on the person's identity as it is now; no request."""

    async def except_devices(self, user_id: UserId, excepted: bool) -> None:
        """Give keys to the person's devices that nobody confirms, too, or no more; no request."""

    async def members(self, room_id: RoomId) -> tuple[Member, ...]:
        """``GET /rooms/{roomId}/members``: everyone who is joined or invited."""

    async def joined_rooms(self) -> frozenset[RoomId]:
        """``GET /joined_rooms``: every room that I am in, direct or not."""

    async def invite_of(self, room_id: RoomId, user_id: UserId) -> tuple[UserId, bool] | None:
        """Who invited the user last, and whether with ``is_direct``; ``None``: nobody did.

        Walks from the member event back by ``unsigned.replaces_state``, since a change of profile
        hides the flag; of a room that I left the server may not tell. ``Forbidden`` where I was
        never in the room or have forgotten it.
        """

    async def creator_of(self, room_id: RoomId) -> UserId | None:
        """Who created the room (the sender of ``m.room.create``), where the server tells."""

    async def plain_room(self, room_id: RoomId) -> frozenset[UserId] | None:
        """The service members of a room without name, alias, topic and avatar that is no space.

        ``None``: the room has one of these.
        """

    async def account_data(self, kind: str) -> JsonObject | None:
        """Global account data, fresh from the server; ``None`` where it was never set (404).

        Raises ``ServerTrouble`` unless the answer is 200 with a JSON object, or 404.
        """

    async def set_account_data(self, kind: str, content: JsonObject) -> None:
        """Replace the global account data of this type."""

    async def search_people(self, term: str, limit: int) -> tuple[Profile, ...]:
        """``POST /user_directory/search``."""

    async def profile(self, user_id: UserId) -> Profile:
        """``GET /profile/{userId}``; ``Refused`` and ``Recoverable`` prove nothing of the user."""

    async def set_display_name(self, name: str) -> None:
        """``PUT /profile/{userId}/displayname`` of mine; an empty one for none."""

    async def set_avatar(self, uri: str) -> None:
        """``PUT /profile/{userId}/avatar_url`` of mine; an empty one for no picture."""

    async def set_presence(self, availability: Availability, status: str) -> None:
        """``PUT /presence/{userId}/status`` of mine, with this message.

        How long it lasts is the homeserver's affair, unless :meth:`sync` goes on saying so.
        """

    async def has_device_keys(self, user_id: UserId) -> bool:
        """Whether any device of the user has keys (``POST /keys/query``)."""

    async def set_typing(self, room_id: RoomId, typing: bool) -> None:
        """``PUT /rooms/{roomId}/typing/{userId}``."""

    async def mark_read(self, room_id: RoomId, event_id: EventId, private: bool = False) -> None:
        """``POST /rooms/{roomId}/read_markers`` with ``m.read`` and ``m.fully_read``.

        ``private``: with ``m.read.private`` instead, which nobody else is told of.
        """

    async def this_device(self) -> PersonDevice:
        """This device, its fingerprint from its own keys; without a name where nobody tells it."""

    async def own_devices(self) -> tuple[OwnDevice, ...]:
        """All devices that are signed in to my account, fresh from the server, this one included.

        Those without keys are among them, and dehydrated ones (MSC3814) that are confirmed are not.
        """

    async def sign_out_device(self, device_id: str, password: str = "") -> None:
        """End the session of another device of mine (``POST /delete_devices``).

        Raises ``PasswordNeeded`` (call again with the account's ``password``), ``ApprovalNeeded``
        (call again once approved), and ``Refused`` saying where it is done on the web.
        """

    async def encryption(self) -> Encryption:
        """Where the encryption identity and its recovery stand, fresh from the server."""

    async def set_up_recovery(self, passphrase: str, password: str = "") -> str:
        """Make an identity, secret storage and a key backup; the text of the recovery key.

        ``passphrase`` may be empty; else it opens the secrets as well as the key does. After an
        error or a crash, call again with the same passphrase: what is there is completed.
        Raises ``PasswordNeeded`` (call again with the account's ``password``), ``ApprovalNeeded``
        (call again once approved) and ``IdentityExists``: nothing is ever overwritten.
        """

    async def reset_identity(self, passphrase: str, password: str = "") -> str:
        """Give the account's identity up for a new one, as where its recovery key is lost.

        Everybody who has verified the user is warned, and other devices must be unlocked anew.
        Until the new one is published the old one stays whole; then its key backup is deleted,
        once the keys that this device can read there are taken in, and all keys count as not
        backed up. Otherwise as :meth:`set_up_recovery`, which completes it as well.
        """

    async def recovery_key_kept(self) -> bool:
        """The user has the recovery key: the copy kept in case of a crash is destroyed.

        False where there is none.
        """

    async def unlock(self, secret: str) -> None:
        """Trust and join the account's identity, by its recovery key or its passphrase.

        This device is signed and the key backup is connected. Raises ``BadRecoveryKey`` (a typo,
        before any request), ``NotFound`` where nothing is set up, ``BadContent`` and
        ``WrongIdentity`` where the server's data can't be believed.
        """

    async def restore_keys(self, progress: Callable[[int, int], None]) -> int:
        """Take in all room keys of the backup; how many were new.

        ``progress`` is told how many of how many are done, on the calling event loop.
        """

    async def back_up(self) -> int:
        """Upload room keys that are not in the backup; how many remain to be uploaded."""

    async def verification_news(self) -> tuple[Verification, ...]:
        """Wait until a verification is new or different; then all of them, the oldest first.

        For one reader. What has ended stays among them for a while.
        """

    async def request_verification(self, user_id: UserId, room_id: RoomId | None) -> str:
        """Ask a person in the chat, or all my other devices (``None``); the verification's ID.

        Raises ``NotFound`` where there is nobody to verify with, or I have no identity yet.
        """

    async def accept_verification(self, identifier: str) -> None:
        """Take part; ``NotFound`` once it is over, or without an identity of mine."""

    async def start_verification(self, identifier: str) -> None:
        """Begin to compare where the other side has not; else nothing happens."""

    async def confirm_verification(self, identifier: str) -> None:
        """Both sides show the same, or the other one that its scan of my code worked.

        After ``Recoverable`` it can be said again.
        """

    async def mismatch_verification(self, identifier: str) -> None:
        """They do not, or it does not: it ends on both sides, and nobody is verified."""

    async def cancel_verification(self, identifier: str) -> None:
        """Refuse it or give it up; the other side is told."""

    async def logout(self) -> None:
        """End the session on the server."""

    async def close(self) -> None:
        """Let go of connections and files; nothing else may be called afterwards."""


Connect: TypeAlias = Callable[[Session], Awaitable[Homeserver]]
"""Opens the encryption store and the connection; does no network request."""
