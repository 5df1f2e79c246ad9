"""Keys of somebody are not what they should be: a banner, and a question before it is sent."""

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
        assert not stage.server.count("send")
        assert "IDENTITY CHANGED" in stage.text()


async def test_accepting_sends_it_and_ends_the_alarm(stage: Stage) -> None:
    async with stage.open((100, 30)) as pilot:
        await written(stage, pilot)
        await pilot.press("s")
        await stage.until(lambda: stage.server.count("send"))
        await stage.until(lambda: "IDENTITY CHANGED" not in stage.text())
        assert stage.server.count("accept_identity") == 1


async def to_nobody(stage: Stage, pilot: Pilot[None]) -> None:
    """A message is written to Bob, who has confirmed no device, and Enter pressed."""
    await stage.server.have_direct_room(BOB, "Bob", encrypted=True, history=["hi"])
    await stage.until(lambda: stage.row(BOB))
    stage.people.focus()
    await pilot.press("enter")
    await stage.until(stage.shows("hi"))
    await stage.server.change_unconfirmed(BOB)
    await stage.until(stage.shows("NO DEVICE IS CONFIRMED"))
    stage.app.query_one("#composer").focus()
    await pilot.press(*"psst", "enter")
    await stage.until(stage.shows("Bob has confirmed no device"))


async def test_message_that_nobody_could_read_is_kept(stage: Stage) -> None:
    async with stage.open((100, 30)) as pilot:
        await to_nobody(stage, pilot)
        await pilot.press("enter")
        await stage.until(lambda: "has confirmed no device" not in stage.text())
        assert "psst" in stage.text()
        assert not stage.server.count("send")
        assert not stage.notices()


async def test_exception_sends_it_and_ends_the_alarm(stage: Stage) -> None:
    async with stage.open((100, 30)) as pilot:
        await to_nobody(stage, pilot)
        await pilot.press("s")
        await stage.until(lambda: stage.server.count("send"))
        await stage.until(lambda: "NO DEVICE IS CONFIRMED" not in stage.text())
        assert stage.server.excepted == {BOB}


async def test_enter_asks_though_what_was_written_waits_already(stage: Stage) -> None:
    async with stage.open((100, 30)) as pilot:
        await stage.server.have_direct_room(BOB, "Bob", encrypted=True, history=["hi"])
        await stage.until(lambda: stage.row(BOB))
        stage.people.focus()
        await pilot.press("enter")
        await stage.until(stage.shows("hi"))
        stage.server.unconfirmed = {BOB}
        stage.app.query_one("#composer").focus()
        await pilot.press(*"psst", "enter")
        await stage.until(stage.shows("Nothing is sent for now"))
        await pilot.press("enter")
        await stage.until(stage.shows("Bob has confirmed no device"))
        await pilot.press("s")
        await stage.until(lambda: stage.server.count("send") == 2)
        await stage.until(lambda: "Nothing is sent for now" not in stage.text())


async def test_device_that_is_confirmed_ends_the_alarm(stage: Stage) -> None:
    async with stage.open((100, 30)) as pilot:
        await to_nobody(stage, pilot)
        await stage.server.change_unconfirmed()
        await pilot.press("escape")
        await stage.until(lambda: "NO DEVICE IS CONFIRMED" not in stage.text())
