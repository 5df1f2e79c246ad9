"""The line above a conversation: who it is with and how it stands, with the key that helps."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from textual.content import Content

from dmtui.core.model import Alarm, PeerState
from dmtui.core.names import clean_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dmtui.core.model import Conversation, DirectRoom, UserId

UPGRADING = "upgraded: not in its new room yet"

Press = str
"""What to press for a command, in a few words."""


def heading(
    conversation: Conversation,
    rooms: Sequence[DirectRoom],
    was_with: str,
    instead: str,
    muted: str,
    press: Callable[[str], Press],
    alarms: Mapping[UserId, Alarm] = MappingProxyType({}),
) -> Content:
    """Name, user ID and badges, each in words; ``was_with`` names who a group was a DM with.

    ``instead`` is as for :func:`standing`; ``alarms`` are those whom the user has to decide about.
    """
    named = conversation.group or conversation.user_id in conversation.name
    parts = (
        (conversation.name, "bold"),
        (known_as(conversation), ""),
        ("" if named else conversation.user_id, "$text-muted"),
        (alarm(conversation, alarms), "$text-error bold"),
        (standing(conversation, was_with, press, instead), "$text-warning"),
        (_upgrade(rooms), "$text-warning"),
        (_said_to_be_bots(rooms), "$text-warning"),
        (muted, "$text-warning"),
    )
    return Content("  ").join(Content.assemble(part) for part in parts if part[0])


def alarm(conversation: Conversation, alarms: Mapping[UserId, Alarm]) -> str:
    """The banner while there is something to decide; empty otherwise."""
    if not alarms:
        return ""
    changed = [user_id for user_id, kind in alarms.items() if kind is Alarm.IDENTITY]
    who = "" if not conversation.group else f" of {', '.join(map(clean_line, changed or alarms))}"
    return f"⚠ IDENTITY{who} CHANGED" if changed else f"⚠ NO DEVICE{who} IS CONFIRMED"


def known_as(conversation: Conversation) -> str:
    """What others call a person with a petname, and whom the name could be taken for."""
    if conversation.looks_like:
        return f"looks like {conversation.looks_like}, and is somebody else"
    own = conversation.known_as
    called = conversation.name.removesuffix(f" ({conversation.user_id})")
    return f"({own})" if own not in ("", called) else ""


def standing(
    conversation: Conversation, was_with: str, press: Callable[[str], Press], instead: str = ""
) -> str:
    """Where the other person stands; empty where they are simply there.

    ``instead`` names who is in the room in the place of the one whom it is listed under.
    """
    match conversation.peer:
        case PeerState.GROUP if instead:
            doctor = press("app.doctor")
            return f"listed under {was_with}, but {instead} is here: {doctor} moves it"
        case PeerState.GROUP:
            former = f" (was a DM with {was_with})" if was_with else ""
            return f"group, not a direct message{former}"
        case PeerState.INVITED:
            return f"invited, not here yet: {press('person.unsend')} takes the invite back"
        case PeerState.DECLINED:
            return "declined the invite"
        case PeerState.LEFT:
            return "left"
        case PeerState.BANNED:
            return "banned from this room"
        case PeerState.JOINED:
            return ""


def refusal(
    conversation: Conversation,
    press: Callable[[str], Press],
    alarms: Mapping[UserId, Alarm] = MappingProxyType({}),
) -> str:
    """Why nothing is sent for now, and what helps."""
    enter = press("composer.send")
    match conversation.peer:
        case PeerState.LEFT:
            return f"{conversation.name} left. {enter} offers to invite back."
        case PeerState.DECLINED:
            return f"{conversation.name} declined the invite. {enter} offers to invite again."
        case PeerState.BANNED:
            anew = press("chat.start")
            return f"{conversation.name} is banned from this room. {anew} starts a new chat."
        case _ if alarms:
            return f"Nothing is sent for now. {enter} asks what to do."
        case _:
            return ""


def note(conversation: Conversation, was_with: str = "", instead: str = "") -> str:
    """Who reads what is written, where it is not the person alone, there and now."""
    match conversation.peer:
        case PeerState.GROUP if instead:
            return f"{instead} reads what you write, not {was_with}"
        case PeerState.INVITED:
            return "Invited: has not joined yet"
        case PeerState.GROUP:
            return "More people are in this room: everyone reads along"
        case _:
            return ""


def moved(before: Conversation, now: Conversation, instead: str = "") -> str:
    """What to say when the open room belongs to another row of the people list."""
    if instead:
        return f"{before.name} is not in the chat any more: {instead} reads what you write."
    if now.group:
        return f"The chat with {before.name} is a group now: everyone in it reads what you write."
    return f"It is a direct chat with {now.name} now: nobody else is in the room."


def not_moved(conversation: Conversation) -> str:
    """What to say when an upgrade is refused for good."""
    return (
        f"The chat with {conversation.name} was upgraded, but its new room is closed to you or not"
        " for the two of you: it stays where it is."
    )


def stayed(conversation: Conversation) -> str:
    """What to say when the open room is a group now, and the person has another one."""
    name = conversation.name
    return f"A room with {name} is a group now: here you write to {name} alone, in another one."


def reads_along(names: Sequence[str], instead: str = "") -> str:
    """What to say before a group is sent what was typed to one person; ``names`` came to it."""
    if instead:
        return f"{instead} reads this, and nobody else: Enter again sends it to {instead}."
    more = f"{names[0]} and {len(names) - 1} more" if names else "Others"
    who = names[0] if len(names) == 1 else more
    verb = "reads" if len(names) == 1 else "read"
    return f"{who} {verb} along now: Enter again sends it to the group."


def _said_to_be_bots(rooms: Sequence[DirectRoom]) -> str:
    """Who reads along and makes no group of it: whoever may change the room says that."""
    bots = next((room.service for room in rooms if room.serving), ())
    if not bots:
        return ""
    more = f" and {len(bots) - 1} more" if len(bots) > 1 else ""
    return f"read along by {clean_line(bots[0])}{more}, said to be {'bots' if more else 'a bot'}"


def _upgrade(rooms: Sequence[DirectRoom]) -> str:
    room = next((room for room in rooms if room.serving and room.successor is not None), None)
    if room is None:
        return ""
    return "upgraded, but stays in this room" if room.given_up else UPGRADING
