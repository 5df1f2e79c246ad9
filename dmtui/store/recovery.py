"""What the store keeps of recovery: which hint the user has seen, and a restore not yet done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from dmtui.core.events import Change
from dmtui.store.account import meta
from dmtui.store.database import Database
from dmtui.store.invites import set_meta
from dmtui.store.work import Work

_SEEN = "encryption-hint"
_RESTORE = "restore-keys"


class RecoveryRecords:
    """Two rows of ``meta``; no secrets."""

    def __init__(self, database: Database, write: Callable[[], AbstractContextManager[Work]]):
        self._database = database
        self._write = write

    def seen(self) -> str:
        """The state of which the user has seen the hint; empty at first."""
        with self._database.read() as connection:
            return meta(connection, _SEEN) or ""

    def mark_seen(self, state: str) -> frozenset[Change]:
        """The user has seen the hint about this state."""
        return self._set(_SEEN, state)

    def restore_wanted(self) -> bool:
        """Whether the keys of the backup are to be restored, and were not yet."""
        with self._database.read() as connection:
            return bool(meta(connection, _RESTORE))

    def want_restore(self, wanted: bool) -> frozenset[Change]:
        """Restore the keys of the backup, or no longer."""
        return self._set(_RESTORE, "yes" if wanted else "")

    def _set(self, name: str, value: str) -> frozenset[Change]:
        with self._write() as work:
            set_meta(work, name, value)
        return work.done
