"""End-to-end encryption of one device: what sync hands in, what is sent, what keeps it in order.

Which devices get keys, :mod:`dmtui.matrix.entitlement` decides.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Self, TypeAlias

from nio.exceptions import EncryptionError

from dmtui.core.errors import Recoverable, Refused, SignedOut, StoreTrouble
from dmtui.core.events import Undecryptable
from dmtui.core.model import (
    Alarm,
    Doubt,
    EventId,
    JsonObject,
    RoomId,
    Session,
    TransactionId,
    UserId,
)
from dmtui.matrix.account import Owner
from dmtui.matrix.backup_upkeep import BackupUpkeep
from dmtui.matrix.crypto_files import (
    claim_directory,
    create_private,
    load_key,
    prepare_directory,
)
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import DeviceLists
from dmtui.matrix.devices import Device, VerifySignature
from dmtui.matrix.entitlement import Entitlement
from dmtui.matrix.gossip import Gossip
from dmtui.matrix.identities import Identities
from dmtui.matrix.identity import OwnIdentity
from dmtui.matrix.key_backup import KeyBackup
from dmtui.matrix.key_bundles import KeyBundles
from dmtui.matrix.key_forwarding import KeyForwarding
from dmtui.matrix.key_requests import KeyRequests
from dmtui.matrix.key_sharing import KeySharing
from dmtui.matrix.machine import Machine, WedgedError
from dmtui.matrix.own_keys import OwnKeys
from dmtui.matrix.room_decryption import RoomDecryption
from dmtui.matrix.room_keys import MEGOLM, RoomKey
from dmtui.matrix.secret_requests import SecretRequests
from dmtui.matrix.to_device import ToDevice
from dmtui.matrix.values import LONGEST_ID, mapping, mappings, opaque, room_id, text, user_id
from dmtui.matrix.vouching import Vouching

log = logging.getLogger(__name__)

HearVerification: TypeAlias = Callable[[UserId, str, JsonObject], None]
"""Takes ``(sender, type, content)`` of a to-device message of a verification; never raises."""

_NOTHING = ("", "")
_MOST_WEDGED = 100
_LOOK_EVERY = 60.0  # seconds
_MEETING_PATIENCE = 5.0  # seconds that messages wait for news of their sender's devices


class Crypto:
    """The encryption of a signed-in device. Lives on one event loop.

    Made by :meth:`open`; ``lists`` are the devices we know, ``verify`` checks their signatures.
    """

    def __init__(
        self,
        requests: Owner,
        session: Session,
        store: CryptoStore,
        lock: int,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._lock = lock
        self._machine = Machine(session.user_id, session.device_id, store)
        own = (session.user_id, session.device_id)
        self.verify: VerifySignature = self._machine.verify_json
        self.identities = Identities(store, self.verify, session.user_id)
        self.lists = DeviceLists(requests, store, self.verify, own, now, self.identities)
        self.entitlement = Entitlement(store, self.identities, self.lists, session.user_id)
        self._own_keys = OwnKeys(requests, self._machine, now)
        self.to_device = ToDevice(requests, self._machine, store, now)
        self._sharing = KeySharing(
            requests,
            self._machine,
            store,
            self.lists,
            self.to_device,
            self.identities,
            self.entitlement,
        )
        self.backup = KeyBackup(requests, self._machine, store)
        self.backup_upkeep = BackupUpkeep(self.backup, now)
        self._rooms = RoomDecryption(
            store, self.lists, self.backup_upkeep, self.identities, self._machine.curve25519
        )
        self.identity = OwnIdentity(requests, self._machine, store, self._own_keys, self.backup)
        self.vouching = Vouching(requests, self._machine, store, self.lists.changed)
        self.gossip = Gossip(requests, self._machine, store, self.backup)
        answering = (own, store, self.lists, self.identities, self.to_device, now)
        self._secret_requests = SecretRequests(*answering)
        self._key_forwarding = KeyForwarding(*answering)
        self._key_requests = KeyRequests(
            requests, self._machine, store, self.lists, self.identities, now
        )
        self.backup_upkeep.others = self._key_requests
        self.key_bundles = KeyBundles(
            requests, self._machine, store, self.lists, self.identities, self.backup_upkeep.tell
        )
        self.hear_verification: HearVerification = lambda sender, kind, content: None
        self._now = now
        self._look_again_at = now()
        self._senders: set[str] = set()  # of room keys, and who has new keys
        self._wedged: dict[tuple[str, str], None] = {}  # (user, curve25519), in order

    @classmethod
    def open(
        cls,
        requests: Owner,
        session: Session,
        directory: Path,
        now: Callable[[], float] = time.monotonic,
        key: str = "",
    ) -> Self:
        """Open or make the device's keys in ``directory`` (0700, files 0600); no request is made.

        They are encrypted with ``key``, 64 hexadecimal digits, or with one in a file beside them.
        Raises ``ProfileInUse`` while another process has them open, else ``StoreTrouble``.
        """
        logging.getLogger("nio").setLevel(logging.WARNING)
        prepare_directory(directory)
        lock = claim_directory(directory / "crypto.lock")
        try:
            database = directory / "crypto.db"
            key = key or load_key(directory / "crypto.key", database)
            create_private(database)
            store = CryptoStore(database, session.user_id, session.device_id, key)
            try:
                return cls(requests, session, store, lock, now)
            except BaseException:
                store.close()
                raise
        except BaseException:
            os.close(lock)
            raise

    @property
    def device_id(self) -> str:
        """This device's ID."""
        return self._machine.device_id

    @property
    def fingerprint(self) -> str:
        """This device's ed25519 key, in unpadded base64."""
        return self._machine.ed25519

    def close(self) -> None:
        """Close the files and let the next process in."""
        self._store.close()
        os.close(self._lock)

    # -- from sync --
    async def receive(
        self,
        to_device: Sequence[JsonObject],
        device_lists: JsonObject | None,
        one_time_keys: JsonObject | None,
        fallback_types: Sequence[str] | None,
        batch: str,
    ) -> tuple[tuple[RoomId, str], ...]:
        """Take in one sync answer's encryption parts; the (room, session) whose keys arrived.

        Those whose keys the sender refuses are among them, since that too is news to the reader.

        ``device_lists`` is ``None`` where changes may have been missed: all are asked for again.
        ``one_time_keys`` counts those left on the server, ``fallback_types`` names the unused
        ones; ``None`` where the answer did not tell. ``batch`` names the to-device events.

        All is on disk, in one transaction, before this returns. Taking in a batch again, or one
        that repeats its events, gives their result again. Raises ``StoreTrouble`` alone.
        """
        self._own_keys.heard(one_time_keys, fallback_types)
        arrived: dict[tuple[RoomId, str], None] = {}
        try:
            with self._store.transaction():
                self._take_changes(device_lists)
                for event in mappings(to_device):
                    brought = self._take(event, batch)
                    if brought != _NOTHING:
                        arrived[RoomId(brought[0]), brought[1]] = None
                self._store.prune_handled(batch)
        except StoreTrouble:
            self._machine.reload_account()
            raise
        await self._meet_senders()
        return tuple(arrived)

    async def _meet_senders(self) -> None:
        """Know whose keys are new before their messages are judged and answered, if possible."""
        senders = frozenset(self._senders)
        try:
            async with asyncio.timeout(_MEETING_PATIENCE):
                await self.lists.ensure(senders)
        except (Recoverable, Refused, TimeoutError) as error:
            log.info("senders' devices not asked for: %s", type(error).__name__)
        self._senders -= senders

    def _take_changes(self, device_lists: JsonObject | None) -> None:
        if device_lists is None:
            self.lists.lost()
        else:
            changed = list(_users(device_lists.get("changed")))
            self.lists.changed(changed)
            self._senders.update(self.lists.tracked(changed))
            self.lists.left(_users(device_lists.get("left")))

    def members_changed(self, room_id: RoomId) -> None:
        """Somebody came or went, or the settings of encryption or history changed."""
        self._sharing.members.changed(room_id)
        self.key_bundles.members_changed(room_id)

    def _take(self, event: JsonObject, batch: str) -> tuple[str, str]:
        """Handle one to-device event; the (room, session) it brought. Bad ones are dropped."""
        sender = user_id(event.get("sender"))
        content = mapping(event.get("content"))
        try:
            match event.get("type"):
                case "m.room.encrypted" if sender:
                    return self._take_once(sender, content, batch)
                case "m.room_key.withheld" if sender:
                    return self._take_withheld(sender, content)
                case "m.secret.request" if sender:
                    self._secret_requests.hear(sender, content)
                case "m.room_key_request" if sender:
                    self._key_forwarding.hear(sender, content)
                case str(kind) if sender and kind.startswith("m.key.verification."):
                    self.hear_verification(sender, kind, content)
        except (EncryptionError, ValueError, TypeError, KeyError, RecursionError) as error:
            log.warning("to-device event dropped: %s", type(error).__name__)
        return _NOTHING

    def _take_once(self, sender: str, content: JsonObject, batch: str) -> tuple[str, str]:
        """A sealed message can be opened only once: one that comes again is remembered."""
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()
        brought = self._store.handled(digest)
        try:
            if brought is None:
                brought = self._take_sealed(sender, content)
            return brought
        finally:
            self._store.remember_handled(digest, batch, brought or _NOTHING)

    def _take_sealed(self, sender: str, content: JsonObject) -> tuple[str, str]:
        sender_key = text(content.get("sender_key"))
        try:
            payload = self._machine.open_message(sender, content)
        except WedgedError:
            if len(self._wedged) < _MOST_WEDGED:
                self._wedged[sender, sender_key] = None
            raise
        self._check_device(sender, sender_key, payload)
        match payload.get("type"):
            case "m.room_key":
                self._senders.add(sender)
                return self._machine.accept_room_key(sender, sender_key, payload)
            case "m.forwarded_room_key":
                return self._key_requests.take(sender, sender_key, payload)
            case "m.room_key_bundle" | "io.element.msc4268.room_key_bundle":
                self.key_bundles.take(sender, sender_key, payload)
                return _NOTHING
            case "m.secret.send":
                self.gossip.take(sender, sender_key, payload)
                return _NOTHING
            case "m.dummy":
                return _NOTHING
            case _:
                log.info("sealed message of a type that is not used")
                return _NOTHING

    def _check_device(self, sender: str, sender_key: str, payload: JsonObject) -> None:
        """A key that is known to be somebody's must be the sender's, fingerprint included."""
        owners = self.lists.owners(sender_key)
        if owners and sender not in owners:
            raise EncryptionError("the device belongs to somebody else")
        device = self.lists.device_with_key(sender, sender_key)
        if device and mapping(payload.get("keys")).get("ed25519") != device.ed25519:
            raise EncryptionError("the device's fingerprint does not match")

    def _take_withheld(self, sender: str, content: JsonObject) -> tuple[str, str]:
        room, code = room_id(content.get("room_id")), opaque(content.get("code"), LONGEST_ID)
        session_id = opaque(content.get("session_id"), LONGEST_ID)
        if content.get("algorithm") != MEGOLM or not (room and session_id and code):
            return _NOTHING
        if self._key_requests.take_refusal(sender, content):
            return _NOTHING
        self._store.save_withheld(room, session_id, sender, code)
        return room, session_id

    # -- rooms --
    def decrypt(self, room_id: RoomId, raw: JsonObject) -> JsonObject | Undecryptable:
        """The plaintext (``type``, ``content``) of an ``m.room.encrypted`` event, or why not.

        Raises ``StoreTrouble`` alone, whatever is in the event. Takes about 0.2 ms.
        """
        return self._rooms.decrypt(room_id, raw)

    def suspect(self, room_id: RoomId, raw: JsonObject) -> Doubt:
        """Why it can't be vouched for who wrote an event that could be decrypted."""
        return self._rooms.suspect(room_id, raw)

    async def send(
        self, room_id: RoomId, transaction_id: TransactionId, kind: str, content: JsonObject
    ) -> EventId:
        """Encrypt for the entitled devices of everyone joined or invited, and send.

        The key is with the devices before the message is sent. Trying again with the same
        transaction ID is harmless: the server keeps the first. A device that can't be given the
        key now (no one-time key, its server is down) gets it, from this message on, with a later
        one. Raises ``TrustAlarm``, ``CannotEncrypt``, ``Recoverable`` and ``Refused``.
        """
        return await self._sharing.send(room_id, transaction_id, kind, content)

    def alarms(self) -> dict[UserId, Alarm]:
        """Everybody whom nothing is sent to before the user decides, and why."""
        unreachable = dict.fromkeys(self.entitlement.out_of_reach(), Alarm.DEVICES)
        return unreachable | dict.fromkeys(self.identities.alarms(), Alarm.IDENTITY)

    def new_session(self, room_id: RoomId) -> None:
        """Have the next message to the room use a new session."""
        self._sharing.forget(room_id)

    def room_keys(self) -> list[RoomKey]:
        """The best key of every session."""
        return [
            keys[0]
            for session in self._store.sessions()
            if (keys := self._store.room_keys(*session))
        ]

    def keep_room_keys(self, keys: Iterable[RoomKey]) -> tuple[int, int]:
        """Store those that are better than what is there, all of them or none.

        How many are of sessions that had no key, and how many are better than the one they had.
        """
        new = better = 0
        with self._store.transaction():
            for key in keys:
                known = self._store.room_keys(RoomId(key.session.room_id), key.session.id)
                if self._machine.keep_room_key(key):
                    new, better = (new, better + 1) if known else (new + 1, better)
        return new, better

    # -- upkeep --
    async def maintain(self) -> None:
        """Upload keys, fetch changed device lists, mend broken sessions.

        Each goes on without the others; then the first ``Recoverable`` is raised.
        ``SignedOut`` is raised at once.
        """
        trouble: Recoverable | None = None
        works = (
            self._own_keys.upload,
            self.lists.refresh,
            self._look_again,
            self._mend,
            self.gossip.settle,
            self._secret_requests.settle,
            self._key_forwarding.settle,
            self._key_requests.settle,
            self.key_bundles.settle,
        )
        for work in works:
            try:
                await work()
            except SignedOut:
                raise
            except Refused as error:
                log.warning("upkeep refused: HTTP %s %s", error.status, error.errcode)
            except Recoverable as error:
                trouble = trouble or error
        if trouble is not None:
            raise trouble

    async def _look_again(self) -> None:
        """Whether people out of reach have confirmed a device, where the server does not tell."""
        users = self.lists.unwatched(self.entitlement.out_of_reach())
        if users and self._now() >= self._look_again_at:
            self._look_again_at = self._now() + _LOOK_EVERY
            await self.lists.ensure(users, unwatched=users)

    async def _mend(self) -> None:
        """Begin new sessions with devices whose messages can't be read, at most one an hour."""
        wedged = list(self._wedged)
        if not wedged:
            return
        await self.lists.ensure(user for user, _ in wedged)
        found = (self.lists.device_with_key(user, key) for user, key in wedged)
        devices: list[Device] = [
            device for device in found if device and not self._machine.recently_renewed(device)
        ]
        if devices:
            await self.to_device.renew(devices)
        for one in wedged:
            self._wedged.pop(one, None)


def _users(value: object) -> Iterable[str]:
    listed = value if isinstance(value, list) else []
    return [user for user in map(user_id, listed) if user is not None]
