"""Messages of a room: pages of its past, and what goes into it without encryption."""

from __future__ import annotations

import json

from dmtui.core.errors import NotFound, ServerTrouble
from dmtui.core.events import History
from dmtui.core.model import EventId, JsonObject, RoomId, TransactionId
from dmtui.matrix import translate
from dmtui.matrix.client import Client, path
from dmtui.matrix.translate import Translator
from dmtui.matrix.values import event_id, mappings, opaque

_LAZY = json.dumps({"lazy_load_members": True})
_PATIENCE = 60.0  # a page from another server's history


async def history(
    client: Client, translator: Translator, room_id: RoomId, before: str, limit: int
) -> History:
    """``GET /rooms/{roomId}/messages?dir=b``; a malformed event costs itself, not the page.

    Nothing is before a room's creation, though Synapse names a place to go on from there.
    """
    query = {"dir": "b", "limit": str(limit), "filter": _LAZY}
    if before:
        query["from"] = before
    target = path("rooms", room_id, "messages")
    answer = await client.api("GET", target, query=query, timeout=_PATIENCE)
    if not isinstance(answer.get("chunk"), list):
        raise ServerTrouble("The homeserver's page of messages can't be read.")
    chunk = mappings(answer["chunk"])
    begun = bool(chunk) and translate.is_create(chunk[-1])
    return History(
        translator.events(room_id, chunk),
        None if begun else opaque(answer.get("end")),
        translate.members(mappings(answer.get("state"))),
    )


async def send_plain(
    client: Client,
    room_id: RoomId,
    transaction_id: TransactionId,
    content: JsonObject,
    kind: str,
) -> EventId:
    """``PUT /rooms/{roomId}/send/{eventType}/{txnId}``, not encrypted."""
    return await _put(client, path("rooms", room_id, "send", kind, transaction_id), content)


async def redact(
    client: Client, room_id: RoomId, transaction_id: TransactionId, target: EventId
) -> EventId:
    """``PUT /rooms/{roomId}/redact/{eventId}/{txnId}``."""
    return await _put(client, path("rooms", room_id, "redact", target, transaction_id), {})


async def _put(client: Client, target: str, content: JsonObject) -> EventId:
    answer = await client.api("PUT", target, content)
    sent = event_id(answer.get("event_id"))
    if sent is None:
        raise ServerTrouble("The homeserver did not confirm the message.")
    return sent


async def is_encrypted(client: Client, room_id: RoomId) -> bool:
    """Whether the room's state has ``m.room.encryption``, whatever its content."""
    try:
        await client.api("GET", path("rooms", room_id, "state", "m.room.encryption", ""))
    except NotFound as error:
        if error.errcode == "M_NOT_FOUND":
            return False
        raise
    return True
