"""A room that could be the chat with a person, though no client ever marked it as one."""

from __future__ import annotations

import asyncio

from dmtui.core.direct import M_DIRECT
from dmtui.core.errors import DmtuiError
from dmtui.core.model import RoomId, UserId
from dmtui.core.ports import Homeserver
from dmtui.core.repairs import rooms_in
from dmtui.messenger.ledger import Ledger

MOST_ROOMS = 20
"""How many shared rooms are looked at: with more in common, an old chat is hard to tell."""


async def unmarked_room(
    homeserver: Homeserver, ledger: Ledger, me: UserId, user_id: UserId
) -> RoomId | None:
    """A plain room of the two of us that ``m.direct`` lacks; ``None`` where none is told of."""
    try:
        shared = await homeserver.shared_rooms(user_id)
        content = await homeserver.account_data(M_DIRECT) or {}
    except DmtuiError:
        return None
    listed = {room for value in content.values() for room in rooms_in(value)}
    others = sorted(shared - listed)[:MOST_ROOMS]
    known = await ledger.run(ledger.store.directs.room_facts, others, shared)
    looks = [
        _fits(homeserver, room_id, {me, user_id})
        for room_id in others
        if not ((facts := known.get(room_id)) and (facts.kept or facts.space or facts.successor))
    ]
    fitting = [room_id for room_id in await asyncio.gather(*looks) if room_id is not None]
    return fitting[0] if len(fitting) == 1 else None


async def _fits(homeserver: Homeserver, room_id: RoomId, two: set[UserId]) -> RoomId | None:
    try:
        serving = await homeserver.plain_room(room_id)
        if serving is None:
            return None
        members = await homeserver.members(room_id)
    except DmtuiError:
        return None
    return room_id if {m.user_id for m in members} - serving == two else None
