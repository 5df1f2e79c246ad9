"""Attachments in a column of their messages: typed on both sides, JSON between."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, cast

from dmtui.core.model import (
    Attachment,
    AttachmentKind,
    FileKey,
    Media,
    Safe,
    SendState,
    TransactionId,
)
from dmtui.store.database import number
from dmtui.store.work import Work


def write_attachment(attachment: Attachment | None) -> str | None:
    """The column."""
    return None if attachment is None else json.dumps(asdict(attachment), sort_keys=True)


def read_attachment(column: str | None) -> Attachment | None:
    """The attachment; ``None`` without one, or where the column can't be read."""
    if column is None:
        return None
    try:
        return attachment_of(json.loads(column))
    except (ValueError, TypeError, KeyError):
        return None


def attachment_of(content: dict[str, Any]) -> Attachment:
    """The reverse of ``asdict``; raises ``ValueError``, ``TypeError`` or ``KeyError``."""
    media = _media(content["media"])
    if media is None:
        raise ValueError("media")
    return Attachment(
        AttachmentKind(content["kind"]),
        Safe(content["name"]),
        media,
        _media(content["thumbnail"]),
        content["duration"],
        Safe(content["caption"]),
    )


def _media(content: dict[str, Any] | None) -> Media | None:
    if content is None:
        return None
    key = content["key"]
    return Media(**{**content, "key": None if key is None else FileKey(**key)})


def note_uploaded(work: Work, transaction_id: TransactionId, attachment: Attachment) -> None:
    """Our file is in the media repository: it is not uploaded again."""
    sql = "SELECT room FROM event WHERE transaction_id = ?"
    if (room := number(work.connection, sql, (transaction_id,))) is not None:
        work.connection.execute(
            "UPDATE event SET attachment = ? WHERE transaction_id = ? AND state <> ?",
            (write_attachment(attachment), transaction_id, SendState.SENT),
        )
        work.touch(room, lines=True)


def copies(connection: sqlite3.Connection) -> frozenset[str]:
    """The names of our copies of files that are still to be sent, and of a picture of mine."""
    sent = (copy for found in _unsent(connection) for copy in copies_of(found))
    return frozenset(sent) | pictures(connection, over=False)


def pictures(connection: sqlite3.Connection, *, over: bool) -> frozenset[str]:
    """The names of our copies of pictures of mine that are still to be set, or were."""
    rows = connection.execute(
        "SELECT json_extract(payload, '$.copy') FROM intent"
        " WHERE (outcome IS NOT NULL) = ? AND kind = 'SetPicture'",
        (over,),
    ).fetchall()
    return frozenset(str(copy) for (copy,) in rows if copy)


def copies_of(attachment: Attachment) -> tuple[str, ...]:
    """The names of our copies of the file and of its thumbnail."""
    thumbnail = attachment.thumbnail
    copied = (attachment.media.copy, "" if thumbnail is None else thumbnail.copy)
    return tuple(filter(None, copied))


def _unsent(connection: sqlite3.Connection) -> Iterator[Attachment]:
    columns = connection.execute(
        "SELECT attachment FROM event WHERE state <> 'sent' AND attachment IS NOT NULL"
        " UNION ALL SELECT json_extract(payload, '$.attachment') FROM intent"
        " WHERE outcome IS NULL AND kind = 'Deliver'"
    ).fetchall()
    found = (read_attachment(cast(str | None, column)) for (column,) in columns)
    return (attachment for attachment in found if attachment is not None)
