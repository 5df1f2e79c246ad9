"""A whole conversation by the keyboard alone, in each set of keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from textual.widgets import OptionList

from dmtui.core.model import Profile, Safe
from dmtui.ui.commands import Registry
from dmtui.ui.key_profiles import PROFILES
from dmtui.ui.screens.confirm import Question
from dmtui.ui.screens.help import Help
from dmtui.ui.screens.reaction import ReactionPicker
from dmtui.ui.screens.start_chat import StartChat
from tests.fakes import BOB, CAROL

if TYPE_CHECKING:
    from tests.ui.stage import Stage


@dataclass(frozen=True)
class Keyboard:
    """Presses the first key that the profile has for a command."""

    stage: Stage
    registry: Registry

    async def do(self, *names: str) -> None:
        for name in names:
            await self.stage.pilot.press(self.registry.keys(name)[0])

    async def last(self, name: str) -> None:
        """The profile's own key: where it adds one, it is the last."""
        await self.stage.pilot.press(self.registry.keys(name)[-1])


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_whole_conversation_goes_by_the_keyboard_alone(stage: Stage, profile: str) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    stage.server.profiles[CAROL] = Profile(CAROL, Safe("Carol"))
    keys = Keyboard(stage, Registry(PROFILES[profile], profile))
    async with stage.open(key_profile=profile, toasts=True) as pilot:
        await stage.until(lambda: stage.people.rows)

        await keys.do("chat.start")
        await stage.until(lambda: isinstance(stage.app.screen, StartChat))
        await stage.type(CAROL)
        await stage.until(lambda: stage.app.screen.query_one(OptionList).option_count)
        await pilot.press("enter")
        await stage.until(lambda: stage.conversation.person == CAROL)
        await stage.type("hi there")
        await pilot.press("enter")
        await stage.until(lambda: stage.messages(CAROL)[-1].event_id)

        await keys.do("person.next")
        await stage.until(lambda: stage.conversation.person == BOB)
        await keys.last("composer.select")
        await keys.do("timeline.reply")
        await stage.type("a reply")
        await pilot.press("enter")
        await stage.until(lambda: stage.messages()[-1].event_id)
        assert stage.messages()[-1].quote is not None

        await keys.last("composer.select")
        await keys.last("timeline.up")
        await keys.do("timeline.react")
        await stage.until(lambda: isinstance(stage.app.screen, ReactionPicker))
        await pilot.press("1")
        await stage.until(lambda: any(m.reactions for m in stage.messages()))

        await keys.last("timeline.down")
        await keys.do("timeline.edit")
        await stage.until(lambda: stage.composer.text == "a reply")
        await stage.type("!")
        await pilot.press("enter")
        await stage.until(lambda: stage.messages()[-1].body == "a reply!")

        await keys.do("search.here")
        await stage.type("hello")
        await stage.until(stage.shows("1 of 1"))
        await keys.last("find.close")
        await stage.until(lambda: stage.focus_is(stage.composer))

        await keys.last("composer.select")
        await keys.last("focus.back")
        await keys.last("focus.back")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await pilot.press("shift+tab", "shift+tab")
        await stage.until(lambda: stage.focus_is(stage.people))
        await keys.do("person.mute")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await pilot.press("f")
        await stage.until(lambda: (row := stage.row()) and row.muted)
        await keys.do("app.help")
        await stage.until(lambda: isinstance(stage.app.screen, Help))


async def open_bob(stage: Stage) -> None:
    await stage.until(lambda: stage.people.rows)
    await stage.pilot.press("enter")
    await stage.until(lambda: stage.focus_is(stage.composer))


async def test_vim_goes_about_by_letters_and_back_to_the_composer_by_i(stage: Stage) -> None:
    lines = [f"line {n}" for n in range(60)]
    await stage.server.have_direct_room(BOB, "Bob", history=lines, shown=60)
    async with stage.open(key_profile="vim") as pilot:
        await open_bob(stage)
        await stage.type("ggG:")
        assert stage.composer.text == "ggG:"
        await pilot.press("ctrl+u", "up", "g")
        await stage.until(lambda: stage.timeline.scroll_y == 0)
        await pilot.press("G")
        await stage.until(lambda: stage.timeline.following)
        await pilot.press("ctrl+u")
        await stage.until(lambda: not stage.timeline.following)
        await pilot.press("slash")
        await stage.until(lambda: stage.conversation.reading.finding.has_focus_within)
        await pilot.press("escape", "up", "i", "x")
        assert stage.composer.text == "x"
        await pilot.press("up")
        await pilot.press("shift+tab", "shift+tab", "K")
        await stage.until(stage.shows(BOB))


async def test_emacs_edits_as_emacs_does(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    async with stage.open(key_profile="emacs") as pilot:
        await open_bob(stage)
        await stage.type("one two")
        await pilot.press("alt+b", "ctrl+k")
        assert stage.composer.text == "one "
        await pilot.press("ctrl+a", "ctrl+y", "space")
        assert stage.composer.text == "two one "
        await pilot.press("ctrl+j", "ctrl+p", "ctrl+e", "ctrl+k")
        assert stage.composer.text == "two one "
        await pilot.press("ctrl+underscore")
        assert stage.composer.text == "two \none "
        await pilot.press("ctrl+r")
        assert stage.composer.text == "two one "


async def test_emacs_chooses_a_completion_and_closes_them_by_its_own_keys(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    async with stage.open(key_profile="emacs") as pilot:
        await open_bob(stage)
        await stage.type("/p")
        await stage.until(stage.shows("Pin, or unpin"))
        await pilot.press("ctrl+g")
        await stage.until(lambda: "Pin, or unpin" not in stage.text())
        assert stage.composer.text == "/p"
        await stage.type("i")
        await pilot.press("tab", "enter")
        await stage.until(lambda: (row := stage.row()) and row.pinned)
