"""Answers to invites, carried out."""

from __future__ import annotations

import contextlib

from dmtui.core.errors import BadContent, FarTrouble, Forbidden, NotFound, Refused
from dmtui.core.intents import Accept, Decline, DirectAction, EditDirect, Outcome
from dmtui.core.model import UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.journal import Settlement
from dmtui.messenger.ledger import Ledger

M_IGNORED_USER_LIST = "m.ignored_user_list"
_DEAD = ("", "M_FORBIDDEN", "M_NOT_FOUND", "M_UNKNOWN")
GONE = "The invite is no longer available."
NOT_LET_IN = "Their homeserver does not let you in now. Try again later, or decline the invite."


async def accept(intent: Accept, homeserver: Homeserver, ledger: Ledger) -> Settlement:
    """Join; a direct chat is then recorded under the inviter. A dead invite is declined."""
    try:
        await _join(intent, homeserver)
    except (NotFound, Forbidden) as error:
        if error.errcode not in _DEAD:  # terms to agree to, say: the invite stands
            raise
        with contextlib.suppress(Refused):
            await homeserver.leave(intent.room_id)
        await ledger.write(ledger.store.drop_invite, intent.room_id)
        return Outcome(ok=False, message=GONE), ()
    outcome = Outcome(ok=True, room_id=intent.room_id)
    if not intent.direct:
        return outcome, ()
    return outcome, (EditDirect(DirectAction.ADD, intent.inviter, intent.room_id),)


async def _join(intent: Accept, homeserver: Homeserver) -> None:
    """Join; ``NotFound`` also where the other homeserver is there, but nobody is left in the room.

    Both that and a homeserver that is down end in ``FarTrouble``. Having found the inviter's
    profile, our homeserver takes theirs for well again, so that it does ask a second time.
    """
    try:
        await homeserver.join(intent.room_id)
        return
    except FarTrouble:
        pass
    try:
        await homeserver.profile(intent.inviter)
    except Refused as error:
        raise Refused(NOT_LET_IN) from error
    try:
        await homeserver.join(intent.room_id)
    except FarTrouble as error:
        raise NotFound(GONE, 404) from error


async def decline(intent: Decline, homeserver: Homeserver, ledger: Ledger) -> Settlement:
    """Leave; then ignore the inviter and decline what else they sent, if so wished."""
    with contextlib.suppress(NotFound, Forbidden):  # it ended by itself
        await homeserver.leave(intent.room_id)
    await ledger.write(ledger.store.drop_invite, intent.room_id)
    if not intent.ignore:
        return Outcome(ok=True, room_id=intent.room_id), ()
    await _ignore(intent.inviter, homeserver)
    others = tuple(
        Decline(invite.room_id, invite.inviter)
        for invite in ledger.store.invites()
        if invite.inviter == intent.inviter and invite.room_id != intent.room_id
    )
    return Outcome(ok=True, room_id=intent.room_id), others


async def _ignore(user_id: UserId, homeserver: Homeserver) -> None:
    content = await homeserver.account_data(M_IGNORED_USER_LIST) or {}
    ignored = content.get("ignored_users", {})
    if not isinstance(ignored, dict):
        raise BadContent(
            "The list of ignored people on the server is malformed; nobody was ignored."
        )
    if user_id not in ignored:
        updated = {**content, "ignored_users": {**ignored, user_id: {}}}
        await homeserver.set_account_data(M_IGNORED_USER_LIST, updated)
