"""What belongs to a message, in words: what it answers, reactions, what could not be done to it."""

from __future__ import annotations

from dmtui.core.fold import DELETED, SEALED
from dmtui.core.model import Act, ActKind, Kind, Message, Quote, Reactions, SendState
from dmtui.core.names import clean_line
from dmtui.ui.widgets.cells import clip

REACTIONS_SHOWN = 12
"""Different emoji below one message."""
_LONGEST_EMOJI = 20
_QUOTED = 200
_FAILED = {
    ActKind.EDIT: "edit not sent",
    ActKind.REACTION: "reaction not sent",
    ActKind.REDACTION: "not deleted",
}
ACT_KEYS = " · x\xa0retry · d\xa0discard"


def quote_line(quote: Quote) -> str:
    """One line of what the message answers, and whether that is in a thread."""
    return f"╭ {'in a thread: ' if quote.thread else ''}{quoted(quote)}"


def quoted(quote: Quote) -> str:
    """Who said what."""
    if quote.kind is None:
        return "a message that is not loaded"
    return f"{'You' if quote.own else quote.sender_name}: {said(quote.kind, quote.body)}"


def said(kind: Kind, body: str) -> str:
    """The beginning of a message, in one line."""
    match kind:
        case Kind.REDACTED:
            return DELETED
        case Kind.UNDECRYPTABLE:
            return SEALED
        case _:
            return clean_line(body, _QUOTED)


def reactions_line(reactions: tuple[Reactions, ...]) -> str:
    """Each emoji with how often it was given, and whether by me."""
    parts = [_counted(each) for each in reactions[:REACTIONS_SHOWN]]
    more = len(reactions) - REACTIONS_SHOWN
    return "  ".join([*parts, f"and\xa0{more}\xa0more"] if more > 0 else parts)


def _counted(reactions: Reactions) -> str:
    mine = "\xa0(you\xa0…)" if reactions.waiting else "\xa0(you)" if reactions.mine else ""
    return f"{emoji_of(reactions)}\xa0{len(reactions.names)}{mine}"


def emoji_of(reactions: Reactions) -> str:
    """What was reacted with; some clients give pictures of their own by address."""
    if reactions.emoji.startswith("mxc://"):
        return "(picture)"
    return clip(reactions.emoji, _LONGEST_EMOJI).replace(" ", "\xa0")


def act_note(act: Act) -> str:
    """What could not be done, why, and what can be done about it."""
    reason = f": {act.failure}" if act.failure else ""
    return f"✗ {_FAILED[act.kind]}{reason}{ACT_KEYS}"


def under_way(message: Message) -> SendState:
    """How far a message of mine is, or what I do to it."""
    states = {act.state for act in message.acts if act.kind is not ActKind.REACTION}
    moving = (SendState.SENDING, SendState.QUEUED)
    return next((state for state in moving if state in states), message.state)
