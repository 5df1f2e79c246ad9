"""Reading raw JSON without trust: each function gives the wanted type or a harmless default."""

from __future__ import annotations

from dmtui.core.model import EventId, JsonObject, Milliseconds, RoomId, UserId

LONGEST_ID = 255
_LATEST = 2**53


def mapping(value: object) -> JsonObject:
    """The JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[JsonObject]:
    """The JSON objects of the list; its other elements are passed over."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    """The string, or an empty one; not clean."""
    return value if isinstance(value, str) else ""


def whole(value: object) -> int | None:
    """The integer if it is one from 0 to 2**53, the range that JSON and SQLite share."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LATEST:
        return value
    return None


def milliseconds(value: object) -> Milliseconds:
    """The time, or 0 where it is none."""
    return whole(value) or 0


def opaque(value: object, longest: int = 4096) -> str | None:
    """A token of the server's making: printable, not empty, not too long."""
    if isinstance(value, str) and 0 < len(value) <= longest and value.isprintable():
        return value
    return None


def user_id(value: object) -> UserId | None:
    """``@localpart:server`` in the widest historical form that is safe to show."""
    name = _identifier(value, "@")
    return UserId(name) if name and ":" in name else None


def room_id(value: object) -> RoomId | None:
    """``!opaque`` with or without a server part (room version 12)."""
    name = _identifier(value, "!")
    return RoomId(name) if name else None


def event_id(value: object) -> EventId | None:
    """``$opaque`` with or without a server part."""
    name = _identifier(value, "$")
    return EventId(name) if name else None


def _identifier(value: object, sigil: str) -> str | None:
    if (
        isinstance(value, str)
        and value[:1] == sigil
        and 1 < len(value) <= LONGEST_ID
        and value.isprintable()
        and " " not in value
    ):
        return value
    return None
