"""How others see me: my name, and the status beside my presence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from dmtui.core.errors import NotFound, Refused
from dmtui.core.intents import Outcome, SetName, SetStatus
from dmtui.core.model import Safe, UserId
from dmtui.core.names import clean_line
from dmtui.core.ports import Homeserver
from dmtui.messenger.journal import Journal

LONGEST = 255
"""Characters of a name or a status."""


class OwnProfile:
    """A change outlives a crash; of several that wait, the last one is made."""

    def __init__(
        self, me: UserId, homeserver: Callable[[], Awaitable[Homeserver]], journal: Journal
    ):
        self._me = me
        self._homeserver = homeserver
        self._journal = journal

    async def name(self) -> Safe:
        """As the server has it, empty for none. Raises ``DmtuiError``."""
        try:
            return (await (await self._homeserver()).profile(self._me)).name
        except NotFound:
            return Safe("")

    async def status(self) -> Safe:
        """The same; empty also where the server keeps no presence."""
        try:
            return (await (await self._homeserver()).presence(self._me)).status
        except Refused:
            return Safe("")

    async def set_name(self, name: str) -> Outcome | None:
        """Have everybody see this name; ``None`` when it waits for the server."""
        return await self._do(SetName(clean_line(name, LONGEST)))

    async def set_status(self, words: str) -> Outcome | None:
        """Have this said beside my presence; ``None`` when it waits for the server."""
        return await self._do(SetStatus(clean_line(words, LONGEST)))

    async def _do(self, intent: SetName | SetStatus) -> Outcome | None:
        return await self._journal.outcome(await self._journal.add(intent))
