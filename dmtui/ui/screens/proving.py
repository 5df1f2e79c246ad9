"""Doing what the homeserver does only for who proves to be the user: by password or on the web."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from dmtui.core.errors import ApprovalNeeded, PasswordNeeded
from dmtui.ui.screens.recovery_steps import Approval, Password

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dmtui.ui.screens.hands import Hands

T = TypeVar("T")


async def proved(hands: Hands, before: str, act: Callable[[str], Awaitable[T]]) -> T | None:
    """What ``act`` gives for the password, empty at first; ``None``: the user has given up.

    ``before`` ends the sentence that says what the password is wanted for. Raises what else
    ``act`` raises.
    """
    password, approvals = "", 0
    while True:
        try:
            return await act(password)
        except PasswordNeeded:
            notice = "The homeserver does not take this password." if password else ""
            given = await hands.ask(Password(hands.messenger.me, before, notice))
            if given is None:
                return None
            password = given
        except ApprovalNeeded as error:
            notice = "The homeserver does not know of it yet." if approvals else ""
            approvals += 1
            if not await hands.ask(Approval(error.url, notice)):
                return None
