"""Nothing moves by itself where animations are left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from textual import constants
from textual.containers import VerticalScroll
from textual.widgets import Input

from dmtui.core.model import Phase
from dmtui.ui.screens.go_to_person import GoToPerson
from dmtui.ui.screens.help import Help
from tests.fakes import BOB

if TYPE_CHECKING:
    from tests.ui.stage import Stage


@pytest.mark.parametrize("how", ["setting", "plain", "environment"])
async def test_no_cursor_blinks_and_nothing_glides(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "environment":
        monkeypatch.setattr(constants, "TEXTUAL_ANIMATIONS", "none")
    await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open((80, 24), plain=how == "plain", animations=how != "setting") as pilot:
        await pilot.press("ctrl+k")
        await stage.until(lambda: isinstance(stage.app.screen, GoToPerson))
        field = stage.app.screen.query_one(Input)
        await stage.until(lambda: field.has_focus and not field.cursor_blink)
        await pilot.press("escape", "f1")
        await stage.until(lambda: isinstance(stage.app.screen, Help))
        page = stage.app.screen.query_one(VerticalScroll)
        await stage.until(lambda: page.max_scroll_y > 0)
        page.scroll_end()
        await pilot.pause()
        assert not stage.app.animator.is_being_animated(page, "scroll_y")
        assert page.scroll_y == page.max_scroll_y


async def test_time_of_the_next_try_stands_still(stage: Stage) -> None:
    async with stage.open(animations=False) as pilot:
        known = stage.main.status.connection
        assert known is not None
        at = stage.clock.now() + 3600
        stage.main.status.connection = replace(known, phase=Phase.OFFLINE, retry_at=at)
        await pilot.pause()
        assert ", retry at " in stage.text()
