"""``m.direct`` as functions: a lenient reader, careful edits, and which room stands for a person."""

from __future__ import annotations

from dataclasses import dataclass

from dmtui.core.model import Membership, Milliseconds, RoomId


@dataclass(frozen=True, slots=True)
class Candidate:
    """A room that could be the conversation with one person.

    ``mine`` and ``peer`` are our memberships (``None``: never a member); ``humans`` counts joined
    and invited members besides me, less service members; ``flagged`` says that ``m.direct`` lists
    it under the person, or its invite carried ``is_direct``; ``last_message`` is the time of the
    newest message by either of us (0: none), ``created_at`` of the room's creation (0: unknown).
    """

    room_id: RoomId
    mine: Membership
    peer: Membership | None
    humans: int
    flagged: bool
    encrypted: bool = False
    last_message: Milliseconds = 0
    created_at: Milliseconds = 0
    space: bool = False
    successor: RoomId | None = None
    peer_invited_me: bool = False
