"""Whether to write to somebody whose keys are not what they should be: the user decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.errors import DmtuiError
from dmtui.core.model import Alarm
from dmtui.core.names import clean_line
from dmtui.core.trust import EXCEPTION_ADVICE, IdentityState, identity_advice
from dmtui.ui.screens.confirm import Choice, Question

if TYPE_CHECKING:
    from dmtui.core.model import Conversation, UserId
    from dmtui.messenger.messenger import Messenger
    from dmtui.ui.screens.hands import Ask, Hands

_WAIT = Choice("w", "Wait: keep what I wrote", False)


async def decided(ask: Ask, messenger: Messenger, to: UserId) -> bool:
    """Ask about everybody who holds up the conversation; whether what is written may go now.

    Raises ``DmtuiError`` where a decision can't be kept.
    """
    for user_id, alarm in messenger.alarms_of(to).items():
        named = messenger.conversations(frozenset({user_id}))
        name = named[0].name if named else clean_line(user_id)
        if not await ask(_question(alarm, name)):
            return False
        if alarm is Alarm.IDENTITY:
            await messenger.accept_identity(user_id)
        else:
            await messenger.except_devices(user_id, True)
    return True


def _question(alarm: Alarm, name: str) -> Question[bool]:
    if alarm is Alarm.IDENTITY:
        title, advice = (
            f"The identity of {name} has changed",
            identity_advice(IdentityState.CHANGED),
        )
        go_on = "Send anyway, and rely on the new identity"
    else:
        title, advice = f"{name} has confirmed no device", EXCEPTION_ADVICE
        go_on = f"Send to all devices of {name}, from now on"
    return Question(title, advice, [_WAIT, Choice("s", go_on, True)])


async def except_devices(hands: Hands, conversation: Conversation) -> None:
    """Ask which devices of the person get keys: those that they have confirmed, or all."""
    name = conversation.name
    if conversation.group:
        hands.tell("This is decided for each person: start a chat with them.")
        return
    question = Question(
        f"Which devices of {name} get keys?",
        EXCEPTION_ADVICE,
        [
            Choice("c", f"Those that {name} has confirmed", False),
            Choice("a", "All of them", True),
        ],
    )
    excepted = await hands.ask(question)
    if excepted is None:
        return
    try:
        await hands.messenger.except_devices(conversation.user_id, excepted)
    except DmtuiError as error:
        hands.tell(str(error))
        return
    whose = "all devices" if excepted else "confirmed devices"
    hands.tell(f"Keys go to {whose} of {name} from now on.")
