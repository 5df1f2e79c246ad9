"""This device, in the network thread: the HTTP session, its encryption and its sync together."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from dmtui.core.errors import CannotEncrypt
from dmtui.core.events import History, Line, Redaction, Sendable, SyncBatch, TimelineEvent
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
from dmtui.core.ports import Progress
from dmtui.core.recovery import Encryption
from dmtui.core.trust import Trust
from dmtui.core.verification import Verification
from dmtui.matrix import (
    account,
    direct_rooms,
    invite_walk,
    messages,
    nonce,
    people,
    plain_rooms,
    push_rules,
    room_acts,
)
from dmtui.matrix.answers import parse
from dmtui.matrix.client import Client, path
from dmtui.matrix.crypto import Crypto
from dmtui.matrix.media import MediaRepository
from dmtui.matrix.own_devices import OwnDevices
from dmtui.matrix.sas import Party
from dmtui.matrix.sync import Syncing
from dmtui.matrix.translate import Translator
from dmtui.matrix.upkeep import Upkeep
from dmtui.matrix.verification import Verifications
from dmtui.matrix.writing import REACTION, written

_TYPING_LASTS = 30_000


class Device:
    """``ports.Homeserver`` for one session; lives in one event loop."""

    def __init__(self, client: Client, crypto: Crypto):
        self._client = client
        self._crypto = crypto
        self._upkeep = Upkeep(self._maintain)
        self._backups = crypto.backup_upkeep
        crypto.key_bundles.download = client.download
        self._verifications = Verifications(
            client, Party(client.user_id, crypto.device_id), crypto.vouching, self._send_event
        )
        self._verifications.follow_up = crypto.gossip.ask
        crypto.gossip.arrived = self._verifications.stir
        crypto.hear_verification = self._verifications.hear_to_device
        self._translator = Translator(
            UserId(client.user_id),
            crypto.decrypt,
            self._verifications.hear_in_room,
            suspect=crypto.suspect,
        )
        self._media = MediaRepository(client)
        self._syncing = Syncing(client, crypto, self._translator)
        self._own_devices = OwnDevices(
            client, crypto.lists, crypto.identities, crypto.device_id, crypto.fingerprint
        )
        self._told_devices: tuple[OwnDevice, ...] | None = None
        self._untold_devices = asyncio.Event()
        self._plain: set[RoomId] = set()
        self._encrypted: set[RoomId] = set()

    @classmethod
    async def open(cls, session: Session, directory: Path, key: str) -> Device:
        """Open the encryption store in ``directory``; no network request."""
        client = Client(session)
        return cls(client, Crypto.open(client, session, directory, key=key))

    async def sync(
        self,
        token: str | None,
        rooms: frozenset[RoomId],
        timeout: float,
        presence: Availability = Availability.OFFLINE,
    ) -> SyncBatch:
        """See ``ports.Homeserver``; each batch is followed by upkeep of the encryption."""
        batch = await self._news(token, rooms, timeout, presence)
        self._encrypted.update(room.room_id for room in batch.rooms if room.encrypted)
        self._upkeep.wake()
        self._backups.wake()
        found = self._backups.take_arrived()
        self._untold_devices.clear()
        self._told_devices = self._own_devices.known()
        return replace(
            batch,
            room_keys=(*batch.room_keys, *found),
            verified=self._crypto.identities.verified(),
            alarms=self._crypto.alarms(),
            own_devices=self._told_devices,
        )

    async def _maintain(self) -> None:
        """Upkeep, which may learn of devices of ours that no batch of sync has told of."""
        try:
            await self._crypto.maintain()
        finally:
            if self._own_devices.known() not in (None, self._told_devices):
                self._untold_devices.set()

    async def _news(
        self,
        token: str | None,
        rooms: frozenset[RoomId],
        timeout: float,
        presence: Availability,
    ) -> SyncBatch:
        """The server's news; none of them as soon as there is news of keys or devices."""
        if token is None or not timeout:
            return await self._syncing.sync(token, rooms, timeout, presence)
        news = asyncio.ensure_future(self._syncing.sync(token, rooms, timeout, presence))
        others = [
            asyncio.ensure_future(event.wait())
            for event in (self._backups.arrived, self._untold_devices)
        ]
        try:
            await asyncio.wait({news, *others}, return_when=asyncio.FIRST_COMPLETED)
            return news.result() if news.done() else SyncBatch(token)
        finally:
            for task in (news, *others):
                task.cancel()
            await asyncio.gather(news, *others, return_exceptions=True)

    async def history(self, room_id: RoomId, before: str, limit: int) -> History:
        """See ``ports.Homeserver``."""
        return await messages.history(self._client, self._translator, room_id, before, limit)

    async def decrypt(self, room_id: RoomId, raw: Sequence[str]) -> tuple[TimelineEvent, ...]:
        """See ``ports.Homeserver``."""
        stored = (parse(text.encode()) for text in raw)
        return self._translator.events(room_id, [event for event in stored if event])

    async def send(
        self, room_id: RoomId, transaction_id: TransactionId, content: Sendable, encrypted: bool
    ) -> EventId:
        """See ``ports.Homeserver``; a room that the server calls encrypted gets no plain text."""
        if isinstance(content, Redaction):
            return await messages.redact(self._client, room_id, transaction_id, content.target)
        kind, raw = written(content)
        if kind == REACTION or not (encrypted or await self._is_encrypted(room_id)):
            return await messages.send_plain(self._client, room_id, transaction_id, raw, kind)
        if isinstance(content, Line) and content.attachment and not content.attachment.media.key:
            raise CannotEncrypt("The chat is encrypted, and the file is not yet: try again.")
        sent = await self._crypto.send(room_id, transaction_id, kind, raw)
        self._backups.wake()
        return sent

    async def upload(
        self, room_id: RoomId | None, file: str, media: Media, encrypted: bool, progress: Progress
    ) -> Media:
        """See ``ports.Homeserver``."""
        sealed = encrypted or (room_id is not None and await self._is_encrypted(room_id))
        return await self._media.upload(file, media, sealed, progress)

    async def download(self, media: Media, file: str, limit: int, progress: Progress) -> None:
        """See ``ports.Homeserver``."""
        await self._media.download(media, file, limit, progress)

    async def _send_event(self, room_id: RoomId, kind: str, content: JsonObject) -> EventId:
        """Encrypted where the room is; of a verification, so that each try is a new event."""
        transaction_id = TransactionId(uuid.uuid4().hex)
        if await self._is_encrypted(room_id):
            return await self._crypto.send(room_id, transaction_id, kind, content)
        return await messages.send_plain(self._client, room_id, transaction_id, content, kind)

    async def _is_encrypted(self, room_id: RoomId) -> bool:
        """What sync said, else the room's state, asked for once per run."""
        if room_id in self._encrypted:
            return True
        if room_id in self._plain:
            return False
        encrypted = await messages.is_encrypted(self._client, room_id)
        (self._encrypted if encrypted else self._plain).add(room_id)
        return encrypted

    async def create_direct_room(self, peer: UserId | None, nonce: str, encrypted: bool) -> RoomId:
        """See ``ports.Homeserver``."""
        return await direct_rooms.create_direct_room(self._client, peer, nonce, encrypted)

    async def find_created_room(self, nonce_: str) -> RoomId | None:
        """See ``ports.Homeserver``."""
        return await nonce.find_created_room(self._client, nonce_)

    async def create_group(
        self, members: Sequence[UserId], name: str, nonce: str, encrypted: bool
    ) -> RoomId:
        """See ``ports.Homeserver``."""
        return await direct_rooms.create_group(self._client, members, name, nonce, encrypted)

    async def join(self, room_id: RoomId, via: Sequence[str] = ()) -> None:
        """See ``ports.Homeserver``."""
        await room_acts.join(self._client, room_id, via)

    async def leave(self, room_id: RoomId) -> None:
        """See ``ports.Homeserver``."""
        await self._client.api("POST", path("rooms", room_id, "leave"))

    async def forget(self, room_id: RoomId) -> None:
        """See ``ports.Homeserver``."""
        await self._client.api("POST", path("rooms", room_id, "forget"))

    async def invite_back(self, room_id: RoomId, user_id: UserId) -> None:
        """See ``ports.Homeserver``."""
        await direct_rooms.invite_back(self._client, room_id, user_id)

    async def remove(self, room_id: RoomId, user_id: UserId) -> None:
        """See ``ports.Homeserver``."""
        await room_acts.remove(self._client, room_id, user_id)

    async def report_user(self, user_id: UserId, reason: str) -> None:
        """See ``ports.Homeserver``."""
        await room_acts.report_user(self._client, user_id, reason)

    async def report_room(self, room_id: RoomId, reason: str) -> None:
        """See ``ports.Homeserver``."""
        await room_acts.report_room(self._client, room_id, reason)

    async def set_tag(self, room_id: RoomId, tag: str, present: bool) -> None:
        """See ``ports.Homeserver``."""
        await room_acts.set_tag(self._client, room_id, tag, present)

    async def set_marked_unread(self, room_id: RoomId, unread: bool) -> None:
        """See ``ports.Homeserver``."""
        await room_acts.set_marked_unread(self._client, room_id, unread)

    async def set_muted(self, room_id: RoomId, muted: bool) -> None:
        """See ``ports.Homeserver``."""
        await push_rules.set_muted(self._client, room_id, muted)

    async def shared_rooms(self, user_id: UserId) -> frozenset[RoomId]:
        """See ``ports.Homeserver``."""
        return await people.shared_rooms(self._client, user_id)

    async def presence(self, user_id: UserId) -> Presence:
        """See ``ports.Homeserver``."""
        return await people.presence(self._client, user_id)

    async def trust_of(self, user_id: UserId) -> Trust:
        """See ``ports.Homeserver``."""
        crypto = self._crypto
        trust = await people.trust_of(self._client, crypto.identities, crypto.verify, user_id)
        return replace(trust, excepted=crypto.entitlement.is_excepted(user_id))

    async def this_device(self) -> PersonDevice:
        """See ``ports.Homeserver``."""
        return await people.this_device(
            self._client, self._crypto.device_id, self._crypto.fingerprint
        )

    async def accept_identity(self, user_id: UserId) -> None:
        """See ``ports.Homeserver``."""
        self._crypto.identities.accept(user_id)

    async def except_devices(self, user_id: UserId, excepted: bool) -> None:
        """See ``ports.Homeserver``."""
        self._crypto.entitlement.set_excepted(user_id, excepted)

    async def members(self, room_id: RoomId) -> tuple[Member, ...]:
        """See ``ports.Homeserver``."""
        return await direct_rooms.members(self._client, room_id)

    async def joined_rooms(self) -> frozenset[RoomId]:
        """See ``ports.Homeserver``."""
        return await direct_rooms.joined_rooms(self._client)

    async def invite_of(self, room_id: RoomId, user_id: UserId) -> tuple[UserId, bool] | None:
        """See ``ports.Homeserver``."""
        return await invite_walk.invite_of(self._client, room_id, user_id)

    async def creator_of(self, room_id: RoomId) -> UserId | None:
        """See ``ports.Homeserver``."""
        return await direct_rooms.creator_of(self._client, room_id)

    async def plain_room(self, room_id: RoomId) -> frozenset[UserId] | None:
        """See ``ports.Homeserver``."""
        return await plain_rooms.plain_room(self._client, room_id)

    async def account_data(self, kind: str) -> JsonObject | None:
        """See ``ports.Homeserver``."""
        return await account.account_data(self._client, kind)

    async def set_account_data(self, kind: str, content: JsonObject) -> None:
        """See ``ports.Homeserver``."""
        await account.set_account_data(self._client, kind, content)

    async def search_people(self, term: str, limit: int) -> tuple[Profile, ...]:
        """See ``ports.Homeserver``."""
        return await account.search_people(self._client, term, limit)

    async def profile(self, user_id: UserId) -> Profile:
        """See ``ports.Homeserver``."""
        return await account.profile(self._client, user_id)

    async def set_display_name(self, name: str) -> None:
        """See ``ports.Homeserver``."""
        await account.set_display_name(self._client, self._client.user_id, name)

    async def set_avatar(self, uri: str) -> None:
        """See ``ports.Homeserver``."""
        await account.set_avatar(self._client, self._client.user_id, uri)

    async def set_presence(self, availability: Availability, status: str) -> None:
        """See ``ports.Homeserver``."""
        await self._syncing.own_presence.set(availability, status)

    async def has_device_keys(self, user_id: UserId) -> bool:
        """See ``ports.Homeserver``."""
        return await people.has_device_keys(self._client, user_id)

    async def set_typing(self, room_id: RoomId, typing: bool) -> None:
        """See ``ports.Homeserver``."""
        content: JsonObject = {"typing": typing}
        if typing:
            content["timeout"] = _TYPING_LASTS
        me = self._client.user_id
        await self._client.api("PUT", path("rooms", room_id, "typing", me), content)

    async def mark_read(self, room_id: RoomId, event_id: EventId, private: bool = False) -> None:
        """See ``ports.Homeserver``."""
        await room_acts.mark_read(self._client, room_id, event_id, private)

    async def own_devices(self) -> tuple[OwnDevice, ...]:
        """See ``ports.Homeserver``."""
        return await self._own_devices.all()

    async def sign_out_device(self, device_id: str, password: str = "") -> None:
        """See ``ports.Homeserver``."""
        await self._own_devices.sign_out(device_id, password)
        self._upkeep.wake()

    async def encryption(self) -> Encryption:
        """See ``ports.Homeserver``."""
        return await self._crypto.identity.encryption()

    async def set_up_recovery(self, passphrase: str, password: str = "") -> str:
        """See ``ports.Homeserver``."""
        key = await self._crypto.identity.set_up(passphrase, password)
        self._backups.wake()
        return key

    async def reset_identity(self, passphrase: str, password: str = "") -> str:
        """See ``ports.Homeserver``."""
        key = await self._crypto.identity.set_up(passphrase, password, replacing=True)
        self._backups.wake()
        return key

    async def recovery_key_kept(self) -> bool:
        """See ``ports.Homeserver``."""
        return self._crypto.identity.kept()

    async def unlock(self, secret: str) -> None:
        """See ``ports.Homeserver``."""
        await self._crypto.identity.unlock(secret)
        self._backups.wake()

    async def restore_keys(self, progress: Callable[[int, int], None]) -> int:
        """See ``ports.Homeserver``; what it opens is read with the next batch of sync."""
        return await self._backups.restore(progress)

    async def back_up(self) -> int:
        """See ``ports.Homeserver``."""
        return await self._backups.upload()

    async def verification_news(self) -> tuple[Verification, ...]:
        """See ``ports.Homeserver``."""
        return await self._verifications.news()

    async def request_verification(self, user_id: UserId, room_id: RoomId | None) -> str:
        """See ``ports.Homeserver``."""
        return await self._verifications.request(user_id, room_id)

    async def accept_verification(self, identifier: str) -> None:
        """See ``ports.Homeserver``."""
        await self._verifications.accept(identifier)

    async def start_verification(self, identifier: str) -> None:
        """See ``ports.Homeserver``."""
        await self._verifications.start(identifier)

    async def confirm_verification(self, identifier: str) -> None:
        """See ``ports.Homeserver``."""
        await self._verifications.confirm(identifier)

    async def mismatch_verification(self, identifier: str) -> None:
        """See ``ports.Homeserver``."""
        await self._verifications.mismatch(identifier)

    async def cancel_verification(self, identifier: str) -> None:
        """See ``ports.Homeserver``."""
        await self._verifications.cancel(identifier)

    async def logout(self) -> None:
        """See ``ports.Homeserver``."""
        await self._client.api("POST", path("logout"))

    async def close(self) -> None:
        """See ``ports.Homeserver``."""
        await self._syncing.close()
        await self._upkeep.close()
        await self._verifications.close()
        await self._backups.close()
        self._crypto.close()
        await self._client.close()
