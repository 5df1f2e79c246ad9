"""Images in the conversation and on the whole screen: blocks, the terminal's graphics, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dmtui.core.errors import Unreachable
from dmtui.core.events import Line
from dmtui.core.images import Drawing, Settings
from dmtui.core.model import Attachment, AttachmentKind, Kind, Safe
from dmtui.ui.screens import file_desk
from dmtui.ui.screens.image_viewer import ImageViewer
from dmtui.ui.widgets.half_blocks import UPPER_HALF
from tests.fakes import BOB
from tests.ui.test_conversation import chat_with_bob, open_first
from tests.ui.test_files import bob_sends, picture
from tests.ui.test_notifier import Recorder, written

if TYPE_CHECKING:
    from dmtui.core.model import RoomId
    from tests.ui.stage import Stage

BLOCKS = UPPER_HALF * 40
"""A line of the picture's preview."""


async def bob_sends_picture(stage: Stage, name: str = "red.png") -> None:
    await bob_sends(stage, picture(), name, AttachmentKind.IMAGE)


async def bob_says_and_shows(stage: Stage, room: RoomId, *texts: str) -> None:
    attachment = Attachment(AttachmentKind.IMAGE, Safe("a.png"), stage.server.store_file(picture()))
    await stage.server.do(room, BOB, Line(Kind.ATTACHMENT, Safe("a.png"), attachment=attachment))
    for text in texts:
        await stage.server.do(room, BOB, Line(Kind.TEXT, Safe(text)))


# -- previews --


async def test_image_is_shown_small_below_its_name(stage: Stage) -> None:
    await bob_sends_picture(stage)
    async with stage.open():
        await open_first(stage)
        await stage.until(stage.shows(BLOCKS))
        lines = stage.text().splitlines()
        (name,) = (n for n, line in enumerate(lines) if "▤ image: red.png" in line)
        assert [BLOCKS in line for line in lines[name + 1 : name + 12]] == [True] * 10 + [False]


async def test_preview_is_there_at_once_the_next_time(stage: Stage) -> None:
    await bob_sends_picture(stage)
    async with stage.open():
        await open_first(stage)
        await stage.until(stage.shows(BLOCKS))
    stage.server.fail("download", Unreachable("no network"), times=100)
    async with stage.open():
        await open_first(stage)
        await stage.until(stage.shows(BLOCKS))
    assert stage.server.count("download") == 1


@pytest.mark.parametrize("images", [Settings(Drawing.BLOCKS, 0), Settings(Drawing.OFF)])
async def test_nothing_is_fetched_unasked_where_previews_are_off(
    stage: Stage, images: Settings
) -> None:
    stage.images = images
    await bob_sends_picture(stage)
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.until(stage.shows("red.png"))
        await pilot.press("up")
        await pilot.pause()
        assert UPPER_HALF not in stage.text()
    assert stage.server.count("download") == 0


async def test_screen_readers_get_no_previews(stage: Stage) -> None:
    await bob_sends_picture(stage)
    async with stage.open(plain=True) as pilot:
        await open_first(stage)
        await stage.until(stage.shows("red.png"))
        await pilot.pause()
        assert UPPER_HALF not in stage.text()
    assert stage.server.count("download") == 0


async def test_only_images_that_come_on_screen_are_fetched(stage: Stage) -> None:
    room = await chat_with_bob(stage, "hi")
    await bob_says_and_shows(stage, room, *(f"line {n}" for n in range(60)))
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.until(stage.shows("line 0"))  # unread: it opens at its beginning
        await stage.until(lambda: stage.server.count("download") == 1)
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("ctrl+end")
        await stage.until(stage.shows("line 59"))
        await pilot.pause()
        assert UPPER_HALF not in stage.text()


async def test_preview_that_comes_late_does_not_move_what_is_read(stage: Stage) -> None:
    room = await chat_with_bob(stage, *(f"before {n}" for n in range(40)))
    await bob_says_and_shows(stage, room, *(f"after {n}" for n in range(8)))
    gate = stage.server.hold("download")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("ctrl+end")
        await stage.until(lambda: stage.server.count("download"))
        before = [line for line in conversation(stage) if "after" in line[1]]
        assert len(before) == 8
        gate.set()
        await stage.until(stage.shows(BLOCKS))
        assert [line for line in conversation(stage) if "after" in line[1]] == before


def conversation(stage: Stage) -> list[tuple[int, str]]:
    """The lines beside the people list, with their places on the screen."""
    lines = (line.partition("▕")[2] for line in stage.text().splitlines())
    return list(enumerate(lines))


async def test_selected_text_has_nothing_of_the_preview(stage: Stage) -> None:
    await bob_sends_picture(stage)
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.until(stage.shows(BLOCKS))
        stage.timeline.text_select_all()
        await pilot.pause()
        selected = stage.app.screen.get_selected_text()
        assert selected is not None
        assert "red.png" in selected
        assert UPPER_HALF not in selected


async def test_narrow_screen_has_a_smaller_preview(stage: Stage) -> None:
    await bob_sends_picture(stage)
    async with stage.open((40, 20)):
        await open_first(stage)
        await stage.until(stage.shows(UPPER_HALF))
        shown = [line for line in stage.text().splitlines() if UPPER_HALF in line]
        assert all(line.count(UPPER_HALF) <= 34 for line in shown)
        assert len(shown) < 10


# -- the whole screen --


@pytest.fixture
def terminal(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """One that draws, with cells of 10 to 20 pixels."""
    stage.driver = Recorder
    monkeypatch.setattr(file_desk, "cell_size", lambda: (10, 20))
    return stage


async def look(stage: Stage) -> None:
    await open_first(stage)
    await stage.until(stage.shows("red.png"))
    await stage.pilot.press("up", "v")
    await stage.until(lambda: isinstance(stage.app.screen, ImageViewer))


def after_last_frame(stage: Stage, sequence: str) -> bool:
    """Whether it was written after everything that was painted."""
    frames = [n for n, text in enumerate(written(stage)) if "red.png" in text]
    found = [n for n, text in enumerate(written(stage)) if sequence in text]
    return bool(found) and (not frames or found[-1] > frames[-1])


async def test_kitty_is_handed_the_image_draws_it_and_lets_go_of_it(terminal: Stage) -> None:
    terminal.images = Settings(Drawing.KITTY, 0)
    await bob_sends_picture(terminal)
    async with terminal.open() as pilot:
        await look(terminal)
        await terminal.until(lambda: after_last_frame(terminal, "a=p"))
        drawn = [text for text in written(terminal) if "a=p" in text][-1]
        # 40×20 pixels are 4×1 cells, in the middle of the 29 lines below the name
        assert drawn.startswith("\x1b7\x1b[16;49H\x1b_Ga=p")
        assert UPPER_HALF not in terminal.text()
        assert not any("d=I" in text for text in written(terminal))
        await pilot.press("escape")
        await terminal.until(lambda: any("d=I" in text for text in written(terminal)))


async def test_image_is_taken_off_while_another_screen_is_on_top(terminal: Stage) -> None:
    terminal.images = Settings(Drawing.KITTY, 0)
    await bob_sends_picture(terminal)
    async with terminal.open() as pilot:
        await look(terminal)
        await terminal.until(lambda: after_last_frame(terminal, "a=p"))
        await pilot.press("f1")
        await terminal.until(lambda: any("d=i" in text for text in written(terminal)))
        drawn = sum("a=p" in text for text in written(terminal))
        await pilot.press("escape")
        await terminal.until(lambda: isinstance(terminal.app.screen, ImageViewer))
        await terminal.until(lambda: sum("a=p" in t for t in written(terminal)) > drawn)


async def test_sixels_are_drawn_after_whatever_was_painted(terminal: Stage) -> None:
    terminal.images = Settings(Drawing.SIXEL, 0)
    await bob_sends_picture(terminal)
    async with terminal.open() as pilot:
        await look(terminal)
        await terminal.until(lambda: after_last_frame(terminal, "\x1bP0;0;0q"))
        drawn = [text for text in written(terminal) if "\x1bP" in text]
        await pilot.resize_terminal(90, 28)
        await terminal.until(
            lambda: len([t for t in written(terminal) if "\x1bP" in t]) > len(drawn)
        )
        newest = [text for text in written(terminal) if "\x1bP" in text][-1]
        assert newest.startswith("\x1b7\x1b[15;44H\x1bP")


async def test_image_that_does_not_fit_any_more_is_shown_in_blocks(terminal: Stage) -> None:
    terminal.images = Settings(Drawing.SIXEL, 0)
    await bob_sends_picture(terminal)
    async with terminal.open() as pilot:
        await look(terminal)
        await terminal.until(lambda: after_last_frame(terminal, "\x1bP0;0;0q"))
        await pilot.resize_terminal(100, 2)
        await terminal.until(terminal.shows(UPPER_HALF))


async def test_terminal_that_does_not_tell_its_pixels_gets_blocks(
    terminal: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_desk, "cell_size", lambda: None)
    terminal.images = Settings(Drawing.SIXEL, 0)
    await bob_sends_picture(terminal)
    async with terminal.open():
        await look(terminal)
        await terminal.until(terminal.shows(BLOCKS))
        assert not any("\x1bP" in text for text in written(terminal))


async def test_images_that_are_off_are_told_to_be(stage: Stage) -> None:
    stage.images = Settings(Drawing.OFF)
    await bob_sends_picture(stage)
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.until(stage.shows("red.png"))
        await pilot.press("up", "v")
        await stage.until(lambda: any("turned off" in line for line in stage.notices()))
    assert stage.server.count("download") == 0
