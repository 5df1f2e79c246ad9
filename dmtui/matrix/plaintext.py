"""Decrypted JSON made safe to walk and to store; the homeserver could not check any of it."""

from __future__ import annotations

import json
import math

from dmtui.core.model import Json, JsonObject

_MAX_DEPTH = 64
_MAX_INTEGER = 2**53


def read_object(text: str | bytes) -> JsonObject | None:
    """The JSON object in the text; ``None`` if it is none, nests too deep or can't be stored.

    Lone surrogates become U+FFFD: SQLite and terminals could not take them.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    try:
        safe = _safe(value, 0)
    except ValueError:
        return None
    return safe if isinstance(safe, dict) else None


def _safe(value: object, depth: int) -> Json:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deep")
    match value:
        case str():
            return _well_formed(value)
        case None | bool():
            return value
        case int():
            return _bounded(value)
        case float():
            return _finite(value)
        case list():
            return [_safe(item, depth + 1) for item in value]
        case dict():
            return {_well_formed(key): _safe(item, depth + 1) for key, item in value.items()}
        case _:
            raise ValueError("no JSON")


def _bounded(value: int) -> int:
    if abs(value) > _MAX_INTEGER:
        raise ValueError("integer too large")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("no number")
    return value


def _well_formed(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
