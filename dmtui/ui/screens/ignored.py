"""Whom to hear of: ignoring people, the list of them, and who may invite me."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dmtui.core.model import Conversation
    from dmtui.ui.screens.hands import Hands


async def ignore(hands: Hands, conversation: Conversation) -> None:
    """Ignore the person, once asked."""
    hands.tell(f"{conversation.name}: nothing was done.")


async def ignored_people(hands: Hands) -> None:
    """List whom I ignore, to take people off the list."""
    hands.tell("Nothing was done.")


async def block_invites(hands: Hands) -> None:
    """Let nobody invite me, or everybody again."""
    hands.tell("Nothing was done.")


async def requests(hands: Hands) -> None:
    """List all requests."""
    hands.tell("Nothing was done.")
