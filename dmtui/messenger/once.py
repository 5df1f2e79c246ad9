"""A room made exactly once, although createRoom is not atomic and its answer can be lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from dmtui.core.errors import FarTrouble, Forbidden, NotFound, RateLimited, Refused, SignedOut
from dmtui.core.intents import CreateGroup, CreateRoom, Entry
from dmtui.core.model import Membership, RoomId, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.clock import Clock
from dmtui.messenger.ledger import Ledger

COMING_SECONDS = 60.0
"""How long a createRoom whose answer was lost may take to show on the server, invites and all."""

LOOK_SECONDS = 5.0
"""How long between two looks at the server meanwhile."""

_NOT_THERE = ("", "M_FORBIDDEN", "M_NOT_FOUND", "M_UNKNOWN")

Creation = TypeVar("Creation", CreateRoom, CreateGroup)


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it; ``error`` is the server's verdict where there was one.

    ``joined`` and ``invited`` are those of the people asked for; without ``room_id``, nothing is
    there.
    """

    room_id: RoomId | None
    joined: frozenset[UserId] = frozenset()
    invited: frozenset[UserId] = frozenset()
    error: Refused | FarTrouble | None = None


class Once:
    """Posts a createRoom, and no second one until nothing can be expected of the first."""

    def __init__(self, homeserver: Homeserver, ledger: Ledger, clock: Clock):
        self._homeserver = homeserver
        self._ledger = ledger
        self._clock = clock

    async def make(
        self,
        entry: Entry,
        intent: Creation,
        wanted: frozenset[UserId],
        post: Callable[[], Awaitable[RoomId]],
        elsewhere: Callable[[], Awaitable[RoomId | None]] | None = None,
    ) -> Made:
        """The room that an earlier try made, or another device, else one made now.

        ``wanted`` are to be in it; ``elsewhere`` is asked right before posting.
        """
        if intent.posted and (made := await self._look(intent.nonce, wanted)) is not None:
            return made
        if elsewhere is not None and (known := await elsewhere()) is not None:
            return Made(known, joined=wanted)
        await self._note(entry, replace(intent, posted=True))
        try:
            return Made(await post(), invited=wanted)
        except RateLimited:
            if await self._find(intent.nonce, wanted) is None:
                await self._note(entry, replace(intent, posted=False))
            raise
        except SignedOut:
            raise
        except (Refused, FarTrouble) as error:
            made = await self._find(intent.nonce, wanted) or Made(None)
            return replace(made, error=error)

    async def _note(self, entry: Entry, intent: CreateRoom | CreateGroup) -> None:
        await self._ledger.run(self._ledger.store.replace_intent, entry.number, intent)

    async def _look(self, nonce: str, wanted: frozenset[UserId]) -> Made | None:
        """What an earlier try made, once it is whole or nothing more can be expected of it.

        The server goes on making a room whose maker has hung up: its not being there yet proves
        nothing for a while, nor does its not being whole.
        """
        until = self._clock.now() + COMING_SECONDS
        while True:
            made = await self._find(nonce, wanted)
            whole = made is not None and wanted <= made.joined | made.invited
            if whole or self._clock.now() >= until:
                return made
            await self._clock.sleep(LOOK_SECONDS)

    async def _find(self, nonce: str, wanted: frozenset[UserId]) -> Made | None:
        room_id = await self._ledger.run(self._ledger.store.room_of_nonce, nonce)
        room_id = room_id or await self._homeserver.find_created_room(nonce)
        if room_id is None:
            return None
        try:
            members = await self._homeserver.members(room_id)
        except Forbidden:  # given up already
            return None
        present = {m.user_id: m.membership for m in members if m.user_id in wanted}
        return Made(
            room_id,
            frozenset(user for user, m in present.items() if m is Membership.JOIN),
            frozenset(user for user, m in present.items() if m is Membership.INVITE),
        )


async def leave(homeserver: Homeserver, room_id: RoomId) -> None:
    """Leave; not being in the room is just as well."""
    await _unless_gone(homeserver.leave, room_id)


async def leave_for_good(homeserver: Homeserver, room_id: RoomId) -> None:
    """Leave and have the server forget; not knowing the room is just as well."""
    await leave(homeserver, room_id)
    await _unless_gone(homeserver.forget, room_id)


async def _unless_gone(act: Callable[[RoomId], Awaitable[None]], room_id: RoomId) -> None:
    try:
        await act(room_id)
    except (NotFound, Forbidden) as error:
        if error.errcode not in _NOT_THERE:  # terms to agree to, say
            raise
