"""To whom the composer writes, and what keeps from being sent what is typed there."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from dmtui.core.errors import DmtuiError
from dmtui.core.model import PeerState
from dmtui.ui.commands import registry_of
from dmtui.ui.screens.deciding import decided
from dmtui.ui.screens.ending import ask_back, gone, invited_back
from dmtui.ui.screens.heading import note, reads_along, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dmtui.core.model import Alarm, Conversation, UserId
    from dmtui.ui.screens.drafts import Drafts
    from dmtui.ui.screens.hands import Hands
    from dmtui.ui.widgets.composer import Composer


class Recipient:
    """Whoever reads the open conversation; :attr:`conversation` is ``None`` without one."""

    def __init__(self, hands: Hands, drafts: Drafts, composer: Composer):
        self._hands = hands
        self._drafts = drafts
        self._composer = composer
        self.conversation: Conversation | None = None
        self._instead = ""  # who alone reads what is sent to somebody else
        self._to_send: tuple[UserId, str] | None = None  # once the person is invited back

    def open(self, conversation: Conversation) -> None:
        """Write to this conversation from now on."""
        self.conversation = conversation
        self._composer.held = self._was_for_one(conversation) is not None

    def update(self, conversation: Conversation) -> None:
        """The open conversation's row changed: what waited for the invite goes, perhaps."""
        self.conversation = conversation
        if self._to_send is not None and not gone(conversation):
            to, text = self._to_send
            self._to_send = None
            if to == conversation.user_id and text == self._composer.text:
                self._composer.refuse("")
                self._composer.submit()

    def close(self) -> None:
        """No conversation is open."""
        self.conversation = None

    def still(self, user_id: UserId | None) -> Conversation | None:
        """The open conversation, if it is the one with this person."""
        conversation = self.conversation
        return conversation if conversation and conversation.user_id == user_id else None

    def describe(self, conversation: Conversation, was_with: str, instead: str) -> None:
        """Say who reads what is typed, or why nobody does; the names are as for a heading."""
        self._instead = instead
        self._composer.hint(f"Message {conversation.name}")
        self._composer.note(note(conversation, was_with, instead))
        self._refuse(conversation)

    def _refuse(self, conversation: Conversation) -> None:
        alarms = self._hands.messenger.alarms_of(conversation.user_id)
        self._composer.refuse(self.refusal(conversation, alarms))

    def refusal(
        self,
        conversation: Conversation,
        alarms: Mapping[UserId, Alarm] = MappingProxyType({}),
    ) -> str:
        """Why nothing can be sent; empty where something can."""
        return refusal(conversation, registry_of(self._composer.app).press, alarms)

    async def help(self, to: UserId | None, text: str) -> None:
        """Enter where nothing can be sent: the text waits for what the user chooses."""
        conversation = self.still(to)
        if conversation is None:
            return
        if not gone(conversation):
            await self._decide(conversation.user_id, text)
            return
        if conversation.peer is PeerState.BANNED:
            self._hands.tell(self.refusal(conversation))
            return
        if not await self._hands.ask(ask_back(conversation, bool(text.strip()))):
            return
        self._to_send = (conversation.user_id, text) if text.strip() else None
        if not await invited_back(self._hands, conversation):
            self._to_send = None

    async def _decide(self, to: UserId, text: str) -> None:
        """Keys of somebody who would read it are not what they should be."""
        try:
            may_go = await decided(self._hands.ask, self._hands.messenger, to)
        except DmtuiError as error:
            self._hands.tell(str(error))
            return
        conversation = self.still(to)
        if may_go and conversation is not None:
            self._refuse(conversation)
            if text == self._composer.text:
                self._composer.submit()

    def tell_readers(self, to: UserId | None) -> None:
        """What was typed to one person would go to more: the user is to know that first."""
        conversation = self.still(to)
        if conversation is None:
            return
        person = self._was_for_one(conversation)
        members = self._hands.messenger.cards.card(conversation.user_id).members
        names = [name for user_id, name in members if user_id != person]
        self._hands.tell(reads_along(names, self._instead))
        self._drafts.told(conversation.user_id)

    def _was_for_one(self, conversation: Conversation) -> UserId | None:
        """To whom alone the draft of a group was typed."""
        if not conversation.group:
            return None
        return self._drafts.meant_for(conversation.user_id, conversation.draft_for)
