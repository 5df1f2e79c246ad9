"""A device's own keys on the server and on disk: never used up, never offered twice, never open."""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
from pathlib import Path

import pytest

from dmtui.core.errors import ProfileInUse, Recoverable, StoreTrouble
from dmtui.core.model import RoomId, Session, UserId
from dmtui.matrix.crypto import Crypto
from dmtui.matrix.room_decryption import NOT_YET
from tests.homeserver.account import Account, Json
from tests.homeserver.faultproxy import BAD_GATEWAY_PAGE, FaultProxy
from tests.homeserver.synapse import SynapseServer
from tests.homeserver.talker import Party, Talker

FULL = 50


def count(account: Account) -> int:
    """One-time keys left on the server."""
    answer = account.api("POST", "v3/keys/upload")
    return int(answer["one_time_key_counts"].get("signed_curve25519", 0))


def claim(claimer: Account, target: Account) -> Json:
    """One key of the target, as ``{key ID: key}``."""
    wanted = {target.user_id: {target.device_id: "signed_curve25519"}}
    answer = claimer.api("POST", "v3/keys/claim", {"one_time_keys": wanted})
    keys: Json = answer["one_time_keys"].get(target.user_id, {}).get(target.device_id, {})
    return keys


def use_up(claimer: Account, target: Account) -> None:
    for _ in range(FULL):
        claim(claimer, target)
    assert count(target) == 0


async def test_used_up_one_time_keys_are_replaced_after_a_restart(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await bob.crypto.maintain()
    use_up(alice.account, bob.account)
    await bob.restart()
    await bob.sync()
    assert count(bob.account) == FULL
    await alice.say(room_id, "with a new key")
    await bob.sync()
    assert bob.read() == ["with a new key"]


async def test_first_message_on_the_fallback_key_is_read_and_the_key_replaced(
    party: Party,
) -> None:
    alice, bob, room_id = await party.pair()
    use_up(alice.account, bob.account)
    used = claim(alice.account, bob.account)
    assert [key["fallback"] for key in used.values()] == [True]
    await alice.say(room_id, "in an emergency")
    bob.ahead = 3600.0
    await bob.sync()
    assert bob.read() == ["in an emergency"]
    use_up(alice.account, bob.account)
    fresh = claim(alice.account, bob.account)
    assert [key["fallback"] for key in fresh.values()] == [True]
    assert fresh.keys() != used.keys()


@pytest.mark.parametrize("lost", ["before", "after"])
async def test_crash_during_the_first_upload_is_made_good(
    synapse: SynapseServer, party: Party, proxy: FaultProxy, tmp_path: Path, lost: str
) -> None:
    account = synapse.register()
    proxy.add(path="/keys/upload", reset=lost)
    bob = Talker(account, tmp_path / "bob", proxy.base_url)
    with pytest.raises(Recoverable):
        await bob.crypto.maintain()
    await bob.restart()
    proxy.clear()
    async with bob:
        alice = await party.guest()
        room_id = alice.account.create_dm(account, record=False)
        account.join(room_id)
        await alice.say(room_id, "are you there?")
        await bob.sync()
        assert bob.read() == ["are you there?"]
        assert count(account) >= FULL - 1


async def test_crash_during_a_later_upload_offers_no_key_twice(
    party: Party, proxy: FaultProxy
) -> None:
    bob, alice = await party.guest(url=proxy.base_url), await party.guest()
    given = [*claim(alice.account, bob.account).items()]
    proxy.add(path="/keys/upload", reset="after")
    await bob.sync()
    await bob.restart()
    given += claim(alice.account, bob.account).items()
    proxy.clear()
    await bob.sync()
    for _ in range(FULL):
        given += claim(alice.account, bob.account).items()
    names = [name for name, key in given if not key.get("fallback")]
    assert len(set(names)) == len(names)


async def test_keys_of_a_restored_old_database_are_replaced(party: Party) -> None:
    alice, bob, _ = await party.pair()
    old = bob.directory.with_name("copy")
    await bob.close()
    shutil.copytree(bob.directory, old)
    bob.open()
    for _ in range(5):
        claim(alice.account, bob.account)
    await bob.sync()
    await bob.close()
    shutil.rmtree(bob.directory)
    old.rename(bob.directory)
    bob.open()
    for _ in range(3):
        claim(alice.account, bob.account)
    await bob.sync()
    assert count(bob.account) == FULL
    await bob.sync()
    assert count(bob.account) == FULL


async def test_server_that_counts_nothing_is_asked_once(party: Party, proxy: FaultProxy) -> None:
    bob = await party.guest(url=proxy.base_url)
    before = len(proxy.requests("/keys/upload"))
    for _ in range(3):
        await bob.crypto.receive([], {}, {}, None, "batch")
        await bob.crypto.maintain()
    assert len(proxy.requests("/keys/upload")) == before
    await bob.restart()
    for _ in range(3):
        await bob.crypto.receive([], {}, None, None, "batch")
        await bob.crypto.maintain()
    assert len(proxy.requests("/keys/upload")) == before + 1


async def test_failed_upload_is_repeated_with_the_same_keys(
    party: Party, proxy: FaultProxy
) -> None:
    bob, alice = await party.guest(url=proxy.base_url), await party.guest()
    claim(alice.account, bob.account)
    proxy.add(path="/keys/upload", times=2, status=502, body=BAD_GATEWAY_PAGE)
    await bob.sync()
    for _ in range(2):
        await bob.sync()
    bodies = [one.body for one in proxy.requests("/keys/upload")][-3:]
    assert bodies[0] == bodies[1] == bodies[2]
    assert count(bob.account) == FULL


async def test_broken_session_is_mended_by_a_new_one(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "before")
    await bob.sync()
    await bob.close()
    with contextlib.closing(sqlite3.connect(bob.directory / "crypto.db")) as database:
        database.execute("DELETE FROM olm")
        database.commit()
    bob.open()
    await bob.say(room_id, "hello?")
    await alice.sync()
    alice.crypto.new_session(RoomId(room_id))
    await alice.say(room_id, "on the new session")
    await bob.sync()
    assert bob.read()[-1] == "on the new session"


async def test_message_on_a_lost_session_makes_the_device_begin_a_new_one(party: Party) -> None:
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "before")
    await bob.sync()
    await bob.say(room_id, "established")
    await alice.sync()
    await bob.close()
    with contextlib.closing(sqlite3.connect(bob.directory / "crypto.db")) as database:
        database.execute("DELETE FROM olm")
        database.commit()
    bob.open()
    alice.crypto.new_session(RoomId(room_id))
    await alice.say(room_id, "lost on the way")
    await bob.sync()
    assert bob.read()[-1] == NOT_YET
    await alice.sync()
    alice.crypto.new_session(RoomId(room_id))
    await alice.say(room_id, "mended")
    await bob.sync()
    assert bob.read()[-1] == "mended"


# -- on disk ----------------------------------------------------------------------------------


def _session(name: str = "alice", device_id: str = "DEVICE") -> Session:
    return Session(UserId(f"@{name}:localhost"), device_id, "token", "http://127.0.0.1:1")


class NoNetwork:
    """Fails the test that makes a request."""

    user_id = ""

    async def api(self, method: str, path: str, body: object = None) -> Json:
        raise AssertionError(f"{method} {path}")


def _open(directory: Path, session: Session | None = None) -> Crypto:
    return Crypto.open(NoNetwork(), session or _session(), directory)


def test_second_process_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    first = _open(tmp_path)
    with pytest.raises(ProfileInUse):
        _open(tmp_path)
    first.close()
    _open(tmp_path).close()


def test_files_are_private_from_the_start(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    directory.mkdir(mode=0o755)
    crypto = _open(directory)
    modes = {file.name: file.stat().st_mode & 0o777 for file in directory.iterdir()}
    assert set(modes) >= {"crypto.db", "crypto.db-wal", "crypto.key", "crypto.lock"}
    assert set(modes.values()) == {0o600}
    assert directory.stat().st_mode & 0o777 == 0o700
    crypto.close()


def test_each_account_gets_a_random_key(tmp_path: Path) -> None:
    keys = set()
    for name in ("one", "two"):
        _open(tmp_path / name).close()
        keys.add((tmp_path / name / "crypto.key").read_text())
    assert len(keys) == 2
    assert all(len(key) == 64 for key in keys)


@pytest.mark.parametrize("damage", ["missing", "empty", "other", "binary"])
def test_lost_key_file_is_one_line_of_trouble(tmp_path: Path, damage: str) -> None:
    _open(tmp_path).close()
    key = tmp_path / "crypto.key"
    match damage:
        case "missing":
            key.unlink()
        case "empty":
            key.write_text("")
        case "other":
            key.write_text("0" * 64)
        case "binary":
            key.write_bytes(bytes(range(192, 256)))
    for _ in range(2):  # the lock was let go as well
        with pytest.raises(StoreTrouble) as caught:
            _open(tmp_path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["garbage", "newer", "directory"])
def test_damaged_database_is_one_line_of_trouble(tmp_path: Path, damage: str) -> None:
    _open(tmp_path).close()
    database = tmp_path / "crypto.db"
    match damage:
        case "garbage":
            database.write_bytes(b"no database" * 1000)
        case "newer":
            with contextlib.closing(sqlite3.connect(database)) as connection:
                connection.execute("PRAGMA user_version = 99")
        case "directory":
            database.unlink()
            database.mkdir()
    with pytest.raises(StoreTrouble) as caught:
        _open(tmp_path)
    assert "\n" not in str(caught.value)


def test_database_of_another_account_is_refused(tmp_path: Path) -> None:
    _open(tmp_path).close()
    with pytest.raises(StoreTrouble):
        _open(tmp_path, _session("mallory"))


async def test_room_keys_outlive_a_new_sign_in(party: Party, synapse: SynapseServer) -> None:
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "keep me")
    await bob.sync()
    await bob.close()
    again = Talker(synapse.login(bob.account.localpart), bob.directory)
    async with again:
        await again.take_in(again.fetch())
        assert again.read() == ["keep me"]
        await alice.sync()
        await alice.say(room_id, "and me")
        await again.sync()
        assert again.read()[-1] == "and me"
    bob.open()


async def test_log_has_neither_bodies_nor_keys(
    party: Party, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    alice, bob, room_id = await party.pair()
    await alice.say(room_id, "canary in the message")
    await bob.sync()
    assert bob.read() == ["canary in the message"]
    secrets = ["canary", alice.account.access_token, "session_key", "ciphertext"]
    assert not [line for line in caplog.messages if any(secret in line for secret in secrets)]
    for file in bob.directory.iterdir():
        assert b"canary" not in file.read_bytes()
