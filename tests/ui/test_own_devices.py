"""New devices of my account in the app, and signing one out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from textual.widgets import OptionList

from dmtui.core.errors import Refused, Unreachable
from dmtui.core.model import Safe
from dmtui.core.own_devices import OwnDevice
from dmtui.ui.screens.confirm import Question
from dmtui.ui.screens.devices import Devices
from dmtui.ui.screens.encryption import EncryptionScreen
from dmtui.ui.screens.recovery_steps import Password
from dmtui.ui.screens.verification import VerificationScreen
from tests.fakes import BOB, THIS_DEVICE
from tests.ui.hosting import HOSTILE
from tests.ui.test_encryption import notice, on, open_screen

if TYPE_CHECKING:
    from tests.ui.stage import Stage

PHONE = OwnDevice("PHONE", Safe("My phone"), "abcdefghijklmnopqrstuvwxyz", confirmed=True)
STRANGE = OwnDevice("STRANGE", Safe("Element"), "ABCDEFGHIJKLMNOPQRSTUVWXYZ", confirmed=False)
LINE = "New sign-in, not confirmed: Element (STRANGE): Ctrl+P “Encryption”"
TOLD = (
    "New sign-in, not confirmed: Element (STRANGE). If it isn't you, sign it out:"
    " Ctrl+P “Encryption”"
)


async def listed(stage: Stage, *devices: OwnDevice) -> None:
    """Before dmtui starts."""
    stage.server.own = [THIS_DEVICE, *devices]


async def test_new_sign_in_takes_no_keys_and_waits_until_it_is_looked_at(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open() as pilot:
        await stage.until(lambda: stage.row(BOB))
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("hel")
        await stage.server.sign_in_elsewhere(STRANGE)
        await stage.until(lambda: LINE in notice(stage))
        await stage.type("lo")
        assert stage.composer.text == "hello"
        assert stage.notices().count(TOLD) == 1
    async with stage.open() as pilot:
        await stage.until(lambda: LINE in notice(stage))
        assert TOLD not in stage.notices()
        await open_screen(stage)
        await stage.until(stage.shows("Element (STRANGE)  NEW  NOT confirmed"))
        await pilot.press("escape")
        await on(stage, type(stage.main))
        await stage.until(lambda: LINE not in notice(stage))
    async with stage.open():
        await stage.pilot.pause()
        assert LINE not in notice(stage)


async def test_devices_that_were_there_at_first_are_not_announced(stage: Stage) -> None:
    await listed(stage, PHONE, STRANGE)
    async with stage.open():
        await stage.server.sign_in_elsewhere()
        await stage.pilot.pause()
        assert "sign-in" not in notice(stage)
        assert not any("STRANGE" in line for line in stage.notices())


async def test_confirmed_sign_in_is_told_and_does_not_wait(stage: Stage) -> None:
    async with stage.open():
        await stage.server.sign_in_elsewhere(PHONE)
        await stage.until(lambda: "Signed in and confirmed: My phone (PHONE)." in stage.notices())
        assert "PHONE" not in notice(stage)


@pytest.mark.parametrize("confirmed", [True, False])
async def test_sign_in_waits_no_more_once_it_is_confirmed_or_gone(
    stage: Stage, confirmed: bool
) -> None:
    async with stage.open():
        await stage.server.sign_in_elsewhere(STRANGE)
        await stage.until(lambda: LINE in notice(stage))
        if confirmed:
            await stage.server.sign_in_elsewhere(replace(STRANGE, confirmed=True))
        else:
            await stage.server.sign_out_elsewhere("STRANGE")
        await stage.until(lambda: LINE not in notice(stage))


async def test_sign_in_waits_while_the_devices_can_not_be_listed(stage: Stage) -> None:
    stage.server.fail("own_devices", Unreachable("The homeserver does not answer."), times=2)
    async with stage.open() as pilot:
        await stage.server.sign_in_elsewhere(STRANGE)
        await stage.until(lambda: LINE in notice(stage))
        await open_screen(stage)
        await stage.until(stage.shows("The homeserver does not answer."))
        await pilot.press("escape")
        await on(stage, type(stage.main))
        assert LINE in notice(stage)


async def test_name_of_a_device_can_do_nothing_to_the_screen(stage: Stage) -> None:
    async with stage.open() as pilot:
        for number, text in enumerate(HOSTILE):
            device = replace(STRANGE, device_id=f"D{number}", name=Safe(text))
            await stage.server.sign_in_elsewhere(device)
        await stage.until(lambda: "new sign-ins, not confirmed" in notice(stage))
        stage.main.action_general("encryption")
        await on(stage, EncryptionScreen)
        await stage.until(stage.shows(f"Your devices ({1 + len(HOSTILE)})"))
        await pilot.press("d")
        await on(stage, Devices)
        await stage.until(stage.shows("(D0)"))


async def open_devices(stage: Stage) -> None:
    await open_screen(stage)
    await stage.until(stage.shows("d devices"))
    await stage.pilot.press("d")
    await on(stage, Devices)


async def test_devices_are_listed_unconfirmed_first_and_this_one_is_marked(stage: Stage) -> None:
    await listed(stage, PHONE, STRANGE)
    async with stage.open():
        await open_devices(stage)
        options = stage.app.screen.query_one(OptionList)
        rows = [str(option.prompt) for option in options.options]
        assert rows == [
            "! Element (STRANGE)  NOT confirmed  ABCDEFGHI…",
            "· My terminal (DEVICE)  this device  abcdefghi…",
            "✓ My phone (PHONE)  confirmed  abcdefghi…",
        ]


async def test_device_is_signed_out_for_the_password_once_asked(stage: Stage) -> None:
    await listed(stage, STRANGE)
    async with stage.open() as pilot:
        await open_devices(stage)
        await pilot.press("home", "enter")
        await on(stage, Question)
        await pilot.press("s")
        await stage.until(stage.shows("Sign out Element (STRANGE)?"))
        assert stage.server.count("sign_out_device") == 0
        await pilot.press("s")
        await on(stage, Password)
        await stage.until(stage.shows("before it signs out Element (STRANGE)"))
        await stage.type("wrong")
        await pilot.press("enter")
        await stage.until(stage.shows("does not take this password"))
        await stage.type(stage.server.password)
        await pilot.press("enter")
        await stage.until(stage.shows("Element (STRANGE) is signed out."))
        assert stage.server.own == [THIS_DEVICE]
        assert "NOT confirmed" not in stage.text()


@pytest.mark.parametrize("keys", [["enter"], ["n"], ["escape"]])
async def test_device_stays_signed_in_by_the_harmless_answers(
    stage: Stage, keys: list[str]
) -> None:
    await listed(stage, STRANGE)
    async with stage.open() as pilot:
        await open_devices(stage)
        await pilot.press("home", "enter")
        await on(stage, Question)
        await pilot.press("s")
        await stage.until(stage.shows("Sign out Element (STRANGE)?"))
        await pilot.press(*keys)
        await on(stage, Devices)
        assert stage.server.count("sign_out_device") == 0


async def test_refusal_says_where_a_device_is_signed_out(stage: Stage) -> None:
    await listed(stage, STRANGE)
    refusal = "Your homeserver wants devices signed out at https://example.org/me."
    stage.server.fail("sign_out_device", Refused(refusal, 404, "M_UNRECOGNIZED"))
    async with stage.open() as pilot:
        await open_devices(stage)
        await pilot.press("home", "enter", "s")
        await stage.until(stage.shows("Sign out Element (STRANGE)?"))
        await pilot.press("s")
        await stage.until(stage.shows(refusal))
        assert STRANGE in stage.server.own


async def test_device_is_verified_from_the_list(stage: Stage) -> None:
    await listed(stage, STRANGE)
    async with stage.open() as pilot:
        await open_devices(stage)
        await pilot.press("home", "enter")
        await on(stage, Question)
        await pilot.press("v")
        await on(stage, VerificationScreen)
        assert stage.server.count("request_verification") == 1


async def test_this_device_is_not_signed_out_here(stage: Stage) -> None:
    async with stage.open() as pilot:
        await open_devices(stage)
        await pilot.press("enter")
        await stage.until(stage.shows("dmtui logout signs it out"))
        await pilot.press("escape")
        await on(stage, EncryptionScreen)
