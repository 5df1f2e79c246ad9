"""The account's encryption as the app follows it: known, waited for, restored in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import TypeVar

from dmtui.core.errors import DmtuiError, Recoverable, SignedOut, StoreTrouble
from dmtui.core.events import EncryptionChanged
from dmtui.core.model import PersonDevice
from dmtui.core.ports import Homeserver
from dmtui.core.recovery import Backup, Encryption, Identity
from dmtui.core.safekeeping import KeyPlace
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.line import Line
from dmtui.messenger.recovery import Recovery

T = TypeVar("T")

_HINTED = (Identity.NONE, Identity.UNFINISHED, Identity.LOCKED)


@dataclass(frozen=True, slots=True)
class Restoring:
    """How many of how many room keys are done; ``of`` is 0 while that is not known."""

    done: int = 0
    of: int = 0


class EncryptionCare:
    """Acts go on when their caller is gone, and wait for a homeserver that can't be reached.

    ``known`` and ``device`` are as last seen, ``None`` before; ``trouble`` says in one line why
    nothing is known, or what is waited for; ``doing`` what the user asked for and is under way, and
    ``ended`` how what nobody waits for ended.
    ``heal`` decrypts what could not be read so far. ``key_place`` is for who makes the messenger
    to set, and is where the key to all secrets on this computer lies.
    """

    def __init__(
        self,
        recovery: Recovery,
        ledger: Ledger,
        line: Line,
        heal: Callable[[Homeserver], Awaitable[None]],
    ):
        self._recovery = recovery
        self._ledger = ledger
        self._line = line
        self._heal = heal
        self._tasks: set[asyncio.Task[object]] = set()
        self._restore_wanted = asyncio.Event()
        self.known: Encryption | None = None
        self.device: PersonDevice | None = None
        self.trouble = ""
        self.restoring: Restoring | None = None
        self.doing = ""
        self.ended = ""
        self.key_place: KeyPlace | None = None

    # -- in the background --

    async def run(self, homeserver: Homeserver) -> None:
        """Find out where it stands, and restore keys whenever that is wanted."""
        try:
            if self._ledger.store.recovery.restore_wanted():
                self._restore_wanted.set()
            await self._until_settled(self._look_once)
            self.device = await homeserver.this_device()
            self._tell()
            while True:
                await self._restore_wanted.wait()
                self._restore_wanted.clear()
                await self._restore(homeserver)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _until_settled(self, act: Callable[[], Awaitable[None]]) -> None:
        """Try until the server has answered; its refusal is an answer, too."""
        try:
            await self._through(act)
        except DmtuiError as error:
            self._tell(str(error))

    async def _restore(self, homeserver: Homeserver) -> None:
        want = self._ledger.store.recovery.want_restore
        self.restoring, self.ended = Restoring(), ""
        self._tell()
        try:
            new = await self._through(lambda: self._recovery.restore(self._progress))
            await self._ledger.write(want, False)
            self.ended = _said(new)
            await self._heal(homeserver)
            await self._look_once()
        except DmtuiError as error:
            self.ended = self.ended or f"Room keys were not restored: {error}"
            if not isinstance(error, StoreTrouble | SignedOut):
                await self._ledger.write(want, False)
        finally:
            self.restoring = None
            self._tell()

    def _progress(self, done: int, of: int) -> None:
        if self.restoring is not None:
            self.restoring = Restoring(done, of)
            self._tell(self.trouble)

    # -- what the user asks for; all raise DmtuiError, none of it because of the network --

    async def look(self) -> None:
        """Ask the server where it stands now."""
        await self._go_on(self._through(self._look_once))

    async def set_up(self, passphrase: str, password: str = "") -> str:
        """See ``Recovery.set_up``."""
        return await self._go_on(self._set_up(passphrase, password), "Setting up encryption")

    async def kept(self) -> None:
        """The user has the recovery key."""
        await self._go_on(self._keep())

    async def unlock(self, secret: str) -> None:
        """See ``Recovery.unlock``; the keys of the backup are restored thereafter."""
        await self._go_on(self._unlock(secret), "Unlocking")

    async def restore(self) -> None:
        """Begin to restore the keys of the backup; a crash puts it off."""
        await self._ledger.write(self._ledger.store.recovery.want_restore, True)
        self._restore_wanted.set()

    async def _look_once(self) -> None:
        self.known = await self._recovery.state()
        self._tell()

    async def _set_up(self, passphrase: str, password: str) -> str:
        key = await self._through(lambda: self._recovery.set_up(passphrase, password))
        await self._look_again()
        return key

    async def _keep(self) -> None:
        await self._recovery.kept()
        await self._look_again()

    async def _unlock(self, secret: str) -> None:
        await self._through(lambda: self._recovery.unlock(secret))
        await self._look_again()
        if self.known is None or self.known.backup is Backup.ON:
            await self.restore()

    async def _look_again(self) -> None:
        """What was done is done, even if the server does not tell now."""
        try:
            await self._look_once()
        except DmtuiError as error:
            self._tell(str(error))

    async def _through(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do it, again and again while the server can't be reached, saying so in one line."""
        attempts = 0
        while True:
            try:
                result = await act()
            except Recoverable as error:
                attempts += 1
                self._tell(f"{error} It goes on by itself.")
                await self._line.pause(error, attempts)
            except DmtuiError:
                self._tell()
                raise
            else:
                self._tell()
                return result

    async def _go_on(self, act: Coroutine[None, None, T], doing: str = "") -> T:
        """Wait for it; if nobody waits any more it goes on, and ``ended`` tells of trouble."""
        task = asyncio.ensure_future(act)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if doing:
            self.doing = doing
            task.add_done_callback(self._done)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(self._left_alone)
            raise

    def _done(self, _: asyncio.Task[T]) -> None:
        self.doing = ""
        self._tell(self.trouble)

    def _left_alone(self, task: asyncio.Task[T]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.ended = str(error)
            self._tell()

    def _tell(self, trouble: str = "") -> None:
        self.trouble = trouble
        self._ledger.publish(frozenset({EncryptionChanged()}))

    # -- the hint --

    @property
    def hint_due(self) -> bool:
        """Whether this device is to be confirmed, and the user has not been told of it yet."""
        known = self.known
        return (
            known is not None
            and known.identity in _HINTED
            and self._ledger.store.recovery.seen() != known.identity
        )

    async def hint_seen(self) -> None:
        """Say no more of it, as long as it stands so."""
        if self.hint_due and self.known is not None:
            await self._ledger.write(self._ledger.store.recovery.mark_seen, self.known.identity)
            self._tell(self.trouble)


def _said(new: int) -> str:
    match new:
        case 0:
            return "Nothing new in the key backup."
        case 1:
            return "1 room key is restored."
    return f"{new:,} room keys are restored."
