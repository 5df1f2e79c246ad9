"""One room's share of a sync answer: raw, then as a :class:`RoomUpdate`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from dmtui.core.events import Receipt, RoomUpdate, TimelineEvent
from dmtui.core.model import EventId, JsonObject, Membership, RoomId, UserId
from dmtui.core.names import clean_line
from dmtui.matrix.nonce import NONCE_EVENT
from dmtui.matrix.room_members import VISIBILITY
from dmtui.matrix.translate import Translator, is_create, members
from dmtui.matrix.values import (
    event_id,
    mapping,
    mappings,
    milliseconds,
    opaque,
    room_id,
    text,
    user_id,
)

STATE_TYPES = (
    "m.room.create",
    "m.room.encryption",
    VISIBILITY,
    "m.room.member",
    "m.room.name",
    "m.room.tombstone",
    "io.element.functional_members",
    NONCE_EVENT,
)
"""Types of state that tell something about a direct room."""
TAG = "m.tag"
READ = "m.fully_read"
MARKED_UNREAD = "m.marked_unread"
ROOM_DATA = (READ, TAG, MARKED_UNREAD, "com.famedly.marked_unread")
"""Types of a room's account data that are heard; the last is what the one before was at first."""

_BREATH = 0.005


@dataclass(frozen=True, slots=True)
class RawRoom:
    """What a sync answer says of a room; ``before`` and ``after`` are state around the timeline."""

    room_id: RoomId
    initial: bool = False
    limited: bool = False
    prev_batch: str | None = None
    before: list[JsonObject] = field(default_factory=list)
    timeline: list[JsonObject] = field(default_factory=list)
    after: list[JsonObject] = field(default_factory=list)
    joined_count: int | None = None
    invited_count: int | None = None
    receipts: JsonObject = field(default_factory=dict)
    fully_read: EventId | None = None
    typing: frozenset[UserId] | None = None
    tags: frozenset[str] | None = None
    marked_unread: bool | None = None

    def state(self) -> list[JsonObject]:
        """All state events mentioned, in an order in which the last one of a kind holds."""
        timeline = [event for event in self.timeline if "state_key" in event]
        return [*self.before, *timeline, *self.after]

    def membership(self, me: UserId) -> Membership:
        """How I stand in the room: joined, unless the answer says otherwise."""
        mine = (one.membership for one in members(self.state()) if one.user_id == me)
        return next(mine, Membership.JOIN)


async def room_update(raw: RawRoom, translator: Translator) -> RoomUpdate:
    """The room's news, typed and clean; other tasks get their turn in between.

    Nothing is before a room's creation, though Synapse names a place to go on from there.
    """
    state = raw.state()
    begun = bool(raw.timeline) and is_create(raw.timeline[0])
    update = RoomUpdate(
        raw.room_id,
        raw.membership(translator.me),
        raw.initial,
        raw.limited and not begun,
        None if begun else raw.prev_batch,
        await _timeline(raw, translator),
        members(state),
        joined_count=raw.joined_count,
        invited_count=raw.invited_count,
        receipts=receipts(raw.receipts),
        fully_read=raw.fully_read,
        typing=None if raw.typing is None else raw.typing - {translator.me},
        tags=raw.tags,
        marked_unread=raw.marked_unread,
    )
    for event in state:
        update = _with_state(update, event, translator.me)
    return update


async def _timeline(raw: RawRoom, translator: Translator) -> tuple[TimelineEvent, ...]:
    found = []
    began = time.monotonic()
    for event in raw.timeline:
        if time.monotonic() - began > _BREATH:  # decrypting takes most of a millisecond each
            await asyncio.sleep(0)
            began = time.monotonic()
        if (one := translator.event(raw.room_id, event)) is not None:
            found.append(one)
    return tuple(found)


def _with_state(update: RoomUpdate, event: JsonObject, me: UserId) -> RoomUpdate:
    content = mapping(event.get("content"))
    if event.get("state_key") != "":
        return update
    match event.get("type"):
        case "m.room.create":
            created = milliseconds(event.get("origin_server_ts"))
            return replace(
                update,
                is_space=content.get("type") == "m.space",
                created_at=created or None,
                predecessor=room_id(mapping(content.get("predecessor")).get("room_id")),
            )
        case "m.room.encryption":
            return replace(update, encrypted=True)
        case "m.room.name":
            return replace(update, name=clean_line(text(content.get("name"))))
        case "m.room.tombstone":
            successor, sender = (
                room_id(content.get("replacement_room")),
                user_id(event.get("sender")),
            )
            via = sender.partition(":")[2] if successor and sender else None
            return replace(update, successor=successor, successor_via=via or None)
        case "io.element.functional_members":
            return replace(update, service_members=service_members(content))
        case kind if kind == NONCE_EVENT and event.get("sender") == me:
            return replace(update, nonce=opaque(content.get("nonce"), 255))
        case _:
            return update


def service_members(content: JsonObject) -> frozenset[UserId]:
    """Users named by ``io.element.functional_members``, whose lists may be nested."""
    listed = content.get("service_members")
    found: set[UserId] = set()
    for item in listed if isinstance(listed, list) else []:
        for value in item if isinstance(item, list) else [item]:
            if (one := user_id(value)) is not None:
                found.add(one)
    return frozenset(found)


def receipts(content: JsonObject) -> tuple[Receipt, ...]:
    """Read receipts of ``m.receipt`` content; those of threads tell nothing about the room."""
    found = []
    for target, kinds in content.items():
        if (event := event_id(target)) is None:
            continue
        for kind in ("m.read", "m.read.private"):
            for reader, receipt in mapping(mapping(kinds).get(kind)).items():
                details, who = mapping(receipt), user_id(reader)
                if who is not None and details.get("thread_id") in (None, "main"):
                    found.append(Receipt(who, event, milliseconds(details.get("ts"))))
    return tuple(found)


def typing(content: JsonObject) -> frozenset[UserId]:
    """Who types, of ``m.typing`` content."""
    listed = content.get("user_ids")
    found = (user_id(value) for value in listed) if isinstance(listed, list) else ()
    return frozenset(one for one in found if one is not None)


def room_data(events: object) -> list[JsonObject]:
    """What is heard of a room's account data."""
    return [event for event in mappings(events) if event.get("type") in ROOM_DATA]


def fully_read(account_data: Iterable[JsonObject]) -> EventId | None:
    """The read marker among a room's account data."""
    marks = [
        event_id(mapping(event.get("content")).get("event_id"))
        for event in account_data
        if event.get("type") == READ
    ]
    return marks[-1] if marks else None


def tags(account_data: Iterable[JsonObject]) -> frozenset[str] | None:
    """The names of ``m.tag`` among a room's account data; ``None`` where it is not there."""
    found = [mapping(event.get("content")) for event in account_data if event.get("type") == TAG]
    return (
        frozenset(one for one in mapping(found[-1].get("tags")) if opaque(one, 255))
        if found
        else None
    )


def marked_unread(account_data: Iterable[JsonObject]) -> bool | None:
    """``m.marked_unread`` among a room's account data, else what it was called at first."""
    found = {event.get("type"): mapping(event.get("content")) for event in account_data}
    told = (found[kind] for kind in ROOM_DATA[2:] if kind in found)
    content = next(told, None)
    return None if content is None else content.get("unread") is True
