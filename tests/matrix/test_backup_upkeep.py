"""The key backup beside sync: when it asks the server, how often, and what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import unquote

import pytest
import vodozemac
from nio.crypto import InboundGroupSession

from dmtui.core.errors import DmtuiError, NotFound, RateLimited, SignedOut, Unreachable
from dmtui.core.model import JsonObject, RoomId
from dmtui.core.recovery import Backup
from dmtui.matrix.backup_cipher import ALGORITHM, public_key, read_entries, seal_keys
from dmtui.matrix.backup_upkeep import BackupUpkeep
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.key_backup import KEY_BACKUP_SECRET, KeyBackup
from dmtui.matrix.machine import Machine
from dmtui.matrix.room_keys import RoomKey
from tests.waiting import PATIENCE

ME = "@me:localhost"
ROOM = RoomId("!room:localhost")
SECRET = bytes(range(32))


def some_key() -> RoomKey:
    group = vodozemac.GroupSession()
    return RoomKey(InboundGroupSession(group.session_key.to_base64(), "ed", "curve", ROOM), ME)


class Server:
    """A homeserver that has a backup; ``trouble`` is raised instead of an answer about keys."""

    def __init__(self) -> None:
        self.held: dict[str, JsonObject] = {}
        self.asked: list[str] = []
        self.trouble: DmtuiError | None = None
        self.exists = True
        self.waiting = 0

    def hold(self, key: RoomKey) -> RoomKey:
        ((_, session, entry),) = read_entries(seal_keys(public_key(SECRET), [key]))
        self.held[session] = entry
        return key

    async def api(self, method: str, path: str, body: JsonObject | None = None, /) -> JsonObject:
        place = unquote(path.partition("?")[0].removeprefix("/_matrix/client/v3/"))
        if place.startswith("user/"):
            raise NotFound("never set", 404, "M_NOT_FOUND")
        self.asked.append(f"{method} {place}")
        if place == "room_keys/version":
            if not self.exists:
                raise NotFound("no backup", 404, "M_NOT_FOUND")
            auth: JsonObject = {"public_key": public_key(SECRET)}
            return {"version": "1", "algorithm": ALGORITHM, "auth_data": auth}
        self.waiting += 1
        assert self.waiting == 1, "one request at a time"
        try:
            await asyncio.sleep(0)
        finally:
            self.waiting -= 1
        if self.trouble is not None:
            raise self.trouble
        if method == "PUT":
            assert body is not None
            for _, session, entry in read_entries(body):
                self.held[session] = entry
            return {"count": len(self.held), "etag": "1"}
        session = place.removeprefix(f"room_keys/keys/{ROOM}").removeprefix("/")
        if session not in self.held:
            raise NotFound("no such key", 404, "M_NOT_FOUND")
        return self.held[session]

    def count(self, start: str) -> int:
        return sum(one.startswith(start) for one in self.asked)


class Clock:
    """Time that passes when somebody rests; ``rests`` tells for how long."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.rests: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[CryptoStore]:
    opened = CryptoStore(tmp_path / "me.db", ME, "A", "00" * 32)
    opened.save_secret(KEY_BACKUP_SECRET, SECRET)
    yield opened
    opened.close()


@pytest.fixture
def machine(store: CryptoStore) -> Machine:
    return Machine(ME, "A", store)


@pytest.fixture
async def upkeep(
    server: Server, store: CryptoStore, machine: Machine, clock: Clock
) -> AsyncIterator[BackupUpkeep]:
    backup = KeyBackup(server, machine, store)
    made = BackupUpkeep(backup, clock.now, lambda: 7.0, clock.sleep)
    yield made
    await made.close()


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - whatever may change it
            await asyncio.sleep(0)


async def test_new_keys_go_up_together_after_a_while(
    server: Server, machine: Machine, upkeep: BackupUpkeep, clock: Clock
) -> None:
    upkeep.wake()
    await until(lambda: server.count("GET room_keys/version"))
    for _ in range(3):
        machine.keep_room_key(some_key())
        upkeep.wake()
    await until(lambda: len(server.held) == 3)
    assert server.count("PUT") == 1
    assert clock.rests == [7.0]


async def test_nothing_new_makes_no_requests(server: Server, upkeep: BackupUpkeep) -> None:
    for _ in range(5):
        upkeep.wake()
        await until(lambda: server.asked)
    assert server.asked == ["GET room_keys/version"]


async def test_missing_keys_are_looked_up_newest_first_and_told(
    server: Server, upkeep: BackupUpkeep
) -> None:
    keys = [server.hold(some_key()) for _ in range(3)]
    for key in keys:
        upkeep.want(ROOM, key.session.id)
    upkeep.wake()
    told: set[tuple[RoomId, str]] = set()

    def all_told() -> bool:
        told.update(upkeep.take_arrived())
        return not any(key.session.id not in {one for _, one in told} for key in keys) and (
            server.count("GET room_keys/keys") == len(keys)
        )

    await until(all_told)
    looked_up = [one.rpartition(f"{ROOM}/")[2] for one in server.asked if "/keys/" in one]
    assert looked_up == [key.session.id for key in reversed(keys)]
    assert upkeep.take_arrived() == ()


async def test_key_that_the_backup_lacks_is_asked_for_again_after_minutes_only(
    server: Server, upkeep: BackupUpkeep, clock: Clock
) -> None:
    upkeep.wake()
    for times in (1, 2):
        for _ in range(3):
            upkeep.want(ROOM, "session")
        await until(lambda: upkeep.is_idle and server.count("GET room_keys/keys"))
        upkeep.want(ROOM, "session")
        await until(lambda: upkeep.is_idle)
        assert server.count("GET room_keys/keys") == times
        clock.time += 301.0


class Others:
    """Other devices of mine; ``trouble`` is raised where they are to be asked."""

    def __init__(self) -> None:
        self.wanted: list[tuple[RoomId, str]] = []
        self.times = 0
        self.trouble: DmtuiError | None = None

    def want(self, room_id: RoomId, session_id: str) -> None:
        self.wanted.append((room_id, session_id))

    async def settle(self) -> None:
        self.times += 1
        if self.trouble is not None:
            raise self.trouble


async def test_other_devices_are_asked_for_what_the_backup_lacks_and_for_nothing_else(
    server: Server, upkeep: BackupUpkeep
) -> None:
    upkeep.others = others = Others()
    upkeep.want(ROOM, server.hold(some_key()).session.id)
    upkeep.want(ROOM, "lacking")
    upkeep.wake()
    await until(lambda: upkeep.is_idle and server.count("GET room_keys/keys") == 2)
    assert others.wanted == [(ROOM, "lacking")]
    assert others.times


@pytest.mark.parametrize("exists", [True, False], ids=["locked", "none"])
async def test_other_devices_are_asked_where_no_backup_can_be_read(
    server: Server, store: CryptoStore, upkeep: BackupUpkeep, exists: bool
) -> None:
    server.exists = exists
    store.forget_secret(KEY_BACKUP_SECRET)
    upkeep.others = others = Others()
    upkeep.want(ROOM, "lacking")
    upkeep.wake()
    await until(lambda: upkeep.is_idle and upkeep.backup.known is not None)
    assert set(others.wanted) == {(ROOM, "lacking")}


@pytest.mark.parametrize("exists", [True, False], ids=["a backup", "none"])
async def test_other_devices_are_not_asked_for_what_its_sender_refused(
    server: Server, upkeep: BackupUpkeep, exists: bool
) -> None:
    server.exists = exists
    upkeep.others = others = Others()
    upkeep.want(ROOM, "refused", True)
    upkeep.wake()
    await until(lambda: upkeep.is_idle and others.times)
    assert others.wanted == []


async def test_other_devices_are_asked_again_after_trouble(
    server: Server, upkeep: BackupUpkeep, clock: Clock
) -> None:
    upkeep.others = others = Others()
    others.trouble = Unreachable("gone")
    upkeep.want(ROOM, "lacking")
    upkeep.wake()
    await until(lambda: clock.rests)
    others.trouble = None
    before = others.times
    await until(lambda: upkeep.is_idle and others.times > before)


async def test_server_in_trouble_is_given_time_and_the_wish_is_kept(
    server: Server, upkeep: BackupUpkeep, clock: Clock
) -> None:
    key = server.hold(some_key())
    upkeep.wake()
    await until(lambda: server.asked)
    server.trouble = RateLimited("slow down", 42.0)
    upkeep.want(ROOM, key.session.id)
    await until(lambda: clock.rests)
    assert clock.rests[0] == 42.0
    server.trouble = Unreachable("gone")
    await until(lambda: len(clock.rests) > 3)
    assert clock.rests[1:4] == [84.0, 168.0, 300.0]
    server.trouble = None
    await until(lambda: (ROOM, key.session.id) in upkeep.take_arrived())


async def test_locked_backup_is_not_searched_and_is_told(
    server: Server, store: CryptoStore, upkeep: BackupUpkeep
) -> None:
    key = server.hold(some_key())
    store.forget_secret(KEY_BACKUP_SECRET)
    upkeep.want(ROOM, key.session.id)
    before = upkeep.is_locked
    upkeep.wake()
    await until(lambda: (ROOM, key.session.id) in upkeep.take_arrived())
    assert (before, upkeep.is_locked) == (False, True)
    assert server.count("GET room_keys/keys") == 0
    store.save_secret(KEY_BACKUP_SECRET, SECRET)
    assert await upkeep.backup.connect() is Backup.ON
    upkeep.wake()
    await until(lambda: store.room_keys(ROOM, key.session.id))


async def test_without_a_backup_the_server_is_asked_again_only_after_minutes(
    server: Server, machine: Machine, upkeep: BackupUpkeep, clock: Clock
) -> None:
    server.exists = False
    machine.keep_room_key(some_key())
    for _ in range(3):
        upkeep.wake()
        await until(lambda: upkeep.is_idle)
    assert server.asked == ["GET room_keys/version"]
    clock.time += 601.0
    server.exists = True
    upkeep.wake()
    await until(lambda: server.held)


async def test_signed_out_ends_it(server: Server, machine: Machine, upkeep: BackupUpkeep) -> None:
    machine.keep_room_key(some_key())
    server.trouble = SignedOut("over")
    upkeep.wake()
    await until(lambda: server.count("PUT") and upkeep.is_idle)
    asked = list(server.asked)
    upkeep.wake()
    upkeep.want(ROOM, "session")
    await upkeep.close()
    assert server.asked == asked


async def test_closing_uploads_what_was_still_to_wait(
    server: Server, store: CryptoStore, machine: Machine
) -> None:
    upkeep = BackupUpkeep(KeyBackup(server, machine, store), delay=lambda: 1000.0)
    upkeep.wake()
    await until(lambda: upkeep.is_idle)
    machine.keep_room_key(some_key())
    upkeep.wake()
    await until(lambda: not upkeep.is_idle)
    await upkeep.close()
    assert len(server.held) == 1
