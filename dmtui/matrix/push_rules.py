"""Which push rules mute a room, and muting one as Element does: one rule for every client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dmtui.core.errors import NotFound, ServerTrouble
from dmtui.core.model import JsonObject, RoomId
from dmtui.matrix.client import Client, path
from dmtui.matrix.values import LONGEST_ID, mapping, mappings, opaque, room_id

_NOTIFYING = ("notify", "coalesce")
_GLOBS = frozenset("*?")


@dataclass(frozen=True, slots=True)
class MutingRule:
    """An enabled rule that keeps a room quiet; ``kind`` is ``override`` or ``room``."""

    kind: str
    rule_id: str
    room_id: RoomId


def muting_rules(content: JsonObject) -> Iterator[MutingRule]:
    """Those in ``m.push_rules`` content, which is that of ``GET /pushrules/`` as well."""
    rules = mapping(content.get("global"))
    for kind, room_of in (("override", _overridden), ("room", _ruled)):
        for rule in mappings(rules.get(kind)):
            name, room = opaque(rule.get("rule_id"), LONGEST_ID), room_of(rule)
            if name and room and rule.get("enabled") is not False and _is_silent(rule):
                yield MutingRule(kind, name, room)


def muted_rooms(content: JsonObject) -> frozenset[RoomId]:
    """The rooms for which a rule says never to notify."""
    return frozenset(rule.room_id for rule in muting_rules(content))


def _overridden(rule: JsonObject) -> RoomId | None:
    """The one room that the rule is about, whatever is said there and by whom."""
    conditions = rule.get("conditions")
    if not isinstance(conditions, list) or len(conditions) != 1:
        return None
    condition = mapping(conditions[0])
    if condition.get("kind") != "event_match" or condition.get("key") != "room_id":
        return None
    pattern = room_id(condition.get("pattern"))
    return None if pattern is None or _GLOBS & set(pattern) else pattern


def _ruled(rule: JsonObject) -> RoomId | None:
    return room_id(rule.get("rule_id"))


def _is_silent(rule: JsonObject) -> bool:
    actions = rule.get("actions")
    return isinstance(actions, list) and not any(one in actions for one in _NOTIFYING)


async def set_muted(client: Client, room: RoomId, muted: bool) -> None:
    """See ``ports.Homeserver``; unmuting takes away whatever rule of another client mutes it."""
    if muted:
        await _mute(client, room)
        return
    answer = await client.api("GET", path("pushrules", ""))
    if not isinstance(answer.get("global"), dict):
        raise ServerTrouble("The homeserver's push rules can't be read.")
    for rule in muting_rules(answer):
        if rule.room_id == room:
            await _delete(client, rule)


async def _mute(client: Client, room: RoomId) -> None:
    rule = path("pushrules", "global", "override", room)
    condition: JsonObject = {"kind": "event_match", "key": "room_id", "pattern": room}
    await client.api("PUT", rule, {"conditions": [condition], "actions": []})
    # A rule that was there and switched off stays so.
    await client.api("PUT", f"{rule}/enabled", {"enabled": True})


async def _delete(client: Client, rule: MutingRule) -> None:
    try:
        await client.api("DELETE", path("pushrules", "global", rule.kind, rule.rule_id))
    except NotFound as error:
        if error.errcode == "M_UNRECOGNIZED":
            raise
