"""The backup of room keys on the server (spec: "Server-side key backups").

Only who holds its Curve25519 secret can read it; the secret is kept in secret storage. Keys go up
only to a backup whose public key is that of our secret, or is signed by the master key that this
device trusts: the server alone can't have keys sent to a backup of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from dmtui.core.errors import Forbidden, NotFound, ServerTrouble
from dmtui.core.model import JsonObject, RoomId
from dmtui.core.recovery import Backup
from dmtui.matrix.backup_cipher import (
    ALGORITHM,
    Entry,
    Opener,
    public_key,
    read_entries,
    seal_keys,
)
from dmtui.matrix.client import path
from dmtui.matrix.cross_signing import SigningKey
from dmtui.matrix.crypto_store import CryptoStore, KeyRow
from dmtui.matrix.machine import Machine
from dmtui.matrix.requests import Requests
from dmtui.matrix.room_keys import RoomKey
from dmtui.matrix.values import mapping, opaque, text

log = logging.getLogger(__name__)

KEY_BACKUP_SECRET = "m.megolm_backup.v1"  # noqa: S105 - the name of a secret
KEYS_PER_REQUEST = 100
_KEYS_PER_STEP = 25  # so that nothing else waits for longer than a frame
_MOST_VERSIONS = 3
_MOST_DELETED = 100
_NOT_THE_VERSION = ("M_WRONG_ROOM_KEYS_VERSION", "M_NOT_FOUND")
_LOCKED = "Your key backup is locked on this device: unlock it with your recovery key first."
_UNTRUSTED = "The key backup on the homeserver is not the one that this device has the key of."


class Version(NamedTuple):
    """A backup on the server; ``auth`` is what is signed of it."""

    name: str
    public_key: str
    auth: JsonObject


class KeyBackup:
    """The account's key backup as this device uses it."""

    def __init__(self, requests: Requests, machine: Machine, store: CryptoStore) -> None:
        self._requests = requests
        self._machine = machine
        self._store = store
        self._uploading = asyncio.Lock()
        self.known: Backup | None = None
        """What :meth:`connect` found last; ``None`` before the first time."""

    # -- which backup --
    async def create(self, secret: bytes, master: SigningKey) -> str:
        """Make a backup for this secret, unless the current one is; its version."""
        current, public = await self._current(), public_key(secret)
        if current is not None and current.public_key == public:
            return current.name
        return await self._make(public, master)

    async def clear(self, secret: bytes) -> None:
        """Delete every backup, the newest first, down to the one for this secret if there is one.

        What this device can read of them it takes in before. Raises what the requests raise; the
        next call goes on.
        """
        kept, deleted = public_key(secret), set[str]()
        while (current := await self._current()) is not None and current.public_key != kept:
            if current.name in deleted or len(deleted) == _MOST_DELETED:
                raise ServerTrouble("The homeserver does not delete the old key backup.")
            with contextlib.suppress(NotFound):  # somebody else deletes, too
                await self._salvage(current)
                await self._requests.api("DELETE", path("room_keys", "version", current.name))
            deleted.add(current.name)

    async def _salvage(self, version: Version) -> None:
        secret = self._store.secret(KEY_BACKUP_SECRET)
        if secret is not None and public_key(secret) == version.public_key:
            await self._take_in_all(version.name, Opener(secret), _untold, _untold)

    def use(self, version: str, secret: bytes) -> None:
        """From now on keys go to this new backup: all of them, for it has none yet."""
        self._store.set_backup(version, public_key(secret))
        self._store.back_up_anew()
        self.known = None

    async def _make(self, public: str, master: SigningKey) -> str:
        auth = self._machine.signed({"public_key": public})
        body: JsonObject = {
            "algorithm": ALGORITHM,
            "auth_data": master.signed(auth, self._machine.user_id),
        }
        answer = await self._requests.api("POST", path("room_keys", "version"), body)
        name = opaque(answer.get("version"))
        if name is None:
            raise ServerTrouble("The homeserver did not name the new key backup.")
        return name

    async def connect(self) -> Backup:
        """Look at the server's backup afresh, and use it from now on as far as it can be trusted.

        Raises what the requests raise.
        """
        current = await self._current()
        if current is None or not await self._is_wanted():
            self._store.forget_backup()
            self.known = Backup.NONE
            return self.known
        secret = self._store.secret(KEY_BACKUP_SECRET)
        is_ours = secret is not None and public_key(secret) == current.public_key
        if is_ours or self._is_vouched_for(current):
            self._store.set_backup(current.name, current.public_key)
        else:
            self._store.forget_backup()
        if is_ours:
            self.known = Backup.ON
        elif secret is None or self._is_vouched_for(current):
            self.known = Backup.LOCKED
        else:
            self.known = Backup.UNTRUSTED
        return self.known

    async def state(self) -> tuple[Backup, int]:
        """Where the backup stands, fresh from the server, and how many sessions are not in it."""
        return await self.connect(), self.missing()

    def missing(self) -> int:
        """How many sessions' keys are not in the backup; all of them where there is none."""
        backup = self._store.backup()
        return self._store.count_to_back_up(backup[0] if backup else None)

    def is_behind(self) -> bool:
        """Whether there is a backup that lacks keys; found in no time."""
        backup = self._store.backup()
        return backup is not None and bool(self._store.to_back_up(backup[0], 1))

    def can_upload(self) -> bool:
        """Whether there is a backup that may be given keys."""
        return self._store.backup() is not None

    async def _current(self) -> Version | None:
        try:
            answer = await self._requests.api("GET", path("room_keys", "version"))
        except NotFound:
            return None
        name = opaque(answer.get("version"))
        if name is None:
            raise ServerTrouble("The homeserver did not name its key backup.")
        auth = mapping(answer.get("auth_data"))
        known = answer.get("algorithm") == ALGORITHM
        return Version(name, text(auth.get("public_key")).rstrip("=") if known else "", auth)

    async def _is_wanted(self) -> bool:
        """Whether the user has not turned backups off (account data ``m.key_backup``)."""
        target = path("user", self._machine.user_id, "account_data", "m.key_backup")
        try:
            content = await self._requests.api("GET", target)
        except NotFound:
            return True
        return content.get("enabled") is not False

    def _is_vouched_for(self, version: Version) -> bool:
        """Whether the master key that this device trusts has signed the backup's public key."""
        me = self._machine.user_id
        master = self._store.master_key(me)
        signed: dict[str, object] = dict(version.auth)
        return bool(
            master and version.public_key and self._machine.verify_json(signed, master, me, master)
        )

    # -- uploading --
    async def upload(self) -> int:
        """Upload what is not in the backup, in batches; how many sessions remain.

        A key counts as uploaded once the server has taken it. Raises what the requests raise.
        """
        async with self._uploading:
            backup, tries = self._store.backup(), _MOST_VERSIONS
            while backup is not None:
                rows = self._store.to_back_up(backup[0], KEYS_PER_REQUEST)
                if not rows:
                    break
                try:
                    await self._upload(backup, rows)
                except (Forbidden, NotFound) as error:
                    tries -= 1
                    if (
                        error.errcode not in ("M_WRONG_ROOM_KEYS_VERSION", "M_NOT_FOUND")
                        or not tries
                    ):
                        raise
                    log.info("the key backup is not %s any more", backup[0])
                    await self.connect()
                backup = self._store.backup()
            return self.missing()

    async def _upload(self, backup: tuple[str, str], rows: Sequence[KeyRow]) -> None:
        version, public = backup
        sessions = dict.fromkeys((row.room_id, row.session_id) for row in rows)
        keys = []
        for number, session in enumerate(sessions, start=1):
            best = self._best(*session, version)
            keys += [best] if best else []
            if number % _KEYS_PER_STEP == 0:
                await asyncio.sleep(0)
        if keys:
            body = await asyncio.to_thread(seal_keys, public, keys)
            await self._requests.api("PUT", _keys_of(version), body)
        self._store.backed_up(version, rows)

    def _best(self, room_id: RoomId, session_id: str, version: str) -> RoomKey | None:
        """The one key of the session that the backup is to have, unless it has it."""
        keys = self._store.room_keys(room_id, session_id)
        return keys[0] if keys and keys[0].backed_up_in != version else None

    # -- reading --
    async def restore(
        self,
        progress: Callable[[int, int], None],
        arrived: Callable[[Sequence[tuple[RoomId, str]]], None],
    ) -> int:
        """Take in everything; how many keys brought something.

        Between steps of some keys others may run; ``arrived`` is told the sessions of each.
        Raises ``NotFound`` where there is no backup that this device can read.
        """
        await self.connect()
        version, opener = await self._opened()
        return await self._take_in_all(version, opener, progress, arrived)

    async def _take_in_all(
        self,
        version: str,
        opener: Opener,
        progress: Callable[[int, int], None],
        arrived: Callable[[Sequence[tuple[RoomId, str]]], None],
    ) -> int:
        entries = read_entries(await self._requests.api("GET", _keys_of(version)))
        news = 0
        progress(0, len(entries))
        for first in range(0, len(entries), _KEYS_PER_STEP):
            step = entries[first : first + _KEYS_PER_STEP]
            keys = await asyncio.to_thread(opener.open_all, step, version)
            brought = self._take_in(keys)
            if brought:
                arrived(brought)
            news += len(brought)
            progress(first + len(step), len(entries))
            if len(keys) < len(step):
                log.warning("key backup: %d entries are unusable", len(step) - len(keys))
        return news

    async def fetch(self, room_id: RoomId, session_id: str) -> bool:
        """Look the session up in the backup; whether that brought something."""
        version, opener = await self._opened()
        try:
            content = await self._requests.api("GET", _keys_of(version, room_id, session_id))
        except NotFound:
            return False
        entry: Entry = (room_id, session_id, content)
        return bool(self._take_in(opener.open_all([entry], version)))

    async def _opened(self) -> tuple[str, Opener]:
        state = self.known or await self.connect()
        if state is not Backup.ON:
            state = await self.connect()
        backup, secret = self._store.backup(), self._store.secret(KEY_BACKUP_SECRET)
        if state is Backup.ON and backup is not None and secret is not None:
            return backup[0], Opener(secret)
        match state:
            case Backup.LOCKED:
                raise NotFound(_LOCKED, 404)
            case Backup.UNTRUSTED:
                raise NotFound(_UNTRUSTED, 404)
            case _:
                raise NotFound("There is no key backup on the homeserver.", 404)

    def _take_in(self, keys: Sequence[RoomKey]) -> list[tuple[RoomId, str]]:
        with self._store.transaction():
            return [
                (RoomId(key.session.room_id), key.session.id)
                for key in keys
                if self._machine.keep_room_key(key)
            ]


def _untold(*_: object) -> None:
    """Nobody waits for it."""


def _keys_of(version: str, *session: str) -> str:
    return path("room_keys", "keys", *session) + "?" + urlencode({"version": version})
