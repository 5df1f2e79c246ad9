"""Text of the conversation selected with the mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes import BOB
from tests.ui.hosting import line_of
from tests.ui.test_conversation import open_first

if TYPE_CHECKING:
    from tests.ui.stage import Stage


async def drag(stage: Stage, start: tuple[int, int], end: tuple[int, int]) -> None:
    pilot = stage.pilot
    await pilot.mouse_down(stage.timeline, offset=start)
    await pilot.hover(stage.timeline, offset=end)
    await pilot.mouse_up(stage.timeline, offset=end)
    await pilot.pause()


def row(stage: Stage, text: str) -> int:
    found = line_of(stage.timeline, text)
    assert found is not None
    return found


async def test_selected_text_is_copied_without_margin_and_marks(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["first words", "second words"])
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.type("mine")
        await pilot.press("enter")
        await stage.until(lambda: stage.messages()[-1].event_id)
        await pilot.pause()
        start = (8, row(stage, "first words"))
        await drag(stage, start, (6, row(stage, "mine")))
        await pilot.press("ctrl+c")
        await stage.until(lambda: stage.app.clipboard)
        lines = stage.app.clipboard.splitlines()
        assert lines[:2] == ["words", "second words"]
        assert lines[-1] == "mine"


async def test_click_still_selects_a_message(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["first words", "second words"])
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.click(stage.timeline, offset=(6, row(stage, "first words")))
        await stage.until(lambda: (m := stage.timeline.cursor_message) and m.body == "first words")
