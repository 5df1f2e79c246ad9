"""The full-text index, kept level with the messages.

The schema's triggers take the entry of a changed message out; what is to be entered waits in
``search_place`` until the end of the transaction, because FTS5 is quick with ascending rows alone.
"""

from __future__ import annotations

import sqlite3

from dmtui.store.database import number, text
from dmtui.store.work import Work

ENTRIES = 2000
"""How many messages one transaction enters at most."""

CHUNK = 250
"""How many events of an older database are looked through at a time."""

PURGE = 500
"""How many pages of the index are written anew at a time."""


def settle(connection: sqlite3.Connection) -> None:
    """Enter what waits: at the end of every transaction."""
    waiting = connection.execute(
        "SELECT place FROM search_place WHERE indexed = 0 ORDER BY place LIMIT ?", (ENTRIES,)
    ).fetchall()
    if not waiting:
        return
    stretch = (waiting[0][0], waiting[-1][0])
    connection.execute(
        "INSERT INTO search (rowid, body, marks) SELECT place, body, marks FROM search_text"
        " WHERE indexed = 0 AND place BETWEEN ? AND ? ORDER BY place",
        stretch,
    )
    connection.execute(
        "UPDATE search_place SET indexed = 1 WHERE indexed = 0 AND place BETWEEN ? AND ?", stretch
    )


def purge(work: Work) -> None:
    """What is being deleted is to leave the index for good, not only be marked as deleted."""
    work.connection.execute("INSERT OR REPLACE INTO meta VALUES ('purge', 'wanted')")


def is_level(connection: sqlite3.Connection) -> bool:
    """Whether every message is entered, those of an older database too."""
    waiting = "SELECT 1 FROM search_place WHERE indexed = 0 LIMIT 1"
    return _meta(connection, "unindexed") is None and number(connection, waiting) is None


def is_idle(connection: sqlite3.Connection) -> bool:
    """Whether nothing is left to do."""
    return is_level(connection) and _meta(connection, "purge") is None


def work_off(connection: sqlite3.Connection) -> None:
    """Do a bounded part of what is left to do."""
    if not _place_some(connection):
        _purge_some(connection)


def _meta(connection: sqlite3.Connection, name: str) -> str | None:
    return text(connection, "SELECT value FROM meta WHERE name = ?", (name,))


def _place_some(connection: sqlite3.Connection) -> bool:
    """Give older events their places, newest first; false if all have."""
    unindexed = _meta(connection, "unindexed")
    if unindexed is None:
        return False
    highest = int(unindexed)
    connection.execute(
        "UPDATE timeline SET position = position WHERE event > ? AND event <= ?"
        " AND event NOT IN (SELECT event FROM search_place WHERE event > ? AND event <= ?)",
        (highest - CHUNK, highest, highest - CHUNK, highest),
    )
    if highest > CHUNK:
        sql = "UPDATE meta SET value = ? WHERE name = 'unindexed'"
        connection.execute(sql, (str(highest - CHUNK),))
    else:
        connection.execute("DELETE FROM meta WHERE name = 'unindexed'")
    return True


def _purge_some(connection: sqlite3.Connection) -> None:
    """Write the index anew without what was deleted, a part at a time."""
    state = _meta(connection, "purge")
    if state is None:
        return
    before = connection.total_changes
    pages = -PURGE if state == "wanted" else PURGE
    connection.execute("INSERT INTO search (search, rank) VALUES ('merge', ?)", (pages,))
    if state == "wanted":
        connection.execute("UPDATE meta SET value = 'begun' WHERE name = 'purge'")
    elif connection.total_changes - before < 2:
        connection.execute("DELETE FROM meta WHERE name = 'purge'")
