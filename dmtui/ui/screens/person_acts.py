"""What can be done to a person, and to nobody in particular: each act by its name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from dmtui.ui.screens import (
    arranging,
    deciding,
    encryption,
    ending,
    exporting,
    grouping,
    ignored,
    introducing,
    own_profile,
    person_card,
    verification,
)
from dmtui.ui.screens.hands import GeneralAct, Hands, PersonAct

if TYPE_CHECKING:
    from dmtui.core.model import Conversation


__all__ = ["GENERAL_ACTS", "PERSON_ACTS", "GeneralAct", "Hands", "PersonAct"]


async def back_or_card(hands: Hands, conversation: Conversation) -> None:
    """Invite back whoever left or declined, and show the card of anybody else."""
    act = ending.invite_back if ending.gone(conversation) else person_card.card
    await act(hands, conversation)


PERSON_ACTS: Mapping[str, PersonAct] = MappingProxyType(
    {
        "archive": arranging.archive,
        "card": person_card.card,
        "except_devices": deciding.except_devices,
        "export": exporting.export,
        "forget": ending.forget,
        "group": grouping.group_with,
        "ignore": ignored.ignore,
        "invite_back": back_or_card,
        "leave": ending.leave,
        "make_direct": ending.make_direct,
        "make_room": ending.make_room,
        "mark_unread": arranging.mark_unread,
        "mute": arranging.mute,
        "pin": arranging.pin,
        "rename": arranging.rename,
        "unsend": ending.unsend,
        "verify": verification.verify,
        "why": person_card.why,
    }
)
"""Acts for ``MainScreen.action_person``."""

GENERAL_ACTS: Mapping[str, GeneralAct] = MappingProxyType(
    {
        "block_invites": ignored.block_invites,
        "encryption": encryption.encryption,
        "ignored": ignored.ignored_people,
        "no_picture": introducing.remove_picture,
        "picture": introducing.choose_picture,
        "presence": introducing.choose_presence,
        "profile": own_profile.my_profile,
        "start_group": grouping.start_group,
        "verification": verification.verification,
        "verify_own": verification.verify_own,
    }
)
"""Acts for ``MainScreen.action_general``."""
