"""Pictures in the text of a ``data`` URI (RFC 2397), as some programs copy them."""

from __future__ import annotations

import re
from base64 import b64decode

LONGEST = 40 * 1024 * 1024

_HEAD = re.compile(r"\s*data:image/(png|jpeg|gif|webp);base64,", re.IGNORECASE)


def is_picture(text: str) -> bool:
    """Whether the text begins as one; nobody means to send such a text as it is."""
    return _HEAD.match(text) is not None


def picture_of(text: str) -> tuple[str, bytes] | None:
    """The kind of picture (``png``) and its bytes; ``None`` where the text is no whole one."""
    head = _HEAD.match(text)
    if head is None or len(text) > LONGEST:
        return None
    try:
        return head[1].lower(), b64decode("".join(text[head.end() :].split()), validate=True)
    except ValueError:
        return None
