"""The border: one raw room event becomes a clean, typed timeline event, or nothing.

Whatever an event contains, it costs at most itself: nothing here raises for bad content.
Client-server API v1.18, "Instant Messaging" and "Event relationships".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from dmtui.core.attachments import LONGEST_BODY
from dmtui.core.events import (
    Content,
    Edit,
    Line,
    MembershipChange,
    Reaction,
    Redaction,
    TimelineEvent,
    Undecryptable,
)
from dmtui.core.model import (
    Doubt,
    EventId,
    JsonObject,
    Kind,
    Member,
    Membership,
    RoomId,
    Safe,
    TransactionId,
    UserId,
)
from dmtui.core.names import clean, clean_line
from dmtui.core.verification import ALARMING, reason_of
from dmtui.matrix import described
from dmtui.matrix.values import (
    event_id,
    mapping,
    mappings,
    milliseconds,
    opaque,
    text,
    user_id,
)

Decrypt: TypeAlias = Callable[[RoomId, JsonObject], JsonObject | Undecryptable]
"""The plaintext (``type``, ``content``) of an ``m.room.encrypted`` event, or why there is none."""

Suspect: TypeAlias = Callable[[RoomId, JsonObject], Doubt]
"""Why it can't be vouched for who wrote a decrypted ``m.room.encrypted`` event."""

Hear: TypeAlias = Callable[[RoomId, JsonObject, str, JsonObject], None]
"""Takes ``(room, raw event, type, content)``, the last two decrypted; never raises."""

_LONGEST_KEY = 64

_SPOKEN = {"m.text": Kind.TEXT, "m.notice": Kind.NOTICE, "m.emote": Kind.EMOTE}
_POLLS = {"m.poll.start", "org.matrix.msc3381.poll.start"}
_SILENT = re.compile(
    r"m\.(call|key|poll|room|rtc|beacon|secret|space|policy)\b|m\.dummy"
    r"|(org\.matrix|io\.element|im\.vector|im\.nheko|com\.beeper|com\.famedly|de\.sorunome)\."
)
_QUOTED = re.compile(r"(?:> .*(?:\n|\Z)|>\n)+\n?")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_UNREADABLE = Line(Kind.OTHER, clean_line("a message that can't be read"))


@dataclass(frozen=True, slots=True)
class Translator:
    """Translates room events as seen by ``me``, with ``decrypt`` for the encrypted ones.

    ``hear`` is told of every message that can be read.
    """

    me: UserId
    decrypt: Decrypt
    hear: Hear = lambda room, raw, kind, content: None
    suspect: Suspect = lambda room, raw: Doubt.NONE

    def events(self, room: RoomId, raws: object) -> tuple[TimelineEvent, ...]:
        """Those of the list that are something to the reader, in order."""
        found = (self.event(room, raw) for raw in mappings(raws))
        return tuple(event for event in found if event is not None)

    def event(self, room: RoomId, raw: JsonObject) -> TimelineEvent | None:
        """``None`` for state that is no news to the reader, and for what is malformed."""
        identifier, sender = event_id(raw.get("event_id")), user_id(raw.get("sender"))
        if identifier is None or sender is None:
            return None
        try:
            content, encrypted = self._content(room, raw)
        except RecursionError:  # nested beyond reason
            content, encrypted = _UNREADABLE, False
        if content is None:
            return None
        return TimelineEvent(
            identifier,
            sender,
            milliseconds(raw.get("origin_server_ts")),
            content,
            encrypted,
            self._transaction(sender, raw),
            self._doubt(room, raw, content, encrypted),
        )

    def _doubt(self, room: RoomId, raw: JsonObject, content: Content, encrypted: bool) -> Doubt:
        if not encrypted or isinstance(content, Undecryptable) or _is_redacted(content):
            return Doubt.NONE
        return self.suspect(room, raw)

    def _content(self, room: RoomId, raw: JsonObject) -> tuple[Content | None, bool]:
        kind = text(raw.get("type"))
        if "state_key" in raw:
            return (membership_change(raw) if kind == "m.room.member" else None), False
        redacted = isinstance(mapping(raw.get("unsigned")).get("redacted_because"), dict)
        if redacted:
            return _redacted(kind), kind == "m.room.encrypted"
        content = mapping(raw.get("content"))
        if kind != "m.room.encrypted":
            self.hear(room, raw, kind, content)
            return readable(kind, content, raw), False
        if not content:
            return Line(Kind.REDACTED, clean("")), True
        plain = self.decrypt(room, raw)
        if isinstance(plain, Undecryptable):
            return plain, True
        self.hear(room, raw, text(plain.get("type")), mapping(plain.get("content")))
        return _decrypted(plain, content), True

    def _transaction(self, sender: UserId, raw: JsonObject) -> TransactionId | None:
        """Set by the server on what this very device sent."""
        if sender != self.me:
            return None
        transaction = opaque(mapping(raw.get("unsigned")).get("transaction_id"), 255)
        return TransactionId(transaction) if transaction else None


def _is_redacted(content: Content) -> bool:
    return isinstance(content, Line) and content.kind is Kind.REDACTED


def undecryptable(raw: JsonObject, reason: str) -> Undecryptable:
    """What to keep of an encrypted event until its key arrives."""
    session = clean_line(text(mapping(raw.get("content")).get("session_id")))
    return Undecryptable(session, json.dumps(raw), reason)


def readable(kind: str, content: JsonObject, raw: JsonObject) -> Content | None:
    """What the content of a message-like event is to the reader."""
    match kind:
        case "m.room.message":
            return _edit(content) or _message(content)
        case "m.reaction":
            return _reaction(content)
        case "m.room.redaction":
            target = event_id(content.get("redacts")) or event_id(raw.get("redacts"))
            return Redaction(target) if target else None
        case "m.sticker":
            return described.attachment(kind, content)
        case "m.key.verification.cancel":
            return _failed_verification(content)
        case "m.call.invite":
            return Line(Kind.OTHER, clean_line("a call"))
        case _ if kind in _POLLS:
            return described.poll(content)
        case _ if not kind or _SILENT.match(kind):
            return None
        case _:
            return described.unknown(kind, content)


def _failed_verification(content: JsonObject) -> Line | None:
    """What is to be remembered of it: not that somebody changed their mind."""
    code = text(content.get("code"))
    words = f"Verification failed. {reason_of(code)}"
    return Line(Kind.OTHER, clean(words)) if code in ALARMING else None


def membership_change(raw: JsonObject) -> MembershipChange | None:
    """A member event on the timeline, with what was before where the server tells."""
    found = member(raw)
    if found is None:
        return None
    return MembershipChange(found, _membership(_former(raw).get("membership")))


def _former(raw: JsonObject) -> JsonObject:
    return mapping(mapping(raw.get("unsigned")).get("prev_content"))


def member(raw: JsonObject) -> Member | None:
    """The subject of an ``m.room.member`` event, stripped or whole.

    Who has left without a name goes by the last one, where the server tells.
    """
    content = mapping(raw.get("content"))
    subject = user_id(raw.get("state_key"))
    membership = _membership(content.get("membership"))
    if subject is None or membership is None or raw.get("type") != "m.room.member":
        return None
    return Member(
        subject,
        membership,
        clean_line(text(content.get("displayname"))) or _last_name(raw, membership),
        content.get("is_direct") is True,
        user_id(raw.get("sender")) or UserId(""),
    )


def _last_name(raw: JsonObject, membership: Membership) -> Safe:
    if membership in (Membership.LEAVE, Membership.BAN):
        return clean_line(text(_former(raw).get("displayname")))
    return Safe("")


def members(raws: Iterable[JsonObject]) -> tuple[Member, ...]:
    """Everyone named by the events; the last one about a user holds."""
    found = (member(raw) for raw in raws if raw.get("type") == "m.room.member")
    return tuple({one.user_id: one for one in found if one is not None}.values())


def is_create(raw: JsonObject) -> bool:
    """Whether the event is the first of its room."""
    return raw.get("type") == "m.room.create" and raw.get("state_key") == ""


def _membership(value: object) -> Membership | None:
    try:
        return Membership(text(value))
    except ValueError:
        return None


def _decrypted(plain: JsonObject, outer: JsonObject) -> Content | None:
    """A plaintext can be anything: no server has looked at it."""
    kind, content = text(plain.get("type")), mapping(plain.get("content"))
    if kind in ("m.room.encrypted", "m.room.redaction", "") or "state_key" in plain:
        return _UNREADABLE
    relation = outer.get("m.relates_to")
    if isinstance(relation, dict) and "m.relates_to" not in content:
        content = {**content, "m.relates_to": relation}
    return readable(kind, content, plain)


def _redacted(kind: str) -> Line | None:
    shown = kind in ("m.room.message", "m.room.encrypted", "m.sticker")
    return Line(Kind.REDACTED, clean("")) if shown else None


def _edit(content: JsonObject) -> Edit | None:
    relation = mapping(content.get("m.relates_to"))
    target, new = event_id(relation.get("event_id")), content.get("m.new_content")
    if relation.get("rel_type") != "m.replace" or target is None or not isinstance(new, dict):
        return None
    line = _message({key: value for key, value in new.items() if key != "m.relates_to"})
    return Edit(target, line) if line else None


def _message(content: JsonObject) -> Line | None:
    kind, body = content.get("msgtype"), content.get("body")
    if kind is None and body is None:
        return Line(Kind.REDACTED, clean("")) if not content else _UNREADABLE
    if kind == "m.key.verification.request":
        return Line(Kind.OTHER, clean_line("asks to verify each other"))
    if not isinstance(kind, str) or not isinstance(body, str):
        return _UNREADABLE
    if kind in _SPOKEN:
        line = Line(_SPOKEN[kind], clean(body, LONGEST_BODY), _html(content))
    else:
        line = described.attachment(kind, content) or described.unknown(kind, content)
    target, thread = _replied_to(content), _thread(content)
    line = replace(line, thread=thread) if thread else line
    return _as_reply(line, target) if target else line


def _as_reply(line: Line, target: EventId) -> Line:
    """Without the quotation that old clients put before the answer."""
    body = _QUOTED.sub("", line.body, count=1) if line.body.startswith("> ") else line.body
    return replace(
        line,
        body=clean(body or line.body),
        formatted=_without_quoted_html(line.formatted),
        reply_to=target,
    )


def _without_quoted_html(formatted: str) -> str:
    lowered = formatted.lower()
    start = lowered.find("<mx-reply>")
    end = lowered.find("</mx-reply>", start) if start >= 0 else -1
    if end < 0 or len(lowered) != len(formatted):
        return formatted
    return formatted[:start] + formatted[end + len("</mx-reply>") :]


def _replied_to(content: JsonObject) -> EventId | None:
    relation = mapping(content.get("m.relates_to"))
    if relation.get("is_falling_back") is True:  # a thread's message, no answer to that event
        return None
    return event_id(mapping(relation.get("m.in_reply_to")).get("event_id"))


def _thread(content: JsonObject) -> EventId | None:
    relation = mapping(content.get("m.relates_to"))
    return event_id(relation.get("event_id")) if relation.get("rel_type") == "m.thread" else None


def _html(content: JsonObject) -> str:
    """The formatted body as it came; only made storable, since it is cleaned when it is read."""
    if content.get("format") != "org.matrix.custom.html":
        return ""
    formatted = text(content.get("formatted_body"))[:LONGEST_BODY]
    return _SURROGATES.sub("\ufffd", formatted).replace("\0", "\ufffd")


def _reaction(content: JsonObject) -> Reaction | None:
    relation = mapping(content.get("m.relates_to"))
    target, key = event_id(relation.get("event_id")), text(relation.get("key"))
    if relation.get("rel_type") != "m.annotation" or target is None or not key:
        return None
    return Reaction(target, clean_line(key, _LONGEST_KEY))
