"""What waits for the server, in words for the status line."""

from __future__ import annotations

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
    RepairDirect,
    Report,
    RestoreDirect,
    StopIgnoring,
    TakeInviteBack,
    UndoRepair,
)
from dmtui.core.model import UserId
from dmtui.store.store import Store


def describe(store: Store) -> tuple[str, ...]:
    """One line for each intent that waits for the server, in the order they were written."""
    return tuple(line for entry in store.pending_intents() if (line := _line(store, entry)))


def _line(store: Store, entry: Entry) -> str:
    match entry.intent:
        case EditDirect(user_id=user_id):
            return f"DM flag pending for {_name(store, user_id)}"
        case RepairDirect() | UndoRepair() | RestoreDirect():
            return "your list of direct messages is being mended"
        case ExamineDirect():
            return "your list of direct messages is being examined"
        case CreateRoom(user_id=user_id):
            return f"chat with {_name(store, user_id)} is being started"
        case InviteBack(user_id=user_id):
            return f"inviting {_name(store, user_id)} back"
        case Accept(inviter=inviter):
            return f"accepting the invite from {_name(store, inviter)}"
        case Decline(inviter=inviter):
            return f"declining the invite from {_name(store, inviter)}"
        case Deliver(user_id=user_id):
            return f"message for {_name(store, user_id)} on its way"
        case CreateGroup():
            return "a group is being started"
        case TakeInviteBack(user_id=user_id):
            return f"taking back the invite to {_name(store, user_id)}"
        case FollowUpgrade(user_id=user_id):
            return f"moving the chat with {_name(store, user_id)} to its new room"
        case LeaveRoom(user_id=user_id):
            return f"leaving the chat with {_name(store, user_id)}"
        case ForgetRoom(user_id=user_id):
            return f"forgetting the chat with {_name(store, user_id)}"
        case MakeRoom():
            return "a chat becomes a room"
        case Ignore(user_id=user_id):
            return f"ignoring {_name(store, user_id)}"
        case StopIgnoring(user_id=user_id):
            return f"listening to {_name(store, user_id)} again"
        case Report(user_id=user_id):
            return f"reporting {_name(store, user_id)}"
        case BlockInvites(blocked=blocked):
            return "invites are being blocked" if blocked else "invites are being allowed"
        case ArrangeContact(user_id=user_id):
            return f"your settings for {_name(store, user_id)} on their way"
        case MarkRead():
            return ""


def _name(store: Store, user_id: UserId) -> str:
    found = store.conversations([user_id])
    return found[0].name if found else user_id
