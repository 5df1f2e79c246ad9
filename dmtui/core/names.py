"""Names: cleaning untrusted text, checking user IDs, and telling people apart."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import unquote

from dmtui.core.errors import InvalidUserId
from dmtui.core.lookalikes import skeleton
from dmtui.core.model import Safe, UserId

BODY_LIMIT = 65_536
LINE_LIMIT = 256
MARKS_IN_A_ROW = 4
TAB = "    "

_EMOJI = (
    r"\u2190-\u21ff\u2300-\u23ff\u25a0-\u25ff\u2600-\u27bf\u2900-\u297f\u2b00-\u2bff"
    r"\U0001f000-\U0001faff"
)
_TAKES_SELECTOR = _EMOJI + r"0-9#*\xa9\xae\u203c\u2049\u2122\u2139\u3030\u303d\u3297\u3299"

_PICTURES = {code: 0x2400 + code for code in range(0x20) if code != 0x0A} | {0x7F: 0x2421}
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029]")
_BROKEN = re.compile(r"[\x80-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_INVISIBLE = re.compile(
    r"[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f"
    r"\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
_STRAY_SELECTOR = re.compile(rf"(?<![{_TAKES_SELECTOR}])[\ufe0e\ufe0f]")
_STRAY_JOINER = re.compile(rf"(?<![{_EMOJI}\ufe0f])\u200d|\u200d(?![{_EMOJI}])")
_FOREIGN_RUN = re.compile(r"[^\x00-\u02ff\w\u2400-\u2421\ufffd]{5,}")  # no mark is a letter

_SERVER_NAME = re.compile(r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,255})(?::[0-9]{1,5})?")
_LOCALPART = re.compile(r"[\x21-\x39\x3b-\x7e]+")
_USER_LINK = re.compile(
    r"(?:https://matrix\.to/#/(?=@|%40)|matrix:u/)(?P<name>[^/?\s]+)(?:\?\S*)?", re.IGNORECASE
)
_LIKE_USER_ID = re.compile(r"@[^\s:]*:\S")


def clean(text: str, limit: int = BODY_LIMIT) -> Safe:
    """``text`` fit for a terminal, line breaks kept; at most ``limit`` characters.

    Control characters become visible pictures (U+2400 on) or U+FFFD; direction overrides, invisible
    characters and piled-up marks go; a tab becomes four spaces. Cleaning twice changes nothing.
    """
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return Safe(text)
    cut = text[: 2 * limit]
    cleaned = _cleaned(cut)
    if len(cleaned) > limit or len(cut) < len(text):
        cleaned = cleaned[: limit - 1].rstrip("\u200d") + "\u2026"
    return Safe(cleaned)


def _cleaned(text: str) -> str:
    text = _LINE_ENDS.sub("\n", text).replace("\t", TAB)
    if _CONTROLS.search(text):
        text = text.translate(_PICTURES)
    if text.isascii():
        return text
    text = _BROKEN.sub("\ufffd", text)
    text = _INVISIBLE.sub("", text)
    text = _STRAY_SELECTOR.sub("", text)
    text = _STRAY_JOINER.sub("", text)
    return _FOREIGN_RUN.sub(_few_marks, text)


def _few_marks(run: re.Match[str]) -> str:
    kept = []
    marks = 0
    for character in run.group():
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks <= MARKS_IN_A_ROW:
            kept.append(character)
    return "".join(kept)


def clean_line(text: str, limit: int = LINE_LIMIT) -> Safe:
    """:func:`clean` for one line: white space collapsed to single spaces, ends trimmed."""
    cut = text[: 4 * limit]
    line = " ".join(_cleaned(cut).split())
    if len(line) > limit or len(cut) < len(text):
        line = line[: limit - 1].rstrip("\u200d ") + "\u2026"
    return Safe(line)


def valid_user_id(text: str) -> UserId:
    """``text``, white space around it removed, as a user ID; raises ``InvalidUserId``.

    Appendices, "User Identifiers": the historical grammar of localparts (any printing ASCII but
    ``:``), at most 255 bytes in all, and the server name grammar with port and IPv6.
    """
    user_id = text.strip()
    shown = clean_line(user_id, 60)
    if not user_id.startswith("@"):
        raise InvalidUserId(
            f"A user ID starts with @, like @name:server; this one is \u201c{shown}\u201d."
        )
    name, colon, server = user_id[1:].partition(":")
    if not colon or not server:
        raise InvalidUserId(
            f"The server is missing in \u201c{shown}\u201d: a user ID looks like @name:server."
        )
    if not name:
        raise InvalidUserId(
            f"The name is missing in \u201c{shown}\u201d: a user ID looks like @name:server."
        )
    if not _LOCALPART.fullmatch(name):
        raise InvalidUserId(f"\u201c{shown}\u201d has a character that no user ID can have.")
    if not _SERVER_NAME.fullmatch(server):
        raise InvalidUserId(f"\u201c{clean_line(server, 60)}\u201d is no server name.")
    if len(user_id) > 255:
        raise InvalidUserId("This user ID is too long: 255 characters are the most.")
    return UserId(user_id)


def linked_user(text: str) -> str:
    """The user ID that a ``matrix.to`` link or a ``matrix:`` URI names; other text as it is.

    Appendices, "matrix.to navigation" and "Matrix URI scheme".
    """
    link = _USER_LINK.fullmatch(text.strip())
    if link is None:
        return text
    name = unquote(link["name"])
    return name if name.startswith("@") else f"@{name}"


def is_user_id(text: str) -> bool:
    """Whether :func:`valid_user_id` takes ``text`` as it stands."""
    try:
        return valid_user_id(text) == text
    except InvalidUserId:
        return False


def localpart(user_id: UserId) -> Safe:
    """The name in ``@name:server``, cleaned; the whole text where it has no such form."""
    name = user_id.removeprefix("@").partition(":")[0]
    return clean_line(name or user_id)


def display_name(user_id: UserId, profile_name: str | None) -> Safe:
    """What to call a person: the profile's name, else the localpart.

    A name that contains something like a user ID other than the person's own is followed by
    the true one.
    """
    name = clean_line(profile_name or "")
    if not name:
        return localpart(user_id)
    if str(name) != user_id and _LIKE_USER_ID.search(unicodedata.normalize("NFKC", name)):
        return with_user_id(user_id, name)
    return name


def with_user_id(user_id: UserId, name: Safe) -> Safe:
    """``name`` followed by the user ID in brackets, unless it already is."""
    suffix = f"({clean_line(user_id)})"
    return name if name.endswith(suffix) else Safe(f"{name} {suffix}")


def disambiguated(names: Mapping[UserId, Safe]) -> Mapping[UserId, Safe]:
    """``names`` where those that read alike to the eye carry their user IDs."""
    alike: dict[str, list[UserId]] = {}
    for user_id, name in names.items():
        alike.setdefault(skeleton(name), []).append(user_id)
    clashing = {user_id for group in alike.values() if len(group) > 1 for user_id in group}
    return {
        user_id: with_user_id(user_id, name) if user_id in clashing else name
        for user_id, name in names.items()
    }
