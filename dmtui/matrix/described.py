"""What is no text, in words: files and how big they are, voice, places, polls, unknown types.

Client-server API v1.18, "m.room.message msgtypes", "Sending encrypted attachments"; MSC3381
(polls), MSC3245 (voice), MSC3488 (places), each in its stable form, too.
"""

from __future__ import annotations

import re
from typing import TypedDict

from dmtui.core.attachments import LONGEST_BODY, described, shown_name
from dmtui.core.events import Line
from dmtui.core.model import (
    Attachment,
    AttachmentKind,
    FileKey,
    JsonObject,
    Kind,
    Media,
    Safe,
)
from dmtui.core.names import clean, clean_line
from dmtui.matrix.values import mapping, mappings, text, whole

_MOST_ANSWERS = 20
_ATTACHED = {
    "m.image": AttachmentKind.IMAGE,
    "m.file": AttachmentKind.FILE,
    "m.audio": AttachmentKind.AUDIO,
    "m.video": AttachmentKind.VIDEO,
    "m.sticker": AttachmentKind.STICKER,
}
_POLL_FORMS = ("m.poll", "org.matrix.msc3381.poll.start", "m.poll.start")
_VOICE_FORMS = ("org.matrix.msc3245.voice", "m.voice")
_PLACE_FORMS = ("m.location", "org.matrix.msc3488.location")
_GEO = re.compile(r"geo:(-?\d{1,3}(?:\.\d{1,15})?),(-?\d{1,3}(?:\.\d{1,15})?)(?=[,;]|\Z)")
_MXC = re.compile(r"mxc://(?!\.)[0-9A-Za-z.:\[\]-]{1,255}/[0-9A-Za-z_=-]{1,255}")
_MIMETYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,100}")
_BASE64 = re.compile(r"([0-9A-Za-z+/_-]{1,64})={0,2}")


def attachment(kind: str, content: JsonObject) -> Line | None:
    """A file, a voice message, a place or a sticker; ``None`` for any other type."""
    body, filename = text(content.get("body")), text(content.get("filename"))
    caption = clean(body, LONGEST_BODY) if filename and body != filename else Safe("")
    if kind == "m.location":
        return _place(content, clean_line(filename or body), caption)
    if kind not in _ATTACHED:
        return None
    what, media = _ATTACHED[kind], _media(content)
    if what is AttachmentKind.AUDIO and _is_voice(content):
        what = AttachmentKind.VOICE
    attached = Attachment(
        what,
        shown_name(filename or body),
        media or Media("", **_facts(mapping(content.get("info")))),
        _thumbnail(content),
        _duration(content),
        caption,
    )
    return Line(Kind.ATTACHMENT, described(attached), attachment=attached if media else None)


def _is_voice(content: JsonObject) -> bool:
    return any(isinstance(content.get(form), dict) for form in _VOICE_FORMS)


def _media(content: JsonObject) -> Media | None:
    """Where the file itself is; ``None`` where that can't be told."""
    return _stored(content.get("file"), content.get("url"), mapping(content.get("info")))


def _thumbnail(content: JsonObject) -> Media | None:
    info = mapping(content.get("info"))
    facts = mapping(info.get("thumbnail_info"))
    return _stored(info.get("thumbnail_file"), info.get("thumbnail_url"), facts)


def _stored(file: object, url: object, info: JsonObject) -> Media | None:
    """An encrypted file counts, else a plain one.

    "Extensions to m.room.message msgtypes": a file whose key is malformed can't be read at all.
    """
    if isinstance(file, dict):
        key, uri = _file_key(file), media_uri(file.get("url"))
        return Media(uri, key, **_facts(info)) if uri and key else None
    uri = media_uri(url)
    return Media(uri, **_facts(info)) if uri else None


class _Facts(TypedDict):
    size: int | None
    mimetype: str
    width: int
    height: int


def _facts(info: JsonObject) -> _Facts:
    return {
        "size": whole(info.get("size")),
        "mimetype": mimetype(info.get("mimetype")),
        "width": whole(info.get("w")) or 0,
        "height": whole(info.get("h")) or 0,
    }


def mimetype(value: object) -> str:
    """The media type without parameters, or nothing."""
    kind = text(value).partition(";")[0].strip().lower()
    return kind if _MIMETYPE.fullmatch(kind) else ""


def media_uri(value: object) -> str:
    """A well-formed ``mxc://server/id``, or nothing."""
    uri = text(value)
    return uri if _MXC.fullmatch(uri) else ""


def _file_key(file: JsonObject) -> FileKey | None:
    jwk, hashes = mapping(file.get("key")), mapping(file.get("hashes"))
    if jwk.get("kty") != "oct" or jwk.get("alg") != "A256CTR" or file.get("v") != "v2":
        return None
    key, iv = _base64(jwk.get("k"), 32), _base64(file.get("iv"), 16)
    sha256 = _base64(hashes.get("sha256"), 32)
    return FileKey(key, iv, sha256) if key and iv and sha256 else None


def _base64(value: object, length: int) -> str:
    """So many bytes in base64, without the padding; else nothing."""
    found = _BASE64.fullmatch(text(value))
    return found.group(1) if found and len(found.group(1)) * 6 // 8 == length else ""


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


def _duration(content: JsonObject) -> int:
    told = mapping(content.get("info")).get("duration")
    other = mapping(content.get("org.matrix.msc1767.audio")).get("duration")
    return whole(told) or whole(other) or 0


def _place(content: JsonObject, named: Safe, caption: Safe) -> Line:
    """With latitude and longitude in degrees."""
    words = f"location: {named}"
    forms = (mapping(content.get(form)).get("uri") for form in _PLACE_FORMS)
    for uri in (content.get("geo_uri"), *forms):
        if found := _GEO.match(text(uri)):
            words = f"{words} ({found[1]}, {found[2]})"
            break
    return Line(Kind.ATTACHMENT, clean(f"{words}\n{caption}" if caption else words, LONGEST_BODY))
