"""How a chat ends or becomes something else: leave, forget, unsend, ask back, room, direct."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.errors import DmtuiError
from dmtui.core.model import PeerState, UserId
from dmtui.ui.screens.confirm import CANCEL, Choice, Question

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from dmtui.core.intents import Outcome
    from dmtui.core.model import Conversation, RoomId
    from dmtui.ui.screens.hands import Hands

NOTHING = "Nothing was done."


async def leave(hands: Hands, conversation: Conversation) -> None:
    """Leave the chat, once asked; the messages stay, unless all is to be forgotten."""
    choices = (
        Choice("c", "Cancel", None),
        Choice("l", "Leave", "leave"),
        Choice("f", "Leave and forget everything", "forget"),
    )
    title = f"Leave {_the_chat(conversation)}?"
    match await hands.ask(Question(title, _leaving(hands, conversation), choices)):
        case "leave":
            await carry_out(
                hands,
                hands.messenger.life.leave(conversation.user_id),
                f"You left {_the_chat(conversation)}.",
                "You leave as soon as the homeserver answers.",
            )
        case "forget":
            await forget(hands, conversation)
        case _:
            hands.tell(NOTHING)


async def forget(hands: Hands, conversation: Conversation) -> None:
    """Leave the chat and forget every message of it, once asked, and asked again if some wait."""
    chat = _the_chat(conversation)
    text = (
        "You leave it, and all its messages are deleted: on this device, and for you on the"
        " homeserver. Others keep theirs. This can't be undone."
    )
    choices = (Choice("k", "Keep it", False), Choice("f", "Leave and delete everything", True))
    if not await hands.ask(Question(f"Forget {chat}?", text, choices)):
        hands.tell(NOTHING)
        return
    if unsent := _unsent(hands, conversation):
        title = "Not everything is sent"
        if not await _agrees(hands, title, f"{unsent} deleted, too.", "d", "Delete unsent, too"):
            return
    await carry_out(
        hands,
        hands.messenger.life.forget(conversation.user_id),
        f"{_capital(chat)} is forgotten.",
        "It is forgotten as soon as the homeserver answers.",
    )


async def unsend(hands: Hands, conversation: Conversation) -> None:
    """Take back the invite of a person who has not come."""
    if conversation.peer is not PeerState.INVITED:
        hands.tell(f"{conversation.name} has no invite that could be taken back.")
        return
    text = (
        "They don't see it any more. If they have never been in the chat, it goes from your list"
        " with what you wrote in it."
    )
    title = f"Take the invite to {conversation.name} back?"
    if await _agrees(hands, title, text, "t", "Take it back"):
        await carry_out(
            hands,
            hands.messenger.life.take_invite_back(conversation.user_id),
            f"The invite to {conversation.name} is taken back.",
            "It is taken back as soon as the homeserver answers, unless they accept before.",
        )


def gone(conversation: Conversation) -> bool:
    """Whether the person is to be invited back before anything can be sent."""
    return conversation.peer in (PeerState.LEFT, PeerState.DECLINED, PeerState.BANNED)


def ask_back(conversation: Conversation, draft: bool) -> Question[bool]:
    """What to do about a person who is gone; ``draft``: something is typed to them."""
    declined = conversation.peer is PeerState.DECLINED
    title = f"{conversation.name} {'declined the invite' if declined else 'left'}"
    text = "What you typed is kept here." if draft else "Nobody would read a message now."
    keep = "Keep it as a draft" if draft else "Leave it so"
    back = "Invite back and send" if draft else "Invite back"
    return Question(title, text, (Choice("k", keep, False), Choice("i", back, True)))


async def invite_back(hands: Hands, conversation: Conversation) -> None:
    """Ask a person who left or declined into the same chat again."""
    await invited_back(hands, conversation)


async def invited_back(hands: Hands, conversation: Conversation) -> bool:
    """The same; whether the homeserver has taken the invite by now."""
    if not gone(conversation):
        hands.tell(f"{conversation.name} has not left.")
        return False
    life = hands.messenger.life
    try:
        deserted = await life.seems_gone(conversation.user_id)
    except DmtuiError as error:
        hands.tell(str(error))
        return False
    title, text = f"Invite {conversation.name}?", "Their account seems to be gone. Invite anyway?"
    if deserted and not await _agrees(hands, title, text, "i", "Invite anyway", unasked=True):
        return False
    outcome = await carry_out(
        hands,
        life.invite_back(conversation.user_id),
        f"{conversation.name} is invited.",
        "They are invited as soon as the homeserver answers.",
    )
    return outcome is not None


async def make_room(hands: Hands, conversation: Conversation) -> None:
    """Have the chat be an ordinary room, once asked."""
    if conversation.group and conversation.was_with is None:
        hands.tell(f"{conversation.name} is an ordinary room already.")
        return
    text = (
        "It stays, with all its messages, among your groups; it is no direct chat any more, on"
        " any of your devices."
    )
    title = f"Make {_the_chat(conversation)} an ordinary room?"
    if await _agrees(hands, title, text, "r", "Make it a room"):
        done = await carry_out(
            hands,
            hands.messenger.life.make_room(conversation.user_id),
            "It is a room among your groups now.",
            "It becomes a room as soon as the homeserver answers.",
        )
        if done:
            hands.open(UserId(conversation.room_id))


async def make_direct(hands: Hands, conversation: Conversation) -> None:
    """Have the room be the direct chat with one of its members."""
    if conversation.group:
        await make_room_direct(hands, conversation.room_id, str(conversation.name))
    else:
        hands.tell(f"That is your direct chat with {conversation.name} already.")


async def make_room_direct(hands: Hands, room_id: RoomId, name: str) -> None:
    """Have a joined room be the direct chat with the one other human in it, or with whom I say."""
    try:
        people = await hands.messenger.life.people_in(room_id)
    except DmtuiError as error:
        hands.tell(str(error))
        return
    person = await hands.ask(whose_chat(name, people, hands.messenger.me))
    if person is None:
        hands.tell(NOTHING)
        return
    group = len(people) > 1
    done = await carry_out(
        hands,
        hands.messenger.life.make_direct(room_id, person),
        f"It is listed as a chat with {person}, and a group while others are in it."
        if group
        else f"It is your direct chat with {person} now.",
        "It becomes one as soon as the homeserver answers.",
    )
    if done and not group:
        hands.open(person)


def whose_chat(name: str, people: Sequence[UserId], me: UserId) -> Question[UserId]:
    """Under whom to list the room; the answer is a person."""
    choices = [Choice(_letter(n), str(person), person) for n, person in enumerate(people)]
    if not people:
        text = "You are alone in it."
        choices = [Choice(_letter(0), "Notes to self", me)]
    elif len(people) == 1:
        text = "Besides you there is:"
    else:
        text = "It stays a group while there are several others in it. Whose chat is it?"
    return Question(f"Make {name} a direct chat?", text, choices)


# -- asking and telling -----------------------------------------------------------------------


async def carry_out(
    hands: Hands, act: Awaitable[Outcome | None], done: str, waiting: str
) -> Outcome | None:
    """Say in one line how the act ended; the outcome, if that is well."""
    try:
        outcome = await act
    except DmtuiError as error:
        hands.tell(str(error))
        return None
    if outcome is None:
        hands.tell(waiting)
        return None
    if not outcome.ok:
        hands.tell(outcome.message)
        return None
    hands.tell(outcome.message or done)
    return outcome


async def _agrees(
    hands: Hands, title: str, text: str, letter: str, label: str, *, unasked: bool = False
) -> bool:
    choices = (CANCEL, Choice(letter, label, True))
    if await hands.ask(Question(title, text, choices, unasked=unasked)):
        return True
    hands.tell(NOTHING)
    return False


def _the_chat(conversation: Conversation) -> str:
    if conversation.group:
        return f"the group {conversation.name}"
    return f"the chat with {conversation.name}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _leaving(hands: Hands, conversation: Conversation) -> str:
    if conversation.user_id == hands.messenger.me:
        text = "Nobody is in it then, so that nobody can come back to it. "
    elif conversation.group:
        text = "You need an invite to come back. "
    else:
        text = "They see that you left. Chatting again makes a new room, below the old messages. "
    unsent = _unsent(hands, conversation)
    return f"{text}What was written stays on this device.{f' {unsent} not sent.' if unsent else ''}"


def _unsent(hands: Hands, conversation: Conversation) -> str:
    """``1 message of yours is``, say; empty if everything is sent."""
    count = hands.messenger.life.unsent(conversation.user_id)
    if not count:
        return ""
    return "1 message of yours is" if count == 1 else f"{count} messages of yours are"


def _letter(number: int) -> str:
    """The letter of an answer; beyond the alphabet there is only Enter."""
    return chr(ord("a") + number) if number < 26 else " "
