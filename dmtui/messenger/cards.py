"""What there is to know about one person, from the store at once and from the server on asking."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from dmtui.core.direct import M_DIRECT
from dmtui.core.errors import DmtuiError, Forbidden, NotFound, Recoverable, Refused
from dmtui.core.evidence import Asked, Evidence, keys_of
from dmtui.core.model import (
    Contact,
    Conversation,
    DirectRoom,
    JsonObject,
    Pixels,
    Presence,
    Profile,
    RoomId,
    Safe,
    UserId,
)
from dmtui.core.names import is_user_id
from dmtui.core.ports import Homeserver
from dmtui.core.trust import Trust
from dmtui.messenger.faces import Faces
from dmtui.messenger.ledger import Ledger

ROOMS_ASKED = 12
"""Of how many rooms of a person the server is asked; the serving one is first."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Card:
    """What the store knows. ``conversation`` is ``None`` without a chat.

    A group's ``user_id`` is its room ID, and ``members`` are the other humans in it.
    """

    user_id: UserId
    contact: Contact
    conversation: Conversation | None
    rooms: tuple[DirectRoom, ...]
    ignored: bool
    members: tuple[tuple[UserId, Safe], ...] = ()

    @property
    def group(self) -> bool:
        """Whether it is a group's."""
        return not is_user_id(self.user_id)


@dataclass(frozen=True, slots=True)
class News:
    """What the server tells; of what it does not tell, why in one line."""

    profile: Profile | str
    presence: Presence | str
    shared_rooms: frozenset[RoomId] | str
    trust: Trust | str


class Cards:
    """Reads only."""

    def __init__(
        self,
        me: UserId,
        homeserver: Callable[[], Awaitable[Homeserver]],
        ledger: Ledger,
        faces: Faces,
    ):
        self._me = me
        self._homeserver = homeserver
        self._ledger = ledger
        self._faces = faces

    def card(self, user_id: UserId) -> Card:
        """At once, from the store."""
        store = self._ledger.store
        found = store.conversations([user_id])
        return Card(
            user_id,
            store.contacts.contact(user_id),
            found[0] if found else None,
            store.evidence.rooms(user_id),
            store.ignores(user_id),
            () if is_user_id(user_id) else store.evidence.members(RoomId(user_id)),
        )

    async def ask(self, user_id: UserId) -> News:
        """Ask the server for the rest; never raises for a part that it does not tell."""
        try:
            homeserver = await self._homeserver()
        except DmtuiError as error:
            return News(*(str(error),) * 4)
        profile, presence, shared_rooms, trust = await asyncio.gather(
            _told(homeserver.profile(user_id)),
            _told(homeserver.presence(user_id)),
            _told(homeserver.shared_rooms(user_id)),
            _told(homeserver.trust_of(user_id)),
        )
        return News(profile, presence, shared_rooms, trust)

    async def face(self, user_id: UserId, news: News, side: int) -> Pixels | None:
        """Their picture, as :meth:`Faces.picture` has it; of people I chat with, and no others."""
        card = self.card(user_id)
        known = card.conversation is not None and not card.group and not card.ignored
        if not known or isinstance(news.profile, str):
            return None
        return await self._faces.picture(news.profile.avatar, side)

    def why(self, user_id: UserId) -> tuple[Evidence, ...]:
        """Why the person's rooms are direct or not, from the store; the serving one first."""
        store = self._ledger.store
        return store.evidence.evidence(user_id, store.directs.versions())

    async def ask_why(self, user_id: UserId) -> tuple[Evidence, ...]:
        """The same with what the server says now; each says why where it does not tell."""
        known = self.why(user_id)
        try:
            homeserver = await self._homeserver()
            content = await homeserver.account_data(M_DIRECT) or {}
        except DmtuiError as error:
            return tuple(replace(evidence, untold=str(error)) for evidence in known)
        asked = (self._asked(homeserver, one, content) for one in known[:ROOMS_ASKED])
        return (*await asyncio.gather(*asked), *known[ROOMS_ASKED:])

    async def _asked(
        self, homeserver: Homeserver, evidence: Evidence, content: JsonObject
    ) -> Evidence:
        evidence = replace(evidence, keys=keys_of(content, evidence.room_id))
        try:
            if evidence.joined:
                members = await homeserver.members(evidence.room_id)
                others = {m.user_id for m in members} - {self._me}
                humans = tuple(sorted(others.difference(evidence.service)))
                named = {m.user_id: m.name for m in members if m.name}
                evidence = replace(
                    evidence,
                    humans=humans,
                    count=len(humans),
                    names={**named, **evidence.names},
                )
            invite = await self._invite(homeserver, evidence)
        except (Forbidden, NotFound):
            return replace(evidence, mine=None)  # never there, or forgotten
        except (Recoverable, Refused) as error:
            return replace(evidence, untold=str(error))
        return replace(evidence, invite=invite or evidence.invite)

    async def _invite(self, homeserver: Homeserver, evidence: Evidence) -> Asked | None:
        """Who invited me, else whom I invited."""
        if evidence.mine is None:
            return None
        for user_id in (self._me, *evidence.humans[:1]):
            found = await homeserver.invite_of(evidence.room_id, user_id)
            if found is not None:
                return Asked(found[0], user_id, found[1])
        return None


async def _told(question: Awaitable[T]) -> T | str:
    """The answer, or why there is none."""
    try:
        return await question
    except NotFound:
        return "the homeserver knows nothing of it"
    except Refused:
        return "it is not shared with you"
    except DmtuiError as error:
        return str(error)
