"""Words looked for in 1,000,000 stored messages, and those messages entered into the index."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from statistics import median

from benchmarks.figure import Figure, milliseconds
from benchmarks.stored import ME, signed_in, user
from dmtui.core.search import parse
from dmtui.store.store import Store

_MESSAGES = 1_000_000
_EVERYWHERE = {
    "a word of every message": "message",
    "a word of one message in two": "what",
    "a rare word": "50086",
    "two letters that most messages have": "me",
    "a phrase": '"what was said"',
    "words of mine alone": "what from:me",
    "a word said to one person": 'what in:"Person 77"',
    "a word of last week": "what after:7d",
    "words that never meet": "message zebra",
}
_HERE = {"a word of all its 50,000 messages": "message", "a rare word of it": "50086"}


def figures(quick: bool) -> Iterator[Figure]:
    """In process: wall time of one question, names looked up and messages read."""
    rounds = 5 if quick else 15
    with signed_in(10_000, _MESSAGES) as (_, paths):
        with contextlib.closing(Store.open(paths.store_file, ME)) as store:
            for name, text in _EVERYWHERE.items():
                taken = _timed(_everywhere(store, text), rounds)
                yield milliseconds(f"search all chats: {name}", taken, 50)
            for name, text in _HERE.items():
                yield milliseconds(
                    f"find in a chat: {name}", _timed(_find(store, text), rounds), 50
                )
        yield from _indexing(paths.store_file)


def _everywhere(store: Store, text: str) -> Callable[[], object]:
    query = parse(text, _now(), UTC)
    return lambda: store.search.everywhere(query, None, 50)


def _find(store: Store, text: str) -> Callable[[], object]:
    query = parse(text, _now(), UTC)
    return lambda: store.search.find(user(0), query)


def _now() -> int:
    return int(time.time() * 1000)


def _timed(ask: Callable[[], object], rounds: int) -> float:
    ask()
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        ask()
        times.append(time.perf_counter() - begin)
    return median(times)


def _indexing(file: Path) -> Iterator[Figure]:
    """The database as an older dmtui left it: how long its messages take, and the longest part."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        before = _size(connection)
        connection.execute("INSERT INTO search (search) VALUES ('delete-all')")
        connection.execute("DELETE FROM search_place")
        connection.execute("INSERT INTO meta SELECT 'unindexed', max(number) FROM event")
        connection.execute("VACUUM")
        size = before - _size(connection)
    with contextlib.closing(Store.open(file, ME)) as store:
        begin = last = time.perf_counter()
        longest = 0.0
        while store.search.catch_up():
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
        whole = last - begin
    yield milliseconds("index 1,000 messages of an older database", whole / _MESSAGES * 1000, None)
    yield milliseconds("the longest that others wait for it", longest, None)
    yield Figure("the index of 1,000,000 messages", f"{size / 1e6:.0f} MB", size)


def _size(connection: sqlite3.Connection) -> int:
    pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
    size: int = connection.execute("PRAGMA page_size").fetchone()[0]
    return pages * size
