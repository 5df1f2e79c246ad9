"""The homeserver as the app sees it: each call handed to the network thread.

Nothing here imports nio or aiohttp, so that the calling loop never waits for an import.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

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
from dmtui.core.ports import Homeserver, Progress
from dmtui.core.recovery import Encryption
from dmtui.core.trust import Trust
from dmtui.core.verification import Verification
from dmtui.matrix.thread import NetworkThread


async def connect(session: Session, directory: Path, key: str = "") -> MatrixHomeserver:
    """Open the encryption store in ``directory`` (made 0700); does no network request.

    It is encrypted with ``key``, 64 hexadecimal digits, or with one in a file in the directory.
    Raises ``StoreTrouble`` and ``ProfileInUse``.
    """
    thread = NetworkThread()

    async def opened() -> Homeserver:
        from dmtui.matrix.device import Device

        return await Device.open(session, directory, key)

    try:
        return MatrixHomeserver(thread, await thread.run(opened))
    except BaseException:
        await thread.close()
        raise


class MatrixHomeserver:
    """``ports.Homeserver`` over a device that lives in another thread."""

    def __init__(self, thread: NetworkThread, device: Homeserver):
        self._thread = thread
        self._device = device

    async def sync(
        self,
        token: str | None,
        rooms: frozenset[RoomId],
        timeout: float,
        presence: Availability = Availability.OFFLINE,
    ) -> SyncBatch:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.sync(token, rooms, timeout, presence))

    async def history(self, room_id: RoomId, before: str, limit: int) -> History:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.history(room_id, before, limit))

    async def decrypt(self, room_id: RoomId, raw: Sequence[str]) -> tuple[TimelineEvent, ...]:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.decrypt(room_id, raw))

    async def send(
        self, room_id: RoomId, transaction_id: TransactionId, content: Sendable, encrypted: bool
    ) -> EventId:
        """See ``ports.Homeserver``."""
        return await self._thread.run(
            lambda: self._device.send(room_id, transaction_id, content, encrypted)
        )

    async def upload(
        self, room_id: RoomId | None, file: str, media: Media, encrypted: bool, progress: Progress
    ) -> Media:
        """See ``ports.Homeserver``."""
        tell = _across(progress)
        return await self._thread.run(
            lambda: self._device.upload(room_id, file, media, encrypted, tell)
        )

    async def download(self, media: Media, file: str, limit: int, progress: Progress) -> None:
        """See ``ports.Homeserver``."""
        tell = _across(progress)
        await self._thread.run(lambda: self._device.download(media, file, limit, tell))

    async def create_direct_room(self, peer: UserId | None, nonce: str, encrypted: bool) -> RoomId:
        """See ``ports.Homeserver``."""
        return await self._thread.run(
            lambda: self._device.create_direct_room(peer, nonce, encrypted)
        )

    async def find_created_room(self, nonce: str) -> RoomId | None:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.find_created_room(nonce))

    async def create_group(
        self, members: Sequence[UserId], name: str, nonce: str, encrypted: bool
    ) -> RoomId:
        """See ``ports.Homeserver``."""
        return await self._thread.run(
            lambda: self._device.create_group(members, name, nonce, encrypted)
        )

    async def join(self, room_id: RoomId, via: Sequence[str] = ()) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.join(room_id, via))

    async def leave(self, room_id: RoomId) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.leave(room_id))

    async def forget(self, room_id: RoomId) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.forget(room_id))

    async def invite_back(self, room_id: RoomId, user_id: UserId) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.invite_back(room_id, user_id))

    async def remove(self, room_id: RoomId, user_id: UserId) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.remove(room_id, user_id))

    async def report_user(self, user_id: UserId, reason: str) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.report_user(user_id, reason))

    async def report_room(self, room_id: RoomId, reason: str) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.report_room(room_id, reason))

    async def set_tag(self, room_id: RoomId, tag: str, present: bool) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.set_tag(room_id, tag, present))

    async def set_marked_unread(self, room_id: RoomId, unread: bool) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.set_marked_unread(room_id, unread))

    async def set_muted(self, room_id: RoomId, muted: bool) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.set_muted(room_id, muted))

    async def shared_rooms(self, user_id: UserId) -> frozenset[RoomId]:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.shared_rooms(user_id))

    async def presence(self, user_id: UserId) -> Presence:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.presence(user_id))

    async def trust_of(self, user_id: UserId) -> Trust:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.trust_of(user_id))

    async def accept_identity(self, user_id: UserId) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.accept_identity(user_id))

    async def except_devices(self, user_id: UserId, excepted: bool) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.except_devices(user_id, excepted))

    async def members(self, room_id: RoomId) -> tuple[Member, ...]:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.members(room_id))

    async def joined_rooms(self) -> frozenset[RoomId]:
        """See ``ports.Homeserver``."""
        return await self._thread.run(self._device.joined_rooms)

    async def invite_of(self, room_id: RoomId, user_id: UserId) -> tuple[UserId, bool] | None:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.invite_of(room_id, user_id))

    async def creator_of(self, room_id: RoomId) -> UserId | None:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.creator_of(room_id))

    async def plain_room(self, room_id: RoomId) -> frozenset[UserId] | None:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.plain_room(room_id))

    async def account_data(self, kind: str) -> JsonObject | None:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.account_data(kind))

    async def set_account_data(self, kind: str, content: JsonObject) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.set_account_data(kind, content))

    async def search_people(self, term: str, limit: int) -> tuple[Profile, ...]:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.search_people(term, limit))

    async def profile(self, user_id: UserId) -> Profile:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.profile(user_id))

    async def set_display_name(self, name: str) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.set_display_name(name))

    async def set_avatar(self, uri: str) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.set_avatar(uri))

    async def set_presence(self, availability: Availability, status: str) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.set_presence(availability, status))

    async def has_device_keys(self, user_id: UserId) -> bool:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.has_device_keys(user_id))

    async def set_typing(self, room_id: RoomId, typing: bool) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.set_typing(room_id, typing))

    async def mark_read(self, room_id: RoomId, event_id: EventId, private: bool = False) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.mark_read(room_id, event_id, private))

    async def this_device(self) -> PersonDevice:
        """See ``ports.Homeserver``."""
        return await self._thread.run(self._device.this_device)

    async def own_devices(self) -> tuple[OwnDevice, ...]:
        """See ``ports.Homeserver``."""
        return await self._thread.run(self._device.own_devices)

    async def sign_out_device(self, device_id: str, password: str = "") -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.sign_out_device(device_id, password))

    async def encryption(self) -> Encryption:
        """See ``ports.Homeserver``."""
        return await self._thread.run(self._device.encryption)

    async def set_up_recovery(self, passphrase: str, password: str = "") -> str:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.set_up_recovery(passphrase, password))

    async def reset_identity(self, passphrase: str, password: str = "") -> str:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.reset_identity(passphrase, password))

    async def recovery_key_kept(self) -> bool:
        """See ``ports.Homeserver``."""
        return await self._thread.run(self._device.recovery_key_kept)

    async def unlock(self, secret: str) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.unlock(secret))

    async def restore_keys(self, progress: Callable[[int, int], None]) -> int:
        """See ``ports.Homeserver``."""
        tell = _across(progress)
        return await self._thread.run(lambda: self._device.restore_keys(tell))

    async def back_up(self) -> int:
        """See ``ports.Homeserver``."""
        return await self._thread.run(self._device.back_up)

    async def verification_news(self) -> tuple[Verification, ...]:
        """See ``ports.Homeserver``."""
        return await self._thread.run(self._device.verification_news)

    async def request_verification(self, user_id: UserId, room_id: RoomId | None) -> str:
        """See ``ports.Homeserver``."""
        return await self._thread.run(lambda: self._device.request_verification(user_id, room_id))

    async def accept_verification(self, identifier: str) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.accept_verification(identifier))

    async def start_verification(self, identifier: str) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.start_verification(identifier))

    async def confirm_verification(self, identifier: str) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.confirm_verification(identifier))

    async def mismatch_verification(self, identifier: str) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.mismatch_verification(identifier))

    async def cancel_verification(self, identifier: str) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(lambda: self._device.cancel_verification(identifier))

    async def logout(self) -> None:
        """See ``ports.Homeserver``."""
        await self._thread.run(self._device.logout)

    async def close(self) -> None:
        """See ``ports.Homeserver``; calls still under way are cancelled, and the thread ends."""
        await self._thread.close(self._device.close)


def _across(progress: Progress) -> Progress:
    """The same, to be called from the network thread."""
    loop = asyncio.get_running_loop()

    def tell(done: int, of: int) -> None:
        loop.call_soon_threadsafe(progress, done, of)

    return tell
