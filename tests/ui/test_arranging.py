"""Pin, mute, archive and petnames, by the keys of the people list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dmtui.core.contacts import FAVOURITE, LOW_PRIORITY, PEOPLE
from dmtui.core.errors import Forbidden
from dmtui.core.model import Conversation, UserId
from dmtui.ui.screens.confirm import Question
from dmtui.ui.screens.petname import Petname
from tests.fakes import BOB, CAROL

if TYPE_CHECKING:
    from dmtui.core.intents import Entry
    from dmtui.core.model import RoomId
    from tests.ui.stage import Stage

DAVE = UserId("@dave:example.org")
HOUR = 3600


async def three_people(stage: Stage) -> dict[UserId, RoomId]:
    """Dave is the newest of them, Bob the oldest."""
    people = ((BOB, "Bob"), (CAROL, "Carol"), (DAVE, "Dave"))
    return {
        person: await stage.server.have_direct_room(person, name, history=[f"hello from {name}"])
        for person, name in people
    }


def order(stage: Stage) -> list[UserId]:
    return [row.user_id for row in stage.people.rows]


def row(stage: Stage, person: UserId = BOB) -> Conversation:
    found = stage.main._roster.get(person)
    assert found is not None
    return found


def idle(stage: Stage) -> bool:
    return not any("on their way" in line for line in stage.messenger.pending())


async def test_p_pins_the_highlighted_person_to_the_top_and_back(stage: Stage) -> None:
    rooms = await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: order(stage) == [DAVE, CAROL, BOB])
        await pilot.press("end", "p")
        await stage.until(lambda: order(stage) == [BOB, DAVE, CAROL])
        assert stage.people.cursor_person == BOB
        await stage.until(lambda: stage.server.rooms[rooms[BOB]].tags == {FAVOURITE})
        await stage.until(stage.shows("^Bob"))
        await pilot.press("p")
        await stage.until(lambda: order(stage) == [DAVE, CAROL, BOB])
        await stage.until(lambda: stage.server.rooms[rooms[BOB]].tags == set())


@pytest.mark.parametrize("presses", [4, 5])
async def test_toggle_pressed_again_and_again_settles_on_the_last(
    stage: Stage, presses: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = await three_people(stage)
    gate = stage.server.hold("set_tag")
    turned: list[bool] = []
    shown: list[bool] = []
    async with stage.open() as pilot:
        await stage.until(lambda: order(stage) == [DAVE, CAROL, BOB])
        turn = stage.messenger.contacts.turn_pin

        async def counted(user_id: UserId) -> tuple[bool, Entry | None]:
            pinned, entry = await turn(user_id)
            turned.append(pinned)
            return pinned, entry

        monkeypatch.setattr(stage.messenger.contacts, "turn_pin", counted)
        await pilot.press("end")
        for _ in range(presses):
            stage.main.action_person("pin")
        pinned = presses % 2 == 1
        await stage.until(lambda: len(turned) == presses and row(stage).pinned == pinned)
        gate.set()

        def settled() -> bool:
            shown.append(row(stage).pinned)
            return idle(stage)

        await stage.until(settled)
        assert (FAVOURITE in stage.server.rooms[rooms[BOB]].tags) is pinned
        assert set(shown) == {pinned}


async def test_alt_digits_and_next_follow_what_is_shown(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: order(stage) == [DAVE, CAROL, BOB])
        await pilot.press("end", "p")
        await stage.until(lambda: order(stage) == [BOB, DAVE, CAROL])
        await pilot.press("alt+1")
        await stage.until(lambda: stage.conversation.person == BOB)
        await pilot.press("alt+down")
        await stage.until(lambda: stage.conversation.person == DAVE)


async def test_a_archives_behind_one_row_that_opens(stage: Stage) -> None:
    rooms = await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: order(stage) == [DAVE, CAROL, BOB])
        await pilot.press("end", "a")
        await stage.until(lambda: order(stage) == [DAVE, CAROL])
        await stage.until(stage.shows("Archived (1)"))
        await stage.until(lambda: stage.server.rooms[rooms[BOB]].tags == {LOW_PRIORITY})
        await pilot.press("end", "enter")
        await stage.until(lambda: order(stage) == [BOB])
        assert stage.shows("Everybody")()
        await pilot.press("escape")
        await stage.until(lambda: order(stage) == [DAVE, CAROL])
        await pilot.press("enter", "a")
        await stage.until(lambda: order(stage) == [DAVE, CAROL, BOB])
        assert "Archived" not in stage.text()
        await stage.until(lambda: stage.server.rooms[rooms[BOB]].tags == set())


async def test_escape_in_the_list_still_goes_to_the_composer_without_an_archive(
    stage: Stage,
) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: len(order(stage)) == 3)
        await pilot.press("enter", "shift+tab", "shift+tab")
        stage.people.focus()
        await pilot.press("escape")
        await stage.until(lambda: stage.focus_is(stage.composer))


async def test_filter_and_switcher_find_archived_people(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: order(stage) == [DAVE, CAROL, BOB])
        await pilot.press("end", "a")
        await stage.until(lambda: order(stage) == [DAVE, CAROL])
        await pilot.press("slash")
        await stage.type("bob")
        await stage.until(lambda: order(stage) == [BOB])
        assert stage.shows("(archived)")()
        await pilot.press("escape", "ctrl+k")
        await stage.type("bob")
        await pilot.press("enter")
        await stage.until(lambda: stage.conversation.person == BOB)


async def test_an_archived_person_who_writes_is_back_on_top(stage: Stage) -> None:
    rooms = await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: order(stage) == [DAVE, CAROL, BOB])
        await pilot.press("end", "a")
        await stage.until(lambda: order(stage) == [DAVE, CAROL])
        await stage.server.say(rooms[BOB], BOB, "still there?")
        await stage.until(lambda: order(stage) == [BOB, DAVE, CAROL])


@pytest.mark.parametrize(
    ("letter", "hours", "words"), [("1", 1, "muted until"), ("f", 0, "muted for good")]
)
async def test_m_mutes_for_as_long_as_chosen(
    stage: Stage, letter: str, hours: int, words: str
) -> None:
    rooms = await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: order(stage) == [DAVE, CAROL, BOB])
        await pilot.press("enter")
        await stage.until(lambda: stage.conversation.person == DAVE)
        stage.people.focus()
        await pilot.press("m")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        asked_at = stage.clock.now()
        await pilot.press(letter)
        await stage.until(lambda: row(stage, DAVE).muted)
        await stage.until(lambda: stage.server.muted == {rooms[DAVE]})
        await stage.until(stage.shows(words))
        until = row(stage, DAVE).muted_until
        assert abs(until / 1000 - asked_at - hours * HOUR) < 60 if hours else until == 0


async def test_a_mute_ends_by_its_key_and_says_until_when(stage: Stage) -> None:
    rooms = await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: order(stage) == [DAVE, CAROL, BOB])
        await pilot.press("m", "8")
        await stage.until(lambda: row(stage, DAVE).muted and idle(stage))
        await pilot.press("m")
        await stage.until(stage.shows("Muted until"))
        await pilot.press("u")
        await stage.until(lambda: not row(stage, DAVE).muted)
        await stage.until(lambda: rooms[DAVE] not in stage.server.muted)


async def test_escape_from_the_mute_question_mutes_nobody(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: len(order(stage)) == 3)
        await pilot.press("m")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await pilot.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, Question))
        assert not row(stage, DAVE).muted
        assert stage.server.count("set_muted") == 0


async def test_a_mute_ends_on_time_before_the_users_eyes(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: len(order(stage)) == 3)
        await pilot.press("m", "1")
        await stage.until(lambda: row(stage, DAVE).muted and idle(stage))
        await stage.until(stage.shows(" muted"))
        stage.clock.turn(HOUR)
        await stage.until(lambda: not row(stage, DAVE).muted)
        await stage.until(lambda: " muted" not in stage.text())


async def test_n_gives_a_petname_that_wins_and_shows_the_other_beside(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: order(stage) == [DAVE, CAROL, BOB])
        await pilot.press("enter")
        await stage.until(lambda: stage.conversation.person == DAVE)
        stage.people.focus()
        await pilot.press("n")
        await stage.until(lambda: isinstance(stage.app.screen, Petname))
        await stage.type("My brother")
        await pilot.press("enter")
        await stage.until(lambda: row(stage, DAVE).name == "My brother")
        await stage.until(stage.shows("My brother  (Dave)  @dave:example.org"))
        await stage.until(lambda: PEOPLE in stage.server.data)
        assert stage.server.data[PEOPLE] == {"people": {DAVE: {"petname": "My brother"}}}


async def test_an_empty_petname_takes_it_away_and_escape_changes_nothing(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: order(stage) == [DAVE, CAROL, BOB])
        await stage.server.edit_account_data(PEOPLE, {"people": {DAVE: {"petname": "D"}}})
        await stage.until(lambda: row(stage, DAVE).name == "D")
        await pilot.press("n")
        await stage.until(lambda: isinstance(stage.app.screen, Petname))
        await stage.type("x")
        await pilot.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, Petname))
        assert row(stage, DAVE).name == "D"
        await pilot.press("n")
        await stage.until(lambda: isinstance(stage.app.screen, Petname))
        await pilot.press("backspace", "enter")
        await stage.until(lambda: row(stage, DAVE).name == "Dave")


async def test_what_the_server_refuses_is_said_and_taken_back(stage: Stage) -> None:
    await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: order(stage) == [DAVE, CAROL, BOB])
        stage.server.fail("set_tag", Forbidden("Not allowed here.", 403, "M_FORBIDDEN"))
        await pilot.press("end", "p")
        await stage.until(lambda: "Not allowed here." in stage.notices())
        await stage.until(lambda: order(stage) == [DAVE, CAROL, BOB])


async def test_somebody_who_looks_like_a_contact_is_warned_of_in_list_and_chat(
    stage: Stage,
) -> None:
    await three_people(stage)
    mallory = UserId("@mallory:evil.org")
    async with stage.open((140, 30)) as pilot:
        await stage.until(lambda: len(order(stage)) == 3)
        await stage.server.have_direct_room(mallory, "D\u0430ve", history=["it is me"])
        await stage.until(lambda: order(stage)[:1] == [mallory])
        await stage.until(stage.shows("looks like Dave. it is me"))
        await pilot.press("home", "enter")
        await stage.until(stage.shows("looks like Dave, and is somebody else"))
        assert row(stage, DAVE).looks_like == ""
        assert str(DAVE) in row(stage, DAVE).name


# -- unread -----------------------------------------------------------------------------------


async def test_u_reads_without_opening_and_marks_what_is_read(stage: Stage) -> None:
    rooms = await three_people(stage)
    async with stage.open() as pilot:
        await stage.until(lambda: order(stage) == [DAVE, CAROL, BOB])
        await pilot.press("end", "u")
        await stage.until(lambda: row(stage).unread == 0)
        await stage.until(lambda: stage.server.count("mark_read") == 1)
        assert stage.conversation.person is None
        await pilot.press("u")
        await stage.until(lambda: row(stage).marked_unread)
        await stage.until(lambda: stage.server.rooms[rooms[BOB]].marked_unread)
        assert "●" in stage.text()
        await pilot.press("u")
        await stage.until(lambda: not row(stage).is_unread)
        await stage.until(lambda: stage.server.rooms[rooms[BOB]].marked_unread is False)
        assert stage.server.count("mark_read") == 1


@pytest.mark.parametrize("presses", [2, 3])
async def test_u_pressed_again_counts_from_what_it_did_before(stage: Stage, presses: int) -> None:
    room = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open():
        await stage.until(lambda: order(stage) == [BOB])
        for _ in range(presses):
            stage.main.action_person("mark_unread")
        await stage.until(lambda: len(stage.notices()) == presses)
        words = ["Bob is marked as unread.", "Bob is marked as read."]
        assert stage.notices() == [words[turn % 2] for turn in range(presses)]
        marked = presses % 2 == 1
        await stage.until(lambda: idle(stage) and row(stage).marked_unread is marked)
        assert bool(stage.server.rooms[room].marked_unread) is marked


async def test_f3_goes_to_what_is_marked_and_opening_it_reads_it(stage: Stage) -> None:
    room = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open() as pilot:
        await stage.until(lambda: order(stage) == [BOB])
        await stage.server.mark_unread(room, True)
        await stage.until(lambda: row(stage).marked_unread)
        await pilot.press("f3")
        await stage.until(lambda: stage.conversation.person == BOB)
        await stage.until(lambda: not row(stage).is_unread)
        await stage.until(lambda: stage.server.rooms[room].marked_unread is False)


async def test_open_chat_can_be_marked_until_it_is_opened_again_or_written_in(
    stage: Stage,
) -> None:
    await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open() as pilot:
        await stage.until(lambda: order(stage) == [BOB])
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("/mark-unread")
        await pilot.press("enter")
        await stage.until(lambda: row(stage).marked_unread)
        await stage.until(lambda: idle(stage))
        await pilot.pause()
        assert row(stage).marked_unread
        await pilot.press("alt+1")
        await stage.until(lambda: not row(stage).marked_unread)
        await stage.type("/mark-unread")
        await pilot.press("enter")
        await stage.until(lambda: row(stage).marked_unread)
        await stage.type("answered")
        await pilot.press("enter")
        await stage.until(lambda: not row(stage).marked_unread)
