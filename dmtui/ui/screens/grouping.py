"""Starting a group: whom to ask, what to call it, and whether all of them can read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.errors import DmtuiError
from dmtui.core.model import UserId
from dmtui.core.roster import Roster
from dmtui.ui.screens.confirm import CANCEL, Choice, Question
from dmtui.ui.screens.ending import NOTHING
from dmtui.ui.screens.new_group import GroupWish, NewGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dmtui.core.model import Conversation
    from dmtui.ui.screens.hands import Hands


async def start_group(hands: Hands) -> None:
    """Ask for people and a name, and start a group."""
    await _start(hands, ())


async def group_with(hands: Hands, conversation: Conversation) -> None:
    """Start a group that the person is in; their direct chat stays as it is."""
    me = hands.messenger.me
    wanted = () if conversation.group or conversation.user_id == me else (conversation.user_id,)
    await _start(hands, wanted)


async def _start(hands: Hands, wanted: Sequence[UserId]) -> None:
    messenger = hands.messenger
    people = Roster(c for c in messenger.people() if not c.group and c.user_id != messenger.me)
    members, name, notice = wanted, "", ""
    while (wish := await hands.ask(NewGroup(people, members, name, notice))) is not None:
        members, name = wish.members, wish.name
        notice = await _made(hands, wish)
        if not notice:
            return
    hands.tell(NOTHING)


async def _made(hands: Hands, wish: GroupWish) -> str:
    """Make the group and open it; else why there is none, for the form to say."""
    encrypted = await _encrypted(hands, wish.members)
    if encrypted is None:
        return "Nothing was done yet."
    try:
        outcome = await hands.messenger.life.start_group(wish.members, wish.name, encrypted)
    except DmtuiError as error:
        return str(error)
    if outcome is None:
        hands.tell("The group is made as soon as the homeserver answers.")
    elif not outcome.ok:
        return outcome.message
    else:
        hands.tell(outcome.message or "The group is made; it is no direct chat.")
        if outcome.room_id is not None:
            hands.open(UserId(outcome.room_id))
    return ""


async def _encrypted(hands: Hands, members: Sequence[UserId]) -> bool | None:
    """Whether to encrypt: if not everybody could read that, as I say; ``None``: no group."""
    try:
        without = await hands.messenger.life.without_keys(members)
    except DmtuiError as error:
        hands.tell(str(error))
        return None
    if not without:
        return True
    has = "has" if len(without) == 1 else "have"
    return await hands.ask(
        Question(
            "Without encryption?",
            f"{', '.join(without)} {has} no device that can read encrypted messages yet.",
            (
                CANCEL,
                Choice("s", "Start without encryption", False),
                Choice("e", "Encrypt; they can't read it until they have a device", True),
            ),
            unasked=True,
        )
    )
