"""Answers to invites, carried out."""

from __future__ import annotations

import asyncio
import contextlib

from dmtui.core.direct import read_direct
from dmtui.core.errors import FarTrouble, Forbidden, NotFound, Refused
from dmtui.core.intents import Accept, Decline, DirectAction, EditDirect, Outcome, Report
from dmtui.core.ports import Homeserver
from dmtui.messenger.journal import Settlement
from dmtui.messenger.ledger import Ledger

_DEAD = ("", "M_FORBIDDEN", "M_NOT_FOUND", "M_UNKNOWN")
GONE = "The invite is no longer available."
NOT_LET_IN = "Their homeserver does not let you in now. Try again later, or decline the invite."
UNKNOWN_SENDER = "The invite does not say who sent it."
NO_REPORTS = "Your homeserver takes no reports."

DECLINED_AT_ONCE = 4
"""How many of a flood of invites are declined at the same time."""


class Answers:
    """Joins, declines and reports what somebody has invited me to."""

    def __init__(self, homeserver: Homeserver, ledger: Ledger):
        self._homeserver = homeserver
        self._ledger = ledger
        self._declining = asyncio.Semaphore(DECLINED_AT_ONCE)

    async def accept(self, intent: Accept) -> Settlement:
        """Join; a direct chat is then recorded under the inviter, an ordinary room under nobody.

        A dead invite is declined.
        """
        try:
            await self._join(intent)
        except (NotFound, Forbidden) as error:
            if error.errcode not in _DEAD:  # terms to agree to, say: the invite stands
                raise
            with contextlib.suppress(Refused):
                await self._homeserver.leave(intent.room_id)
            await self._ledger.write(self._ledger.store.drop_invite, intent.room_id)
            return Outcome(ok=False, message=GONE), ()
        return Outcome(ok=True, room_id=intent.room_id), self._records(intent)

    def _records(self, intent: Accept) -> tuple[EditDirect, ...]:
        """What ``m.direct`` is to say of the room from now on."""
        room_id = intent.room_id
        if intent.direct:
            add = EditDirect(DirectAction.ADD, intent.inviter, room_id)
            return (add,) if intent.inviter else ()  # it was listed already
        listed = read_direct(self._ledger.store.direct() or {})
        return tuple(
            EditDirect(DirectAction.REMOVE, user_id, room_id)
            for user_id, rooms in listed.items()
            if room_id in rooms
        )

    async def _join(self, intent: Accept) -> None:
        """Join; ``NotFound`` also where their homeserver is there, but nobody is left in the room.

        Both that and a homeserver that is down end in ``FarTrouble``. Having found the inviter's
        profile, our homeserver takes theirs for well again, so that it does ask a second time.
        """
        try:
            await self._homeserver.join(intent.room_id)
            return
        except FarTrouble:
            pass
        try:
            await self._homeserver.profile(intent.inviter)
        except Refused as error:
            raise Refused(NOT_LET_IN) from error
        try:
            await self._homeserver.join(intent.room_id)
        except FarTrouble as error:
            raise NotFound(GONE, 404) from error

    async def decline(self, intent: Decline) -> Settlement:
        """Leave; an invite that ended by itself is declined as well."""
        async with self._declining:
            with contextlib.suppress(NotFound, Forbidden):
                await self._homeserver.leave(intent.room_id)
        await self._ledger.write(self._ledger.store.drop_invite, intent.room_id)
        return Outcome(ok=True, room_id=intent.room_id), ()

    async def report(self, intent: Report) -> Settlement:
        """Report the person and the room; servers of before v1.13 and v1.14 take no such reports.

        Client-server API, "Reporting Content".
        """
        reported = 0
        if intent.user_id:
            with contextlib.suppress(NotFound):
                await self._homeserver.report_user(intent.user_id, intent.reason)
                reported += 1
        with contextlib.suppress(NotFound):
            await self._homeserver.report_room(intent.room_id, intent.reason)
            reported += 1
        if not reported:
            return Outcome(ok=False, message=NO_REPORTS), ()
        return Outcome(ok=True), ()
