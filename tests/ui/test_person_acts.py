"""Whom an act is for: the highlighted person, else the one whose conversation is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes import BOB, CAROL

if TYPE_CHECKING:
    from dmtui.core.model import UserId
    from tests.ui.stage import Stage


async def two_people(stage: Stage) -> None:
    for person, name in ((BOB, "Bob"), (CAROL, "Carol")):
        await stage.server.have_direct_room(person, name, history=[f"hello from {name}"])


def pinned(stage: Stage) -> list[UserId]:
    return [row.user_id for row in stage.people.rows if row.pinned]


async def run_from_palette(stage: Stage, words: str, hit: str = "(People list)") -> None:
    await stage.pilot.press("ctrl+p")
    await stage.type(words)
    await stage.until(stage.shows(hit))
    await stage.pilot.press("enter")


async def test_key_in_the_list_is_for_the_highlighted_person(stage: Stage) -> None:
    await two_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: len(stage.people.rows) == 2)
        await pilot.press("alt+1")
        await stage.until(lambda: stage.focus_is(stage.composer))
        stage.people.focus()
        await pilot.press("end", "p")
        await stage.until(lambda: pinned(stage))
        assert pinned(stage) == [stage.people.cursor_person]
        assert stage.people.cursor_person != stage.conversation.person


async def test_palette_beside_a_conversation_is_for_that_person(stage: Stage) -> None:
    await two_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: len(stage.people.rows) == 2)
        await pilot.press("alt+1")
        await stage.until(lambda: stage.focus_is(stage.composer))
        stage.people.highlight(stage.people.rows[1].user_id)
        await run_from_palette(stage, "pin, or unpin")
        await stage.until(lambda: pinned(stage))
        assert pinned(stage) == [stage.conversation.person]


async def test_palette_over_the_list_is_for_the_highlighted_person(stage: Stage) -> None:
    await two_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: len(stage.people.rows) == 2)
        await pilot.press("end")
        highlighted = stage.people.cursor_person
        await run_from_palette(stage, "pin, or unpin")
        await stage.until(lambda: pinned(stage) == [highlighted])


async def test_letter_of_an_act_is_a_letter_in_the_filter(stage: Stage) -> None:
    await two_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: len(stage.people.rows) == 2)
        await pilot.press("slash", "p", "m", "a")
        await stage.until(stage.shows("Nobody matches."))
        assert not pinned(stage)


async def test_without_a_person_it_says_to_choose_one(stage: Stage) -> None:
    async with stage.open() as pilot:
        await pilot.press("p")
        await stage.until(lambda: "Choose a person first." in stage.notices())


async def test_palette_never_offers_the_neighbour_of_a_chat_just_left(stage: Stage) -> None:
    await two_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: len(stage.people.rows) == 2)
        await pilot.press("alt+1")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await run_from_palette(stage, "leave the chat")
        await stage.until(stage.shows("Leave the chat with"))
        await pilot.press("l")
        await stage.until(lambda: len(stage.people.rows) == 1)
        await stage.until(lambda: stage.focus_is(stage.people))
        await run_from_palette(stage, "forget the chat", "Forget the chat and its")
        await stage.until(lambda: "Open a chat first." in stage.notices())
        await pilot.press("home")
        await run_from_palette(stage, "forget the chat", "Forget the chat and its")
        await stage.until(stage.shows("Forget the chat with"))
