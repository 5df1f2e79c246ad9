"""``GET /v3/sync`` with a filter of rooms, for servers without sliding sync.

A position knows nothing of rooms that its filter left out: those are asked for apart, a few at a
time, each time from the start, and are from then on part of the filter. All members are asked
for, not lazily: a direct room has two, and a snapshot of them is worth more than it costs.
Rooms are named in each part of the filter, not for all parts at once: Synapse, looking for the
room ID inside of a room's account data, would then leave that out.
Client-server API v1.18, "Syncing".
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Iterable
from dataclasses import replace
from urllib.parse import quote

from dmtui.core.errors import Refused, ServerTrouble
from dmtui.core.model import Availability, Json, JsonObject, Membership, RoomId, UserId
from dmtui.matrix.account_news import HEARD, heard
from dmtui.matrix.news import Api, KeyNews, News
from dmtui.matrix.place import LONGEST_POSITION, Place
from dmtui.matrix.room_news import (
    ROOM_DATA,
    STATE_TYPES,
    RawRoom,
    fully_read,
    marked_unread,
    tags,
    typing,
)
from dmtui.matrix.translate import members, membership_change
from dmtui.matrix.values import mapping, mappings, opaque, room_id

PATH = "/_matrix/client/v3/sync"
ROOMS_AT_ONCE = 30
_MOST_ROOMS_AT_ONCE = 500
_SLOW = 2.0
TIMELINE_LIMIT = 20
_MARGIN = 30.0  # seconds that an answer may take beyond the time it was asked to wait
_PATIENCE = 300.0  # for answers from the start
_NO_ROOM = RoomId("!none:dmtui.invalid")  # an empty filter hides the invites as well
_LONGEST_QUERY = 3000
_MOST_INVITES = 100
OVER = (Membership.LEAVE, Membership.BAN)


class Classic:
    """Asks for news; what it remembers only saves work."""

    def __init__(self, client: Api, me: UserId):
        self._client = client
        self._me = me
        self._filter: tuple[str, str] = ("", "")
        self._at_once = ROOMS_AT_ONCE

    async def fetch(
        self,
        place: Place,
        direct: frozenset[RoomId],
        rooms: frozenset[RoomId],
        timeout: float,
        presence: Availability,
    ) -> News:
        """News since ``place`` of all these rooms, or the first news of some that are new."""
        followed = {digest(one): one for one in sorted(direct | rooms)}
        covered = tuple(one for one in place.covered if one in followed)
        place = replace(place, covered=covered)
        missing = [key for key in followed if key not in set(covered)]
        chunk = missing[: self._at_once]
        onward = replace(place, covered=(*covered, *chunk), complete=len(missing) <= len(chunk))
        names = [followed[key] for key in chunk]
        settled = onward.complete and not place.complete
        if place.position is None:
            return replace(await self._from_start(onward, names), settled=settled)
        if chunk:
            news = await self._from_start(onward, names)
            return News(onward, rooms=news.rooms, complete=onward.complete, settled=settled)
        wanted = {*followed.values(), *place.extras}
        try:
            answer = await self._ask(place.position, wanted, timeout, presence)
        except Refused as error:
            if error.status != 400:
                raise
            return await self.fetch(place.anew(), direct, rooms, timeout, presence)
        return await self._whole(self._read(onward, answer, wanted, since=True))

    async def _from_start(self, onward: Place, rooms: Collection[RoomId]) -> News:
        """More at once the next time, if the server is slow whatever it is asked for.

        Synapse looks at every joined room: 14 s with a thousand, be it for thirty of them.
        """
        began = time.monotonic()
        answer = await self._ask(None, rooms, 0.0)
        if time.monotonic() - began > _SLOW:
            self._at_once = min(8 * self._at_once, _MOST_ROOMS_AT_ONCE)
        return await self._whole(self._read(onward, answer, rooms))

    async def _ask(
        self,
        since: str | None,
        rooms: Collection[RoomId],
        wait: float,
        presence: Availability = Availability.OFFLINE,
    ) -> JsonObject:
        query = {
            "filter": await self._filter_for(rooms),
            "timeout": str(int(wait * 1000)),
            "set_presence": presence.value,
        }
        if since is not None:
            query["since"] = since
        patience = wait + _MARGIN if since else _PATIENCE
        return await self._client.api("GET", PATH, query=query, timeout=patience)

    async def _filter_for(self, rooms: Collection[RoomId]) -> str:
        """The filter itself, or the name under which the server keeps a long one."""
        wanted = json.dumps(room_filter(rooms), separators=(",", ":"))
        if len(wanted) <= _LONGEST_QUERY:
            return wanted
        kept, name = self._filter
        if kept != wanted:
            path = f"/_matrix/client/v3/user/{quote(self._me, safe='')}/filter"
            answer = await self._client.api("POST", path, room_filter(rooms))
            found = opaque(answer.get("filter_id"))
            if found is None or found.startswith("{"):
                raise ServerTrouble("The homeserver does not keep our sync filter.")
            name = found
            self._filter = (wanted, name)
        return name

    def _read(
        self, onward: Place, answer: JsonObject, wanted: Collection[RoomId], since: bool = False
    ) -> News:
        """The news of the ``wanted`` rooms; others may be in the answer, their parts left out."""
        position = opaque(answer.get("next_batch"), LONGEST_POSITION)
        if position is None:
            raise ServerTrouble("The homeserver's sync answer has no position.")
        sections = mapping(answer.get("rooms"))
        invites = {
            one: mappings(mapping(mapping(raw).get("invite_state")).get("events"))
            for one, raw in _by_room(sections.get("invite"))
        }
        left = _only(wanted, sections.get("leave"))
        joined = _only(wanted, sections.get("join"))
        rooms = [self._room(one, mapping(raw), since) for one, raw in (joined | left).items()]
        known = frozenset(onward.extras)
        pending = (known | invites.keys()) - left.keys() - joined.keys()
        return News(
            replace(onward, position=position, extras=tuple(sorted(pending))[:_MOST_INVITES]),
            _keys(answer, position),
            tuple(
                self._standing(one, left) for one in rooms if one.room_id not in left.keys() & known
            ),
            invites,
            None if since else frozenset(invites),
            tuple(left),
            heard(mappings(mapping(answer.get("account_data")).get("events"))),
            onward.complete,
        )

    async def _whole(self, news: News) -> News:
        return replace(news, rooms=tuple([await self._created(room) for room in news.rooms]))

    async def _created(self, room: RawRoom) -> RawRoom:
        """With its ``m.room.create``: Synapse's room filter swallows that of version 12."""
        if not room.initial or _has_create(room.state()) or room.membership(self._me) in OVER:
            return room
        path = f"/_matrix/client/v3/rooms/{quote(room.room_id, safe='')}/state/m.room.create/"
        try:
            answer = await self._client.api("GET", path, query={"format": "event"})
        except Refused:
            return room
        content = answer if "content" not in answer else mapping(answer["content"])
        event: JsonObject = {
            **answer,
            "type": "m.room.create",
            "state_key": "",
            "content": content,
        }
        return replace(room, before=[event, *room.before])

    def _standing(self, room: RawRoom, left: Collection[RoomId]) -> RawRoom:
        """Under ``leave`` I am out, even where the answer does not show the event."""
        if room.room_id not in left or room.membership(self._me) in OVER:
            return room
        event: JsonObject = {
            "type": "m.room.member",
            "state_key": self._me,
            "content": {"membership": "leave"},
        }
        return replace(room, after=[event])

    def _room(self, one: RoomId, raw: JsonObject, since: bool) -> RawRoom:
        timeline = mapping(raw.get("timeline"))
        ephemeral = mappings(mapping(raw.get("ephemeral")).get("events"))
        types = _last(ephemeral, "m.typing")
        data = mappings(mapping(raw.get("account_data")).get("events"))
        room = RawRoom(
            one,
            not since,
            timeline.get("limited") is True,
            opaque(timeline.get("prev_batch")),
            mappings(mapping(raw.get("state")).get("events")),
            mappings(timeline.get("events")),
            receipts=_last(ephemeral, "m.receipt") or {},
            fully_read=fully_read(data),
            typing=None if types is None else typing(types),
            tags=tags(data),
            marked_unread=marked_unread(data),
        )
        if not room.initial and self._has_just_joined(room.state()):
            room = replace(room, initial=True)
        return _snapshot(room) if room.initial else room

    def _has_just_joined(self, state: list[JsonObject]) -> bool:
        """Then the server tells the whole state; a change of my profile is no join."""
        mine = [event for event in state if event.get("state_key") == self._me]
        changes = [one for event in mine if (one := membership_change(event)) is not None]
        return any(
            one.member.membership is Membership.JOIN and one.previous is not Membership.JOIN
            for one in changes
        )


def digest(room: RoomId) -> str:
    """A short name for a room, so that a thousand fit into a token."""
    return hashlib.blake2b(room.encode("utf-8"), digest_size=6).hexdigest()


def room_filter(rooms: Collection[RoomId]) -> JsonObject:
    """Only these rooms, only what is shown of them; invites come whatever the rooms."""
    these: Json = [*sorted(rooms)] or [_NO_ROOM]
    return {
        "presence": {"types": []},
        "account_data": {"types": [*HEARD]},
        "room": {
            "include_leave": False,
            "timeline": {"limit": TIMELINE_LIMIT, "rooms": these},
            "state": {"types": [*STATE_TYPES], "rooms": these},
            "ephemeral": {"types": ["m.receipt", "m.typing"], "rooms": these},
            "account_data": {"types": [*ROOM_DATA]},
        },
    }


def _by_room(value: object) -> list[tuple[RoomId, object]]:
    items = [(room_id(key), item) for key, item in mapping(value).items()]
    return [(one, item) for one, item in items if one is not None]


def _only(wanted: Collection[RoomId], value: object) -> dict[RoomId, object]:
    return {one: raw for one, raw in _by_room(value) if one in wanted}


def _has_create(state: list[JsonObject]) -> bool:
    return any(event.get("type") == "m.room.create" for event in state)


def _snapshot(room: RawRoom) -> RawRoom:
    """The server counts only where members are loaded lazily, and tells tags if there are some."""
    found = [one.membership for one in members(room.state())]
    return replace(
        room,
        joined_count=found.count(Membership.JOIN),
        invited_count=found.count(Membership.INVITE),
        tags=room.tags or frozenset(),
    )


def _last(events: Iterable[JsonObject], kind: str) -> JsonObject | None:
    found = [mapping(event.get("content")) for event in events if event.get("type") == kind]
    return found[-1] if found else None


def _keys(answer: JsonObject, position: str) -> KeyNews:
    lists, counts = answer.get("device_lists"), answer.get("device_one_time_keys_count")
    fallback = answer.get("device_unused_fallback_key_types")
    return KeyNews(
        position,
        mappings(mapping(answer.get("to_device")).get("events")),
        lists if isinstance(lists, dict) else None,
        counts if isinstance(counts, dict) else None,
        [one for one in fallback if isinstance(one, str)] if isinstance(fallback, list) else None,
    )
