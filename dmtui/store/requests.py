"""Who asks to chat: the rooms I share with them, whom I ignore, and whether anybody may ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from dmtui.core.events import Change
from dmtui.core.model import RoomId, UserId
from dmtui.store.account import meta
from dmtui.store.database import Database
from dmtui.store.invites import BLOCKED, INVITES
from dmtui.store.work import Work


def set_verified(work: Work, verified: frozenset[UserId]) -> None:
    """These are all whose identity has been compared: requests of theirs stand higher."""
    known = {UserId(row[0]) for row in work.connection.execute("SELECT user_id FROM verified")}
    if verified != known:
        work.connection.execute("DELETE FROM verified")
        rows = [(user_id,) for user_id in verified]
        work.connection.executemany("INSERT INTO verified VALUES (?)", rows)
        work.invites_changed()


class RequestRecords:
    """The part of the store that weighs requests."""

    def __init__(self, database: Database, write: Callable[[], AbstractContextManager[Work]]):
        self._database = database
        self._write = write

    def unweighed(self) -> tuple[UserId, ...]:
        """Inviters of whom it is not known how many rooms I share with them, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT inviter FROM invite WHERE dropped = 0 AND shared_rooms IS NULL"
                " AND inviter <> '' AND inviter NOT IN (SELECT user_id FROM ignored)"
                " GROUP BY inviter ORDER BY max(received) DESC, inviter"
            )
            return tuple(UserId(row[0]) for row in rows)

    def weigh(self, shared_rooms: Mapping[UserId, int]) -> frozenset[Change]:
        """So many joined rooms I share with these people."""
        with self._write() as work:
            changed = work.connection.executemany(
                "UPDATE invite SET shared_rooms = ? WHERE inviter = ? AND dropped = 0",
                [(count, user_id) for user_id, count in shared_rooms.items()],
            )
            if changed.rowcount > 0:
                work.invites_changed()
        return work.done

    def invited_by(self, user_id: UserId) -> tuple[RoomId, ...]:
        """Rooms that this person has invited me to, ignored or not."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT room_id FROM invite WHERE dropped = 0 AND inviter = ? ORDER BY room_id",
                (user_id,),
            )
            return tuple(RoomId(row[0]) for row in rows)

    def ignored(self) -> tuple[UserId, ...]:
        """Whom I ignore, as last seen, by user ID."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT user_id FROM ignored ORDER BY user_id").fetchall()
            return tuple(UserId(row[0]) for row in rows)

    def blocked(self) -> bool:
        """Whether the homeserver lets nobody invite me, as last seen."""
        with self._database.read() as connection:
            return meta(connection, INVITES) == BLOCKED
