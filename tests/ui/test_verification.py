"""Verifying each other, by keys: a request that waits, what is compared, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dmtui.core.errors import Unreachable
from dmtui.core.verification import EMOJI, Phase
from dmtui.ui.screens.main import MainScreen
from dmtui.ui.screens.verification import VerificationScreen
from tests.fake_verification import EMOJI as SHOWN
from tests.fakes import BOB, CAROL, ME

if TYPE_CHECKING:
    from tests.ui.stage import Stage


def phase(stage: Stage) -> Phase:
    (one,) = stage.server.verifications.known.values()
    return one.phase


async def shows(stage: Stage, words: str) -> None:
    """Wait until the words are on screen, wherever lines break."""
    await stage.until(lambda: " ".join(words.split()) in flat(stage))


def flat(stage: Stage) -> str:
    return " ".join(stage.text().replace("│", " ").split())


async def have_bob(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", encrypted=True)


async def open_bob(stage: Stage) -> None:
    await stage.until(lambda: stage.row(BOB))
    stage.people.focus()
    await stage.pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (160, 48)])
async def test_request_is_answered_and_compared_by_keys(
    stage: Stage, size: tuple[int, int]
) -> None:
    await have_bob(stage)
    async with stage.open(size) as pilot:
        await open_bob(stage)
        identifier = stage.server.verifications.ask(BOB)
        await shows(stage, "Bob asks to verify: F7")
        await pilot.press("f7")
        await shows(stage, "a accepts · c cancels")
        await pilot.press("m", "d", "enter")  # nothing to say that of yet
        await pilot.press("a")
        await stage.until(lambda: phase(stage) is Phase.READY)
        stage.server.verifications.agree(identifier)
        await shows(stage, "Does Bob show the same, in the same order?")
        for number, index in enumerate(SHOWN, 1):
            sign, name = EMOJI[index]
            assert f"{number} {name} {sign}" in flat(stage)
        assert "1234 5678 9012" in flat(stage)
        await shows(stage, "m They match · d They don't match · c cancels")
        await pilot.press("m")
        await shows(stage, "Waiting for Bob to say the same.")
        stage.server.verifications.confirm(identifier)
        await shows(stage, f"Verified: Bob. {BOB} is verified.")
        await pilot.press("escape")
        await stage.until(lambda: isinstance(stage.app.screen, MainScreen))
        assert stage.server.count("confirm_verification") == 1
        assert "F7" not in stage.text()


async def test_request_takes_nothing_from_who_types(stage: Stage) -> None:
    await have_bob(stage)
    async with stage.open() as pilot:
        await open_bob(stage)
        await pilot.press("enter")
        await stage.type("a half")
        stage.server.verifications.ask(BOB)
        await shows(stage, "Bob asks to verify")
        await stage.type("amdc")
        assert stage.composer.text == "a halfamdc"
        assert isinstance(stage.app.screen, MainScreen)
        assert phase(stage) is Phase.ASKED


async def test_mismatch_is_said_and_told(stage: Stage) -> None:
    await have_bob(stage)
    async with stage.open() as pilot:
        await open_bob(stage)
        await pilot.press("v")
        await shows(stage, "Waiting for Bob to accept.")
        ((room_id),) = [
            c.arguments[1] for c in stage.server.calls if c.name == "request_verification"
        ]
        assert room_id in stage.server.rooms
        stage.server.verifications.agree("verification-1")
        await shows(stage, "They don't match")
        await pilot.press("d")
        await shows(stage, "Not verified: Bob. The two sides did not see the same")
        assert stage.server.count("mismatch_verification") == 1


async def test_closing_cancels_nothing_and_f7_goes_on(stage: Stage) -> None:
    await have_bob(stage)
    async with stage.open(toasts=True) as pilot:
        await open_bob(stage)
        await pilot.press("v")
        await shows(stage, "Waiting for Bob to accept.")
        await pilot.press("escape")
        await stage.until(lambda: isinstance(stage.app.screen, MainScreen))
        stage.server.verifications.agree("verification-1")
        await shows(stage, "Compare with Bob: F7")
        await pilot.press("f7")
        await shows(stage, "Does Bob show the same")
        await pilot.press("escape")
        stage.server.verifications.refuse("verification-1")
        await stage.until(lambda: "Not verified: Bob. It was cancelled." in stage.notices())


async def test_own_device_is_asked_from_the_palette(stage: Stage) -> None:
    async with stage.open():
        stage.main.action_general("verify_own")
        await stage.until(lambda: isinstance(stage.app.screen, VerificationScreen))
        await shows(stage, "Waiting for your other device to accept.")
        (call,) = [c for c in stage.server.calls if c.name == "request_verification"]
        assert call.arguments == (ME, None)


async def test_own_device_is_asked_from_the_encryption_screen(stage: Stage) -> None:
    stage.server.recovery.set_up_elsewhere()
    async with stage.open() as pilot:
        stage.main.action_general("encryption")
        await shows(stage, "v verifies")
        await pilot.press("v")
        await shows(stage, "Waiting for your other device to accept.")
        await pilot.press("c")
        await shows(stage, "Not verified: your device THEIRS. It was cancelled.")


async def test_stranger_gets_no_attention(stage: Stage) -> None:
    await have_bob(stage)
    async with stage.open():
        stage.server.verifications.ask(CAROL)
        stage.server.verifications.ask(BOB)
        await shows(stage, "Bob asks to verify")
        await stage.messenger.verification.cancel("verification-2")
        await stage.until(lambda: "asks to verify" not in stage.text())


async def test_trouble_is_told_and_can_be_tried_again(stage: Stage) -> None:
    await have_bob(stage)
    async with stage.open() as pilot:
        await open_bob(stage)
        identifier = stage.server.verifications.ask(BOB)
        await shows(stage, "Bob asks to verify")
        await pilot.press("f7")
        stage.server.fail("accept_verification", Unreachable("The homeserver is away."))
        await pilot.press("a")
        await shows(stage, "The homeserver is away.")
        await pilot.press("a")
        await stage.until(lambda: phase(stage) is Phase.READY)
        await pilot.press("s")
        await stage.until(lambda: phase(stage) is Phase.AGREEING)
        stage.server.verifications.agree(identifier)
        await shows(stage, "Does Bob show the same")
