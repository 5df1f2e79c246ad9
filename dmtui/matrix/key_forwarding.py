"""Room keys for other devices of ours that ask for them (spec: "Key requests")."""

from __future__ import annotations

from typing import TypeAlias

from dmtui.core.model import JsonObject, RoomId
from dmtui.matrix.own_requests import OwnRequests
from dmtui.matrix.room_keys import MEGOLM, forwarded
from dmtui.matrix.values import LONGEST_ID, mapping, opaque, room_id

_Key: TypeAlias = tuple[RoomId, str]


class KeyForwarding(OwnRequests[_Key]):
    """Answers ``m.room_key_request`` with ``m.forwarded_room_key``, from the best key's start.

    A key that is not here may still come: then the device that asked gets it.
    """

    most_waiting = 500
    answer_type = "m.forwarded_room_key"

    def read(self, content: JsonObject) -> _Key | None:
        """The room and the session ID: what else is in there is deprecated (MSC3700)."""
        body = mapping(content.get("body"))
        room, session_id = room_id(body.get("room_id")), opaque(body.get("session_id"), LONGEST_ID)
        if body.get("algorithm") != MEGOLM or room is None or session_id is None:
            return None
        return room, session_id

    def find(self, asked: _Key, number: str) -> JsonObject | None:
        """The best key of the session, if there is one here."""
        keys = self._store.room_keys(*asked)
        return forwarded(keys[0]) if keys else None
