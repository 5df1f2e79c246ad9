"""How a chat ends or becomes something else: leave, forget, unsend, ask back, room, group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.model import PeerState
from dmtui.ui.screens.chat_flow import begin_chat

if TYPE_CHECKING:
    from dmtui.core.model import Conversation
    from dmtui.ui.screens.hands import Hands


async def leave(hands: Hands, conversation: Conversation) -> None:
    """Leave the chat, once asked; the messages stay."""
    hands.tell(f"{conversation.name}: nothing was done.")


async def forget(hands: Hands, conversation: Conversation) -> None:
    """Leave the chat and forget every message of it, once asked."""
    hands.tell(f"{conversation.name}: nothing was done.")


async def unsend(hands: Hands, conversation: Conversation) -> None:
    """Take back the invite of a person who has not come."""
    hands.tell(f"{conversation.name}: nothing was done.")


async def invite_back(hands: Hands, conversation: Conversation) -> None:
    """Ask a person who left in again, or begin anew."""
    if conversation.peer is not PeerState.LEFT:
        hands.tell(f"{conversation.name} has not left.")
        return
    person = await begin_chat(hands.messenger, conversation.user_id, hands.ask, hands.tell)
    if person is not None:
        hands.open(person)


async def make_room(hands: Hands, conversation: Conversation) -> None:
    """Have the chat be an ordinary room, once asked."""
    hands.tell(f"{conversation.name}: nothing was done.")


async def make_direct(hands: Hands, conversation: Conversation) -> None:
    """Have the room be the direct chat with one of its members."""
    hands.tell(f"{conversation.name}: nothing was done.")


async def start_group(hands: Hands) -> None:
    """Ask for people and a name, and start a group."""
    hands.tell("Nothing was done.")
