"""A conversation on the screen: reading, paging, writing, drafts, what failed."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

import pytest
from textual.events import AppBlur, AppFocus, Key

from dmtui.core.errors import Forbidden, Refused, StoreTrouble, Unreachable
from dmtui.core.events import Line, SyncBatch
from dmtui.core.model import Kind, Profile, RoomId, Safe, SendState, TransactionId, UserId
from dmtui.core.slash import Said
from dmtui.ui.screens.confirm import Question
from dmtui.ui.screens.person_card import PersonCard
from tests.fakes import BOB, CAROL

if TYPE_CHECKING:
    from tests.ui.stage import Stage


async def chat_with_bob(stage: Stage, *texts: str, encrypted: bool = False) -> RoomId:
    return await stage.server.have_direct_room(BOB, "Bob", history=texts, encrypted=encrypted)


async def open_first(stage: Stage) -> None:
    await stage.until(lambda: stage.people.rows)
    await stage.pilot.press("alt+1")
    await stage.until(lambda: stage.conversation.person is not None)


async def open_person(stage: Stage, person: UserId) -> None:
    number = [row.user_id for row in stage.people.rows].index(person) + 1
    await stage.pilot.press(f"alt+{number}")
    await stage.until(partial(is_open, stage, person))


def is_open(stage: Stage, person: UserId) -> bool:
    return stage.conversation.person == person


def differs(stage: Stage, text: str) -> bool:
    return stage.text() != text


def states(stage: Stage) -> list[SendState]:
    return [message.state for message in stage.messages() if message.own]


async def test_sent_message_is_echoed_while_the_server_is_slow(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        gate = stage.server.hold("send")
        await stage.type("hello bob")
        await pilot.press("enter")
        await stage.until(stage.shows("hello bob"))
        assert stage.composer.text == ""
        gate.set()
        await stage.until(lambda: states(stage) == [SendState.SENT])


async def test_messages_sent_in_a_burst_keep_their_order(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press(*"one", "enter", *"two", "enter", *"three", "enter")
        await stage.until(lambda: states(stage) == [SendState.SENT] * 3)
        own = [message.body for message in stage.messages() if message.own]
        assert own == ["one", "two", "three"]


async def test_incoming_message_is_shown_and_marked_read_while_looked_at(stage: Stage) -> None:
    room = await chat_with_bob(stage, "hi")
    async with stage.open():
        await open_first(stage)
        await stage.server.say(room, BOB, "how are you?")
        await stage.until(stage.shows("how are you?"))
        await stage.until(lambda: stage.server.count("mark_read") >= 1)
        await stage.until(lambda: (row := stage.row()) is not None and not row.unread)


async def test_nothing_is_marked_read_while_the_terminal_is_not_looked_at(stage: Stage) -> None:
    room = await chat_with_bob(stage)
    async with stage.open():
        await open_first(stage)
        stage.app.post_message(AppBlur())
        await stage.until(lambda: not stage.app.app_focus)
        await stage.server.say(room, BOB, "psst")
        await stage.until(lambda: (row := stage.row()) is not None and row.unread == 1)
        await stage.until(stage.shows("psst"))
        await stage.until(stage.shows("new messages"))
        assert stage.server.count("mark_read") == 0
        stage.app.post_message(AppFocus())
        await stage.until(lambda: stage.server.count("mark_read") == 1)


async def test_nothing_is_marked_read_while_scrolled_up(stage: Stage) -> None:
    room = await stage.server.have_direct_room(
        BOB, "Bob", history=[f"line {n}" for n in range(60)], shown=60
    )
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.until(lambda: (row := stage.row()) is not None and not row.unread)
        read = stage.server.count("mark_read")
        stage.timeline.focus()
        await pilot.press("pageup")
        await stage.until(lambda: not stage.timeline.following)
        await stage.server.say(room, BOB, "below")
        await stage.until(lambda: stage.timeline.new_below == 1)
        assert stage.server.count("mark_read") == read
        await pilot.press("end")
        await stage.until(lambda: stage.server.count("mark_read") == read + 1)


async def test_older_messages_come_from_the_store_and_then_from_the_server(stage: Stage) -> None:
    await stage.server.have_direct_room(
        BOB, "Bob", history=[f"line {n:03}" for n in range(120)], shown=20
    )
    async with stage.open() as pilot:
        await open_first(stage)
        stage.timeline.focus()

        while not stage.shows("line 000")():
            seen = stage.text()
            await pilot.press("home")
            await stage.until(partial(differs, stage, seen))
        await stage.until(stage.shows("line 000"))
        assert stage.server.count("history") >= 1
        await stage.until(stage.shows("Beginning of the conversation"))


async def test_failed_paging_says_so_and_can_be_tried_again(stage: Stage) -> None:
    stage.server.fail("history", Unreachable("The homeserver does not answer."), times=1)
    await stage.server.have_direct_room(
        BOB, "Bob", history=[f"line {n:03}" for n in range(40)], shown=5
    )
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.until(lambda: any("Older messages" in line for line in stage.notices()))
        assert not stage.timeline.loading_older
        stage.timeline.focus()
        await pilot.press("home")
        await stage.until(lambda: len(stage.messages()) == 40)
        await pilot.press("home")
        await stage.until(stage.shows("line 000"))


async def test_draft_survives_switching_and_restart(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    await stage.server.have_direct_room(CAROL, "Carol", history=["hey"])
    async with stage.open() as pilot:
        await stage.until(lambda: len(stage.people.rows) == 2)
        await open_person(stage, BOB)
        await stage.type("for bob")
        await open_person(stage, CAROL)
        assert stage.composer.text == ""
        await stage.type("for carol")
        await open_person(stage, BOB)
        assert stage.composer.text == "for bob"
        await stage.until(lambda: (row := stage.row(CAROL)) is not None and row.draft)
        await pilot.press("ctrl+q")
        await stage.until(lambda: not stage.app.is_running)
    async with stage.open():
        await open_person(stage, BOB)
        assert stage.composer.text == "for bob"
        await open_person(stage, CAROL)
        assert stage.composer.text == "for carol"


async def test_draft_is_saved_when_quitting_right_after_typing(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press(*"unfinished", "ctrl+q")
        await stage.until(lambda: not stage.app.is_running)
    async with stage.open():
        await open_first(stage)
        assert stage.composer.text == "unfinished"


async def test_draft_is_gone_once_sent(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.type("soon sent")
        await stage.until(lambda: (row := stage.row()) is not None and row.draft)
        await pilot.press("enter")
        await stage.until(lambda: (row := stage.row()) is not None and not row.draft)
        await stage.until(lambda: states(stage) == [SendState.SENT])
        row = stage.row()
        assert row is not None
        assert row.draft == ""


async def test_keys_typed_before_a_switch_stay_with_the_person_they_were_for(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    await stage.server.have_direct_room(CAROL, "Carol", history=["hey"])
    async with stage.open() as pilot:
        await stage.until(lambda: len(stage.people.rows) == 2)
        first, second = (row.user_id for row in stage.people.rows)
        await open_person(stage, first)
        await pilot.press(*"for the first", "alt+2", *"for the second")
        await stage.until(partial(is_open, stage, second))
        await stage.until(lambda: stage.composer.text == "for the second")
        await pilot.press("alt+1")
        await stage.until(partial(is_open, stage, first))
        assert stage.composer.text == "for the first"


async def fail_one(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")


async def send_failing(stage: Stage, text: str) -> None:
    stage.server.fail("send", Forbidden("You may not write here.", 403, "M_FORBIDDEN"))
    await stage.type(text)
    await stage.pilot.press("enter")
    await stage.until(lambda: states(stage) == [SendState.FAILED])
    await stage.until(stage.shows("You may not write here."))


async def test_failed_message_is_retried_with_x(stage: Stage) -> None:
    await fail_one(stage)
    async with stage.open() as pilot:
        await open_first(stage)
        await send_failing(stage, "again")
        await pilot.press("up", "x")
        await stage.until(lambda: states(stage) == [SendState.SENT])


async def test_failed_message_is_edited_and_sent_in_its_place(stage: Stage) -> None:
    await fail_one(stage)
    async with stage.open() as pilot:
        await open_first(stage)
        await send_failing(stage, "typo")
        await pilot.press("up", "e")
        await stage.until(lambda: stage.composer.text == "typo")
        assert stage.focus_is(stage.composer)
        await pilot.press("s", "enter")
        await stage.until(lambda: states(stage) == [SendState.SENT])
        assert [message.body for message in stage.messages()] == ["hi", "typos"]


async def test_failed_message_is_discarded_from_the_menu(stage: Stage) -> None:
    await fail_one(stage)
    async with stage.open() as pilot:
        await open_first(stage)
        await send_failing(stage, "regretted")
        await pilot.press("up", "enter")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await pilot.press("d")
        await stage.until(lambda: states(stage) == [])
        assert stage.composer.text == ""


async def test_y_copies_the_selected_message(stage: Stage) -> None:
    await chat_with_bob(stage, "copy me")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("up", "y")
        await stage.until(lambda: stage.app.clipboard == "copy me")


async def test_typing_goes_out_and_comes_in(stage: Stage) -> None:
    room = await chat_with_bob(stage, "hi")
    async with stage.open():
        await open_first(stage)
        await stage.type("h")
        await stage.until(lambda: stage.server.count("set_typing") == 1)
        await stage.server.show_typing(room, BOB)
        await stage.until(stage.shows("Bob is typing…"))
        await stage.server.show_typing(room)
        await stage.until(lambda: "is typing" not in stage.text())


async def test_person_who_left_can_be_invited_back(stage: Stage) -> None:
    room = await chat_with_bob(stage, "bye")
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.server.abandon(room, BOB)
        await stage.until(stage.shows("Bob left. Enter offers to invite back."))
        assert stage.text().count("invite") == 1
        stage.timeline.focus()
        await pilot.press("i")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await pilot.press("i", "enter")
        await stage.until(lambda: stage.server.count("invite_back") == 1)


async def test_i_in_the_timeline_shows_the_card_of_who_has_not_left(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        stage.timeline.focus()
        await pilot.press("i")
        await stage.until(lambda: isinstance(stage.app.screen, PersonCard))


async def test_what_is_typed_to_who_left_is_a_draft_until_enter_is_answered(stage: Stage) -> None:
    room = await chat_with_bob(stage, "bye")
    stage.server.profiles[BOB] = Profile(BOB, Safe("Bob"))
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.server.abandon(room, BOB)
        await stage.until(stage.shows("Bob left. Enter offers to invite back."))
        await stage.type("invite, wie")
        assert stage.composer.text == "invite, wie"
        assert stage.server.count("invite_back") == 0
        await pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await pilot.press("enter")
        await stage.until(lambda: not isinstance(stage.app.screen, Question))
        assert stage.composer.text == "invite, wie"
        assert stage.focus_is(stage.composer)
        await pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await pilot.press("i")
        await stage.until(lambda: stage.server.count("send") == 1)
        assert stage.server.count("invite_back") == 1
        assert stage.composer.text == ""


async def test_draft_to_who_left_stays_when_the_invite_fails(stage: Stage) -> None:
    room = await chat_with_bob(stage, "bye")
    stage.server.profiles[BOB] = Profile(BOB, Safe("Bob"))
    stage.server.fail("invite_back", Refused("No.", 403, "M_FORBIDDEN"))
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.server.abandon(room, BOB)
        await stage.until(stage.shows("Bob left."))
        await stage.type("still here")
        await pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await pilot.press("i")
        await stage.until(lambda: stage.server.count("invite_back") == 1)
        await stage.until(stage.notices)
        assert stage.composer.text == "still here"
        assert stage.server.count("send") == 0


async def test_status_line_names_the_protection_of_the_open_chat(stage: Stage) -> None:
    await chat_with_bob(stage, "hi", encrypted=True)
    async with stage.open():
        await open_first(stage)
        await stage.until(lambda: "encrypted" in stage.text().splitlines()[-2])


async def test_hostile_text_is_shown_as_text(stage: Stage) -> None:
    body = "[/x][@click=app.quit]click[/] [b]bold[/b]"
    room = await chat_with_bob(stage, body)
    async with stage.open():
        await open_first(stage)
        await stage.until(stage.shows("[/x][@click=app.quit]click[/]"))
        await stage.server.say(room, BOB, "[red]still fine")
        await stage.until(stage.shows("[red]still fine"))


async def test_message_sent_before_a_switch_goes_to_the_person_it_was_for(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    await stage.server.have_direct_room(CAROL, "Carol", history=["hey"])
    async with stage.open():
        await stage.until(lambda: len(stage.people.rows) == 2)
        first, second = (row.user_id for row in stage.people.rows)
        await open_person(stage, first)
        for key in (*"private", "enter", "alt+2", *"next"):
            stage.app.post_message(Key(key, key if len(key) == 1 else None))
        await stage.until(partial(is_open, stage, second))
        await stage.until(lambda: stage.composer.text == "next")
        await stage.until(
            lambda: any(m.own for m in stage.messages(first) + stage.messages(second))
        )
        assert [m.body for m in stage.messages(first) if m.own] == ["private"]
        assert [m.body for m in stage.messages(second) if m.own] == []


async def test_message_sent_right_before_a_click_goes_to_the_person_it_was_for(
    stage: Stage,
) -> None:
    await chat_with_bob(stage, "hi")
    await stage.server.have_direct_room(CAROL, "Carol", history=["hey"])
    async with stage.open():
        await stage.until(lambda: len(stage.people.rows) == 2)
        first, second = (row.user_id for row in stage.people.rows)
        await open_person(stage, first)
        await stage.type("private")
        stage.composer.submit()
        stage.main.open(second)
        await stage.until(
            lambda: any(m.own for m in stage.messages(first) + stage.messages(second))
        )
        assert [m.body for m in stage.messages(first) if m.own] == ["private"]


async def test_message_to_a_person_who_just_vanished_stays_typed(stage: Stage) -> None:
    room_id = await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.type("do not lose me")
        with contextlib.closing(stage.another_store()) as store:  # nobody is told of the change
            store.apply(SyncBatch(store.token() or "", direct={}))
        await pilot.press("enter")
        await stage.until(lambda: "Your text is kept." in "".join(stage.notices()))
        await stage.server.edit_direct({CAROL: ["!elsewhere"]})
        await stage.until(lambda: stage.row() is None)
        await stage.server.edit_direct({BOB: [room_id]})
        await stage.until(stage.row)
        await open_first(stage)
        assert stage.composer.text == "do not lose me"


async def test_text_that_could_not_be_queued_is_kept_before_what_was_typed_since(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)

        async def send(user_id: UserId, text: str | Said, answers: str = "") -> TransactionId:
            raise StoreTrouble("The disk is full: free some space, then try again.")

        monkeypatch.setattr(stage.messenger, "send", send)
        for key in (*"first", "enter", *"second"):
            stage.app.post_message(Key(key, key if len(key) == 1 else None))
        await stage.until(lambda: stage.composer.text == "first\nsecond")
        await stage.until(lambda: (row := stage.row()) is not None and row.draft)
        await pilot.press("ctrl+q")
        await stage.until(lambda: not stage.app.is_running)
    async with stage.open():
        await open_first(stage)
        assert stage.composer.text == "first\nsecond"


async def test_full_disk_while_reading_does_not_end_the_app(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = await chat_with_bob(stage, "hi")
    async with stage.open():
        await open_first(stage)
        full = StoreTrouble("The disk is full: free some space, then try again.")

        async def mark_read(user_id: UserId) -> None:
            raise full

        monkeypatch.setattr(stage.messenger, "mark_read", mark_read)
        await stage.server.say(room_id, BOB, "more")
        await stage.until(stage.shows("more"))
        await stage.pilot.pause()
        assert stage.app.is_running
        assert stage.app._exception is None


async def test_keys_scroll_the_conversation_from_the_composer(stage: Stage) -> None:
    history = [f"message {number}" for number in range(1, 41)]
    room = await stage.server.have_direct_room(BOB, "Bob", history=history)
    async with stage.open((80, 24)) as pilot:
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await pilot.press("ctrl+end")
        await stage.until(stage.shows("message 40"))
        await stage.type("draft")
        await pilot.press("pageup")
        await stage.until(lambda: "message 40" not in stage.text())
        await stage.server.say(room, BOB, "one more")
        await stage.until(stage.shows("↓ 1 new: Ctrl+End"))
        await pilot.press("pagedown")
        await stage.until(stage.shows("one more"))
        await pilot.press("ctrl+home")
        await stage.until(lambda: stage.timeline.scroll_y == 0)
        await pilot.press("ctrl+end")
        await stage.until(stage.shows("one more"))
        assert stage.composer.text == "draft"
        assert stage.focus_is(stage.composer)


@pytest.mark.parametrize("unread", [120, 1100])
async def test_line_of_new_messages_stands_before_the_first_unread_or_nowhere(
    stage: Stage, unread: int
) -> None:
    room = await chat_with_bob(stage, "long ago")
    async with stage.open():
        await open_first(stage)
        await stage.until(lambda: not stage.messages()[-1].unread)
    texts = [f"message {number}" for number in range(unread)]
    bob = stage.server.rooms[room]
    async with stage.open() as pilot:
        await stage.until(lambda: stage.row() is not None)
        for text in texts:
            bob.events.append(stage.server._event(bob, BOB, Line(Kind.TEXT, Safe(text))))
        await stage.server.tell(SyncBatch("", rooms=(stage.server._snapshot(bob, unread),)))
        await stage.until(lambda: (row := stage.row()) is not None and row.unread == unread)
        await pilot.press("alt+1")
        await stage.until(lambda: stage.conversation.person is not None)
        await pilot.pause()
        if unread < 1000:
            lines = stage.text().splitlines()
            line = next(n for n, text in enumerate(lines) if "new messages" in text)
            assert any("message 0" in text for text in lines[line : line + 5])
        else:
            assert stage.conversation.reading.first_unread is None
            assert "new messages" not in stage.text()
