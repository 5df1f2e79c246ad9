"""Start Chat (Ctrl+N): finding people, the questions, one request for two key presses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input, OptionList

from dmtui.core.errors import Unreachable
from dmtui.core.model import Profile, Safe, UserId
from dmtui.ui.screens.confirm import Question
from dmtui.ui.screens.start_chat import StartChat
from tests.fakes import BOB, CAROL, ME

if TYPE_CHECKING:
    from tests.ui.stage import Stage

ERIN = UserId("@erin:example.org")


def knows(stage: Stage, *people: tuple[UserId, str]) -> None:
    for user_id, name in people:
        stage.server.profiles[user_id] = Profile(user_id, Safe(name))


async def ask_for(stage: Stage, text: str) -> None:
    await stage.pilot.press("ctrl+n")
    await stage.until(lambda: isinstance(stage.app.screen, StartChat))
    stage.app.screen.query_one(Input).insert_text_at_cursor(text)
    await stage.until(lambda: stage.app.screen.query_one(OptionList).option_count)


async def test_user_id_starts_an_encrypted_direct_chat_and_opens_it(stage: Stage) -> None:
    knows(stage, (ERIN, "Erin"))
    async with stage.open() as pilot:
        await ask_for(stage, ERIN)
        await pilot.press("enter")
        await stage.until(lambda: stage.conversation.person == ERIN)
        assert stage.server.count("create_direct_room") == 1
        assert stage.focus_is(stage.composer)
        await stage.until(lambda: ERIN in stage.server.data.get("m.direct", {}))


async def test_existing_chat_is_opened_and_none_created(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open() as pilot:
        await stage.until(lambda: stage.people.rows)
        await ask_for(stage, BOB)
        await pilot.press("enter")
        await stage.until(lambda: stage.conversation.person == BOB)
        assert stage.server.count("create_direct_room") == 0


async def test_enter_twice_makes_one_request(stage: Stage) -> None:
    knows(stage, (ERIN, "Erin"))
    async with stage.open() as pilot:
        gate = stage.server.hold("create_direct_room")
        await ask_for(stage, ERIN)
        await pilot.press("enter", "enter")
        await stage.until(lambda: stage.server.count("create_direct_room") == 1)
        await pilot.press("enter")
        gate.set()
        await stage.until(lambda: stage.conversation.person == ERIN)
        assert stage.server.count("create_direct_room") == 1


async def test_known_people_are_listed_at_once_and_the_directory_after_a_pause(
    stage: Stage,
) -> None:
    knows(stage, (ERIN, "Erin carpenter"))
    await stage.server.have_direct_room(CAROL, "Carol", history=["hi"])
    async with stage.open() as pilot:
        await stage.until(lambda: stage.people.rows)
        gate = stage.server.hold("search_people")
        await ask_for(stage, "car")
        assert "Carol" in stage.text()
        await stage.until(lambda: stage.server.count("search_people") == 1)
        gate.set()
        await stage.until(stage.shows("Erin carpenter"))
        await pilot.press("down", "enter")
        await stage.until(lambda: stage.conversation.person == ERIN)


async def test_directory_trouble_is_one_line_and_known_people_stay(stage: Stage) -> None:
    await stage.server.have_direct_room(CAROL, "Carol", history=["hi"])
    stage.server.fail("search_people", Unreachable("The homeserver does not answer."))
    async with stage.open():
        await stage.until(lambda: stage.people.rows)
        await ask_for(stage, "car")
        await stage.until(stage.shows("The homeserver does not answer."))
        assert "Carol" in stage.text()


async def test_invalid_user_id_is_refused_in_the_dialog(stage: Stage) -> None:
    async with stage.open() as pilot:
        await pilot.press("ctrl+n")
        await stage.until(lambda: isinstance(stage.app.screen, StartChat))
        await stage.type("@erin")
        await pilot.press("enter")
        await stage.until(stage.shows("The server is missing"))
        assert stage.server.count("profile") == 0


async def test_unverified_person_is_asked_about_and_esc_starts_nothing(stage: Stage) -> None:
    async with stage.open() as pilot:
        await ask_for(stage, ERIN)
        await pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await pilot.press("escape")
        await stage.until(stage.shows("Nothing was started."))
        assert stage.server.count("create_direct_room") == 0
        await pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await pilot.press("s", "enter")
        await stage.until(lambda: stage.conversation.person == ERIN)


async def test_person_without_keys_is_asked_about_with_the_reason(stage: Stage) -> None:
    knows(stage, (ERIN, "Erin"))
    stage.server.without_keys.add(ERIN)
    async with stage.open() as pilot:
        await ask_for(stage, ERIN)
        await pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await stage.until(stage.shows("Start without encryption"))
        await pilot.press("s", "enter")
        await stage.until(lambda: stage.conversation.person == ERIN)


async def test_typing_ahead_answers_no_question_and_is_not_lost(stage: Stage) -> None:
    knows(stage, (ERIN, "Erin"))
    stage.server.without_keys.add(ERIN)
    async with stage.open() as pilot:
        await ask_for(stage, ERIN)
        gate = stage.server.hold("profile")
        await pilot.press("enter")
        await stage.until(lambda: stage.server.count("profile") == 1)
        await stage.type("are")
        gate.set()
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await stage.type(" so you s")
        await pilot.press("enter")
        await stage.until(stage.shows("You were typing"))
        assert stage.server.count("create_direct_room") == 0
        await pilot.press("down", "enter")
        await stage.until(lambda: stage.conversation.person == ERIN)
        await stage.until(lambda: stage.composer.text == "are so you s")


@pytest.mark.parametrize("keys", [["enter"], ["c", "enter"], ["s", "x", "down", "up", "enter"]])
async def test_safe_choice_stands_first(stage: Stage, keys: list[str]) -> None:
    knows(stage, (ERIN, "Erin"))
    stage.server.without_keys.add(ERIN)
    async with stage.open() as pilot:
        await ask_for(stage, ERIN)
        await pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await pilot.press(*keys)
        await stage.until(stage.shows("Nothing was started."))
        assert stage.server.count("create_direct_room") == 0


async def test_pending_invite_is_accepted_instead_of_creating(stage: Stage) -> None:
    room = await stage.server.invite(ERIN, "Erin")
    async with stage.open() as pilot:
        await stage.until(lambda: len(stage.people.requests) == 1)
        await ask_for(stage, ERIN)
        await pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await pilot.press("a", "enter")
        await stage.until(lambda: stage.conversation.person == ERIN)
        assert stage.server.count("create_direct_room") == 0
        assert stage.server.data["m.direct"] == {ERIN: [room]}


async def test_refused_invite_is_one_line_in_the_dialog(stage: Stage) -> None:
    knows(stage, (ERIN, "Erin"))
    stage.server.blocking_invites.add(ERIN)
    async with stage.open() as pilot:
        await ask_for(stage, ERIN)
        await pilot.press("enter")
        await stage.until(stage.shows("accept"))
        assert isinstance(stage.app.screen, StartChat)
        assert stage.conversation.person is None


async def test_closing_the_dialog_does_not_undo_the_start(stage: Stage) -> None:
    knows(stage, (ERIN, "Erin"))
    async with stage.open() as pilot:
        gate = stage.server.hold("create_direct_room")
        await ask_for(stage, ERIN)
        await pilot.press("enter")
        await stage.until(lambda: stage.server.count("create_direct_room") == 1)
        await pilot.press("escape")
        gate.set()
        await stage.until(lambda: stage.row(ERIN) is not None)
        assert stage.conversation.person is None


async def test_old_room_never_marked_is_asked_about_and_used(stage: Stage) -> None:
    knows(stage, (BOB, "Bob"))
    room_id = await stage.server.have_direct_room(BOB, "Bob", listed=False)
    async with stage.open() as pilot:
        await ask_for(stage, BOB)
        await pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await stage.until(stage.shows("never marked as a"))
        await pilot.press("u", "enter")
        await stage.until(lambda: stage.conversation.person == BOB)
        assert stage.server.data["m.direct"] == {BOB: [room_id]}
        assert stage.server.count("create_direct_room") == 0


async def test_my_own_user_id_is_said_to_be_my_notes(stage: Stage) -> None:
    async with stage.open():
        await ask_for(stage, ME)
        await stage.until(stage.shows("Notes to self"))
        assert f"{ME}  start a chat" not in stage.text()


@pytest.mark.parametrize("key", ["ctrl+k", "ctrl+n"])
async def test_look_alike_is_marked_behind_a_petname_too(stage: Stage, key: str) -> None:
    await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open(size=(140, 30)) as pilot:
        await stage.until(lambda: stage.row(BOB))
        await stage.messenger.contacts.rename(BOB, "Dad")
        await stage.server.have_direct_room(ERIN, "B\u043eb")
        await stage.until(lambda: (row := stage.row(ERIN)) and row.looks_like)
        await pilot.press(key)
        await stage.until(stage.shows("! looks"))
