"""Links: what may be opened, where it really leads, and the URLs in plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import quote, unquote, urlsplit

from dmtui.core.names import clean_line

LONGEST = 2048
"""Characters of a URL; what is longer is no link."""
MOST = 100
"""Links in one message; what comes after them is text."""
_OPENED = frozenset({"http", "https", "mailto", "matrix"})
_PLAIN = re.compile(
    r"(?<![\w/])(?:https?://|mailto:|matrix:)[^\s<>\"\u201c\u201d\u201e\xab\xbb\u2502]+",
    re.IGNORECASE,
)
_KEPT = "%/:=&?~#+!$,;'@()*[]-._"
_CLOSERS = {")": "(", "]": "[", "}": "{"}
_LONGEST_HOST = 253
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")


def target(href: str) -> str:
    """Where a link leads, as a URL of ASCII alone; empty for what is no link to open.

    Hosts in other letters are in Punycode, so that they look like nothing but themselves.
    """
    href = href.strip()
    if not href or len(href) > LONGEST or " " in href or clean_line(href, LONGEST) != href:
        return ""
    try:
        parts = urlsplit(href)
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
        if len(host) > _LONGEST_HOST:
            return ""
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return ""
    if scheme not in _OPENED:
        return ""
    if scheme in ("mailto", "matrix"):
        rest = href.partition(":")[2]
        return f"{scheme}:{quote(rest, safe=_KEPT)}" if rest and "//" not in rest[:2] else ""
    host = f"[{host}]" if ":" in host else host
    if not _HOST.fullmatch(host):
        return ""
    who = parts.netloc.rpartition("@")[0]
    before = f"{quote(who, safe=_KEPT)}@" if who else ""
    place = f"{host}:{port}" if port is not None else host
    after = href.partition("://")[2][len(parts.netloc) :]
    return f"{scheme}://{before}{place}{quote(after, safe=_KEPT)}"


def host(url: str) -> str:
    """What to know a :func:`target` by: the host of the web, else the address."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        return parts.netloc.rpartition("@")[2]
    return unquote(parts.path) if unquote(parts.path).isascii() else parts.path


def says_where(text: str, url: str) -> bool:
    """Whether the text of a link is the :func:`target` itself, with or without its scheme.

    Letters that only look like those of the host, and a name before it, say nothing.
    """
    parts = urlsplit(url)
    said = text.strip()
    if "@" in parts.netloc or host(url) not in said.lower():
        return False
    whole = said if said.lower().startswith(f"{parts.scheme}:") else f"{parts.scheme}://{said}"
    if not parts.netloc and whole is not said:
        whole = f"{parts.scheme}:{said}"
    return target(whole).rstrip("/") == url.rstrip("/")


def find(text: str, most: int = MOST) -> Iterator[tuple[int, int, str]]:
    """The URLs in plain text as (start, end, target); what ends a sentence is no part of one.

    What begins like one and is none has no target. There are at most ``most``.
    """
    for match in islice(_PLAIN.finditer(text), most):
        shown = _without_end(match.group()) if len(match.group()) <= LONGEST else ""
        yield match.start(), match.start() + len(shown), target(shown)


def _without_end(url: str) -> str:
    """Without the punctuation behind it, and brackets that do not open in it."""
    spare = {last: url.count(last) - url.count(opener) for last, opener in _CLOSERS.items()}
    end = len(url)
    while end:
        last = url[end - 1]
        if last in spare:
            if spare[last] <= 0:
                break
            spare[last] -= 1
        elif last not in ".,;:!?'*_~|`\u2026":
            break
        end -= 1
    return url[:end]
