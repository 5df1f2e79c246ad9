"""What we do about a room that is there: join it, take somebody out, report, tag and mark it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from dmtui.core.errors import FarTrouble, NotFound
from dmtui.core.model import EventId, JsonObject, RoomId, UserId
from dmtui.matrix.client import Client, path
from dmtui.matrix.room_news import MARKED_UNREAD

_JOIN_PATIENCE = 4  # times that for other requests: the room may live on another server


async def join(client: Client, room_id: RoomId, via: Sequence[str]) -> None:
    """``POST /join/{roomId}``; ``server_name`` is what ``via`` was called before v1.12."""
    hints = [(name, server) for name in ("via", "server_name") for server in via]
    query = f"?{urlencode(hints)}" if hints else ""
    try:
        patience = _JOIN_PATIENCE * client.config.request_timeout
        await client.api("POST", path("join", room_id) + query, timeout=patience)
    except NotFound as error:
        nobody = "Nobody is left in this room who could let you in."
        raise NotFound(nobody, error.status, error.errcode) from error
    except FarTrouble as error:
        raise FarTrouble("No homeserver that is in this room answers now.") from error


async def remove(client: Client, room_id: RoomId, user_id: UserId) -> None:
    """``POST /rooms/{roomId}/kick``."""
    await client.api("POST", path("rooms", room_id, "kick"), {"user_id": user_id})


async def report_user(client: Client, user_id: UserId, reason: str) -> None:
    """``POST /users/{userId}/report`` (v1.14)."""
    await client.api("POST", path("users", user_id, "report"), {"reason": reason})


async def report_room(client: Client, room_id: RoomId, reason: str) -> None:
    """``POST /rooms/{roomId}/report`` (v1.13)."""
    await client.api("POST", path("rooms", room_id, "report"), {"reason": reason})


async def set_tag(client: Client, room_id: RoomId, tag: str, present: bool) -> None:
    """``PUT`` or ``DELETE /user/{userId}/rooms/{roomId}/tags/{tag}``."""
    target = path("user", client.user_id, "rooms", room_id, "tags", tag)
    if present:
        await client.api("PUT", target)
        return
    try:
        await client.api("DELETE", target)
    except NotFound as error:
        if error.errcode == "M_UNRECOGNIZED":
            raise


async def mark_read(client: Client, room_id: RoomId, event_id: EventId, private: bool) -> None:
    """``POST /rooms/{roomId}/read_markers``."""
    receipt = "m.read.private" if private else "m.read"
    content: JsonObject = {"m.fully_read": event_id, receipt: event_id}
    await client.api("POST", path("rooms", room_id, "read_markers"), content)


async def set_marked_unread(client: Client, room_id: RoomId, unread: bool) -> None:
    """``PUT /user/{userId}/rooms/{roomId}/account_data/m.marked_unread`` (v1.12)."""
    target = path("user", client.user_id, "rooms", room_id, "account_data", MARKED_UNREAD)
    await client.api("PUT", target, {"unread": unread})
