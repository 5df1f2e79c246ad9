"""Who is in an encrypted room, and its encryption settings; asked once until something changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from dmtui.core.errors import CannotEncrypt, NotFound
from dmtui.core.model import JsonObject, RoomId
from dmtui.matrix.client import path
from dmtui.matrix.requests import Requests
from dmtui.matrix.room_keys import MEGOLM
from dmtui.matrix.values import mapping, mappings, text, user_id, whole

VISIBILITY = "m.room.history_visibility"
_USUAL_MESSAGES, _MOST_MESSAGES = 100, 10_000
_HOUR_MS, _WEEK_MS, _YEAR_MS = 3_600_000, 604_800_000, 31_536_000_000


@dataclass(frozen=True, slots=True)
class Audience:
    """Users who are joined or ``invited``, and when to change keys.

    Servers tell of changed devices only of those who have joined. ``shares_history``: who joins
    later may read what was written before.
    """

    users: frozenset[str]
    invited: frozenset[str]
    messages_per_key: int
    age_of_key: timedelta
    shares_history: bool


class RoomMembers:
    """Audiences by room, kept until :meth:`changed`."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._known: dict[RoomId, Audience] = {}
        self._changes: dict[RoomId, int] = {}

    def changed(self, room_id: RoomId) -> None:
        """Members or settings of the room are different now."""
        self._known.pop(room_id, None)
        self._changes[room_id] = self._changes.get(room_id, 0) + 1

    async def audience(self, room_id: RoomId) -> Audience:
        """Raises what the requests raise, and ``CannotEncrypt`` for an unknown algorithm."""
        known = self._known.get(room_id)
        if known is not None:
            return known
        before = self._changes.get(room_id, 0)
        members = await self._members(room_id)
        settings = await self._settings(room_id)
        audience = _audience(members, settings, await self._shares_history(room_id))
        if self._changes.get(room_id, 0) == before:
            self._known[room_id] = audience
        return audience

    async def _members(self, room_id: RoomId) -> dict[str, str]:
        """Memberships by user."""
        target = path("rooms", room_id, "members") + "?not_membership=leave"
        answer = await self._requests.api("GET", target)
        found = {}
        for event in mappings(answer.get("chunk")):
            member = user_id(event.get("state_key"))
            membership = text(mapping(event.get("content")).get("membership"))
            if member and membership in ("join", "invite"):
                found[str(member)] = membership
        return found

    async def _settings(self, room_id: RoomId) -> JsonObject:
        target = path("rooms", room_id, "state", "m.room.encryption") + "/"
        try:
            return await self._requests.api("GET", target)
        except NotFound:  # who asks for encryption gets it, whatever the server says
            return {"algorithm": MEGOLM}

    async def _shares_history(self, room_id: RoomId) -> bool:
        target = path("rooms", room_id, "state", VISIBILITY) + "/"
        try:
            content = await self._requests.api("GET", target)
        except NotFound:
            return True  # what holds where nothing is set (spec: "Room history visibility")
        return content.get("history_visibility") in ("shared", "world_readable")


def _audience(members: dict[str, str], settings: JsonObject, shares_history: bool) -> Audience:
    if settings.get("algorithm", MEGOLM) != MEGOLM:
        raise CannotEncrypt("This room is encrypted in a way that dmtui does not know.")
    messages = whole(settings.get("rotation_period_msgs")) or _USUAL_MESSAGES
    age = whole(settings.get("rotation_period_ms")) or _WEEK_MS
    return Audience(
        frozenset(members),
        frozenset(user for user, membership in members.items() if membership == "invite"),
        min(messages, _MOST_MESSAGES),
        timedelta(milliseconds=min(max(age, _HOUR_MS), _YEAR_MS)),
        shares_history,
    )
