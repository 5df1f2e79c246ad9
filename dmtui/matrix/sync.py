"""Asking for news in the way the homeserver offers, and making a :class:`SyncBatch` of the answer.

Room keys are taken in first, so that the messages they open are read in the same batch.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar
from urllib.parse import quote

from dmtui.core.contacts import PEOPLE
from dmtui.core.errors import NotFound, Refused, ServerTrouble
from dmtui.core.events import RoomUpdate, SyncBatch
from dmtui.core.invites import judge_invite
from dmtui.core.model import Availability, Invite, JsonObject, RoomId
from dmtui.matrix.account_news import (
    DIRECT,
    IGNORED,
    INVITES,
    PUSH_RULES,
    are_invites_blocked,
    ignored_users,
    listed_rooms,
)
from dmtui.matrix.classic import Classic
from dmtui.matrix.news import Api, KeyNews, News
from dmtui.matrix.own_presence import RENEWAL, OwnPresence
from dmtui.matrix.place import Way, place_of
from dmtui.matrix.push_rules import muted_rooms
from dmtui.matrix.room_members import VISIBILITY
from dmtui.matrix.room_news import RawRoom, room_update
from dmtui.matrix.sliding import FEATURE, Sliding
from dmtui.matrix.stripped import stripped_invite
from dmtui.matrix.translate import Translator
from dmtui.matrix.values import mapping, room_id

log = logging.getLogger(__name__)

T = TypeVar("T")


class KeyKeeper(Protocol):
    """What sync hands to the encryption side; none of it may fail for a bad message."""

    async def receive(
        self,
        to_device: Sequence[JsonObject],
        device_lists: JsonObject | None,
        one_time_keys: JsonObject | None,
        fallback_types: Sequence[str] | None,
        batch: str,
        /,
    ) -> Sequence[tuple[RoomId, str]]:
        """Take in what came; returns the room keys that arrived."""

    def members_changed(self, room_id: RoomId) -> None:
        """Somebody came or went, or the settings of encryption or history changed."""


class Syncing:
    """The account's news; ``way`` is found out from ``/versions`` unless it is given."""

    def __init__(
        self, client: Api, keys: KeyKeeper, translator: Translator, way: Way | None = None
    ):
        self._client = client
        self._keys = keys
        self._translator = translator
        self._way = way
        self._ways: dict[Way, Sliding | Classic] = {
            Way.SLIDING: Sliding(client, translator.me),
            Way.CLASSIC: Classic(client, translator.me),
        }
        self.own_presence = OwnPresence(client, translator.me)
        self._direct: frozenset[RoomId] | None = None
        self._invites: dict[RoomId, list[JsonObject]] = {}

    async def sync(
        self,
        token: str | None,
        rooms: frozenset[RoomId],
        timeout: float,
        presence: Availability = Availability.OFFLINE,
    ) -> SyncBatch:
        """See ``ports.Homeserver``."""
        way = self._way or await self._choose()
        if way is Way.SLIDING:
            self.own_presence.renew(presence)
            timeout = timeout if presence is Availability.OFFLINE else min(timeout, RENEWAL)
        place = place_of(token, way)
        if self._direct is None and (rooms or place.position or way is Way.CLASSIC):
            self._direct = await self._ask_direct()
        try:
            news = await self._ways[way].fetch(
                place, self._direct or frozenset(), rooms, timeout, presence
            )
        except Refused as error:
            if way is Way.CLASSIC or error.errcode != "M_UNRECOGNIZED":
                raise
            self._way = Way.CLASSIC  # it was offered when we asked, and is no longer
            return await self.sync(token, rooms, timeout, presence)
        return await self._batch(news, rooms)

    async def close(self) -> None:
        """Nobody is asked any more: have nobody believe that I am still there."""
        await self.own_presence.end()

    async def _choose(self) -> Way:
        answer = await self._client.api("GET", "/_matrix/client/versions")
        offered = mapping(answer.get("unstable_features")).get(FEATURE) is True
        self._way = Way.SLIDING if offered else Way.CLASSIC
        log.info("syncing by %s", self._way)
        return self._way

    async def _ask_direct(self) -> frozenset[RoomId]:
        """The rooms in ``m.direct`` before sync has told of it."""
        me = quote(self._translator.me, safe="")
        try:
            content = await self._client.api(
                "GET", f"/_matrix/client/v3/user/{me}/account_data/{DIRECT}"
            )
        except NotFound as error:
            if error.errcode == "M_UNRECOGNIZED":
                raise ServerTrouble("The homeserver does not know account data.") from error
            content = {}
        return listed_rooms(content)

    async def _batch(self, news: News, rooms: frozenset[RoomId]) -> SyncBatch:
        room_keys = await self._take_in(news.keys) if news.keys else ()
        direct = news.account_data.get(DIRECT)
        if direct is not None:
            self._direct = listed_rooms(direct)
        updates = [await room_update(raw, self._translator) for raw in news.rooms]
        self._tell_members(news.rooms, updates)
        invites = self._judged(news, again=direct is not None)
        return SyncBatch(
            news.place.token(),
            tuple(updates),
            invites,
            news.all_invites,
            await self._ended(news, rooms) if news.settled else news.gone,
            direct,
            _read(news, IGNORED, ignored_users),
            _read(news, PUSH_RULES, muted_rooms),
            news.account_data.get(PEOPLE),
            _read(news, INVITES, are_invites_blocked),
            room_keys,
            news.complete,
        )

    async def _ended(self, news: News, rooms: frozenset[RoomId]) -> tuple[RoomId, ...]:
        """With the rooms that I am not in any more: from the start, sync is silent about these."""
        try:
            answer = await self._client.api("GET", "/_matrix/client/v3/joined_rooms")
        except Refused:
            return news.gone
        joined = answer.get("joined_rooms")
        if not isinstance(joined, list):
            return news.gone
        named = {one for value in joined if (one := room_id(value)) is not None}
        followed = rooms | (self._direct or frozenset())
        return tuple(sorted(followed - named - self._invites.keys() | {*news.gone}))

    async def _take_in(self, news: KeyNews) -> tuple[tuple[RoomId, str], ...]:
        return tuple(
            await self._keys.receive(
                news.to_device,
                news.device_lists,
                news.one_time_keys,
                news.fallback_types,
                news.next_batch,
            )
        )

    def _tell_members(self, rooms: Sequence[RawRoom], updates: Sequence[RoomUpdate]) -> None:
        for raw, update in zip(rooms, updates, strict=True):
            history = any(event.get("type") == VISIBILITY for event in raw.state())
            if update.members or update.encrypted or history:
                self._keys.members_changed(update.room_id)

    def _judged(self, news: News, again: bool) -> tuple[Invite, ...]:
        """The invites in the answer; all pending ones ``again`` where ``m.direct`` is new."""
        over = {*news.gone, *(room.room_id for room in news.rooms)}
        known = {room: events for room, events in self._invites.items() if room not in over}
        if news.all_invites is not None:
            known = {room: events for room, events in known.items() if room in news.all_invites}
        self._invites = {**known, **news.invites}
        told = self._invites if again else news.invites
        now = int(time.time() * 1000)
        return tuple(
            judge_invite(
                stripped_invite(room, events, self._translator.me), self._direct or (), now
            )
            for room, events in told.items()
        )


def _read(news: News, kind: str, reader: Callable[[JsonObject], T]) -> T | None:
    """What the account data of this type says, where the answer has it."""
    content = news.account_data.get(kind)
    return None if content is None else reader(content)
