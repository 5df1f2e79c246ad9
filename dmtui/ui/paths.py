"""Paths as people type them and as terminals send them when a file is dropped on them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit

MOST = 10
"""Files at once; more was hardly meant."""

_LONGEST = 8 * 1024


def typed_path(text: str) -> str:
    """The one path that is meant: quotes, backslashes and ``file://`` taken off."""
    plain = text.strip()
    found = _paths(plain)
    return found[0] if len(found) == 1 else plain


def pasted_files(text: str) -> tuple[Path, ...]:
    """The files that a paste names and nothing else; empty where it is any other text.

    Looks at the disk. Paths have to be whole, so that no word is taken for one.
    """
    if not text.strip() or len(text) > _LONGEST:
        return ()
    for candidates in ((text.strip(),), _paths(text.strip())):
        paths = [Path(each) for each in candidates]
        if paths and len(paths) <= MOST and all(map(_is_file, paths)):
            return tuple(paths)
    return ()


def _is_file(path: Path) -> bool:
    try:
        return path.is_absolute() and path.is_file()
    except (OSError, ValueError):
        return False


def _paths(text: str) -> tuple[str, ...]:
    """Each part that a shell would see in the text."""
    if re.match(r"file://", text):
        return tuple(filter(None, map(_of_url, text.split())))
    try:
        parts = shlex.split(text)
    except ValueError:  # an odd quotation mark
        return ()
    return tuple(_of_url(part) or part for part in parts)


def _of_url(url: str) -> str:
    """The path of a ``file`` URL of this computer, or nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return ""
    return unquote(parts.path)
