"""The sign-in screen: fields, trouble in one line, and on to the people."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.events import Key
from textual.widgets import Input

from dmtui.core.errors import Forbidden, NotMatrix, Unreachable
from dmtui.ui.screens.main import MainScreen
from dmtui.ui.screens.sign_in import SignInScreen
from tests.fakes import BOB, ME

if TYPE_CHECKING:
    from tests.ui.stage import Stage


def field(stage: Stage, name: str) -> Input:
    return stage.app.screen.query_one(f"#{name}", Input)


async def fill(stage: Stage, homeserver: str = "") -> None:
    field(stage, "user-id").value = ME
    field(stage, "password").value = "secret"
    field(stage, "homeserver").value = homeserver
    field(stage, "password").focus()
    await stage.pilot.pause()


async def test_enter_moves_on_and_signs_in(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open(signed_in=False) as pilot:
        assert stage.focus_is(field(stage, "user-id"))
        await stage.type(ME)
        await pilot.press("enter")
        assert stage.focus_is(field(stage, "password"))
        await stage.type("secret")
        await pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, MainScreen))
        assert stage.signing_in.tried == [(ME, "secret", "")]
        await stage.until(stage.shows("Bob"))


async def test_burst_of_keys_fills_every_field_with_its_own_text(stage: Stage) -> None:
    async with stage.open(signed_in=False) as pilot:
        for character in "@me:x\tsecret\thttps://x\r":
            name = {"\t": "tab", "\r": "enter"}.get(character, character)
            stage.app.post_message(Key(name, character))
        await stage.until(lambda: stage.signing_in.tried)
        await pilot.pause()
        assert stage.signing_in.tried == [("@me:x", "secret", "https://x")]


async def test_typed_homeserver_is_used(stage: Stage) -> None:
    async with stage.open(signed_in=False) as pilot:
        await fill(stage, "https://matrix.example.org")
        await pilot.press("enter")
        await stage.until(lambda: stage.signing_in.tried)
        assert stage.signing_in.tried == [(ME, "secret", "https://matrix.example.org")]


async def test_wrong_password_is_told_and_cleared_and_the_user_id_stays(stage: Stage) -> None:
    stage.signing_in.errors.append(Forbidden("Wrong user ID or password.", 403, "M_FORBIDDEN"))
    async with stage.open(signed_in=False) as pilot:
        await fill(stage)
        await pilot.press("enter")
        await stage.until(stage.shows("Wrong user ID or password."))
        assert field(stage, "user-id").value == ME
        assert field(stage, "password").value == ""
        assert stage.focus_is(field(stage, "password"))


async def test_server_trouble_keeps_everything_typed(stage: Stage) -> None:
    async with stage.open(signed_in=False) as pilot:
        await fill(stage)
        for error in (Unreachable("No network."), NotMatrix("This is no Matrix server.")):
            stage.signing_in.errors.append(error)
            await pilot.press("enter")
            await stage.until(stage.shows(str(error)))
            assert field(stage, "user-id").value == ME
            assert field(stage, "password").value == "secret"


async def test_missing_fields_are_named_and_nothing_is_asked(stage: Stage) -> None:
    async with stage.open(signed_in=False) as pilot:
        await pilot.press("enter")
        await stage.until(stage.shows("Type your user ID"))
        await stage.type(ME)
        await pilot.press("enter", "enter")
        await stage.until(stage.shows("Type your password."))
        assert stage.signing_in.tried == []


async def test_enter_twice_signs_in_once_and_esc_gives_up_the_attempt(stage: Stage) -> None:
    stage.signing_in.gate = asyncio.Event()
    async with stage.open(signed_in=False) as pilot:
        await fill(stage)
        await pilot.press("enter", "enter")
        await stage.until(stage.shows("Signing in…"))
        assert len(stage.signing_in.tried) == 1
        await pilot.press("escape")
        await stage.until(stage.shows("Cancelled."))
        assert isinstance(stage.app.screen, SignInScreen)


async def test_password_is_never_on_the_screen(stage: Stage) -> None:
    async with stage.open(signed_in=False):
        await fill(stage)
        assert "secret" not in stage.text()


async def test_esc_and_ctrl_q_quit(stage: Stage) -> None:
    for key in ("escape", "ctrl+q"):
        async with stage.open(signed_in=False) as pilot:
            await pilot.press(key)
            await stage.until(lambda: not stage.app.is_running)


async def test_form_fits_a_small_terminal(stage: Stage) -> None:
    async with stage.open((60, 20), signed_in=False):
        for name in ("user-id", "password", "homeserver", "notice"):
            region = stage.app.screen.query_one(f"#{name}").region
            assert stage.app.screen.region.contains_region(region)
