from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.errors import Refused, Unreachable
from dmtui.core.model import Availability, Presence, Profile, Safe
from dmtui.ui.screens.own_profile import MyProfile
from tests.fakes import BOB, ME
from tests.ui.test_conversation import open_first

if TYPE_CHECKING:
    from tests.ui.stage import Stage


async def have_profile(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    stage.server.profiles[ME] = Profile(ME, Safe("Me"))
    stage.server.presences[ME] = Presence(Availability.OFFLINE, Safe("away"))


async def open_profile(stage: Stage) -> None:
    await open_first(stage)
    await stage.type("/profile")
    await stage.pilot.press("enter")
    await stage.until(lambda: isinstance(stage.app.screen, MyProfile))


async def test_name_and_status_are_shown_and_changed(stage: Stage) -> None:
    await have_profile(stage)
    async with stage.open(toasts=True) as pilot:
        await open_profile(stage)
        await stage.until(stage.shows("away"))
        await stage.until(stage.shows("Me "))
        await pilot.press("end")
        await stage.type(" too")
        await pilot.press("tab", "ctrl+u", "enter")
        await stage.until(lambda: "Your status is removed." in stage.notices())
        assert "Others see you as Me too." in stage.notices()
        assert stage.server.profiles[ME].name == "Me too"
        assert stage.server.presences[ME].status == ""


async def test_what_was_not_changed_is_not_sent(stage: Stage) -> None:
    await have_profile(stage)
    async with stage.open() as pilot:
        await open_profile(stage)
        await stage.until(stage.shows("away"))
        await pilot.press("enter")
        await stage.until(lambda: stage.app.screen is stage.main)
        assert stage.server.count("set_display_name") == 0
        assert stage.server.count("set_status") == 0


async def test_refusal_of_the_server_is_told(stage: Stage) -> None:
    await have_profile(stage)
    stage.server.fail(
        "set_display_name", Refused("Names are not changed here.", 403, "M_FORBIDDEN")
    )
    async with stage.open(toasts=True) as pilot:
        await open_profile(stage)
        await stage.until(stage.shows("away"))
        await pilot.press("x", "enter")
        await stage.until(lambda: any("not changed here" in line for line in stage.notices()))


async def test_profile_that_can_not_be_had_says_why(stage: Stage) -> None:
    await have_profile(stage)
    stage.server.fail("profile", Unreachable("The homeserver does not answer."))
    async with stage.open() as pilot:
        await open_profile(stage)
        await stage.until(stage.shows("The homeserver does not answer."))
        await pilot.press("escape")
        await stage.until(lambda: stage.app.screen is stage.main)
