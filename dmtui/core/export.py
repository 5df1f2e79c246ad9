"""A conversation as a file: one message after the other, as text, Markdown or JSON lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from dmtui.core.model import Conversation, Json, Kind, Message, Milliseconds, Safe, SendState
from dmtui.core.times import full_date, local_time


class Format(StrEnum):
    """How the file is written; the value is what the command line calls it."""

    TEXT = "txt"
    MARKDOWN = "md"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Entry:
    """A message, and who reacted to it with what, in the order of the first of each."""

    message: Message
    reactions: tuple[tuple[Safe, tuple[Safe, ...]], ...] = ()


def beginning(person: Conversation, now: Milliseconds, zone: tzinfo, style: Format) -> str:
    """What stands at the top; nothing in a file of JSON lines."""
    who = person.name if person.group else f"{person.name} ({person.user_id})"
    when = f"{local_time(now, zone):%Y-%m-%d %H:%M:%S %z}"
    match style:
        case Format.TEXT:
            return f"Conversation with {_one_line(who)}, as of {when}\n\n"
        case Format.MARKDOWN:
            return f"# {_escaped(_one_line(who))}\n\nAs of {when}\n"
        case Format.JSON:
            return ""


class Writer:
    """Turns entries, oldest first, into pieces of the file.

    A line of JSON has ``time`` (ISO 8601 with its offset), ``sender``, ``name``, ``own``,
    ``kind`` (:class:`~dmtui.core.model.Kind`), ``body`` (the newest edit's; empty where it can't
    be decrypted or is deleted), ``edited``, ``encrypted``, ``state``
    (:class:`~dmtui.core.model.SendState`), ``failure``, ``room_id``, ``event_id`` (``null`` before
    it is sent) and ``reactions``: a list of ``{"key", "names"}``.
    """

    def __init__(self, style: Format, zone: tzinfo):
        self._style = style
        self._zone = zone
        self._day = ""

    def write(self, entry: Entry) -> str:
        """The next piece."""
        moment = local_time(entry.message.sent_at, self._zone)
        match self._style:
            case Format.TEXT:
                return _text(entry, moment)
            case Format.JSON:
                return json.dumps(_facts(entry, moment), ensure_ascii=False) + "\n"
            case Format.MARKDOWN:
                day, self._day = self._day, full_date(moment.date())
                heading = f"\n## {self._day}\n" if self._day != day else ""
                return heading + _markdown(entry, moment)


def _text(entry: Entry, moment: datetime) -> str:
    lines = _said(entry.message).split("\n")
    lines += _reactions(entry)
    return f"{moment:%Y-%m-%d %H:%M:%S %z}  " + "\n    ".join(lines) + "\n"


def _markdown(entry: Entry, moment: datetime) -> str:
    said = _said(entry.message, bold=True).split("\n") + _reactions(entry)
    lines = [said[0], *(_escaped(line) for line in said[1:])]
    return f"\n{moment:%H:%M:%S %z} " + "  \n".join(lines) + "\n"


def _reactions(entry: Entry) -> list[str]:
    return [f"{_one_line(key)} {', '.join(names)}" for key, names in entry.reactions]


def _said(message: Message, *, bold: bool = False) -> str:
    """Who said what, deleted and unreadable messages in words; in Markdown with ``bold``."""
    first, newline, rest = message.body.partition("\n")
    name = _one_line(message.sender_name)
    if bold:
        first, name = _escaped(first), _escaped(name)
    who = f"**{name}:**" if bold else f"{name}:"
    match message.kind:
        case Kind.REDACTED:
            return f"{who} (deleted)"
        case Kind.UNDECRYPTABLE:
            return f"{who} (can't be decrypted{': ' * bool(first)}{first})"
        case Kind.MEMBERSHIP | Kind.OTHER:
            said = f"({first}{newline}{rest})"
        case Kind.EMOTE:
            said = f"{_escaped('*') if bold else '*'} {name} {first}{newline}{rest}"
        case Kind.ATTACHMENT:
            said = f"{who} (file) {first}{newline}{rest}"
        case _:
            said = f"{who} {first}{newline}{rest}"
    return said + " (edited)" * message.edited + _state(message)


def _state(message: Message) -> str:
    match message.state:
        case SendState.SENT:
            return ""
        case SendState.FAILED:
            return f" (not sent: {message.failure})" if message.failure else " (not sent)"
        case _:
            return " (not sent yet)"


def _facts(entry: Entry, moment: datetime) -> dict[str, Json]:
    message = entry.message
    readable = message.kind not in (Kind.REDACTED, Kind.UNDECRYPTABLE)
    return {
        "time": moment.isoformat(timespec="milliseconds"),
        "sender": message.sender,
        "name": message.sender_name,
        "own": message.own,
        "kind": message.kind.value,
        "body": message.body if readable else "",
        "edited": message.edited,
        "encrypted": message.encrypted,
        "state": message.state.value,
        "failure": message.failure,
        "room_id": message.room_id,
        "event_id": message.event_id,
        "reactions": [{"key": key, "names": list(names)} for key, names in entry.reactions],
    }


_SIGNS = re.compile(r"[\\`*_\[\]<>#|~&]")
_LIST = re.compile(r"^(\s*)(?:([-+=])|(\d+)([.)]))")


def _escaped(line: str) -> str:
    """The line so that Markdown shows it as it is."""
    safe = _SIGNS.sub(lambda sign: f"\\{sign.group()}", line)
    return _LIST.sub(lambda m: f"{m[1]}\\{m[2]}" if m[2] else f"{m[1]}{m[3]}\\{m[4]}", safe)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def entries_of(
    messages: Iterator[Message], reactions: Iterator[tuple[str, Safe, Safe]]
) -> Iterator[Entry]:
    """Messages with their reactions: (event ID, key, name of who reacted), oldest first."""
    found: dict[str, dict[Safe, list[Safe]]] = {}
    for event_id, key, name in reactions:
        names = found.setdefault(event_id, {}).setdefault(key, [])
        if name not in names:
            names.append(name)
    for message in messages:
        of_it = found.get(message.event_id or "", {})
        yield Entry(message, tuple((key, tuple(names)) for key, names in of_it.items()))
