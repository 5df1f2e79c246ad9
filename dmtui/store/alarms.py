"""People whose encryption identity has changed, until the user has decided or it is compared."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from dmtui.core.events import ConversationsChanged, IdentityChanged
from dmtui.core.model import UserId
from dmtui.store.work import Work


def all_alarms(connection: sqlite3.Connection) -> frozenset[UserId]:
    """Everybody whose identity has changed."""
    rows = connection.execute("SELECT user_id FROM alarm")
    return frozenset(UserId(user_id) for (user_id,) in rows)


def alarms_of(connection: sqlite3.Connection, user_id: UserId) -> tuple[UserId, ...]:
    """Those of them who would read what is written in the conversation."""
    rows = connection.execute(
        "SELECT user_id FROM alarm WHERE user_id IN (SELECT m.user_id FROM member m"
        " JOIN room r ON r.number = m.room WHERE r.person = ? AND r.encrypted"
        " AND r.membership = 'join' AND m.membership IN ('join', 'invite')) ORDER BY user_id",
        (user_id,),
    )
    return tuple(UserId(found) for (found,) in rows)


def set_alarms(work: Work, alarms: frozenset[UserId]) -> None:
    """These are all; who is new among them is told once."""
    known = all_alarms(work.connection)
    raise_alarms(work, alarms - known)
    for user_id in known - alarms:
        end_alarm(work, user_id)


def raise_alarms(work: Work, user_ids: Collection[UserId]) -> None:
    """The identities of these people have changed."""
    for user_id in user_ids:
        added = work.connection.execute("INSERT OR IGNORE INTO alarm VALUES (?)", (user_id,))
        if added.rowcount:
            work.changes |= {ConversationsChanged(_rows(work, user_id)), IdentityChanged(user_id)}


def end_alarm(work: Work, user_id: UserId) -> None:
    """The user relies on the identity, or it is the one known before."""
    work.connection.execute("DELETE FROM alarm WHERE user_id = ?", (user_id,))
    work.changes.add(ConversationsChanged(_rows(work, user_id)))


def _rows(work: Work, user_id: UserId) -> frozenset[UserId]:
    """The conversations that the person takes part in."""
    rows = work.connection.execute(
        "SELECT DISTINCT r.person FROM member m JOIN room r ON r.number = m.room"
        " WHERE m.user_id = ? AND r.person IS NOT NULL",
        (user_id,),
    )
    return frozenset(UserId(person) for (person,) in rows)
