"""The people list: conversations ordered by latest message, and filtered by what is typed."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, insort
from collections.abc import Iterable
from types import MappingProxyType
from typing import TypeAlias

from dmtui.core.model import Conversation, UserId

_Place: TypeAlias = tuple[int, UserId]

_STROKES = MappingProxyType(
    str.maketrans(
        {
            "\u00e6": "ae",
            "\u00f0": "d",
            "\u00f8": "o",
            "\u0111": "d",
            "\u0127": "h",
            "\u0131": "i",
            "\u0142": "l",
            "\u0153": "oe",
        }
    )
)
"""Letters that Unicode does not decompose into a plain one and a mark."""


class Roster:
    """Conversations, newest first and then by user ID; an update costs what changed."""

    def __init__(self, conversations: Iterable[Conversation] = ()) -> None:
        self._conversations = {c.user_id: c for c in conversations}
        self._places = sorted(_place(c) for c in self._conversations.values())
        self._texts = {c.user_id: _searchable(c) for c in self._conversations.values()}

    def __len__(self) -> int:
        return len(self._places)

    def get(self, user_id: UserId) -> Conversation | None:
        """The person's conversation, if there is one."""
        return self._conversations.get(user_id)

    def update(self, conversations: Iterable[Conversation], removed: Iterable[UserId] = ()) -> None:
        """Put in new and changed conversations, and take out those of ``removed`` people."""
        for user_id in removed:
            self._remove(user_id)
        for conversation in conversations:
            self._put(conversation)

    def rows(self, filter_text: str = "") -> tuple[Conversation, ...]:
        """In order, those in whose name or user ID every typed word occurs.

        Case and accents do not matter; an empty filter shows everyone.
        """
        words = folded(filter_text).split()
        people: Iterable[UserId] = (user_id for _, user_id in self._places)
        for word in words:
            people = self._having(word, people)
        return tuple(self._conversations[user_id] for user_id in people)

    def index(self, user_id: UserId) -> int | None:
        """The row of the person in the unfiltered list, from 0."""
        conversation = self._conversations.get(user_id)
        return None if conversation is None else bisect_left(self._places, _place(conversation))

    def _having(self, word: str, people: Iterable[UserId]) -> list[UserId]:
        texts = self._texts
        return [user_id for user_id in people if word in texts[user_id]]

    def _put(self, conversation: Conversation) -> None:
        user_id = conversation.user_id
        known = self._conversations.get(user_id)
        self._conversations[user_id] = conversation
        if known is None or known.name != conversation.name:
            self._texts[user_id] = _searchable(conversation)
        if known is not None:
            if known.latest == conversation.latest:
                return
            del self._places[bisect_left(self._places, _place(known))]
        insort(self._places, _place(conversation))

    def _remove(self, user_id: UserId) -> None:
        known = self._conversations.pop(user_id, None)
        if known is not None:
            del self._places[bisect_left(self._places, _place(known))]
            del self._texts[user_id]


def folded(text: str) -> str:
    """``text`` without case and accents, for comparing what people type."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return plain.casefold().translate(_STROKES)


def _place(conversation: Conversation) -> _Place:
    return (-conversation.latest, conversation.user_id)


def _searchable(conversation: Conversation) -> str:
    return folded(f"{conversation.name}\n{conversation.user_id}")
