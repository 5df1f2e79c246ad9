"""Files in a conversation with the keyboard: sent, saved, opened, looked at, given up."""

from __future__ import annotations

import io
import threading
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from textual.events import Paste
from textual.widgets import Input

from dmtui.core.attachments import described
from dmtui.core.errors import Refused
from dmtui.core.events import Line
from dmtui.core.model import Attachment, AttachmentKind, Kind, Safe, SendState
from dmtui.messenger.outgoing_files import OutgoingFiles
from dmtui.ui.paths import pasted_files, typed_path
from dmtui.ui.screens import file_desk
from dmtui.ui.screens.attach_file import AttachFile, completions
from dmtui.ui.screens.confirm import Question
from dmtui.ui.screens.image_viewer import ImageViewer
from dmtui.ui.widgets.half_blocks import UPPER_HALF
from tests.fakes import BOB
from tests.ui.test_conversation import chat_with_bob, open_first, states
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ui.stage import Stage


@pytest.fixture
def note(tmp_path: Path) -> Path:
    file = tmp_path / "my note.txt"
    file.write_text("what I wanted to say")
    return file


async def bob_sends(
    stage: Stage, content: bytes, name: str, kind: AttachmentKind = AttachmentKind.FILE
) -> None:
    room = await chat_with_bob(stage, "hi")
    attachment = Attachment(kind, Safe(name), stage.server.store_file(content))
    line = Line(Kind.ATTACHMENT, described(attachment), attachment=attachment)
    await stage.server.do(room, BOB, line)


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 20), (200, 30, 30)).save(file, "PNG")
    return file.getvalue()


def saved(stage: Stage) -> list[str]:
    found = stage.downloads
    return sorted(each.name for each in found.iterdir()) if found.exists() else []


def asks(stage: Stage) -> bool:
    return isinstance(stage.app.screen, Question)


# -- receiving --


async def test_file_is_saved_with_s_and_the_user_is_told_where(stage: Stage) -> None:
    await bob_sends(stage, b"miaow", "cat.png")
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.until(stage.shows("file: cat.png (5 bytes)"))
        await pilot.press("up", "s")
        await stage.until(lambda: any("Saved as" in line for line in stage.notices()))
        assert saved(stage) == ["cat.png"]


async def test_save_shows_its_progress_and_d_ends_it(stage: Stage) -> None:
    await bob_sends(stage, b"m" * 2000, "cat.png")
    async with stage.open() as pilot:
        await open_first(stage)
        stage.server.hold("downloading")
        await pilot.press("up", "s")
        await stage.until(stage.shows("↓ saving ━━━━━───── 50%"))
        await pilot.press("d")
        await stage.until(lambda: any("You ended it" in line for line in stage.notices()))
        assert "↓ saving" not in stage.text()
        assert saved(stage) == []


async def test_file_that_can_not_be_had_is_told_in_one_line(stage: Stage) -> None:
    await bob_sends(stage, b"miaow", "cat.png")
    async with stage.open() as pilot:
        await open_first(stage)
        stage.server.files.clear()
        await pilot.press("up", "s")
        await stage.until(lambda: any("does not have this file" in n for n in stage.notices()))
        assert saved(stage) == []


async def test_file_is_opened_only_once_the_user_has_agreed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    async def open_file(path: Path) -> None:
        opened.append(path.name)

    monkeypatch.setattr(file_desk, "open_file", open_file)
    await bob_sends(stage, b"miaow", "-u;$(touch x).png")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("up", "o")
        await stage.until(lambda: asks(stage))
        await pilot.press("enter")
        await stage.until(lambda: not asks(stage))
        assert opened == []
        await pilot.press("o")
        await stage.until(lambda: asks(stage))
        await pilot.press("o")
        await stage.until(lambda: opened)
        assert opened == saved(stage) == ["u;$(touch x).png"]


async def test_image_is_looked_at_in_half_blocks(stage: Stage) -> None:
    await bob_sends(stage, picture(), "red.png", AttachmentKind.IMAGE)
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("up", "v")
        await stage.until(lambda: isinstance(stage.app.screen, ImageViewer))
        await stage.until(lambda: UPPER_HALF * 40 in stage.text())
        assert "red.png" in stage.text()
        await pilot.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, ImageViewer))
        assert saved(stage) == []


async def test_image_that_is_none_is_told_in_one_line(stage: Stage) -> None:
    await bob_sends(stage, b"GIF89a", "bomb.gif", AttachmentKind.IMAGE)
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("up", "v")
        await stage.until(lambda: any("can't be shown" in line for line in stage.notices()))


async def test_menu_of_a_file_offers_what_can_be_done_with_it(stage: Stage) -> None:
    await bob_sends(stage, picture(), "red.png", AttachmentKind.IMAGE)
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("up", "enter")
        await stage.until(lambda: asks(stage))
        for words in ("Look at the image", "Save the file", "Open it with another program"):
            assert words in stage.text()


# -- sending --


async def choose(stage: Stage, path: Path, caption: str = "") -> None:
    await stage.pilot.press("ctrl+t")
    await stage.until(lambda: isinstance(stage.app.screen, AttachFile))
    stage.app.screen.query_one("#path", Input).value = str(path)
    stage.app.screen.query_one("#caption", Input).value = caption
    await stage.pilot.press("enter")
    await stage.until(lambda: asks(stage))


async def test_enter_sends_a_file_that_was_chosen_by_its_path(stage: Stage, note: Path) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await choose(stage, note)
        await pilot.press("enter")
        await stage.until(lambda: states(stage) == [SendState.SENT])


async def test_file_is_sent_with_its_caption_once_the_user_has_agreed(
    stage: Stage, note: Path
) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await choose(stage, note, "read this")
        for words in ("my note.txt", "20 bytes, text/plain", "read this", "NOT encrypted"):
            assert words in stage.text()
        await pilot.press("s")
        await stage.until(lambda: states(stage) == [SendState.SENT])
        await stage.until(stage.shows("file: my note.txt (20 bytes)"))
        assert [content for content, _ in stage.server.files.values()] == [note_text()]


def note_text() -> bytes:
    return b"what I wanted to say"


class SlowCopy:
    """Copies begin, and go on once they may."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.may = threading.Event(), threading.Event()
        self._take = OutgoingFiles.take
        monkeypatch.setattr(OutgoingFiles, "take", lambda files, source: self._slow(files, source))

    def _slow(self, files: OutgoingFiles, source: Path) -> str:
        self.begun.set()
        assert self.may.wait(PATIENCE)
        return self._take(files, source)


async def test_file_is_sent_though_another_is_wanted_while_it_is_copied(
    stage: Stage, note: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = SlowCopy(monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await choose(stage, note)
        await pilot.press("s")
        await stage.until(copy.begun.is_set)
        await pilot.press("ctrl+g")
        await stage.until(lambda: any("install wl-clipboard" in line for line in stage.notices()))
        copy.may.set()
        await stage.until(lambda: states(stage) == [SendState.SENT])


async def test_file_is_copied_to_its_end_before_the_app_ends(
    stage: Stage, note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = SlowCopy(monkeypatch)
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await choose(stage, note)
        await pilot.press("s")
        await stage.until(copy.begun.is_set)
        for _ in range(2):
            await pilot.press("ctrl+q")
            await stage.until(lambda: "still being copied" in "".join(stage.notices()))
        copy.may.set()
        await stage.until(lambda: not stage.app.is_running)
    async with stage.open():
        await stage.until(lambda: states(stage) == [SendState.SENT])


async def test_file_goes_out_as_the_reply_that_was_begun_and_the_draft_stays(
    stage: Stage, note: Path
) -> None:
    await chat_with_bob(stage, "where is it?")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("up", "r")
        await stage.type("half a thought")
        await choose(stage, note)
        assert "In reply to where is it?" in stage.text()
        await pilot.press("s")
        await stage.until(lambda: states(stage) == [SendState.SENT])
        sent = stage.messages()[-1]
        assert sent.quote is not None
        assert sent.quote.body == "where is it?"
        assert stage.composer.text == "half a thought"
        assert "Replying" not in stage.text()


async def test_file_that_is_not_sent_leaves_the_reply_as_it_is(stage: Stage, note: Path) -> None:
    await chat_with_bob(stage, "where is it?")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("up", "r")
        await choose(stage, note)
        await pilot.press("k")
        await stage.until(stage.shows("Replying to Bob"))


async def test_enter_keeps_a_file_whose_path_was_only_pasted(stage: Stage, note: Path) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        stage.app.post_message(Paste(str(note)))
        await stage.until(lambda: asks(stage))
        await pilot.press("enter")
        await stage.until(lambda: not asks(stage))
        assert states(stage) == []


async def test_hints_of_an_image_name_what_can_be_done_with_it(stage: Stage) -> None:
    await bob_sends(stage, picture(), "cat.png", AttachmentKind.IMAGE)
    async with stage.open((120, 30)) as pilot:
        await open_first(stage)
        await pilot.press("up")
        await stage.until(stage.shows("v Look"))
        assert "s Save" in stage.text()
        assert "e Edit" not in stage.text()


async def test_path_is_completed_and_a_wrong_one_is_told(stage: Stage, note: Path) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("ctrl+t")
        await stage.until(lambda: isinstance(stage.app.screen, AttachFile))
        line = stage.app.screen.query_one("#path", Input)
        line.value = f"{note.parent}/my"
        line.cursor_position = len(line.value)
        await pilot.press("tab")
        await stage.until(lambda: line.value == str(note))
        (note.parent / "my other one.txt").touch()
        line.value = f"{note.parent}/my "
        line.cursor_position = len(line.value)
        await pilot.press("tab")  # two begin like that
        await stage.type("o")
        assert line.value == f"{note.parent}/my o"
        line.value = f"{note.parent}/nothing"
        await pilot.press("enter")
        await stage.until(stage.shows("There is no such file."))
        await pilot.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, AttachFile))


async def test_upload_that_fails_offers_to_try_again(stage: Stage, note: Path) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        stage.server.fail("upload", Refused("It is too large.", 413))
        await choose(stage, note)
        await pilot.press("s")
        await stage.until(stage.shows("not sent: It is too large."))
        stage.timeline.focus()
        await pilot.press("up", "x")
        await stage.until(lambda: states(stage) == [SendState.SENT])


async def test_pasted_path_offers_to_send_the_file_instead(stage: Stage, note: Path) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.type("look ")
        stage.app.post_message(Paste(f"'{note}'"))
        await stage.until(lambda: asks(stage))
        assert stage.composer.text == f"look '{note}'"
        await pilot.press("s")
        await stage.until(lambda: states(stage) == [SendState.SENT])
        await stage.until(lambda: stage.composer.text == "look ")


async def test_pasted_path_stays_text_if_the_user_means_it_so(stage: Stage, note: Path) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        stage.app.post_message(Paste(str(note)))
        await stage.until(lambda: asks(stage))
        await pilot.press("escape")
        await stage.until(lambda: not asks(stage))
        assert stage.composer.text == str(note)
        assert states(stage) == []


# -- pictures of which there is no file --


def waiting(stage: Stage) -> list[str]:
    directory = stage.downloads.with_name("outgoing")
    return [each.name for each in directory.iterdir()] if directory.exists() else []


def put_in_clipboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Play the program that reads the clipboard."""
    program = tmp_path / "bin" / "xclip"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


async def test_picture_in_the_clipboard_is_sent_once_the_user_has_agreed(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "red.png").write_bytes(picture())
    put_in_clipboard(tmp_path, monkeypatch, f"cat '{tmp_path}/red.png'")
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("ctrl+g")
        await stage.until(stage.shows("picture.png"))
        await pilot.press("s")
        await stage.until(lambda: states(stage) == [SendState.SENT])
        await stage.until(stage.shows("image: picture.png (40×20"))
        await stage.until(lambda: waiting(stage) == [])


async def test_picture_in_the_clipboard_that_is_kept_leaves_nothing(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "red.png").write_bytes(picture())
    put_in_clipboard(tmp_path, monkeypatch, f"cat '{tmp_path}/red.png'")
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("ctrl+g")
        await stage.until(lambda: asks(stage))
        await pilot.press("escape")
        await stage.until(lambda: waiting(stage) == [])
        assert states(stage) == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'Error: target image/png not available' >&2; exit 1", "no picture in the clipboard"),
        ('echo "Error: Can\'t open display" >&2; exit 1', "can't be reached from this terminal"),
        ("echo 'not a picture'", "can't be read"),
        ("head -c 40000000 /dev/zero", "can't be read"),
    ],
)
async def test_clipboard_without_a_picture_is_told_in_one_line(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    put_in_clipboard(tmp_path, monkeypatch, script)
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("ctrl+g")
        await stage.until(lambda: any(words in line for line in stage.notices()))
        assert waiting(stage) == []


async def test_missing_program_for_the_clipboard_is_named(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("ctrl+g")
        await stage.until(lambda: any("install wl-clipboard" in line for line in stage.notices()))


async def test_picture_pasted_as_text_is_offered_and_no_part_of_what_is_typed(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.type("look ")
        stage.app.post_message(Paste(f"data:image/png;base64,{b64encode(picture()).decode()}"))
        await stage.until(lambda: asks(stage))
        await pilot.press("s")
        await stage.until(lambda: states(stage) == [SendState.SENT])
        assert [content for content, _ in stage.server.files.values()] == [picture()]
        assert stage.composer.text == "look "
        stage.app.post_message(Paste("data:image/png;base64,AAA"))
        await stage.until(lambda: any("not whole" in line for line in stage.notices()))
        assert stage.composer.text == "look "


def test_paths_are_read_as_terminals_send_them(note: Path) -> None:
    plain = str(note)
    for text in (
        plain,
        f"'{plain}'",
        f'"{plain}" ',
        plain.replace(" ", "\\ "),
        f"file://{plain.replace(' ', '%20')}\n",
        f"file://localhost{plain.replace(' ', '%20')}",
    ):
        assert pasted_files(text) == (note,), text
    both = f"'{plain}' '{plain}'"
    assert pasted_files(both) == (note, note)


@pytest.mark.parametrize(
    "text", ["", "hello", "/", "/etc", "/nothing/here", "it's", "note.txt", "file://far/etc/passwd"]
)
def test_other_text_names_no_file(text: str) -> None:
    assert pasted_files(text) == ()


def test_typed_path_may_be_quoted() -> None:
    assert typed_path(" '/a b' ") == "/a b"
    assert typed_path("/a b") == "/a b"
    assert typed_path("~/it's") == "~/it's"


def test_completion_goes_as_far_as_all_names_agree(tmp_path: Path) -> None:
    for name in ("alpha.txt", "alphabet", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "beta").mkdir()
    assert completions(f"{tmp_path}/al") == (f"{tmp_path}/alpha", ["alpha.txt", "alphabet"])
    assert completions(f"{tmp_path}/be") == (f"{tmp_path}/beta/", ["beta/"])
    assert completions(f"{tmp_path}/")[1] == ["alpha.txt", "alphabet", "beta/"]
    assert completions(f"{tmp_path}/.h")[0] == f"{tmp_path}/.hidden"
    assert completions("/nothing/here/x") == ("/nothing/here/x", [])
