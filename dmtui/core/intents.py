"""Wishes that outlive a crash: written down before the act, settled after it.

Whichever process owns the account carries them out; a command beside a running app hands over
its wish by writing it down too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from dmtui.core.model import Attachment, Availability, EventId, RoomId, UserId


class DirectAction(StrEnum):
    """What to do to the ``m.direct`` map."""

    ADD = "add"
    REMOVE = "remove"
    MOVE = "move"  # make the room stand under this user alone


@dataclass(frozen=True, slots=True)
class EditDirect:
    """Have ``m.direct`` list (or not list) the room under the user."""

    action: DirectAction
    user_id: UserId
    room_id: RoomId


@dataclass(frozen=True, slots=True)
class TidyDirect:
    """Make the value under the key a list of distinct room IDs; without any, the key goes."""

    key: str


@dataclass(frozen=True, slots=True)
class DropDirect:
    """Take the key out of ``m.direct``, unless it has come to list other rooms than these."""

    key: str
    rooms: tuple[RoomId, ...] = ()


DirectChange: TypeAlias = EditDirect | TidyDirect | DropDirect


@dataclass(frozen=True, slots=True)
class RepairDirect:
    """Make these changes to ``m.direct`` in one write, which can be undone."""

    changes: tuple[DirectChange, ...]


@dataclass(frozen=True, slots=True)
class UndoRepair:
    """Take the last repair of ``m.direct`` back."""


@dataclass(frozen=True, slots=True)
class RestoreDirect:
    """Merge stored versions of ``m.direct`` into what it is now, given by their numbers."""

    versions: tuple[int, ...]


DirectWish: TypeAlias = EditDirect | RepairDirect | UndoRepair | RestoreDirect
"""What the one writer of ``m.direct`` carries out."""


@dataclass(frozen=True, slots=True)
class ExamineDirect:
    """Gather what the doctor needs to know of ``m.direct`` and its rooms."""


@dataclass(frozen=True, slots=True)
class CreateRoom:
    """Create a direct room with the person; ``posted`` once the request may have been sent."""

    user_id: UserId
    nonce: str
    encrypted: bool
    posted: bool = False


@dataclass(frozen=True, slots=True)
class InviteBack:
    """Invite a person who left the direct room again, with the flag."""

    user_id: UserId
    room_id: RoomId


@dataclass(frozen=True, slots=True)
class Accept:
    """Join the room; as a direct chat with the inviter, or as an ordinary room."""

    room_id: RoomId
    inviter: UserId
    direct: bool


@dataclass(frozen=True, slots=True)
class Decline:
    """Decline the invite."""

    room_id: RoomId
    inviter: UserId


@dataclass(frozen=True, slots=True)
class Ignore:
    """See nothing of the person any more, and decline what they sent."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class StopIgnoring:
    """See the person again."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the administrators of my homeserver of the person, and of the room they invited to."""

    user_id: UserId
    room_id: RoomId
    reason: str


@dataclass(frozen=True, slots=True)
class BlockInvites:
    """Let nobody invite me, or everybody again (``m.invite_permission_config``)."""

    blocked: bool


@dataclass(frozen=True, slots=True)
class SetName:
    """Have everybody see me by this name; empty for none."""

    name: str


@dataclass(frozen=True, slots=True)
class SetStatus:
    """Have everybody who shares a room with me see this beside my presence; empty for nothing."""

    words: str


@dataclass(frozen=True, slots=True)
class SetPicture:
    """Have everybody see our own ``copy`` of a picture, or none if that is empty.

    ``uri`` is where the picture is in the media repository, empty before it is there.
    """

    copy: str
    mimetype: str = ""
    uri: str = ""


@dataclass(frozen=True, slots=True)
class SetPresence:
    """Be seen like this while dmtui runs; ``None``: dmtui says nothing of it."""

    availability: Availability | None


@dataclass(frozen=True, slots=True)
class ArrangeContact:
    """Tell the server how the store has the person arranged: petname, tags and push rules."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class LeaveRoom:
    """Leave a room of the person's conversation; it stays in ``m.direct``."""

    user_id: UserId
    room_id: RoomId


@dataclass(frozen=True, slots=True)
class ForgetRoom:
    """Leave a room, forget it here and on the server, and take it out of ``m.direct``."""

    user_id: UserId
    room_id: RoomId


@dataclass(frozen=True, slots=True)
class TakeInviteBack:
    """Withdraw the invite of a person who has not come, then forget the room."""

    user_id: UserId
    room_id: RoomId


@dataclass(frozen=True, slots=True)
class CreateGroup:
    """Create a room that is no direct chat; ``posted`` once the request may have been sent."""

    members: tuple[UserId, ...]
    name: str
    nonce: str
    encrypted: bool
    posted: bool = False


@dataclass(frozen=True, slots=True)
class MakeRoom:
    """Have a direct room be an ordinary one, which stays listed as a group."""

    room_id: RoomId


@dataclass(frozen=True, slots=True)
class FollowUpgrade:
    """Go with a direct room that was upgraded: join the successor, ask the person in, record it.

    ``entering``: I was not in the successor before, so that a wrong one is left again.
    """

    user_id: UserId
    room_id: RoomId
    successor: RoomId
    via: tuple[str, ...] = ()
    entering: bool = False


@dataclass(frozen=True, slots=True)
class MarkRead:
    """Tell the homeserver that the room is read up to the event; ``private``: it alone."""

    room_id: RoomId
    event_id: EventId
    private: bool = False


@dataclass(frozen=True, slots=True)
class Deliver:
    """Start Chat semantics, then one message: what ``dmtui send`` asks for.

    With an ``attachment``, ``text`` is its caption.
    """

    user_id: UserId
    text: str
    attachment: Attachment | None = None


DELIVERY = "dmtui-deliver-"
"""Begins the transaction ID of a :class:`Deliver`'s message; the intent's number follows."""


ProfileWish: TypeAlias = SetName | SetStatus | SetPicture | SetPresence
"""How others are to see me: of several that wait, the last one of a kind counts."""


Intent: TypeAlias = (
    DirectWish
    | ExamineDirect
    | CreateRoom
    | CreateGroup
    | InviteBack
    | TakeInviteBack
    | FollowUpgrade
    | LeaveRoom
    | ForgetRoom
    | MakeRoom
    | Accept
    | Decline
    | Ignore
    | StopIgnoring
    | Report
    | BlockInvites
    | SetName
    | SetStatus
    | SetPicture
    | SetPresence
    | ArrangeContact
    | MarkRead
    | Deliver
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an intent ended: ``message`` is one line for the user."""

    ok: bool
    message: str = ""
    room_id: RoomId | None = None
    event_id: EventId | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An intent in the journal; ``outcome`` is ``None`` while it is pending.

    ``problem`` says in one line why the last try did not get through.
    """

    number: int
    intent: Intent
    attempts: int = 0
    problem: str = ""
    outcome: Outcome | None = None
