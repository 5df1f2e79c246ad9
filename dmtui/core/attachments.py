"""Attachments: what they are in words, and names under which they can safely be saved."""

from __future__ import annotations

import re
import unicodedata

from dmtui.core.model import Attachment, AttachmentKind, Milliseconds, Safe
from dmtui.core.names import LINE_LIMIT, clean, clean_line

LONGEST_BODY = 64 * 1024
LONGEST_FILE_NAME = 200
"""Bytes in UTF-8, so that a number still fits behind it."""
UNNAMED = "file"
VIEWABLE = (AttachmentKind.IMAGE, AttachmentKind.STICKER)

_LONG = 100_000

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_UNFIT = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*\u2400-\u2421\ufffd]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)", re.IGNORECASE)
_SUFFIX = re.compile(r"\.[^. ]{1,15}\Z")
_LONGEST_SUFFIX = 16


def described(attachment: Attachment) -> Safe:
    """What it is, its name, its facts and its caption, as the conversation shows it."""
    kind, media = attachment.kind, attachment.media
    length = length_words(attachment.duration)
    caption = f"\n{attachment.caption}" if attachment.caption else ""
    if kind is AttachmentKind.VOICE:
        words = f"{kind}, {length}" if length else str(kind)
        return clean(words + caption, LONGEST_BODY)
    sized = media.width and media.height and not attachment.duration
    pixels = f"{media.width}\xd7{media.height}" if sized else ""
    facts = ", ".join(filter(None, (pixels, length, size_words(media.size))))
    words = f"{kind}: {attachment.name}"
    return clean((f"{words} ({facts})" if facts else words) + caption, LONGEST_BODY)


def length_words(milliseconds: Milliseconds) -> str:
    """How long it plays, as ``m:ss`` or ``h:mm:ss``; empty for 0."""
    if not milliseconds:
        return ""
    minutes, seconds = divmod(max(1, round(milliseconds / 1000)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def size_words(size: int | None) -> str:
    """In units of a thousand, as file managers tell it; empty where it is not known."""
    if size is None:
        return ""
    if size < 1000:
        return f"{size} {_UNITS[0]}"
    amount, unit = float(size), 0
    while amount >= 999.5 and unit + 1 < len(_UNITS):
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if amount < 9.95 else f"{amount:.0f} {_UNITS[unit]}"


def shown_name(name: str) -> Safe:
    """The name in one line; one that is too long keeps its suffix, by which files are known."""
    line = clean_line(name)
    found = _SUFFIX.search(name.rstrip()[-_LONGEST_SUFFIX:])
    if len(name) <= LINE_LIMIT or found is None:
        return line
    suffix = clean_line(found.group())
    stem = line.rstrip("…")[: LINE_LIMIT - 1 - len(suffix)]
    return clean_line(f"{stem}…{suffix}")


def file_name(name: str) -> str:
    """A name under which the file can be saved, whatever its sender calls it.

    One part of a path, at most 200 bytes, not hidden, and no name that a system keeps for itself.
    """
    part = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    part = clean_line(_UNFIT.sub("_", part), _LONG).strip(" .").lstrip("-~")
    part = "".join(one if one.isprintable() else "_" for one in part).strip(" .")
    if not part or not part.strip("_"):
        part = UNNAMED
    if _RESERVED.match(part):
        part = f"_{part}"
    return _shortened(part)


def numbered(name: str, number: int) -> str:
    """The name with a number before its suffix, for the second file of that name on."""
    if number == 0:
        return name
    found = _SUFFIX.search(name, 1)
    stem, suffix = (name[: found.start()], found.group()) if found else (name, "")
    return f"{stem} ({number}){suffix}"


def _shortened(name: str) -> str:
    found = _SUFFIX.search(name, 1)
    suffix = found.group() if found else ""
    room = LONGEST_FILE_NAME - len(suffix.encode())
    stem = name[: len(name) - len(suffix)].encode()[:room].decode("utf-8", "ignore")
    return stem + suffix
