"""Replies, edits, reactions and deletions with the keyboard, and how they look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.events import Key

from dmtui.core.errors import Forbidden
from dmtui.core.events import Edit, Line, Reaction, Redaction
from dmtui.core.model import EventId, Kind, Safe, SendState
from dmtui.ui.emoji_names import find
from dmtui.ui.screens.confirm import Question
from dmtui.ui.screens.reaction import COMMON, ReactionPicker
from tests.fakes import BOB, CAROL, said
from tests.ui.test_conversation import chat_with_bob, open_first, open_person, states

if TYPE_CHECKING:
    from dmtui.core.events import Sendable
    from tests.ui.stage import Stage


def sent(stage: Stage) -> list[Sendable]:
    calls = (call for call in stage.server.calls if call.name == "send")
    return [content for call in calls if isinstance(content := call.arguments[2], SENDABLE)]


SENDABLE = (Line, Edit, Reaction, Redaction)


async def say(stage: Stage, text: str) -> None:
    """Send a message and wait until it is there."""
    count = len(states(stage))
    await stage.type(text)
    await stage.pilot.press("enter")
    await stage.until(lambda: states(stage) == [SendState.SENT] * (count + 1))


async def until_asked(stage: Stage, kind: type[Question[object] | ReactionPicker]) -> None:
    await stage.until(lambda: isinstance(stage.app.screen, kind))


def event_id(stage: Stage, body: str) -> EventId:
    found = next(message.event_id for message in stage.messages() if message.body == body)
    assert found is not None
    return found


# -- replies --


async def test_reply_is_announced_sent_and_shown_above_the_answer(stage: Stage) -> None:
    await chat_with_bob(stage, "are you coming?")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("up", "r")
        await stage.until(stage.shows("Replying to Bob (Esc cancels): are you coming?"))
        assert stage.focus_is(stage.composer)
        await say(stage, "yes")
        assert "Replying" not in stage.text()
        target = event_id(stage, "are you coming?")
        assert sent(stage) == [Line(Kind.TEXT, Safe("yes"), reply_to=target)]
        await stage.until(stage.shows("╭ Bob: are you coming?"))


async def test_escape_ends_the_reply_and_keeps_the_draft(stage: Stage) -> None:
    await chat_with_bob(stage, "are you coming?")
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.type("maybe")
        stage.timeline.focus()
        await pilot.press("up", "r")
        await stage.until(stage.shows("Replying to Bob"))
        await pilot.press("escape")
        await stage.until(lambda: "Replying" not in stage.text())
        assert stage.composer.text == "maybe"
        await say(stage, "")
        assert sent(stage) == [said("maybe")]


async def test_reply_in_the_making_survives_switching_and_restart(stage: Stage) -> None:
    await chat_with_bob(stage, "are you coming?")
    await stage.server.have_direct_room(CAROL, "Carol", history=["hey"])
    async with stage.open() as pilot:
        await stage.until(lambda: len(stage.people.rows) == 2)
        await open_person(stage, BOB)
        await pilot.press("up", "r")
        await stage.until(stage.shows("Replying to Bob"))
        await stage.type("ye")
        await open_person(stage, CAROL)
        assert "Replying" not in stage.text()
        await pilot.press("ctrl+q")
        await stage.until(lambda: not stage.app.is_running)
    async with stage.open():
        await open_person(stage, BOB)
        await stage.until(stage.shows("Replying to Bob"))
        await say(stage, "s")
        assert sent(stage)[-1] == Line(
            Kind.TEXT, Safe("yes"), reply_to=event_id(stage, "are you coming?")
        )


async def test_g_goes_to_the_answered_message_also_where_it_has_to_be_loaded(
    stage: Stage,
) -> None:
    room = await stage.server.have_direct_room(
        BOB, "Bob", history=[f"line {n:03}" for n in range(200)], shown=20
    )
    first = stage.server.rooms[room].events[0].event_id
    async with stage.open() as pilot:
        await open_first(stage)
        answer = Line(Kind.TEXT, Safe("to the first"), reply_to=first)
        await stage.server.do(room, BOB, answer)
        await pilot.press("ctrl+end")
        await stage.until(stage.shows("a message that is not loaded"))
        await pilot.press("up", "g")
        await stage.until(stage.shows("line 000"))
        message = stage.timeline.cursor_message
        assert message is not None
        assert message.body == "line 000"
        stage.timeline.action_newest()
        await stage.until(stage.shows("╭ Bob: line 000"))


async def test_answer_to_something_nobody_can_see_says_so(stage: Stage) -> None:
    room = await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        answer = Line(Kind.TEXT, Safe("answer"), reply_to=EventId("$nowhere"))
        await stage.server.do(room, BOB, answer)
        await stage.until(stage.shows("╭ a message that is not loaded"))
        await pilot.press("up", "g")
        await stage.until(lambda: any("was not found" in line for line in stage.notices()))


async def test_message_in_a_thread_names_its_root_and_is_answered_there(stage: Stage) -> None:
    room = await chat_with_bob(stage, "root")
    async with stage.open() as pilot:
        await open_first(stage)
        root = event_id(stage, "root")
        deeper = await stage.server.do(room, BOB, Line(Kind.TEXT, Safe("deeper"), thread=root))
        await stage.until(stage.shows("╭ in a thread: Bob: root"))
        await pilot.press("up", "r")
        await stage.until(stage.shows("Replying to Bob"))
        await say(stage, "answer")
        assert sent(stage) == [Line(Kind.TEXT, Safe("answer"), reply_to=deeper, thread=root)]


# -- edits --


async def test_edit_is_sent_and_gives_the_draft_back(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await say(stage, "helo")
        await stage.type("half")
        stage.timeline.focus()
        await pilot.press("up", "e")
        await stage.until(stage.shows("Editing (Esc cancels): helo"))
        assert stage.composer.text == "helo"
        await pilot.press("left", "l", "enter")
        await stage.until(stage.shows("hello (edited)"))
        assert stage.composer.text == "half"
        await stage.until(lambda: len(sent(stage)) == 2)
        assert sent(stage)[-1] == Edit(event_id(stage, "hello"), said("hello"))


async def test_escape_ends_the_edit_and_brings_the_draft_back(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await say(stage, "hello")
        await stage.type("half")
        stage.timeline.focus()
        await pilot.press("up", "e")
        await stage.until(lambda: stage.composer.text == "hello")
        await stage.type("!!")
        await pilot.press("escape")
        await stage.until(lambda: stage.composer.text == "half")
        assert "Editing" not in stage.text()
        assert [message.body for message in stage.messages()] == ["hi", "hello"]


async def test_edit_in_the_making_survives_restart_beside_the_draft(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await say(stage, "hello")
        await stage.type("half")
        stage.timeline.focus()
        await pilot.press("up", "e")
        await stage.until(lambda: stage.composer.text == "hello")
        await stage.type("!")
        await pilot.press("ctrl+q")
        await stage.until(lambda: not stage.app.is_running)
    async with stage.open() as pilot:
        await open_first(stage)
        assert stage.composer.text == "hello!"
        await pilot.press("escape")
        await stage.until(lambda: stage.composer.text == "half")


async def test_text_of_an_edit_is_kept_when_the_message_is_deleted_meanwhile(
    stage: Stage,
) -> None:
    room = await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await say(stage, "hello")
        await pilot.press("up", "e")
        await stage.until(lambda: stage.composer.text == "hello")
        await stage.server.do(room, stage.server.me, Redaction(event_id(stage, "hello")))
        await stage.until(stage.shows("Message deleted"))
        await stage.type("!")
        await pilot.press("enter")
        await stage.until(lambda: any("Not edited" in line for line in stage.notices()))
        assert stage.composer.text == "hello!"


async def test_what_somebody_else_said_cannot_be_edited_or_deleted(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("up", "e", "d")
        await pilot.pause()
        assert not isinstance(stage.app.screen, Question)
        assert stage.composer.text == ""


# -- reactions --


async def test_digit_reacts_and_the_same_again_takes_it_back(stage: Stage) -> None:
    room = await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        target = event_id(stage, "hi")
        await stage.server.do(room, BOB, Reaction(target, Safe("👍")))
        await stage.until(stage.shows("👍\xa01"))
        await pilot.press("up", "plus")
        await until_asked(stage, ReactionPicker)
        await pilot.press("1")
        await stage.until(stage.shows("👍\xa02\xa0(you)"))
        await pilot.press("plus")
        await until_asked(stage, ReactionPicker)
        await stage.until(stage.shows("yours: taken back"))
        await pilot.press("1")
        await stage.until(lambda: "(you" not in stage.text())
        await stage.until(stage.shows("👍\xa01"))
        assert [type(content) for content in sent(stage)] == [Reaction, Redaction]


async def test_names_of_reactions_stand_below_each_other(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("up", "plus")
        await until_asked(stage, ReactionPicker)
        await stage.until(stage.shows("party popper"))
        lines = stage.text().splitlines()
        rows = [next(line for line in lines if name in line) for _, name in COMMON]
        ends = {
            cell_len(row.partition(name)[0]) for row, (_, name) in zip(rows, COMMON, strict=True)
        }
        assert len(ends) == 1


async def test_reaction_is_found_by_its_name(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("up", "plus")
        await until_asked(stage, ReactionPicker)
        await stage.type("see no evil")
        await stage.until(stage.shows("🙈"))
        await pilot.press("enter")
        await stage.until(stage.shows("🙈\xa01\xa0(you"))


def test_emoji_are_found_by_all_words_of_their_names_best_first() -> None:
    assert find("tada", 1)[0][0] == "🎉"
    assert find("heart", 1)[0][0] == "❤️"
    assert "😂" in dict(find("face tears", 9))
    assert find("no such thing", 5) == []
    assert not any("skin tone" in names for _, names in find("thumbs", 50))


async def test_enter_tells_who_reacted_and_when_it_was_edited(stage: Stage) -> None:
    room = await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        target = event_id(stage, "hi")
        await stage.server.do(room, BOB, Reaction(target, Safe("👍")))
        await stage.server.do(room, BOB, Edit(target, said("hi there")))
        await stage.until(stage.shows("hi there (edited)"))
        await pilot.press("up", "enter")
        await until_asked(stage, Question)
        await stage.until(stage.shows("👍 Bob"))
        assert "Edited " in stage.text()
        await pilot.press("r")
        await stage.until(stage.shows("Replying to Bob"))


# -- deletions --


async def test_deleting_asks_and_shows_at_once(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await say(stage, "regretted")
        target = event_id(stage, "regretted")
        await pilot.press("up", "d")
        await until_asked(stage, Question)
        await pilot.press("enter")
        await stage.until(lambda: not isinstance(stage.app.screen, Question))
        assert "regretted" in stage.text()
        await pilot.press("d")
        await until_asked(stage, Question)
        gate = stage.server.hold("send")
        await pilot.press("d")
        await stage.until(stage.shows("Message deleted"))
        gate.set()
        await stage.until(lambda: sent(stage)[-1] == Redaction(target))


async def test_deletion_that_fails_says_so_and_is_tried_again_with_x(stage: Stage) -> None:
    await chat_with_bob(stage, "hi")
    async with stage.open() as pilot:
        await open_first(stage)
        await say(stage, "regretted")
        stage.server.fail("send", Forbidden("Not allowed.", 403, "M_FORBIDDEN"))
        await pilot.press("up", "d")
        await until_asked(stage, Question)
        await pilot.press("d")
        await stage.until(stage.shows("✗ not deleted: Not allowed."))
        assert "regretted" in stage.text()
        await pilot.press("x")
        await stage.until(stage.shows("Message deleted"))


async def test_esc_leads_from_a_selected_message_straight_to_the_composer(stage: Stage) -> None:
    await chat_with_bob(stage)
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("up")
        await stage.until(lambda: stage.app.focused is stage.conversation.timeline)
        await pilot.press("escape")
        await stage.until(lambda: stage.app.focused is stage.conversation.composer)
        await pilot.press(*"ex")
        assert stage.conversation.composer.text == "ex"


# -- what is pressed on a message --


async def test_a_key_in_one_read_with_up_is_for_the_message_that_it_selects(stage: Stage) -> None:
    await chat_with_bob(stage, "are you coming?")
    async with stage.open():
        await open_first(stage)
        for key in ("up", "r"):
            stage.app.post_message(Key(key, key if len(key) == 1 else None))
        await stage.until(stage.shows("Replying to Bob (Esc cancels): are you coming?"))
        assert stage.composer.text == ""


async def test_hints_tell_what_can_be_done_with_a_message_of_ones_own(stage: Stage) -> None:
    await chat_with_bob(stage, "are you coming?")
    async with stage.open() as pilot:
        await open_first(stage)
        await say(stage, "yes")
        await pilot.press("up")
        await stage.until(stage.shows("e Edit   d Delete"))
        await pilot.press("up")
        await stage.until(lambda: "e Edit" not in stage.text())
        assert "r Reply" in stage.text()


async def test_hints_of_a_deleted_message_offer_nothing_that_it_has_no_more(stage: Stage) -> None:
    room = await chat_with_bob(stage, "are you coming?")
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("up")
        await stage.until(stage.shows("y Copy"))
        await stage.server.do(room, BOB, Redaction(event_id(stage, "are you coming?")))
        await stage.until(stage.shows("Message deleted"))
        await stage.until(
            lambda: not any(w in stage.text() for w in ("y Copy", "r Reply", "React"))
        )
        await pilot.press("y")
        await pilot.pause()
        assert not any("Copied" in line for line in stage.notices())


async def test_enter_on_an_emptied_edit_offers_to_delete_the_message(stage: Stage) -> None:
    await chat_with_bob(stage, "are you coming?")
    async with stage.open() as pilot:
        await open_first(stage)
        await say(stage, "yes")
        await pilot.press("up", "e")
        await stage.until(lambda: stage.composer.text == "yes")
        await pilot.press("ctrl+u", "enter")
        await until_asked(stage, Question)
        await pilot.press("k")
        await stage.until(stage.shows("Editing (Esc cancels): yes"))
        await pilot.press("enter")
        await until_asked(stage, Question)
        await pilot.press("d")
        await stage.until(stage.shows("Message deleted"))
        await stage.until(lambda: "Editing" not in stage.text())
        assert stage.composer.text == ""


async def test_enter_on_an_emptied_edit_of_what_was_not_sent_offers_to_discard_it(
    stage: Stage,
) -> None:
    await chat_with_bob(stage, "are you coming?")
    stage.server.fail("send", Forbidden("No."))
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.type("yes")
        await pilot.press("enter")
        await stage.until(lambda: states(stage) == [SendState.FAILED])
        await pilot.press("up", "e")
        await stage.until(lambda: stage.composer.text == "yes")
        await pilot.press("ctrl+u", "enter")
        await until_asked(stage, Question)
        await pilot.press("d")
        await stage.until(lambda: states(stage) == [])
        await stage.until(lambda: "Editing" not in stage.text())
