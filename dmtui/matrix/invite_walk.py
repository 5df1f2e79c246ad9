"""From a member event back to the invite it began with, by ``unsigned.replaces_state``."""

from __future__ import annotations

from collections.abc import AsyncIterator

from dmtui.core.errors import Forbidden, NotFound
from dmtui.core.model import JsonObject, Member, Membership, Milliseconds, RoomId, UserId
from dmtui.matrix import translate
from dmtui.matrix.client import path
from dmtui.matrix.requests import Requests
from dmtui.matrix.values import event_id, mapping, mappings, milliseconds

_LONGEST_WALK = 100  # profile changes since the invite


async def invite_of(
    client: Requests, room_id: RoomId, user_id: UserId
) -> tuple[UserId, bool] | None:
    """See ``ports.Homeserver``; what can't be read or is out of reach ends the walk."""
    async for _, member in _walk(client, room_id, user_id):
        if member.membership is Membership.INVITE:
            return (member.sender, member.is_direct) if member.sender else None
    return None


async def accepted_invite(
    client: Requests, room_id: RoomId, user_id: UserId
) -> tuple[UserId, Milliseconds] | None:
    """Who invited the user, and when they joined upon it; ``None`` where that is not so."""
    joined = None
    async for event, member in _walk(client, room_id, user_id):
        if member.membership is Membership.JOIN:
            joined = milliseconds(event.get("origin_server_ts"))
        elif member.membership is Membership.INVITE and member.sender and joined is not None:
            return member.sender, joined
        else:
            return None
    return None


async def _walk(
    client: Requests, room_id: RoomId, user_id: UserId
) -> AsyncIterator[tuple[JsonObject, Member]]:
    """The user's member events, the newest first."""
    event = await _member_event(client, room_id, user_id)
    for _ in range(_LONGEST_WALK):
        member = None if event is None else translate.member(event)
        if event is None or member is None or member.user_id != user_id:
            return
        yield event, member
        before = event_id(mapping(event.get("unsigned")).get("replaces_state"))
        if before is None:
            return
        try:
            event = await client.api("GET", path("rooms", room_id, "event", before))
        except (NotFound, Forbidden):
            return


async def _member_event(client: Requests, room_id: RoomId, user_id: UserId) -> JsonObject | None:
    """The whole event; ``None`` where the user was never a member."""
    target = path("rooms", room_id, "state", "m.room.member", user_id)
    try:
        answer = await client.api("GET", target + "?format=event")
    except NotFound:
        return None
    if answer.get("event_id") is not None:
        return answer
    chunk = (await client.api("GET", path("rooms", room_id, "members"))).get("chunk")
    return next((e for e in mappings(chunk) if e.get("state_key") == user_id), None)
