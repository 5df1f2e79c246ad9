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
    "SELECT user_id, name, known_as, likeness = ?1, named, clash, looks_like FROM person p"
    " WHERE (likeness = ?1 OR (named = 1 AND known_likeness = ?1)) AND peer <> ?2"
    " ORDER BY named AND likeness = ?1 DESC, first_seen,"
    " (SELECT min(created_at) FROM room r WHERE r.person = p.user_id AND r.created_at > 0), user_id"
)
"""Those whom I gave the name myself, then the oldest contact first: it may be that one's own name,
behind another that I gave."""


def settle(work: Work, likenesses: Iterable[str]) -> set[UserId]:
    """Bring user IDs and warnings up to date; returns those for whom they are different.

    A name that I gave is never warned of, and groups are in a list of their own.
    """
    connection = work.connection
    changed = set()
    for likeness in likenesses:
        rows = connection.execute(_ALIKE, (likeness, PeerState.GROUP)).fetchall()
        shown = sum(row[3] for row in rows)
        for place, (user_id, _, _, reads_so, named, *known) in enumerate(rows):
            if not reads_so:
                continue  # shown by the name that I gave
            looks_like = _original(*rows[0][1:4]) if place and not named else ""
            clash = int(shown > 1 or bool(looks_like))
            if known != [clash, looks_like]:
                connection.execute(
                    "UPDATE person SET clash = ?, looks_like = ? WHERE user_id = ?",
                    (clash, looks_like, user_id),
                )
                changed.add(UserId(user_id))
    return changed


def _original(name: str, known_as: str, reads_so: int) -> Safe:
    """Whom somebody looks like; with their own name where that is what looks alike."""
    return Safe(name if reads_so else f"{name} ({known_as})")


def taken_for(connection: sqlite3.Connection, user_id: UserId, profile_name: Safe) -> Safe:
    """The contact whose name somebody's who is none reads like; empty where there is none."""
    likeness = _likeness(user_id, profile_name)
    rows = connection.execute(_ALIKE, (likeness, PeerState.GROUP))
    others = (row for row in rows if row[0] != user_id)
    row = next(others, None)
    return Safe("") if row is None else _original(*row[1:4])


@lru_cache(maxsize=1024)
def _likeness(user_id: UserId, profile_name: Safe) -> str:
    """Kept, because a flood of requests is read again after each change."""
    return skeleton(display_name(user_id, profile_name))


def next_place(work: Work) -> int:
    """Where a new person stands among those seen; those of the first sync are equals."""
    if not work.synced:
        return 0
    return 1 + (number(work.connection, "SELECT max(first_seen) FROM person") or 0)
