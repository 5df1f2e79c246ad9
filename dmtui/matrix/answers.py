"""What an HTTP answer means: a JSON object, or one of :mod:`dmtui.core.errors`.

A status alone proves nothing (an HTML page from a proxy can carry any), nor does a body alone: a
verdict is a 4xx with a Matrix ``errcode``, a success a 2xx with a JSON object.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from dmtui.core.errors import (
    FarTrouble,
    Forbidden,
    InviteBlocked,
    NotFound,
    RateLimited,
    Refused,
    ServerTrouble,
    SignedOut,
)
from dmtui.core.model import Json, JsonObject
from dmtui.core.names import clean_line

_LARGE = 128 * 1024
_LONGEST_WAIT = 3600.0
_USUAL_WAIT = 5.0
_LONGEST_TEXT = 200
_OF_ANOTHER = (502, 504)  # from a proxy in front of it they come without an errcode
_INVITE_BLOCKED = {"M_INVITE_BLOCKED", "ORG.MATRIX.MSC4155.M_INVITE_BLOCKED"}


class Challenge(Refused):
    """401: the homeserver wants to know first that it is the user; ``body`` says how.

    Spec: "User-Interactive Authentication API".
    """

    def __init__(self, body: JsonObject):
        text = _text(body) or "The homeserver wants to know first that it is you."
        super().__init__(text, 401, "M_FORBIDDEN")
        self.body = body


def judge(status: int, headers: Mapping[str, str], body: bytes) -> JsonObject:
    """The JSON object of a successful answer; raises the error that any other answer stands for."""
    answer = parse(body)
    if status == 429:
        raise RateLimited("The homeserver asks to slow down.", _wait(headers, answer or {}))
    if status in _OF_ANOTHER and isinstance((answer or {}).get("errcode"), str):
        raise FarTrouble(f"The homeserver could not reach another one.{_said(answer)}")
    if not 200 <= status < 500:
        raise ServerTrouble(f"The homeserver is in trouble (HTTP {status}).{_said(answer)}")
    if answer is None:
        raise ServerTrouble(f"The homeserver's answer can't be read (HTTP {status}).")
    if status < 300:
        return answer
    if status == 401 and isinstance(answer.get("flows"), list):
        raise Challenge(answer)
    errcode = answer.get("errcode")
    if status < 400 or not isinstance(errcode, str):
        raise ServerTrouble(f"The homeserver's answer makes no sense (HTTP {status}).")
    raise _verdict(status, errcode, answer)


def parse(body: bytes) -> JsonObject | None:
    """The JSON object in UTF-8, or ``None`` if it is anything else."""
    try:
        text = body.decode("utf-8")
        answer: Json = json.loads(text, object_hook=_breathe if len(text) > _LARGE else None)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _breathe(value: JsonObject) -> JsonObject:
    """Let other threads run: the C parser holds the interpreter, a call of Python code yields."""
    return value


def _verdict(status: int, errcode: str, answer: JsonObject) -> Refused:
    text = _text(answer)
    if status == 401 and errcode == "M_UNKNOWN_TOKEN":
        return SignedOut("This session was signed out.", soft=answer.get("soft_logout") is True)
    if status == 403 and errcode.upper() in _INVITE_BLOCKED:
        return InviteBlocked("They do not accept invites.", status, errcode)
    if status == 403:
        return Forbidden(text or "The homeserver does not allow it.", status, errcode)
    if status == 404:
        return NotFound(text or "The homeserver knows no such thing.", status, errcode)
    if status == 413:
        return Refused("This is too long for the homeserver.", status, errcode)
    return Refused(text or f"The homeserver refused ({clean_line(errcode, 60)}).", status, errcode)


def _text(answer: JsonObject) -> str:
    error = answer.get("error")
    return clean_line(error, _LONGEST_TEXT) if isinstance(error, str) else ""


def _said(answer: JsonObject | None) -> str:
    text = _text(answer or {})
    return f" It says: {text}" if text else ""


def _wait(headers: Mapping[str, str], answer: JsonObject) -> float:
    """Seconds to wait, from ``retry_after_ms`` or a ``Retry-After`` in seconds."""
    milliseconds = answer.get("retry_after_ms")
    if isinstance(milliseconds, int | float) and not isinstance(milliseconds, bool):
        wait = milliseconds / 1000
    else:
        try:
            wait = float(headers.get("Retry-After", _USUAL_WAIT))
        except ValueError:
            wait = _USUAL_WAIT
    return min(max(wait, 0.0), _LONGEST_WAIT) if math.isfinite(wait) else _USUAL_WAIT
