from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dmtui.core.errors import StoreTrouble
from dmtui.core.events import RoomUpdate, TimelineChanged
from dmtui.core.intents import Deliver
from dmtui.core.model import RoomId, TransactionId, UserId
from dmtui.store import store as store_module
from dmtui.store.store import Store
from tests.fakes import said
from tests.store.conftest import BOB, ME, ROOM, T0, batch, bodies, first_sync, line, members, news


def test_file_is_the_owners_alone(store: Store, path: Path) -> None:
    store.apply(first_sync(line("1", 1)))
    files = list(path.parent.glob("store.db*"))
    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_everything_is_there_after_a_restart(path: Path) -> None:
    store = Store.open(path, ME)
    first = first_sync(line("1", 1))
    store.apply(first)
    store.set_draft(BOB, "hm")
    people = store.people()
    store.close()
    again = Store.open(path, ME)
    assert again.token() == first.token
    assert again.people() == people
    assert bodies(again) == ["1"]
    again.close()


def test_newer_database_is_refused(path: Path) -> None:
    Store.open(path, ME).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreTrouble, match="newer dmtui"):
        Store.open(path, ME)


def test_database_of_another_account_is_refused(path: Path) -> None:
    Store.open(path, ME).close()
    with pytest.raises(StoreTrouble, match="@me:test"):
        Store.open(path, UserId("@you:test"))


def test_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"nothing of the kind" * 500)
    with pytest.raises(StoreTrouble, match="damaged"):
        Store.open(path, ME)


def test_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreTrouble, match="can't be opened"):
        Store.open(tmp_path / "nowhere" / "store.db", ME)


def test_malformed_intent_is_settled_at_start(path: Path) -> None:
    store = Store.open(path, ME)
    good = store.add_intent(Deliver(BOB, "hi"))
    bad = store.add_intent(Deliver(BOB, "ho"))
    connection = sqlite3.connect(path)
    connection.execute("UPDATE intent SET payload = '{' WHERE number = ?", (bad,))
    connection.commit()
    assert [entry.number for entry in store.pending_intents()] == [good]
    store.close()
    again = Store.open(path, ME)
    pending = connection.execute("SELECT number FROM intent WHERE outcome IS NULL").fetchall()
    assert pending == [(good,)]
    connection.close()
    again.close()


def test_full_disk_is_told_and_loses_nothing(store: Store) -> None:
    first = first_sync(line("1", 1))
    store.apply(first)
    store.queue_message(BOB, ROOM, TransactionId("t"), said("kept"), T0)
    with store._database.write() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
    flood = news(*(line(f"x{n}", n, body="x" * 2000) for n in range(100)))
    with pytest.raises(StoreTrouble, match="disk is full"):
        store.apply(flood)
    assert store.token() == first.token
    assert bodies(store) == ["1", "kept"]
    with store._database.write() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    store.apply(flood)
    assert store.token() == flood.token
    assert len(bodies(store)) == 102


def test_other_process_is_noticed_and_own_writes_are_not(store: Store, path: Path) -> None:
    version = store.data_version()
    store.apply(first_sync(line("1", 1)))
    assert store.data_version() == version
    script = (
        "import sys, pathlib\n"
        "from dmtui.core.intents import Deliver\n"
        "from dmtui.core.model import UserId\n"
        "from dmtui.store.store import Store\n"
        "store = Store.open(pathlib.Path(sys.argv[1]), UserId('@me:test'))\n"
        "store.add_intent(Deliver(UserId('@bob:test'), 'from outside'))\n"
        "store.close()\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert store.data_version() != version
    assert [entry.intent for entry in store.pending_intents()] == [Deliver(BOB, "from outside")]


_WRITER = """
import itertools, pathlib, sys
from tests.fakes import said
from tests.store.conftest import BOB, ME, ROOM, first_sync, line, news
from dmtui.core.model import TransactionId
from dmtui.store.store import Store
store = Store.open(pathlib.Path(sys.argv[1]), ME)
store.apply(first_sync())
for n in itertools.count():
    store.apply(news(line(f"a{n}", n, body=f"{2 * n}"), line(f"b{n}", n, body=f"{2 * n + 1}")))
    store.queue_message(BOB, ROOM, TransactionId(f"t{n}"), said("mine"), n)
    print(n, flush=True)
"""


def test_killed_writer_leaves_whole_transactions_and_all_it_confirmed(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        confirmed = [next(writer.stdout) for _ in range(40)]
        writer.send_signal(signal.SIGKILL)
        confirmed += list(writer.stdout)
    store = Store.open(path, ME)
    stored = bodies(store)
    received = [body for body in stored if body != "mine"]
    assert received == [str(n) for n in range(len(received))]
    assert len(received) % 2 == 0
    assert len(received) >= 2 * len(confirmed)
    assert stored.count("mine") >= len(confirmed)
    with store._database.read() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    store.close()


def test_big_batch_lets_other_writers_in_and_commits_its_token_last(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "CHUNK_SECONDS", 0.0)
    users = [UserId(f"@u{n}:test") for n in range(30)]
    updates = [
        RoomUpdate(RoomId(f"!{n}"), timeline=(line(f"m{n}", n, user),), members=members(user))
        for n, user in enumerate(users)
    ]
    big = batch(*updates, direct={user: [f"!{n}"] for n, user in enumerate(users)})
    applier = threading.Thread(target=store.apply, args=(big,))
    applier.start()
    tokens = set()
    while applier.is_alive():
        token, people = store.token(), len(store.people())
        if people < 30:
            tokens.add(token)
    applier.join()
    assert tokens <= {None}
    assert store.token() == big.token
    assert len(store.people()) == 30


def test_changes_of_a_batch_that_failed_midway_are_told_in_the_end(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.apply(first_sync(line("1", 1)))
    monkeypatch.setattr(store_module, "CHUNK_SECONDS", 0.0)
    good = RoomUpdate(ROOM, timeline=(line("2", 2),))
    flood = tuple(line(f"x{n}", n, body="x" * 2000) for n in range(100))
    both = batch(good, RoomUpdate(RoomId("!big"), timeline=flood))
    with store._database.write() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(StoreTrouble, match="disk is full"):
        store.apply(both)
    assert bodies(store) == ["1", "2"]
    assert store.token() != both.token
    with store._database.write() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    assert TimelineChanged(BOB) in store.apply(both)


def test_reader_does_not_wait_for_a_writer(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    with store._write() as work:
        work.connection.execute("UPDATE room SET name = 'busy'")
        seen: list[str] = []
        reader = threading.Thread(target=lambda: seen.extend(bodies(store)))
        reader.start()
        reader.join(5)
        assert seen == ["1"]
        assert isinstance(store.data_version(), int)


HOT = {
    "people": "SELECT p.user_id FROM person p JOIN room r ON r.number = p.room"
    " LEFT JOIN draft d ON d.user_id = p.user_id ORDER BY p.latest DESC, p.user_id",
    "page": "SELECT e.body FROM timeline t JOIN event e ON e.number = t.event"
    " WHERE t.room = 1 AND t.position < 5 AND t.weight > 0 ORDER BY t.position DESC LIMIT 50",
    "unread": "SELECT count(*) FROM timeline WHERE room = 1 AND position > 5 AND weight = 3",
    "outgoing": "SELECT number FROM event e WHERE e.state = 'queued' AND e.state <> 'sent'"
    " ORDER BY e.number",
    "relations": "SELECT event_id FROM event WHERE room = 1 AND target = '$x'",
    "late keys": "SELECT raw FROM event WHERE session IS NOT NULL AND room = 1 AND session = 's'",
    "rooms": "SELECT number FROM room WHERE person = '@bob:test'",
}


@pytest.mark.parametrize("sql", HOT.values(), ids=HOT.keys())
def test_hot_queries_neither_scan_a_table_nor_sort(store: Store, sql: str) -> None:
    with store._database.read() as connection:
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert not [step for step in steps if "B-TREE" in step]
    assert not [step for step in steps if step.startswith("SCAN") and "USING" not in step]
