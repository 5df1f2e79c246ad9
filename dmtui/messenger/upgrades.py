"""Upgraded direct rooms: found in the store, followed, and folded into their conversation."""

from __future__ import annotations

from dmtui.core.intents import FollowUpgrade
from dmtui.core.ports import Homeserver
from dmtui.messenger.journal import Journal, Settlement
from dmtui.messenger.ledger import Ledger


class Upgrades:
    """Writes down :class:`FollowUpgrade` for each direct room with a successor I am not in."""

    def __init__(self, ledger: Ledger, journal: Journal):
        self._ledger = ledger
        self._journal = journal

    async def run(self) -> None:
        """Watch for ever."""


async def follow_upgrade(
    intent: FollowUpgrade, homeserver: Homeserver, ledger: Ledger
) -> Settlement:
    """Join the successor, ask the person in with the flag, and list it once."""
    raise NotImplementedError
