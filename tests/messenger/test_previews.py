"""Previews of images: fetched unasked within a limit, one by one, later if the network fails."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from dmtui.core.errors import FarTrouble, Unreachable
from dmtui.core.events import Line
from dmtui.core.images import PREVIEW
from dmtui.core.model import (
    Attachment,
    AttachmentKind,
    Kind,
    Media,
    Message,
    Pixels,
    RoomId,
    Safe,
    UserId,
)
from dmtui.messenger import previews
from tests.fakes import BOB, CAROL
from tests.messenger.conftest import Desk


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.preview_limit = 5000
    return desk


def png(colour: tuple[int, int, int] = (255, 0, 0), size: tuple[int, int] = (88, 40)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


RED = Pixels(44, 20, b"\xff\x00\x00" * 44 * 20)


async def begin(desk: Desk) -> RoomId:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.restart()
    return room_id


async def receive(
    desk: Desk,
    room_id: RoomId,
    media: Media,
    small: Media | None = None,
    sender: UserId = BOB,
) -> Message:
    attachment = Attachment(AttachmentKind.IMAGE, Safe("red.png"), media, small)
    before = len(desk.messages(sender))
    line = Line(Kind.ATTACHMENT, Safe("image"), attachment=attachment)
    await desk.server.do(room_id, sender, line)
    await desk.until(lambda: len(desk.messages(sender)) > before)
    return desk.messages(sender)[-1]


def want(desk: Desk, *messages: Message, of: UserId = BOB) -> None:
    conversation = desk.conversation(of)
    assert conversation is not None
    desk.messenger.previews.want(conversation, messages)


def fetched(desk: Desk) -> list[object]:
    media = [call.arguments[0] for call in desk.server.calls if call.name == "download"]
    return [each.uri for each in media if isinstance(each, Media)]


def files(desk: Desk) -> list[Path]:
    directory = desk.store.outgoing_files
    return sorted(directory.iterdir()) if directory.exists() else []


@pytest.mark.parametrize("encrypted", [True, False])
async def test_image_gets_its_preview_and_nothing_else_stays_on_disk(
    desk: Desk, encrypted: bool
) -> None:
    room_id = await begin(desk)
    message = await receive(desk, room_id, desk.server.store_file(png(), encrypted=encrypted))
    assert message.preview is None
    want(desk, message)
    await desk.until(lambda: desk.messages()[-1].preview == RED)
    assert files(desk) == []
    await desk.restart()
    assert desk.messages()[-1].preview == RED
    assert desk.server.count("download") == 1


async def test_thumbnail_is_fetched_in_place_of_a_large_image(desk: Desk) -> None:
    room_id = await begin(desk)
    large = replace(desk.server.store_file(png()), size=100_000_000)
    small = desk.server.store_file(png((0, 255, 0)))
    want(desk, await receive(desk, room_id, large, small))
    await desk.until(lambda: desk.messages()[-1].preview)
    assert fetched(desk) == [small.uri]


async def test_nothing_above_the_limit_is_fetched_and_a_lie_about_it_ends_there(desk: Desk) -> None:
    room_id = await begin(desk)
    noise = io.BytesIO()
    Image.effect_noise((200, 200), 90).save(noise, "PNG")
    assert len(noise.getvalue()) > desk.preview_limit
    honest = await receive(desk, room_id, desk.server.store_file(noise.getvalue()))
    liar = await receive(desk, room_id, replace(desk.server.store_file(noise.getvalue()), size=9))
    last = await receive(desk, room_id, desk.server.store_file(png()))
    want(desk, last, liar, honest)
    await desk.until(lambda: desk.messages()[-1].preview)
    assert [bool(each.preview) for each in desk.messages()] == [False, False, True]
    limits = [call.arguments[1] for call in desk.server.calls if call.name == "download"]
    assert limits == [desk.preview_limit, desk.preview_limit]
    want(desk, liar)
    await asyncio.sleep(0)
    assert desk.server.count("download") == 2
    assert files(desk) == []


async def test_image_that_is_none_is_not_tried_again(desk: Desk) -> None:
    room_id = await begin(desk)
    broken = await receive(desk, room_id, desk.server.store_file(b"GIF89a"))
    good = await receive(desk, room_id, desk.server.store_file(png()))
    want(desk, good, broken)
    await desk.until(lambda: desk.messages()[-1].preview)
    last = await receive(desk, room_id, desk.server.store_file(png()))
    want(desk, last, broken)
    await desk.until(lambda: desk.messages()[-1].preview)
    assert len(fetched(desk)) == 3


async def test_image_that_has_its_preview_by_now_is_not_fetched_again(desk: Desk) -> None:
    room_id = await begin(desk)
    message = await receive(desk, room_id, desk.server.store_file(png()))
    want(desk, message)
    await desk.until(lambda: desk.messages()[-1].preview)
    last = await receive(desk, room_id, desk.server.store_file(png()))
    want(desk, last, message)
    await desk.until(lambda: desk.messages()[-1].preview)
    assert len(fetched(desk)) == 2


async def test_image_is_what_it_is_whatever_its_sender_calls_it(desk: Desk) -> None:
    room_id = await begin(desk)
    page = replace(desk.server.store_file(b"<html>" * 20), mimetype="image/png", width=2**31)
    red = replace(desk.server.store_file(png()), mimetype="text/html", width=1, height=2**31)
    messages = [await receive(desk, room_id, media) for media in (page, red)]
    want(desk, *reversed(messages))
    await desk.until(lambda: desk.messages()[-1].preview == RED)
    assert desk.messages()[0].preview is None


async def test_preview_that_the_network_kept_is_made_when_it_is_back(desk: Desk) -> None:
    room_id = await begin(desk)
    message = await receive(desk, room_id, desk.server.store_file(png()))
    desk.server.fail("download", Unreachable("no network"), times=3)
    want(desk, message)
    await desk.until(lambda: desk.messages()[-1].preview == RED)
    assert desk.server.count("download") == 4


class Far:
    """Downloads of some images fail, or never end."""

    def __init__(self, desk: Desk, *messages: Message, silent: bool = False):
        self.tried: list[str] = []
        self._download = desk.server.download
        self._uris = {each.attachment.media.uri for each in messages if each.attachment}
        self._silent = silent
        desk.server.download = self._far  # type: ignore[method-assign]

    async def _far(
        self, media: Media, file: str, limit: int, progress: Callable[[int, int], None]
    ) -> None:
        self.tried.append(media.uri)
        if media.uri not in self._uris:
            await self._download(media, file, limit, progress)
        elif self._silent:
            await asyncio.Event().wait()
        else:
            raise FarTrouble("Another server does not answer.")


async def test_image_that_does_not_come_holds_up_no_other_and_is_given_up(desk: Desk) -> None:
    room_id = await begin(desk)
    bad = await receive(desk, room_id, desk.server.store_file(png((1, 2, 3))))
    good = await receive(desk, room_id, desk.server.store_file(png()))
    far = Far(desk, bad)
    want(desk, good, bad)
    await desk.until(lambda: desk.messages()[-1].preview == RED)
    await desk.until(lambda: len(far.tried) == 4)
    assert far.tried[0] != far.tried[1]
    want(desk, bad)
    last = await receive(desk, room_id, desk.server.store_file(png()))
    want(desk, last, bad)
    await desk.until(lambda: desk.messages()[-1].preview == RED)
    assert len(far.tried) == 5


async def test_image_that_trickles_holds_up_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "PATIENCE", 0.05)
    room_id = await begin(desk)
    bad = await receive(desk, room_id, desk.server.store_file(png((1, 2, 3))))
    good = await receive(desk, room_id, desk.server.store_file(png()))
    Far(desk, bad, silent=True)
    want(desk, good, bad)
    await desk.until(lambda: desk.messages()[-1].preview == RED)


async def test_image_that_fails_once_another_conversation_is_open_is_not_tried_again(
    desk: Desk,
) -> None:
    carols_room = await desk.server.have_direct_room(CAROL, "Carol")
    bobs = await receive(desk, await begin(desk), desk.server.store_file(png((1, 2, 3))))
    gate = desk.server.hold("download")
    desk.server.fail("download", Unreachable("no network"))
    want(desk, bobs)
    await desk.until(lambda: desk.server.count("download"))
    for _ in range(2):
        carols = await receive(desk, carols_room, desk.server.store_file(png()), sender=CAROL)
        want(desk, carols, of=CAROL)
        gate.set()
        await desk.until(lambda: desk.messages(CAROL)[-1].preview == RED)
    assert desk.server.count("download") == 3


async def test_image_of_mine_has_its_preview_while_there_is_no_network(
    desk: Desk, tmp_path: Path
) -> None:
    await begin(desk)
    gate = desk.server.hold("upload")
    picture = tmp_path / "red.png"
    picture.write_bytes(png())
    offer = await desk.messenger.attaching.offer(picture)
    await desk.messenger.attach(BOB, offer, "")
    want(desk, *desk.messages())
    await desk.until(lambda: desk.messages()[-1].preview == RED)
    assert desk.server.count("download") == 0
    gate.set()


async def test_another_conversation_takes_the_place_of_what_was_wanted(desk: Desk) -> None:
    room_id = await begin(desk)
    message = await receive(desk, room_id, desk.server.store_file(png()))
    conversation = desk.conversation()
    assert conversation is not None
    gate = desk.server.hold("download")
    want(desk, message)
    await desk.until(lambda: desk.server.count("download"))
    want(desk, replace(message, key="77"))
    other = replace(conversation, user_id=UserId(room_id))
    desk.messenger.previews.want(other, ())
    gate.set()
    await desk.until(lambda: desk.messages()[-1].preview)
    assert desk.server.count("download") == 1


async def test_image_that_was_sent_into_a_group_is_not_fetched_for_the_chat_with_its_sender(
    desk: Desk,
) -> None:
    room_id = await begin(desk)
    group = await desk.server.have_direct_room(BOB, "Bob")
    await desk.server.bring(group, CAROL, "Carol")
    await desk.until(lambda: desk.conversation(UserId(group)))
    media = desk.server.store_file(png((1, 2, 3)))
    attachment = Attachment(AttachmentKind.IMAGE, Safe("red.png"), media)
    line = Line(Kind.ATTACHMENT, Safe("image"), attachment=attachment)
    await desk.server.do(group, BOB, line)
    await desk.until(lambda: desk.messages(UserId(group)))
    last = await receive(desk, room_id, desk.server.store_file(png()))
    want(desk, last, *desk.messages(UserId(group)))
    await desk.until(lambda: desk.messages()[-1].preview == RED)
    assert desk.server.count("download") == 1


def test_preview_fits_what_a_message_may_show() -> None:
    assert max(PREVIEW) < 256
