"""The media repository: files go up and come down in a stream, encrypted on their way.

Client-server API v1.18, "Content repository", authenticated and, for older servers, not.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Self

import aiohttp

from dmtui.core.attachments import size_words
from dmtui.core.errors import DamagedFile, FileTrouble, NotFound, Refused, ServerTrouble
from dmtui.core.model import Media
from dmtui.core.ports import Progress
from dmtui.matrix.answers import judge
from dmtui.matrix.client import Client, path
from dmtui.matrix.described import media_uri
from dmtui.matrix.file_cipher import Opening, Sealing
from dmtui.matrix.values import whole
from dmtui.matrix.wire import no_answer, read_body

_CHUNK = 64 * 1024
_LARGEST_ANSWER = 64 * 1024
_UPLOAD_PATIENCE = 60.0
_SLOWEST = 8 * 1024  # bytes per second: an upload that is slower is given up
_BINARY = "application/octet-stream"
_UNKNOWN = "M_UNRECOGNIZED"


class MediaRepository:
    """Uploads and downloads of one device."""

    def __init__(self, client: Client):
        self._client = client
        self._limit: int | None = None  # once it was asked for

    async def upload(self, file: str, media: Media, encrypted: bool, progress: Progress) -> Media:
        """See ``ports.Homeserver``."""
        sealing = Sealing() if encrypted else None
        with _Sending(Path(file), sealing, progress) as sending:
            await self._check(sending.size)
            answer = await self._post(sending, _BINARY if encrypted else media.mimetype or _BINARY)
        uri = media_uri(answer.get("content_uri"))
        if not uri:
            raise ServerTrouble("The homeserver did not confirm the file.")
        return replace(media, uri=uri, key=sealing.key if sealing else None)

    async def _post(self, sending: _Sending, mimetype: str) -> dict[str, object]:
        headers = {"Content-Type": mimetype, "Content-Length": str(sending.size)}
        response = await self._client.flow(
            "POST",
            "/_matrix/media/v3/upload",
            data=sending.chunks(),
            headers=headers,
            total=_UPLOAD_PATIENCE + sending.size / _SLOWEST,
        )
        return dict(await self._client.parse_body(response))

    async def _check(self, size: int) -> None:
        if self._limit is None:
            self._limit = await self._largest()
        if 0 < self._limit < size:
            words = f"The file has {size_words(size)}; the homeserver takes no more than"
            raise Refused(f"{words} {size_words(self._limit)}.", 413, "M_TOO_LARGE")

    async def _largest(self) -> int:
        """``m.upload.size``, 0 where the server sets none."""
        try:
            answer = await self._client.api("GET", path("media", "config", version="v1"))
        except Refused as error:
            if error.errcode != _UNKNOWN:
                raise
            answer = await self._client.api("GET", "/_matrix/media/v3/config")
        return whole(answer.get("m.upload.size")) or 0

    async def download(self, media: Media, file: str, limit: int, progress: Progress) -> None:
        """See ``ports.Homeserver``."""
        response = await self._opened(media.uri)
        try:
            total = response.content_length or media.size or 0
            _bound(total, limit)
            with _Receiving(Path(file), media) as receiving:
                async for chunk in response.content.iter_chunked(_CHUNK):
                    receiving.take(chunk)
                    _bound(receiving.size, limit)
                    progress(receiving.size, total)
                receiving.finish()
        except (aiohttp.ClientError, OSError) as error:
            raise no_answer(error, self._client.homeserver) from error
        finally:
            response.close()

    async def _opened(self, uri: str) -> aiohttp.ClientResponse:
        server, _, identifier = uri.removeprefix("mxc://").partition("/")
        try:
            return await self._get(path("media", "download", server, identifier, version="v1"))
        except Refused as error:
            if error.errcode == _UNKNOWN:
                return await self._get(f"/_matrix/media/v3/download/{server}/{identifier}")
            if isinstance(error, NotFound):
                raise NotFound(
                    "The homeserver does not have this file, or has it no longer.",
                    404,
                    "M_NOT_FOUND",
                ) from error
            raise

    async def _get(self, target: str) -> aiohttp.ClientResponse:
        """The answer, once it is known to be the file."""
        response = await self._client.flow("GET", target)
        if response.status == 200:
            return response
        try:
            body = await read_body(response, _LARGEST_ANSWER)
        except (aiohttp.ClientError, OSError) as error:
            raise no_answer(error, self._client.homeserver) from error
        judge(response.status, response.headers, body)
        raise ServerTrouble(f"The homeserver's answer makes no sense (HTTP {response.status}).")


def _bound(size: int, limit: int) -> None:
    if size > limit:
        raise DamagedFile(f"The file has more than the {size_words(limit)} that dmtui takes.")


class _Sending:
    """A file on its way up."""

    def __init__(self, file: Path, sealing: Sealing | None, progress: Progress):
        self._sealing = sealing
        self._progress = progress
        try:
            self._file: BinaryIO = file.open("rb")
            self.size = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise FileTrouble(f"The file can't be read: {error.strerror}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    async def chunks(self) -> AsyncIterator[bytes]:
        """All of it, encrypted if it is to be."""
        done = 0
        while chunk := self._file.read(_CHUNK):
            yield self._sealing.seal(chunk) if self._sealing else chunk
            done += len(chunk)
            self._progress(done, self.size)


class _Receiving:
    """A file on its way down; unless it is finished it is gone afterwards."""

    def __init__(self, file: Path, media: Media):
        self._path = file
        self._media = media
        self._opening = Opening.of(media.key)
        self._whole = False
        self.size = 0
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise _not_written(error) from error
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if not self._whole:
            self._path.unlink(missing_ok=True)

    def take(self, chunk: bytes) -> None:
        """Write the next part down."""
        self.size += len(chunk)
        plain = memoryview(self._opening.open(chunk) if self._opening else chunk)
        try:
            while plain:
                plain = plain[self._file.write(plain) or 0 :]
        except OSError as error:
            raise _not_written(error) from error

    def finish(self) -> None:
        """All of it came: only now is it known to be what was sent."""
        if self._opening is not None and not self._opening.genuine:
            raise DamagedFile("The file is not the one that was sent: its checksum is wrong.")
        said = self._media.size
        if self._opening is None and said is not None and said != self.size:
            words = f"it has {size_words(self.size)}, not {size_words(said)}"
            raise DamagedFile(f"The file is not the one that was sent: {words}.")
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _not_written(error) from error
        self._whole = True


def _not_written(error: OSError) -> FileTrouble:
    return FileTrouble(f"The file can't be written: {error.strerror}.")
