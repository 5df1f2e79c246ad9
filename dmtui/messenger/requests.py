"""Requests to chat: who asks, answering them, and refusing them step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from dmtui.core.errors import DmtuiError, NotFound, Recoverable, SignedOut
from dmtui.core.events import InvitesChanged
from dmtui.core.intents import (
    Accept,
    BlockInvites,
    Decline,
    Ignore,
    Intent,
    Outcome,
    Report,
    StopIgnoring,
)
from dmtui.core.model import Invite, RoomId, UserId
from dmtui.core.notify import News
from dmtui.core.ports import Homeserver
from dmtui.messenger.invites import GONE
from dmtui.messenger.journal import Journal
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.line import Line

WEIGHED_AT_ONCE = 4
"""Of how many people to ask at the same time how many rooms I share with them."""


class Step(StrEnum):
    """The parts of refusing a request, in their order."""

    DECLINE = "decline"
    IGNORE = "ignore"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step ended; ``outcome`` is ``None`` while it waits for the server."""

    step: Step
    outcome: Outcome | None

    @property
    def failed(self) -> bool:
        """Whether it ended without what was asked for."""
        return self.outcome is not None and not self.outcome.ok


class Requests:
    """Reads are quick; acts are written down first.

    ``shown`` waits until a conversation that is on its way can be shown.
    """

    def __init__(
        self,
        ledger: Ledger,
        journal: Journal,
        line: Line,
        shown: Callable[[UserId, Outcome | None], Awaitable[Outcome | None]],
    ):
        self._ledger = ledger
        self._journal = journal
        self._line = line
        self._shown = shown
        self._unknowable: set[UserId] = set()  # the server will not tell of them

    # -- reading --

    def invites(self) -> tuple[Invite, ...]:
        """Invites not answered yet: direct ones first, by standing, then newest first."""
        store = self._ledger.store
        intents = (entry.intent for entry in store.pending_intents())
        answered = {i.room_id for i in intents if isinstance(i, Accept | Decline)}
        return tuple(i for i in store.invites() if i.room_id not in answered)

    def unanswered(self, news: News) -> News:
        """The same without the requests that are answered already."""
        waiting = {invite.room_id for invite in self.invites()} if news.requests else set()
        return replace(news, requests=tuple(i for i in news.requests if i.room_id in waiting))

    def ignored(self) -> tuple[UserId, ...]:
        """Whom I ignore, by user ID."""
        return self._ledger.store.requests.ignored()

    @property
    def blocked(self) -> bool:
        """Whether my homeserver lets nobody invite me."""
        return self._ledger.store.requests.blocked()

    # -- answering --

    async def accept(self, room_id: RoomId, direct: bool = True) -> Outcome | None:
        """Accept a pending invite; ``None`` when it waits for the server."""
        store = self._ledger.store
        inviter = next((i.inviter for i in store.invites() if i.room_id == room_id), None)
        if inviter is None:
            return Outcome(ok=False, message=GONE)
        outcome = await self._do(Accept(room_id, inviter, direct))
        return await self._shown(inviter, outcome) if direct and inviter else outcome

    async def refuse(
        self, invite: Invite, steps: Sequence[Step], reason: str = ""
    ) -> tuple[StepResult, ...]:
        """Carry out the steps; each stands for itself, and a failed one can be asked for again."""
        outcomes = await self._do_all([_wish(step, invite, reason) for step in steps])
        return tuple(map(StepResult, steps, outcomes))

    async def refuse_all(
        self, invites: Sequence[Invite], steps: Sequence[Step], reason: str = ""
    ) -> tuple[StepResult, ...]:
        """The same for many at once; whoever sent several is ignored once."""
        wishes = {_wish(step, invite, reason): step for step in steps for invite in invites}
        outcomes = await self._do_all(list(wishes))
        return tuple(map(StepResult, wishes.values(), outcomes))

    async def ignore(self, user_id: UserId) -> Outcome | None:
        """See nothing of the person any more; their invites are declined."""
        return await self._do(Ignore(user_id))

    async def stop_ignoring(self, user_id: UserId) -> Outcome | None:
        """See the person again."""
        return await self._do(StopIgnoring(user_id))

    async def block(self, blocked: bool) -> Outcome | None:
        """Let nobody invite me, or everybody again."""
        return await self._do(BlockInvites(blocked))

    async def _do(self, intent: Intent) -> Outcome | None:
        return await self._journal.outcome(await self._journal.add(intent))

    async def _do_all(self, intents: Sequence[Intent]) -> list[Outcome | None]:
        entries = await self._journal.add_all(intents)
        return [await self._journal.outcome(entry) for entry in entries]

    # -- weighing --

    async def run(self, homeserver: Homeserver) -> None:
        """Find out how many rooms I share with those who ask, as long as the server can tell."""
        changes = self._ledger.subscribe()
        try:
            while await self._weigh(homeserver):
                while InvitesChanged() not in await changes.next():
                    pass
        finally:
            changes.close()

    async def _weigh(self, homeserver: Homeserver) -> bool:
        """Ask of everybody not asked of yet, newest first; false if the server can't tell."""
        records, attempts = self._ledger.store.requests, 0
        while some := self._unweighed():
            counts: dict[UserId, int] = {}
            trouble: DmtuiError | None = None
            asked = await asyncio.gather(*(_shared(homeserver, user_id) for user_id in some))
            for user_id, answer in zip(some, asked, strict=True):
                match answer:
                    case int():
                        counts[user_id] = answer
                    case NotFound(errcode=errcode) if errcode != "M_NOT_FOUND":
                        return False  # it has no such thing, rather than no such person
                    case Recoverable() | SignedOut():
                        trouble = answer
                    case _:
                        self._unknowable.add(user_id)
            if counts:
                await self._ledger.write(records.weigh, counts)
            attempts = attempts + 1 if trouble is not None else 0
            if trouble is not None:
                await self._line.pause(trouble, attempts)
        return True

    def _unweighed(self) -> list[UserId]:
        waiting = self._ledger.store.requests.unweighed()
        return [user for user in waiting if user not in self._unknowable][:WEIGHED_AT_ONCE]


async def _shared(homeserver: Homeserver, user_id: UserId) -> int | DmtuiError:
    try:
        return len(await homeserver.shared_rooms(user_id))
    except DmtuiError as error:
        return error


def _wish(step: Step, invite: Invite, reason: str) -> Intent:
    match step:
        case Step.DECLINE:
            return Decline(invite.room_id, invite.inviter)
        case Step.IGNORE:
            return Ignore(invite.inviter)
        case Step.REPORT:
            return Report(invite.inviter, invite.room_id, reason)
