"""Requests to chat: who asks, and refusing them step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from dmtui.core.intents import (
    BlockInvites,
    Decline,
    Ignore,
    Intent,
    Outcome,
    Report,
    StopIgnoring,
)
from dmtui.core.model import Invite, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger import ignoring
from dmtui.messenger.journal import Journal, Settlement
from dmtui.messenger.ledger import Ledger


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


class Requests:
    """Reads are quick; acts are written down first."""

    def __init__(self, me: UserId, ledger: Ledger, journal: Journal):
        self._me = me
        self._ledger = ledger
        self._journal = journal

    def invites(self) -> tuple[Invite, ...]:
        """Invites not answered yet: direct ones first, by standing, then newest first."""
        raise NotImplementedError

    def ignored(self) -> tuple[UserId, ...]:
        """Whom I ignore, in the order of their names."""
        raise NotImplementedError

    @property
    def blocked(self) -> bool:
        """Whether my homeserver lets nobody invite me."""
        raise NotImplementedError

    async def refuse(
        self, invite: Invite, steps: Sequence[Step], reason: str = ""
    ) -> tuple[StepResult, ...]:
        """Carry out the steps; each stands for itself, and a failed one can be asked for again."""
        entries = [await self._journal.add(_wish(step, invite, reason)) for step in steps]
        outcomes = [await self._journal.outcome(entry) for entry in entries]
        return tuple(map(StepResult, steps, outcomes))

    async def ignore(self, user_id: UserId) -> Outcome | None:
        """See nothing of the person any more; their invites are declined."""
        raise NotImplementedError

    async def stop_ignoring(self, user_id: UserId) -> Outcome | None:
        """See the person again."""
        raise NotImplementedError

    async def block(self, blocked: bool) -> Outcome | None:
        """Let nobody invite me, or everybody again."""
        raise NotImplementedError

    async def run(self, homeserver: Homeserver) -> None:
        """Find out for ever how many rooms I share with those who ask."""


def _wish(step: Step, invite: Invite, reason: str) -> Intent:
    match step:
        case Step.DECLINE:
            return Decline(invite.room_id, invite.inviter)
        case Step.IGNORE:
            return Ignore(invite.inviter)
        case Step.REPORT:
            return Report(invite.inviter, invite.room_id, reason)


async def ignore(intent: Ignore, homeserver: Homeserver, ledger: Ledger) -> Settlement:
    """Ignore the person; declining their invites is the consequence."""
    await ignoring.ignore(intent.user_id, homeserver)
    sent = (i for i in ledger.store.invites() if i.inviter == intent.user_id)
    return Outcome(ok=True), tuple(Decline(invite.room_id, invite.inviter) for invite in sent)


async def stop_ignoring(intent: StopIgnoring, homeserver: Homeserver) -> Settlement:
    """Take the person off the list."""
    await ignoring.stop_ignoring(intent.user_id, homeserver)
    return Outcome(ok=True), ()


async def report(intent: Report, homeserver: Homeserver) -> Settlement:
    """Report the person and the room."""
    raise NotImplementedError


async def block_invites(intent: BlockInvites, homeserver: Homeserver) -> Settlement:
    """Write the switch, touching nothing else of the content."""
    raise NotImplementedError
