"""What the user's acts are carried out with: messenger, questions, notices, opening a chat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from textual.screen import Screen

    from dmtui.core.model import Conversation, UserId
    from dmtui.messenger.messenger import Messenger

Result = TypeVar("Result")


class Ask(Protocol):
    """Shows a screen and waits until it is answered; Esc gives what the screen says it gives."""

    def __call__(self, screen: Screen[Result], /) -> Awaitable[Result]: ...


@dataclass(frozen=True, slots=True)
class Hands:
    """``tell`` shows one line in passing; ``open`` shows a conversation, once there is one."""

    messenger: Messenger
    ask: Ask
    tell: Callable[[str], None]
    open: Callable[[UserId], None]


PersonAct: TypeAlias = "Callable[[Hands, Conversation], Awaitable[None]]"
"""Something done to one row of the people list."""

GeneralAct: TypeAlias = "Callable[[Hands], Awaitable[None]]"
"""Something done to nobody in particular."""
