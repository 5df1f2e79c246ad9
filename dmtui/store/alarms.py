"""People whom nothing is sent to before the user decides, or before what is wrong is mended."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from typing import TypeAlias

from dmtui.core.events import ConversationsChanged, IdentityChanged
from dmtui.core.model import Alarm, RoomId, UserId
from dmtui.store.work import Work

Hold: TypeAlias = tuple[frozenset[tuple[UserId, Alarm]], frozenset[tuple[UserId, Alarm]]]
"""Those in a room, and some people wherever they are."""

_OF = """
SELECT DISTINCT a.user_id, a.kind FROM alarm a JOIN member m ON m.user_id = a.user_id
    JOIN room r ON r.number = m.room
WHERE r.{key} = ? AND r.encrypted AND r.membership = 'join'
    AND m.membership IN ('join', 'invite')
    AND (a.kind = 'identity' OR NOT EXISTS (
        SELECT 1 FROM member o WHERE o.room = r.number AND o.user_id <> ?
            AND o.membership IN ('join', 'invite')
            AND o.user_id NOT IN (SELECT user_id FROM alarm)))
ORDER BY a.user_id
"""


def all_alarms(connection: sqlite3.Connection) -> dict[UserId, Alarm]:
    """Everybody of whom there is one."""
    rows = connection.execute("SELECT user_id, kind FROM alarm")
    return {UserId(user_id): Alarm(kind) for user_id, kind in rows}


def alarms_of(connection: sqlite3.Connection, user_id: UserId, me: UserId) -> dict[UserId, Alarm]:
    """Those that hold up what is written in the conversation.

    In company, people without a confirmed device do only if nobody else could read it.
    """
    return _of(connection, "person", user_id, me)


def _of(
    connection: sqlite3.Connection, key: str, value: UserId | RoomId, me: UserId
) -> dict[UserId, Alarm]:
    """By a column of the room that has an index: this is read whenever a chat is shown."""
    rows = connection.execute(_OF.format(key=key), (value, me))
    return {UserId(found): Alarm(kind) for found, kind in rows}


def hold(
    connection: sqlite3.Connection, room_id: RoomId, people: Collection[UserId], me: UserId
) -> Hold:
    """What holds a room up: once it is different, sending is worth another try."""
    there = _of(connection, "room_id", room_id, me)
    everywhere = all_alarms(connection)
    named = {user: everywhere[user] for user in people if user in everywhere}
    return frozenset(there.items()), frozenset(named.items())


def set_alarms(work: Work, alarms: Mapping[UserId, Alarm]) -> None:
    """These are all; whose identity is new among them is told once."""
    for user_id in all_alarms(work.connection).keys() - alarms.keys():
        end_alarm(work, user_id)
    raise_alarms(work, alarms)


def raise_alarms(work: Work, alarms: Mapping[UserId, Alarm]) -> None:
    """Nothing is to be sent to these people for now."""
    for user_id, kind in alarms.items():
        added = work.connection.execute(
            "INSERT INTO alarm (user_id, kind) VALUES (?, ?) ON CONFLICT (user_id)"
            " DO UPDATE SET kind = excluded.kind WHERE kind <> excluded.kind",
            (user_id, kind),
        )
        if added.rowcount:
            work.changes.add(ConversationsChanged(_rows(work, user_id)))
            if kind is Alarm.IDENTITY:
                work.changes.add(IdentityChanged(user_id))


def end_alarm(work: Work, user_id: UserId) -> None:
    """The user has decided, or there is no cause any more."""
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
