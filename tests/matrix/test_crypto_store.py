from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest
from nio.crypto import InboundGroupSession, OlmAccount, OutboundGroupSession

from dmtui.core.errors import StoreTrouble
from dmtui.core.model import RoomId
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.room_keys import RoomKey

ME = "@me:example.org"
KEY = "ab" * 32
ROOM = RoomId("!room:example.org")
FIRST_SCHEMA = """
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
PRAGMA user_version = 1;
"""


def open_store(directory: Path, key: str = KEY) -> CryptoStore:
    return CryptoStore(directory / "crypto.db", ME, "DEVICE", key)


def test_keys_of_a_first_version_are_carried_over(tmp_path: Path) -> None:
    account, outbound = OlmAccount(), OutboundGroupSession()
    session = InboundGroupSession(outbound.session_key, "fingerprint", "sender", ROOM)
    with contextlib.closing(sqlite3.connect(tmp_path / "crypto.db")) as database, database:
        database.executescript(FIRST_SCHEMA)
        database.execute(
            "INSERT INTO account VALUES (?, ?, 1, ?)", (ME, "DEVICE", account.pickle(KEY).decode())
        )
        database.execute(
            "INSERT INTO megolm VALUES (?, ?, 'sender', 'fingerprint', '@bob:example.org', 0, ?)",
            (ROOM, session.id, session.pickle(KEY).decode()),
        )
    for _ in range(2):
        with contextlib.closing(open_store(tmp_path)) as store:
            kept = store.load_account()
            (key,) = store.room_keys(ROOM, session.id)
        assert kept is not None
        assert kept.identity_keys == account.identity_keys
        assert key == RoomKey(key.session, "@bob:example.org")
        assert key.session.id == session.id


def test_a_key_saved_again_is_due_for_the_backup_again(tmp_path: Path) -> None:
    session = InboundGroupSession(OutboundGroupSession().session_key, "fingerprint", "sender", ROOM)
    with contextlib.closing(open_store(tmp_path)) as store:
        store.save_room_key(RoomKey(session, ME))
        with sqlite3.connect(tmp_path / "crypto.db") as database:
            database.execute("UPDATE megolm SET backed_up_in = '7'")
        database.close()
        store.save_room_key(RoomKey(session, ME))
    with contextlib.closing(sqlite3.connect(tmp_path / "crypto.db")) as database:
        assert database.execute("SELECT backed_up_in FROM megolm").fetchall() == [("",)]


def test_secrets_survive_a_restart_and_are_not_on_the_disk_in_the_clear(tmp_path: Path) -> None:
    with contextlib.closing(open_store(tmp_path)) as store:
        store.save_secret("name", b"a very secret value")
    with contextlib.closing(open_store(tmp_path)) as store:
        assert store.secret("name") == b"a very secret value"
        assert store.secret("other") is None
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"a very secret value" not in written


def test_a_forgotten_secret_is_gone(tmp_path: Path) -> None:
    with contextlib.closing(open_store(tmp_path)) as store:
        store.save_secret("name", b"value")
        store.forget_secret("name")
        assert store.secret("name") is None


def test_a_secret_under_another_key_file_is_one_line_of_trouble(tmp_path: Path) -> None:
    with contextlib.closing(open_store(tmp_path)) as store:
        store.save_secret("name", b"value")
    with contextlib.closing(open_store(tmp_path, "cd" * 32)) as store, pytest.raises(StoreTrouble):
        store.secret("name")


def test_the_master_key_that_is_trusted_is_the_latest(tmp_path: Path) -> None:
    with contextlib.closing(open_store(tmp_path)) as store:
        assert store.master_key(ME) is None
        store.trust_master_key(ME, "first")
        store.trust_master_key(ME, "second")
    with contextlib.closing(open_store(tmp_path)) as store:
        assert store.master_key(ME) == "second"
