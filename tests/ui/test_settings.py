"""The settings by keyboard and mouse: shown, changed, saved, and in effect."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input, OptionList, Static

from dmtui.core.notify import How, Settings, Title
from dmtui.core.privacy import Privacy, Receipts
from dmtui.core.settings import (
    ANIMATIONS,
    DOWNLOADS,
    HOW,
    KEY_PROFILE,
    KEY_PROTECTION,
    KEYS,
    PLAIN,
    RECEIPTS,
    SETTINGS,
    THEME,
    TYPING,
)
from dmtui.ui.commands import Registry
from dmtui.ui.key_profiles import PROFILES
from dmtui.ui.screens.command_keys import CommandKeys, NewKey
from dmtui.ui.screens.confirm import Question
from dmtui.ui.screens.go_to_person import GoToPerson
from dmtui.ui.screens.main import MainScreen
from dmtui.ui.screens.setting_values import ChooseValue, TypeValue
from dmtui.ui.screens.settings import SettingsScreen
from dmtui.ui.screens.sign_in import SignInScreen
from dmtui.ui.screens.start_chat import StartChat
from dmtui.ui.terminal_escape import POP_TITLE, Terminal
from dmtui.ui.voice import Voice
from tests.fakes import BOB, ME
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dmtui.config_file import ConfigFile
    from dmtui.core.setting_kinds import Written
    from dmtui.core.settings import Config
    from tests.ui.stage import Stage


def on(stage: Stage, screen: type[object]) -> Callable[[], bool]:
    return lambda: isinstance(stage.app.screen, screen)


def rows(stage: Stage) -> OptionList:
    return stage.app.screen.query_one(OptionList)


async def open_settings(stage: Stage) -> None:
    await stage.pilot.press("f2")
    await stage.until(on(stage, SettingsScreen))
    await stage.until(lambda: rows(stage).option_count)


async def go_to(stage: Stage, name: str) -> None:
    """The row, as the arrows reach it."""
    for _ in range(rows(stage).option_count):
        option = rows(stage).highlighted_option
        if option is not None and option.id == name:
            return
        await stage.pilot.press("down")
    raise AssertionError(name)


def told(stage: Stage) -> str:
    return str(stage.app.screen.query_one("#notice", Static).content)


def saved(stage: Stage) -> str:
    file = stage.settings.path
    return file.read_text() if file.exists() else ""


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 48)], ids=str)
async def test_every_setting_stands_there_with_what_it_means(
    stage: Stage, size: tuple[int, int]
) -> None:
    async with stage.open(size):
        await open_settings(stage)
        for setting in SETTINGS:
            await go_to(stage, setting.name)
            await stage.until(stage.shows(f"{setting.name} in the file"))
            await stage.until(stage.shows(f"  {setting.title} "))
            assert " ".join(setting.help.split()[:5]) in stage.text()
            assert "Esc closes" in stage.text()
    assert not stage.settings.path.exists()


async def test_number_has_its_unit_and_the_row_stays_in_view(stage: Stage) -> None:
    async with stage.open((100, 40)) as pilot:
        await open_settings(stage)
        await stage.until(stage.shows("1000 kilobytes"))
        await go_to(stage, KEY_PROTECTION.name)
        await pilot.resize_terminal(80, 24)
        await stage.until(lambda: rows(stage).size.height < rows(stage).option_count)
        await stage.until(stage.shows(f"  {KEY_PROTECTION.title} "))


async def test_theme_is_seen_while_it_is_chosen_and_kept_only_by_enter(stage: Stage) -> None:
    async with stage.open() as pilot:
        await open_settings(stage)
        await pilot.press("enter")
        await stage.until(on(stage, ChooseValue))
        await pilot.press("up")
        await stage.until(lambda: stage.app.theme != "textual-dark")
        await pilot.press("escape")
        await stage.until(lambda: stage.app.theme == "textual-dark")
        assert not saved(stage)
        await pilot.press("enter")
        await stage.until(on(stage, ChooseValue))
        await pilot.press("down", "enter")
        await stage.until(lambda: saved(stage))
        assert stage.settings.read()[THEME] == stage.app.theme != "textual-dark"


@pytest.mark.parametrize("profile", PROFILES)
async def test_settings_change_by_the_keyboard_alone(stage: Stage, profile: str) -> None:
    stage.settings.change({KEY_PROFILE.name: profile})
    registry = Registry(PROFILES[profile], profile)

    async def press(name: str) -> None:
        await stage.pilot.press(registry.keys(name)[-1])

    async with stage.open(key_profile=profile):
        await press("app.settings")
        await stage.until(on(stage, SettingsScreen))
        await stage.until(lambda: rows(stage).option_count)
        await press("settings.down")
        await press("settings.change")
        await stage.until(lambda: stage.settings.read()[PLAIN])
        await stage.until(stage.shows("Saved; it takes effect at the next start."))
        await press("settings.last")
        await press("settings.next")
        await stage.until(lambda: stage.settings.read()[KEY_PROTECTION] == "file")
        await press("settings.previous")
        await stage.until(lambda: stage.settings.read()[KEY_PROTECTION] == "auto")
        await press("settings.first")
        await press("settings.down")
        await press("settings.reset")
        await stage.until(lambda: "plain" not in saved(stage))
        await press("settings.close")
        await stage.until(lambda: stage.app.screen is stage.main)


async def test_key_pressed_twice_changes_twice(stage: Stage) -> None:
    async with stage.open() as pilot:
        await open_settings(stage)
        await go_to(stage, HOW.name)
        await pilot.press("space", "space")
        await stage.until(lambda: stage.settings.read()[HOW] is How.BELL)


@dataclass
class HeldFile:
    """The settings file, written once it may be."""

    file: ConfigFile
    may: threading.Event = field(default_factory=threading.Event)

    def read(self) -> Config:
        return self.file.read()

    def change(self, changes: Mapping[str, Written | None]) -> Config:
        self.may.wait(PATIENCE)
        return self.file.change(changes)


async def test_change_holds_though_the_settings_are_closed_before_it_is_written(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage.open() as pilot:
        held = HeldFile(stage.settings)
        monkeypatch.setattr(stage.app, "_settings", held)
        await open_settings(stage)
        await go_to(stage, RECEIPTS.name)
        await pilot.press("space", "escape")
        await stage.until(lambda: stage.app.screen is stage.main)
        held.may.set()
        await stage.until(lambda: 'receipts = "private"' in saved(stage))
        await stage.until(lambda: stage.messenger.privacy.receipts is Receipts.PRIVATE)


async def test_enter_twice_on_a_switch_turns_it_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage.open() as pilot:
        held = HeldFile(stage.settings)
        monkeypatch.setattr(stage.app, "_settings", held)
        await open_settings(stage)
        await go_to(stage, TYPING.name)
        await pilot.press("enter", "enter")
        held.may.set()
        await stage.until(lambda: "typing = true" in saved(stage))
        await stage.until(lambda: stage.messenger.privacy.typing)


async def test_settings_open_once(stage: Stage) -> None:
    async with stage.open() as pilot:
        await open_settings(stage)
        await pilot.press("enter")
        await stage.until(on(stage, ChooseValue))
        await pilot.press("f2")
        await pilot.pause()
        assert on(stage, ChooseValue)()


async def test_set_of_keys_is_taken_at_once(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    async with stage.open() as pilot:
        await open_settings(stage)
        await go_to(stage, KEY_PROFILE.name)
        await pilot.press("left")
        await stage.until(lambda: 'profile = "emacs"' in saved(stage))
        await stage.until(lambda: stage.app.registry.profile == "emacs")
        await pilot.press("ctrl+n", "ctrl+g")
        await stage.until(lambda: stage.app.screen is stage.main)
        assert "F9 Start Chat" in stage.text()
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("ab")
        await pilot.press("ctrl+b", "c")
        assert stage.composer.text == "acb"
        await pilot.press("f9")
        await stage.until(on(stage, StartChat))


async def test_motion_ends_at_once(stage: Stage) -> None:
    async with stage.open() as pilot:
        await open_settings(stage)
        await go_to(stage, ANIMATIONS.name)
        await pilot.press("space")
        await stage.until(lambda: stage.app.animation_level == "none")
        await pilot.press("space")
        await stage.until(lambda: stage.app.animation_level != "none")


async def test_privacy_holds_at_once_also_for_who_signs_in_afterwards(stage: Stage) -> None:
    quiet = Privacy(typing=False, receipts=Receipts.PRIVATE)
    async with stage.open(signed_in=False) as pilot:
        await open_settings(stage)
        await go_to(stage, TYPING.name)
        await pilot.press("space")
        await stage.until(lambda: "typing = false" in saved(stage))
        await go_to(stage, RECEIPTS.name)
        await pilot.press("space")
        await stage.until(lambda: 'receipts = "private"' in saved(stage))
        await pilot.press("escape")
        await stage.until(on(stage, SignInScreen))
        for text in (ME, "secret"):
            await stage.type(text)
            await pilot.press("enter")
        await stage.until(on(stage, MainScreen))
        await stage.until(lambda: stage.messenger.privacy == quiet)
        await open_settings(stage)
        await go_to(stage, TYPING.name)
        await pilot.press("space")
        await stage.until(lambda: stage.messenger.privacy == replace(quiet, typing=True))


async def test_directory_is_typed_and_a_wrong_one_refused(stage: Stage) -> None:
    async with stage.open() as pilot:
        await open_settings(stage)
        await go_to(stage, DOWNLOADS.name)
        await pilot.press("enter")
        await stage.until(on(stage, TypeValue))
        await stage.type("here")
        await pilot.press("enter")
        await stage.until(stage.shows("It must be the whole path of a directory."))
        stage.app.screen.query_one(Input).value = "~/Saved"
        await pilot.press("enter")
        await stage.until(on(stage, SettingsScreen))
        await stage.until(stage.shows("~/Saved"))
        assert stage.settings.read()[DOWNLOADS] == "~/Saved"
        await pilot.press("enter")
        await stage.until(on(stage, TypeValue))
        stage.app.screen.query_one(Input).value = ""
        await pilot.press("enter")
        await stage.until(lambda: "downloads" not in saved(stage))


async def test_click_changes_a_setting(stage: Stage) -> None:
    async with stage.open() as pilot:
        await open_settings(stage)
        line = rows(stage).get_option_index(PLAIN.name)
        await pilot.click(OptionList, offset=(8, line))
        await stage.until(lambda: "plain = true" in saved(stage))


async def test_slash_command_opens_the_settings(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    async with stage.open() as pilot:
        await stage.until(lambda: stage.people.rows)
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("/settings")
        await pilot.press("enter")
        await stage.until(on(stage, SettingsScreen))
        await pilot.press("f2")
        await stage.until(lambda: stage.app.screen is stage.main)


async def test_settings_are_there_before_signing_in(stage: Stage) -> None:
    async with stage.open(signed_in=False) as pilot:
        await pilot.press("f2")
        await stage.until(on(stage, SettingsScreen))
        await stage.until(stage.shows("Saved files"))


async def test_file_made_invalid_meanwhile_is_told_and_left(stage: Stage) -> None:
    async with stage.open((100, 40)) as pilot:
        await open_settings(stage)
        stage.settings.path.write_text("[ui]\ntheme = 5\n")
        await go_to(stage, PLAIN.name)
        await pilot.press("space")
        await stage.until(lambda: told(stage).endswith("in quotes. Nothing was changed."))
        assert saved(stage) == "[ui]\ntheme = 5\n"
        await pilot.press("escape", "f2")
        await stage.until(on(stage, SettingsScreen))
        await stage.until(lambda: "Until that is put right" in told(stage))
        assert rows(stage).option_count == 0


# -- single keys ----------------------------------------------------------------------------


async def choose_command(stage: Stage, term: str) -> None:
    """The first command found, and the question what to do with its keys."""
    await open_settings(stage)
    await go_to(stage, KEYS)
    await stage.pilot.press("enter")
    await stage.until(on(stage, CommandKeys))
    await stage.type(term)
    await stage.pilot.press("enter")


async def test_key_is_pressed_for_a_command_and_works_at_once(stage: Stage) -> None:
    async with stage.open() as pilot:
        await choose_command(stage, "person.go")
        await stage.until(on(stage, Question))
        await pilot.press("k")
        await stage.until(on(stage, NewKey))
        await pilot.press("ctrl+q")
        await stage.until(stage.shows("Ctrl+Q is the key of “Quit”."))
        await pilot.press("x")
        await stage.until(stage.shows("x is typed as text"))
        await pilot.press("f9")
        await stage.until(on(stage, CommandKeys))
        await stage.until(lambda: '"person.go" = "f9"' in saved(stage))
        await pilot.press("escape", "escape")
        await stage.until(lambda: stage.app.screen is stage.main)
        await pilot.press("f9")
        await stage.until(on(stage, GoToPerson))


async def test_commands_take_more_keys_and_none_and_their_usual_ones_again(stage: Stage) -> None:
    async with stage.open() as pilot:
        await choose_command(stage, "person.go")
        for answer, keys, written in (
            ("m", ["f9"], '"person.go" = "ctrl+k,f9"'),
            ("n", [], '"person.go" = ""'),
            ("u", [], ""),
        ):
            await stage.until(on(stage, Question))
            await pilot.press(answer, *keys)
            await stage.until(on(stage, CommandKeys))
            await stage.until(
                lambda written=written: (  # type: ignore[misc]
                    written in saved(stage) if written else "person.go" not in saved(stage)
                )
            )
            await pilot.press("enter")
        await stage.until(on(stage, Question))
        assert "Ctrl+K. Everywhere" in stage.text()


async def test_usual_key_that_another_command_has_now_is_not_given_back(stage: Stage) -> None:
    stage.settings.change({"keys.person.go": "f9", "keys.search.here": "ctrl+k"})
    async with stage.open() as pilot:
        await choose_command(stage, "person.go")
        await stage.until(on(stage, Question))
        await pilot.press("u")
        await stage.until(stage.shows("Ctrl+K is the key of “Find in this chat”."))
        assert '"person.go" = "f9"' in saved(stage)


async def test_key_that_stays_as_it_is_can_not_be_changed(stage: Stage) -> None:
    async with stage.open():
        await choose_command(stage, "composer.send")
        await stage.until(stage.shows("Its keys can't be others."))


async def test_escape_leaves_the_key_as_it_is(stage: Stage) -> None:
    async with stage.open() as pilot:
        await choose_command(stage, "person.go")
        await stage.until(on(stage, Question))
        await pilot.press("k")
        await stage.until(on(stage, NewKey))
        await pilot.press("escape")
        await stage.until(on(stage, CommandKeys))
        assert not saved(stage)


# -- what takes effect ----------------------------------------------------------------------


def test_title_comes_and_goes_with_its_setting() -> None:
    written: list[str] = []
    voice = Voice(Settings(), Terminal(), written.append)
    voice.begin()
    voice.count(3)
    voice.change(Settings(title=Title.OFF))
    assert written.pop().endswith(POP_TITLE)
    voice.count(4)
    assert "(4)" not in "".join(written)
    voice.change(Settings())
    assert "(4) dmtui" in written[-1]
