"""Exporting a conversation: streamed from the store to whatever takes text."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path

from dmtui.core.export import Format, Writer, beginning
from dmtui.core.model import Conversation, Milliseconds
from dmtui.store.store import Store

INCOMPLETE = "Older messages are not on this computer: scroll up in the chat to fetch them."


def export(
    store: Store,
    person: Conversation,
    style: Format,
    now: Milliseconds,
    zone: tzinfo,
    write: Callable[[str], object],
) -> bool:
    """Write the whole stored history, oldest first; false if older messages are not stored."""
    write(beginning(person, now, zone, style))
    writer = Writer(style, zone)
    for entry in store.exporting.entries(person.user_id):
        write(writer.write(entry))
    return store.gap_before(person.user_id, None) is None


def export_to(
    path: Path,
    store: Store,
    person: Conversation,
    style: Format,
    now: Milliseconds,
    zone: tzinfo,
) -> bool:
    """:func:`export` to a new file that only its owner may read, on the disk when this returns.

    Raises ``OSError``, ``FileExistsError`` if there is something of that name, and
    ``StoreTrouble``; a file half written is removed.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            complete = export(store, person, style, now, zone, file.write)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return complete


def style_of(path: Path) -> Format:
    """By the file's name: ``.md`` is Markdown, ``.json`` and ``.jsonl`` are JSON, others text."""
    suffix = path.suffix.lower().removeprefix(".")
    return {"md": Format.MARKDOWN, "json": Format.JSON, "jsonl": Format.JSON}.get(
        suffix, Format.TEXT
    )
