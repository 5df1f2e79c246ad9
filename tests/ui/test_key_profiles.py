"""A whole conversation by the keyboard alone, in each set of keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import OptionList

import dmtui.ui.screens
from dmtui.core.events import Edit, Line, Reaction
from dmtui.core.model import Kind, Profile, Safe, SendState
from dmtui.ui.commands import Registry
from dmtui.ui.key_profiles import PROFILES, dialog_keys
from dmtui.ui.screens.attach_file import AttachFile
from dmtui.ui.screens.confirm import Question
from dmtui.ui.screens.exporting import Exporting
from dmtui.ui.screens.go_to_person import GoToPerson
from dmtui.ui.screens.help import Help
from dmtui.ui.screens.reaction import ReactionPicker
from dmtui.ui.screens.search import SearchScreen
from dmtui.ui.screens.start_chat import StartChat
from tests.fakes import BOB, CAROL, said
from tests.ui.test_relations import sent as told

if TYPE_CHECKING:
    from textual.screen import Screen

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

    async def enter(self, text: str) -> None:
        """Type it, and press Enter."""
        await self.stage.type(text)
        await self.stage.pilot.press("enter")

    async def until_on(self, screen: type[Screen[Any]]) -> None:
        await self.stage.until(lambda: isinstance(self.stage.app.screen, screen))


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_whole_conversation_goes_by_the_keyboard_alone(
    stage: Stage, profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.txt").write_text("all I wanted to say")
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    stage.server.profiles[CAROL] = Profile(CAROL, Safe("Carol"))
    keys = Keyboard(stage, Registry(PROFILES[profile], profile))
    async with stage.open(key_profile=profile, toasts=True):
        await stage.until(lambda: stage.people.rows)
        for part in (start, talk, reply, react, edit, send_a_file, find, search, export, mute):
            await part(stage, keys)
        written = (tmp_path / "bob.md").read_text("utf-8")
        assert [line in written for line in ("**Bob:** hello", "a reply!", "a note")] == [True] * 3
        await keys.do("app.help")
        await keys.until_on(Help)


async def start(stage: Stage, keys: Keyboard) -> None:
    await keys.do("chat.start")
    await keys.until_on(StartChat)
    await stage.type(CAROL)
    await stage.until(lambda: stage.app.screen.query_one(OptionList).option_count)
    await stage.pilot.press("enter")
    await stage.until(lambda: stage.conversation.person == CAROL)
    assert stage.server.count("create_direct_room") == 1


async def talk(stage: Stage, keys: Keyboard) -> None:
    await keys.enter("hi **there**")
    await stage.until(lambda: stage.messages(CAROL)[-1].event_id)
    formatted = "hi <strong>there</strong>"
    assert told(stage)[-1] == Line(Kind.TEXT, Safe("hi **there**"), formatted)
    await keys.do("person.next")
    await stage.until(lambda: stage.conversation.person == BOB)


async def reply(stage: Stage, keys: Keyboard) -> None:
    await keys.last("composer.select")
    await keys.do("timeline.reply")
    await keys.enter("a reply")
    await stage.until(lambda: stage.messages()[-1].event_id)
    (hello,) = [message.event_id for message in stage.messages() if message.body == "hello"]
    assert told(stage)[-1] == Line(Kind.TEXT, Safe("a reply"), reply_to=hello)


async def react(stage: Stage, keys: Keyboard) -> None:
    await keys.last("composer.select")
    await keys.last("timeline.up")
    await keys.do("timeline.react")
    await keys.until_on(ReactionPicker)
    await stage.pilot.press("1")
    answered = stage.messages()[-2].event_id
    assert answered is not None
    await stage.until(lambda: told(stage)[-1] == Reaction(answered, Safe("\U0001f44d")))


async def edit(stage: Stage, keys: Keyboard) -> None:
    mine = stage.messages()[-1].event_id
    assert mine is not None
    await keys.last("timeline.down")
    await keys.do("timeline.edit")
    await stage.until(lambda: stage.composer.text == "a reply")
    await keys.enter("!")
    await stage.until(lambda: told(stage)[-1] == Edit(mine, said("a reply!")))


async def send_a_file(stage: Stage, keys: Keyboard) -> None:
    await keys.do("composer.attach")
    await keys.until_on(AttachFile)
    await stage.type("no")
    await stage.pilot.press("tab", "tab")
    await keys.enter("a note")
    await keys.until_on(Question)
    await stage.pilot.press("s")
    await stage.until(lambda: stage.messages()[-1].state is SendState.SENT)
    sent = told(stage)[-1]
    assert isinstance(sent, Line)
    assert sent.attachment is not None
    assert (sent.attachment.name, sent.attachment.caption) == ("note.txt", "a note")
    assert [content for content, _ in stage.server.files.values()] == [b"all I wanted to say"]


async def find(stage: Stage, keys: Keyboard) -> None:
    await keys.do("search.here")
    await stage.type("hello")
    await stage.until(stage.shows("1 of 1"))
    await keys.last("find.close")
    await stage.until(lambda: stage.focus_is(stage.composer))


async def search(stage: Stage, keys: Keyboard) -> None:
    await keys.do("search.everywhere")
    await keys.until_on(SearchScreen)
    await stage.type("there")
    await stage.until(stage.shows("1 message"))
    await stage.pilot.press("enter")
    await stage.until(lambda: stage.conversation.person == CAROL)
    await keys.do("person.previous")
    await stage.until(lambda: stage.conversation.person == BOB)


async def export(stage: Stage, keys: Keyboard) -> None:
    await keys.enter("/export")
    await keys.until_on(Exporting)
    await stage.pilot.press("end", "ctrl+u")
    await keys.enter("bob.md")
    await stage.until(lambda: not isinstance(stage.app.screen, Exporting))
    await stage.until(lambda: any("The conversation is in" in line for line in stage.notices()))


async def mute(stage: Stage, keys: Keyboard) -> None:
    await keys.last("composer.select")
    await keys.last("focus.back")
    await keys.last("focus.back")
    await stage.until(lambda: stage.focus_is(stage.composer))
    await stage.pilot.press("shift+tab", "shift+tab")
    await stage.until(lambda: stage.focus_is(stage.people))
    await keys.do("person.mute")
    await keys.until_on(Question)
    await stage.pilot.press("f")
    row = stage.row()
    assert row is not None
    await stage.until(lambda: stage.server.muted == {row.room_id})


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


async def test_emacs_steps_back_from_dialogs_too(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob")
    await stage.server.have_direct_room(CAROL, "Carol")
    async with stage.open(key_profile="emacs") as pilot:
        await pilot.press("f9")
        await stage.until(lambda: isinstance(stage.app.screen, StartChat))
        await pilot.press("ctrl+g")
        await stage.until(lambda: stage.app.screen is stage.main)
        await pilot.press("ctrl+x")
        await stage.until(lambda: isinstance(stage.app.screen, GoToPerson))
        await pilot.press("ctrl+n")
        assert stage.app.screen.query_one(OptionList).highlighted == 1
        await pilot.press("ctrl+g")
        await stage.until(lambda: stage.app.screen is stage.main)


def test_emacs_steps_back_from_every_dialog() -> None:
    closing = re.compile(r'Binding\("escape", "[^"]*", "[^"]*", show=False,.* id="([^"]+)"')
    screens = Path(dmtui.ui.screens.__file__).parent.glob("*.py")
    ids = {name for screen in screens for name in closing.findall(screen.read_text("utf-8"))}
    assert len(ids) > 10
    without = {"people.everybody", "passphrase.quit"}  # no dialogs
    assert ids - without == set(dialog_keys("emacs")) & ids
