"""What lies on disk after real use, and where the key to it is, on a real homeserver."""

from __future__ import annotations

import os
import pty
import select
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dmtui.core.safekeeping import PLACES, KeyPlace
from dmtui.profile import ProfilePaths
from dmtui.profile_key.copies import read_copies
from tests import keyrings
from tests.homeserver.account import Account
from tests.homeserver.synapse import SynapseServer
from tests.test_command_line import CommandLine, Done, assert_fails_in_one_line

WORDS = "correct horse"
WAIT = 60.0


@pytest.fixture
def dmtui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv(keyrings.FILE, str(tmp_path / "keyring.json"))
    return CommandLine(ProfilePaths.named())


def use(monkeypatch: pytest.MonkeyPatch, backend: type) -> None:
    """Have this be the keyring of the processes that are started."""
    name = f"{backend.__module__}.{backend.__qualname__}"
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)


def protect(paths: ProfilePaths, by: str) -> None:
    paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    paths.config_file.write_text(f'[security]\nkey_protection = "{by}"\n')


def log_in(dmtui: CommandLine, me: Account, url: str, *more: str, typed: str = "") -> Done:
    where = ("login", me.user_id, "--homeserver", url, "--password-stdin", *more)
    done = dmtui(*where, typed=f"{me.password}\n{typed}")
    assert (done.code, done.complaint) == (0, "")
    return done


def befriend(dmtui: CommandLine, me: Account, bob: Account) -> None:
    room_id = bob.create_dm(me)
    assert dmtui("accept", room_id).code == 0
    assert dmtui("send", bob.user_id, "hello").code == 0


def assert_nothing_readable(paths: ProfilePaths, *secrets: str) -> None:
    for path in paths.data.parent.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
        if path.is_file():
            content = path.read_bytes()
            for secret in secrets:
                assert secret.encode() not in content, path
                if len(secret) == 64:
                    assert bytes.fromhex(secret) not in content, path


def token_of(paths: ProfilePaths, key: str) -> str:
    from dmtui.session import load_session

    saved = load_session(paths)
    assert saved is not None
    return saved.opened(key).access_token


def test_with_a_keyring_no_file_holds_token_or_key_until_logout_empties_it(
    dmtui: CommandLine, synapse: SynapseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, keyrings.Keeping)
    me, bob = synapse.register(), synapse.register()
    assert log_in(dmtui, me, synapse.base_url).out == f"Signed in as {me.user_id}.\n"
    befriend(dmtui, me, bob)
    assert dmtui("recovery", "set-up").code == 0
    (key,) = keyrings.entries().values()
    assert_nothing_readable(dmtui.paths, key, token_of(dmtui.paths, key))
    assert dmtui("recovery", "--json").json["key_place"] == "keyring"
    assert PLACES[KeyPlace.KEYRING] in dmtui("recovery").out
    assert dmtui("logout").code == 0
    assert keyrings.entries() == {}
    assert [path.name for path in dmtui.paths.data.iterdir()] == ["lock"]


def test_a_key_that_the_keyring_lost_is_one_line_and_a_new_sign_in_keeps_messages(
    dmtui: CommandLine, synapse: SynapseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, keyrings.Keeping)
    me, bob = synapse.register(), synapse.register()
    log_in(dmtui, me, synapse.base_url)
    befriend(dmtui, me, bob)
    kept = keyrings.entries()
    database = dmtui.paths.encryption_database.read_bytes()

    keyrings.keep({})
    for command in (("recovery",), ("logout",), ("send", bob.user_id, "again")):
        assert_fails_in_one_line(dmtui(*command), "dmtui login --new-key")
    use(monkeypatch, keyrings.Locked)
    assert_fails_in_one_line(dmtui("recovery"), "The keyring is locked")
    assert bob.user_id in dmtui("people").out
    assert dmtui.paths.encryption_database.read_bytes() == database

    use(monkeypatch, keyrings.Keeping)
    keyrings.keep(kept)
    assert dmtui("recovery").code == 0

    keyrings.keep({})
    log_in(dmtui, me, synapse.base_url, "--new-key")
    assert bob.user_id in dmtui("people").out
    assert dmtui("send", bob.user_id, "again").code == 0
    assert len(keyrings.entries()) == 1


def test_a_passphrase_comes_from_standard_input_and_locks_everything(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me, bob = synapse.register(), synapse.register()
    log_in(dmtui, me, synapse.base_url)
    copies = read_copies(dmtui.paths)
    assert copies is not None
    key = copies.plain
    token = token_of(dmtui.paths, key)
    befriend(dmtui, me, bob)
    protect(dmtui.paths, "passphrase")
    assert dmtui("recovery", "--json").json["key_place"] == "file"  # nobody was there to ask

    with Asking("recovery") as asking:
        asking.answer("New passphrase of this profile: ", WORDS)
        asking.answer("Once more: ", WORDS)
        assert PLACES[KeyPlace.PASSPHRASE] in asking.rest()
    assert_nothing_readable(dmtui.paths, key, token)

    assert_fails_in_one_line(dmtui("recovery", typed="wrong\n"), "not the passphrase")
    assert_fails_in_one_line(dmtui("recovery"), "passphrase of this profile", code=2)
    assert dmtui("send", bob.user_id, "again", typed=f"{WORDS}\n").code == 0
    assert dmtui("recovery", "--json", typed=f"{WORDS}\n").json["key_place"] == "passphrase"
    with Asking("recovery") as asking:
        asking.answer("Passphrase of this profile: ", "wrong")
        asking.answer("not the passphrase of this profile", "")
        asking.answer("Passphrase of this profile: ", WORDS)
        assert PLACES[KeyPlace.PASSPHRASE] in asking.rest()

    protect(dmtui.paths, "file")
    assert dmtui("recovery", "--json", typed=f"{WORDS}\n").json["key_place"] == "file"
    assert dmtui("recovery", "--json").json["key_place"] == "file"
    assert token_of(dmtui.paths, key) == token


def test_a_passphrase_can_be_chosen_when_signing_in(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    protect(dmtui.paths, "passphrase")
    me = synapse.register()
    done = log_in(dmtui, me, synapse.base_url, typed=f"{WORDS}\n")
    assert done.out == f"Signed in as {me.user_id}.\n"
    assert dmtui("recovery", "--json", typed=f"{WORDS}\n").json["key_place"] == "passphrase"
    assert dmtui("logout", typed=f"{WORDS}\n").code == 0


def test_a_wrong_setting_is_named_by_the_commands_that_need_it(dmtui: CommandLine) -> None:
    protect(dmtui.paths, "usb")
    done = dmtui("login", "@me:x", "--password-stdin", typed="x\n")
    assert_fails_in_one_line(done, "line 2: security.key_protection must be one of auto, file")


class Asking:
    """A command on a terminal, as somebody answers it."""

    def __init__(self, *arguments: str):
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dmtui", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_the_terminal,
        )
        os.close(theirs)
        self._shown = ""

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def answer(self, prompt: str, typed: str) -> None:
        while prompt not in self._shown:
            assert self._read(), self._shown
        self._shown = self._shown.split(prompt, 1)[1]
        if typed:
            os.write(self._ours, f"{typed}\n".encode())

    def rest(self) -> str:
        """What is shown until it ends well."""
        while self._read():
            pass
        assert self._process.wait(WAIT) == 0, self._shown
        return self._shown.replace("\r\n", "\n")

    def _read(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], WAIT)
        try:
            data = os.read(self._ours, 4096) if ready else b""
        except OSError:  # the command has ended
            data = b""
        self._shown += data.decode()
        return bool(data)


def _take_the_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
