"""The registry of commands: one truth for bindings, palette, help, hints and remapping."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual.binding import Binding
from textual.command import CommandPalette
from textual.widgets import OptionList

from dmtui.config import read_config
from dmtui.core.keys import keys_of, types_text
from dmtui.ui.app import DmtuiApp
from dmtui.ui.commands import COMMANDS, Registry, Scope, bindings
from dmtui.ui.key_profiles import PROFILES, editing_keys
from dmtui.ui.screens.conversation import ConversationPane
from dmtui.ui.screens.doctor import Doctor
from dmtui.ui.screens.encryption import EncryptionScreen
from dmtui.ui.screens.find_bar import FindBar
from dmtui.ui.screens.help import Help
from dmtui.ui.screens.main import MainScreen
from dmtui.ui.screens.own_profile import MyProfile
from dmtui.ui.screens.people import PeoplePane
from dmtui.ui.screens.person_acts import GENERAL_ACTS, PERSON_ACTS
from dmtui.ui.screens.person_card import PersonCard
from dmtui.ui.screens.requests_list import RequestsList
from dmtui.ui.screens.setting_list import ListScreen
from dmtui.ui.screens.settings import SettingsScreen
from dmtui.ui.screens.start_chat import StartChat
from dmtui.ui.screens.verification import VerificationScreen
from dmtui.ui.widgets.composer import Composer
from dmtui.ui.widgets.invite_prompt import InvitePrompt
from dmtui.ui.widgets.people_list import PeopleList
from dmtui.ui.widgets.request_list import RequestList
from dmtui.ui.widgets.timeline import Timeline
from tests.fakes import BOB

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.widget import Widget

    from tests.ui.stage import Stage


def test_ids_are_unique() -> None:
    assert not [name for name, count in Counter(c.id for c in COMMANDS).items() if count > 1]


def test_every_binding_has_an_id_of_its_own() -> None:
    for owner in (
        DmtuiApp,
        MainScreen,
        PeoplePane,
        ConversationPane,
        Doctor,
        PersonCard,
        EncryptionScreen,
        ListScreen,
    ):
        for binding in owner.BINDINGS:
            assert isinstance(binding, Binding)
            assert binding.id


def test_keys_of_widgets_are_registered_as_they_are_bound() -> None:
    registered = {command.id: command for command in COMMANDS}
    widgets: tuple[type[Widget], ...] = (PeopleList, Timeline, InvitePrompt, RequestList)
    for widget in widgets:
        for binding in widget.BINDINGS:
            assert isinstance(binding, Binding)
            assert binding.id is not None
            assert registered[binding.id].keys == binding.key


def test_every_action_exists() -> None:
    for command in COMMANDS:
        if not command.action:
            continue
        name = command.action.partition("(")[0]
        owners: tuple[type, ...] = (
            MainScreen,
            RequestsList,
            PeoplePane,
            ConversationPane,
            Doctor,
            PersonCard,
            EncryptionScreen,
            MyProfile,
            VerificationScreen,
            FindBar,
            SettingsScreen,
        )
        if name.startswith("app."):
            owners, name = (DmtuiApp,), name.removeprefix("app.")
        elif name.startswith("screen."):
            owners, name = (MainScreen,), name.removeprefix("screen.")
        assert any(hasattr(owner, f"action_{name}") for owner in owners), command.id


def test_every_act_of_a_person_has_a_command_and_every_command_an_act() -> None:
    for kind, acts in (("person", PERSON_ACTS), ("general", GENERAL_ACTS)):
        pattern = re.compile(rf"(?:screen\.)?{kind}\('(\w+)'\)")
        found = [m.group(1) for c in COMMANDS if (m := pattern.fullmatch(c.action))]
        assert sorted(found) == sorted(acts)


def test_every_act_of_a_person_stands_in_the_palette() -> None:
    for command in COMMANDS:
        if command.action.startswith(("screen.person(", "general(")):
            assert command.offered, command.id


@pytest.mark.parametrize("profile", PROFILES)
def test_no_key_is_bound_twice_in_a_scope(profile: str) -> None:
    registry = Registry(PROFILES[profile], profile)
    everywhere = {key for c in registry.commands if c.priority for key in c.keys.split(",") if key}
    for scope in Scope:
        keys = [
            key
            for command in registry.of_scope(scope)
            for key in command.keys.split(",")
            if key and not command.priority
        ]
        assert len(keys) == len(set(keys)), scope
        assert everywhere.isdisjoint(keys), scope


@pytest.mark.parametrize("profile", PROFILES)
def test_profile_has_real_keys_for_real_commands(profile: str) -> None:
    assert PROFILES[profile].keys() <= {command.id for command in COMMANDS}
    for command in Registry(PROFILES[profile], profile).commands:
        keys = keys_of(command.keys)
        assert ",".join(keys) == command.keys
        assert not (command.priority and any(map(types_text, keys))), command.id


@pytest.mark.parametrize("profile", PROFILES)
def test_no_key_of_the_app_is_one_that_edits_the_text(profile: str) -> None:
    registry = Registry(PROFILES[profile], profile)
    editing = editing_keys(profile, Composer.EDITING_KEYS)
    bound = {
        key
        for command in registry.commands
        if command.priority or (command.scope is Scope.COMPOSER and not command.fixed)
        for key in keys_of(command.keys)
    }
    assert bound & editing.keys() == {"ctrl+c"}  # copies where one types, too


def test_standard_keys_are_settings_that_are_accepted(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    standard = {c.id: c.keys for c in COMMANDS if not c.fixed}
    file.write_text("[keys]\n" + "".join(f'"{n}" = "{k}"\n' for n, k in standard.items()))
    commands = [command.keyed for command in COMMANDS]
    assert read_config(file, (), commands).keys == standard


def test_keys_that_terminals_confuse_are_never_used() -> None:
    named = (Registry(keymap).commands for keymap in PROFILES.values())
    keys = {key for commands in named for command in commands for key in command.keys.split(",")}
    assert not keys & {"ctrl+i", "ctrl+m", "ctrl+h", "ctrl+left_square_bracket"}


@pytest.mark.parametrize("profile", PROFILES)
def test_every_alt_key_has_a_twin(profile: str) -> None:
    for command in Registry(PROFILES[profile]).commands:
        keys = command.keys.split(",")
        if any(key.startswith("alt+") for key in keys) and not command.numbered:
            assert any(not key.startswith("alt+") for key in keys), command.id


def test_hints_name_the_keys_of_the_scope_first() -> None:
    assert Registry().hints(Scope.REQUEST, 200).plain.startswith("a Chat")
    assert "Ctrl+N Start Chat" in Registry().hints(Scope.COMPOSER, 200).plain


def test_hints_that_matter_most_stay_in_narrow_terminals() -> None:
    for scope in Scope:
        for width in (58, 78):
            line = Registry().hints(scope, width)
            assert line.cell_length <= width
            assert "F4 People" in line.plain
            assert "Ctrl+Q Quit" in line.plain


def test_bindings_of_the_app_and_of_the_screen_are_told_apart() -> None:
    of_app = {binding.id for binding in bindings(Scope.EVERYWHERE, app=True)}
    of_screen = {binding.id for binding in bindings(Scope.EVERYWHERE)}
    assert "app.quit" in of_app
    assert "chat.start" in of_screen
    assert not of_app & of_screen


async def test_help_names_every_command(stage: Stage) -> None:
    async with stage.open((100, 400)) as pilot:
        await pilot.press("f1")
        await stage.until(lambda: isinstance(stage.app.screen, Help))
        await pilot.pause()
        text = stage.text()
        for command in COMMANDS:
            assert command.title in text or command.numbered or not command.shown, command.id


async def test_help_begins_with_what_the_marks_mean(stage: Stage) -> None:
    async with stage.open((80, 24)) as pilot:
        await pilot.press("f1")
        await stage.until(stage.shows("⚷ encrypted   … queued   ↑ sending   ✓ sent   ✓✓ read"))
        lines = stage.text().splitlines()
        top = next(n for n, line in enumerate(lines) if "╭" in line and "Keys" in line)
        assert "⚷ encrypted" in lines[top + 1]


async def test_example_of_other_keys_is_accepted(stage: Stage, tmp_path: Path) -> None:
    async with stage.open((100, 400)) as pilot:
        await pilot.press("f1")
        await stage.until(stage.shows("person.next ="))
        example = re.search(r'person\.next = "[^"]+"', stage.text())
    assert example is not None
    file = tmp_path / "config.toml"
    file.write_text(f"[keys]\n{example.group()}\n")
    commands = [command.keyed for command in COMMANDS]
    assert "f9" in read_config(file, (), commands).keys["person.next"]


async def test_help_names_commands_as_soon_as_there_is_room(stage: Stage) -> None:
    async with stage.open((80, 400)) as pilot:
        await pilot.press("f1")
        await stage.until(stage.shows("Start a chat"))
        assert "chat.start" not in stage.text()
        await pilot.resize_terminal(100, 400)
        await stage.until(stage.shows("chat.start"))
        assert "person.next =" in stage.text()


async def test_help_says_what_the_marks_of_the_list_are(stage: Stage) -> None:
    async with stage.open((60, 20)) as pilot:
        await pilot.press("f1")
        await stage.until(stage.shows("▌ open, or selected"))
        assert "^ pinned" in stage.text()
        assert "! take care" in stage.text()


async def test_keymap_moves_a_command_to_another_key(stage: Stage) -> None:
    async with stage.open(keymap={"chat.start": "f9"}) as pilot:
        await pilot.press("f9")
        await stage.until(lambda: isinstance(stage.app.screen, StartChat))


async def test_screen_names_the_keys_of_the_user(stage: Stage) -> None:
    keymap = {"chat.start": "f9", "people.toggle": "f10", "app.palette": "f12"}
    async with stage.open((100, 30), keymap=keymap) as pilot:
        await stage.until(stage.shows("Press F9 to start your first chat."))
        assert "F9 Start Chat" in stage.text()
        assert "F10 People" in stage.text()
        assert "Ctrl+N" not in stage.text()
        await pilot.press("f12")
        await stage.type("start a chat")
        await stage.until(stage.shows("F9"))
        await pilot.press("escape", "escape", "f1")
        await stage.until(lambda: isinstance(stage.app.screen, Help))
        await stage.until(lambda: re.search(r"F9 +Start a chat +chat.start", stage.text()))
        assert "F4" not in stage.text()


async def test_prompt_names_the_keys_of_the_user(stage: Stage) -> None:
    keymap = {"requests.open": "f9", "invite.chat": "c", "invite.reveal": "w"}
    async with stage.open((100, 30), keymap=keymap) as pilot:
        await stage.server.invite(BOB, "Bob")
        await stage.until(stage.shows("Press F9 to answer"))
        await pilot.press("f9")
        await stage.until(stage.shows("c chat"))
        assert "w show what they wrote" in stage.text()
        await pilot.press("c")
        await stage.until(lambda: stage.conversation.person == BOB)


async def test_command_without_a_key_is_told_by_the_palette(stage: Stage) -> None:
    async with stage.open(keymap={"chat.start": ""}) as pilot:
        await stage.until(stage.shows("Press Ctrl+P “Start a chat” to start your first chat."))
        await pilot.press("ctrl+n")
        assert stage.app.screen is stage.main


@pytest.mark.parametrize(
    ("name", "screen"), [("app.doctor", Doctor), ("app.theme", CommandPalette)], ids=str
)
async def test_command_without_standard_keys_can_be_given_one(
    stage: Stage, name: str, screen: type[Screen[object]]
) -> None:
    async with stage.open(keymap={name: "f9"}) as pilot:
        await pilot.press("f9")
        await stage.until(lambda: isinstance(stage.app.screen, screen))


async def test_copying_takes_another_key(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    async with stage.open(keymap={"app.copy": "f9"}) as pilot:
        await stage.until(lambda: stage.people.rows)
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("words")
        stage.composer.select_all()
        await pilot.press("f9")
        await stage.until(lambda: stage.app.clipboard == "words")


def test_stylesheet_uses_theme_colours_only() -> None:
    for path in Path("dmtui/ui").rglob("*.tcss"):
        text = path.read_text()
        assert "rgb(" not in text
        assert not [word for word in text.split() if word.startswith("#") and ";" in word]


async def test_palette_offers_what_can_be_done_on_the_screen_below_it(stage: Stage) -> None:
    async with stage.open((100, 60)) as pilot:
        await pilot.press("ctrl+p")
        await stage.until(stage.shows("Start a chat"))
        await pilot.press("escape", "f1", "ctrl+p")
        await stage.until(stage.shows("Colours"))
        palette = stage.app.screen
        assert isinstance(palette, CommandPalette)
        offered = [str(option.prompt) for option in palette.query_one(OptionList).options]
        assert not [line for line in offered if "Start a chat" in line or "Mute" in line]
        assert [line for line in offered if "Quit" in line]


async def test_keys_of_the_palette_close_the_keys_again(stage: Stage) -> None:
    async with stage.open() as pilot:
        await pilot.press("f1")
        await stage.until(lambda: isinstance(stage.app.screen, Help))
        stage.app.action_keys()
        await stage.until(lambda: stage.app.screen is stage.main)
