"""The app for screen readers: one column, words in place of signs, nothing drawn around."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dmtui.core.events import Line
from dmtui.core.model import EventId, Kind, Safe
from dmtui.ui.screens.confirm import Question
from tests.fakes import BOB, CAROL

if TYPE_CHECKING:
    from tests.ui.stage import Stage

DRAWN = re.compile("[\u2500-\u259f✓⚷▤✉●]")
"""Lines, boxes, blocks, and signs that stand for words."""


async def test_list_says_in_words_how_things_stand(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"], encrypted=True)
    await stage.server.have_direct_room(CAROL, "Carol", history=["hi"])
    async with stage.open((100, 30), plain=True) as pilot:
        await stage.until(lambda: len(stage.people.rows) == 2)
        await pilot.press("p")
        await stage.until(lambda: any(row.pinned for row in stage.people.rows))
        await pilot.pause()
        text = stage.text()
        assert not DRAWN.search(text)
        assert re.search(r"Bob, 1 unread.*, encrypted", text)
        assert re.search(r"(Bob|Carol), 1 unread, pinned", text)
        assert not stage.conversation.display


async def test_messages_are_lines_that_say_how_far_they_are(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    async with stage.open((100, 30), plain=True) as pilot:
        await stage.until(lambda: stage.people.rows)
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        assert not stage.main.query_one("#people").display
        await stage.type("my answer")
        await pilot.press("enter")
        await stage.until(stage.shows("my answer (sent)"))
        event_id = stage.messages()[-1].event_id
        await stage.server.read(room_id, BOB, EventId(str(event_id)))
        await stage.until(stage.shows("my answer (read)"))
        await stage.server.say(room_id, BOB, "and on")
        await stage.until(stage.shows("and on"))
        assert not DRAWN.search(stage.text())
        await pilot.press("up", "up")
        await stage.until(stage.shows("> my answer (read)"))


async def test_typing_is_not_told_and_a_mark_of_unread_is_in_words(stage: Stage) -> None:
    room = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open((100, 30), plain=True) as pilot:
        await stage.until(lambda: stage.people.rows)
        await pilot.press("u")
        await stage.until(stage.shows("Bob, marked as unread"))
        await stage.server.show_typing(room, BOB)
        await stage.until(stage.messenger.typing)
        await pilot.pause()
        assert "typing" not in stage.text()
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        assert "typing" not in stage.text()


async def test_spoiler_and_file_are_words(stage: Stage) -> None:
    room = await stage.server.have_direct_room(BOB, "Bob")
    html = "hi <span data-mx-spoiler>he dies</span>"
    await stage.server.do(room, BOB, Line(Kind.TEXT, Safe("hi he dies"), html))
    line = Line(Kind.ATTACHMENT, Safe("file: a.pdf"))
    await stage.server.do(room, BOB, line)
    async with stage.open((100, 30), plain=True) as pilot:
        await stage.until(lambda: stage.people.rows)
        await pilot.press("enter")
        await stage.until(stage.shows("hi (spoiler)"))
        await stage.until(stage.shows("file: a.pdf"))
        assert not DRAWN.search(stage.text())


async def test_dialogs_and_completions_are_drawn_without_boxes(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    async with stage.open((60, 20), plain=True) as pilot:
        await stage.until(lambda: stage.people.rows)
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("/mu")
        await stage.until(stage.shows("Mute, or hear again"))
        assert not DRAWN.search(stage.text())
        await pilot.press("tab", "enter")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await stage.until(stage.shows("Mute Bob"))
        assert not DRAWN.search(stage.text())
        assert stage.app.animation_level == "none"


async def test_list_and_conversation_change_over_by_their_key(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    async with stage.open((140, 30), plain=True) as pilot:
        await stage.until(lambda: stage.people.rows)
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await pilot.press("f4")
        await stage.until(lambda: stage.focus_is(stage.people))
        assert not stage.conversation.display
        await pilot.press("f4")
        await stage.until(lambda: stage.focus_is(stage.composer))
