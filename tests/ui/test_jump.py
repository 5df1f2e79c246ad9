"""A window around an old message: shown, paged both ways, and left for the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.model import EventId
from tests.fakes import BOB
from tests.ui.test_conversation import open_first

if TYPE_CHECKING:
    from tests.ui.stage import Stage

COUNT = 400


async def long_chat(stage: Stage) -> None:
    lines = [f"line {n:03}" for n in range(COUNT)]
    await stage.server.have_direct_room(BOB, "Bob", history=lines, shown=COUNT)


async def open_read(stage: Stage) -> None:
    """Bob's chat with its newest messages, all of them read."""
    await open_first(stage)
    await stage.pilot.press("ctrl+end")
    await stage.until(lambda: (row := stage.row()) is not None and not row.unread)
    stage.main.open(BOB)
    await stage.until(lambda: len(bodies(stage)) == 50)


def key(stage: Stage, text: str) -> str:
    messages = stage.messenger.messages(BOB, limit=COUNT).messages
    return next(message.key for message in messages if message.body == text)


def bodies(stage: Stage) -> list[str]:
    return [message.body for message in stage.conversation.reading.messages]


async def test_an_old_message_is_shown_selected_with_what_was_said_around_it(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open():
        await open_read(stage)
        assert stage.conversation.reading.jump(key(stage, "line 100"))
        await stage.until(stage.shows("line 100"))
        assert stage.timeline.cursor_message is not None
        assert stage.timeline.cursor_message.body == "line 100"
        assert "line 098" in stage.text()
        assert "line 102" in stage.text()
        assert "line 399" not in bodies(stage)
        assert not stage.timeline.following


async def test_a_window_is_paged_down_to_the_newest_message(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open() as pilot:
        await open_read(stage)
        stage.conversation.reading.jump(key(stage, "line 250"))
        stage.timeline.focus()
        for _ in range(30):
            await pilot.press("pagedown")
        await stage.until(stage.shows("line 399"))
        assert bodies(stage) == [f"line {n:03}" for n in range(200, COUNT)]
        assert stage.timeline.following


async def test_a_window_is_paged_up_to_the_beginning(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open() as pilot:
        await open_read(stage)
        stage.conversation.reading.jump(key(stage, "line 060"))
        stage.timeline.focus()
        for _ in range(12):
            await pilot.press("pageup")
        await stage.until(stage.shows("line 000"))
        assert bodies(stage)[:111] == [f"line {n:03}" for n in range(111)]


async def test_ctrl_end_comes_back_to_the_newest_message(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open() as pilot:
        await open_read(stage)
        stage.conversation.reading.jump(key(stage, "line 100"))
        await stage.until(stage.shows("newest: Ctrl+End"))
        await pilot.press("ctrl+end")
        await stage.until(stage.shows("line 399"))
        assert stage.timeline.following
        assert "newest:" not in stage.text()


async def test_what_comes_in_meanwhile_neither_moves_the_window_nor_counts_as_read(
    stage: Stage,
) -> None:
    await long_chat(stage)
    async with stage.open() as pilot:
        await open_read(stage)
        stage.conversation.reading.jump(key(stage, "line 100"))
        await stage.until(stage.shows("line 100"))
        room = stage.conversation.reading.messages[0].room_id
        read = stage.server.count("mark_read")
        await stage.server.say(room, BOB, "are you there?")
        await stage.until(lambda: (row := stage.row()) is not None and row.unread == 1)
        assert "line 100" in stage.text()
        assert "are you there?" not in bodies(stage)
        assert stage.server.count("mark_read") == read
        await pilot.press("ctrl+end")
        await stage.until(stage.shows("are you there?"))
        await stage.until(lambda: stage.server.count("mark_read") > read)


async def test_a_message_sent_from_a_window_of_old_ones_is_shown(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open() as pilot:
        await open_read(stage)
        stage.conversation.reading.jump(key(stage, "line 100"))
        await stage.type("hello")
        await pilot.press("enter")
        await stage.until(lambda: bodies(stage)[-1] == "hello")
        await stage.until(lambda: stage.timeline.following)


async def test_what_is_not_stored_is_not_jumped_to(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open():
        await open_read(stage)
        before = bodies(stage)
        assert not stage.conversation.reading.jump("4711")
        assert stage.messenger.key_of(BOB, EventId("$never")) is None
        assert bodies(stage) == before
