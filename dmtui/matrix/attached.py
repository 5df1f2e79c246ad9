"""An attachment of ours → the content of its message; the reverse is in ``described``.

Client-server API v1.18, "m.room.message msgtypes" and "Sending encrypted attachments".
"""

from __future__ import annotations

from dmtui.core.model import Attachment, AttachmentKind, FileKey, JsonObject, Media

_MSGTYPES = {
    AttachmentKind.IMAGE: "m.image",
    AttachmentKind.AUDIO: "m.audio",
    AttachmentKind.VOICE: "m.audio",
    AttachmentKind.VIDEO: "m.video",
}


def attached(attachment: Attachment) -> JsonObject:
    """With its caption as the body, where there is one."""
    media, thumbnail = attachment.media, attachment.thumbnail
    info = _info(media)
    if attachment.duration:
        info["duration"] = attachment.duration
    content: JsonObject = {
        "msgtype": _MSGTYPES.get(attachment.kind, "m.file"),
        "body": attachment.caption or attachment.name,
        "filename": attachment.name,
        "info": info,
    }
    _place(content, media, "url", "file")
    if thumbnail is not None and thumbnail.uri:
        info["thumbnail_info"] = _info(thumbnail)
        _place(info, thumbnail, "thumbnail_url", "thumbnail_file")
    return content


def _info(media: Media) -> JsonObject:
    facts: JsonObject = {
        "size": media.size,
        "mimetype": media.mimetype or "application/octet-stream",
        "w": media.width or None,
        "h": media.height or None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _place(content: JsonObject, media: Media, plain: str, sealed: str) -> None:
    if media.key is None:
        content[plain] = media.uri
    else:
        content[sealed] = _file(media.uri, media.key)


def _file(uri: str, key: FileKey) -> JsonObject:
    return {
        "v": "v2",
        "url": uri,
        "key": {
            "kty": "oct",
            "key_ops": ["encrypt", "decrypt"],
            "alg": "A256CTR",
            "k": key.key,
            "ext": True,
        },
        "iv": key.iv,
        "hashes": {"sha256": key.sha256},
    }
