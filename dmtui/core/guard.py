"""What has become of ``m.direct`` over time: versions seen, and what other clients took out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dmtui.core.intents import EditDirect
from dmtui.core.model import JsonObject, Milliseconds, RoomId


@dataclass(frozen=True, slots=True)
class DirectVersion:
    """``m.direct`` verbatim as it once was; ``ours``: this dmtui wrote it."""

    number: int
    content: JsonObject
    seen_at: Milliseconds
    ours: bool


@dataclass(frozen=True, slots=True)
class DirectTrouble:
    """Another client has spoilt the map, and the user has not said yet what to do about it.

    ``lost`` are joined rooms that vanished in a mass loss, ``versions`` the numbers of those that
    still had them; ``undone`` are edits of ours that another client keeps undoing.
    """

    lost: frozenset[RoomId]
    versions: tuple[int, ...]
    undone: tuple[EditDirect, ...]

    @property
    def words(self) -> str:
        """One line for the user, without its full stop."""
        if self.lost:
            return f"Another client took {_chats(self.lost)} off your list of direct messages"
        return f"Another client keeps undoing the DM flag of {_chats(self.undone)}"

    @property
    def short(self) -> str:
        """A few words, for the status line."""
        if self.lost:
            return f"{_chats(self.lost)} lost"
        return f"{_chats(self.undone)} not kept as DM"


def _chats(these: Collection[object]) -> str:
    return "1 chat" if len(these) == 1 else f"{len(these)} chats"
