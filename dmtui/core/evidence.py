"""The evidence for and against a room's being a direct message, as store and server tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dmtui.core.direct import Candidate
from dmtui.core.intents import EditDirect
from dmtui.core.model import JsonObject, Membership, Milliseconds, RoomId, Safe, UserId
from dmtui.core.names import is_user_id
from dmtui.core.repairs import rooms_in


@dataclass(frozen=True, slots=True)
class Asked:
    """The last invite that brought me, or the other person, into the room."""

    inviter: UserId
    invitee: UserId
    direct: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """Since when the map lists the room, and who wrote that; ``known``: no older version says."""

    at: Milliseconds
    ours: bool
    known: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is to know about one room.

    ``mine``: ``None`` where I never was. ``keys`` are all keys of ``m.direct`` whose value names
    the room, malformed ones too. ``humans`` are joined or invited besides me, without the
    ``service`` members; ``count`` may be more than are known by name. ``invite`` is a line where
    nobody told. ``candidates`` are the rooms of the same person, this one among them; ``edits``
    the pending ones of this room; ``written`` is when the map was last written, and whether by us.
    ``untold`` is why the homeserver did not say how things stand now.
    """

    room_id: RoomId
    me: UserId
    mine: Membership | None
    person: UserId | None = None
    keys: tuple[str, ...] = ()
    humans: tuple[UserId, ...] = ()
    count: int = 0
    service: tuple[UserId, ...] = ()
    names: Mapping[UserId, Safe] = field(default_factory=dict)
    invite: Asked | str = "not known here"
    room_name: Safe | str = ""
    space: bool = False
    kept: bool = False
    successor: RoomId | None = None
    goes_on: bool = False  # I have joined the successor
    predecessor: RoomId | None = None
    candidates: tuple[Candidate, ...] = ()
    edits: tuple[EditDirect, ...] = ()
    recorded: Recorded | None = None
    written: tuple[Milliseconds, bool] | None = None
    untold: str = ""

    @property
    def listed(self) -> tuple[UserId, ...]:
        """The keys that are user IDs."""
        return tuple(UserId(key) for key in self.keys if is_user_id(key))

    @property
    def joined(self) -> bool:
        """Whether I am in the room."""
        return self.mine is Membership.JOIN

    @property
    def others(self) -> int:
        """How many humans there are besides me."""
        return max(self.count, len(self.humans))

    @property
    def instead(self) -> UserId | None:
        """The one other human who is there, where the map lists the room under others alone."""
        listed = {*self.listed} - {self.me}
        if not (listed and self.joined and self.others == len(self.humans) == 1):
            return None
        return None if self.humans[0] in listed else self.humans[0]

    @property
    def direct(self) -> bool:
        """Whether it is a direct message: listed, joined, at most one other human, no space.

        That human is one whom it is listed under.
        """
        listed = bool(self.listed) and self.joined and self.others <= 1 and not self.space
        return listed and self.instead is None


def keys_of(content: JsonObject, room_id: RoomId) -> tuple[str, ...]:
    """All keys of ``m.direct`` whose value names the room, whatever the keys are."""
    return tuple(key for key, value in content.items() if room_id in rooms_in(value))


def recorded(
    versions: Sequence[tuple[JsonObject, Milliseconds, bool]], room_id: RoomId
) -> Recorded | None:
    """Since when the room is listed without a break; ``versions`` are newest first."""
    since = None
    for content, at, ours in versions:
        if not keys_of(content, room_id):
            return since
        since = Recorded(at, ours, known=True)
    return None if since is None else Recorded(since.at, since.ours, known=False)
