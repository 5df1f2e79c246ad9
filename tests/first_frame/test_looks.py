from __future__ import annotations

import contextlib
import time

import pytest
from textual.pilot import Pilot

from dmtui.compose import Account
from dmtui.first_frame.cells import colours, escaped
from dmtui.first_frame.looks import lines
from dmtui.first_frame.stored import Person, Stored, directory, read
from dmtui.matrix.sign_in import sign_in_with_password
from dmtui.profile import ProfilePaths
from dmtui.ui.app import DmtuiApp
from tests.fakes import BOB
from tests.first_frame.conftest import (
    arranged,
    asked_by,
    shares_a_room_with_me,
    with_group_and_likeness,
)
from tests.profiles import key_in_file


def painted(pilot: Pilot[None]) -> list[str]:
    compositor = pilot.app.screen._compositor
    return [strip.text for strip in compositor.render_strips()]


async def frame_of_the_app(paths: ProfilePaths, size: tuple[int, int]) -> list[str]:
    with contextlib.closing(Account(paths, key_in_file(paths))) as account:
        app = DmtuiApp(
            messenger=account.saved(),
            open_messenger=account.signed_in,
            sign_in=sign_in_with_password,
        )
        async with app.run_test(size=size) as pilot:
            return painted(pilot)


def first_frame(paths: ProfilePaths, size: tuple[int, int]) -> list[str]:
    stored = read(paths.name, size[1])
    assert stored is not None
    shown = lines(stored, *size, now=int(time.time() * 1000))
    return ["".join(part.text for part in line) for line in shown]


@pytest.mark.parametrize("size", [(120, 40), (100, 30), (79, 24), (60, 20), (200, 12)], ids=str)
async def test_the_first_frame_reads_as_the_app_behind_it(
    profile: ProfilePaths, size: tuple[int, int]
) -> None:
    assert first_frame(profile, size) == await frame_of_the_app(profile, size)


@pytest.mark.parametrize("asking", [["zoe"], ["yan", "zoe"]], ids=str)
async def test_who_asks_to_chat_stands_on_top_as_in_the_app(
    profile: ProfilePaths, asking: list[str]
) -> None:
    asked_by(profile, *asking)
    frame, app = first_frame(profile, (100, 30)), await frame_of_the_app(profile, (100, 30))
    assert [line[:31] for line in frame] == [line[:31] for line in app]
    assert frame[-2:] == app[-2:]


@pytest.mark.parametrize("closest", ["wim", "bob"])
async def test_who_is_closest_asks_first_as_in_the_app(profile: ProfilePaths, closest: str) -> None:
    asked_by(profile, "yan", "wim", "zoe")
    if closest == "wim":
        shares_a_room_with_me(profile, "wim")
    else:
        asked_by(profile, "bob", "yan", "wim", "zoe", server="localhost")
    frame, app = first_frame(profile, (100, 30)), await frame_of_the_app(profile, (100, 30))
    assert [line[:31] for line in frame] == [line[:31] for line in app]
    assert closest.title() in frame[1]


@pytest.mark.parametrize("size", [(120, 40), (100, 30), (79, 24), (60, 20)], ids=str)
async def test_people_stand_as_they_are_arranged_in_the_app(
    profile: ProfilePaths, size: tuple[int, int]
) -> None:
    arranged(profile)
    frame = first_frame(profile, size)
    assert frame == await frame_of_the_app(profile, size)
    assert any("muted" in line for line in frame)
    assert any("^Dave" in line for line in frame)
    assert any("●" in line for line in frame[:-2])


async def test_groups_and_archived_people_stand_apart_as_in_the_app(profile: ProfilePaths) -> None:
    arranged(profile)
    with_group_and_likeness(profile)
    frame = first_frame(profile, (120, 40))
    assert frame == await frame_of_the_app(profile, (120, 40))
    text = "\n".join(frame)
    for words in ("Groups (not direct messages)", "Archived (1)", "looks like Bob"):
        assert words in text


def test_directories_are_those_of_the_profile(profile: ProfilePaths) -> None:
    assert directory("DATA", "~/.local/share") == str(profile.data.parent)


def test_usual_directories_are_those_of_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("DATA", "CONFIG"):
        monkeypatch.delenv(f"XDG_{kind}_HOME", raising=False)
    paths = ProfilePaths.named()
    assert directory("DATA", "~/.local/share") == str(paths.data.parent)
    assert directory("CONFIG", "~/.config") == str(paths.config_file.parent)


def test_a_database_of_another_version_is_left_alone(profile: ProfilePaths) -> None:
    import sqlite3

    with contextlib.closing(sqlite3.connect(profile.store_file)) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert read(profile.name, 10) is None


def test_the_people_of_another_account_are_not_shown(profile: ProfilePaths) -> None:
    session = profile.session_file.read_text().replace("@me:localhost", "@you:localhost")
    profile.session_file.write_text(session)
    assert read(profile.name, 10) is None


def test_with_a_theme_of_the_users_the_app_paints_first(profile: ProfilePaths) -> None:
    profile.config_file.parent.mkdir(parents=True)
    profile.config_file.write_text('[ui]\ntheme = "nord"\n')
    assert read(profile.name, 10) is None


def test_with_keys_of_the_users_the_app_names_them_first(profile: ProfilePaths) -> None:
    profile.config_file.parent.mkdir(parents=True)
    profile.config_file.write_text('[keys]\nchat.start = "f9"\n')
    assert read(profile.name, 10) is None


def test_stored_text_steers_no_terminal() -> None:
    evil = Person(BOB, "a\x1b[31mb\u202e\x9b1m", 1, "\x1b]0;t\x07\u0085", 1, 0, "joined", "", 0)
    shown = lines(Stored([evil], asking=["\x1b[2J"]), 100, 30, now=1)
    text = "".join(part.text for line in shown for part in line)
    assert text.isprintable()


def test_no_colours_are_used_where_none_are_wanted() -> None:
    palette = colours({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"})
    assert palette is not None
    shown = lines(Stored([Person(BOB, "Bob", 1, "hi", 1, 0, "joined", "", 0)]), 100, 30, now=1)
    text = escaped(shown, palette)
    assert "Bob" in text
    assert "38;" not in text
    assert "48;" not in text


@pytest.mark.parametrize("kind", ["", "dumb", "linux"])
def test_a_terminal_without_the_colours_gets_no_first_frame(kind: str) -> None:
    assert colours({"TERM": kind}) is None
