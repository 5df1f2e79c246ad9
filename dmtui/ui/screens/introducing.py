"""What others see of me is changed: name, status, picture and presence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.errors import DmtuiError
from dmtui.core.model import Availability
from dmtui.messenger.own_profile import LONGEST
from dmtui.ui.screens.attach_file import AttachFile
from dmtui.ui.screens.confirm import CANCEL, Choice, Question
from dmtui.ui.screens.line_question import LineQuestion

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from dmtui.core.intents import Outcome
    from dmtui.ui.screens.hands import Hands

LATER = "It is done as soon as the homeserver can be reached."
PRESENCE = (
    "It holds while dmtui runs; another device of yours may say that you are online. While nothing"
    " is said, a new status shows you online for a moment."
)
SAID = {
    None: "nothing: it is left to your other devices",
    Availability.ONLINE: "online, while it runs",
    Availability.UNAVAILABLE: "away, while it runs",
    Availability.OFFLINE: "offline: you are invisible",
}


async def change_name(hands: Hands, current: str) -> None:
    """Ask for another name."""
    text = "Everybody in your chats sees it."
    name = await hands.ask(LineQuestion("Your name", text, current, LONGEST))
    if name is not None and name != current:
        seen = name or hands.messenger.me
        await _carry_out(
            hands, hands.messenger.own_profile.set_name(name), f"Others see you as {seen}."
        )


async def change_status(hands: Hands, current: str) -> None:
    """Ask for other words beside my presence."""
    text = "People in your chats see it beside your presence."
    words = await hands.ask(LineQuestion("Your status", text, current, LONGEST))
    if words is not None and words != current:
        done = "Your status is changed." if words else "Your status is removed."
        await _carry_out(hands, hands.messenger.own_profile.set_status(words), done)


async def choose_presence(hands: Hands) -> None:
    """Ask how I am to be seen while dmtui runs."""
    profile = hands.messenger.own_profile
    choices = (
        Choice("l", "Leave it to my other devices", (None,)),
        Choice("o", "Online", (Availability.ONLINE,)),
        Choice("a", "Away", (Availability.UNAVAILABLE,)),
        Choice("i", "Invisible", (Availability.OFFLINE,)),
    )
    text = f"dmtui says {SAID[profile.presence]}.\n\n{PRESENCE}"
    chosen = await hands.ask(Question("Your presence", text, choices))
    if chosen is not None and chosen[0] is not profile.presence:
        done = f"dmtui says {SAID[chosen[0]]}."
        await _carry_out(hands, profile.set_presence(chosen[0]), done)


async def choose_picture(hands: Hands) -> None:
    """Ask for a picture that everybody is to see."""
    wanted = await hands.ask(AttachFile("Your picture: everybody can see it", captioned=False))
    if wanted is not None:
        act = hands.messenger.own_profile.set_picture(wanted[0])
        await _carry_out(hands, act, "Others see your new picture.")


async def remove_picture(hands: Hands) -> None:
    """Have no picture, once asked."""
    text = "Others see your initials then. The file that you chose stays where it is."
    choices = (CANCEL, Choice("r", "Remove it", True))
    if await hands.ask(Question("Remove your picture?", text, choices)):
        act = hands.messenger.own_profile.remove_picture()
        await _carry_out(hands, act, "Your picture is removed.")


async def _carry_out(hands: Hands, act: Awaitable[Outcome | None], done: str) -> None:
    try:
        outcome = await act
    except DmtuiError as error:
        hands.tell(str(error))
        return
    if outcome is None:
        hands.tell(LATER)
    else:
        hands.tell(done if outcome.ok else outcome.message)
