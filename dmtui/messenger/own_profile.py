"""How others see me: my name, my picture, and my presence with the status beside it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from dmtui.core.errors import FileTrouble, NotFound, Refused
from dmtui.core.intents import (
    Outcome,
    ProfileWish,
    SetName,
    SetPicture,
    SetPresence,
    SetStatus,
)
from dmtui.core.model import Availability, Presence, Profile, Safe, UserId
from dmtui.core.names import clean_line
from dmtui.core.ports import Homeserver
from dmtui.messenger.journal import Journal
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.outgoing_files import OutgoingFiles, regular
from dmtui.pictures import sandbox

LONGEST = 255
"""Characters of a name or a status."""

NO_PICTURE = "This can't be your picture: it is damaged, too large, or no PNG, JPEG, GIF or WebP."


@dataclass(frozen=True, slots=True)
class Seen:
    """As the server has me; ``presence`` is ``None`` where it tells of none."""

    profile: Profile
    presence: Presence | None


class OwnProfile:
    """A change outlives a crash; of several that wait, the last one is made."""

    def __init__(
        self,
        me: UserId,
        homeserver: Callable[[], Awaitable[Homeserver]],
        ledger: Ledger,
        journal: Journal,
        files: OutgoingFiles,
    ):
        self._me = me
        self._homeserver = homeserver
        self._ledger = ledger
        self._journal = journal
        self._files = files

    async def seen(self) -> Seen:
        """As others see me now. Raises ``DmtuiError``."""
        homeserver = await self._homeserver()
        try:
            profile = await homeserver.profile(self._me)
        except NotFound:
            profile = Profile(self._me, Safe(""))
        try:
            return Seen(profile, await homeserver.presence(self._me))
        except Refused:
            return Seen(profile, None)

    @property
    def presence(self) -> Availability | None:
        """What dmtui says of me while it runs; ``None``: nothing."""
        return self._ledger.store.presence()

    async def set_name(self, name: str) -> Outcome | None:
        """Have everybody see this name; ``None`` when it waits for the server."""
        return await self._do(SetName(clean_line(name, LONGEST)))

    async def set_status(self, words: str) -> Outcome | None:
        """Have this said beside my presence; ``None`` when it waits for the server."""
        return await self._do(SetStatus(clean_line(words, LONGEST)))

    async def set_presence(self, availability: Availability | None) -> Outcome | None:
        """Be seen like this for as long as dmtui runs, now and when it is started again."""
        return await self._do(SetPresence(availability))

    async def set_picture(self, path: Path) -> Outcome | None:
        """Have everybody see this picture; ``FileTrouble`` where it is none.

        A smaller copy of it is made, with nothing in it but what is to be seen.
        """
        copy = self._files.fresh()
        await asyncio.to_thread(_check, path)
        with self._files.dropped_on_failure(copy):
            mimetype = await sandbox.portrait(path, self._files.path(copy))
            if mimetype is None:
                raise FileTrouble(NO_PICTURE)
        return await self._do(SetPicture(copy, mimetype))

    async def remove_picture(self) -> Outcome | None:
        """Have nobody see a picture of me; ``None`` when it waits for the server."""
        return await self._do(SetPicture(""))

    async def _do(self, intent: ProfileWish) -> Outcome | None:
        return await self._journal.outcome(await self._journal.add(intent))


def _check(path: Path) -> None:
    try:
        with regular(path) as file:
            os.fstat(file.fileno())
    except OSError as error:
        raise FileTrouble(f"{clean_line(str(path))} can't be read: {error.strerror}.") from error
