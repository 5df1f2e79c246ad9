"""Simplified sliding sync (MSC4186): direct rooms and invites, in windows that grow.

Three habits of the server, seen on Synapse 1.163, shape this module. An invite that ends leaves
its list without waking anybody: so pending invites are subscribed to as well. A room that left
every list and subscription and comes back is taken for known, and what happened in between is
never told: so rooms once told of stay subscribed to, and where that was not possible the
connection starts anew. A larger timeline limit repeats old events: so there is one for all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from dmtui.core.errors import Refused, ServerTrouble
from dmtui.core.model import Availability, JsonObject, Membership, RoomId, UserId
from dmtui.matrix.account_news import heard
from dmtui.matrix.news import Api, KeyNews, News
from dmtui.matrix.place import LONGEST_POSITION, Place
from dmtui.matrix.room_news import (
    STATE_TYPES,
    RawRoom,
    fully_read,
    marked_unread,
    room_data,
    tags,
    typing,
)
from dmtui.matrix.values import mapping, mappings, opaque, room_id, whole

PATH = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"
FEATURE = "org.matrix.simplified_msc3575"

FIRST_WINDOW = 20
WINDOW_STEP = 30
TIMELINE_LIMIT = 20
_MOST_EXTRAS = 50
_MOST_INVITES = 100
_MARGIN = 30.0  # seconds that an answer may take beyond the time it was asked to wait


class Sliding:
    """Asks for news; what it remembers of the last answer is never needed to resume."""

    def __init__(self, client: Api, me: UserId):
        self._client = client
        self._me = me
        self._primed = False
        self._listed: frozenset[RoomId] | None = None  # direct rooms of the last answer
        self._invited: tuple[RoomId, ...] = ()
        self._left: frozenset[RoomId] = frozenset()

    async def fetch(
        self,
        place: Place,
        direct: frozenset[RoomId],
        rooms: frozenset[RoomId],
        timeout: float,
        presence: Availability,
    ) -> News:
        """News since ``place``; ``direct`` rooms are listed anyway, other ``rooms`` subscribed to.

        Does not wait while the windows grow, nor the first time: only its answer names the
        pending invites that the next request subscribes to.
        """
        if place.position is None:
            place = replace(place, window=FIRST_WINDOW, complete=False, extras=())
            self._listed = None
        subscribed = (rooms - direct) | set(place.extras) | set(self._invited)
        wait = timeout if place.complete and self._primed else 0.0
        try:
            answer = await self._ask(place, subscribed, wait, presence)
        except Refused as error:
            if error.status != 400 or (place.position is None and place.to_device is None):
                raise
            # An expired or foreign position; if it was not that, then the to-device position.
            fresh = Place(place.way) if place.position is None else place.anew()
            return await self.fetch(fresh, direct, rooms, timeout, presence)
        return self._read(place, frozenset(subscribed), answer)

    async def _ask(
        self, place: Place, subscribed: Iterable[RoomId], wait: float, presence: Availability
    ) -> JsonObject:
        query = {"timeout": str(int(wait * 1000)), "set_presence": presence.value}
        if place.position is not None:
            query["pos"] = place.position
        body = request(place, subscribed)
        answer = await self._client.api("POST", PATH, body, query=query, timeout=wait + _MARGIN)
        if opaque(answer.get("pos"), LONGEST_POSITION) is None:
            raise ServerTrouble("The homeserver's sync answer has no position.")
        return answer

    def _read(self, place: Place, subscribed: frozenset[RoomId], answer: JsonObject) -> News:
        raws = {one: mapping(raw) for one, raw in _by_room(answer.get("rooms"))}
        extensions = mapping(answer.get("extensions"))
        invites = {
            one: mappings(raw.get("invite_state"))
            for one, raw in raws.items()
            if "invite_state" in raw
        }
        self._primed = True
        joined = {one: raw for one, raw in raws.items() if one not in invites}
        rooms = _rooms(joined, extensions, self._left | invites.keys(), place.complete)
        over = (Membership.LEAVE, Membership.BAN)
        gone = tuple(one.room_id for one in rooms if one.membership(self._me) in over)
        ended = set(gone) & set(self._invited)
        direct, all_direct = _listed(answer, "direct", place.window)
        pending, all_pending = _listed(answer, "invites", place.window)
        complete = all_direct and all_pending if direct is not None else place.complete
        lost = self._lost(place, subscribed, direct, raws) if complete else frozenset[RoomId]()
        told = frozenset(one.room_id for one in rooms)
        self._left = (self._left - told - invites.keys()) | set(gone)
        onward = self._onward(place, answer, told, direct, complete)
        if direct is not None:
            self._listed = direct
            self._invited = tuple(pending or ())[:_MOST_INVITES]
        return News(
            onward.anew() if lost or len(onward.extras) > _MOST_EXTRAS else onward,
            _keys(extensions, onward),
            tuple(one for one in rooms if one.room_id not in ended),
            invites,
            frozenset(pending) if pending is not None and all_pending else None,
            gone,
            heard(mappings(mapping(extensions.get("account_data")).get("global"))),
            complete and not lost,
            complete and not lost and not place.complete,
        )

    def _lost(
        self,
        place: Place,
        subscribed: frozenset[RoomId],
        direct: frozenset[RoomId] | None,
        raws: dict[RoomId, JsonObject],
    ) -> frozenset[RoomId]:
        """Rooms back in the list after a time when this connection was told nothing of them."""
        if self._listed is None or direct is None or not place.complete:
            return frozenset()
        appeared = direct - self._listed - subscribed
        return frozenset(
            one
            for one in appeared
            if not (raw := raws.get(one, {})).get("initial") and "invite_state" not in raw
        )

    def _onward(
        self,
        place: Place,
        answer: JsonObject,
        told: frozenset[RoomId],
        direct: frozenset[RoomId] | None,
        complete: bool,
    ) -> Place:
        """The place after the answer, with windows wide enough for the next one."""
        to_device = mapping(mapping(answer.get("extensions")).get("to_device"))
        onward = replace(
            place,
            position=opaque(answer.get("pos"), LONGEST_POSITION),
            to_device=opaque(to_device.get("next_batch")) or place.to_device,
            complete=complete,
        )
        if direct is None:
            return onward
        unlisted = (self._listed or frozenset()) - direct if complete else frozenset[RoomId]()
        extras = (set(place.extras) | told | unlisted) - direct - self._left
        longest = max(_count(answer, "direct"), _count(answer, "invites"))
        window = longest + WINDOW_STEP if complete else place.window + WINDOW_STEP
        return replace(onward, window=window, extras=tuple(sorted(extras)))


def request(place: Place, subscribed: Iterable[RoomId]) -> JsonObject:
    """The body of the request."""
    room: JsonObject = {
        "timeline_limit": TIMELINE_LIMIT,
        "required_state": [[kind, "*" if kind == "m.room.member" else ""] for kind in STATE_TYPES],
    }
    window: JsonObject = {**room, "ranges": [[0, place.window - 1]]}
    to_device: JsonObject = {"enabled": True}
    if place.to_device is not None:
        to_device["since"] = place.to_device
    return {
        "conn_id": "dmtui",
        "lists": {
            "direct": {**window, "filters": {"is_dm": True}},
            "invites": {**window, "filters": {"is_invite": True}},
        },
        "room_subscriptions": dict.fromkeys(sorted(subscribed), room),
        "extensions": {
            "to_device": to_device,
            "e2ee": {"enabled": True},
            "account_data": {"enabled": True},
            "receipts": {"enabled": True},
            "typing": {"enabled": True},
        },
    }


def _by_room(value: object) -> list[tuple[RoomId, object]]:
    items = [(room_id(key), item) for key, item in mapping(value).items()]
    return [(one, item) for one, item in items if one is not None]


def _rooms(
    raws: dict[RoomId, JsonObject],
    extensions: JsonObject,
    foreign: Collection[RoomId],
    known: bool,
) -> list[RawRoom]:
    """Rooms that the answer mentions; ``foreign`` ones not if it is only by an extension.

    Without tags in its snapshot a room has none, unless the connection may have ``known`` it.
    """
    receipts, types, data = (
        dict(_by_room(mapping(extensions.get(name)).get("rooms")))
        for name in ("receipts", "typing", "account_data")
    )
    heard_of = {one: found for one, events in data.items() if (found := room_data(events))}
    rooms = []
    for one in {**raws, **receipts, **types, **heard_of}:
        if one in foreign and one not in raws:
            continue
        raw, own = raws.get(one, {}), heard_of.get(one, [])
        tagged = tags(own)
        initial = raw.get("initial") is True
        limit = raw.get("limited") is True or raw.get("unstable_expanded_timeline") is True
        rooms.append(
            RawRoom(
                one,
                initial,
                limit,
                opaque(raw.get("prev_batch")),
                timeline=mappings(raw.get("timeline")),
                after=mappings(raw.get("required_state")),
                joined_count=whole(raw.get("joined_count")),
                invited_count=whole(raw.get("invited_count")),
                receipts=mapping(mapping(receipts.get(one)).get("content")),
                fully_read=fully_read(own),
                typing=typing(mapping(mapping(types[one]).get("content")))
                if one in types
                else None,
                tags=frozenset() if tagged is None and initial and not known else tagged,
                marked_unread=marked_unread(own),
            )
        )
    return rooms


def _count(answer: JsonObject, name: str) -> int:
    return whole(mapping(mapping(answer.get("lists")).get(name)).get("count")) or 0


def _listed(answer: JsonObject, name: str, window: int) -> tuple[frozenset[RoomId] | None, bool]:
    """The rooms in the list's window, and whether that is all; ``None`` without such a list."""
    listed = mapping(answer.get("lists")).get(name)
    if not isinstance(listed, dict):
        return None, False
    named: list[object] = []
    for operation in mappings(listed.get("ops")):
        ids = operation.get("room_ids")
        named.extend(ids if isinstance(ids, list) else [])
    found = frozenset(one for value in named if (one := room_id(value)) is not None)
    return found, window >= _count(answer, name)


def _keys(extensions: JsonObject, place: Place) -> KeyNews:
    to_device, e2ee = mapping(extensions.get("to_device")), mapping(extensions.get("e2ee"))
    lists, counts = e2ee.get("device_lists"), e2ee.get("device_one_time_keys_count")
    fallback = e2ee.get("device_unused_fallback_key_types")
    return KeyNews(
        place.to_device or "",
        mappings(to_device.get("events")),
        lists if isinstance(lists, dict) else None,
        counts if isinstance(counts, dict) else None,
        [one for one in fallback if isinstance(one, str)] if isinstance(fallback, list) else None,
    )
