"""Files of the user's on their way into conversations: looked at, copied, queued, uploaded."""

from __future__ import annotations

import asyncio
import mimetypes
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from dmtui.core.attachments import described
from dmtui.core.errors import FileTrouble
from dmtui.core.events import Line, Sendable
from dmtui.core.model import (
    Attachment,
    AttachmentKind,
    Kind,
    Media,
    RoomId,
    Safe,
    TransactionId,
    UserId,
)
from dmtui.core.names import clean, clean_line
from dmtui.core.ports import Homeserver
from dmtui.messenger.clock import Clock, milliseconds
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.outgoing_files import OutgoingFiles, regular
from dmtui.messenger.relations import new_transaction
from dmtui.messenger.transfers import Transfers
from dmtui.pictures import sandbox
from dmtui.store.attachments import copies_of
from dmtui.store.store import Outgoing

LONGEST_CAPTION = 8 * 1024
_UNKNOWN = "application/octet-stream"
_THUMBNAIL_TYPE = "image/jpeg"
_KINDS = {
    "image": AttachmentKind.IMAGE,
    "audio": AttachmentKind.AUDIO,
    "video": AttachmentKind.VIDEO,
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that could be sent: what others would see of it; ``size`` is in bytes."""

    path: Path
    name: Safe
    size: int
    mimetype: str
    kind: AttachmentKind


def look(path: Path) -> Offer:
    """What the file is. Raises ``FileTrouble`` where it can't be read or is no file."""
    try:
        with regular(path) as file:
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        name = clean_line(str(path))
        raise FileTrouble(f"{name} can't be read: {error.strerror}.") from error
    mimetype = mimetypes.guess_type(path.name)[0] or _UNKNOWN
    kind = _KINDS.get(mimetype.partition("/")[0], AttachmentKind.FILE)
    return Offer(path, clean_line(path.name), size, mimetype, kind)


def _picture(path: Path, kind: str) -> Offer:
    found = look(path)
    name = clean_line(f"picture.{kind}")
    return replace(found, name=name, mimetype=f"image/{kind}", kind=AttachmentKind.IMAGE)


async def copied(files: OutgoingFiles, offer: Offer, caption: str) -> Attachment:
    """The file as it is to be sent, with a copy of our own; a picture with its thumbnail."""
    copy = await asyncio.to_thread(files.take, offer.path)
    size = await asyncio.to_thread(lambda: files.path(copy).stat().st_size)
    media = Media("", size=size, mimetype=offer.mimetype, copy=copy)
    attachment = Attachment(
        offer.kind, offer.name, media, caption=clean(caption.strip(), LONGEST_CAPTION)
    )
    if offer.kind is not AttachmentKind.IMAGE:
        return attachment
    thumbnail = files.fresh()
    found = await sandbox.measured(files.path(copy), files.path(thumbnail))
    if found is None:
        return attachment  # it is sent all the same
    media = replace(media, width=found.width, height=found.height)
    small = None
    if found.thumbnail is not None:
        width, height, length = found.thumbnail
        small = Media("", None, length, _THUMBNAIL_TYPE, width, height, copy=thumbnail)
    return replace(attachment, media=media, thumbnail=small)


def attaching(attachment: Attachment) -> Line:
    """The message of the attachment."""
    return Line(Kind.ATTACHMENT, described(attachment), attachment=attachment)


class Attaching:
    """Queues files, and has them uploaded before their messages are sent."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        files: OutgoingFiles,
        transfers: Transfers,
        queued: Callable[[], None],
    ):
        self._ledger = ledger
        self._clock = clock
        self._files = files
        self._transfers = transfers
        self._queued = queued

    async def offer(self, path: Path) -> Offer:
        """See :func:`look`."""
        return await asyncio.to_thread(look, path)

    async def grab(self) -> Offer:
        """The picture in the clipboard; ``FileTrouble`` says why there is none.

        It is on disk until :meth:`let_go`.
        """
        name = self._files.passing()
        file = self._files.path(name)
        with self._files.dropped_on_failure(name):
            if why := await sandbox.grabbed(file):
                raise FileTrouble(why)
            return await asyncio.to_thread(_picture, file, "png")

    async def pasted(self, kind: str, content: bytes) -> Offer:
        """A picture of this kind (``png``), of which there is no file; else as :meth:`grab`."""
        if not content:
            raise FileTrouble("The picture that was pasted is empty.")
        name = self._files.passing()
        with self._files.dropped_on_failure(name):
            await asyncio.to_thread(self._files.write, name, content)
            return await asyncio.to_thread(_picture, self._files.path(name), kind)

    async def let_go(self, offer: Offer) -> None:
        """It is sent, or not wanted."""
        await asyncio.to_thread(self._files.drop, (offer.path.name,))

    async def send(
        self, user_id: UserId, room_id: RoomId, offer: Offer, caption: str, answers: str = ""
    ) -> TransactionId:
        """Queue the file; returns once its copy and the message are on disk. ``FileTrouble``."""
        attachment = await copied(self._files, offer, caption)
        transaction_id = new_transaction()
        await self._ledger.write(
            self._ledger.store.queue_message,
            user_id,
            room_id,
            transaction_id,
            attaching(attachment),
            milliseconds(self._clock),
            answers=answers,
            keep_draft=True,
        )
        self._queued()
        return transaction_id

    async def sweep(self) -> None:
        """Drop copies that no message needs any more."""
        store = self._ledger.store
        await asyncio.to_thread(lambda: self._files.sweep(store.copies()))

    async def drop(self, attachment: Attachment | None) -> None:
        """Its message is sent or thrown away: drop its copies."""
        if attachment is not None:
            await asyncio.to_thread(self._files.drop, copies_of(attachment))

    # -- for the outbox --

    async def uploaded(self, homeserver: Homeserver, outgoing: Outgoing) -> Sendable:
        """What is to be sent, its file in the media repository; that is done once.

        Raises ``DmtuiError``, ``GivenUp`` if the user ends it.
        """
        content = outgoing.content
        if not isinstance(content, Line) or content.attachment is None:
            return content
        attachment = content.attachment
        if _is_there(attachment.media, outgoing.encrypted):
            return content
        ready = await self._transfers.carry_out(
            outgoing.transaction_id,
            outgoing.user_id,
            True,
            lambda told: self._upload(homeserver, outgoing, attachment, told),
        )
        mark = self._ledger.store.mark_uploaded
        await self._ledger.write(mark, outgoing.transaction_id, ready)
        return replace(content, attachment=ready)

    async def _upload(
        self,
        homeserver: Homeserver,
        outgoing: Outgoing,
        attachment: Attachment,
        told: Callable[[int, int], None],
    ) -> Attachment:
        room_id, encrypted = outgoing.room_id, outgoing.encrypted

        async def up(media: Media, tell: Callable[[int, int], None]) -> Media:
            file = str(self._files.path(media.copy))
            return await homeserver.upload(room_id, file, media, encrypted, tell)

        thumbnail = attachment.thumbnail
        if thumbnail is not None:
            thumbnail = await up(thumbnail, lambda _, __: None)
        return replace(attachment, media=await up(attachment.media, told), thumbnail=thumbnail)


def _is_there(media: Media, encrypted: bool) -> bool:
    """A file that was uploaded before the chat was encrypted has to go up once more."""
    return bool(media.uri) and (media.key is not None or not encrypted)
