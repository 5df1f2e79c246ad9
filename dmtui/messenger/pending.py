"""What waits for the server, in words for the status line."""

from __future__ import annotations

from typing import TypeAlias, assert_never

from dmtui.core.intents import (
    Accept,
    ArrangeContact,
    BlockInvites,
    CreateGroup,
    CreateRoom,
    Decline,
    Deliver,
    EditDirect,
    Entry,
    ExamineDirect,
    FollowUpgrade,
    ForgetRoom,
    Ignore,
    InviteBack,
    LeaveRoom,
    MakeRoom,
    MarkRead,
    ProfileWish,
    RepairDirect,
    Report,
    RestoreDirect,
    SetName,
    SetPicture,
    SetPresence,
    SetStatus,
    StopIgnoring,
    TakeInviteBack,
    UndoRepair,
)
from dmtui.core.model import UserId
from dmtui.store.store import Store

FLOOD = 5
"""So many invites being declined at once are counted rather than named."""

_OfChat: TypeAlias = (
    EditDirect
    | CreateRoom
    | InviteBack
    | TakeInviteBack
    | FollowUpgrade
    | LeaveRoom
    | ForgetRoom
    | Deliver
)
_OfPerson: TypeAlias = Accept | Decline | Ignore | StopIgnoring | Report | ArrangeContact
_OfNobody: TypeAlias = (
    RepairDirect
    | UndoRepair
    | RestoreDirect
    | ExamineDirect
    | CreateGroup
    | MakeRoom
    | BlockInvites
    | MarkRead
)


def describe(store: Store) -> tuple[str, ...]:
    """One line for each intent that waits for the server, in the order they were written.

    Of a flood of invites that are being declined there is one line, the last.
    """
    entries = store.pending_intents()
    declined = sum(isinstance(entry.intent, Decline) for entry in entries)
    if declined < FLOOD:
        return tuple(line for entry in entries if (line := _line(store, entry)))
    others = (entry for entry in entries if not isinstance(entry.intent, Decline))
    lines = [line for entry in others if (line := _line(store, entry))]
    return (*lines, f"declining {declined} invites")


def _line(store: Store, entry: Entry) -> str:
    match entry.intent:
        case (
            EditDirect()
            | CreateRoom()
            | InviteBack()
            | TakeInviteBack()
            | FollowUpgrade()
            | LeaveRoom()
            | ForgetRoom()
            | Deliver() as intent
        ):
            return _of_chat(intent, _name(store, intent.user_id))
        case Accept() | Decline() as intent:
            return _of_person(intent, _name(store, intent.inviter))
        case Ignore() | StopIgnoring() | Report() | ArrangeContact() as intent:
            return _of_person(intent, _name(store, intent.user_id))
        case SetName() | SetStatus() | SetPicture() | SetPresence() as intent:
            return _of_me(intent)
        case intent:
            return _of_nobody(intent)


def _of_chat(intent: _OfChat, name: str) -> str:
    match intent:
        case EditDirect():
            return f"DM flag pending for {name}"
        case CreateRoom():
            return f"chat with {name} is being started"
        case InviteBack():
            return f"inviting {name} back"
        case TakeInviteBack():
            return f"taking back the invite to {name}"
        case FollowUpgrade():
            return ""  # it may wait for an invite for ever: the chat's header says so
        case LeaveRoom():
            return f"leaving the chat with {name}"
        case ForgetRoom():
            return f"forgetting the chat with {name}"
        case Deliver():
            return f"message for {name} on its way"
        case _:
            assert_never(intent)


def _of_person(intent: _OfPerson, name: str) -> str:
    match intent:
        case Accept():
            return f"accepting the invite from {name}"
        case Decline():
            return f"declining the invite from {name}"
        case Ignore():
            return f"ignoring {name}"
        case StopIgnoring():
            return f"listening to {name} again"
        case Report():
            return f"reporting {name}"
        case ArrangeContact():
            return f"your settings for {name} on their way"
        case _:
            assert_never(intent)


def _of_nobody(intent: _OfNobody) -> str:
    match intent:
        case RepairDirect() | UndoRepair() | RestoreDirect():
            return "your list of direct messages is being mended"
        case ExamineDirect():
            return "your list of direct messages is being examined"
        case CreateGroup():
            return "a group is being started"
        case MakeRoom():
            return "a chat becomes a room"
        case BlockInvites(blocked=blocked):
            return "invites are being blocked" if blocked else "invites are being allowed"
        case MarkRead():
            return ""
        case _:
            assert_never(intent)


def _of_me(intent: ProfileWish) -> str:
    match intent:
        case SetName():
            return "your new name is on its way"
        case SetStatus():
            return "your new status is on its way"
        case SetPicture(copy=copy):
            return "your new picture is on its way" if copy else "your picture is being removed"
        case SetPresence():
            return "your presence is on its way"
        case _:
            assert_never(intent)


def _name(store: Store, user_id: UserId) -> str:
    found = store.conversations([user_id])
    return found[0].name if found else user_id
