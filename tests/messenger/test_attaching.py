"""Files on their way to others: copied first, uploaded once, sent once, whatever happens."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from dmtui.core.errors import FileTrouble, Refused, Unreachable
from dmtui.core.events import Line
from dmtui.core.intents import Deliver
from dmtui.core.model import AttachmentKind, Message, SendState, Transfer
from dmtui.messenger.attaching import copied, look
from dmtui.messenger.outgoing_files import OutgoingFiles
from dmtui.pictures import sandbox
from tests.fakes import BOB
from tests.messenger.conftest import Desk


@pytest.fixture
def note(tmp_path: Path) -> Path:
    file = tmp_path / "note.txt"
    file.write_text("what I wanted to say")
    return file


async def attach(desk: Desk, file: Path, caption: str = "") -> None:
    await desk.messenger.attach(BOB, await desk.messenger.attaching.offer(file), caption)


def copies(desk: Desk) -> list[Path]:
    directory = desk.store.outgoing_files
    return sorted(directory.iterdir()) if directory.exists() else []


def sent(desk: Desk) -> list[Line]:
    found = (call.arguments[2] for call in desk.server.calls if call.name == "send")
    return [content for content in found if isinstance(content, Line)]


def only(desk: Desk) -> Message:
    (message,) = desk.messages()
    return message


async def test_file_is_shown_uploaded_and_sent_and_its_copy_is_gone(desk: Desk, note: Path) -> None:
    await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    gate = desk.server.hold("uploading")
    await attach(desk, note, "read this")
    assert desk.bodies() == ["file: note.txt (20 bytes)\nread this"]
    (copy,) = copies(desk)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert copy.parent.stat().st_mode & 0o777 == 0o700
    half = Transfer(sending=True, done=10, total=20)
    await desk.until(lambda: only(desk).transfer == half)
    gate.set()
    await desk.until(lambda: desk.states() == [SendState.SENT])
    (line,) = sent(desk)
    assert line.attachment is not None
    assert (line.attachment.name, line.attachment.caption) == ("note.txt", "read this")
    assert desk.server.files[line.attachment.media.uri][0] == b"what I wanted to say"
    await desk.until(lambda: copies(desk) == [])


async def test_what_becomes_of_the_file_after_it_was_chosen_does_not_matter(
    desk: Desk, note: Path
) -> None:
    await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    desk.server.fail("upload", Unreachable("no network"), times=3)
    await attach(desk, note)
    await asyncio.to_thread(note.unlink)
    await desk.until(lambda: desk.states() == [SendState.SENT])
    (line,) = sent(desk)
    assert line.attachment is not None
    assert desk.server.files[line.attachment.media.uri][0] == b"what I wanted to say"


async def test_file_chosen_offline_goes_out_after_a_restart(desk: Desk, note: Path) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    desk.server.fail("upload", Unreachable("no network"), times=1000)
    await attach(desk, note)
    await desk.server.called("upload")
    desk.server.heal("upload")
    await desk.restart()
    await desk.until(lambda: desk.states() == [SendState.SENT])
    assert len(desk.server.rooms[room_id].events) == 1


async def test_file_interrupted_after_its_upload_is_not_uploaded_again(
    desk: Desk, note: Path
) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    desk.server.hold("send")
    await attach(desk, note)
    await desk.server.called("send")
    desk.server.hold("send").set()
    await desk.restart()
    await desk.until(lambda: desk.states() == [SendState.SENT])
    assert desk.server.count("upload") == 1
    assert len(desk.server.rooms[room_id].events) == 1
    assert len({call.arguments[1] for call in desk.server.calls if call.name == "send"}) == 1


async def test_file_for_an_encrypted_chat_is_encrypted(desk: Desk, note: Path) -> None:
    await desk.server.have_direct_room(BOB, "Bob", encrypted=True)
    await desk.start()
    await attach(desk, note)
    await desk.until(lambda: desk.states() == [SendState.SENT])
    (line,) = sent(desk)
    assert line.attachment is not None
    assert line.attachment.media.key is not None


async def test_upload_that_the_user_ends_can_be_taken_up_again(desk: Desk, note: Path) -> None:
    await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    gate = desk.server.hold("uploading")
    await attach(desk, note)
    await desk.until(lambda: only(desk).transfer)
    transaction_id = only(desk).transaction_id
    assert transaction_id is not None
    desk.messenger.transfers.give_up(transaction_id)
    await desk.until(lambda: desk.states() == [SendState.FAILED])
    assert only(desk).failure == "You ended it."
    gate.set()
    await desk.messenger.retry(transaction_id)
    await desk.until(lambda: desk.states() == [SendState.SENT])


async def test_file_that_is_refused_waits_for_retry_or_discard(desk: Desk, note: Path) -> None:
    await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    desk.server.fail("upload", Refused("The file is too large.", 413))
    await attach(desk, note)
    await desk.until(lambda: desk.states() == [SendState.FAILED])
    await desk.messenger.send(BOB, "later ones pass")
    await desk.until(lambda: SendState.SENT in desk.states())
    failed = desk.messages()[-1] if desk.messages()[-1].failure else desk.messages()[0]
    assert failed.transaction_id is not None
    await desk.messenger.discard(failed.transaction_id)
    assert desk.bodies() == ["later ones pass"]
    assert copies(desk) == []


@pytest.mark.parametrize("kind", ["directory", "pipe", "missing", "secret"])
async def test_what_is_no_readable_file_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "thing"
    match kind:
        case "directory":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "secret":
            path.symlink_to("/dev/null")
    with pytest.raises(FileTrouble, match="thing"):
        await asyncio.to_thread(look, path)


async def test_name_that_could_harm_a_terminal_is_cleaned(tmp_path: Path) -> None:
    file = tmp_path / "a\x1b]0;x\x07.png"
    file.write_bytes(b"")
    offer = await asyncio.to_thread(look, file)
    assert "\x1b" not in offer.name
    assert offer.kind is AttachmentKind.IMAGE
    attachment = await copied(OutgoingFiles(tmp_path / "outgoing"), offer, "cap\x1btion")
    assert "\x1b" not in attachment.caption
    assert attachment.media.width == 0  # it is no picture, and is sent all the same


async def test_file_handed_over_by_a_command_is_sent_by_the_running_app(
    desk: Desk, note: Path
) -> None:
    await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    files = OutgoingFiles(desk.store.outgoing_files)
    attachment = await copied(files, await asyncio.to_thread(look, note), "")
    number = desk.hand_over(Deliver(BOB, "", attachment))
    await desk.until(lambda: (entry := desk.store.intent(number)) and entry.outcome)
    entry = desk.store.intent(number)
    assert entry is not None
    assert entry.outcome is not None
    assert entry.outcome.ok
    assert desk.bodies() == ["file: note.txt (20 bytes)"]


async def test_copies_that_nobody_needs_are_swept_out_once_they_are_old(
    desk: Desk, note: Path
) -> None:
    files = OutgoingFiles(desk.store.outgoing_files)
    old, new = files.take(note), files.take(note)
    os.utime(files.path(old), (0, 0))
    await desk.start()
    await desk.until(lambda: [copy.name for copy in copies(desk)] == [new])


# -- pictures of which there is no file --


async def test_grab_that_is_given_up_leaves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = asyncio.Event()

    async def grabbed(target: Path) -> str:
        await asyncio.to_thread(target.write_bytes, b"a picture")
        written.set()
        await asyncio.Event().wait()
        return ""

    monkeypatch.setattr(sandbox, "grabbed", grabbed)
    grabbing = asyncio.create_task(desk.messenger.attaching.grab())
    await written.wait()
    grabbing.cancel()
    await asyncio.wait([grabbing])
    assert copies(desk) == []


async def test_empty_picture_is_refused_and_leaves_nothing(desk: Desk) -> None:
    with pytest.raises(FileTrouble, match="empty"):
        await desk.messenger.attaching.pasted("png", b"")
    assert copies(desk) == []


async def test_pictures_that_a_killed_run_left_are_swept_at_the_start(desk: Desk) -> None:
    left = OutgoingFiles(desk.store.outgoing_files)
    left.write(left.passing(), b"a picture")
    left.write(name := left.fresh(), b"a copy that is about to be sent")
    now = await desk.messenger.attaching.pasted("png", b"a picture")
    await desk.start()
    await desk.until(lambda: len(copies(desk)) == 2)
    assert {file.name for file in copies(desk)} == {name, now.path.name}
