"""Finding in a conversation, and searching all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Input, Static

from dmtui.ui.screens.search import SearchScreen
from dmtui.ui.widgets.hit_list import HitList
from tests.fakes import BOB, CAROL
from tests.ui.test_conversation import open_first, open_person
from tests.ui.test_jump import bodies, long_chat, open_read

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ui.stage import Stage


async def find(stage: Stage, text: str) -> None:
    await stage.pilot.press("ctrl+f")
    assert stage.conversation.reading.finding.field.has_focus
    await stage.type(text)


def selected(stage: Stage, body: str) -> Callable[[], bool]:
    def is_selected() -> bool:
        message = stage.timeline.cursor_message
        return message is not None and message.body == body

    return is_selected


def marked_words(stage: Stage) -> list[str]:
    """What is painted in the style of hits."""
    background = stage.timeline.style_of("timeline--hit").bgcolor
    height = stage.timeline.size.height
    top = round(stage.timeline.scroll_y)
    lines = (stage.timeline.paint_line(top + y, stage.timeline.size.width) for y in range(height))
    return [s.text for line in lines for s in line if s.style and s.style.bgcolor == background]


async def test_ctrl_f_finds_in_the_chat_and_counts_the_hits(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open() as pilot:
        await open_read(stage)
        await find(stage, "line 01")
        await stage.until(stage.shows("1 of 10"))
        await stage.until(selected(stage, "line 019"))
        assert "line 019" not in marked_words(stage)
        assert "line" in marked_words(stage)
        await pilot.press("enter", "enter", "up")
        await stage.until(stage.shows("4 of 10"))
        await stage.until(selected(stage, "line 016"))
        await pilot.press("down")
        await stage.until(stage.shows("3 of 10"))
        await stage.until(selected(stage, "line 017"))


async def test_escape_ends_finding_where_it_is(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open() as pilot:
        await open_read(stage)
        await find(stage, "019")
        await stage.until(selected(stage, "line 019"))
        await pilot.press("escape")
        await stage.until(lambda: stage.focus_is(stage.composer))
        assert not stage.conversation.reading.finding.is_open
        assert marked_words(stage) == []
        assert "line 019" in stage.text()


async def test_n_walks_on_from_hit_to_hit_in_the_messages(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open() as pilot:
        await open_read(stage)
        await find(stage, "line 01")
        await stage.until(selected(stage, "line 019"))
        stage.timeline.focus()
        await pilot.press("n", "n")
        await stage.until(selected(stage, "line 017"))
        await pilot.press("N")
        await stage.until(selected(stage, "line 018"))


async def test_a_message_that_comes_in_meanwhile_is_counted_and_moves_nothing(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open():
        await open_read(stage)
        await find(stage, "line 01")
        await stage.until(selected(stage, "line 019"))
        room = stage.conversation.reading.messages[0].room_id
        await stage.server.say(room, BOB, "line 01 again")
        await stage.until(stage.shows("2 of 11"))
        assert selected(stage, "line 019")()


async def test_what_can_t_be_found_is_said(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open() as pilot:
        await open_read(stage)
        await find(stage, "zebra")
        await stage.until(stage.shows("Nothing found"))
        await pilot.press("ctrl+u")
        await stage.type("on:someday")
        await stage.until(stage.shows("After on: comes a day like 2026-11-16, today"))
        assert stage.conversation.reading.finding.field.size.width > 20
        await pilot.press("enter", "up")
        assert bodies(stage)[-1] == "line 399"


async def test_finding_ends_with_the_chat(stage: Stage) -> None:
    await long_chat(stage)
    await stage.server.have_direct_room(CAROL, "Carol", history=["line from carol"])
    async with stage.open():
        await open_first(stage)
        await find(stage, "line")
        await stage.until(lambda: marked_words(stage))
        stage.main.open(CAROL if stage.conversation.person == BOB else BOB)
        await stage.until(lambda: not stage.conversation.reading.finding.is_open)
        assert marked_words(stage) == []


async def test_what_is_found_in_one_chat_is_not_looked_for_in_another(stage: Stage) -> None:
    await long_chat(stage)
    await stage.server.have_direct_room(CAROL, "Carol", history=["hello"])
    async with stage.open() as pilot:
        await open_person(stage, BOB)
        await find(stage, "line 01")
        await stage.until(stage.shows("1 of 10"))
        await pilot.press("escape")
        await open_person(stage, CAROL)
        await pilot.press("ctrl+f")
        field = stage.conversation.reading.finding.field
        await stage.until(lambda: field.has_focus)
        assert field.value == ""
        await pilot.press("escape")
        await open_person(stage, BOB)
        await find(stage, "line 02")
        await pilot.press("escape", "ctrl+f")
        await stage.until(lambda: field.has_focus)
        assert field.value == "line 02"


async def test_without_a_chat_there_is_nothing_to_find_in(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: stage.people.rows)
        await pilot.press("ctrl+f")
        await stage.until(lambda: "Open a chat first." in stage.notices())


# -- everywhere --------------------------------------------------------------------------------


def hits(stage: Stage) -> list[str]:
    found = stage.app.screen.query_one(HitList)
    return [hit.message.body for hit in found._hits]


def notice(stage: Stage) -> str:
    return str(stage.app.screen.query_one("#notice", Static).content)


async def search(stage: Stage, text: str, key: str = "f5") -> None:
    await stage.pilot.press(key)
    await stage.until(lambda: isinstance(stage.app.screen, SearchScreen))
    await stage.type(text)


async def test_f5_searches_all_chats_and_enter_goes_to_the_message(stage: Stage) -> None:
    await stage.server.have_direct_room(CAROL, "Carol", history=["a needle of carol"])
    await long_chat(stage)
    async with stage.open() as pilot:
        await open_read(stage)
        await search(stage, "needle")
        await stage.until(lambda: hits(stage) == ["a needle of carol"])
        assert notice(stage) == "1 message"
        await pilot.press("ctrl+u")
        await stage.type("line 07")
        await stage.until(lambda: hits(stage)[:2] == ["line 079", "line 078"])
        await pilot.press("down", "enter")
        await stage.until(selected(stage, "line 078"))
        assert stage.conversation.person == BOB
        assert "line 080" in stage.text()
        assert stage.focus_is(stage.timeline)


async def test_what_was_looked_for_is_there_again(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open() as pilot:
        await open_read(stage)
        await search(stage, "line 07", key="alt+f")
        await stage.until(lambda: len(hits(stage)) == 10)
        await pilot.press("enter")
        await stage.until(selected(stage, "line 079"))
        await search(stage, "")
        await stage.until(lambda: len(hits(stage)) == 10)
        assert stage.app.screen.query_one(Input).value == "line 07"


async def test_hits_are_loaded_page_by_page(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open() as pilot:
        await open_read(stage)
        await search(stage, "line")
        await stage.until(lambda: len(hits(stage)) == 50)
        assert notice(stage) == "50 messages, and older ones"
        await pilot.press(*["down"] * 45)
        await stage.until(lambda: len(hits(stage)) == 100)
        assert hits(stage) == [f"line {n:03}" for n in range(399, 299, -1)]


async def test_the_answer_to_an_older_question_is_never_shown(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open():
        await open_read(stage)
        await search(stage, "line 07")
        await stage.until(lambda: len(hits(stage)) == 10)
        await stage.type("8")
        assert hits(stage) == []
        await stage.until(lambda: hits(stage) == ["line 078"])


async def test_the_search_says_what_can_be_typed_and_what_is_wrong(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open() as pilot:
        await open_read(stage)
        await search(stage, "")
        await stage.until(lambda: "from:me" in notice(stage))
        await stage.type("in:zoe")
        await stage.until(lambda: notice(stage) == "Nobody here is called zoe.")
        await pilot.press("enter")
        assert isinstance(stage.app.screen, SearchScreen)
        await pilot.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, SearchScreen))


async def test_what_can_t_be_found_leaves_the_field_in_a_narrow_terminal(stage: Stage) -> None:
    await long_chat(stage)
    async with stage.open((60, 20)):
        await open_read(stage)
        await find(stage, "on:someday")
        await stage.until(stage.shows("on:someday"))
        await stage.until(lambda: "today, yesterday or 7d." in " ".join(stage.text().split()))
        assert "Find  on:someday" in stage.text()


async def test_rows_show_what_was_meant_and_not_how_it_was_typed(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.type("a *brave* new `world`")
        await pilot.press("enter", "f5")
        await stage.until(lambda: isinstance(stage.app.screen, SearchScreen))
        await stage.type("brave")
        await stage.until(stage.shows("You: a brave new world"))
