"""Gathers what the doctor needs: the map from the server, and what is known of every room."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import TypeVar

from dmtui.core.direct import M_DIRECT
from dmtui.core.doctor import RoomFacts, Survey
from dmtui.core.errors import Forbidden, NotFound
from dmtui.core.model import Membership, RoomId, UserId
from dmtui.core.ports import Homeserver
from dmtui.core.repairs import rooms_in
from dmtui.messenger.ledger import Ledger

AT_ONCE = 8
"""Questions under way at the same time."""

T = TypeVar("T")


async def take_survey(homeserver: Homeserver, ledger: Ledger, me: UserId) -> None:
    """Look at every room that the map lists or that I am in, and keep what was found."""
    await _Surveyor(homeserver, ledger, me).survey()


class _Surveyor:
    def __init__(self, homeserver: Homeserver, ledger: Ledger, me: UserId):
        self._homeserver = homeserver
        self._ledger = ledger
        self._records = ledger.store.directs
        self._me = me
        self._places = asyncio.Semaphore(AT_ONCE)

    async def survey(self) -> None:
        content = await self._homeserver.account_data(M_DIRECT) or {}
        joined = await self._homeserver.joined_rooms()
        named = (RoomId(room) for value in content.values() for room in rooms_in(value))
        listed = tuple(dict.fromkeys(named))
        others = sorted(joined.difference(listed))
        known = await self._ledger.run(self._records.room_facts, (*listed, *others), joined)
        invites = {invite.room_id for invite in self._ledger.store.invites()}
        looks: list[Coroutine[None, None, RoomFacts | None]] = []
        for room_id in (*listed, *others):
            facts = known.get(room_id) or RoomFacts(room_id, None)
            if room_id in others:
                looks.append(self._unlisted(facts))
            elif room_id in joined:
                looks.append(self._joined(facts))
            elif room_id not in invites:
                looks.append(self._absent(facts))
        rooms = tuple(facts for facts in await self._all(looks) if facts is not None)
        await self._ledger.write(self._records.keep_survey, Survey(content, rooms))

    async def _all(self, looks: list[Coroutine[None, None, T]]) -> list[T]:
        """What they give, some at a time; the first trouble ends them all."""
        tasks = [asyncio.create_task(self._in_turn(look)) for look in looks]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _in_turn(self, work: Coroutine[None, None, T]) -> T:
        async with self._places:
            return await work

    async def _joined(
        self, facts: RoomFacts, serving: frozenset[UserId] = frozenset()
    ) -> RoomFacts:
        """A room with the members that the server has now, less those who serve it."""
        members = await self._homeserver.members(facts.room_id)
        service = await self._ledger.run(self._records.service_members, facts.room_id) | serving
        humans = {m.user_id for m in members} - service - {self._me}
        return replace(facts, mine=Membership.JOIN, humans=tuple(sorted(humans)))

    async def _absent(self, facts: RoomFacts) -> RoomFacts:
        """A listed room that I am not in: left, or none that I ever was in and remember."""
        try:
            await self._homeserver.invite_of(facts.room_id, self._me)
        except (Forbidden, NotFound):
            return replace(facts, mine=None)
        return replace(facts, mine=Membership.LEAVE)

    async def _unlisted(self, facts: RoomFacts) -> RoomFacts | None:
        """A room that I am in, if it began as a direct chat or looks like one."""
        if facts.space:
            return None
        try:
            begun = await self._begun(facts)
            if begun is not None and begun.direct:
                return begun
            return await self._lookalike(begun or facts)
        except (Forbidden, NotFound):  # left meanwhile
            return None

    async def _begun(self, facts: RoomFacts) -> RoomFacts | None:
        """With who invited whom, and how; ``None`` where that tells nothing of a chat of two."""
        room_id = facts.room_id
        invite = await self._homeserver.invite_of(room_id, self._me)
        if invite is not None:
            inviter, direct = invite
            facts = replace(facts, inviter=inviter, direct=direct)
            return await self._joined(facts) if direct else facts
        if await self._homeserver.creator_of(room_id) != self._me:
            return None
        facts = await self._joined(facts)
        if len(facts.humans) != 1:
            return None
        invite = await self._homeserver.invite_of(room_id, facts.humans[0])
        if invite is None or invite[0] != self._me:
            return None
        return replace(facts, inviter=self._me, direct=invite[1])

    async def _lookalike(self, facts: RoomFacts) -> RoomFacts | None:
        """A plain room with exactly one other human, which no client ever marked."""
        if facts.kept or facts.successor is not None:
            return None
        serving = await self._homeserver.plain_room(facts.room_id)
        if serving is None:
            return None
        facts = await self._joined(facts, serving)
        return replace(facts, plain=True) if len(facts.humans) == 1 else None
