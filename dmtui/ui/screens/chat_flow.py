"""Start Chat as a conversation with the user: ask what has to be asked, then open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from dmtui.core.errors import DmtuiError
from dmtui.messenger.results import (
    Consent,
    Failed,
    Ignored,
    InvitedAlready,
    Opened,
    PersonLeft,
    StartChatResult,
    Unencrypted,
    Unmarked,
    Unverified,
    Waiting,
)
from dmtui.ui.screens.confirm import CANCEL, Choice, Question

if TYPE_CHECKING:
    from dmtui.core.model import Invite, UserId
    from dmtui.messenger.messenger import Messenger

Ask: TypeAlias = Callable[[Question[Consent]], Awaitable[Consent | None]]
Tell: TypeAlias = Callable[[str], None]


async def begin_chat(messenger: Messenger, user_id: UserId, ask: Ask, tell: Tell) -> UserId | None:
    """The person whose conversation is to be opened; ``None`` when there is nothing to open.

    Once asked for, the chat is started even if the dialog is closed meanwhile.
    """
    consent = Consent()
    while True:
        try:
            result = await asyncio.shield(messenger.start_chat(user_id, consent))
        except DmtuiError as error:
            tell(str(error))
            return None
        match result:
            case Opened():
                return result.user_id
            case InvitedAlready():
                return await _accept(messenger, result.invite, ask, tell)
            case Waiting() | Failed():
                tell(result.why)
                return None
        answer = await ask(question(result, consent))
        if answer is None:
            tell("Nothing was started.")
            return None
        consent = answer


def question(result: StartChatResult, consent: Consent) -> Question[Consent]:
    """What to ask before trying again; each answer is the consent to try with."""
    title, text, choices = _asked(result, consent)
    return Question(title, text, (CANCEL, *choices), unasked=True)


def _asked(
    result: StartChatResult, consent: Consent
) -> tuple[str, str, tuple[Choice[Consent], ...]]:
    """Title, text, and what can be agreed to."""
    match result:
        case PersonLeft(user_id):
            text = "Invite them back to it, or begin a new one? The old messages stay either way."
            back = Choice("i", "Invite back", replace(consent, invite_back=True))
            anew = Choice("n", "New chat", replace(consent, anew=True))
            return f"{user_id} left this chat", text, (back, anew)
        case Unmarked(user_id):
            text = "You two are alone in a room that was never marked as a direct chat: use it?"
            use = Choice("u", "Use it as the chat", replace(consent, adopt=True))
            new = Choice("n", "New chat", replace(consent, fresh=True))
            return f"An old room with {user_id}", text, (use, new)
        case Unverified(user_id, why):
            label = "Invite anyway" if consent.invite_back else "Start the chat anyway"
            start = Choice("s", label, replace(consent, unverified=True))
            return f"{user_id} can't be verified", why, (start,)
        case Ignored(user_id, why):
            hear = Choice("s", "Stop ignoring and chat", replace(consent, stop_ignoring=True))
            return f"You ignore {user_id}", why, (hear,)
        case Unencrypted(user_id, why):
            plain = Choice("s", "Start without encryption", replace(consent, unencrypted=True))
            return f"Without encryption: {user_id}", why, (plain,)
        case _:
            raise AssertionError(result)


async def _accept(messenger: Messenger, invite: Invite, ask: Ask, tell: Tell) -> UserId | None:
    wanted = await ask(
        Question(
            f"{invite.inviter_name or invite.inviter} has invited you already",
            "Accept that invite? Both of you are then in the same chat.",
            (
                CANCEL,
                Choice("a", "Accept and chat", Consent()),
            ),
            unasked=True,
        )
    )
    if wanted is None:
        tell("Nothing was started; the request stays listed.")
        return None
    try:
        outcome = await messenger.accept(invite.room_id)
    except DmtuiError as error:
        tell(str(error))
        return None
    if outcome is None:
        tell("Accepted as soon as the homeserver answers.")
        return None
    if not outcome.ok:
        tell(outcome.message)
        return None
    return invite.inviter
