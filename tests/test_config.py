from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dmtui.config import downloads, read_config
from dmtui.core.errors import ConfigTrouble, ProfileInUse, StoreTrouble
from dmtui.core.images import Drawing
from dmtui.core.images import Settings as ImageSettings
from dmtui.core.keymap import Keyed
from dmtui.core.model import Session, UserId
from dmtui.core.notify import Bodies, How, Language, Settings, Title
from dmtui.core.privacy import Privacy, Receipts
from dmtui.core.settings import ANIMATIONS, KEY_PROFILE, PLAIN, THEME, Config
from dmtui.lock import ProfileLock
from dmtui.profile import InvalidProfileName, ProfilePaths
from dmtui.session import load_session, save_session

KNOWN = (
    "the sections are [ui], [files], [images], [keys], [notifications], [privacy] and [security]"
)
SESSION = Session(UserId("@me:example.org"), "DEVICE", "secret-token", "https://example.org")


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProfilePaths:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    return ProfilePaths.named()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- settings -------------------------------------------------------------------------------


def config(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(text, "utf-8")
    return file


def read(file: Path) -> Config:
    commands = (
        Keyed("chat.start", "Everywhere", "ctrl+n", priority=True),
        Keyed("app.quit", "Everywhere", "ctrl+q", priority=True),
        Keyed("people.down", "People", "down,j"),
        Keyed("people.up", "People", "up,k"),
        Keyed("timeline.down", "Conversation", "down,j"),
        Keyed("composer.send", "Composer", "enter", fixed=True),
    )
    return read_config(file, themes=("nord", "textual-dark"), commands=commands)


def test_directory_of_saved_files_may_begin_at_home(tmp_path: Path) -> None:
    text = '[files]\ndownloads = "~/Saved"\n'
    assert downloads(read(config(tmp_path, text))) == Path.home() / "Saved"


def test_images_are_set_one_by_one(tmp_path: Path) -> None:
    both = config(tmp_path, '[images]\ndraw = "sixel"\npreviews = 250\n')
    assert read(both).images == ImageSettings(Drawing.SIXEL, 250_000)
    none = config(tmp_path, "images.previews = 0\n")
    assert read(none).images == ImageSettings(Drawing.AUTO, 0)


def test_without_a_file_every_setting_has_its_default(tmp_path: Path) -> None:
    assert read(tmp_path / "none.toml") == Config()
    assert read(config(tmp_path, "[ui]\n[keys]\n")) == Config()
    assert Config()[THEME] == "textual-dark"
    assert Config().notifications == Settings()


@pytest.mark.parametrize(
    "keys", ['[keys]\nchat.start = "f9"', '[keys]\n"chat.start" = "f9"', '[keys.chat]\nstart="f9"']
)
def test_settings_are_read(tmp_path: Path, keys: str) -> None:
    file = config(tmp_path, f'[ui]\ntheme = "nord"\n{keys}\n')
    settings = read(file)
    assert settings[THEME] == "nord"
    assert settings.keys == settings.own_keys == {"chat.start": "f9"}


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        (
            "chat.start = 'ctrl+q'\napp.quit = 'ctrl+n'",
            {"chat.start": "ctrl+q", "app.quit": "ctrl+n"},
        ),
        ("people.up = '?, x'", {"people.up": "question_mark,x"}),
        ("chat.start = ''\napp.quit = 'ctrl+n'", {"chat.start": "", "app.quit": "ctrl+n"}),
        ("timeline.down = 'k'", {"timeline.down": "k"}),
    ],
)
def test_keys_change_places_and_fall_away(
    tmp_path: Path, written: str, read_as: dict[str, str]
) -> None:
    assert read(config(tmp_path, f"[keys]\n{written}\n")).keys == read_as


def test_notifications_are_set_one_by_one(tmp_path: Path) -> None:
    file = config(
        tmp_path,
        '[notifications]\nhow = "bell"\nbodies = "always"\ntitle = "off"\nterminal = "osc99"\n',
    )
    chosen = Settings(How.BELL, Bodies.ALWAYS, Title.OFF, Language.OSC99)
    assert read(file).notifications == chosen
    partly = config(tmp_path, 'notifications.bodies = "never"\n')
    assert read(partly).notifications == Settings(bodies=Bodies.NEVER)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "[ui]\n\ncolour = 1\n",
            ", line 3: ui.colour is no setting; [ui] has theme, plain and animations.",
        ),
        ("[ui]\ntheme = 5\n", ", line 2: ui.theme must be text in quotes."),
        (
            "[files]\ndownloads = 'here'\n",
            ", line 2: files.downloads must be the whole path of a directory.",
        ),
        (
            "[files]\nuploads = 'here'\n",
            ", line 2: files.uploads is no setting; [files] has downloads.",
        ),
        ("[ui]\ntheme = 'no'\n", ", line 2: ui.theme must be one of nord, textual-dark."),
        ("# hm\n[keys]\n'app.quit' = 1\n", ", line 3: keys.app.quit must be text in quotes."),
        ("keys.app.stop = 'q'\n", ", line 1: keys.app.stop is no command; F1 lists them."),
        (
            "[keys]\nchat.start = 'strg+n'\n",
            ', line 2: keys.chat.start has no key called "strg+n".',
        ),
        ("[keys]\nchat.start = 'f9,,'\n", ', line 2: keys.chat.start has no key called "".'),
        (
            "[keys]\n\nchat.start = 'ctrl+q'\n",
            ", line 3: keys.chat.start can't be ctrl+q: that is the key of app.quit.",
        ),
        (
            "[keys]\npeople.up = 'f9'\npeople.down = 'f9'\n",
            ", line 2: keys.people.up can't be f9: that is the key of people.down.",
        ),
        (
            "[keys]\npeople.up = 'ctrl+n'\n",
            ", line 2: keys.people.up can't be ctrl+n: that is the key of chat.start.",
        ),
        (
            "[keys]\nchat.start = 'enter'\n",
            ", line 2: keys.chat.start can't be enter: that is the key of composer.send.",
        ),
        (
            "[keys]\nchat.start = '/'\n",
            ", line 2: keys.chat.start can't be slash: it works everywhere, and nobody could type"
            " that.",
        ),
        (
            "[keys]\ncomposer.send = 'f9'\n",
            ", line 2: keys.composer.send can't have other keys.",
        ),
        ("[privacy]\ntyping = 'no'\n", ", line 2: privacy.typing must be true or false."),
        (
            "[privacy]\nreceipts = 'none'\n",
            ", line 2: privacy.receipts must be one of private, public.",
        ),
        ("ui = { theme = 5 }\n", ", line 1: ui.theme must be text in quotes."),
        ("\n[colours]\nred = 1\n", f", line 3: colours.red is no setting; {KNOWN}."),
        (
            "[notifications]\n\nhow = 'loud'\n",
            ", line 3: notifications.how must be one of bell, both, desktop, off.",
        ),
        ("[notifications]\nhow = true\n", ", line 2: notifications.how must be text in quotes."),
        (
            "[notifications]\nwho = 'me'\n",
            ", line 2: notifications.who is no setting; [notifications] has how, bodies, title and"
            " terminal.",
        ),
        (
            "notifications = 'off'\n",
            ", line 1: notifications is no setting; [notifications] has how, bodies, title and"
            " terminal.",
        ),
        (
            "keys = 'f5'\n",
            ", line 1: keys is no setting; [keys] has profile and the names of commands.",
        ),
        (
            "[images]\ndraw = 'ascii'\n",
            ", line 2: images.draw must be one of auto, blocks, kitty, off, sixel.",
        ),
        *(
            (
                f"[images]\n\npreviews = {value}\n",
                ", line 3: images.previews must be a number of kilobytes from 0 to 20000.",
            )
            for value in ("-1", "true", "'many'", "20001", "1.5")
        ),
        (
            "[images]\nsize = 1\n",
            ", line 2: images.size is no setting; [images] has draw and previews.",
        ),
        ("theme = 'nord'\n", f", line 1: theme is no setting; {KNOWN}."),
        ("ui = 3\n", ", line 1: ui is no setting; [ui] has theme, plain and animations."),
        ("[ui]\ntheme =\n", "(at line 2, column 8)."),
        (
            '[ui]\n"a\\u001b[2J" = 1\n',
            ": ui.a\u241b[2J is no setting; [ui] has theme, plain and animations.",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_file_and_line(
    tmp_path: Path, text: str, complaint: str
) -> None:
    file = config(tmp_path, text)
    with pytest.raises(ConfigTrouble) as trouble:
        read(file)
    assert str(trouble.value).startswith(str(file))
    assert str(trouble.value).endswith(complaint)
    assert "\n" not in str(trouble.value)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigTrouble, match="not UTF-8"):
        read(file)
    with pytest.raises(ConfigTrouble, match="can't be read"):
        read(tmp_path)


# -- profiles -------------------------------------------------------------------------------


def test_the_xdg_variables_move_everything(paths: ProfilePaths, tmp_path: Path) -> None:
    assert paths.data == tmp_path / "data/dmtui/default"
    assert paths.state == tmp_path / "state/dmtui/default"
    assert paths.config_file == tmp_path / "config/dmtui/config.toml"
    for file in (paths.session_file, paths.store_file, paths.encryption, paths.lock_file):
        assert file.parent == paths.data


def test_profiles_are_apart(paths: ProfilePaths) -> None:
    other = ProfilePaths.named("work")
    assert other.data.name == "work"
    assert other.session_file != paths.session_file


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "-x", "x" * 65, "\u00e4", "a\n"])
def test_a_profile_name_can_not_leave_its_place(name: str) -> None:
    with pytest.raises(InvalidProfileName):
        ProfilePaths.named(name)


def test_directories_are_made_private(paths: ProfilePaths) -> None:
    paths.data.mkdir(parents=True, mode=0o755)
    paths.prepare()
    assert mode(paths.data) == 0o700
    assert mode(paths.state) == 0o700


# -- the session ----------------------------------------------------------------------------

KEY = "5a" * 32


def keep(paths: ProfilePaths, session: Session) -> None:
    save_session(paths, session, KEY)


def reopened(paths: ProfilePaths) -> Session | None:
    saved = load_session(paths)
    return None if saved is None else saved.opened(KEY)


def test_a_saved_session_is_private_and_loads_again(paths: ProfilePaths) -> None:
    assert load_session(paths) is None
    keep(paths, SESSION)
    assert reopened(paths) == SESSION
    assert mode(paths.session_file) == 0o600
    assert [file.name for file in paths.data.iterdir()] == ["session.json"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        "{}",
        '{"user_id": "@me:x", "device_id": "D", "access_token": 5, "homeserver": "https://x"}',
        '{"user_id": "me", "device_id": "D", "access_token": "T", "homeserver": "https://x"}',
        '{"user_id": "@me:x", "device_id": "", "access_token": "T", "homeserver": "https://x"}',
    ],
)
def test_a_damaged_session_is_one_clear_line(paths: ProfilePaths, content: str) -> None:
    paths.prepare()
    paths.session_file.write_text(content)
    with pytest.raises(StoreTrouble, match="saved session is damaged") as trouble:
        load_session(paths)
    assert str(paths.session_file) in str(trouble.value)
    assert "\n" not in str(trouble.value)


def leave_traces(paths: ProfilePaths) -> None:
    paths.encryption.mkdir()
    (paths.encryption / "keys").touch()
    paths.outgoing_files.mkdir()
    (paths.outgoing_files / "copy").touch()
    for suffix in ("", "-wal", "-shm"):
        Path(f"{paths.store_file}{suffix}").touch()


def test_another_account_is_refused_and_nothing_of_the_former_is_lost(paths: ProfilePaths) -> None:
    keep(paths, SESSION)
    leave_traces(paths)
    with pytest.raises(StoreTrouble, match="--profile"):
        keep(paths, replace(SESSION, user_id=UserId("@you:example.org")))
    assert reopened(paths) == SESSION
    assert (paths.encryption / "keys").exists()
    assert paths.store_file.exists()


@pytest.mark.parametrize("content", [None, "{"], ids=["deleted", "damaged"])
def test_signing_in_after_the_session_file_was_lost_keeps_messages(
    paths: ProfilePaths, content: str | None
) -> None:
    keep(paths, SESSION)
    leave_traces(paths)
    paths.session_file.unlink()
    if content is not None:
        paths.session_file.write_text(content)
    keep(paths, replace(SESSION, device_id="OTHER"))
    assert paths.store_file.exists()
    assert not paths.encryption.exists()


def test_a_new_device_of_the_account_keeps_messages_and_drops_keys(paths: ProfilePaths) -> None:
    keep(paths, SESSION)
    leave_traces(paths)
    keep(paths, replace(SESSION, device_id="OTHER"))
    assert paths.store_file.exists()
    assert not paths.encryption.exists()


def test_a_new_token_of_the_device_keeps_everything(paths: ProfilePaths) -> None:
    keep(paths, SESSION)
    leave_traces(paths)
    keep(paths, replace(SESSION, access_token="renewed"))
    assert (paths.encryption / "keys").exists()
    assert paths.store_file.exists()


def test_wiping_leaves_neither_token_nor_keys_nor_messages(paths: ProfilePaths) -> None:
    keep(paths, SESSION)
    leave_traces(paths)
    paths.wipe()
    paths.wipe()
    assert list(paths.data.iterdir()) == []


def test_a_failed_write_leaves_the_former_session(
    paths: ProfilePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    keep(paths, SESSION)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        keep(paths, replace(SESSION, access_token="renewed"))
    assert reopened(paths) == SESSION
    assert [file.name for file in paths.data.iterdir()] == ["session.json"]


def test_a_session_does_not_show_its_token(paths: ProfilePaths) -> None:
    keep(paths, SESSION)
    assert "secret-token" not in repr(SESSION)
    assert "secret-token" not in paths.session_file.read_text()
    assert "secret-token" not in repr(load_session(paths))


def test_the_session_opens_with_its_profiles_key_alone(paths: ProfilePaths) -> None:
    keep(paths, SESSION)
    saved = load_session(paths)
    assert saved is not None
    with pytest.raises(StoreTrouble, match="--new-key"):
        saved.opened("00" * 32)
    content = json.loads(paths.session_file.read_text())
    content["homeserver"] = "https://elsewhere.example.org"
    paths.session_file.write_text(json.dumps(content))
    saved = load_session(paths)
    assert saved is not None
    with pytest.raises(StoreTrouble, match="--new-key"):
        saved.opened(KEY)


# -- the lock -------------------------------------------------------------------------------

HOLD = """
import sys
from dmtui.lock import ProfileLock
from dmtui.profile import ProfilePaths
with ProfileLock(ProfilePaths.named()):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_process_is_told_which_one_has_the_profile(paths: ProfilePaths) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ProfileInUse, match=rf"already running .*\(process {holder.pid}\)"):
            ProfileLock(paths).__enter__()
        with ProfileLock(ProfilePaths.named("other")):
            pass
        holder.kill()
    with ProfileLock(paths):
        assert int(paths.lock_file.read_text()) == os.getpid()


def test_the_lock_is_free_again_after_its_block(paths: ProfilePaths) -> None:
    with ProfileLock(paths), pytest.raises(ProfileInUse):
        ProfileLock(paths).__enter__()
    with ProfileLock(paths):
        pass


PROFILES = {"standard": {}, "vim": {"chat.start": "f9", "people.toggle": ""}}


def read_with_profiles(file: Path) -> Config:
    commands = [
        Keyed("chat.start", "Everywhere", "ctrl+n", priority=True),
        Keyed("people.toggle", "Everywhere", "f4", priority=True),
        Keyed("app.quit", "Everywhere", "ctrl+q", priority=True),
    ]
    return read_config(file, (), commands, PROFILES)


def test_profile_gives_commands_its_keys_and_single_ones_are_still_the_users(
    tmp_path: Path,
) -> None:
    file = config(tmp_path, '[keys]\nprofile = "vim"\n"people.toggle" = "f2"\n')
    settings = read_with_profiles(file)
    assert settings[KEY_PROFILE] == "vim"
    assert settings.keys == {"chat.start": "f9", "people.toggle": "f2"}


def test_profile_that_is_none_is_named_with_its_line(tmp_path: Path) -> None:
    file = config(tmp_path, '[keys]\n\nprofile = "ed"\n')
    with pytest.raises(ConfigTrouble, match=r"line 3: keys.profile must be one of standard, vim"):
        read_with_profiles(file)


def test_key_of_the_profile_is_taken_and_the_usual_one_is_free(tmp_path: Path) -> None:
    file = config(tmp_path, '[keys]\nprofile = "vim"\n"app.quit" = "f9"\n')
    with pytest.raises(ConfigTrouble, match=r"line 3: keys.app.quit can't be f9"):
        read_with_profiles(file)
    file = config(tmp_path, '[keys]\nprofile = "vim"\n"app.quit" = "ctrl+n"\n')
    assert read_with_profiles(file).keys["app.quit"] == "ctrl+n"


def test_plain_is_true_or_false(tmp_path: Path) -> None:
    assert read(config(tmp_path, "[ui]\nplain = true\n"))[PLAIN]
    assert not read(config(tmp_path, "[ui]\nplain = false\n"))[PLAIN]
    with pytest.raises(ConfigTrouble, match=r"line 2: ui.plain must be true or false"):
        read(config(tmp_path, '[ui]\nplain = "yes"\n'))


def test_animations_can_be_left_out(tmp_path: Path) -> None:
    assert read(config(tmp_path, ""))[ANIMATIONS]
    assert not read(config(tmp_path, "[ui]\nanimations = false\n"))[ANIMATIONS]
    with pytest.raises(ConfigTrouble, match=r"line 2: ui.animations must be true or false"):
        read(config(tmp_path, '[ui]\nanimations = "none"\n'))


def test_what_others_are_told_is_chosen(tmp_path: Path) -> None:
    assert read(config(tmp_path, "")).privacy == Privacy(typing=True, receipts=Receipts.PUBLIC)
    text = '[privacy]\ntyping = false\nreceipts = "private"\n'
    assert read(config(tmp_path, text)).privacy == Privacy(typing=False, receipts=Receipts.PRIVATE)
