"""What completes a word in the composer: emoji, the people of the conversation, commands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dmtui.core.completion import Offer, Sign, Word
from dmtui.core.roster import folded
from dmtui.core.slash import SAYING
from dmtui.ui.emoji_names import find
from dmtui.ui.slash import slash_commands
from dmtui.ui.widgets.offers import SHOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dmtui.core.model import Conversation, Safe, UserId
    from dmtui.messenger.messenger import Messenger
    from dmtui.ui.commands import Registry


class Completing:
    """Called with a word, gives what can stand for it, the likeliest first."""

    def __init__(
        self,
        messenger: Messenger,
        registry: Registry,
        conversation: Callable[[], Conversation | None],
    ):
        self._messenger = messenger
        self._registry = registry
        self._conversation = conversation

    async def __call__(self, word: Word) -> Sequence[Offer]:
        match word.sign:
            case Sign.EMOJI:
                found = await asyncio.to_thread(find, word.term, SHOWN)
                return [Offer(emoji, emoji, names) for emoji, names in found]
            case Sign.PERSON:
                return list(self._people(folded(word.term)))
            case Sign.COMMAND:
                return list(self._commands(word.term))

    def _people(self, term: str) -> Iterator[Offer]:
        for user_id, name in self._members():
            words = (*folded(name).split(), user_id.removeprefix("@").casefold())
            if folded(name).startswith(term) or any(each.startswith(term) for each in words):
                yield Offer(f"{user_id} ", name, user_id)

    def _members(self) -> Sequence[tuple[UserId, Safe]]:
        conversation = self._conversation()
        if conversation is None:
            return ()
        if not conversation.group:
            return ((conversation.user_id, conversation.name),)
        return self._messenger.cards.card(conversation.user_id).members

    def _commands(self, term: str) -> Iterator[Offer]:
        for name, words in SAYING.items():
            if name.startswith(term):
                yield Offer(f"/{name} ", f"/{name}", words)
        named = slash_commands(self._registry.commands)
        for name in sorted(named, key=lambda name: (not name.startswith(term), name)):
            if name.startswith(term) or (len(term) > 1 and term in name):
                yield Offer(f"/{name}", f"/{name}", named[name].title)
