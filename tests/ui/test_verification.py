"""Verifying each other, by keys: a request that waits, what is compared, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import segno

from dmtui.core.errors import Unreachable
from dmtui.core.verification import EMOJI, Phase
from dmtui.ui.screens.main import MainScreen
from dmtui.ui.screens.verification import VerificationScreen
from dmtui.ui.widgets.qr_code import QrCode
from tests.fake_verification import EMOJI as SHOWN
from tests.fake_verification import QR
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
    """Words only: the code beside them is blocks and space."""
    return " ".join(stage.text().replace("│", " ").replace("▀", " ").split())


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
        await shows(stage, f"Verified: Bob ({BOB}).")
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


# -- a code to be scanned -----------------------------------------------------------------------


def drawn(stage: Stage) -> list[list[int]]:
    """The modules on screen as a camera sees them, 1 is black; any other colour fails."""
    code = stage.app.screen.query_one(QrCode)
    assert code.display
    left, top, width, height = code.region
    lines = stage.app.screen._compositor.render_strips()[top : top + height]
    rows: list[list[int]] = []
    for line in lines:
        upper, lower = [], []
        for text, style, _ in line.crop(left, left + width):
            assert style is not None
            ink, paper = style.color, style.bgcolor
            assert ink is not None
            assert paper is not None
            for cell in text:
                assert cell in " ▀"
                upper.append(ink if cell == "▀" else paper)
                lower.append(paper)
        rows += [[COLOURS[one.get_truecolor()] for one in row] for row in (upper, lower)]
    return rows


COLOURS = {(255, 255, 255): 0, (0, 0, 0): 1}


def bordered(rows: tuple[bytearray, ...], quiet: int) -> list[list[int]]:
    """With light modules around, and one row more where half a line is left."""
    edge, side = [0] * quiet, len(rows) + 2 * quiet
    blank = [[0] * side for _ in range(quiet)]
    square = [*blank, *([*edge, *row, *edge] for row in rows), *blank]
    return [*square, *([[0] * side] if side % 2 else [])]


async def show_code(stage: Stage) -> str:
    """Have Bob, who can scan, take part."""
    await open_bob(stage)
    stage.server.verifications.scanner = True
    identifier = stage.server.verifications.ask(BOB)
    await shows(stage, "Bob asks to verify")
    await stage.pilot.press("f7")
    await shows(stage, "a accepts")
    await stage.pilot.press("a")
    return identifier


@pytest.mark.parametrize(
    ("theme", "size", "quiet"),
    [
        ("textual-dark", (80, 24), 2),
        ("textual-light", (80, 25), 4),
        ("ansi-dark", (160, 48), 4),
    ],
)
async def test_code_on_screen_is_the_one_that_was_made(
    stage: Stage, theme: str, size: tuple[int, int], quiet: int
) -> None:
    await have_bob(stage)
    async with stage.open(size):
        stage.app.theme = theme
        await show_code(stage)
        await shows(stage, "Let Bob scan this with their app.")
        made = segno.make(QR, mode="byte", error="l", boost_error=False, micro=False)
        assert len(made.matrix) == 41
        assert drawn(stage) == bordered(made.matrix, quiet)
        for words in ("Verify Bob", "s compares pictures", "c cancels", "Esc closes"):
            assert words in flat(stage)


async def test_scan_is_confirmed_by_keys(stage: Stage) -> None:
    await have_bob(stage)
    async with stage.open((80, 24)) as pilot:
        identifier = await show_code(stage)
        await shows(stage, "Let Bob scan this")
        await pilot.press("y", "n", "m", "d")  # nothing to say that of yet
        stage.server.verifications.scan(identifier)
        await shows(stage, "Bob has scanned the code.")
        assert not stage.app.screen.query_one(QrCode).display
        await shows(stage, "y It does · n It doesn't · c cancels")
        await pilot.press("m", "d", "s")  # of pictures
        await pilot.press("y")
        await shows(stage, f"Verified: Bob ({BOB}).")
        assert stage.server.count("confirm_verification") == 1
        assert stage.server.count("mismatch_verification") == 0


async def test_scan_that_shows_no_success_is_told(stage: Stage) -> None:
    await have_bob(stage)
    async with stage.open((80, 24)) as pilot:
        identifier = await show_code(stage)
        await shows(stage, "Let Bob scan this")
        await pilot.press("escape")
        stage.server.verifications.scan(identifier)
        await shows(stage, "Confirm the scan of Bob: F7")
        await pilot.press("f7")
        await shows(stage, "n It doesn't")
        await pilot.press("n")
        await shows(stage, "Not verified: Bob. The keys are not what they should be")


async def test_pictures_are_compared_in_place_of_the_code(stage: Stage) -> None:
    await have_bob(stage)
    async with stage.open((80, 24)) as pilot:
        identifier = await show_code(stage)
        await shows(stage, "s compares pictures")
        await pilot.press("s")
        await stage.until(lambda: phase(stage) is Phase.AGREEING)
        stage.server.verifications.agree(identifier)
        await shows(stage, "Does Bob show the same")
        assert not stage.app.screen.query_one(QrCode).display


@pytest.mark.parametrize("size", [(60, 20), (75, 24), (76, 22)])
async def test_terminal_too_small_for_the_code_says_so(stage: Stage, size: tuple[int, int]) -> None:
    await have_bob(stage)
    async with stage.open(size) as pilot:
        await show_code(stage)
        await shows(stage, "this terminal is too small for it: it takes 76×23.")
        await shows(stage, "s compares pictures · c cancels · Esc closes")
        assert not stage.app.screen.query_one(QrCode).display
        await pilot.resize_terminal(76, 23)
        await shows(stage, "Let Bob scan this")
        assert stage.app.screen.query_one(QrCode).display
        await pilot.resize_terminal(*size)
        await shows(stage, "too small")
        await pilot.press("s")
        await stage.until(lambda: phase(stage) is Phase.AGREEING)


async def test_own_device_scans_the_code(stage: Stage) -> None:
    stage.server.verifications.scanner = True
    async with stage.open((80, 24)):
        stage.main.action_general("verify_own")
        await shows(stage, "Waiting for your other device to accept.")
        stage.server.verifications.meet("verification-1")
        await shows(stage, "Scan this with your device THEIRS.")
        stage.server.verifications.scan("verification-1")
        await shows(stage, "Your device THEIRS has scanned the code. Does its screen show")


async def test_keys_are_on_the_smallest_screen_while_pictures_are_compared(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Robert Featherstonehaugh-Smythe", encrypted=True)
    async with stage.open((60, 20)) as pilot:
        await open_bob(stage)
        await pilot.press("v")
        await shows(stage, "to accept.")
        stage.server.verifications.agree("verification-1")
        await shows(stage, "show the same, in the same order?")
        await shows(stage, "m They match · d They don't match · c cancels · Esc closes")
