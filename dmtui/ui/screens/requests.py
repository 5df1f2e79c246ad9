"""Pending invites: which one the prompt shows, and what an answer does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.errors import DmtuiError
from dmtui.messenger.requests import Step
from dmtui.ui.screens.confirm import Choice, Question
from dmtui.ui.widgets.invite_prompt import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dmtui.core.intents import Outcome
    from dmtui.core.model import Invite, RoomId, UserId
    from dmtui.messenger.messenger import Messenger


class Requests:
    """The invites that wait for an answer; those put off stay listed and are not prompted."""

    def __init__(self) -> None:
        self.invites: tuple[Invite, ...] = ()
        self._put_off: set[RoomId] = set()
        self._wanted: RoomId | None = None

    def update(self, invites: Sequence[Invite]) -> None:
        """These are pending now."""
        self.invites = tuple(invites)
        pending = {invite.room_id for invite in invites}
        self._put_off &= pending
        if self._wanted not in pending:
            self._wanted = None

    @property
    def direct(self) -> tuple[Invite, ...]:
        """Those of people who want to chat."""
        return tuple(invite for invite in self.invites if invite.direct)

    @property
    def current(self) -> Invite | None:
        """The one to prompt for: the one asked for, else the first that was not put off."""
        for invite in self.invites:
            if invite.room_id == self._wanted:
                return invite
        waiting = (invite for invite in self.direct if invite.room_id not in self._put_off)
        return next(waiting, None)

    @property
    def asked_for(self) -> bool:
        """Whether the user asked for the current one, rather than it having come by itself."""
        return self._wanted is not None

    def want(self, room_id: RoomId) -> None:
        """The user asks for this one."""
        self._wanted = room_id

    def put_off(self, room_id: RoomId) -> None:
        """Not now."""
        self._put_off.add(room_id)
        if self._wanted == room_id:
            self._wanted = None

    def find(self, room_id: RoomId) -> Invite | None:
        """The invite to this room, if it is still pending."""
        return next((invite for invite in self.invites if invite.room_id == room_id), None)


def which(invites: Sequence[Invite]) -> Question[RoomId]:
    """Ask which invite to look at: people who want to chat first, rooms apart below."""
    choices = [
        Choice(str(n) if n < 10 else "", _describe(invite), invite.room_id)
        for n, invite in enumerate(invites, 1)
    ]
    return Question("Requests", "Which one?", choices)


def _describe(invite: Invite) -> str:
    who = str(invite.inviter_name or invite.inviter)
    if invite.direct:
        return f"{who} wants to chat  ({invite.inviter})"
    return f"Room invite from {who}: {invite.room_name or 'without a name'}"


async def carry_out(
    messenger: Messenger, invite: Invite, answer: Answer
) -> tuple[UserId | None, str]:
    """Do it; the person to open, if the answer was to chat, and one line to tell, if any."""
    try:
        match answer:
            case Answer.CHAT | Answer.ROOM:
                outcome = await messenger.accept(invite.room_id, direct=answer is Answer.CHAT)
            case _:
                steps = (Step.DECLINE, Step.IGNORE)[: 2 if answer is Answer.IGNORE else 1]
                results = await messenger.requests.refuse(invite, steps)
                outcome = results[-1].outcome
    except DmtuiError as error:
        return None, str(error)
    return _told(invite, answer, outcome)


def _told(invite: Invite, answer: Answer, outcome: Outcome | None) -> tuple[UserId | None, str]:
    who = str(invite.inviter_name or invite.inviter)
    if outcome is None:
        return None, "Your answer is sent as soon as the homeserver can be reached."
    if not outcome.ok:
        return None, outcome.message
    match answer:
        case Answer.CHAT:
            return invite.inviter, outcome.message
        case Answer.ROOM:
            return None, outcome.message or f"Joined the room {who} invited you to."
        case Answer.IGNORE:
            return None, outcome.message or f"Declined; {who} is ignored."
        case _:
            return None, outcome.message or f"Declined the invite from {who}."
