"""People as I have arranged them: petname, pin, mute, archive; here at once, then on the server."""

from __future__ import annotations

from dmtui.core.intents import ArrangeContact
from dmtui.core.model import Milliseconds, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.clock import Clock
from dmtui.messenger.journal import Journal, Settlement
from dmtui.messenger.ledger import Ledger


class Contacts:
    """Every change is in the store when the call returns, and on its way to the server."""

    def __init__(self, ledger: Ledger, journal: Journal, clock: Clock):
        self._ledger = ledger
        self._journal = journal
        self._clock = clock

    async def rename(self, user_id: UserId, petname: str) -> None:
        """Call the person so, on my devices alone; an empty name takes the petname away."""
        raise NotImplementedError

    async def pin(self, user_id: UserId, pinned: bool) -> None:
        """Keep the person at the top of the list, or no longer."""
        raise NotImplementedError

    async def archive(self, user_id: UserId, archived: bool) -> None:
        """Put the person away until they write again, or bring them back."""
        raise NotImplementedError

    async def mute(self, user_id: UserId, muted: bool, until: Milliseconds = 0) -> None:
        """Notify of nothing they write, until then (0: for good), or again of everything."""
        raise NotImplementedError

    async def run(self) -> None:
        """Watch for ever: mutes whose time is over, archived people who have written again."""


async def arrange_contact(
    intent: ArrangeContact, homeserver: Homeserver, ledger: Ledger
) -> Settlement:
    """Bring tags, push rules and account data to what the store has; touches nothing else."""
    raise NotImplementedError
