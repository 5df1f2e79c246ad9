"""The encryption screen: setting up, unlocking and restoring by keys alone, and what goes wrong."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from dmtui.core.errors import SignedOut, Unreachable, WrongIdentity
from dmtui.core.model import Kind, Safe
from dmtui.core.recovery import Backup, Identity
from dmtui.ui.screens.encryption import EncryptionScreen
from dmtui.ui.screens.keep_key import FILE_NAME, KeepKey
from dmtui.ui.screens.recovery_steps import Approval, NewPassphrase, Password
from dmtui.ui.screens.unlock import Unlock
from tests.fakes import BOB

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ui.stage import Stage

LIKE_A_KEY = "EsTc LW2K PGiF wKEA 3As5 g5c4 BXwk qeeJ ZJV8 Q9fu gUMN UE4d"
PASSPHRASE = "correct horse battery"


async def on(stage: Stage, screen: type) -> None:
    await stage.until(lambda: isinstance(stage.app.screen, screen))


async def open_screen(stage: Stage) -> None:
    """By the palette, as a user finds it."""
    await stage.pilot.press("ctrl+p")
    await stage.until(lambda: stage.app.screen.query(Input))
    await stage.type("Encryption")
    await stage.until(stage.shows("Encryption"))
    await stage.until(lambda: _highlights(stage, "Encryption"))
    await stage.pilot.press("enter")
    await on(stage, EncryptionScreen)
    await stage.until(lambda: "Identity" in stage.text() and "Asking" not in stage.text())


def _highlights(stage: Stage, title: str) -> bool:
    from textual.command import CommandList

    found = stage.app.screen.query(CommandList)
    option = found.first().highlighted_option if found else None
    return option is not None and title in str(option.prompt)


async def known(stage: Stage) -> None:
    await stage.until(lambda: stage.messenger.encryption.known is not None)


def last_group(stage: Stage) -> str:
    return stage.server.recovery.key.split()[-1]


def notice(stage: Stage) -> str:
    return stage.main.status.notice


# -- the hint -------------------------------------------------------------------------------


async def test_hint_takes_no_keys_and_is_gone_for_good_once_followed(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob")
    stage.server.recovery.set_up_elsewhere()
    async with stage.open() as pilot:
        await stage.until(lambda: notice(stage) == "Confirm this device: Ctrl+P “Encryption”")
        await stage.until(lambda: stage.row(BOB))
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("hello")
        assert stage.composer.text == "hello"
        await open_screen(stage)
        await pilot.press("escape")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.until(lambda: notice(stage) == "")
    async with stage.open():
        await known(stage)
        await stage.pilot.pause()
        assert notice(stage) == ""


async def test_hint_comes_again_when_it_stands_differently(stage: Stage) -> None:
    async with stage.open() as pilot:
        await stage.until(lambda: notice(stage).startswith("Set up encryption:"))
        await open_screen(stage)
        await pilot.press("escape")
        await stage.until(lambda: notice(stage) == "")
    stage.server.recovery.set_up_elsewhere()
    async with stage.open():
        await stage.until(lambda: notice(stage).startswith("Confirm this device:"))


async def test_nothing_is_said_of_a_device_that_is_confirmed(stage: Stage) -> None:
    stage.server.recovery.set_up_elsewhere()
    stage.server.recovery.identity, stage.server.recovery.backup = Identity.OURS, Backup.ON
    async with stage.open() as pilot:
        await known(stage)
        await stage.until(lambda: stage.messenger.encryption.device)
        assert notice(stage) == ""
        await open_screen(stage)
        assert "signed by your identity" in stage.text()
        assert "all keys are in it" in stage.text()
        await pilot.press("enter", "s")
        await stage.until(stage.shows("There is nothing to set up."))


async def test_another_identity_is_told_until_it_is_settled(stage: Stage) -> None:
    stage.server.recovery.set_up_elsewhere()
    stage.server.recovery.identity = Identity.CHANGED
    async with stage.open() as pilot:
        await stage.until(lambda: notice(stage).startswith("Your encryption identity is another"))
        await open_screen(stage)
        assert "Another identity than before" in stage.text()
        await pilot.press("escape")
        await on(stage, type(stage.main))
        assert notice(stage).startswith("Your encryption identity is another")


# -- where it stands ------------------------------------------------------------------------


async def test_screen_tells_what_stands_with_the_next_steps(stage: Stage) -> None:
    stage.server.recovery.set_up_elsewhere(PASSPHRASE)
    stage.server.recovery.to_back_up = 12
    async with stage.open((100, 34)) as pilot:
        await open_screen(stage)
        for words in (
            "This device is not confirmed",
            "u confirms it with your recovery key or passphrase",
            "A passphrase opens the same",
            "this device can't read it yet",
            "My terminal  DEVICE",
            "abcd efgh ijkl mnop",
        ):
            assert words in stage.text()
        stage.server.recovery.identity, stage.server.recovery.backup = Identity.OURS, Backup.ON
        await pilot.press("escape")
        await open_screen(stage)
        await stage.until(stage.shows("12 keys still to be uploaded"))
        await pilot.press("u")
        await stage.until(stage.shows("There is nothing to unlock."))


@pytest.mark.parametrize("size", [(60, 20), (160, 48)])
@pytest.mark.parametrize("identity", list(Identity))
async def test_every_state_fits_and_says_how_to_close(
    stage: Stage, identity: Identity, size: tuple[int, int]
) -> None:
    stage.server.recovery.set_up_elsewhere(PASSPHRASE)
    stage.server.recovery.identity = identity
    stage.server.recovery.backup = Backup.UNTRUSTED
    async with stage.open(size) as pilot:
        await open_screen(stage)
        assert "Identity" in stage.text()
        assert "Esc closes" in stage.text()
        await pilot.press("end")
        await stage.until(stage.shows("abcd efgh"))


async def test_offline_is_one_line_and_goes_on_by_itself(stage: Stage) -> None:
    stage.server.recovery.set_up_elsewhere()
    stage.server.fail("encryption", Unreachable("The homeserver does not answer."), times=10_000)
    async with stage.open() as pilot:
        await pilot.press("ctrl+p")
        await stage.type("Encryption")
        await stage.until(lambda: _highlights(stage, "Encryption"))
        await pilot.press("enter")
        await on(stage, EncryptionScreen)
        await stage.until(stage.shows("It goes on by itself."))
        await pilot.press("u")
        stage.server.heal("encryption")
        await stage.until(stage.shows("This device is not confirmed"))
        assert "It goes on" not in stage.text()


# -- setting up -----------------------------------------------------------------------------


async def test_set_up_by_keys_alone(stage: Stage) -> None:
    stage.server.recovery.password = "secret"
    stage.server.recovery.approval = "https://id.example.org/approve?action=reset"
    async with stage.open((60, 20)) as pilot:
        await open_screen(stage)
        await pilot.press("enter")
        await on(stage, NewPassphrase)
        assert "Enter goes on" in stage.text()
        await stage.type(PASSPHRASE)
        await pilot.press("enter")
        await stage.type(PASSPHRASE)
        await pilot.press("enter")
        await on(stage, Password)
        await stage.type("wrong")
        await pilot.press("enter")
        await stage.until(stage.shows("does not take this password"))
        await stage.type("secret")
        await pilot.press("enter")
        await on(stage, Approval)
        assert "https://id.example.org/approve?action=reset" in stage.text()
        await pilot.press("d")
        await stage.until(stage.shows("does not know of it yet"))
        stage.server.recovery.approval = ""
        await pilot.press("d")
        await on(stage, KeepKey)
        for group in stage.server.recovery.key.split():
            assert group in stage.text()
        assert "Esc: later" in stage.text()
        await pilot.press("w")
        await stage.until(stage.shows("last four letters"))
        assert last_group(stage) not in stage.text()
        await stage.type("Nope")
        await pilot.press("enter")
        await stage.until(stage.shows("not its last group"))
        assert stage.server.recovery.unkept
        for _ in range(4):
            await pilot.press("backspace")
        await stage.type(last_group(stage))
        await pilot.press("enter")
        await stage.until(lambda: not stage.server.recovery.unkept)
        await stage.until(stage.shows("signed by your identity"))
    assert stage.server.recovery.passphrase == PASSPHRASE


async def test_key_saved_to_a_private_file_counts_as_kept(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    there = tmp_path / FILE_NAME
    there.write_text("mine")
    async with stage.open() as pilot:
        await open_screen(stage)
        await pilot.press("s", "enter")
        await on(stage, KeepKey)
        await pilot.press("s", "enter")
        await stage.until(stage.shows("There is a file of that name"))
        assert there.read_text() == "mine"
        name = stage.app.screen.query_one("#typed", Input)
        name.value = str(tmp_path)
        await pilot.press("enter")
        await stage.until(stage.shows("That is a directory: add a name for the file."))
        name.value = f"{there}2"
        await pilot.press("enter")
        await stage.until(lambda: not stage.server.recovery.unkept)
    file = tmp_path / f"{FILE_NAME}2"
    assert stage.server.recovery.key in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_key_is_copied_and_a_file_that_can_not_be_written_is_told(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    async with stage.open() as pilot:
        await open_screen(stage)
        await pilot.press("s", "enter")
        await on(stage, KeepKey)
        await pilot.press("y")
        await stage.until(stage.shows("Copied:"))
        assert stage.app.clipboard == stage.server.recovery.key
        await pilot.press("s", "enter")
        await stage.until(stage.shows("Not saved: No such file"))
        assert stage.server.recovery.unkept


async def test_key_not_kept_is_offered_again_after_a_crash(stage: Stage) -> None:
    async with stage.open() as pilot:
        await open_screen(stage)
        await pilot.press("s", "enter")
        await on(stage, KeepKey)
    async with stage.open() as pilot:
        await stage.until(lambda: notice(stage) == "Keep your recovery key: Ctrl+P “Encryption”")
        await open_screen(stage)
        assert "nobody has kept it yet" in stage.text()
        await pilot.press("enter")
        await on(stage, KeepKey)
        await pilot.press("escape")
        await stage.until(stage.shows("The key is not kept yet: k shows it again."))
        await pilot.press("k")
        await on(stage, KeepKey)
        await pilot.press("w")
        await stage.type(last_group(stage))
        await pilot.press("enter")
        await stage.until(lambda: not stage.server.recovery.unkept)
        await pilot.press("escape")
        await stage.until(lambda: notice(stage) == "")


async def test_interrupted_set_up_is_completed(stage: Stage) -> None:
    stage.server.recovery.identity = Identity.UNFINISHED
    async with stage.open() as pilot:
        await stage.until(lambda: notice(stage).startswith("Complete encryption:"))
        await open_screen(stage)
        await pilot.press("enter")
        await stage.until(stage.shows("Setting up was interrupted"))
        await pilot.press("enter")
        await on(stage, KeepKey)


async def test_set_up_waits_for_the_server_and_goes_on_when_the_screen_is_closed(
    stage: Stage,
) -> None:
    stage.server.fail("set_up_recovery", Unreachable("No answer."), times=10_000)
    async with stage.open() as pilot:
        await open_screen(stage)
        await pilot.press("s", "enter")
        await stage.until(stage.shows("No answer. It goes on by itself."))
        await pilot.press("escape")
        await on(stage, type(stage.main))
        stage.server.heal("set_up_recovery")
        await stage.until(lambda: notice(stage).startswith("Keep your recovery key:"))
        assert stage.app.screen is stage.main


async def test_set_up_whose_answer_was_lost_shows_the_key_all_the_same(stage: Stage) -> None:
    stage.server.lose_answer("set_up_recovery")
    async with stage.open() as pilot:
        await open_screen(stage)
        await pilot.press("s", "enter")
        await on(stage, KeepKey)
        assert stage.server.count("set_up_recovery") == 2


async def test_set_up_given_up_at_the_password_changes_nothing(stage: Stage) -> None:
    stage.server.recovery.password = "secret"
    async with stage.open() as pilot:
        await open_screen(stage)
        await pilot.press("s", "enter")
        await on(stage, Password)
        await pilot.press("escape")
        await on(stage, EncryptionScreen)
        assert stage.server.recovery.identity is Identity.NONE
        await pilot.press("s")
        await on(stage, NewPassphrase)


async def test_address_that_is_no_web_page_is_not_opened(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    stage.server.recovery.approval = "file:///etc/passwd"
    async with stage.open() as pilot:
        monkeypatch.setattr(stage.app, "open_url", opened.append)
        await open_screen(stage)
        await pilot.press("s", "enter")
        await on(stage, Approval)
        await pilot.press("o")
        await stage.until(stage.shows("no web address"))
        await pilot.press("escape")
        await on(stage, EncryptionScreen)
        stage.server.recovery.approval = "https://id.example.org/"
        await pilot.press("s", "enter")
        await on(stage, Approval)
        await pilot.press("o")
        await stage.until(lambda: opened)
    assert opened == ["https://id.example.org/"]


@pytest.mark.parametrize(
    ("passphrase", "again", "fault"),
    [
        (PASSPHRASE, "something else", "The two are not the same."),
        ("elevensigns", "elevensigns", "At least 12 letters"),
        (LIKE_A_KEY, LIKE_A_KEY, "taken for a recovery key"),
    ],
)
async def test_passphrase_that_would_not_do_is_told(
    stage: Stage, passphrase: str, again: str, fault: str
) -> None:
    async with stage.open() as pilot:
        screen = NewPassphrase()
        await stage.app.push_screen(screen)
        screen.query_one("#first", Input).value = passphrase
        screen.query_one("#again", Input).value = again
        await pilot.press("enter")
        await stage.until(stage.shows(fault))
        assert screen.is_current


# -- unlocking and restoring ----------------------------------------------------------------


async def test_typos_are_told_before_any_request_and_a_wrong_key_by_the_server(
    stage: Stage,
) -> None:
    key = stage.server.recovery.set_up_elsewhere(PASSPHRASE)
    async with stage.open() as pilot:
        await open_screen(stage)
        await pilot.press("u")
        await on(stage, Unlock)
        await stage.type(key[:9])
        await stage.until(stage.shows("8 of 48 letters"))
        assert key[:9] in stage.text()
        await stage.type(key[9:-1] + ("x" if key[-1] != "x" else "y"))
        await pilot.press("enter")
        await stage.until(stage.shows("has a typo"))
        assert stage.server.count("unlock") == 0
        field = stage.app.screen.query_one(Input)
        field.value = "some other passphrase"
        await pilot.pause()
        assert "some other passphrase" not in stage.text()
        await pilot.press("enter")
        await stage.until(stage.shows("does not open the recovery"))
        assert stage.server.count("unlock") == 1
        field.value = PASSPHRASE
        await pilot.press("enter")
        await stage.until(stage.shows("This device is confirmed."))
        assert stage.server.recovery.identity is Identity.OURS


async def test_without_a_passphrase_anything_but_a_key_is_a_typo(stage: Stage) -> None:
    stage.server.recovery.set_up_elsewhere()
    async with stage.open() as pilot:
        await open_screen(stage)
        await pilot.press("u")
        await on(stage, Unlock)
        await stage.type("what was it")
        await pilot.press("enter")
        await stage.until(stage.shows("48 letters and digits"))
        assert stage.server.count("unlock") == 0


async def test_restoring_goes_on_behind_a_closed_screen_and_heals_messages(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", encrypted=True)
    event_id = await stage.server.say_unreadable(room_id, BOB)
    key = stage.server.recovery.set_up_elsewhere()
    stage.server.recovery.in_backup = 3000
    gate = stage.server.hold("restoring")
    async with stage.open() as pilot:
        await stage.until(lambda: stage.row(BOB))
        await pilot.press("enter")
        await stage.until(lambda: stage.messages())
        assert stage.messages()[0].kind is Kind.UNDECRYPTABLE
        await open_screen(stage)
        await pilot.press("u")
        await on(stage, Unlock)
        await stage.type(key)
        await pilot.press("enter")
        await on(stage, EncryptionScreen)
        await stage.until(stage.shows("Restoring room keys: 1,500 of 3,000"))
        await pilot.press("escape")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("still typing")
        assert stage.composer.text == "still typing"
        assert notice(stage) == "Restoring room keys: 1,500 of 3,000"
        stage.server.make_readable(room_id, event_id, "at last")
        gate.set()
        await stage.until(lambda: "3,000 room keys are restored." in stage.notices())
        await stage.until(stage.shows("at last"))
        assert notice(stage) == ""
        assert stage.messages()[0].body == Safe("at last")
        await open_screen(stage)
        await pilot.press("r")
        await stage.until(stage.shows("Nothing new in the key backup."))


async def test_restoring_cut_short_by_a_crash_begins_again(stage: Stage) -> None:
    key = stage.server.recovery.set_up_elsewhere()
    stage.server.recovery.in_backup = 10
    gate = stage.server.hold("restoring")
    async with stage.open():
        await known(stage)
        await stage.messenger.encryption.unlock(key)
        await stage.until(lambda: notice(stage).startswith("Restoring room keys: 5 of 10"))
    gate.set()
    async with stage.open():
        await stage.until(lambda: "10 room keys are restored." in stage.notices())
    async with stage.open():
        await known(stage)
        assert stage.server.count("restore_keys") == 2


async def test_unlocking_waits_offline_in_one_line_and_goes_on_without_the_screen(
    stage: Stage,
) -> None:
    key = stage.server.recovery.set_up_elsewhere()
    stage.server.fail("unlock", Unreachable("No answer."), times=10_000)
    async with stage.open() as pilot:
        await open_screen(stage)
        await pilot.press("u")
        await on(stage, Unlock)
        await stage.type(key)
        await pilot.press("enter")
        await stage.until(stage.shows("No answer. It goes on by itself."))
        await pilot.press("escape", "escape")
        await on(stage, type(stage.main))
        assert notice(stage) == "Unlocking…"
        stage.server.heal("unlock")
        await stage.until(lambda: stage.server.recovery.identity is Identity.OURS)
        await stage.until(lambda: "Nothing new in the key backup." in stage.notices())


async def test_unlocking_that_fails_behind_a_closed_screen_is_told(stage: Stage) -> None:
    key = stage.server.recovery.set_up_elsewhere()
    gate = stage.server.hold("unlock")
    stage.server.fail("unlock", WrongIdentity("The homeserver publishes another identity."))
    async with stage.open() as pilot:
        await open_screen(stage)
        await pilot.press("u")
        await on(stage, Unlock)
        await stage.type(key)
        await pilot.press("enter")
        await stage.until(lambda: stage.server.count("unlock"))
        await pilot.press("escape", "escape")
        await on(stage, type(stage.main))
        gate.set()
        await stage.until(lambda: "The homeserver publishes another identity." in stage.notices())
        assert notice(stage) == ""


async def test_identity_that_is_not_the_opened_one_is_told_and_nothing_restored(
    stage: Stage,
) -> None:
    key = stage.server.recovery.set_up_elsewhere()
    stage.server.fail("unlock", WrongIdentity("The homeserver publishes another identity."))
    async with stage.open() as pilot:
        await open_screen(stage)
        await pilot.press("u")
        await on(stage, Unlock)
        await stage.type(key)
        await pilot.press("enter")
        await stage.until(stage.shows("publishes another identity"))
        assert stage.server.count("restore_keys") == 0


async def test_restoring_that_fails_says_why(stage: Stage) -> None:
    stage.server.recovery.set_up_elsewhere()
    stage.server.recovery.identity, stage.server.recovery.backup = Identity.OURS, Backup.ON
    stage.server.fail("restore_keys", SignedOut("The session is over."))
    async with stage.open() as pilot:
        await open_screen(stage)
        await pilot.press("r")
        await stage.until(stage.shows("Room keys were not restored: The session is over."))


async def test_fingerprint_is_copied(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    async with stage.open() as pilot:
        await open_screen(stage)
        await pilot.press("y")
        await stage.until(stage.shows("Copied."))
        assert stage.app.clipboard.startswith("abcd efgh")
