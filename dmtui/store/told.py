"""What the user has been told of: a mark in every room, on every invite and every new sign-in.

A room's mark is a position, so that history and filled gaps, which come to stand before it, are no
news, and neither is what the room already held when it was first seen.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import groupby

from dmtui.core.events import Change
from dmtui.core.fold import Weight, preview
from dmtui.core.formatted import in_passing
from dmtui.core.model import Cursor, Kind, PeerState, RoomId, Safe, UserId
from dmtui.core.names import with_user_id
from dmtui.core.notify import Arrival, News
from dmtui.store.account import invites
from dmtui.store.database import Database, number
from dmtui.store.own_devices import mark_told, untold
from dmtui.store.positions import ECHO
from dmtui.store.work import Work


class Told:
    """The part of the store that knows what is news to the user."""

    def __init__(
        self, database: Database, write: Callable[[], AbstractContextManager[Work]], me: UserId
    ):
        self._database = database
        self._write = write
        self._me = me

    def news(self) -> News:
        """Unread messages in conversations of two, direct invites and sign-ins, not told of yet.

        Notices (``m.notice``) and messages of the ignored are none. Newest people first.
        """
        with self._database.read() as connection:
            values = (self._me, Weight.COUNTED, PeerState.GROUP, Kind.NOTICE)
            rows = connection.execute(_NEWS, values).fetchall()
            unheard = {
                room_id
                for (room_id,) in connection.execute("SELECT room_id FROM invite WHERE told = 0")
            }
            requests = invites(connection, self._me) if unheard else ()
            sign_ins = untold(connection)
        arrivals = [_arrival(list(rooms)) for _, rooms in groupby(rows, key=lambda row: row[0])]
        asked = tuple(i for i in requests if i.direct and i.room_id in unheard)
        return News(tuple(arrivals), asked, sign_ins)

    def unread(self) -> int:
        """Unread messages of all people together, the muted left out."""
        with self._database.read() as connection:
            return number(connection, "SELECT sum(unread) FROM person WHERE muted = 0") or 0

    def mark(self, news: News) -> frozenset[Change]:
        """The user was told of these, or need not be."""
        with self._write() as work:
            work.connection.executemany(
                "UPDATE room SET told = max(told, ?) WHERE room_id = ?",
                [(c.position, room_id) for a in news.arrivals for room_id, c in a.upto],
            )
            work.connection.executemany(
                "UPDATE invite SET told = 1 WHERE room_id = ?",
                [(invite.room_id,) for invite in news.requests],
            )
            mark_told(work, news.sign_ins)
        return work.done


_Row = tuple[UserId, Safe, int, int, RoomId, int, int, Kind, Safe, str, int, str | None]

_NEWS = (
    "SELECT p.user_id, p.name, p.clash, p.encrypted, r.room_id, count(*), max(t.position),"
    " e.type, coalesce(d.body, e.body), coalesce(d.formatted, e.formatted), e.encrypted,"
    " (SELECT m.name FROM member m WHERE m.room = r.number AND m.user_id = e.sender)"
    " FROM person p CROSS JOIN room r ON r.person = p.user_id AND r.membership = 'join'"
    " LEFT JOIN receipt s ON s.room = r.number AND s.user_id = ?"
    " CROSS JOIN timeline t ON t.room = r.number"
    " AND t.position > max(r.told, coalesce(s.position, r.told))"
    " JOIN event e ON e.number = t.event LEFT JOIN event d ON d.number = e.edit"
    " WHERE p.unread > 0 AND t.weight = ?"
    " AND p.peer <> ? AND e.type <> ?"
    " AND p.user_id NOT IN (SELECT user_id FROM ignored)"
    " GROUP BY p.latest, p.user_id, r.number ORDER BY p.latest DESC, p.user_id, 7"
)
"""One row per room, of its newest message: SQLite takes bare columns from the row of ``max``."""


def _arrival(rooms: list[_Row]) -> Arrival:
    """One person's rooms, the one with the newest message last."""
    user_id, name, clash, encrypted, _, _, _, kind, body, html, sealed, sender = rooms[-1]
    readable = Kind(kind) is not Kind.UNDECRYPTABLE
    said = preview(Kind(kind), in_passing(body, html), False, Safe(sender or name))
    return Arrival(
        user_id,
        with_user_id(user_id, name) if clash else name,
        sum(room[5] for room in rooms),
        said if readable else Safe(""),
        bool(encrypted or sealed),
        tuple((room[4], Cursor(room[6])) for room in rooms),
    )


def begin_telling(connection: sqlite3.Connection, room: int) -> None:
    """What a room holds when it is first seen is no news."""
    connection.execute(
        "UPDATE room SET told = coalesce("
        "(SELECT max(position) FROM timeline WHERE room = ? AND position < ?), 0)"
        " WHERE number = ? AND told IS NULL",
        (room, ECHO, room),
    )
