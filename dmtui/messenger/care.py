"""The user's care for ``m.direct``: the guard's alerts, and the doctor."""

from __future__ import annotations

from collections.abc import Sequence

from dmtui.core.doctor import Survey
from dmtui.core.guard import DirectTrouble, DirectVersion
from dmtui.core.intents import (
    DirectChange,
    ExamineDirect,
    Intent,
    Outcome,
    RepairDirect,
    RestoreDirect,
    UndoRepair,
)
from dmtui.messenger.journal import Journal
from dmtui.messenger.ledger import Ledger


class DirectCare:
    """Reads are quick; acts are written down first, and ``None`` means they wait for the server."""

    def __init__(self, ledger: Ledger, journal: Journal):
        self._ledger = ledger
        self._records = ledger.store.directs
        self._journal = journal

    # -- the guard --

    def trouble(self) -> DirectTrouble | None:
        """What another client has done to the map, until it is dealt with."""
        return self._records.trouble()

    def versions(self) -> tuple[DirectVersion, ...]:
        """The last 50 versions of the map, newest first."""
        return self._records.versions()

    async def mend(self) -> Outcome | None:
        """Merge back what was lost, and make undone edits again; what others added stays."""
        trouble = self.trouble()
        if trouble is None:
            return Outcome(ok=True)
        wishes: list[Intent] = [*trouble.undone]
        if trouble.lost:
            wishes.insert(0, RestoreDirect(trouble.versions))
        outcome: Outcome | None = None
        for entry in [await self._journal.add(wish) for wish in wishes]:
            outcome = await self._journal.outcome(entry)
            if outcome is None or not outcome.ok:
                break
        return outcome

    async def restore(self, version: int) -> Outcome | None:
        """Merge a stored version back in; what was added since stays."""
        return await self._do(RestoreDirect((version,)))

    async def leave_so(self) -> None:
        """The map is as the user wants it: no alert any more."""
        await self._ledger.write(self._records.dismiss_trouble)

    # -- the doctor --

    async def examine(self) -> Survey | None:
        """A fresh look at the map and its rooms; ``None`` when the server can't be asked now."""
        outcome = await self._do(ExamineDirect())
        return self._records.survey() if outcome is not None and outcome.ok else None

    async def repair(self, changes: Sequence[DirectChange]) -> Outcome | None:
        """Make the changes in one write."""
        return await self._do(RepairDirect(tuple(changes)))

    @property
    def can_undo(self) -> bool:
        """Whether there is a repair to take back."""
        return self._records.repair() is not None

    async def undo(self) -> Outcome | None:
        """Take the last repair back; what was changed since by others stays."""
        return await self._do(UndoRepair())

    async def _do(self, intent: Intent) -> Outcome | None:
        return await self._journal.outcome(await self._journal.add(intent))
