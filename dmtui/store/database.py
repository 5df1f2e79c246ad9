"""The SQLite file: a writer and a reader connection, transactions, and errors in plain words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, RLock
from typing import TypeAlias

from dmtui.core.errors import StoreTrouble
from dmtui.store.schema import migrate

Value: TypeAlias = int | float | str | None
BUSY_SECONDS = 5.0

_WORDS = {
    sqlite3.SQLITE_FULL: "The disk is full: free some space, then try again.",
    sqlite3.SQLITE_BUSY: "The local database is busy with another program: try again.",
    sqlite3.SQLITE_LOCKED: "The local database is busy with another program: try again.",
    sqlite3.SQLITE_READONLY: "The local database can't be written: check its permissions.",
    sqlite3.SQLITE_PERM: "The local database can't be opened: check its permissions.",
    sqlite3.SQLITE_CANTOPEN: "The local database can't be opened: check its directory.",
    sqlite3.SQLITE_CORRUPT: "The local database is damaged: move it away and start again.",
    sqlite3.SQLITE_NOTADB: "The local database is damaged: move it away and start again.",
    sqlite3.SQLITE_IOERR: "The disk does not read or write the local database properly.",
}


@contextmanager
def trouble() -> Iterator[None]:
    """Turn SQLite's errors into one line for the user; wrong SQL stays a bug."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        words = _WORDS.get(code & 0xFF) if isinstance(code, int) else None
        if words is None:
            raise
        raise StoreTrouble(words) from error
    except OSError as error:
        raise StoreTrouble(f"The local database can't be opened: {error.strerror}.") from error


class Database:
    """One file, safe to use from several threads; other processes may have it open too."""

    def __init__(self, path: Path):
        self.path = path
        with trouble():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            path.chmod(0o600)
            self._writer = _connect(path)
        self._writing = RLock()
        self._reading = Lock()
        self._seeking = Lock()
        try:
            with trouble():
                self._writer.execute("PRAGMA journal_mode = WAL")
                self._writer.execute("PRAGMA synchronous = FULL")
                self._writer.execute("PRAGMA foreign_keys = ON")
                self._writer.execute("PRAGMA secure_delete = ON")
            with self.write() as connection:
                migrate(connection)
            with trouble():
                self._reader = _connect_to_read(path)
                self._seeker = _connect_to_read(path)
        except BaseException:
            self._writer.close()
            raise
        self._version = self.version()

    def close(self) -> None:
        with self._writing, self._reading, self._seeking, trouble():
            self._seeker.close()
            self._reader.close()
            self._writer.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction, committed at the end of the block or not at all."""
        with self._writing, trouble():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One consistent view of what is committed; never waits for a writer."""
        with self._reading, _view(self._reader) as connection:
            yield connection

    @contextmanager
    def seek(self) -> Iterator[sqlite3.Connection]:
        """:meth:`read` for what takes longer than a frame; no other reader waits for it."""
        with self._seeking, _view(self._seeker) as connection:
            yield connection

    def version(self) -> int:
        """A number that changes when another process has committed (``PRAGMA data_version``)."""
        if not self._writing.acquire(blocking=False):
            return self._version
        try:
            with trouble():
                (self._version,) = self._writer.execute("PRAGMA data_version").fetchone()
        finally:
            self._writing.release()
        return self._version


@contextmanager
def _view(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    with trouble():
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _connect_to_read(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA mmap_size = 0")
    return connection


def one(connection: sqlite3.Connection, sql: str, values: Sequence[Value] = ()) -> Value:
    """The first column of the first row, ``None`` without one."""
    row = connection.execute(sql, values).fetchone()
    if row is None:
        return None
    value: Value = row[0]
    return value


def number(connection: sqlite3.Connection, sql: str, values: Sequence[Value] = ()) -> int | None:
    """:func:`one` for whole numbers."""
    value = one(connection, sql, values)
    return value if isinstance(value, int) else None


def text(connection: sqlite3.Connection, sql: str, values: Sequence[Value] = ()) -> str | None:
    """:func:`one` for text."""
    value = one(connection, sql, values)
    return value if isinstance(value, str) else None
