"""Rooms that look like nothing but two people talking: no name, topic, alias, avatar, no space."""

from __future__ import annotations

from dmtui.core.errors import NotFound
from dmtui.core.model import JsonObject, RoomId, UserId
from dmtui.matrix.client import Client, path
from dmtui.matrix.room_news import service_members
from dmtui.matrix.values import text

_ADORNMENTS = (
    ("m.room.name", "name"),
    ("m.room.canonical_alias", "alias"),
    ("m.room.topic", "topic"),
    ("m.room.avatar", "url"),
    ("m.room.create", "type"),
)
"""State events and the field of each that makes a room more than plain, commonest first."""


async def plain_room(client: Client, room_id: RoomId) -> frozenset[UserId] | None:
    """See ``ports.Homeserver``; most rooms have a name, and cost one request."""
    for kind, field in _ADORNMENTS:
        if text((await _state(client, room_id, kind)).get(field)):
            return None
    return service_members(await _state(client, room_id, "io.element.functional_members"))


async def _state(client: Client, room_id: RoomId, kind: str) -> JsonObject:
    try:
        return await client.api("GET", path("rooms", room_id, "state", kind) + "/")
    except NotFound:
        return {}
