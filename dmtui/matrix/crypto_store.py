"""The encryption database: account, sessions, devices and what was seen; one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeAlias

from nio.crypto import InboundGroupSession, OlmAccount, Session

from dmtui.core.errors import StoreTrouble
from dmtui.core.model import RoomId
from dmtui.matrix.devices import Device, IdentityRow
from dmtui.matrix.room_keys import RoomKey, Source
from dmtui.matrix.sealing import Sealed, seal, unseal

_SESSIONS_PER_DEVICE = 20
_SCHEMA = """
CREATE TABLE account (user_id TEXT, device_id TEXT, uploaded INTEGER NOT NULL,
    pickle TEXT NOT NULL, PRIMARY KEY (user_id, device_id)) WITHOUT ROWID;
CREATE TABLE olm (sender_key TEXT, session_id TEXT, created REAL NOT NULL, used REAL NOT NULL,
    pickle TEXT NOT NULL, PRIMARY KEY (sender_key, session_id)) WITHOUT ROWID;
CREATE TABLE megolm (room_id TEXT, session_id TEXT, sender_key TEXT, ed25519 TEXT NOT NULL,
    owner TEXT NOT NULL, first_index INTEGER NOT NULL, pickle TEXT NOT NULL,
    PRIMARY KEY (room_id, session_id, sender_key)) WITHOUT ROWID;
CREATE TABLE replay (room_id TEXT, session_id TEXT, message_index INTEGER, event_id TEXT NOT NULL,
    PRIMARY KEY (room_id, session_id, message_index)) WITHOUT ROWID;
CREATE TABLE withheld (room_id TEXT, session_id TEXT, sender TEXT, code TEXT NOT NULL,
    PRIMARY KEY (room_id, session_id, sender)) WITHOUT ROWID;
CREATE TABLE tracked (user_id TEXT PRIMARY KEY, outdated INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE device (user_id TEXT, device_id TEXT, ed25519 TEXT NOT NULL,
    curve25519 TEXT NOT NULL, name TEXT NOT NULL, raw TEXT NOT NULL, blocked INTEGER NOT NULL,
    PRIMARY KEY (user_id, device_id)) WITHOUT ROWID;
CREATE TABLE handled (number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE,
    batch TEXT NOT NULL, room_id TEXT NOT NULL, session_id TEXT NOT NULL);
"""
_SECOND = """
CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE identity (user_id TEXT PRIMARY KEY, master TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE identities (user_id TEXT PRIMARY KEY, master TEXT NOT NULL,
    self_signing TEXT NOT NULL, user_signing TEXT NOT NULL, raw TEXT NOT NULL,
    pinned TEXT NOT NULL, pinned_at INTEGER NOT NULL, was_verified INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE backup (version TEXT PRIMARY KEY, public_key TEXT NOT NULL) WITHOUT ROWID;
ALTER TABLE megolm ADD COLUMN backed_up_in TEXT NOT NULL DEFAULT '';
ALTER TABLE megolm ADD COLUMN source TEXT NOT NULL DEFAULT '';
CREATE INDEX megolm_backed_up ON megolm (backed_up_in);
"""
_THIRD = """
ALTER TABLE device ADD COLUMN signed_by TEXT NOT NULL DEFAULT '';
CREATE TABLE excepted (user_id TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_FOURTH = """
ALTER TABLE megolm ADD COLUMN shared_history INTEGER NOT NULL DEFAULT 0;
CREATE TABLE bundle (room_id TEXT, sender TEXT, arrived INTEGER NOT NULL, sealed BLOB NOT NULL,
    PRIMARY KEY (room_id, sender)) WITHOUT ROWID;
"""
_MIGRATIONS = (_SCHEMA, _SECOND, _THIRD, _FOURTH)
"""What leads from each version to the next; the user's keys are carried over."""

Row: TypeAlias = tuple[object, ...]


class KeyRow(NamedTuple):
    """Which room key, and the first message that it reads."""

    room_id: RoomId
    session_id: str
    sender_key: str
    reach: int


class CryptoStore:
    """One device's encryption state; every call is short and blocking.

    Raises ``StoreTrouble`` alone.
    """

    def __init__(self, path: Path, user_id: str, device_id: str, key: str) -> None:
        self._me = (user_id, device_id)
        self._key = key
        try:
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise StoreTrouble("The encryption database can't be opened.") from error
        try:
            self._prepare()
        except StoreTrouble:
            self._database.close()
            raise

    def _prepare(self) -> None:
        self._do("PRAGMA journal_mode = WAL")
        self._do("PRAGMA synchronous = NORMAL")
        self._do("PRAGMA secure_delete = ON")
        version = self._do("PRAGMA user_version")[0][0]
        if not isinstance(version, int) or version > len(_MIGRATIONS):
            raise StoreTrouble("The encryption database was written by a newer dmtui.")
        with self.transaction():
            for migration in _MIGRATIONS[version:]:
                for statement in migration.split(";\n"):
                    self._do(statement)
            self._do(f"PRAGMA user_version = {len(_MIGRATIONS)}")
        accounts = self._do("SELECT user_id, device_id FROM account")
        if any(user_id != self._me[0] for user_id, _ in accounts):
            raise StoreTrouble("The encryption database belongs to another account.")
        if any(device_id != self._me[1] for _, device_id in accounts):
            self._forget_former_device()

    def _forget_former_device(self) -> None:
        """After a new sign-in: room keys stay readable, everything else was the old device's."""
        with self.transaction():
            for table in ("account", "olm", "tracked", "handled", "bundle"):
                self._do(f"DELETE FROM {table}")  # noqa: S608 (names are ours)

    def close(self) -> None:
        self._database.close()

    def _do(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        try:
            return self._database.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StoreTrouble(f"The encryption database failed: {error}.") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; an inner transaction joins the outer one. Nothing awaits inside."""
        if self._database.in_transaction:
            yield
            return
        self._do("BEGIN IMMEDIATE")
        try:
            yield
            self._do("COMMIT")
        except BaseException:
            self._database.rollback()
            raise

    # -- account, in the shape nio's Olm machine asks for --
    def load_account(self) -> OlmAccount | None:
        rows = self._do(
            "SELECT pickle, uploaded FROM account WHERE (user_id, device_id) = (?, ?)", self._me
        )
        if not rows:
            return None
        try:
            return OlmAccount.from_pickle(str(rows[0][0]).encode(), self._key, bool(rows[0][1]))
        except ValueError as error:
            raise StoreTrouble(
                "The encryption keys can't be opened with this profile's key."
            ) from error

    def save_account(self, account: OlmAccount) -> None:
        pickle = account.pickle(self._key).decode()
        self._do(
            "INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?)",
            (*self._me, account.shared, pickle),
        )

    # -- Olm sessions --
    def olm_sessions(self, sender_key: str) -> list[Session]:
        """Sessions with the device, the one to send with first."""
        rows = self._do(
            "SELECT pickle, created, used FROM olm WHERE sender_key = ? ORDER BY used DESC",
            (sender_key,),
        )
        sessions = []
        for pickle, created, used in rows:
            try:
                sessions.append(
                    Session.from_pickle(
                        str(pickle).encode(),
                        datetime.fromtimestamp(float(str(created))),
                        self._key,
                        datetime.fromtimestamp(float(str(used))),
                    )
                )
            except ValueError:
                continue  # a damaged session is as good as none: a new one will be made
        return sessions

    def save_session(self, curve_key: str, session: Session, used: float | None = None) -> None:
        """Store the ratchet; ``used`` is when a message was last received with it."""
        used = session.use_time.timestamp() if used is None else used
        values = (curve_key, session.id, session.creation_time.timestamp(), used)
        self._do(
            "INSERT INTO olm VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET used = excluded.used, pickle = excluded.pickle",
            (*values, session.pickle(self._key).decode()),
        )
        self._do(
            "DELETE FROM olm WHERE sender_key = ?1 AND session_id NOT IN (SELECT session_id"
            " FROM olm WHERE sender_key = ?1 ORDER BY used DESC LIMIT ?2)",
            (curve_key, _SESSIONS_PER_DEVICE),
        )

    # -- Megolm sessions --
    def room_keys(self, room_id: RoomId, session_id: str) -> list[RoomKey]:
        """The session's keys, one per device that they came from, the best first."""
        rows = self._do(
            "SELECT shared_history, pickle, ed25519, sender_key, owner, source, backed_up_in"
            " FROM megolm WHERE (room_id, session_id) = (?, ?)",
            (room_id, session_id),
        )
        found = []
        for shared, *texts in rows:
            pickle, ed25519, sender_key, owner, source, backed_up_in = map(str, texts)
            try:
                session = InboundGroupSession.from_pickle(
                    pickle.encode(), ed25519, sender_key, room_id, self._key
                )
            except ValueError:
                continue  # damaged: as if it had not arrived
            found.append(RoomKey(session, owner, Source(source), backed_up_in, bool(shared)))
        return sorted(found, key=lambda key: key.merit, reverse=True)

    def key_origins(self, room_id: RoomId, session_id: str) -> list[tuple[str, str, Source]]:
        """Whose keys of the session there are: sender key, owner, and where they came from."""
        rows = self._do(
            "SELECT sender_key, owner, source FROM megolm WHERE (room_id, session_id) = (?, ?)",
            (room_id, session_id),
        )
        return [(str(sender), str(owner), Source(str(source))) for sender, owner, source in rows]

    def reach(self, room_id: RoomId, session_id: str) -> int | None:
        """The index of the first message that any key of the session reads."""
        rows = self._do(
            "SELECT min(first_index) FROM megolm WHERE (room_id, session_id) = (?, ?)",
            (room_id, session_id),
        )
        return None if rows[0][0] is None else int(str(rows[0][0]))

    def save_room_key(self, key: RoomKey) -> None:
        session = key.session
        self._do(
            "INSERT OR REPLACE INTO megolm (room_id, session_id, sender_key, ed25519, owner,"
            " first_index, pickle, source, backed_up_in, shared_history)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                session.room_id,
                session.id,
                session.sender_key,
                session.ed25519,
                key.owner,
                key.reach,
                session.pickle(self._key).decode(),
                key.source,
                key.backed_up_in,
                key.shared_history,
            ),
        )

    def sessions(self) -> list[tuple[RoomId, str]]:
        """Every (room, session) of which there is a key."""
        rows = self._do("SELECT DISTINCT room_id, session_id FROM megolm")
        return [(RoomId(str(room_id)), str(session_id)) for room_id, session_id in rows]

    # -- key backup --
    def backup(self) -> tuple[str, str] | None:
        """The version to upload to and its public key; ``None`` where there is none to trust."""
        rows = self._do("SELECT version, public_key FROM backup")
        return (str(rows[0][0]), str(rows[0][1])) if rows else None

    def set_backup(self, version: str, public_key: str) -> None:
        """From now on room keys are backed up there and nowhere else."""
        before = self.backup()
        if before == (version, public_key):
            return
        with self.transaction():
            self.forget_backup()
            self._do("INSERT INTO backup VALUES (?, ?)", (version, public_key))
            if before is not None and before[0] == version:  # a reused name: nothing is in there
                self._do("UPDATE megolm SET backed_up_in = '' WHERE backed_up_in = ?", (version,))

    def forget_backup(self) -> None:
        self._do("DELETE FROM backup")

    def to_back_up(self, version: str, limit: int) -> list[KeyRow]:
        """Some of the keys that are not in this version of the backup."""
        rows = self._do(
            "SELECT room_id, session_id, sender_key, first_index FROM megolm"
            " WHERE backed_up_in < ?1 OR backed_up_in > ?1 LIMIT ?2",
            (version, limit),
        )
        return [
            KeyRow(RoomId(str(room)), str(session), str(sender), int(str(reach)))
            for room, session, sender, reach in rows
        ]

    def count_to_back_up(self, version: str | None) -> int:
        """How many sessions are not in this version of the backup; all of them without one."""
        rows = self._do(
            "SELECT count(*) FROM (SELECT DISTINCT room_id, session_id FROM megolm"
            " WHERE ?1 IS NULL OR backed_up_in < ?1 OR backed_up_in > ?1)",
            (version,),
        )
        return int(str(rows[0][0]))

    def backed_up(self, version: str, keys: Iterable[KeyRow]) -> None:
        """These keys are in the backup now, but for those that read more by now."""
        with self.transaction():
            for key in keys:
                self._do(
                    "UPDATE megolm SET backed_up_in = ? WHERE"
                    " (room_id, session_id, sender_key, first_index) = (?, ?, ?, ?)",
                    (version, *key),
                )

    def back_up_anew(self) -> None:
        """No key counts as backed up any more, wherever that was."""
        self._do("UPDATE megolm SET backed_up_in = ''")

    def first_use(self, room_id: RoomId, session_id: str, index: int, event_id: str) -> bool:
        """Whether this index of the session was used by no other event; remembers that it was."""
        key = (room_id, session_id, index)
        self._do("INSERT OR IGNORE INTO replay VALUES (?, ?, ?, ?)", (*key, event_id))
        rows = self._do(
            "SELECT event_id FROM replay WHERE (room_id, session_id, message_index) = (?, ?, ?)",
            key,
        )
        return rows == [(event_id,)]

    def save_withheld(self, room_id: str, session_id: str, sender: str, code: str) -> None:
        self._do(
            "INSERT OR REPLACE INTO withheld VALUES (?, ?, ?, ?)",
            (room_id, session_id, sender, code),
        )

    def withheld(self, room_id: str, session_id: str, sender: str) -> str | None:
        """The code with which the sender refused us the session's key."""
        rows = self._do(
            "SELECT code FROM withheld WHERE (room_id, session_id, sender) = (?, ?, ?)",
            (room_id, session_id, sender),
        )
        return str(rows[0][0]) if rows else None

    # -- the account's identity --
    def save_secret(self, name: str, value: bytes) -> None:
        """Keep a secret, encrypted like the pickles."""
        sealed = seal(bytes.fromhex(self._key), name, value)
        self._do("INSERT OR REPLACE INTO secret VALUES (?, ?)", (name, sealed.packed()))

    def secret(self, name: str) -> bytes | None:
        """The secret, or ``None``. Raises ``StoreTrouble`` where it is damaged."""
        rows = self._do("SELECT value FROM secret WHERE name = ?", (name,))
        if not rows or not isinstance(rows[0][0], bytes):
            return None
        try:
            return unseal(bytes.fromhex(self._key), name, Sealed.unpacked(rows[0][0]))
        except ValueError as error:
            raise StoreTrouble("A secret can't be opened with this profile's key.") from error

    def forget_secret(self, name: str) -> None:
        self._do("DELETE FROM secret WHERE name = ?", (name,))

    def master_key(self, user_id: str) -> str | None:
        """The public master key that this device trusts as the user's."""
        rows = self._do("SELECT master FROM identity WHERE user_id = ?", (user_id,))
        return str(rows[0][0]) if rows else None

    def trust_master_key(self, user_id: str, master: str) -> None:
        self._do("INSERT OR REPLACE INTO identity VALUES (?, ?)", (user_id, master))

    # -- offers of room keys --
    def save_bundle(self, room_id: str, sender: str, arrived: int, offer: bytes, most: int) -> None:
        """Keep what came at this time, in milliseconds, and no more than the ``most`` latest."""
        sealed = seal(bytes.fromhex(self._key), room_id, offer).packed()
        with self.transaction():
            self._do(
                "INSERT OR REPLACE INTO bundle VALUES (?, ?, ?, ?)",
                (room_id, sender, arrived, sealed),
            )
            self._do(
                "DELETE FROM bundle WHERE (room_id, sender) NOT IN"
                " (SELECT room_id, sender FROM bundle ORDER BY arrived DESC LIMIT ?)",
                (most,),
            )

    def bundles(self) -> list[tuple[RoomId, str, int, bytes]]:
        """Every offer: room, sender, when it came, and what it says."""
        found = []
        for room_id, sender, arrived, sealed in self._do("SELECT * FROM bundle"):
            try:
                packed = Sealed.unpacked(bytes(sealed) if isinstance(sealed, bytes) else b"")
                offer = unseal(bytes.fromhex(self._key), str(room_id), packed)
            except ValueError:
                continue  # damaged: as if it had not arrived
            found.append((RoomId(str(room_id)), str(sender), int(str(arrived)), offer))
        return found

    def forget_bundle(self, room_id: str, sender: str, arrived: int) -> None:
        """Forget the offer, unless a later one has replaced it."""
        key = (room_id, sender, arrived)
        self._do("DELETE FROM bundle WHERE (room_id, sender, arrived) = (?, ?, ?)", key)

    # -- people and devices --
    def identities(self) -> list[IdentityRow]:
        """Everybody's identity as it was shown last."""
        rows = self._do(
            "SELECT pinned_at, was_verified, user_id, master, self_signing, user_signing, raw,"
            " pinned FROM identities"
        )
        return [
            IdentityRow(int(str(at)), bool(verified), *map(str, texts))
            for at, verified, *texts in rows
        ]

    def save_identity(self, row: IdentityRow) -> None:
        keys = (row.user_id, row.master, row.self_signing, row.user_signing, row.raw)
        self._do(
            "INSERT OR REPLACE INTO identities VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*keys, row.pinned, row.pinned_at, row.was_verified),
        )

    def tracked(self) -> dict[str, bool]:
        """Users whose devices we follow; true where the list is outdated."""
        return {
            str(user_id): bool(outdated)
            for user_id, outdated in self._do("SELECT user_id, outdated FROM tracked")
        }

    def track(self, users: Iterable[str], outdated: bool) -> None:
        with self.transaction():
            for user_id in users:
                self._do("INSERT OR REPLACE INTO tracked VALUES (?, ?)", (user_id, outdated))

    def untrack(self, users: Iterable[str]) -> None:
        with self.transaction():
            for user_id in users:
                self._do("DELETE FROM tracked WHERE user_id = ?", (user_id,))

    def devices(self) -> Iterator[Device]:
        rows = self._do(
            "SELECT blocked, user_id, device_id, ed25519, curve25519, name, raw, signed_by"
            " FROM device"
        )
        for blocked, *texts in rows:
            user_id, device_id, ed25519, curve25519, name, raw, signed_by = map(str, texts)
            keys = (ed25519, curve25519)
            yield Device(user_id, device_id, *keys, name, raw, bool(blocked), signed_by)

    def replace_devices(self, user_id: str, devices: Iterable[Device]) -> None:
        with self.transaction():
            self._do("DELETE FROM device WHERE user_id = ?", (user_id,))
            for device in devices:
                texts = (device.ed25519, device.curve25519, device.name, device.raw)
                self._do(
                    "INSERT INTO device VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (user_id, device.device_id, *texts, device.blocked, device.signed_by),
                )

    def excepted(self) -> frozenset[str]:
        """People whose devices get room keys without being confirmed by them."""
        return frozenset(str(user_id) for (user_id,) in self._do("SELECT user_id FROM excepted"))

    def set_excepted(self, user_id: str, excepted: bool) -> None:
        """Put the person among them, or take them out."""
        if excepted:
            self._do("INSERT OR IGNORE INTO excepted VALUES (?)", (user_id,))
        else:
            self._do("DELETE FROM excepted WHERE user_id = ?", (user_id,))

    # -- to-device events already handled --
    def handled(self, digest: bytes) -> tuple[str, str] | None:
        """The (room, session) that a handled event brought, both empty if it brought none."""
        rows = self._do("SELECT room_id, session_id FROM handled WHERE digest = ?", (digest,))
        return (str(rows[0][0]), str(rows[0][1])) if rows else None

    def remember_handled(self, digest: bytes, batch: str, brought: tuple[str, str]) -> None:
        self._do(
            "INSERT OR REPLACE INTO handled (digest, batch, room_id, session_id)"
            " VALUES (?, ?, ?, ?)",
            (digest, batch, *brought),
        )

    def prune_handled(self, batch: str) -> None:
        """Forget all but this batch and the one before: the server repeats no other."""
        self._do(
            "DELETE FROM handled WHERE batch <> ?1 AND batch <> (SELECT batch FROM handled"
            " WHERE batch <> ?1 ORDER BY number DESC LIMIT 1)",
            (batch,),
        )
