"""The key backup beside sync: new room keys go up after a while, missing ones are looked up.

One look-up is under way at a time, the newest wish first; what the backup does not have is not
asked for again for some minutes. Other devices of ours are asked after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

from dmtui.core.errors import DmtuiError, RateLimited, Recoverable, SignedOut
from dmtui.core.model import RoomId
from dmtui.core.recovery import Backup
from dmtui.matrix.key_backup import KeyBackup

log = logging.getLogger(__name__)

MISSING_REST = 300.0
"""Seconds until a key that the backup lacked is looked up again."""
LAST_CHANCE = 3.0
"""Seconds that closing may take to upload what is new."""
_LONGEST_DELAY = 10.0
_SHORTEST_REST = 5.0
_LONGEST_REST = 300.0
_REFUSED_REST = 600.0
_MOST_WANTED = 10_000
_FOUND_AT_ONCE = 20

Key = tuple[RoomId, str]


class OtherDevices(Protocol):
    """Who can be asked for what the backup does not have."""

    def want(self, room_id: RoomId, session_id: str, /) -> None:
        """The session's key is to be had nowhere else."""

    async def settle(self) -> None:
        """Ask; raises what the requests raise."""


def some_delay() -> float:
    """Seconds before new keys go up: several then go together, and devices take turns."""
    return random.uniform(0.0, _LONGEST_DELAY)  # noqa: S311 - nobody gains from guessing it


class BackupUpkeep:
    """Uploads and looks up in the background; :meth:`wake` begins it. ``now`` is in seconds."""

    def __init__(
        self,
        backup: KeyBackup,
        now: Callable[[], float] = time.monotonic,
        delay: Callable[[], float] = some_delay,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.backup = backup
        self._now = now
        self._delay = delay
        self._sleep = sleep
        self._tasks: list[asyncio.Task[None]] = []
        self._to_upload = asyncio.Event()
        self._to_look_up = asyncio.Event()
        self._connected_again = 0.0
        self._down = False
        self._at_work = 0
        self._wanted: dict[Key, bool] = {}  # the newest last; true if only the backup may help
        self._missing: dict[Key, float] = {}  # and until when they are not asked for again
        self._arrived: dict[Key, None] = {}
        self._judged: Backup | None = None
        self.arrived = asyncio.Event()
        """There is something for :meth:`take_arrived`."""
        self.others: OtherDevices | None = None

    # -- missing keys --
    @property
    def is_locked(self) -> bool:
        """Whether the recovery key would open a backup that may hold what is missing."""
        return self.backup.known is Backup.LOCKED

    def want(self, room_id: RoomId, session_id: str, refused: bool = False) -> None:
        """A message can't be read for want of this session's key.

        No device is asked for what its sender has ``refused`` to this one.
        """
        key = (room_id, session_id)
        if self._missing.get(key, 0.0) > self._now():
            return
        self._wanted.pop(key, None)
        self._wanted[key] = refused
        if len(self._wanted) > _MOST_WANTED:
            del self._wanted[next(iter(self._wanted))]
        self._to_look_up.set()

    def take_arrived(self) -> tuple[Key, ...]:
        """The (room, session) of which there is news to the reader; they are told once."""
        arrived, self._arrived = tuple(self._arrived), {}
        self.arrived.clear()
        return arrived

    def tell(self, keys: Iterable[Key], at_once: bool = True) -> None:
        """There is news of these to the reader."""
        self._arrived |= dict.fromkeys(keys)
        if self._arrived and (at_once or len(self._arrived) >= _FOUND_AT_ONCE):
            self.arrived.set()

    # -- in the background --
    @property
    def is_idle(self) -> bool:
        """Whether nothing is to be done until the next call of anything."""
        return not (self._to_upload.is_set() or self._to_look_up.is_set() or self._at_work)

    def wake(self) -> None:
        """There may be keys to upload, or the backup may have been opened."""
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._keep(self._to_upload, self._upload)),
                asyncio.create_task(self._keep(self._to_look_up, self._look_up)),
            ]
        self._to_upload.set()
        self._to_look_up.set()

    async def close(self) -> None:
        """End it all; what is not uploaded yet goes up if that takes seconds at most."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if not self._tasks or self._down or not self.backup.is_behind():
            return
        with contextlib.suppress(DmtuiError, TimeoutError):
            async with asyncio.timeout(LAST_CHANCE):
                await self.backup.upload()

    async def _keep(self, due: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work whenever it is due; rest after trouble."""
        rest = 0.0
        while True:
            await due.wait()
            due.clear()
            self._at_work += 1
            try:
                await work()
            except SignedOut:
                self._down = True
                return  # sync hears of it too, and says so
            except Recoverable as error:
                self._down = True
                asked = error.retry_after if isinstance(error, RateLimited) else 0.0
                rest = min(max(2 * rest, _SHORTEST_REST, asked), _LONGEST_REST)
                log.info("key backup waits: %s", type(error).__name__)
            except DmtuiError as error:
                rest = _REFUSED_REST
                log.warning("key backup: %s", type(error).__name__)
            else:
                self._down = False
                rest = 0.0
            finally:
                self._at_work -= 1
            if rest:
                await self._sleep(rest)
                due.set()

    async def _upload(self) -> None:
        await self._connect()
        if self.backup.is_behind():
            await self._sleep(self._delay())
            await self.backup.upload()

    async def _connect(self) -> None:
        """Have looked at the server's backup once; from time to time where none can be used."""
        if self.backup.known is None or (
            not self.backup.can_upload() and self._now() >= self._connected_again
        ):
            await self.backup.connect()
            self._connected_again = self._now() + _REFUSED_REST
            self._to_look_up.set()

    async def _look_up(self) -> None:
        if self.backup.known is not self._judged:  # what to say of a missing key depends on it
            self._judged = self.backup.known
            self._missing.clear()
            self.tell(self._wanted)
        if self.backup.known is Backup.ON:
            await self._look_into_backup()
        elif self.backup.known is not None:
            self._want_of_others(self._wanted)
        if self.others is not None:
            await self.others.settle()

    async def _look_into_backup(self) -> None:
        while self._wanted:
            key, refused = self._wanted.popitem()
            try:
                found = await self.backup.fetch(*key)
            except Recoverable:
                self._wanted.setdefault(key, refused)
                self.tell(())
                raise
            if not found:
                self._remember_missing(key)
                self._want_of_others({key: refused})
            self.tell([key] if found else [], at_once=not self._wanted)

    def _want_of_others(self, keys: Mapping[Key, bool]) -> None:
        for key, refused in keys.items():
            if self.others is not None and not refused:
                self.others.want(*key)

    def _remember_missing(self, key: Key) -> None:
        self._missing[key] = self._now() + MISSING_REST
        if len(self._missing) > _MOST_WANTED:
            del self._missing[next(iter(self._missing))]

    # -- on demand --
    async def restore(self, progress: Callable[[int, int], None]) -> int:
        """See ``ports.Homeserver.restore_keys``; what came is told at the end."""
        brought: list[Key] = []

        def note(keys: Sequence[Key]) -> None:
            brought.extend(keys)

        try:
            return await self.backup.restore(progress, note)
        finally:
            for key in brought:
                self._wanted.pop(key, None)
            self.tell(brought)

    async def upload(self) -> int:
        """See ``ports.Homeserver.back_up``."""
        if not self.backup.can_upload():
            await self.backup.connect()
        return await self.backup.upload()
