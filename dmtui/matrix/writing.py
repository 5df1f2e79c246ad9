"""What is sent → the type and content of its event; the reverse is in ``translate``.

Client-server API v1.18, "Instant Messaging", "Rich replies", "Event replacements",
"Event annotations and reactions", "Threading", "User and room mentions".
"""

from __future__ import annotations

from dmtui.core.events import Edit, Line, Reaction
from dmtui.core.formatted import parse
from dmtui.core.markup import mentions
from dmtui.core.model import JsonObject, Kind
from dmtui.matrix.attached import attached

MESSAGE = "m.room.message"
REACTION = "m.reaction"

_MSGTYPES = {Kind.NOTICE: "m.notice", Kind.EMOTE: "m.emote"}


def written(content: Line | Edit | Reaction) -> tuple[str, JsonObject]:
    """The event's type and its content, not encrypted."""
    match content:
        case Line():
            raw = _spoken(content)
            if relation := _relation(content):
                raw["m.relates_to"] = relation
            return MESSAGE, raw
        case Edit(target, line):
            raw = _spoken(line, "* ")
            raw["m.new_content"] = _spoken(line)
            raw["m.relates_to"] = {"rel_type": "m.replace", "event_id": target}
            return MESSAGE, raw
        case Reaction(target, key):
            relation = {"rel_type": "m.annotation", "event_id": target, "key": key}
            return REACTION, {"m.relates_to": relation}


def _spoken(line: Line, before: str = "") -> JsonObject:
    """``before`` is the fallback's, for clients that know no edits."""
    raw = _text(line, before) if line.attachment is None else attached(line.attachment)
    mentioned = mentions(parse(line.formatted)) if line.formatted else frozenset()
    raw["m.mentions"] = {"user_ids": [*sorted(mentioned)]} if mentioned else {}
    return raw


def _text(line: Line, before: str) -> JsonObject:
    raw: JsonObject = {
        "msgtype": _MSGTYPES.get(line.kind, "m.text"),
        "body": f"{before}{line.body}",
    }
    if line.formatted:
        raw["format"] = "org.matrix.custom.html"
        raw["formatted_body"] = f"{before}{line.formatted}"
    return raw


def _relation(line: Line) -> JsonObject:
    """An answer in a thread is meant as one: ``is_falling_back`` is only true without a target."""
    answer: JsonObject = {}
    if line.thread is not None:
        target = line.reply_to or line.thread
        answer = {"rel_type": "m.thread", "event_id": line.thread}
        answer["is_falling_back"] = line.reply_to is None
        answer["m.in_reply_to"] = {"event_id": target}
    elif line.reply_to is not None:
        answer["m.in_reply_to"] = {"event_id": line.reply_to}
    return answer
