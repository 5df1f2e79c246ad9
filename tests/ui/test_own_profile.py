"""My profile: what others see, and the keys that change it."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from textual.widgets import Input

from dmtui.core.errors import Refused, Unreachable
from dmtui.core.model import Availability, Presence, Profile, Safe
from dmtui.messenger.introducing import UNSEEN
from dmtui.ui.screens.attach_file import AttachFile
from dmtui.ui.screens.confirm import Question
from dmtui.ui.screens.introducing import LATER
from dmtui.ui.screens.line_question import LineQuestion
from dmtui.ui.screens.own_profile import MyProfile
from tests.fakes import BOB, ME
from tests.ui.test_conversation import open_first

if TYPE_CHECKING:
    from pathlib import Path

    from textual.screen import Screen

    from tests.ui.stage import Stage

HALF = "\u2580"


async def have_profile(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    stage.server.profiles[ME] = Profile(ME, Safe("Me"))
    stage.server.presences[ME] = Presence(Availability.OFFLINE, Safe("at sea"))


async def open_profile(stage: Stage) -> None:
    await open_first(stage)
    await stage.type("/profile")
    await stage.pilot.press("enter")
    await on_top(stage, MyProfile)


async def on_top(stage: Stage, kind: type[Screen[Any]]) -> None:
    await stage.until(lambda: isinstance(stage.app.screen, kind))
    await stage.pilot.pause()


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 48)])
async def test_profile_shows_what_others_see_and_all_its_keys(
    stage: Stage, size: tuple[int, int]
) -> None:
    await have_profile(stage)
    async with stage.open(size):
        await open_profile(stage)
        await stage.until(stage.shows("at sea"))
        for words in (
            ME,
            f"matrix.to/#/{ME}",
            "none: you are initials",
            "nothing: it is left to your",
            "n Name",
            "s Status",
            "p Presence",
            "i Picture",
            "d No picture",
            "y Copy ID",
            "l Link",
        ):
            assert words in stage.text(), words


async def test_name_and_status_are_changed(stage: Stage) -> None:
    await have_profile(stage)
    async with stage.open(toasts=True) as pilot:
        await open_profile(stage)
        await stage.until(stage.shows("at sea"))
        await pilot.press("n")
        await on_top(stage, LineQuestion)
        assert stage.app.screen.query_one(Input).value == "Me"
        await pilot.press("end")
        await stage.type(" too")
        await pilot.press("enter")
        await stage.until(lambda: "Others see you as Me too." in stage.notices())
        await stage.until(stage.shows("Me too"))
        await pilot.press("s")
        await on_top(stage, LineQuestion)
        await pilot.press("ctrl+u", "enter")
        await stage.until(lambda: "Your status is removed." in stage.notices())
        assert stage.server.profiles[ME].name == "Me too"
        assert stage.server.presences[ME].status == ""


async def test_what_was_not_changed_is_not_sent(stage: Stage) -> None:
    await have_profile(stage)
    async with stage.open() as pilot:
        await open_profile(stage)
        await stage.until(stage.shows("at sea"))
        for key in ("n", "s"):
            await pilot.press(key)
            await on_top(stage, LineQuestion)
            await pilot.press("enter")
            await on_top(stage, MyProfile)
        await pilot.press("p")
        await on_top(stage, Question)
        await pilot.press("l")
        await on_top(stage, MyProfile)
        await pilot.press("escape")
        await stage.until(lambda: stage.app.screen is stage.main)
        assert stage.server.count("set_display_name") == 0
        assert stage.server.count("set_presence") == 0


async def test_refusal_of_the_server_is_told(stage: Stage) -> None:
    await have_profile(stage)
    stage.server.fail(
        "set_display_name", Refused("Names are not changed here.", 403, "M_FORBIDDEN")
    )
    async with stage.open(toasts=True) as pilot:
        await open_profile(stage)
        await stage.until(stage.shows("at sea"))
        await pilot.press("n")
        await on_top(stage, LineQuestion)
        await pilot.press("x", "enter")
        await stage.until(lambda: any("not changed here" in line for line in stage.notices()))


async def test_profile_that_can_not_be_had_says_why_and_can_be_changed(stage: Stage) -> None:
    await have_profile(stage)
    stage.server.fail("profile", Unreachable("The homeserver does not answer."), times=99)
    stage.server.fail("set_display_name", Unreachable("The homeserver does not answer."), times=2)
    async with stage.open(toasts=True) as pilot:
        await open_profile(stage)
        await stage.until(stage.shows("The homeserver does not answer."))
        await pilot.press("n")
        await on_top(stage, LineQuestion)
        await stage.type("New")
        await pilot.press("enter")
        await stage.until(lambda: LATER in stage.notices())
        stage.server.heal("profile")
        await stage.until(lambda: stage.server.profiles[ME].name == "New")
        await stage.until(stage.shows("at sea"))


async def test_presence_is_chosen_and_what_dmtui_says_is_shown(stage: Stage) -> None:
    await have_profile(stage)
    async with stage.open(toasts=True) as pilot:
        await open_profile(stage)
        await pilot.press("p")
        await on_top(stage, Question)
        await stage.until(stage.shows("It holds while dmtui runs"))
        await pilot.press("a")
        await stage.until(lambda: "dmtui says away, while it runs." in stage.notices())
        await stage.until(stage.shows("away, while it runs"))
        await stage.until(stage.shows("Others see   away"))
        assert stage.server.presences[ME].availability is Availability.UNAVAILABLE


async def test_server_without_presence_is_told_of(stage: Stage) -> None:
    await have_profile(stage)
    stage.server.keeps_presence = False
    async with stage.open(toasts=True) as pilot:
        await open_first(stage)
        await stage.type("/presence")
        await pilot.press("enter")
        await on_top(stage, Question)
        await pilot.press("o")
        await stage.until(lambda: UNSEEN in stage.notices())


async def test_picture_is_chosen_by_its_path_shown_and_removed(
    stage: Stage, tmp_path: Path
) -> None:
    await have_profile(stage)
    (tmp_path / "portraits").mkdir()
    Image.new("RGB", (600, 600), "#00ff00").save(tmp_path / "portraits" / "mine.png")
    async with stage.open(toasts=True) as pilot:
        await open_profile(stage)
        await stage.until(stage.shows(" Me "))
        await pilot.press("i")
        await on_top(stage, AttachFile)
        line = stage.app.screen.query_one(Input)
        line.value = str(tmp_path / "portr")
        line.cursor_position = len(line.value)
        await pilot.press("tab", "tab")
        await stage.until(lambda: line.value.endswith("portraits/mine.png"))
        await pilot.press("enter")
        await stage.until(lambda: "Others see your new picture." in stage.notices())
        content, key = stage.server.files[stage.server.profiles[ME].avatar]
        assert key is None
        with Image.open(BytesIO(content)) as sent:
            assert sent.size == (512, 512)
        await stage.until(stage.shows(HALF * 16))
        await pilot.press("d")
        await on_top(stage, Question)
        await pilot.press("c")
        await on_top(stage, MyProfile)
        assert stage.server.profiles[ME].avatar
        await pilot.press("d")
        await on_top(stage, Question)
        await pilot.press("r")
        await stage.until(lambda: "Your picture is removed." in stage.notices())
        await stage.until(lambda: HALF not in stage.text())
        assert stage.server.profiles[ME].avatar == ""


async def test_file_that_is_no_picture_is_told_in_one_line(stage: Stage, tmp_path: Path) -> None:
    await have_profile(stage)
    (tmp_path / "notes.png").write_text("no picture")
    async with stage.open(toasts=True) as pilot:
        await open_first(stage)
        await stage.type("/avatar")
        await pilot.press("enter")
        await on_top(stage, AttachFile)
        stage.app.screen.query_one(Input).value = str(tmp_path / "notes.png")
        await pilot.press("enter")
        await stage.until(lambda: any("can't be your picture" in n for n in stage.notices()))
        assert stage.server.count("upload") == 0
