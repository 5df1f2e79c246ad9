"""The mark on a room we create, by which it is found again when the answer was lost."""

from __future__ import annotations

import json

from dmtui.core.errors import Refused
from dmtui.core.model import JsonObject, RoomId
from dmtui.matrix.client import Client, path
from dmtui.matrix.values import mapping, mappings

NONCE_EVENT = "io.github.dmtui.nonce"
"""State event type; its content is ``{"nonce": ...}``, its state key empty."""

_SLIDING = "org.matrix.simplified_msc3575"
_NEWEST = 50
_PATIENCE = 120.0


def nonce_event(nonce: str) -> JsonObject:
    """The state event for ``initial_state`` of ``POST /createRoom``."""
    return {"type": NONCE_EVENT, "state_key": "", "content": {"nonce": nonce}}


async def find_created_room(client: Client, nonce: str) -> RoomId | None:
    """The joined room that carries ``nonce``, by a sync request that consumes nothing."""
    try:
        rooms = await _newest_rooms(client)
    except Refused as error:
        if error.errcode != "M_UNRECOGNIZED":
            raise
        rooms = await _all_rooms(client)
    for room_id, events in rooms.items():
        if any(_carries(event, nonce) for event in events):
            return RoomId(room_id)
    return None


async def _newest_rooms(client: Client) -> dict[str, list[JsonObject]]:
    newest: JsonObject = {
        "ranges": [[0, _NEWEST - 1]],
        "timeline_limit": 0,
        "required_state": [[NONCE_EVENT, ""]],
        "filters": {"is_invite": False},
    }
    answer = await client.api(
        "POST",
        path(_SLIDING, "sync", version="unstable"),
        {"conn_id": "created", "lists": {"newest": newest}},
        query={"timeout": "0"},
    )
    rooms = mapping(answer.get("rooms"))
    return {
        room_id: mappings(mapping(room).get("required_state")) for room_id, room in rooms.items()
    }


async def _all_rooms(client: Client) -> dict[str, list[JsonObject]]:
    only_nonces: JsonObject = {"types": [NONCE_EVENT], "limit": 1}
    nothing: JsonObject = {"types": []}
    criteria: JsonObject = {
        "presence": nothing,
        "account_data": nothing,
        "room": {
            "state": only_nonces,
            "timeline": only_nonces,
            "ephemeral": nothing,
            "account_data": nothing,
        },
    }
    query = {"filter": json.dumps(criteria), "timeout": "0"}
    answer = await client.api("GET", path("sync"), query=query, timeout=_PATIENCE)
    joined = mapping(mapping(answer.get("rooms")).get("join"))
    return {
        room_id: [
            event
            for section in ("state", "timeline")
            for event in mappings(mapping(mapping(room).get(section)).get("events"))
        ]
        for room_id, room in joined.items()
    }


def _carries(event: JsonObject, nonce: str) -> bool:
    content = mapping(event.get("content"))
    return event.get("type") == NONCE_EVENT and content.get("nonce") == nonce
