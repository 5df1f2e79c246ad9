"""Previews of images, kept in the rows of their messages: deleted with them, and never larger."""

from __future__ import annotations

from dmtui.core.images import PREVIEW
from dmtui.core.model import Attachment, Media, Pixels
from dmtui.store.attachments import read_attachment
from dmtui.store.work import Work


def write_preview(pixels: Pixels) -> bytes:
    """The column: width, height, and the pixels."""
    return bytes((pixels.width, pixels.height)) + pixels.rgb


def read_preview(column: bytes | None) -> Pixels | None:
    """The preview; ``None`` without one, or where the column can't be read."""
    if column is None or len(column) < 2:
        return None
    width, height, rgb = column[0], column[1], column[2:]
    fits = 0 < width <= PREVIEW[0] and 0 < height <= PREVIEW[1] and len(rgb) == width * height * 3
    return Pixels(width, height, rgb) if fits else None


def keep(work: Work, key: str, attachment: Attachment, pixels: Pixels) -> None:
    """The preview of the image that the message of this key shows, if it still shows that one."""
    found = work.connection.execute(
        "SELECT coalesce(d.number, e.number), e.room, coalesce(d.attachment, e.attachment)"
        " FROM event e LEFT JOIN event d ON d.number = e.edit AND d.attachment IS NOT NULL"
        " WHERE e.number = ?",
        (key,),
    ).fetchone()
    if found is None:
        return
    row, room, column = found
    shown = read_attachment(column)
    if shown is not None and _is_same(shown.media, attachment.media):
        column = write_preview(pixels)
        work.connection.execute("UPDATE event SET preview = ? WHERE number = ?", (column, row))
        work.touch(room, lines=True)


def _is_same(one: Media, other: Media) -> bool:
    """Also while a file of ours is being uploaded."""
    return one.uri == other.uri or bool(one.copy and one.copy == other.copy)
