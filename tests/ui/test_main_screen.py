"""The main screen: first paint, people, going from one to another, layout."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.widgets import Input

from dmtui.core.model import UserId
from dmtui.ui.screens.go_to_person import GoToPerson
from dmtui.ui.screens.help import Help
from dmtui.ui.screens.person_card import PersonCard
from tests.fakes import BOB, CAROL

if TYPE_CHECKING:
    from tests.ui.stage import Stage

DAVE = UserId("@dave:example.org")


def opened(stage: Stage, person: UserId) -> bool:
    return stage.conversation.person == person


def unread_people_are(stage: Stage, count: int) -> bool:
    return sum(row.unread > 0 for row in stage.people.rows) == count


async def three_people(stage: Stage) -> None:
    for person, name in ((BOB, "Bob"), (CAROL, "Carol"), (DAVE, "Dave")):
        await stage.server.have_direct_room(person, name, history=[f"hello from {name}"])


async def test_first_frame_shows_stored_people_before_the_server_answers(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open():
        await stage.until(lambda: len(stage.people.rows) == 3)
    asked = stage.server.count("sync")
    stage.server.hold("sync")
    async with stage.open(sync=False):
        assert len(stage.people.rows) == 3
        assert "Bob" in stage.text()
        await stage.until(lambda: stage.server.count("sync") > asked)


async def test_empty_account_says_what_to_press_next(stage: Stage) -> None:
    async with stage.open():
        await stage.until(stage.shows("Press Ctrl+N to start your first chat."))


async def test_new_person_appears_without_a_key(stage: Stage) -> None:
    async with stage.open():
        await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
        await stage.until(stage.shows("Bob"))


async def test_person_taken_out_of_m_direct_disappears_and_the_chat_closes(stage: Stage) -> None:
    room = await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    async with stage.open() as pilot:
        await pilot.press("enter")
        await stage.server.leave(room)
        await stage.until(lambda: stage.conversation.person is None)
        assert stage.focus_is(stage.people)


async def test_enter_opens_the_person_and_the_composer_has_the_focus(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: len(stage.people.rows) == 3)
        await pilot.press("enter")
        await stage.until(lambda: stage.conversation.person == stage.people.rows[0].user_id)
        assert stage.focus_is(stage.composer)


async def test_keys_go_to_next_and_previous_person(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: len(stage.people.rows) == 3)
        order = [row.user_id for row in stage.people.rows]
        await pilot.press("alt+1")
        await stage.until(lambda: stage.conversation.person == order[0])
        for key, expected in (
            ("alt+down", 1),
            ("ctrl+down", 2),
            ("alt+down", 2),
            ("alt+up", 1),
            ("ctrl+up", 0),
            ("alt+3", 2),
        ):
            await pilot.press(key)
            await stage.until(partial(opened, stage, order[expected]))


async def test_f3_goes_to_the_next_unread(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: len(stage.people.rows) == 3)
        for left in (2, 1, 0):
            await pilot.press("f3")
            await stage.until(partial(unread_people_are, stage, left))
        await pilot.press("alt+a")
        await stage.until(lambda: "Nothing unread." in stage.notices())


async def test_ctrl_k_goes_to_a_person_by_part_of_the_name(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: len(stage.people.rows) == 3)
        await pilot.press("enter")
        await stage.type("half a message")
        await pilot.press("ctrl+k")
        await stage.until(lambda: isinstance(stage.app.screen, GoToPerson))
        await stage.type("aro")
        await pilot.press("enter")
        await stage.until(lambda: stage.conversation.person == CAROL)


async def test_filter_narrows_as_typed_and_esc_shows_everyone(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: len(stage.people.rows) == 3)
        await pilot.press("slash")
        await stage.type("dav")
        await stage.until(lambda: [row.user_id for row in stage.people.rows] == [DAVE])
        await pilot.press("escape")
        await stage.until(lambda: len(stage.people.rows) == 3)
        assert not stage.main.query_one("#filter", Input).display
        await pilot.press("slash")
        await stage.type("bob")
        await pilot.press("enter")
        await stage.until(lambda: stage.conversation.person == BOB)
        assert len(stage.people.rows) == 3


async def test_tab_cycles_people_conversation_composer(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        for expected in (stage.people, stage.timeline, stage.composer):
            await pilot.press("tab")
            assert stage.focus_is(expected)
        await pilot.press("shift+tab")
        assert stage.focus_is(stage.timeline)


async def test_esc_leads_back_to_the_composer(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await pilot.press("up")
        await stage.until(lambda: stage.timeline.cursor_message is not None)
        await pilot.press("escape")
        assert stage.timeline.cursor_message is None
        await pilot.press("escape")
        assert stage.focus_is(stage.composer)


async def test_narrow_terminal_shows_list_or_conversation(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open((60, 20)) as pilot:
        await stage.until(lambda: len(stage.people.rows) == 3)
        assert stage.people.is_on_screen
        assert not stage.conversation.display
        await pilot.press("enter")
        await stage.until(lambda: stage.conversation.display)
        assert not stage.main.query_one("#people").display
        assert stage.focus_is(stage.composer)
        await pilot.press("f4")
        assert stage.main.query_one("#people").display
        assert stage.focus_is(stage.people)
        await pilot.press("escape")
        assert stage.focus_is(stage.composer)
        await pilot.press("escape")
        assert stage.focus_is(stage.people)


async def test_f4_hides_the_list_in_a_wide_terminal(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await pilot.press("enter", "f4")
        await stage.until(lambda: not stage.main.query_one("#people").display)
        assert stage.focus_is(stage.composer)
        await pilot.press("f4")
        assert stage.main.query_one("#people").display


async def test_shrinking_the_terminal_keeps_the_conversation_in_use(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await pilot.resize_terminal(60, 20)
        await stage.until(lambda: not stage.main.query_one("#people").display)
        assert stage.focus_is(stage.composer)
        await pilot.resize_terminal(100, 30)
        await stage.until(lambda: stage.conversation.display)


async def test_widening_the_terminal_brings_the_list_back(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open((60, 20)) as pilot:
        await stage.until(lambda: len(stage.people.rows) == 3)
        await pilot.press("enter")
        await stage.until(lambda: stage.conversation.person is not None)
        await pilot.press("f4", "enter")
        people = stage.main.query_one("#people")
        await stage.until(lambda: not people.display)
        await pilot.resize_terminal(120, 36)
        await stage.until(lambda: people.display)
        await pilot.press("f4")
        await stage.until(lambda: not people.display)
        await pilot.resize_terminal(60, 20)
        await pilot.press("f4")
        await stage.until(lambda: people.display)
        await pilot.resize_terminal(120, 36)
        await stage.until(lambda: not people.display)


async def test_notices_cover_neither_composer_nor_status(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open((80, 24), toasts=True) as pilot:
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        stage.main.notify("Something happened.", markup=False)
        await stage.until(stage.shows("Something happened."))
        lines = stage.text().splitlines()
        assert any("Something happened." in line for line in lines[:5])
        toast = stage.app.screen.query_one("Toast")
        assert 0 < toast.region.y < toast.region.bottom <= stage.composer.region.y


async def test_filter_without_a_match_says_so(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: len(stage.people.rows) == 3)
        await pilot.press("slash")
        await stage.type("zzz")
        await stage.until(stage.shows("Nobody matches."))
        assert "Nobody here yet" not in stage.text()


async def test_f1_lists_the_keys_and_closes_again(stage: Stage) -> None:
    async with stage.open() as pilot:
        await pilot.press("f1")
        await stage.until(lambda: isinstance(stage.app.screen, Help))
        assert "Start a chat" in stage.text()
        await pilot.press("escape")
        assert stage.app.screen is stage.main


async def test_palette_runs_a_command(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await pilot.press("ctrl+p")
        await stage.type("keys")
        await stage.until(stage.shows("F1"))
        await pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, Help))


async def test_ctrl_c_never_quits(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await pilot.press("ctrl+c", "enter", "ctrl+c")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await pilot.press("ctrl+c")
        assert stage.app.is_running


async def test_key_pressed_twice_opens_one_card(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open() as pilot:
        await stage.until(lambda: stage.row(BOB))
        stage.people.focus()
        await pilot.pause()
        stage.main.action_person("card")
        stage.main.action_person("card")
        await stage.until(lambda: isinstance(stage.app.screen, PersonCard))
        await pilot.pause()
        assert [type(screen) for screen in stage.app.screen_stack].count(PersonCard) == 1
        await pilot.press("escape")
        await stage.until(lambda: stage.app.screen is stage.main)


async def test_dialog_asked_for_twice_is_one_that_works(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open() as pilot:
        await stage.until(lambda: stage.row(BOB))
        stage.main.action_go_to_person()
        stage.main.action_go_to_person()
        await stage.until(lambda: isinstance(stage.app.screen, GoToPerson))
        await pilot.pause()
        assert len(stage.app.screen_stack) == 2
        await pilot.press("enter")
        await stage.until(lambda: stage.conversation.person == BOB)
        assert stage.app.screen is stage.main
