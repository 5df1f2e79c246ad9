"""Untrusted HTML taken apart into tags and text, by expressions that never go back.

Python's own parser takes minutes over hostile tags of the size of one event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

MOST_TAGS = 500
"""More than a long formatted text has; comments and what is skipped count."""
MOST_REFERENCES = 3_000
"""Characters written as ``&name;``."""


class NoHtml(Exception):
    """It can't be told what is text and what is a tag, or it is too much."""


class Tag(NamedTuple):
    name: str
    ends: bool
    attributes: str

    def get(self, name: str) -> str | None:
        """The value of an attribute, empty for one without; ``None`` if it is not there."""
        for match in _ATTRIBUTE.finditer(self.attributes):
            if match["name"].lower() == name:
                return _unescaped(match["double"] or match["single"] or match["bare"] or "")
        return None


_TAG = re.compile(
    r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9-]*+)"
    r"(?P<attributes>(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+)>"
)
_ATTRIBUTE = re.compile(
    r"(?P<name>[^\s\"'/=<>]++)"
    r"(?:\s*+=\s*+(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<bare>[^\s\"'<>]++)))?"
)
_MARK_OR_COMMENT = re.compile(r"<(?=[A-Za-z/!?])")
_DROPPED = frozenset(
    {"script", "style", "head", "title", "template", "iframe", "object", "svg", "mx-reply"}
)


def parts(html: str) -> Iterator[Tag | str]:
    """The tags and the text between them; raises ``NoHtml``, also after some of them."""
    if html.count("&") > MOST_REFERENCES:
        raise NoHtml
    position = tags = 0
    while (found := _MARK_OR_COMMENT.search(html, position)) is not None:
        if found.start() > position:
            yield _unescaped(html[position : found.start()])
        tags += 1
        if tags > MOST_TAGS:
            raise NoHtml
        if html[found.end()] in "!?":
            position = _after_comment(html, found.start())
            continue
        tag = _TAG.match(html, found.start())
        if tag is None:
            raise NoHtml
        name = tag["name"].lower()
        position = tag.end()
        if name in _DROPPED and not tag["end"]:
            position = _after_dropped(html, position, name)
            continue
        yield Tag(name, bool(tag["end"]), tag["attributes"])
    if position < len(html):
        yield _unescaped(html[position:])


def _after_comment(html: str, start: int) -> int:
    close = "-->" if html.startswith("<!--", start) else ">"
    end = html.find(close, start)
    return len(html) if end < 0 else end + len(close)


def _after_dropped(html: str, start: int, name: str) -> int:
    end = re.compile(rf"</{name}[^>]*+>?", re.IGNORECASE).search(html, start)
    return len(html) if end is None else end.end()


def _unescaped(text: str) -> str:
    try:
        return unescape(text)
    except ValueError:  # the number of a character with thousands of digits
        return text
