"""Direct rooms and groups: create one, invite back, ask who is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nio

from dmtui.core.errors import ServerTrouble
from dmtui.core.model import Member, Membership, RoomId, UserId
from dmtui.matrix import translate, values
from dmtui.matrix.client import Client, path
from dmtui.matrix.nonce import nonce_event
from dmtui.matrix.values import mapping, mappings, text

MEGOLM = "m.megolm.v1.aes-sha2"


async def create_direct_room(
    client: Client, peer: UserId | None, nonce: str, encrypted: bool
) -> RoomId:
    """``POST /createRoom``, once; see ``ports.Homeserver``."""
    levels = {"users": await _power_levels(client, peer)} if peer else None
    answer = await client.room_create(
        is_direct=True,
        preset=nio.RoomPreset.private_chat,
        invite=[peer] if peer else (),
        initial_state=_initial_state(nonce, encrypted),
        power_level_override=levels,
    )
    return _created(answer)


async def create_group(
    client: Client, members: Sequence[UserId], name: str, nonce: str, encrypted: bool
) -> RoomId:
    """``POST /createRoom`` of an ordinary room, once; see ``ports.Homeserver``."""
    answer = await client.room_create(
        name=name or None,
        preset=nio.RoomPreset.private_chat,
        invite=[*members],
        initial_state=_initial_state(nonce, encrypted),
    )
    return _created(answer)


def _initial_state(nonce: str, encrypted: bool) -> list[dict[str, Any]]:
    state: list[dict[str, Any]] = [
        {
            "type": "m.room.history_visibility",
            "state_key": "",
            "content": {"history_visibility": "invited"},
        },
        nonce_event(nonce),
    ]
    if encrypted:
        content = {"algorithm": MEGOLM}
        state.append({"type": "m.room.encryption", "state_key": "", "content": content})
    return state


def _created(answer: nio.RoomCreateResponse | nio.RoomCreateError) -> RoomId:
    if not isinstance(answer, nio.RoomCreateResponse):
        raise ServerTrouble("The homeserver did not say which room it created.")
    return RoomId(answer.room_id)


async def _power_levels(client: Client, peer: UserId) -> dict[str, int]:
    """The peer as a moderator of equal rights whose invite can still be revoked.

    Since room version 12 the creator stands above all and must not be listed; before it the
    creator must be listed, and revokes only from those below.
    """
    answer = await client.api("GET", path("capabilities"))
    versions = mapping(mapping(answer.get("capabilities")).get("m.room_versions"))
    default = text(versions.get("default"))
    if default.isdecimal() and int(default) < 12:
        return {client.user_id: 101, peer: 100}
    return {peer: 100}


async def invite_back(client: Client, room_id: RoomId, user_id: UserId) -> None:
    """Invite by a member event: ``POST /invite`` drops ``is_direct``."""
    await client.api(
        "PUT",
        path("rooms", room_id, "state", "m.room.member", user_id),
        {"membership": "invite", "is_direct": True},
    )


async def members(client: Client, room_id: RoomId) -> tuple[Member, ...]:
    """``GET /rooms/{roomId}/members``; malformed events are left out."""
    answer = await client.api(
        "GET", path("rooms", room_id, "members"), query={"not_membership": "leave"}
    )
    chunk = answer.get("chunk")
    if not isinstance(chunk, list):
        raise ServerTrouble("The homeserver's list of members can't be read.")
    present = (Membership.JOIN, Membership.INVITE)
    return tuple(one for one in translate.members(mappings(chunk)) if one.membership in present)


async def joined_rooms(client: Client) -> frozenset[RoomId]:
    """``GET /joined_rooms``; what is no room ID is left out."""
    answer = await client.api("GET", path("joined_rooms"))
    rooms = answer.get("joined_rooms")
    if not isinstance(rooms, list):
        raise ServerTrouble("The homeserver's list of rooms can't be read.")
    found = (values.room_id(room) for room in rooms)
    return frozenset(one for one in found if one is not None)


async def creator_of(client: Client, room_id: RoomId) -> UserId | None:
    """The sender of ``m.room.create``; of servers that give no events, the creator it names."""
    target = path("rooms", room_id, "state", "m.room.create") + "/"
    answer = await client.api("GET", target, query={"format": "event"})
    return values.user_id(answer.get("sender")) or values.user_id(answer.get("creator"))
