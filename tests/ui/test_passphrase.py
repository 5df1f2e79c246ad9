"""A profile under a passphrase, a keyring that hangs, and what a crash does not show."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from keyring.backends import fail
from textual.widgets import Input

from dmtui.compose import Account
from dmtui.core.model import Session, UserId
from dmtui.core.safekeeping import PLACES, KeyPlace, Protection
from dmtui.first_frame.stored import read
from dmtui.profile import ProfilePaths
from dmtui.profile_key.profile_key import ProfileKey, Question
from dmtui.session import load_session, save_session
from dmtui.ui.app import DmtuiApp
from dmtui.ui.screens.encryption import EncryptionScreen
from dmtui.ui.screens.encryption_lines import state_lines
from dmtui.ui.screens.main import MainScreen
from dmtui.ui.screens.passphrase import Locked, PassphraseScreen
from dmtui.ui.screens.sign_in import SignInScreen
from tests import keyrings
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from textual.pilot import Pilot

    from tests.ui.stage import Stage

WORDS = "correct horse"
SESSION = Session(UserId("@me:x"), "DEVICE", "token", "http://127.0.0.1:1")


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProfilePaths]:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setattr("dmtui.profile_key.wrapping.COST", (16, 8, 1))
    paths = ProfilePaths.named()
    paths.prepare()
    yield paths
    keyrings.use(fail.Keyring)


@asynccontextmanager
async def opened(paths: ProfilePaths, wanted: Protection) -> AsyncIterator[Pilot[None]]:
    """The app over the profile, as ``dmtui`` opens it."""
    with contextlib.closing(Account(paths, ProfileKey(paths, wanted))) as account:
        question = account.question
        app = DmtuiApp(
            messenger=account.saved() if question is None else None,
            open_messenger=account.signed_in,
            sign_in=account.sign_in,
            locked=Locked(question is Question.CHOOSE, account.unlocked) if question else None,
        )
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            yield pilot
            if app.is_running:
                await app.leave().wait()


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await pilot.pause(0.01)


def text(pilot: Pilot[None]) -> str:
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())


async def type_in(pilot: Pilot[None], field: str, typed: str) -> None:
    pilot.app.screen.query_one(f"#{field}", Input).value = typed
    pilot.app.screen.query_one(f"#{field}", Input).focus()
    await pilot.press("enter")


async def test_nothing_is_opened_before_the_passphrase_is_right(paths: ProfilePaths) -> None:
    key = ProfileKey(paths, Protection.PASSPHRASE).open(WORDS)
    save_session(paths, SESSION, key)
    async with opened(paths, Protection.PASSPHRASE) as pilot:
        assert isinstance(pilot.app.screen, PassphraseScreen)
        await type_in(pilot, "passphrase", "wrong horse")
        await until(pilot, lambda: "not the passphrase of this profile" in text(pilot))
        assert not paths.store_file.exists()
        assert pilot.app.screen.query_one("#passphrase", Input).value == ""
        await type_in(pilot, "passphrase", WORDS)
        assert WORDS not in text(pilot)
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))


async def test_a_passphrase_is_chosen_once_before_signing_in(paths: ProfilePaths) -> None:
    async with opened(paths, Protection.PASSPHRASE) as pilot:
        await type_in(pilot, "passphrase", WORDS)
        await type_in(pilot, "again", "another one")
        await until(pilot, lambda: "The two are not the same." in text(pilot))
        assert not paths.key_file.exists()
        await type_in(pilot, "again", WORDS)
        await until(pilot, lambda: isinstance(pilot.app.screen, SignInScreen))
    assert ProfileKey(paths, Protection.PASSPHRASE).question is Question.ENTER


async def test_the_key_moves_under_a_passphrase_when_the_settings_say_so(
    paths: ProfilePaths,
) -> None:
    key = ProfileKey(paths, Protection.FILE).open()
    save_session(paths, SESSION, key)
    async with opened(paths, Protection.PASSPHRASE) as pilot:
        await type_in(pilot, "passphrase", WORDS)
        await type_in(pilot, "again", WORDS)
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
    assert key not in paths.key_file.read_text()
    assert ProfileKey(paths, Protection.PASSPHRASE).open(WORDS) == key


def test_a_locked_profile_has_no_first_frame(paths: ProfilePaths) -> None:
    key = ProfileKey(paths, Protection.FILE).open()
    save_session(paths, SESSION, key)
    paths.lock_file.touch()
    with contextlib.closing(Account(paths, ProfileKey(paths, Protection.FILE))) as account:
        account.saved()
    assert read(paths.name, 10) is not None
    ProfileKey(paths, Protection.PASSPHRASE).open(WORDS)
    assert read(paths.name, 10) is None


async def test_a_keyring_that_hangs_holds_up_neither_keys_nor_quitting(
    paths: ProfilePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(keyrings.FILE, str(paths.data.parent / "keyring.json"))
    keyrings.use(keyrings.Keeping)
    save_session(paths, SESSION, ProfileKey(paths, Protection.AUTO).open())
    keyrings.use(keyrings.Silent)
    async with asyncio.timeout(PATIENCE), opened(paths, Protection.AUTO) as pilot:
        await pilot.press("ctrl+n")
        await until(pilot, lambda: len(pilot.app.screen_stack) > 1)
        await pilot.press("escape", "ctrl+q")
        await until(pilot, lambda: not pilot.app.is_running)


async def test_a_key_that_can_not_be_had_is_told_in_full(
    paths: ProfilePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(keyrings.FILE, str(paths.data.parent / "keyring.json"))
    keyrings.use(keyrings.Keeping)
    save_session(paths, SESSION, ProfileKey(paths, Protection.AUTO).open())
    keyrings.use(keyrings.Locked)
    async with opened(paths, Protection.AUTO) as pilot:
        await until(pilot, lambda: pilot.app._notifications)
        (told,) = pilot.app._notifications
        assert "The keyring is locked: unlock it, then start dmtui again." in told.message


async def test_signing_in_without_a_keyring_says_once_where_the_key_lies(
    paths: ProfilePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def signed_in(user: str, password: str, homeserver: str) -> Session:
        return SESSION

    monkeypatch.setattr("dmtui.matrix.sign_in.sign_in_with_password", signed_in)
    async with opened(paths, Protection.AUTO) as pilot:
        await type_in(pilot, "user-id", "@me:x")
        await type_in(pilot, "password", "secret")
        await until(pilot, lambda: isinstance(pilot.app.screen, MainScreen))
        await until(pilot, lambda: pilot.app._notifications)
        assert PLACES[KeyPlace.FILE] in [told.message for told in pilot.app._notifications]
    saved = load_session(paths)
    assert saved is not None
    assert saved.opened(ProfileKey(paths, Protection.AUTO).open()) == SESSION
    async with opened(paths, Protection.AUTO) as pilot:
        await pilot.pause()
        assert PLACES[KeyPlace.FILE] not in [told.message for told in pilot.app._notifications]


async def test_a_locked_keyring_makes_no_device_on_the_server(
    paths: ProfilePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    async def signed_in(user: str, password: str, homeserver: str) -> Session:
        tried.append(user)
        return SESSION

    monkeypatch.setattr("dmtui.matrix.sign_in.sign_in_with_password", signed_in)
    keyrings.use(keyrings.Locked)
    async with opened(paths, Protection.AUTO) as pilot:
        await type_in(pilot, "user-id", "@me:x")
        await type_in(pilot, "password", "secret")
        await until(pilot, lambda: "The keyring is locked" in text(pilot))
        assert tried == []


@pytest.mark.parametrize("place", KeyPlace)
async def test_the_encryption_screen_says_where_the_key_lies(stage: Stage, place: KeyPlace) -> None:
    async with stage.open() as pilot:
        stage.messenger.encryption.key_place = place
        lines = [str(line.text) for line in state_lines(None, None, None, str, place)]
        assert PLACES[place] in lines
        pilot.app.push_screen(EncryptionScreen(stage.main._hands))
        await stage.until(lambda: "this computer" in stage.text())


async def test_a_crash_shows_no_values_of_variables(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash() -> None:
        canary = "".join(("a secret ", "in a variable"))
        raise RuntimeError(len(canary))

    async def crashed() -> None:
        async with stage.open() as pilot:
            pilot.app.call_later(crash)
            await stage.until(lambda: not stage.app.is_running)

    with pytest.raises(RuntimeError):
        await crashed()
    shown = capsys.readouterr().err
    assert "RuntimeError" in shown
    assert "a secret in a variable" not in shown
