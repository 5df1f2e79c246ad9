"""Attachments saved to files of the user's, under names that no sender can abuse."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

from dmtui.core.attachments import file_name, numbered
from dmtui.core.errors import FileTrouble
from dmtui.core.images import Canvas, Drawn
from dmtui.core.model import Attachment, Media, Message, Pixels, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.transfers import Transfers
from dmtui.pictures import sandbox

LARGEST = 2 * 1024 * 1024 * 1024
"""Bytes: nothing larger is saved."""

LARGEST_IMAGE = 64 * 1024 * 1024
"""Bytes: nothing larger is looked at."""

MOST_PIXELS = (320, 200)
"""Wide and high: more than a terminal shows in half blocks."""

_SHARP = 10 * 1024 * 1024
_STALE = 24 * 60 * 60.0
_PART = ".dmtui-{}.part"
_MOST_ALIKE = 10_000


class Saving:
    """Downloads what the user asks for, and nothing else; ``directory`` is where it goes."""

    def __init__(
        self,
        homeserver: Callable[[], Awaitable[Homeserver]],
        transfers: Transfers,
        directory: Path,
    ):
        self._homeserver = homeserver
        self._transfers = transfers
        self._directory = directory
        self._saved: dict[str, Path] = {}

    async def save(self, user_id: UserId, message: Message) -> Path:
        """Where the file is now; under its own name only once it is whole and genuine.

        Raises ``DmtuiError``, ``GivenUp`` if the user ends it; no part of it is left then.
        """
        attachment = _attachment(message)
        part = self._directory / _PART.format(secrets.token_hex(8))
        await asyncio.to_thread(_prepare, self._directory)
        try:
            await self._fetch(user_id, message.key, attachment.media, part, LARGEST)
            saved = await asyncio.to_thread(_name, part, attachment)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)
        self._saved[message.key] = saved
        return saved

    async def look(
        self, user_id: UserId, message: Message, canvas: Canvas | None = None
    ) -> tuple[Pixels, Drawn | None] | None:
        """The image in pixels, and as the terminal draws it on the canvas, if it is given one.

        ``None`` where it can't be decoded within bounds. Nothing of it stays on disk. Raises
        ``DmtuiError``, ``GivenUp``.
        """
        attachment = _attachment(message)
        media = attachment.media
        if attachment.thumbnail is not None and (canvas is None or not _is_quick(media)):
            media = attachment.thumbnail
        with tempfile.TemporaryDirectory(prefix="dmtui-") as directory:
            file = Path(directory) / "image"
            await self._fetch(user_id, message.key, media, file, LARGEST_IMAGE)
            found = await sandbox.pixels(file, *MOST_PIXELS)
            if found is None:
                return None
            return found, None if canvas is None else await sandbox.drawn(file, canvas)

    async def _fetch(self, user_id: UserId, key: str, media: Media, file: Path, limit: int) -> None:
        if not media.uri:
            raise FileTrouble("The file is not uploaded yet.")
        homeserver = await self._homeserver()
        await self._transfers.carry_out(
            key, user_id, False, lambda told: homeserver.download(media, str(file), limit, told)
        )

    async def saved(self, message: Message) -> Path | None:
        """Where the message's file was saved in this run, if it still is there."""
        path = self._saved.get(message.key)
        there = path is not None and await asyncio.to_thread(path.is_file)
        return path if there else None


def _is_quick(media: Media) -> bool:
    """Whether the image itself is looked at, and not its thumbnail."""
    return media.size is not None and media.size <= _SHARP


def _attachment(message: Message) -> Attachment:
    if message.attachment is None:
        raise FileTrouble("There is no file in this message that could be fetched.")
    return message.attachment


def _prepare(directory: Path) -> None:
    """Make the directory, and sweep out what a run that was killed has left there."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileTrouble(f"{directory} can't be made: {error.strerror}.") from error
    with contextlib.suppress(OSError):
        for left in directory.glob(_PART.format("*")):
            if time.time() - left.stat().st_mtime > _STALE:
                left.unlink()


def _name(part: Path, attachment: Attachment) -> Path:
    """Give the file a name that no other has; what is there is never written over."""
    name = file_name(attachment.name)
    for number in count():
        target = part.with_name(numbered(name, number))
        try:
            _move(part, target)
        except FileExistsError:
            if number >= _MOST_ALIKE:
                raise FileTrouble("There are too many files of this name.") from None
        except OSError as error:
            raise FileTrouble(f"The file can't be named: {error.strerror}.") from error
        else:
            return target
    raise AssertionError


def _move(part: Path, target: Path) -> None:
    """Rename, but never over another file: a link where there can be one, else a placeholder."""
    try:
        target.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # no such links here
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        part.replace(target)
