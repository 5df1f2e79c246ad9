"""A profile with many people and messages on disk, made once and kept in the cache."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from benchmarks.homeserver import cache
from dmtui.core.fold import Weight
from dmtui.core.lookalikes import skeleton
from dmtui.core.model import Session, UserId
from dmtui.profile import ProfilePaths
from dmtui.store.positions import stamp
from dmtui.store.schema import MIGRATIONS
from dmtui.store.store import Store
from tests.homeserver.account import Account
from tests.profiles import sign_in_offline

ME = UserId("@me:example.org")
NOBODY = Session(ME, "DEVICE", "token", "http://127.0.0.1:1")  # nothing listens there
_LONGEST = 50_000
_MINUTE = 60_000
_WORDS = ("and", "some", "more", "of", "what", "was", "said", "that", "day", "in", "a", "line")


def user(number: int) -> UserId:
    """Person 0 wrote last, and most."""
    return UserId(f"@person{number}:example.org")


@contextlib.contextmanager
def home() -> Iterator[tuple[dict[str, str], ProfilePaths]]:
    """An empty profile of its own, and the environment in which dmtui uses it."""
    with tempfile.TemporaryDirectory(dir=cache(), prefix="home-") as directory:
        places = {
            f"XDG_{name}_HOME": f"{directory}/{name.lower()}"
            for name in ("CONFIG", "DATA", "STATE", "CACHE")
        }
        inside = Path(directory)
        paths = ProfilePaths(
            "default",
            inside / "data" / "dmtui" / "default",
            inside / "state" / "dmtui" / "default",
            inside / "config" / "dmtui" / "config.toml",
        )
        yield os.environ | places, paths


@contextlib.contextmanager
def home_of(account: Account) -> Iterator[tuple[dict[str, str], ProfilePaths]]:
    """A profile signed in to the account's device, and nothing more."""
    session = Session(
        UserId(account.user_id), account.device_id, account.access_token, account.base_url
    )
    with home() as (environment, paths):
        sign_in_offline(paths, session)
        yield environment, paths


@contextlib.contextmanager
def signed_in(
    people: int, messages: int, session: Session = NOBODY
) -> Iterator[tuple[dict[str, str], ProfilePaths]]:
    """A profile with a copy of the stored account."""
    stored = _stored(people, messages)
    with home() as (environment, paths):
        sign_in_offline(paths, session)
        shutil.copy(stored, paths.store_file)
        yield environment, paths


def _stored(people: int, messages: int) -> Path:
    schema = crc32("".join(MIGRATIONS).encode())
    target = cache() / f"messages-{people}-{messages}-{schema}-{int(time.time() // 604_800)}.db"
    if not target.exists():
        for old in cache().glob(f"messages-{people}-{messages}-*.db*"):
            old.unlink()
        partial = target.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        Store.open(partial, ME).close()
        with contextlib.closing(sqlite3.connect(partial)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            _fill(connection, people, messages)
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with contextlib.closing(Store.open(partial, ME)) as store:
            while store.search.catch_up():
                pass
        partial.replace(target)
    return target


def _fill(connection: sqlite3.Connection, people: int, messages: int) -> None:
    now = int(time.time() * 1000)
    longest = min(_LONGEST, messages // 2)
    usual = (messages - longest) // max(people - 1, 1)
    for number in range(people):
        count = usual if number else messages - usual * (people - 1)
        _person(connection, number, now - number * _MINUTE, count)
    connection.executemany(
        "INSERT INTO meta VALUES (?, ?)", (("synced", "yes"), ("token", "token"))
    )


def _person(connection: sqlite3.Connection, number: int, latest: int, count: int) -> None:
    person, room, name = user(number), number + 1, f"Person {number}"
    connection.execute(
        "INSERT INTO room (number, room_id, membership, encrypted, joined_count, entered, person)"
        " VALUES (?, ?, 'join', ?, 2, 1, ?)",
        (room, f"!{room}:example.org", number % 2, person),
    )
    connection.executemany(
        "INSERT INTO member (room, user_id, membership, name) VALUES (?, ?, 'join', ?)",
        ((room, ME, "Me"), (room, person, name)),
    )
    connection.execute("INSERT INTO direct VALUES (?, ?)", (person, f"!{room}:example.org"))
    first = (connection.execute("SELECT coalesce(max(number), 0) FROM event").fetchone())[0] + 1
    events, places = [], []
    for index in range(count):
        row, sent_at = first + index, latest - (count - 1 - index) * _MINUTE
        own = index % 3 == 1
        body = f"message {index} of {number} {' '.join(_WORDS[: index % len(_WORDS)])}"
        events.append((row, room, f"$e{row}", ME if own else person, sent_at, body))
        weight = Weight.MESSAGE if own else Weight.COUNTED
        places.append((room, stamp(sent_at, room), row, int(weight)))
    connection.executemany(
        "INSERT INTO event (number, room, event_id, sender, sent_at, type, body)"
        " VALUES (?, ?, ?, ?, ?, 'text', ?)",
        events,
    )
    connection.executemany("INSERT INTO timeline VALUES (?, ?, ?, ?)", places)
    if events:
        connection.execute(
            "INSERT INTO receipt VALUES (?, ?, ?, ?, ?)",
            (room, ME, events[-1][2], latest, places[-1][1]),
        )
    preview = events[-1][5] if events else ""
    connection.execute(
        "INSERT INTO person (user_id, latest, name, known_as, likeness, room, preview, unread,"
        " encrypted, peer, flag_pending, first_seen)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, 'joined', 0, ?)",
        (person, latest, name, name, skeleton(name), room, preview, number % 2, latest),
    )
