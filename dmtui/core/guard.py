"""What has become of ``m.direct`` over time: versions seen, and what other clients took out."""

from __future__ import annotations

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
        """One line for the user."""
        if self.lost:
            chats = "1 chat" if len(self.lost) == 1 else f"{len(self.lost)} chats"
            return f"Another client removed {chats} from your direct messages"
        chats = "a chat" if len(self.undone) == 1 else f"{len(self.undone)} chats"
        return f"Another client keeps undoing the DM flag of {chats}"
