"""Settings changed in the user's file, which is otherwise left as it is."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.config_file import ConfigFile, changed
from dmtui.core.errors import ConfigTrouble
from dmtui.core.keymap import Keyed
from dmtui.core.setting_kinds import Written
from dmtui.core.settings import DOWNLOADS, HOW, PLAIN, THEME

COMMANDS = (
    Keyed("chat.start", "Everywhere", "ctrl+n", priority=True),
    Keyed("app.quit", "Everywhere", "ctrl+q", priority=True),
)
PROFILES = {"standard": {}, "vim": {"chat.start": "f9"}}
MINE = """\
# my settings

[ui]
theme = "nord"   # at night

# keys, one day

[keys]
profile = 'vim'
chat.start = "f10"
"""


def config_file(path: Path) -> ConfigFile:
    return ConfigFile(path, ("nord", "textual-dark"), COMMANDS, PROFILES)


@pytest.fixture
def file(tmp_path: Path) -> ConfigFile:
    return config_file(tmp_path / "config.toml")


def test_comments_order_and_spelling_of_everything_else_stay(file: ConfigFile) -> None:
    file.path.write_text(MINE)
    config = file.change({THEME.name: "textual-dark"})
    assert config[THEME] == "textual-dark"
    assert file.path.read_text() == MINE.replace('"nord"', '"textual-dark"')
    file.change({PLAIN.name: True})
    lines = file.path.read_text().splitlines()
    assert lines.index("plain = true") == lines.index('theme = "textual-dark"   # at night') + 1
    assert "# keys, one day" in lines
    file.change({PLAIN.name: None, THEME.name: "nord"})
    assert file.path.read_text() == MINE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ui.theme = 'nord'",
        "ui = { theme = 'nord' }\n",
        "[keys.chat]\nstart = 'f10'\n[ui]\n[keys]\nprofile = 'vim'\n",
        "notifications.bodies = 'never'\n",
        "[notifications] # hm\r\nbodies = 'never'\r\n\r\n[keys]\r\n'chat.start' = 'f10'\r\n",
        MINE,
    ],
    ids=range(7),
)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ui.theme", "textual-dark"),
        ("ui.theme", None),
        ("ui.plain", True),
        ("notifications.how", "bell"),
        ("keys.chat.start", "f8"),
        ("keys.chat.start", None),
        ("keys.app.quit", "f12"),
    ],
)
def test_one_setting_changes_however_the_file_is_written(
    file: ConfigFile, text: str, name: str, value: Written | None
) -> None:
    file.path.write_bytes(text.encode())
    before = file.read()
    config = file.change({name: value})
    assert config == file.read()
    if name.startswith("keys."):
        wanted = {**before.own_keys, name.removeprefix("keys."): value}
        assert config.own_keys == {n: keys for n, keys in wanted.items() if keys is not None}
        assert config.chosen == before.chosen
    else:
        chosen = {**before.chosen, name: value}
        assert config.chosen == {n: v for n, v in chosen.items() if v is not None}
        assert config.own_keys == before.own_keys


@given(path=st.text(st.characters(codec="utf-8"), max_size=20))
def test_any_text_is_written_so_that_it_reads_the_same(path: str) -> None:
    import tomllib

    text = changed(MINE, {DOWNLOADS.name: path})
    assert tomllib.loads(text)["files"]["downloads"] == path


def test_new_file_and_its_directory_are_the_users_alone(tmp_path: Path) -> None:
    path = tmp_path / "dmtui" / "config.toml"
    config_file(path).change({HOW.name: "off"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["config.toml"]


def test_link_to_a_file_kept_elsewhere_stays_a_link(tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "dmtui.toml"
    kept.parent.mkdir()
    kept.write_text(MINE)
    link = tmp_path / "config.toml"
    link.symlink_to("dotfiles/dmtui.toml")
    config_file(link).change({THEME.name: "textual-dark"})
    assert link.is_symlink()
    assert kept.read_text() == MINE.replace('"nord"', '"textual-dark"')


def unchanged(file: ConfigFile, text: str, name: str, value: Written) -> str:
    file.path.write_text(text)
    return refused(file, name, value)


def refused(file: ConfigFile, name: str, value: Written) -> str:
    before = file.path.read_bytes()
    with pytest.raises(ConfigTrouble) as trouble:
        file.change({name: value})
    assert file.path.read_bytes() == before
    assert [entry.name for entry in file.path.parent.iterdir()] == [file.path.name]
    line = str(trouble.value)
    assert "\n" not in line
    assert line.endswith("Nothing was changed.")
    return line


def test_file_that_was_made_invalid_meanwhile_is_left_alone(file: ConfigFile) -> None:
    assert "line 2: ui.theme must be text" in unchanged(
        file, "[ui]\ntheme = 5\n", "notifications.how", "bell"
    )
    assert "at line 2" in unchanged(file, "[ui]\ntheme =\n", THEME.name, "nord")
    assert "ui.colour is no setting" in unchanged(file, "ui.colour = 1\n", THEME.name, "nord")


def test_what_the_settings_refuse_is_not_written(file: ConfigFile) -> None:
    line = unchanged(file, MINE, "keys.app.quit", "f10")
    assert line == "keys.chat.start can't be f10: that is the key of app.quit. Nothing was changed."
    assert "must be one of" in unchanged(file, MINE, THEME.name, "none")


def test_full_disk_changes_nothing(file: ConfigFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    file.path.write_text(MINE)
    monkeypatch.setattr(os, "fsync", full)
    assert "can't be written: No space left" in refused(file, THEME.name, "textual-dark")


def test_file_that_is_read_only_is_not_replaced(file: ConfigFile) -> None:
    file.path.write_text(MINE)
    file.path.chmod(0o444)
    assert "it is read-only" in refused(file, THEME.name, "textual-dark")


def test_where_there_can_be_no_directory_one_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(ConfigTrouble, match=r"can't be (written|read).* Nothing was changed"):
        config_file(tmp_path / "taken" / "config.toml").change({THEME.name: "nord"})


def test_two_that_change_it_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    code = f"""
from pathlib import Path
from tests.test_config_file import config_file
import sys
for number in range(20):
    config_file(Path({str(path)!r})).change({{sys.argv[1]: f"f{{number % 5 + int(sys.argv[2])}}"}})
"""
    names = (("keys.chat.start", "1"), ("keys.app.quit", "10"))
    runs = [subprocess.Popen([sys.executable, "-c", code, *name]) for name in names]
    assert [run.wait() for run in runs] == [0, 0]
    assert config_file(path).read().own_keys == {"chat.start": "f5", "app.quit": "f14"}


def test_reading_settings_does_not_load_what_writes_them() -> None:
    code = (
        "import sys, dmtui.config_file, dmtui.command_line.app; sys.exit('tomlkit' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
