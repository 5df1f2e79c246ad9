"""Requests: which one the prompt shows, and what an answer does, told step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.errors import DmtuiError
from dmtui.core.invites import shown_name
from dmtui.messenger.requests import Step, StepResult
from dmtui.ui.screens.confirm import Choice, Question
from dmtui.ui.screens.reason import Reason
from dmtui.ui.widgets.invite_prompt import Answer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from dmtui.core.model import Invite, RoomId, UserId
    from dmtui.messenger.messenger import Messenger
    from dmtui.ui.screens.hands import Hands

LATER = "Your answer is sent as soon as the homeserver can be reached."

_STEPS = {
    Answer.DECLINE: (Step.DECLINE,),
    Answer.IGNORE: (Step.DECLINE, Step.IGNORE),
    Answer.REPORT: (Step.DECLINE, Step.IGNORE, Step.REPORT),
}
_DOING = {Step.DECLINE: "Declining", Step.IGNORE: "Ignoring", Step.REPORT: "Reporting"}


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

    def put_off(self, room_ids: Iterable[RoomId]) -> None:
        """Not now."""
        self._put_off.update(room_ids)
        if self._wanted in self._put_off:
            self._wanted = None

    def find(self, room_id: RoomId) -> Invite | None:
        """The invite to this room, if it is still pending."""
        return next((invite for invite in self.invites if invite.room_id == room_id), None)


async def accept(hands: Hands, invite: Invite, direct: bool) -> UserId | None:
    """Join; the person whose chat is to be opened, if it is one."""
    try:
        outcome = await hands.messenger.accept(invite.room_id, direct=direct)
    except DmtuiError as error:
        hands.tell(str(error))
        return None
    if outcome is None:
        hands.tell(LATER)
    elif not outcome.ok:
        hands.tell(outcome.message)
    elif direct and invite.inviter:
        return invite.inviter
    else:
        hands.tell(f"Joined the room {shown_name(invite)} invited you to.")
    return None


async def refuse(hands: Hands, invites: Sequence[Invite], answer: Answer) -> None:
    """Refuse one or several, once the user is sure; what failed is offered again."""
    steps = _STEPS[answer]
    if len(invites) > 1 and not await hands.ask(_sure(invites, answer)):
        return
    reason = await hands.ask(Reason(_who(invites))) if Step.REPORT in steps else ""
    if reason is None:
        return
    wanted: Collection[Step] = steps
    while wanted:
        try:
            results = await _carry_out(hands.messenger, invites, tuple(wanted), reason)
        except DmtuiError as error:
            hands.tell(str(error))
            return
        for step in wanted:
            if (line := _told(step, results, invites)) is not None:
                hands.tell(line)
        wanted = [step for step in wanted if await _tries_again(hands, step, results, invites)]


async def _carry_out(
    messenger: Messenger, invites: Sequence[Invite], steps: tuple[Step, ...], reason: str
) -> tuple[StepResult, ...]:
    if len(invites) == 1:
        return await messenger.requests.refuse(invites[0], steps, reason)
    return await messenger.requests.refuse_all(invites, steps, reason)


def _told(step: Step, results: Sequence[StepResult], invites: Sequence[Invite]) -> str | None:
    """One line on how the step went; ``None`` where it failed for everybody."""
    mine = [result for result in results if result.step is step]
    done = sum(result.outcome is not None and result.outcome.ok for result in mine)
    waiting = sum(result.outcome is None for result in mine)
    if waiting:
        return f"{_DOING[step]} goes on as soon as the homeserver can be reached."
    if not done:
        return None
    who, several = _who(invites), len(invites) > 1
    match step:
        case Step.DECLINE:
            return f"Declined {done} requests." if several else f"Declined the invite from {who}."
        case Step.IGNORE:
            return f"Ignored {done} people." if several else f"{who} is ignored."
        case Step.REPORT:
            return f"Sent {done} reports." if several else f"Reported {who}."


async def _tries_again(
    hands: Hands, step: Step, results: Sequence[StepResult], invites: Sequence[Invite]
) -> bool:
    """Whether the step failed and is to be tried again; the other steps stand."""
    failures = [r.outcome for r in results if r.step is step and r.failed and r.outcome]
    if not failures:
        return False
    count = f" for {len(failures)} of them" if len(invites) > 1 else ""
    question = Question(
        f"{_DOING[step]} failed{count}",
        f"{failures[0].message or 'The homeserver refused.'} Try again?",
        (Choice("n", "Leave it so", False), Choice("t", "Try again", True)),
        unasked=True,
    )
    again = await hands.ask(question)
    return again is True


def _sure(invites: Sequence[Invite], answer: Answer) -> Question[bool]:
    count = len(invites)
    servers = {invite.inviter.partition(":")[2] for invite in invites}
    whose = (
        f"all from {next(iter(servers))}" if len(servers) == 1 else f"from {len(servers)} servers"
    )
    words = {
        Answer.DECLINE: "Decline them",
        Answer.IGNORE: "Decline them, and ignore everybody who sent one",
        Answer.REPORT: "Decline them, ignore and report everybody who sent one",
    }
    return Question(
        f"{count} requests",
        f"You marked {count} requests, {whose}.",
        (Choice("n", "Do nothing", False), Choice("y", words[answer], True)),
    )


def _who(invites: Sequence[Invite]) -> str:
    return str(shown_name(invites[0])) if len(invites) == 1 else f"{len(invites)} people"
