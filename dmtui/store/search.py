"""Full-text search: a query in FTS5's words, and the messages found by it, newest first."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from dmtui.core.errors import UnclearSearch
from dmtui.core.model import Safe, UserId
from dmtui.core.search import Hit, Hits, Query, Term, fold
from dmtui.store.database import Database, text
from dmtui.store.positions import stamp
from dmtui.store.reading import message_at
from dmtui.store.search_index import is_idle, is_level, work_off
from dmtui.store.work import Work

COUNTED = 1000
"""Hits in one conversation, at most."""

_MOST_NAMES = 100
_MOST_WORDS = 64
_END = (1 << 63) - 1


class SearchRecords:
    """Part of the store. Reads may take longer than a frame."""

    def __init__(
        self, database: Database, write: Callable[[], AbstractContextManager[Work]], me: UserId
    ):
        self._database = database
        self._write = write
        self._me = me

    def find(self, user_id: UserId, query: Query) -> tuple[str, ...]:
        """The keys of the newest messages of the conversation that fit, newest first.

        Raises ``UnclearSearch``.
        """
        with self._database.seek() as connection:
            rooms = _numbers(connection, "SELECT number FROM room WHERE person = ?", user_id)
            match = _match(connection, self._me, query, rooms)
            rows = connection.execute(
                "SELECT t.position, t.event FROM search s"
                " CROSS JOIN search_place p ON p.place = s.rowid"
                " CROSS JOIN timeline t ON t.event = p.event"
                " WHERE search MATCH ? AND s.rowid >= ? AND s.rowid < ?"
                " ORDER BY s.rowid DESC LIMIT ?",
                (match, *_between(query), COUNTED),
            )
            return tuple(str(row) for _, row in sorted(rows, reverse=True))

    def everywhere(self, query: Query, rest: int | None, limit: int) -> Hits:
        """The newest messages of all conversations that fit; ``rest`` goes on with a page before.

        Raises ``UnclearSearch``.
        """
        with self._database.seek() as connection:
            rooms = _rooms_with(connection, query.person) if query.person else None
            match = _match(connection, self._me, query, rooms)
            since, until = _between(query)
            rows = connection.execute(
                _EVERYWHERE, (match, since, until if rest is None else rest, limit)
            ).fetchall()
            hits = tuple(
                Hit(UserId(person), Safe(name), message)
                for _, row, person, name in rows
                if (message := message_at(connection, self._me, row)) is not None
            )
        return Hits(hits, rows[-1][0] if len(rows) == limit else None)

    def is_level(self) -> bool:
        """Whether every message can be found, those of an older database too."""
        with self._database.read() as connection:
            return is_level(connection)

    def catch_up(self) -> bool:
        """Do a bounded part of what is left to do; false if nothing is."""
        with self._database.read() as connection:
            if is_idle(connection):
                return False
        with self._write() as work:
            work_off(work.connection)
        return True


_EVERYWHERE = (
    "SELECT s.rowid, p.event, o.user_id, o.name FROM search s"
    " CROSS JOIN search_place p ON p.place = s.rowid CROSS JOIN event e ON e.number = p.event"
    " CROSS JOIN room r ON r.number = e.room CROSS JOIN person o ON o.user_id = r.person"
    " WHERE search MATCH ? AND s.rowid >= ? AND s.rowid < ? ORDER BY s.rowid DESC LIMIT ?"
)


def _between(query: Query) -> tuple[int, int]:
    since = -_END if query.since is None else stamp(query.since, 0)
    return since, _END if query.until is None else stamp(query.until, 0)


# -- what FTS5 is asked -----------------------------------------------------------------------


def _match(
    connection: sqlite3.Connection, me: UserId, query: Query, rooms: list[int] | None
) -> str:
    """The query as FTS5 has it; every word in it is folded and quoted."""
    wanted = [f"body : ({_phrases(connection, term)})" for term in query.terms]
    if rooms is not None:
        wanted.append(_any(f"r{room}" for room in rooms))
    if query.sender:
        wanted.append(
            _any(f"s{user_id.encode().hex()}" for user_id in _senders(connection, me, query))
        )
    wanted += ["marks : file"] * query.file + ["marks : link"] * query.link
    if not wanted:
        raise UnclearSearch("Add a word, or whom it is from.")
    return " AND ".join(wanted)


def _phrases(connection: sqlite3.Connection, term: Term) -> str:
    """The term in quotes; an unfinished word as all those that it begins, if they are few.

    FTS5 reads whole words lazily from the newest, but merges all that a prefix has first.
    """
    *before, last = term.words
    words = _words_with(connection, last) if term.prefix else [last]
    phrases = [" ".join((*before, word)) for word in words or [last]]
    return " OR ".join(f'"{phrase}"' for phrase in phrases) + " *" * (words is None)


def _words_with(connection: sqlite3.Connection, beginning: str) -> list[str] | None:
    """The words in the index that begin so; ``None`` if there are too many."""
    found: list[str] = []
    sql = "SELECT term FROM search_words WHERE term >= ? LIMIT 1"
    following = text(connection, sql, (beginning,))
    while following is not None and following.startswith(beginning):
        if len(found) == _MOST_WORDS:
            return None
        found.append(following)
        following = text(connection, sql, (f"{following}\0",))
    return found


def _any(marks: Iterator[str]) -> str:
    return f"marks : ({' OR '.join(marks) or 'nowhere'})"


def _senders(connection: sqlite3.Connection, me: UserId, query: Query) -> list[str]:
    if fold(query.sender) == "me":
        return [me]
    known = connection.execute(
        "SELECT user_id, name FROM member"
        " UNION ALL SELECT user_id, petname FROM contact WHERE petname <> ''"
    )
    return _named(known, query.sender)


def _rooms_with(connection: sqlite3.Connection, name: str) -> list[int]:
    known = connection.execute(
        "SELECT user_id, name FROM person UNION ALL"
        " SELECT user_id, known_as FROM person WHERE known_as <> name"
    )
    sql = "SELECT number FROM room WHERE person = ?"
    return [room for user_id in _named(known, name) for room in _numbers(connection, sql, user_id)]


def _named(known: sqlite3.Cursor, name: str) -> list[str]:
    """Who is called so, else who has it in their name; with ``@``, whose user ID begins so."""
    wanted = fold(name)
    if name.startswith("@"):
        alike = [(user_id, user_id) for user_id, _ in known if user_id.startswith(name)]
        wanted = name
    else:
        alike = [(user_id, bare) for user_id, shown in known if wanted in (bare := fold(shown))]
    found = {user_id for user_id, shown in alike if shown == wanted} or {who for who, _ in alike}
    if not found:
        raise UnclearSearch(f"Nobody here is called {name}.")
    if len(found) > _MOST_NAMES:
        raise UnclearSearch(f"Too many people are called {name}: write more of the name.")
    return sorted(found)


def _numbers(connection: sqlite3.Connection, sql: str, user_id: str) -> list[int]:
    return [row for (row,) in connection.execute(sql, (user_id,))]
