"""The key backup against a real homeserver: what goes up, what comes back, and who is believed."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import vodozemac
from nio.crypto import InboundGroupSession
from unpaddedbase64 import decode_base64

from dmtui.core.errors import DmtuiError, Forbidden, NotFound, RateLimited
from dmtui.core.events import SyncBatch, Undecryptable
from dmtui.core.model import RoomId, Session, TransactionId, UserId
from dmtui.core.recovery import Backup
from dmtui.matrix.backup_cipher import seal_keys
from dmtui.matrix.client import PATIENCE
from dmtui.matrix.cross_signing import SigningKey
from dmtui.matrix.homeserver import MatrixHomeserver, connect
from dmtui.matrix.identity import MASTER
from dmtui.matrix.room_decryption import LOCKED, NOT_YET
from dmtui.matrix.room_keys import MEGOLM, RoomKey, Source
from dmtui.matrix.secret_storage import SecretStorage
from tests.fakes import said
from tests.homeserver.account import Account, Json
from tests.homeserver.faultproxy import RATE_LIMITED, FaultProxy
from tests.homeserver.synapse import SynapseServer
from tests.homeserver.talker import ENCRYPTED, Party, Talker, encrypted_room

KEYS = "/room_keys/keys"


def version_of(account: Account) -> Json:
    return account.api("GET", "v3/room_keys/version")


def backed_up(account: Account, version: str = "") -> Json:
    """The sessions in the backup, by room."""
    version = version or version_of(account)["version"]
    rooms = account.api("GET", "v3/room_keys/keys", version=version)["rooms"]
    return {room: held["sessions"] for room, held in rooms.items()}


def names(held: Json) -> set[tuple[str, str]]:
    return {(room, session) for room, sessions in held.items() for session in sessions}


def quiet(done: int, of: int) -> None:
    """Progress that nobody looks at."""


async def restored(talker: Talker) -> int:
    return await talker.crypto.backup_upkeep.restore(quiet)


async def read_by_a_new_device(party: Party, account: Account, text: str) -> list[str]:
    """What a device that unlocks and restores reads of everything."""
    newcomer = await party.guest(account, confirmed=False)
    await newcomer.sync()
    await newcomer.crypto.identity.unlock(text)
    await restored(newcomer)
    return newcomer.read()


def planted(public: str, room_id: str, group: vodozemac.GroupSession, sender_key: str) -> Json:
    """What somebody who knows only the public key can put into the backup."""
    session = InboundGroupSession(group.session_key.to_base64(), sender_key, sender_key, room_id)
    return seal_keys(public, [RoomKey(session, "")])


def written_with(group: vodozemac.GroupSession, room_id: str, body: str) -> Json:
    content = {"msgtype": "m.text", "body": body}
    plain = {"type": "m.room.message", "content": content, "room_id": room_id}
    return {
        "algorithm": MEGOLM,
        "ciphertext": group.encrypt(json.dumps(plain).encode()).to_base64(),
        "session_id": group.session_id,
    }


async def test_new_device_reads_all_old_messages(party: Party, synapse: SynapseServer) -> None:
    alice, bob, room_id = await party.plain_pair()
    text = await alice.crypto.identity.set_up("", "")
    await bob.say(room_id, "from Bob")
    await alice.sync()
    await alice.say(room_id, "from Alice")
    await alice.sync()
    assert await alice.crypto.backup.upload() == 0
    assert len(names(backed_up(alice.account))) == 2
    newcomer = await party.guest(synapse.login(alice.account.localpart), confirmed=False)
    await newcomer.sync()
    assert newcomer.read() == [NOT_YET, NOT_YET]
    await newcomer.crypto.identity.unlock(text)
    assert await restored(newcomer) == 2
    assert newcomer.read() == ["from Bob", "from Alice"]
    assert await restored(newcomer) == 0
    assert await newcomer.crypto.backup.state() == (Backup.ON, 0)


async def test_restored_keys_are_marked_as_proving_no_author(
    party: Party, synapse: SynapseServer
) -> None:
    alice, bob, room_id = await party.plain_pair()
    text = await alice.crypto.identity.set_up("", "")
    await bob.say(room_id, "from Bob")
    await alice.sync()
    await alice.crypto.backup.upload()
    newcomer = await party.guest(synapse.login(alice.account.localpart), confirmed=False)
    await newcomer.crypto.identity.unlock(text)
    await restored(newcomer)
    ((room, session),) = newcomer.crypto._store.sessions()
    (key,) = newcomer.crypto._store.room_keys(room, session)
    assert (key.source, key.owner) == (Source.BACKUP, "")
    (own,) = alice.crypto._store.room_keys(room, session)
    assert (own.source, own.owner) == (Source.OLM, bob.account.user_id)


async def test_session_planted_by_a_stranger_is_read_but_proves_nothing(party: Party) -> None:
    alice, bob, room_id = await party.plain_pair()
    await alice.crypto.identity.set_up("", "")
    version = version_of(alice.account)
    group = vodozemac.GroupSession()
    body = planted(version["auth_data"]["public_key"], room_id, group, "stranger's")
    content = written_with(group, room_id, "not from Bob's device")
    alice.account.api("PUT", "v3/room_keys/keys", body, version=version["version"])
    bob.account.send(room_id, "m.room.encrypted", content)
    await alice.sync()
    assert await restored(alice) == 1
    assert alice.read() == ["not from Bob's device"]
    (key,) = alice.crypto._store.room_keys(RoomId(room_id), group.session_id)
    assert key.source is Source.BACKUP


async def test_planted_key_of_a_known_device_of_somebody_else_reads_nothing(party: Party) -> None:
    alice, bob, room_id = await party.plain_pair()
    mallory = await party.guest()
    mallory_room = encrypted_room(alice.account, mallory.account)
    await mallory.sync()
    await alice.sync()
    await alice.say(mallory_room, "now I know your devices")
    await alice.crypto.identity.set_up("", "")
    version = version_of(alice.account)
    group = vodozemac.GroupSession()
    curve = mallory.crypto._machine.curve25519
    body = planted(version["auth_data"]["public_key"], room_id, group, curve)
    content = written_with(group, room_id, "as if from Bob")
    alice.account.api("PUT", "v3/room_keys/keys", body, version=version["version"])
    bob.account.send(room_id, "m.room.encrypted", content)
    await alice.sync()
    assert await restored(alice) == 1
    assert "as if from Bob" not in alice.read()


async def test_garbage_under_a_known_session_displaces_nothing(party: Party) -> None:
    alice, bob, room_id = await party.plain_pair()
    await alice.crypto.identity.set_up("", "")
    await bob.say(room_id, "from Bob")
    await alice.sync()
    await alice.crypto.backup.upload()
    version = version_of(alice.account)
    (known,) = alice.crypto._store.sessions()
    forged = planted(
        version["auth_data"]["public_key"], room_id, vodozemac.GroupSession(), "stranger's"
    )
    (entry,) = forged["rooms"][room_id]["sessions"].values()
    other: Json = {"rooms": {room_id: {"sessions": {known[1]: entry | {"is_verified": True}}}}}
    alice.account.api("PUT", "v3/room_keys/keys", other, version=version["version"])
    assert backed_up(alice.account)[room_id][known[1]]["session_data"] == entry["session_data"]
    assert await restored(alice) == 0
    assert alice.read() == ["from Bob"]


async def test_keys_never_go_to_a_backup_that_nobody_vouches_for(party: Party) -> None:
    alice, bob, room_id = await party.plain_pair()
    await alice.crypto.identity.set_up("", "")
    await bob.say(room_id, "secret")
    await alice.sync()
    forged = vodozemac.Curve25519SecretKey().public_key().to_base64()
    body: Json = {
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": {"public_key": forged, "signatures": {}},
    }
    version = alice.account.api("POST", "v3/room_keys/version", body)["version"]
    assert await alice.crypto.backup.upload() == 1
    assert alice.crypto.backup.known is Backup.UNTRUSTED
    assert backed_up(alice.account, version) == {}
    with pytest.raises(NotFound):
        await restored(alice)
    assert alice.read() == ["secret"]


async def test_backup_renewed_elsewhere_by_the_same_identity_gets_all_keys(party: Party) -> None:
    alice, bob, room_id = await party.plain_pair()
    text = await alice.crypto.identity.set_up("", "")
    await bob.say(room_id, "before")
    await alice.sync()
    assert await alice.crypto.backup.upload() == 0
    first = version_of(alice.account)
    storage = SecretStorage(alice.client)
    kept = await storage.read(await storage.open(text), MASTER)
    assert kept is not None
    master = SigningKey(decode_base64(kept.decode()))
    secret = vodozemac.Curve25519SecretKey()
    auth = master.signed({"public_key": secret.public_key().to_base64()}, alice.account.user_id)
    body: Json = {"algorithm": first["algorithm"], "auth_data": auth}
    version = alice.account.api("POST", "v3/room_keys/version", body)["version"]
    await bob.say(room_id, "after")
    await alice.say(room_id, "mine")
    assert await alice.crypto.backup.upload() == 0
    assert alice.crypto.backup.known is Backup.LOCKED
    assert len(names(backed_up(alice.account, version))) == 2


async def test_deleted_backup_ends_uploading_and_a_backup_turned_off_is_not_used(
    party: Party,
) -> None:
    alice, bob, room_id = await party.plain_pair()
    await alice.crypto.identity.set_up("", "")
    alice.account.set_account_data("m.key_backup", {"enabled": False})
    assert (await alice.crypto.backup.state())[0] is Backup.NONE
    assert not alice.crypto.backup.can_upload()
    alice.account.set_account_data("m.key_backup", {"enabled": True})
    assert (await alice.crypto.backup.state())[0] is Backup.ON
    alice.account.api("DELETE", f"v3/room_keys/version/{version_of(alice.account)['version']}")
    await bob.say(room_id, "hello")
    await alice.sync()
    assert await alice.crypto.backup.upload() == 1
    assert alice.crypto.backup.known is Backup.NONE


def broken(nth: int, how: str) -> Json:
    """A fault for the n-th request about room keys, and for all that follow."""
    return {"path": "/room_keys/", "skip": nth, "reset": how}


@pytest.mark.parametrize("how", ["before", "after"])
async def test_upload_that_breaks_off_anywhere_is_completed(
    party: Party, proxy: FaultProxy, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dmtui.matrix.key_backup.KEYS_PER_REQUEST", 2)
    alice, _, room_id = await party.plain_pair(proxy.base_url)
    await alice.crypto.identity.set_up("", "")
    mine: set[tuple[str, str]] = set()
    for nth in itertools.count():
        for number in range(5):
            await alice.say(room_id, f"message {number}")
            alice.crypto.new_session(RoomId(room_id))
        mine = {(room, session) for room, session in alice.crypto._store.sessions()}
        proxy.clear()
        proxy.add(**broken(nth, how))
        try:
            await alice.crypto.backup.upload()
        except DmtuiError:
            await alice.restart()
            assert names(backed_up(alice.account)) <= mine
        else:
            break
        finally:
            proxy.clear()
        assert await alice.crypto.backup.upload() == 0
        assert names(backed_up(alice.account)) == mine
    assert nth == 3
    assert names(backed_up(alice.account)) == mine
    before = len(proxy.requests(KEYS))
    assert await alice.crypto.backup.upload() == 0
    assert len(proxy.requests(KEYS)) == before


async def test_restore_that_breaks_off_anywhere_is_completed(
    party: Party, proxy: FaultProxy, synapse: SynapseServer
) -> None:
    alice, bob, room_id = await party.plain_pair()
    text = await alice.crypto.identity.set_up("", "")
    await bob.say(room_id, "from Bob")
    await alice.sync()
    await alice.crypto.backup.upload()
    newcomer = await party.guest(
        synapse.login(alice.account.localpart), proxy.base_url, confirmed=False
    )
    await newcomer.sync()
    await newcomer.crypto.identity.unlock(text)
    await newcomer.restart()
    for nth in itertools.count():
        proxy.add(**broken(nth, "before"))
        try:
            await restored(newcomer)
            break
        except DmtuiError:
            assert newcomer.read() != ["from Bob"]
            await newcomer.restart()
        finally:
            proxy.clear()
    assert nth == 2
    assert newcomer.read() == ["from Bob"]


async def test_upload_is_refused_and_rate_limited_as_the_server_says(
    party: Party, proxy: FaultProxy
) -> None:
    alice, _, room_id = await party.plain_pair(proxy.base_url)
    await alice.crypto.identity.set_up("", "")
    await alice.say(room_id, "hello")
    proxy.add(path=KEYS, times=1, status=429, body=RATE_LIMITED)
    with pytest.raises(RateLimited):
        await alice.crypto.backup.upload()
    proxy.add(path=KEYS, times=1, status=403, body={"errcode": "M_FORBIDDEN", "error": "No"})
    with pytest.raises(Forbidden):
        await alice.crypto.backup.upload()
    assert await alice.crypto.backup.upload() == 0


async def test_server_that_calls_every_version_wrong_is_not_asked_for_ever(
    party: Party, proxy: FaultProxy
) -> None:
    alice, _, room_id = await party.plain_pair(proxy.base_url)
    await alice.crypto.identity.set_up("", "")
    await alice.say(room_id, "hello")
    wrong = {"errcode": "M_WRONG_ROOM_KEYS_VERSION", "error": "Wrong", "current_version": "7"}
    proxy.add(path=KEYS, status=403, body=wrong)
    with pytest.raises(Forbidden):
        await alice.crypto.backup.upload()
    assert len(proxy.requests(KEYS)) <= 3


# -- with sync and upkeep ---------------------------------------------------------------------


async def opened(account: Account, directory: Path, url: str = "") -> MatrixHomeserver:
    session = Session(
        UserId(account.user_id),
        account.device_id,
        account.access_token,
        url or account.base_url,
    )
    return await connect(session, directory)


@pytest.fixture
async def locked(
    party: Party, proxy: FaultProxy, synapse: SynapseServer, tmp_path: Path
) -> AsyncIterator[tuple[MatrixHomeserver, str, str]]:
    """A new device before unlocking, its recovery key, and a room with one message of Bob's."""
    alice, bob, room_id = await party.plain_pair()
    text = await alice.crypto.identity.set_up("", "")
    await bob.say(room_id, "from Bob")
    await alice.sync()
    await alice.crypto.backup.upload()
    account = synapse.login(alice.account.localpart)
    homeserver = await opened(account, tmp_path / "newcomer", proxy.base_url)
    yield homeserver, text, room_id
    await homeserver.close()


async def until_key(
    homeserver: MatrixHomeserver, batch: SyncBatch, room_id: str, session: str
) -> SyncBatch:
    """Sync as the app does until there is news of the session."""
    async with asyncio.timeout(20):
        while (room_id, session) not in batch.room_keys:
            batch = await homeserver.sync(batch.token, frozenset({RoomId(room_id)}), 30.0)
    return batch


async def first_sync(homeserver: MatrixHomeserver, room_id: str) -> tuple[SyncBatch, Undecryptable]:
    batch = await homeserver.sync(None, frozenset({RoomId(room_id)}), 0.0)
    while not batch.complete:
        batch = await homeserver.sync(batch.token, frozenset({RoomId(room_id)}), 0.0)
    history = await homeserver.history(RoomId(room_id), "", 20)
    (content,) = (one.content for one in history.events if isinstance(one.content, Undecryptable))
    return batch, content


async def body_of(homeserver: MatrixHomeserver, room_id: str, waiting: Undecryptable) -> str:
    (event,) = await homeserver.decrypt(RoomId(room_id), [waiting.raw])
    if isinstance(event.content, Undecryptable):
        return event.content.reason
    return str(getattr(event.content, "body", ""))


async def test_unread_message_says_that_the_recovery_key_helps_and_opens_once_it_is_used(
    locked: tuple[MatrixHomeserver, str, str],
) -> None:
    homeserver, text, room_id = locked
    batch, waiting = await first_sync(homeserver, room_id)
    batch = await until_key(homeserver, batch, room_id, waiting.session_id)
    assert await body_of(homeserver, room_id, waiting) == LOCKED
    await homeserver.unlock(text)
    batch = await until_key(homeserver, SyncBatch(batch.token), room_id, waiting.session_id)
    if await body_of(homeserver, room_id, waiting) != "from Bob":  # the first news: it is open now
        await until_key(homeserver, SyncBatch(batch.token), room_id, waiting.session_id)
    assert await body_of(homeserver, room_id, waiting) == "from Bob"


async def test_missing_key_is_looked_up_once(
    locked: tuple[MatrixHomeserver, str, str], proxy: FaultProxy
) -> None:
    homeserver, text, room_id = locked
    await homeserver.unlock(text)
    empty: Json = {"errcode": "M_NOT_FOUND", "error": "No such key"}
    proxy.add(path=f"{KEYS}/", status=404, body=empty)
    _, waiting = await first_sync(homeserver, room_id)
    await asyncio.to_thread(proxy.wait_for_request, f"{KEYS}/")
    for _ in range(5):
        assert await body_of(homeserver, room_id, waiting) == NOT_YET
    proxy.clear()
    assert await homeserver.restore_keys(quiet) == 1
    assert await body_of(homeserver, room_id, waiting) == "from Bob"
    assert len(proxy.requests(f"{KEYS}/")) == 1


async def test_closing_uploads_what_is_new(
    party: Party, tmp_path: Path, synapse: SynapseServer
) -> None:
    account = synapse.register()
    room_id = account.create_room(initial_state=[ENCRYPTED])
    homeserver = await opened(account, tmp_path / "closing")
    await homeserver.sync(None, frozenset(), 0.0)
    await homeserver.set_up_recovery("")
    await homeserver.send(RoomId(room_id), TransactionId("one"), said("hello"), encrypted=True)
    await homeserver.close()
    assert len(names(backed_up(account))) == 1


async def test_closing_does_not_wait_for_a_server_that_hangs(
    proxy: FaultProxy, tmp_path: Path, synapse: SynapseServer
) -> None:
    account = synapse.register()
    room_id = account.create_room(initial_state=[ENCRYPTED])
    homeserver = await opened(account, tmp_path / "closing", proxy.base_url)
    await homeserver.sync(None, frozenset(), 0.0)
    await homeserver.set_up_recovery("")
    await homeserver.send(RoomId(room_id), TransactionId("one"), said("hello"), encrypted=True)
    proxy.add(path="/room_keys/", hang=True)
    async with asyncio.timeout(PATIENCE - 5):
        await homeserver.close()
    assert names(backed_up(account)) == set()
