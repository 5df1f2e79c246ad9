"""Answers to invites, carried out."""

from __future__ import annotations

import contextlib

from dmtui.core.errors import FarTrouble, Forbidden, NotFound, Refused
from dmtui.core.intents import Accept, Decline, DirectAction, EditDirect, Outcome
from dmtui.core.ports import Homeserver
from dmtui.messenger.journal import Settlement
from dmtui.messenger.ledger import Ledger

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
    """Leave; an invite that ended by itself is declined as well."""
    with contextlib.suppress(NotFound, Forbidden):
        await homeserver.leave(intent.room_id)
    await ledger.write(ledger.store.drop_invite, intent.room_id)
    return Outcome(ok=True, room_id=intent.room_id), ()
