"""What is no text, in words: files and how big they are, voice, places, polls, unknown types.

Client-server API v1.18, "m.room.message msgtypes"; MSC3381 (polls), MSC3245 (voice), MSC3488
(places), each in its stable form, too.
"""

from __future__ import annotations

import re

from dmtui.core.events import Line
from dmtui.core.model import JsonObject, Kind
from dmtui.core.names import clean, clean_line
from dmtui.matrix.values import mapping, mappings, text, whole

LONGEST_BODY = 64 * 1024
_MOST_ANSWERS = 20
_ATTACHED = {
    "m.image": "image",
    "m.file": "file",
    "m.audio": "audio",
    "m.video": "video",
    "m.location": "location",
    "m.sticker": "sticker",
}
_POLL_FORMS = ("m.poll", "org.matrix.msc3381.poll.start", "m.poll.start")
_VOICE_FORMS = ("org.matrix.msc3245.voice", "m.voice")
_PLACE_FORMS = ("m.location", "org.matrix.msc3488.location")
_GEO = re.compile(r"geo:(-?\d{1,3}(?:\.\d{1,15})?),(-?\d{1,3}(?:\.\d{1,15})?)(?=[,;]|\Z)")
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def attachment(kind: str, content: JsonObject) -> Line | None:
    """A file, a voice message, a place or a sticker; ``None`` for any other type."""
    what = _ATTACHED.get(kind)
    if what is None:
        return None
    body, filename = text(content.get("body")), text(content.get("filename"))
    caption = f"\n{body}" if filename and body != filename else ""
    if what == "audio" and any(isinstance(content.get(form), dict) for form in _VOICE_FORMS):
        length = _length(content)
        words = f"voice message, {length}" if length else "voice message"
    else:
        named = clean_line(filename or body)
        facts = _place(content) if what == "location" else _facts(content)
        words = f"{what}: {named} ({facts})" if facts else f"{what}: {named}"
    return Line(Kind.ATTACHMENT, clean(words + caption, LONGEST_BODY))


def poll(content: JsonObject) -> Line:
    """The question of a poll, and its answers below it."""
    start = next((mapping(content[form]) for form in _POLL_FORMS if form in content), {})
    answers = mappings(start.get("answers"))[:_MOST_ANSWERS]
    lines = [f"poll: {clean_line(_said(mapping(start.get('question'))))}"]
    lines += [f"\u2022 {answer}" for answer in map(clean_line, map(_said, answers)) if answer]
    return Line(Kind.OTHER, clean("\n".join(lines)))


def unknown(kind: str, content: JsonObject) -> Line:
    """Something of a type that dmtui does not know: its name, and what it says for such readers."""
    named, body = clean_line(kind), _said(content)
    return Line(Kind.OTHER, clean(f"{named}: {body}" if body else named, LONGEST_BODY))


def _said(content: JsonObject) -> str:
    """The plain text of a part of an extensible event (MSC1767), in any of its forms."""
    for stable in mappings(content.get("m.text")):
        if text(stable.get("mimetype")) in ("", "text/plain"):
            return text(stable.get("body"))
    return text(content.get("org.matrix.msc1767.text")) or text(content.get("body"))


def _facts(content: JsonObject) -> str:
    info = mapping(content.get("info"))
    width, height, size = (whole(info.get(name)) for name in ("w", "h", "size"))
    pixels = f"{width}\xd7{height}" if width and height and "duration" not in info else ""
    return ", ".join(filter(None, (pixels, _length(content), _size(size))))


def _length(content: JsonObject) -> str:
    """How long it plays, as ``m:ss`` or ``h:mm:ss``; empty if that is not said."""
    told = mapping(content.get("info")).get("duration")
    other = mapping(content.get("org.matrix.msc1767.audio")).get("duration")
    milliseconds = whole(told) or whole(other)
    if not milliseconds:
        return ""
    minutes, seconds = divmod(max(1, round(milliseconds / 1000)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _size(size: int | None) -> str:
    """In units of a thousand, as file managers tell it."""
    if size is None:
        return ""
    if size < 1000:
        return f"{size} {_UNITS[0]}"
    amount, unit = float(size), 0
    while amount >= 999.5 and unit + 1 < len(_UNITS):
        amount, unit = amount / 1000, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if amount < 9.95 else f"{amount:.0f} {_UNITS[unit]}"


def _place(content: JsonObject) -> str:
    """Latitude and longitude in degrees."""
    forms = (mapping(content.get(form)).get("uri") for form in _PLACE_FORMS)
    for uri in (content.get("geo_uri"), *forms):
        if found := _GEO.match(text(uri)):
            return f"{found[1]}, {found[2]}"
    return ""
