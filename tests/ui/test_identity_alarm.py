"""Somebody's identity has changed: a notice, a banner, and a question before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.trust import IdentityState
from tests.fakes import BOB

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tests.ui.stage import Stage


async def written(stage: Stage, pilot: Pilot[None]) -> None:
    """A message is written to Bob, whose identity has changed, and Enter pressed."""
    await stage.server.have_direct_room(BOB, "Bob", encrypted=True, history=["hi"])
    await stage.until(lambda: stage.row(BOB))
    stage.people.focus()
    await pilot.press("enter")
    await stage.until(stage.shows("hi"))
    await stage.server.change_identity(BOB, IdentityState.CHANGED)
    await stage.until(stage.shows("IDENTITY CHANGED"))
    await stage.until(lambda: any("identity of Bob has changed" in one for one in stage.notices()))
    stage.app.query_one("#composer").focus()
    await pilot.press(*"psst", "enter")
    await stage.until(stage.shows("Send anyway"))


async def test_waiting_keeps_what_was_written(stage: Stage) -> None:
    async with stage.open((100, 30)) as pilot:
        await written(stage, pilot)
        await pilot.press("w")
        await stage.until(lambda: "Send anyway" not in stage.text() and "psst" in stage.text())
        assert not stage.server.count("send_text")
        assert "IDENTITY CHANGED" in stage.text()


async def test_accepting_sends_it_and_ends_the_alarm(stage: Stage) -> None:
    async with stage.open((100, 30)) as pilot:
        await written(stage, pilot)
        await pilot.press("s")
        await stage.until(lambda: stage.server.count("send_text"))
        await stage.until(lambda: "IDENTITY CHANGED" not in stage.text())
        assert stage.server.count("accept_identity") == 1
