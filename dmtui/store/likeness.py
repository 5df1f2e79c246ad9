"""Who reads like whom in the people list: names alike carry user IDs, the newer a warning."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from functools import lru_cache

from dmtui.core.lookalikes import skeleton
from dmtui.core.model import PeerState, Safe, UserId
from dmtui.core.names import display_name
from dmtui.store.database import number
from dmtui.store.work import Work

_ALIKE = (
    "SELECT user_id, name, named, clash, looks_like FROM person p"
    " WHERE likeness = ? AND peer <> ? ORDER BY named DESC, first_seen,"
    " (SELECT min(created_at) FROM room r WHERE r.person = p.user_id AND r.created_at > 0), user_id"
)
"""Those whom I gave the name myself, then the oldest contact first."""


def settle(work: Work, likenesses: Iterable[str]) -> set[UserId]:
    """Bring user IDs and warnings up to date; returns those for whom they are different.

    A name that I gave is never warned of, and groups are in a list of their own.
    """
    connection = work.connection
    changed = set()
    for likeness in likenesses:
        rows = connection.execute(_ALIKE, (likeness, PeerState.GROUP)).fetchall()
        clash = int(len(rows) > 1)
        for place, (user_id, _, named, *known) in enumerate(rows):
            looks_like = rows[0][1] if place and not named else ""
            if known != [clash, looks_like]:
                connection.execute(
                    "UPDATE person SET clash = ?, looks_like = ? WHERE user_id = ?",
                    (clash, looks_like, user_id),
                )
                changed.add(UserId(user_id))
    return changed


def taken_for(connection: sqlite3.Connection, user_id: UserId, profile_name: Safe) -> Safe:
    """The contact whose name somebody's who is none reads like; empty where there is none."""
    row = connection.execute(
        "SELECT name FROM person WHERE likeness = ? AND peer <> ? AND user_id <> ?"
        " ORDER BY named DESC, first_seen, user_id LIMIT 1",
        (_likeness(user_id, profile_name), PeerState.GROUP, user_id),
    ).fetchone()
    return Safe(row[0]) if row else Safe("")


@lru_cache(maxsize=1024)
def _likeness(user_id: UserId, profile_name: Safe) -> str:
    """Kept, because a flood of requests is read again after each change."""
    return skeleton(display_name(user_id, profile_name))


def next_place(work: Work) -> int:
    """Where a new person stands among those seen; those of the first sync are equals."""
    if not work.synced:
        return 0
    return 1 + (number(work.connection, "SELECT max(first_seen) FROM person") or 0)
