"""Files of others, saved: whole and genuine or not at all, and never over another file."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from dmtui.core.attachments import described
from dmtui.core.errors import DmtuiError, GivenUp, NotFound
from dmtui.core.events import Line
from dmtui.core.model import Attachment, AttachmentKind, Kind, Media, Message, Safe, Transfer
from tests.fakes import BOB
from tests.messenger.conftest import Desk


async def receive(desk: Desk, name: str = "cat.png", media: Media | None = None) -> Message:
    """Bob sends a file."""
    stored = media or desk.server.store_file(b"miaow", encrypted=True)
    attachment = Attachment(AttachmentKind.IMAGE, Safe(name), stored)
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    line = Line(Kind.ATTACHMENT, described(attachment), attachment=attachment)
    await desk.server.do(room_id, BOB, line)
    await desk.start()
    await desk.until(lambda: desk.messages())
    return desk.messages()[-1]


def files(desk: Desk) -> list[str]:
    return sorted(file.name for file in desk.downloads.iterdir())


async def save(desk: Desk, message: Message) -> Path:
    return await desk.messenger.saving.save(BOB, message)


async def test_file_is_saved_for_the_user_alone_under_its_name(desk: Desk) -> None:
    message = await receive(desk)
    saved = await save(desk, message)
    assert saved == desk.downloads / "cat.png"
    assert saved.read_bytes() == b"miaow"
    assert saved.stat().st_mode & 0o777 == 0o600
    assert files(desk) == ["cat.png"]
    assert await desk.messenger.saving.saved(message) == saved
    saved.unlink()
    assert await desk.messenger.saving.saved(message) is None


async def test_file_that_is_there_is_kept_and_the_new_one_gets_a_number(desk: Desk) -> None:
    message = await receive(desk)
    desk.downloads.mkdir()
    (desk.downloads / "cat.png").write_text("mine")
    (desk.downloads / "cat (1).png").symlink_to(desk.path)
    assert await save(desk, message) == desk.downloads / "cat (2).png"
    assert (desk.downloads / "cat.png").read_text() == "mine"


@pytest.mark.parametrize("name", ["../../.bashrc", "/etc/passwd", "..", "a\0b", "x" * 5000])
async def test_name_leads_nowhere_else(desk: Desk, name: str) -> None:
    saved = await save(desk, await receive(desk, name))
    assert saved.parent == desk.downloads
    assert len(files(desk)) == 1
    assert not saved.name.startswith(".")


async def test_file_that_is_damaged_missing_or_too_large_leaves_nothing(desk: Desk) -> None:
    message = await receive(desk)
    assert message.attachment is not None
    assert message.attachment.media.key is not None
    key = replace(message.attachment.media.key, sha256="another")
    damaged = replace(message.attachment.media, key=key)
    for media in (damaged, Media("mxc://example.org/missing"), Media("")):
        attachment = replace(message.attachment, media=media)
        with pytest.raises(DmtuiError):
            await save(desk, replace(message, attachment=attachment))
        assert files(desk) == []


async def test_progress_is_told_and_the_user_can_end_it(desk: Desk) -> None:
    message = await receive(desk)
    gate = desk.server.hold("downloading")
    saving = asyncio.create_task(save(desk, message))
    half = Transfer(sending=False, done=2, total=5)
    await desk.until(lambda: desk.messages()[-1].transfer == half)
    desk.messenger.transfers.give_up(message.key)
    with pytest.raises(GivenUp):
        await saving
    assert desk.messages()[-1].transfer is None
    assert files(desk) == []
    gate.set()


async def test_nothing_is_fetched_unless_it_is_asked_for(desk: Desk) -> None:
    await receive(desk)
    await desk.messenger.mark_read(BOB)
    assert desk.server.count("download") == 0


async def test_directory_that_can_not_be_made_is_told(desk: Desk) -> None:
    message = await receive(desk)
    desk.downloads.write_text("in the way")
    with pytest.raises(DmtuiError, match="can't be made"):
        await save(desk, message)


async def test_parts_left_by_a_run_that_was_killed_are_swept_out(desk: Desk) -> None:
    message = await receive(desk)
    desk.downloads.mkdir()
    left, fresh = desk.downloads / ".dmtui-old.part", desk.downloads / ".dmtui-new.part"
    left.touch()
    fresh.touch()
    os.utime(left, (0, 0))
    await save(desk, message)
    assert files(desk) == [".dmtui-new.part", "cat.png"]


async def test_image_that_is_none_costs_nothing_but_the_answer(desk: Desk) -> None:
    message = await receive(desk)
    assert await desk.messenger.saving.look(BOB, message) is None


async def test_file_that_is_gone_from_the_server_is_told(desk: Desk) -> None:
    message = await receive(desk)
    desk.server.files.clear()
    with pytest.raises(NotFound):
        await save(desk, message)
