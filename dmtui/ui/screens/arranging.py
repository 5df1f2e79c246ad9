"""Arranging people: pin, mute, archive, and calling them by a name of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dmtui.core.model import Conversation
    from dmtui.ui.screens.hands import Hands


async def pin(hands: Hands, conversation: Conversation) -> None:
    """Keep the person at the top of the list, or no longer."""
    hands.tell(f"{conversation.name}: nothing was done.")


async def mute(hands: Hands, conversation: Conversation) -> None:
    """Ask for how long to be told of nothing they write, or end that."""
    hands.tell(f"{conversation.name}: nothing was done.")


async def archive(hands: Hands, conversation: Conversation) -> None:
    """Put the person away, or bring them back."""
    hands.tell(f"{conversation.name}: nothing was done.")


async def rename(hands: Hands, conversation: Conversation) -> None:
    """Ask what to call the person."""
    hands.tell(f"{conversation.name}: nothing was done.")
