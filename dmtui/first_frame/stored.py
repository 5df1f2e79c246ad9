"""What the first frame shows, read from the store with nothing but SQLite."""

# pathlib would take a tenth of the time there is
# ruff: noqa: PTH110, PTH111, PTH118, PTH123

from __future__ import annotations

import fcntl
import os
import sqlite3
import sys
from typing import TYPE_CHECKING, NamedTuple

from dmtui.store.schema import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dmtui.core.model import UserId

_PEOPLE = (
    "SELECT p.user_id, p.name || iif(p.clash, ' (' || p.user_id || ')', ''), p.latest,"
    " p.preview, p.unread, p.encrypted, p.peer, coalesce(d.text, ''), p.flag_pending, p.pinned,"
    " p.muted, p.looks_like, p.marked_unread"
    " FROM person p LEFT JOIN draft d ON d.user_id = p.user_id"
    " WHERE p.archived = 0 AND (p.peer = 'group') = ?"
    " ORDER BY p.pinned DESC, p.latest DESC, p.user_id LIMIT ?"
)
_ARCHIVED = "SELECT count(*) FROM person WHERE archived"
_INVITES = (
    "SELECT direct, iif(known OR sure OR shares, inviter_name, inviter) FROM (SELECT *,"
    " EXISTS (SELECT 1 FROM person WHERE user_id = inviter) OR EXISTS (SELECT 1 FROM contact"
    " WHERE user_id = inviter AND petname <> '') AS known, coalesce(shared_rooms, 0) > 0 AS shares,"
    " EXISTS (SELECT 1 FROM verified WHERE user_id = inviter) AS sure,"
    " substr(inviter, instr(inviter, ':')) = ? AS near FROM invite WHERE dropped = 0"
    " AND inviter NOT IN (SELECT user_id FROM ignored))"
    " ORDER BY direct DESC, known DESC, sure DESC, shares DESC, near DESC, received DESC, room_id"
)


class Person(NamedTuple):
    """A row of the people list, as stored."""

    user_id: UserId
    name: str
    latest: int
    preview: str
    unread: int
    encrypted: int
    peer: str
    draft: str
    flag_pending: int
    pinned: int = 0
    muted: int = 0
    looks_like: str = ""
    marked_unread: int = 0


class Stored(NamedTuple):
    """What the frame shows: the newest people, who asks to chat, and how many rooms invite.

    ``archived`` counts those put away.
    """

    people: Sequence[Person]
    asking: Sequence[str] = ()
    rooms: int = 0
    archived: int = 0


def directory(kind: str, usual: str) -> str:
    """dmtui's directory of this kind, as :mod:`dmtui.profile` finds it; a test compares them."""
    moved = os.environ.get(f"XDG_{kind}_HOME", "").strip()
    if sys.platform == "darwin":
        usual = "~/Library/Application Support"
    return os.path.join(os.path.expanduser(moved or usual), "dmtui")


def read(profile: str, limit: int) -> Stored | None:
    """The profile's newest people; ``None`` where not everything is as usual.

    Raises ``BlockingIOError`` while another process has the account.
    """
    data = os.path.join(directory("DATA", "~/.local/share"), profile)
    config = os.path.join(directory("CONFIG", "~/.config"), "config.toml")
    if os.path.exists(config):
        with open(config, "rb") as settings:
            text = settings.read()
        if b"theme" in text or b"keys" in text or b"plain" in text:
            return None
    key = os.path.join(data, "key.json")
    if os.path.exists(key):
        with open(key, "rb") as places:
            if b'"passphrase"' in places.read():  # asked for first
                return None
    with (
        open(os.path.join(data, "session.json"), "rb") as session,
        open(os.path.join(data, "lock"), "rb") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _stored(os.path.join(data, "messages.db"), session.read(), limit)


def _stored(file: str, session: bytes, limit: int) -> Stored | None:
    if not os.path.exists(file):
        return None
    connection = sqlite3.connect(file, timeout=0, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = ON")
        if connection.execute("PRAGMA user_version").fetchone() != (len(MIGRATIONS),):
            return None
        (owner,) = connection.execute("SELECT value FROM meta WHERE name = 'me'").fetchone()
        if f'"{owner}"'.encode() not in session:
            return None
        rows = connection.execute(_PEOPLE, (False, limit)).fetchall()
        rows += connection.execute(_PEOPLE, (True, limit - len(rows))).fetchall()
        people = [Person(*row) for row in rows]
        invites = connection.execute(_INVITES, (owner[owner.find(":") :],)).fetchall()
        asking = [name for direct, name in invites if direct]
        (archived,) = connection.execute(_ARCHIVED).fetchone()
        return Stored(people, asking, len(invites) - len(asking), archived)
    finally:
        connection.close()
