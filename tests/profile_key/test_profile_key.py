"""Where the key lies, that it is never lost on the way, and what is said where it can't be had."""

from __future__ import annotations

import json
import os
import signal
import stat
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null

from dmtui.compose import open_session
from dmtui.core.errors import KeyringTrouble, StoreTrouble, WrongPassphrase
from dmtui.core.model import Session, UserId
from dmtui.core.safekeeping import KeyPlace, Protection
from dmtui.profile import ProfilePaths
from dmtui.profile_key.profile_key import ProfileKey, Question
from dmtui.profile_key.system_keyring import SystemKeyring
from dmtui.session import load_session, save_session
from tests import keyrings

AUTO, FILE, PASSPHRASE = Protection.AUTO, Protection.FILE, Protection.PASSPHRASE
WORDS = "correct horse"
SESSION = Session(UserId("@me:x"), "DEVICE", "token-canary", "https://x")


def profile_key(paths: ProfilePaths, wanted: Protection, patience: float = 10.0) -> ProfileKey:
    return ProfileKey(paths, wanted, SystemKeyring(patience))


def opened(paths: ProfilePaths, wanted: Protection, passphrase: str = "") -> str:
    return profile_key(paths, wanted).open(passphrase)


def files_with(paths: ProfilePaths, text: str) -> list[str]:
    found = (file for file in paths.data.parent.parent.parent.rglob("*") if file.is_file())
    return [file.name for file in found if text.encode() in file.read_bytes()]


def use_it(paths: ProfilePaths, key: str) -> None:
    """Have something that only this key opens."""
    save_session(paths, SESSION, key)
    paths.encryption.mkdir()
    paths.encryption_database.write_bytes(b"encrypted")


# -- where it lies --------------------------------------------------------------------------


@pytest.mark.usefixtures("real_keyring")
def test_the_key_lies_in_the_keyring_and_in_no_file(paths: ProfilePaths) -> None:
    key = opened(paths, AUTO)
    assert list(keyrings.entries().values()) == [key]
    assert files_with(paths, key) == []
    assert profile_key(paths, AUTO).place is KeyPlace.KEYRING
    assert opened(paths, AUTO) == key


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring])
def test_without_a_real_keyring_it_lies_in_a_private_file(
    paths: ProfilePaths, backend: type[KeyringBackend]
) -> None:
    keyrings.use(backend)
    key = opened(paths, AUTO)
    assert files_with(paths, key) == ["key.json"]
    assert stat.S_IMODE(paths.key_file.stat().st_mode) == 0o600
    assert profile_key(paths, AUTO).place is KeyPlace.FILE
    assert opened(paths, AUTO) == key


def test_under_a_passphrase_no_file_has_it_and_no_other_passphrase_opens_it(
    paths: ProfilePaths,
) -> None:
    assert profile_key(paths, PASSPHRASE).question is Question.CHOOSE
    key = opened(paths, PASSPHRASE, WORDS)
    before = paths.key_file.read_bytes()
    assert files_with(paths, key) == []
    assert stat.S_IMODE(paths.key_file.stat().st_mode) == 0o600
    asked = profile_key(paths, PASSPHRASE)
    questions = [asked.question]
    for wrong in ("", "correct  horse"):
        with pytest.raises(WrongPassphrase):
            asked.open(wrong)
    assert paths.key_file.read_bytes() == before
    assert asked.open(WORDS) == key
    assert [*questions, asked.question] == [Question.ENTER, None]
    assert asked.place is KeyPlace.PASSPHRASE


def test_a_lost_setting_does_not_take_the_passphrase_off(paths: ProfilePaths) -> None:
    key = opened(paths, PASSPHRASE, WORDS)
    assert opened(paths, AUTO, WORDS) == key
    assert profile_key(paths, AUTO).place is KeyPlace.PASSPHRASE


def test_who_has_no_passphrase_to_give_has_the_key_stay_where_it_is(paths: ProfilePaths) -> None:
    key = opened(paths, FILE)
    assert opened(paths, PASSPHRASE) == key
    assert profile_key(paths, PASSPHRASE).place is KeyPlace.FILE


@pytest.mark.usefixtures("real_keyring")
def test_two_profiles_do_not_share_an_entry(paths: ProfilePaths) -> None:
    other = ProfilePaths.named().inside(paths.data / "elsewhere")
    assert opened(paths, AUTO) != opened(other, AUTO)
    assert len(keyrings.entries()) == 2


@pytest.mark.usefixtures("real_keyring")
def test_forgetting_takes_it_out_of_the_keyring_too(paths: ProfilePaths) -> None:
    key = profile_key(paths, AUTO)
    key.open()
    keyrings.keep(keyrings.entries() | {"other user": "theirs"})
    key.forget()
    assert keyrings.entries() == {"other user": "theirs"}
    assert not paths.key_file.exists()
    key.forget()


# -- what an older dmtui left -----------------------------------------------------------------


@pytest.mark.parametrize("backend", [fail.Keyring, keyrings.Keeping, keyrings.Locked])
def test_the_key_of_an_older_dmtui_is_taken_over(
    paths: ProfilePaths, backend: type[KeyringBackend]
) -> None:
    keyrings.use(backend)
    paths.encryption.mkdir()
    paths.older_key_file.write_text("ab" * 32)
    assert opened(paths, AUTO) == "ab" * 32
    assert not paths.older_key_file.exists()
    in_keyring = backend is keyrings.Keeping
    assert profile_key(paths, AUTO).place is (KeyPlace.KEYRING if in_keyring else KeyPlace.FILE)
    assert opened(paths, AUTO) == "ab" * 32


def test_a_plain_token_is_encrypted_once(paths: ProfilePaths) -> None:
    content = {
        "user_id": "@me:x",
        "device_id": "DEVICE",
        "access_token": "token-canary",
        "homeserver": "https://x",
    }
    paths.session_file.write_text(json.dumps(content))
    for _ in range(2):
        saved = load_session(paths)
        assert saved is not None
        session, _ = open_session(paths, saved, profile_key(paths, FILE))
        assert session == SESSION
        assert files_with(paths, "token-canary") == []
    assert stat.S_IMODE(paths.session_file.stat().st_mode) == 0o600


# -- trouble ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("real_keyring")
@pytest.mark.parametrize(
    ("backend", "words"),
    [
        (fail.Keyring, "none that dmtui can reach"),
        (null.Keyring, "none that dmtui can reach"),
        (keyrings.Locked, "locked"),
        (keyrings.Silent, "has not answered"),
        (keyrings.Troubled, "failed"),
        (keyrings.Forgetful, "no longer has the key"),
    ],
)
def test_a_key_that_can_not_be_had_is_one_line_and_nothing_is_lost(
    paths: ProfilePaths, backend: type[KeyringBackend], words: str
) -> None:
    key = opened(paths, AUTO)
    use_it(paths, key)
    before = {file: file.read_bytes() for file in paths.data.rglob("*") if file.is_file()}
    keyrings.use(backend)
    for wanted in Protection:
        with pytest.raises(KeyringTrouble, match=words) as trouble:
            profile_key(paths, wanted, patience=0.2).open()
        assert "\n" not in str(trouble.value)
    assert {file: file.read_bytes() for file in before} == before
    keyrings.use(keyrings.Keeping)
    assert opened(paths, AUTO) == key


@pytest.mark.parametrize("backend", [keyrings.Locked, keyrings.Silent, keyrings.Forgetful])
def test_a_keyring_that_does_not_play_along_leaves_the_key_where_it_is(
    paths: ProfilePaths, backend: type[KeyringBackend]
) -> None:
    key = opened(paths, AUTO)
    keyrings.use(backend)
    assert profile_key(paths, AUTO, patience=0.2).open() == key
    assert profile_key(paths, AUTO).place is KeyPlace.FILE
    keyrings.use(keyrings.Keeping)
    assert opened(paths, AUTO) == key
    assert profile_key(paths, AUTO).place is KeyPlace.KEYRING
    assert list(keyrings.entries().values()) == [key]


@pytest.mark.parametrize("backend", [keyrings.Locked, keyrings.Silent, keyrings.Forgetful])
def test_a_new_key_is_not_put_into_a_file_because_the_keyring_is_locked(
    paths: ProfilePaths, backend: type[KeyringBackend]
) -> None:
    keyrings.use(backend)
    with pytest.raises(KeyringTrouble):
        profile_key(paths, AUTO, patience=0.2).open()
    keyrings.use(keyrings.Keeping)
    assert list(keyrings.entries().values()) == [] != [opened(paths, AUTO)]
    assert profile_key(paths, AUTO).place is KeyPlace.KEYRING


def test_no_key_is_made_beside_what_another_one_encrypted(paths: ProfilePaths) -> None:
    use_it(paths, "cd" * 32)
    for _ in range(2):
        with pytest.raises(StoreTrouble, match="--new-key"):
            opened(paths, AUTO)
        paths.encryption_database.unlink(missing_ok=True)
    assert not paths.key_file.exists()


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "{", '{"key": "ab"}', '{"passphrase": 1}', "[" * 9999]
)
def test_a_damaged_key_file_is_one_line(paths: ProfilePaths, text: str) -> None:
    paths.key_file.write_text(text)
    with pytest.raises(StoreTrouble, match="damaged") as trouble:
        opened(paths, AUTO)
    assert "\n" not in str(trouble.value)
    assert paths.key_file.read_text() == text


# -- moving, and being killed on the way ------------------------------------------------------


@dataclass(frozen=True)
class Move:
    before: Protection
    after: Protection
    place: KeyPlace


MOVES = {
    "file to keyring": Move(FILE, AUTO, KeyPlace.KEYRING),
    "file to passphrase": Move(FILE, PASSPHRASE, KeyPlace.PASSPHRASE),
    "keyring to file": Move(AUTO, FILE, KeyPlace.FILE),
    "keyring to passphrase": Move(AUTO, PASSPHRASE, KeyPlace.PASSPHRASE),
    "passphrase to file": Move(PASSPHRASE, FILE, KeyPlace.FILE),
    "passphrase to keyring": Move(PASSPHRASE, AUTO, KeyPlace.KEYRING),
}


def killed_at(step: int, act: Callable[[], object]) -> bool:
    """Whether a process of its own that does it comes so far, and is killed (SIGKILL) there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which the child leaves
        child = os.fork()
    if child == 0:
        done = 0

        def stepwise(original: Callable[..., Any]) -> Callable[..., Any]:
            def wrapped(*arguments: object, **options: object) -> object:
                nonlocal done
                for part in (lambda: None, lambda: original(*arguments, **options)):
                    result = part()
                    done += 1
                    if done == step:
                        os.kill(os.getpid(), signal.SIGKILL)
                return result

            return wrapped

        code = 1
        try:
            for owner, name in [
                (Path, "replace"),
                (Path, "unlink"),
                (keyrings.Keeping, "set_password"),
                (keyrings.Keeping, "delete_password"),
            ]:
                setattr(owner, name, stepwise(getattr(owner, name)))
            act()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
    return os.waitstatus_to_exitcode(status) != 0


@pytest.mark.usefixtures("real_keyring")
@pytest.mark.parametrize("name", MOVES)
def test_a_key_killed_on_its_way_still_opens_and_arrives(paths: ProfilePaths, name: str) -> None:
    move, step = MOVES[name], 1
    key = opened(paths, move.before, WORDS)
    use_it(paths, key)
    start = (paths.key_file.read_bytes(), keyrings.entries())
    while killed_at(step, lambda: opened(paths, move.after, WORDS)):
        halfway = (paths.key_file.read_bytes(), keyrings.entries())
        assert opened(paths, move.before, WORDS) == key
        assert len(keyrings.entries()) == (move.before is AUTO)

        paths.key_file.write_bytes(halfway[0])
        keyrings.keep(halfway[1])
        assert opened(paths, move.after, WORDS) == key
        assert profile_key(paths, move.after).place is move.place
        assert files_with(paths, key) == (["key.json"] if move.place is KeyPlace.FILE else [])
        assert len(keyrings.entries()) == (move.place is KeyPlace.KEYRING)

        paths.key_file.write_bytes(start[0])
        keyrings.keep(start[1])
        step += 1
    assert step > 2
    assert profile_key(paths, move.after).place is move.place


def test_another_key_can_be_made_though_the_file_of_the_lost_one_is_damaged(
    paths: ProfilePaths,
) -> None:
    before = opened(paths, FILE)
    paths.key_file.write_bytes(paths.key_file.read_bytes()[:20])
    key = profile_key(paths, FILE).renew()
    assert key != before
    assert opened(paths, FILE) == key
