"""The tables, as numbered migrations: ``PRAGMA user_version`` counts those applied."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from dmtui.core.errors import StoreTrouble

_FIRST = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE room (
    number INTEGER PRIMARY KEY,
    room_id TEXT NOT NULL UNIQUE,
    membership TEXT NOT NULL,
    encrypted INTEGER NOT NULL DEFAULT 0,
    name TEXT NOT NULL DEFAULT '',
    space INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL DEFAULT 0,
    successor TEXT,
    service TEXT NOT NULL DEFAULT '[]',
    nonce TEXT,
    joined_count INTEGER,
    invited_count INTEGER,
    inviter TEXT,
    invite_direct INTEGER NOT NULL DEFAULT 0,
    marked INTEGER,
    entered INTEGER NOT NULL DEFAULT 0,
    person TEXT,
    shown INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX room_person ON room (person) WHERE person IS NOT NULL;
CREATE INDEX room_nonce ON room (nonce) WHERE nonce IS NOT NULL;

CREATE TABLE member (
    room INTEGER NOT NULL REFERENCES room,
    user_id TEXT NOT NULL,
    membership TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    is_direct INTEGER NOT NULL DEFAULT 0,
    sender TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (room, user_id)
) WITHOUT ROWID;
CREATE INDEX member_user ON member (user_id);

CREATE TABLE event (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    room INTEGER NOT NULL REFERENCES room,
    event_id TEXT,
    transaction_id TEXT UNIQUE,
    sender TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL DEFAULT '',
    formatted TEXT NOT NULL DEFAULT '',
    reply_to TEXT,
    target TEXT,
    encrypted INTEGER NOT NULL DEFAULT 0,
    edit INTEGER REFERENCES event,
    redacted_by TEXT,
    session TEXT,
    raw TEXT,
    state TEXT NOT NULL DEFAULT 'sent',
    failure TEXT NOT NULL DEFAULT '',
    recipient TEXT,
    UNIQUE (room, event_id)
);
CREATE INDEX event_target ON event (room, target) WHERE target IS NOT NULL;
CREATE INDEX event_edit ON event (edit) WHERE edit IS NOT NULL;
CREATE INDEX event_session ON event (room, session) WHERE session IS NOT NULL;
CREATE INDEX event_unsent ON event (state, number) WHERE state <> 'sent';

CREATE TABLE timeline (
    room INTEGER NOT NULL REFERENCES room,
    position INTEGER NOT NULL,
    event INTEGER NOT NULL UNIQUE REFERENCES event,
    weight INTEGER NOT NULL,
    PRIMARY KEY (room, position)
) WITHOUT ROWID;

CREATE TABLE gap (
    room INTEGER NOT NULL REFERENCES room,
    position INTEGER NOT NULL,
    token TEXT NOT NULL,
    beginning INTEGER NOT NULL,
    PRIMARY KEY (room, position)
) WITHOUT ROWID;
CREATE INDEX gap_hole ON gap (position) WHERE beginning = 0;

CREATE TABLE receipt (
    room INTEGER NOT NULL REFERENCES room,
    user_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    read_at INTEGER NOT NULL,
    position INTEGER,
    PRIMARY KEY (room, user_id)
) WITHOUT ROWID;

CREATE TABLE direct (
    user_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    PRIMARY KEY (user_id, room_id)
) WITHOUT ROWID;
CREATE INDEX direct_room ON direct (room_id);

CREATE TABLE invite (
    room_id TEXT PRIMARY KEY,
    inviter TEXT NOT NULL,
    inviter_name TEXT NOT NULL,
    direct INTEGER NOT NULL,
    received INTEGER NOT NULL,
    room_name TEXT NOT NULL,
    reason TEXT NOT NULL,
    encrypted INTEGER NOT NULL,
    warning TEXT NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE ignored (user_id TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE person (
    user_id TEXT PRIMARY KEY,
    latest INTEGER NOT NULL,
    name TEXT NOT NULL,
    likeness TEXT NOT NULL,
    clash INTEGER NOT NULL DEFAULT 0,
    room INTEGER NOT NULL REFERENCES room,
    preview TEXT NOT NULL,
    unread INTEGER NOT NULL,
    encrypted INTEGER NOT NULL,
    peer TEXT NOT NULL,
    flag_pending INTEGER NOT NULL
);
CREATE INDEX person_latest ON person (latest DESC, user_id);
CREATE INDEX person_likeness ON person (likeness);

CREATE TABLE draft (user_id TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE intent (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    problem TEXT NOT NULL DEFAULT '',
    outcome TEXT
);
CREATE INDEX intent_pending ON intent (number) WHERE outcome IS NULL
"""

_DIRECT_RECORDS = """
CREATE TABLE direct_version (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    content TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    ours INTEGER NOT NULL,
    lost TEXT NOT NULL,
    former INTEGER
);
CREATE TABLE direct_conflict (
    action TEXT NOT NULL,
    user_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    UNIQUE (action, user_id, room_id)
)
"""

_TOLD = """
ALTER TABLE room ADD COLUMN told INTEGER;
UPDATE room SET told = coalesce(
    (SELECT max(position) FROM timeline WHERE room = number AND position < (1 << 62)), 0
);
ALTER TABLE invite ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
UPDATE invite SET told = 1
"""

_LIFE = """
ALTER TABLE room ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
ALTER TABLE room ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
ALTER TABLE room ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE room ADD COLUMN predecessor TEXT;
ALTER TABLE room ADD COLUMN successor_via TEXT NOT NULL DEFAULT '';
ALTER TABLE room ADD COLUMN followed TEXT;
ALTER TABLE room DROP COLUMN shown;
CREATE INDEX room_kept ON room (room_id) WHERE kept = 1;
CREATE INDEX room_successor ON room (successor) WHERE successor IS NOT NULL;
ALTER TABLE member ADD COLUMN never_in INTEGER NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN was_with TEXT;
ALTER TABLE person ADD COLUMN first_seen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN looks_like TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN known_as TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN named INTEGER NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN known_likeness TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN muted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN muted_until INTEGER NOT NULL DEFAULT 0;
UPDATE person SET known_as = name, known_likeness = likeness;
CREATE INDEX person_known_likeness ON person (known_likeness) WHERE named = 1;
ALTER TABLE draft ADD COLUMN meant_for TEXT;
CREATE INDEX person_order ON person (archived, pinned DESC, latest DESC, user_id);
CREATE INDEX person_first_seen ON person (first_seen);
CREATE TABLE muted_room (room_id TEXT PRIMARY KEY) WITHOUT ROWID;
ALTER TABLE invite ADD COLUMN shared_rooms INTEGER;
CREATE TABLE contact (
    user_id TEXT PRIMARY KEY,
    petname TEXT NOT NULL DEFAULT '',
    pinned INTEGER NOT NULL DEFAULT 0,
    archived INTEGER NOT NULL DEFAULT 0,
    muted INTEGER NOT NULL DEFAULT 0,
    muted_until INTEGER NOT NULL DEFAULT 0,
    wished INTEGER NOT NULL DEFAULT 0,
    changed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""

_DOUBTS = """
ALTER TABLE event ADD COLUMN doubt TEXT NOT NULL DEFAULT '';
CREATE TABLE alarm (user_id TEXT PRIMARY KEY) WITHOUT ROWID
"""

_TRUST = """
ALTER TABLE alarm ADD COLUMN kind TEXT NOT NULL DEFAULT 'identity';
CREATE TABLE verified (user_id TEXT PRIMARY KEY) WITHOUT ROWID
"""

_OWN_DEVICES = """
CREATE TABLE own_device (
    number INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    name TEXT NOT NULL,
    confirmed INTEGER,
    waiting INTEGER NOT NULL,
    gone INTEGER NOT NULL DEFAULT 0,
    told INTEGER NOT NULL DEFAULT 0,
    UNIQUE (device_id, fingerprint)
)
"""

_SEARCH = """
CREATE VIRTUAL TABLE search USING fts5(
    body, marks, content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE search_words USING fts5vocab(search, instance);
CREATE TABLE search_place (
    place INTEGER PRIMARY KEY,
    event INTEGER NOT NULL UNIQUE,
    indexed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX search_waiting ON search_place (place) WHERE indexed = 0;
CREATE VIEW search_wish AS
    SELECT number, (max(0, min(sent_at, (1 << 42) - (1 << 32))) << 20) | (number & 1048575) AS wish
    FROM event;
CREATE VIEW search_text AS
    SELECT p.place, p.event, p.indexed, coalesce(d.body, e.body) AS body,
        'r' || e.room || ' s' || hex(e.sender)
        || CASE e.type WHEN 'attachment' THEN ' file' ELSE '' END
        || CASE WHEN instr(coalesce(d.body, e.body), '://') THEN ' link' ELSE '' END AS marks
    FROM search_place p JOIN event e ON e.number = p.event LEFT JOIN event d ON d.number = e.edit
    WHERE e.type IN ('text', 'notice', 'emote', 'attachment');
CREATE TRIGGER search_placed AFTER INSERT ON timeline BEGIN
    INSERT INTO search_place (place, event)
        SELECT CASE WHEN EXISTS (SELECT 1 FROM search_place WHERE place = wish) THEN (
            SELECT p.place + 1 FROM search_place p WHERE p.place >= wish AND NOT EXISTS
                (SELECT 1 FROM search_place q WHERE q.place = p.place + 1) ORDER BY p.place LIMIT 1
        ) ELSE wish END, number FROM search_wish WHERE number = new.event;
END;
CREATE TRIGGER search_unplaced BEFORE DELETE ON timeline BEGIN
    INSERT INTO search (search, rowid, body, marks)
        SELECT 'delete', place, body, marks FROM search_text
        WHERE event = old.event AND indexed = 1;
    DELETE FROM search_place WHERE event = old.event;
END;
CREATE TRIGGER search_moved AFTER UPDATE OF position ON timeline BEGIN
    INSERT INTO search (search, rowid, body, marks)
        SELECT 'delete', place, body, marks FROM search_text
        WHERE event = old.event AND indexed = 1;
    DELETE FROM search_place WHERE event = old.event;
    INSERT INTO search_place (place, event)
        SELECT CASE WHEN EXISTS (SELECT 1 FROM search_place WHERE place = wish) THEN (
            SELECT p.place + 1 FROM search_place p WHERE p.place >= wish AND NOT EXISTS
                (SELECT 1 FROM search_place q WHERE q.place = p.place + 1) ORDER BY p.place LIMIT 1
        ) ELSE wish END, number FROM search_wish WHERE number = new.event;
END;
CREATE TRIGGER search_rewritten BEFORE UPDATE OF room, sender, type, body, edit ON event BEGIN
    INSERT INTO search (search, rowid, body, marks)
        SELECT 'delete', place, body, marks FROM search_text WHERE indexed = 1
        AND event IN (SELECT old.number UNION ALL SELECT number FROM event WHERE edit = old.number);
    UPDATE search_place SET indexed = 0 WHERE indexed = 1
        AND event IN (SELECT old.number UNION ALL SELECT number FROM event WHERE edit = old.number);
END;
INSERT INTO meta SELECT 'unindexed', max(number) FROM event HAVING max(number) IS NOT NULL
"""
"""``search`` has an entry at each place whose row is ``indexed``: the message as it is shown.

Places stand in order of time: an event's, in milliseconds, shifted left by 20 bits, and the end of
its number; the next one that is free where another event has it.
Whatever changes what is shown takes the entry out; :mod:`dmtui.store.search` puts it in again.
"""

_RELATIONS_SENT = """
ALTER TABLE event ADD COLUMN thread TEXT;
ALTER TABLE event ADD COLUMN tried INTEGER NOT NULL DEFAULT 0;
ALTER TABLE draft ADD COLUMN answers TEXT NOT NULL DEFAULT '';
ALTER TABLE draft ADD COLUMN edits TEXT NOT NULL DEFAULT '';
ALTER TABLE draft ADD COLUMN edited TEXT NOT NULL DEFAULT ''
"""

_ATTACHMENTS = """
ALTER TABLE event ADD COLUMN attachment TEXT
"""

_PREVIEWS = """
ALTER TABLE event ADD COLUMN preview BLOB
"""

_MARKED_UNREAD = """
ALTER TABLE room ADD COLUMN marked_unread INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contact ADD COLUMN marked_unread INTEGER NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN marked_unread INTEGER NOT NULL DEFAULT 0
"""

MIGRATIONS: tuple[str, ...] = (
    *(_FIRST, _DIRECT_RECORDS, _TOLD, _LIFE, _DOUBTS, _TRUST, _OWN_DEVICES, _SEARCH),
    _RELATIONS_SENT,
    _ATTACHMENTS,
    _PREVIEWS,
    _MARKED_UNREAD,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date inside the caller's transaction."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise StoreTrouble("The local database was made by a newer dmtui: update dmtui.")
    for script in MIGRATIONS[version:]:
        for statement in _statements(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, those with semicolons of their own in one piece."""
    statement = ""
    for part in script.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
