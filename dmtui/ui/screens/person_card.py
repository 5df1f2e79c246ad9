"""The person card: everything known about one person, and why a chat with them is direct."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dmtui.core.model import Conversation
    from dmtui.ui.screens.hands import Hands


async def card(hands: Hands, conversation: Conversation) -> None:
    """Show the card."""
    hands.tell(f"{conversation.name}: nothing was done.")


async def why(hands: Hands, conversation: Conversation) -> None:
    """Show why the chat is a direct one, or is none."""
    hands.tell(f"{conversation.name}: nothing was done.")
