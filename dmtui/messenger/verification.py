"""Verifying people and own devices: what goes on, and what the user does about it.

Only people with whom there is a chat are listened to, so that no stranger can ask for attention.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from dmtui.core.errors import DmtuiError
from dmtui.core.events import VerificationChanged
from dmtui.core.model import RoomId, UserId
from dmtui.core.ports import Homeserver
from dmtui.core.recovery import Backup, Identity
from dmtui.core.verification import Phase, Verification
from dmtui.messenger.encryption import EncryptionCare
from dmtui.messenger.ledger import Ledger

_URGENT = (
    *(Phase.SCANNED, Phase.COMPARING, Phase.CONFIRMED),
    *(Phase.AGREEING, Phase.READY, Phase.ASKED, Phase.ASKING),
)


class VerificationDesk:
    """Acts raise what ``ports.Homeserver`` says of them."""

    def __init__(
        self,
        me: UserId,
        homeserver: Callable[[], Awaitable[Homeserver]],
        ledger: Ledger,
        care: EncryptionCare,
    ):
        self._me = me
        self._homeserver = homeserver
        self._ledger = ledger
        self._care = care
        self._known: tuple[Verification, ...] = ()
        self._ended: list[Verification] = []

    async def run(self, homeserver: Homeserver) -> None:
        """Follow what the device tells."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._take(homeserver)
                vouched = any(one.own and one.phase is Phase.DONE for one in self._known)
                if vouched and self._is_locked():
                    tasks.create_task(self._look())

    def _is_locked(self) -> bool:
        known = self._care.known
        if known is None:
            return False
        return known.identity is Identity.LOCKED or known.backup is Backup.LOCKED

    async def _look(self) -> None:
        """The other device may have handed its secrets over: then there is more to read."""
        try:
            await self._care.look()
            known = self._care.known
            if known is not None and known.backup is Backup.ON:
                await self._care.restore()
        except DmtuiError:
            return  # it is told where encryption is shown

    async def _take(self, homeserver: Homeserver) -> None:
        before = {one.id: one for one in self._known}
        self._known = await homeserver.verification_news()
        self._ended += [one for one in self._known if _has_ended(before.get(one.id), one)]
        self._ledger.publish(frozenset({VerificationChanged()}))

    def current(self) -> Verification | None:
        """The one that most wants the user, of those not over."""
        going = [one for one in self._known if not one.over and self._is_welcome(one)]
        return min(going, key=lambda one: _URGENT.index(one.phase), default=None)

    def take_ended(self) -> tuple[Verification, ...]:
        """Those that I took part in and that have ended since this was asked last."""
        ended, self._ended = tuple(self._ended), []
        return ended

    def find(self, identifier: str) -> Verification | None:
        """This one, over or not."""
        return next((one for one in self._known if one.id == identifier), None)

    def _is_welcome(self, one: Verification) -> bool:
        store = self._ledger.store
        if one.own or not one.incoming:
            return True
        return bool(store.conversations([one.user_id])) and not store.ignores(one.user_id)

    async def request(self, user_id: UserId) -> str:
        """Ask the person in the chat with them, or, for myself, my other devices; its ID.

        Raises ``LookupError`` without a chat.
        """
        homeserver = await self._homeserver()
        return await homeserver.request_verification(user_id, self._room(user_id))

    def _room(self, user_id: UserId) -> RoomId | None:
        if user_id == self._me:
            return None
        found = self._ledger.store.conversations([user_id])
        if not found:
            raise LookupError(user_id)
        return found[0].room_id

    async def accept(self, identifier: str) -> None:
        """Take part."""
        await (await self._homeserver()).accept_verification(identifier)

    async def start(self, identifier: str) -> None:
        """Begin to compare rather than wait for the other side."""
        await (await self._homeserver()).start_verification(identifier)

    async def confirm(self, identifier: str) -> None:
        """Both sides show the same, or the other one that its scan worked."""
        await (await self._homeserver()).confirm_verification(identifier)

    async def mismatch(self, identifier: str) -> None:
        """They do not."""
        await (await self._homeserver()).mismatch_verification(identifier)

    async def cancel(self, identifier: str) -> None:
        """Refuse it or give it up."""
        await (await self._homeserver()).cancel_verification(identifier)


def _has_ended(before: Verification | None, now: Verification) -> bool:
    if before is None or before.over or not now.over:
        return False
    return before.phase is not Phase.ASKED
