"""Files on a bad network, from an old server, and in an encrypted chat."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from dmtui.core.errors import (
    CannotEncrypt,
    DmtuiError,
    FileTrouble,
    Recoverable,
    ServerTrouble,
    Unreachable,
)
from dmtui.core.events import Line
from dmtui.core.model import (
    Attachment,
    AttachmentKind,
    Kind,
    Media,
    RoomId,
    Safe,
    Session,
    TransactionId,
    UserId,
)
from dmtui.core.ports import Homeserver
from dmtui.matrix.homeserver import connect
from tests.homeserver.account import Account
from tests.homeserver.faultproxy import BAD_GATEWAY_PAGE, FaultProxy
from tests.homeserver.synapse import SynapseServer

LIMIT = 10_000_000
UNKNOWN = {"errcode": "M_UNRECOGNIZED", "error": "Unrecognized request"}


def deaf(_: int, __: int) -> None:
    """Nobody wants to know how far it is."""


class Desk:
    """My device behind the proxy, a room of mine and a file."""

    def __init__(self, homeserver: Homeserver, account: Account, directory: Path):
        self.homeserver = homeserver
        self.account = account
        self.target = directory / "target"
        self.source = directory / "source"
        self.source.write_bytes(bytes(range(256)) * 2000)
        self.plain = RoomId(account.create_room(preset="private_chat"))

    async def upload(self, encrypted: bool = False) -> Media:
        media = Media("", size=self.source.stat().st_size)
        return await self.homeserver.upload(self.plain, str(self.source), media, encrypted, deaf)

    async def download(self, media: Media) -> bytes:
        await self.homeserver.download(media, str(self.target), LIMIT, deaf)
        return self.target.read_bytes()

    @property
    def left_behind(self) -> list[str]:
        return [file.name for file in self.target.parent.iterdir() if "target" in file.name]


@pytest.fixture
async def desk(synapse: SynapseServer, proxy: FaultProxy, tmp_path: Path) -> AsyncIterator[Desk]:
    account = synapse.register(f"me{uuid4().hex[:8]}")
    session = Session(
        UserId(account.user_id), account.device_id, account.access_token, proxy.base_url
    )
    homeserver = await connect(session, tmp_path / "keys")
    yield Desk(homeserver, account, tmp_path)
    await homeserver.close()


FAULTS: dict[str, dict[str, Any]] = {
    "bad gateway": {"status": 502, "body": BAD_GATEWAY_PAGE},
    "server error": {"status": 500, "body": {"errcode": "M_UNKNOWN", "error": "Internal"}},
    "cut before": {"reset": "before"},
    "cut in the middle": {"keep": 100_000},
    "redirected": {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_download_that_breaks_leaves_nothing_and_can_be_repeated(
    desk: Desk, proxy: FaultProxy, fault: str
) -> None:
    media = await desk.upload()
    proxy.add(path="/media/download/", **FAULTS[fault])
    with pytest.raises(Recoverable):
        await desk.download(media)
    assert desk.left_behind == []
    proxy.clear()
    assert await desk.download(media) == desk.source.read_bytes()


async def test_page_in_place_of_an_encrypted_file_is_noticed(desk: Desk, proxy: FaultProxy) -> None:
    media = await desk.upload(encrypted=True)
    proxy.add(path="/media/download/", status=200, body=BAD_GATEWAY_PAGE)
    with pytest.raises(DmtuiError, match="checksum"):
        await desk.download(media)
    assert desk.left_behind == []


async def test_cancelled_download_leaves_nothing(desk: Desk, proxy: FaultProxy) -> None:
    media = await desk.upload()
    proxy.add(path="/media/download/", hang=True)
    downloading = asyncio.create_task(desk.download(media))
    await asyncio.to_thread(proxy.wait_for_request, "/media/download/")
    downloading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await downloading
    assert desk.left_behind == []


async def test_disk_that_takes_no_more_is_told_and_leaves_nothing(desk: Desk) -> None:
    media = await desk.upload()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))
    try:
        with pytest.raises(FileTrouble, match="can't be written"):
            await desk.download(media)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert desk.left_behind == []


async def test_file_that_is_there_is_never_written_over(desk: Desk) -> None:
    media = await desk.upload()
    desk.target.write_text("mine")
    with pytest.raises(FileTrouble):
        await desk.download(media)
    assert desk.target.read_text() == "mine"


async def test_old_server_is_asked_where_it_has_its_files(desk: Desk, proxy: FaultProxy) -> None:
    media = await desk.upload()
    proxy.add(path="/client/v1/media/", status=404, body=UNKNOWN)
    proxy.add(path="/media/v3/download/", status=502, body=BAD_GATEWAY_PAGE)
    with pytest.raises(ServerTrouble):
        await desk.download(media)
    assert proxy.requests("/media/v3/download/") != []


@pytest.mark.parametrize("fault", ["bad gateway", "server error", "cut before"])
async def test_upload_that_breaks_can_be_repeated(
    desk: Desk, proxy: FaultProxy, fault: str
) -> None:
    proxy.add(path="/upload", **FAULTS[fault])
    with pytest.raises(Recoverable):
        await desk.upload()
    proxy.clear()
    assert await desk.download(await desk.upload()) == desk.source.read_bytes()


async def test_homeserver_never_sees_what_is_in_an_encrypted_file(
    desk: Desk, proxy: FaultProxy
) -> None:
    desk.source.write_bytes(b"the secret word is swordfish " * 5000)
    media = await desk.upload(encrypted=True)
    sent = proxy.requests("/upload")[-1]
    assert b"swordfish" not in sent.body
    assert len(sent.body) == desk.source.stat().st_size
    assert sent.headers["content-type"] == "application/octet-stream"
    assert "source" not in sent.path
    assert await desk.download(media) == desk.source.read_bytes()


async def test_room_that_the_server_calls_encrypted_gets_no_open_file(
    desk: Desk, proxy: FaultProxy
) -> None:
    state = {
        "type": "m.room.encryption",
        "state_key": "",
        "content": {"algorithm": "m.megolm.v1.aes-sha2"},
    }
    open_file = await desk.upload()
    desk.plain = RoomId(desk.account.create_room(preset="private_chat", initial_state=[state]))
    attachment = Attachment(AttachmentKind.FILE, Safe("a"), open_file)
    line = Line(Kind.ATTACHMENT, Safe("file: a"), attachment=attachment)
    with pytest.raises(CannotEncrypt):
        await desk.homeserver.send(desk.plain, TransactionId("t"), line, False)
    assert (await desk.upload()).key is not None


async def test_upload_to_a_server_that_is_gone_is_unreachable(
    desk: Desk, proxy: FaultProxy
) -> None:
    proxy.add(path="/media/config", status=404, body=UNKNOWN)
    proxy.add(path="/media/v3/config", reset="before")
    with pytest.raises(Unreachable):
        await desk.upload()
