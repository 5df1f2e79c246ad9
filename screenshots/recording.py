"""The recording of the README: a script of keys, played to the real app, as an animated SVG."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import OptionList

from dmtui.core.model import Kind
from dmtui.messenger.messenger import Messenger
from dmtui.ui.screens.conversation import ConversationPane
from dmtui.ui.screens.search import SearchScreen
from dmtui.ui.widgets.hit_list import HitList
from dmtui.ui.widgets.invite_prompt import InvitePrompt
from dmtui.ui.widgets.people_list import PeopleList
from screenshots.film import Frame, film
from screenshots.stage import perform

FILE = Path(__file__).with_name("recording.svg")
SIZE = (92, 26)
OPTIONS = ("--invite-after", "40")
PATIENCE = 60.0
TICK, LETTER, BETWEEN = 0.1, 0.04, 0.07  # seconds of the film
LONGEST_WAIT = 0.9  # seconds of the film; whatever the machine has to do beside


class Camera:
    """Plays keys, and films what they do."""

    def __init__(self, pilot: Pilot[None]):
        self._pilot = pilot
        self.app = pilot.app
        self.frames: list[Frame] = []
        self._caption = ("", "")

    def caption(self, keys: str, what: str) -> None:
        """Say below the picture which keys are pressed next."""
        self._caption = (keys, what)

    async def watch(self, seconds: float) -> None:
        """Film what goes on for so long."""
        for _ in range(round(seconds / TICK)):
            await self._pilot.pause(TICK)
            self._take(TICK)

    async def until(self, condition: Callable[[], object]) -> None:
        """Film until it is so, a long wait in part."""
        filmed = 0.0
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await self._pilot.pause(TICK)
                if filmed < LONGEST_WAIT:
                    self._take(TICK)
                    filmed += TICK
        self._take(TICK)

    async def press(self, *keys: str) -> None:
        """Press the keys, slowly enough to be followed."""
        for key in keys:
            await self._pilot.press(key)
            await self.watch(0.3)

    async def type(self, text: str) -> None:
        """Type as people do; a line ends in Ctrl+J."""
        for letter in text:
            await self._pilot.press({" ": "space", "\n": "ctrl+j"}.get(letter, letter))
            await self._pilot.pause()
            self._take(LETTER if letter.isalnum() else BETWEEN)

    def _take(self, seconds: float) -> None:
        lines = tuple(self.app.screen._compositor.render_strips())
        frame = Frame(lines, seconds, *self._caption)
        if self.frames and frame.looks_like(self.frames[-1]):
            self.frames[-1] = replace(frame, seconds=self.frames[-1].seconds + seconds)
        else:
            self.frames.append(frame)


class Story:
    """What happens in the recording; ``still`` is the frame that shows most of it."""

    def __init__(self, pilot: Pilot[None]):
        self._camera = Camera(pilot)
        self._app = pilot.app
        self._people = pilot.app.screen.query_one(PeopleList)
        self._pane = pilot.app.screen.query_one(ConversationPane)
        self._prompt = pilot.app.screen.query_one(InvitePrompt)
        self.still = -1

    async def tell(self) -> list[Frame]:
        """All of it; the frames."""
        for part in (self._open, self._start, self._talk, self._react, self._accept, self._search):
            await part()
        return self._camera.frames

    async def _open(self) -> None:
        camera = self._camera
        await camera.until(lambda: any(r.name == "Erin" and r.unread for r in self._people.rows))
        camera.frames.clear()
        await camera.watch(1.2)

    async def _start(self) -> None:
        camera = self._camera
        camera.caption("Ctrl+N", "start a chat")
        await camera.press("ctrl+n")
        await camera.type("fra")
        await camera.until(lambda: self._app.screen.query_one(OptionList).option_count)
        await camera.watch(0.5)
        await camera.press("enter")
        await camera.until(lambda: self._pane.person is not None)
        camera.caption("Tab", "completes emoji, people and commands")
        await camera.type("Hello Frank! :wav")
        await camera.watch(0.6)
        await camera.press("tab", "enter")
        await self._said()
        await self._answered()

    async def _talk(self) -> None:
        camera = self._camera
        camera.caption("↑ R", "reply; what you type is Markdown")
        await camera.press("up", "r")
        await camera.type("We bake on **Friday**:\n- 500 g of *rye*\n- ||honey||\nIn?")
        await camera.press("enter")
        await self._said()
        await self._answered()

    async def _react(self) -> None:
        camera = self._camera
        camera.caption("↑ +", "react")
        await camera.press("up", "plus")
        await camera.watch(0.6)
        await camera.press("6")
        await camera.until(lambda: self._pane.reading.messages[-1].reactions)
        await camera.watch(0.6)
        self.still = len(camera.frames) - 1

    async def _accept(self) -> None:
        camera = self._camera
        await camera.until(lambda: self._people.requests)
        camera.caption("F6", "somebody asks to chat")
        await camera.press("f6")
        await camera.until(lambda: self._prompt.has_focus)
        await camera.watch(1.4)
        camera.caption("A", "accept, and talk")
        before = self._pane.person
        await camera.press("a")
        await camera.until(lambda: self._pane.person != before)
        await self._answered()

    async def _search(self) -> None:
        camera = self._camera
        camera.caption("F5", "search all chats, encrypted ones included")
        await camera.press("f5")
        await camera.until(lambda: isinstance(self._app.screen, SearchScreen))
        await camera.type("bread")
        await camera.until(lambda: self._app.screen.query_one(HitList).current)
        await camera.watch(1.0)
        await camera.press("enter")
        await camera.until(lambda: not isinstance(self._app.screen, SearchScreen))
        await camera.watch(2.5)

    async def _said(self) -> None:
        """Wait until what was typed is on screen."""
        await self._camera.until(lambda: self._pane.reading.messages[-1].own)

    async def _answered(self) -> None:
        """Wait for an answer of the other person."""

        def answered() -> bool:
            said = [m for m in self._pane.reading.messages if m.kind is Kind.TEXT]
            return bool(said) and not said[-1].own

        await self._camera.until(answered)
        await self._camera.watch(0.6)


def record(file: Path = FILE) -> None:
    """Play the story and write the film."""
    films: list[str] = []

    async def play(pilot: Pilot[None], messenger: Messenger) -> None:
        story = Story(pilot)
        films.append(film(await story.tell(), "dmtui", story.still))

    perform(play, SIZE, *OPTIONS)
    file.write_text(films[0], encoding="utf-8")
