"""However the app ends, what was typed is on disk; a session that ended can be begun again."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from dmtui.core.errors import SignedOut
from dmtui.ui.screens.confirm import Question
from dmtui.ui.screens.sign_in import SignInScreen
from tests.fakes import BOB, ME

if TYPE_CHECKING:
    from tests.ui.stage import Stage


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_signal_saves_the_draft_and_stops(stage: Stage, number: signal.Signals) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open() as pilot:
        await pilot.press("alt+1")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("unsent")
        os.kill(os.getpid(), number)
        await stage.until(lambda: not stage.app.is_running)
        assert stage.server.closed
        assert stage.app.return_code == 0
    async with stage.open() as pilot:
        await pilot.press("alt+1")
        await stage.until(lambda: stage.composer.text == "unsent")


async def test_ctrl_q_stops_the_messenger(stage: Stage) -> None:
    async with stage.open() as pilot:
        await pilot.press("ctrl+q")
        await stage.until(lambda: not stage.app.is_running)
        assert stage.server.closed


async def test_ended_session_is_told_and_signing_in_again_is_offered(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open() as pilot:
        await pilot.press("alt+1")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("kept")
        stage.server.fail("sync", SignedOut("This device was signed out."))
        await stage.server.show_typing(next(iter(stage.server.rooms)))
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await stage.until(stage.shows("signed out"))
        await pilot.press("s", "enter")
        await stage.until(lambda: isinstance(stage.app.screen, SignInScreen))
        assert ME in stage.text()
        assert stage.server.closed


async def test_ended_session_leaves_the_messages_to_read(stage: Stage) -> None:
    room = await stage.server.have_direct_room(BOB, "Bob", history=["still here"])
    async with stage.open() as pilot:
        stage.server.fail("sync", SignedOut("This device was signed out."))
        await stage.server.show_typing(room)
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await pilot.press("n", "enter")
        await stage.until(lambda: not isinstance(stage.app.screen, Question))
        await pilot.press("alt+1")
        await stage.until(stage.shows("still here"))
        assert "Signed out" in stage.text()
