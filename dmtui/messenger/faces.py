"""Pictures of people, made small: fetched once in a run, and nothing of them stays on disk."""

from __future__ import annotations

import asyncio
import tempfile
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path

from dmtui.core.errors import DamagedFile, DmtuiError, Refused, SignedOut
from dmtui.core.model import Media, Pixels
from dmtui.core.ports import Homeserver
from dmtui.pictures import sandbox

LARGEST = 8 * 1024 * 1024
"""Bytes: no larger picture is fetched."""

PATIENCE = 30.0
"""Seconds for one picture to come."""

_KEPT = 64


class Faces:
    """What an ``mxc`` URI shows never changes, so that it is kept; a few are, and small."""

    def __init__(self, homeserver: Callable[[], Awaitable[Homeserver]]):
        self._homeserver = homeserver
        self._kept: OrderedDict[tuple[str, int], Pixels | None] = OrderedDict()
        self._turn = asyncio.Lock()

    async def picture(self, uri: str, side: int) -> Pixels | None:
        """The middle of the picture, ``side`` pixels square; ``None``: none that can be shown."""
        if not uri:
            return None
        async with self._turn:
            if (uri, side) in self._kept:
                self._kept.move_to_end((uri, side))
                return self._kept[uri, side]
            try:
                found = await self._fetch(uri, side)
            except SignedOut:
                return None
            except (DamagedFile, Refused):
                found = None  # for good
            except (DmtuiError, TimeoutError):
                return None
            self._kept[uri, side] = found
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return found

    async def _fetch(self, uri: str, side: int) -> Pixels | None:
        homeserver = await self._homeserver()
        with tempfile.TemporaryDirectory(prefix="dmtui-") as directory:
            file = Path(directory) / "picture"
            async with asyncio.timeout(PATIENCE):
                await homeserver.download(Media(uri), str(file), LARGEST, lambda _, __: None)
            return await sandbox.face(file, side)
