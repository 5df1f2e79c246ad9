"""The people list: conversations in the order shown, and filtered by what is typed."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from enum import IntEnum
from itertools import chain
from types import MappingProxyType
from typing import TypeAlias

from dmtui.core.model import Conversation, UserId

_Place: TypeAlias = "tuple[_Section, int, UserId]"

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


class _Section(IntEnum):
    """The parts of the list, in order; groups are no direct chats and stand apart."""

    PINNED = 0
    PEOPLE = 1
    ARCHIVED = 2
    PINNED_GROUPS = 3
    GROUPS = 4
    ARCHIVED_GROUPS = 5


_ARCHIVE = (_Section.ARCHIVED, _Section.ARCHIVED_GROUPS)


class Roster:
    """Conversations: those pinned, then newest first, groups last; an update costs what changed."""

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
        """In order, those in whose name or user ID every typed word occurs, archived ones too.

        Case and accents do not matter; an empty filter shows everyone who is not archived.
        """
        words = folded(filter_text).split()
        if not words:
            people, rest = self._section(_Section.ARCHIVED), self._section(_Section.ARCHIVED_GROUPS)
            shown = chain(self._places[: people.start], self._places[people.stop : rest.start])
            return self._of(shown)
        matches: Iterable[UserId] = (user_id for _, _, user_id in self._places)
        for word in words:
            matches = self._having(word, matches)
        return tuple(self._conversations[user_id] for user_id in matches)

    def people(self, filter_text: str = "") -> tuple[Conversation, ...]:
        """The rows that are people: groups are nobody to start a chat with."""
        return tuple(row for row in self.rows(filter_text) if not row.group)

    @property
    def archived(self) -> int:
        """How many are put away."""
        return sum(len(self._section(section)) for section in _ARCHIVE)

    def archived_rows(self) -> tuple[Conversation, ...]:
        """Those put away, newest first, groups last."""
        people, groups = (self._section(section) for section in _ARCHIVE)
        places = self._places
        return self._of(
            chain(places[people.start : people.stop], places[groups.start : groups.stop])
        )

    def index(self, user_id: UserId) -> int | None:
        """The row of the person in the unfiltered list, from 0; ``None`` if not in it."""
        conversation = self._conversations.get(user_id)
        if conversation is None or conversation.archived:
            return None
        place = _place(conversation)
        before = bisect_left(self._places, place)
        return before - (len(self._section(_Section.ARCHIVED)) if conversation.group else 0)

    def _section(self, section: _Section) -> range:
        """Where the section is among the places."""
        first = bisect_left(self._places, section, key=_section_of)
        return range(first, bisect_right(self._places, section, first, key=_section_of))

    def _of(self, places: Iterable[_Place]) -> tuple[Conversation, ...]:
        return tuple(self._conversations[user_id] for _, _, user_id in places)

    def _having(self, word: str, people: Iterable[UserId]) -> list[UserId]:
        texts = self._texts
        return [user_id for user_id in people if word in texts[user_id]]

    def _put(self, conversation: Conversation) -> None:
        user_id = conversation.user_id
        known = self._conversations.get(user_id)
        self._conversations[user_id] = conversation
        if known is None or _names(known) != _names(conversation):
            self._texts[user_id] = _searchable(conversation)
        if known is not None:
            if _place(known) == _place(conversation):
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
    match conversation.archived, conversation.group:
        case True, group:
            section = _Section.ARCHIVED_GROUPS if group else _Section.ARCHIVED
        case _, True:
            section = _Section.PINNED_GROUPS if conversation.pinned else _Section.GROUPS
        case _:
            section = _Section.PINNED if conversation.pinned else _Section.PEOPLE
    return (section, -conversation.latest, conversation.user_id)


def _section_of(place: _Place) -> _Section:
    return place[0]


def _searchable(conversation: Conversation) -> str:
    return folded(f"{conversation.name}\n{conversation.user_id}\n{conversation.known_as}")


def _names(conversation: Conversation) -> tuple[str, str]:
    return conversation.name, conversation.known_as
