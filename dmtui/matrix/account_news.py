"""Global account data that sync listens to."""

from __future__ import annotations

from collections.abc import Iterable

from dmtui.core.contacts import PEOPLE
from dmtui.core.model import JsonObject, RoomId, UserId
from dmtui.matrix.values import mapping, room_id, text, user_id

DIRECT = "m.direct"
IGNORED = "m.ignored_user_list"
PUSH_RULES = "m.push_rules"
INVITES = "m.invite_permission_config"
HEARD = (DIRECT, IGNORED, PUSH_RULES, PEOPLE, INVITES)


def heard(events: Iterable[JsonObject]) -> dict[str, JsonObject]:
    """Type to content of the events listened to; the last one of a type holds."""
    return {
        kind: mapping(event.get("content"))
        for event in events
        if (kind := text(event.get("type"))) in HEARD
    }


def listed_rooms(direct: JsonObject) -> frozenset[RoomId]:
    """Every room that ``m.direct`` names, under whatever key: servers read it the same way."""
    values = [value for listed in direct.values() if isinstance(listed, list) for value in listed]
    found = {room_id(value) for value in values}
    return frozenset(one for one in found if one is not None)


def ignored_users(content: JsonObject) -> frozenset[UserId]:
    """The users named by ``m.ignored_user_list``."""
    found = {user_id(key) for key in mapping(content.get("ignored_users"))}
    return frozenset(one for one in found if one is not None)


def are_invites_blocked(content: JsonObject) -> bool:
    """Whether ``m.invite_permission_config`` lets nobody invite me."""
    return content.get("default_action") == "block"
