"""What the user can wish of one message, and of which messages each can be wished."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from textual.message import Message as Posted

from dmtui.core.attachments import VIEWABLE
from dmtui.core.model import Kind, Message, SendState


class Wish(Posted):
    """Something is to be done about one message."""

    def __init__(self, message: Message) -> None:
        super().__init__()
        self.message = message


class Choose(Wish):
    """Enter was pressed on a message, or it was double-clicked."""


class Retry(Wish):
    """A failed message is to be sent again."""


class Discard(Wish):
    """A message that was not sent, or what could not be done to it, is to be thrown away."""


class Edit(Wish):
    """A message of ours is to be edited."""


class Reply(Wish):
    """A message is to be answered."""


class React(Wish):
    """A message is to be reacted to."""


class Delete(Wish):
    """A message of ours is to be deleted for everybody."""


class Original(Wish):
    """The message that a message answers is to be gone to."""


class Save(Wish):
    """A message's file is to be saved."""


class Open(Wish):
    """A message's file is to be opened by another program."""


class View(Wish):
    """A message's image is to be looked at."""


class End(Wish):
    """A file is not to be fetched or sent any further."""


class Copy(Wish):
    """A message's text is to be copied."""


class Link(Wish):
    """A link in a message is to be opened."""


class Reveal(Wish):
    """What is hidden in a message is to be shown, or hidden again."""


def of_key(key: str, message: Message) -> Wish | None:
    """What a key of the timeline means on this message; ``None`` where it means nothing."""
    return next((kind(message) for kind, fits in _MEANINGS[key] if fits(message)), None)


def idle(message: Message) -> frozenset[str]:
    """The keys that mean nothing on this message, or nothing one would look for."""
    idle = {key for key in _MEANINGS if of_key(key, message) is None}
    attachment = message.attachment
    if attachment is None:
        return frozenset({*idle, "reveal"})
    return frozenset(idle | {"edit"} if attachment.kind in VIEWABLE else idle | {"edit", "view"})


def _any(_message: Message) -> bool:
    return True


def _said(message: Message) -> bool:
    return message.kind is not Kind.REDACTED


def _lives(message: Message) -> bool:
    return message.lives


def _own(message: Message) -> bool:
    return message.own and message.lives


def _reply(message: Message) -> bool:
    return message.quote is not None


def _file(message: Message) -> bool:
    return message.kind is Kind.ATTACHMENT


def _under_way(message: Message) -> bool:
    return message.transfer is not None


def _failed(message: Message) -> bool:
    return message.state is SendState.FAILED or message.failed_act is not None


def _unsent(message: Message) -> bool:
    return _failed(message) or message.state is SendState.QUEUED


_Meaning: TypeAlias = "tuple[type[Wish], Callable[[Message], bool]]"

_MEANINGS: Mapping[str, tuple[_Meaning, ...]] = MappingProxyType(
    {
        "choose": ((Choose, _any),),
        "reply": ((Reply, _lives),),
        "react": ((React, _lives),),
        "original": ((Original, _reply),),
        "copy": ((Copy, _said),),
        "view": ((View, _file),),
        "retry": ((Retry, _failed),),
        "discard": ((End, _under_way), (Discard, _unsent), (Delete, _own)),
        "edit": ((Edit, _own),),
        "open": ((Open, _file), (Link, _any)),
        "reveal": ((Save, _file), (Reveal, _any)),
    }
)
