"""What is typed is kept with its formatting, until the server has it."""

from __future__ import annotations

from dmtui.core.errors import Unreachable
from dmtui.core.events import Edit, Line
from dmtui.core.intents import Deliver
from dmtui.core.model import RoomId, SendState
from tests.fakes import BOB
from tests.messenger.conftest import Desk

MENTION = '<a href="https://matrix.to/#/@bob:example.org">Bob</a>, <strong>look</strong>'


def lines(desk: Desk, room_id: RoomId) -> list[Line]:
    contents = [event.content for event in desk.server.rooms[room_id].events]
    found = [each.line if isinstance(each, Edit) else each for each in contents]
    return [each for each in found if isinstance(each, Line)]


async def test_typed_markdown_is_shown_and_sent_with_its_formatting(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    desk.server.fail("send", Unreachable("The homeserver does not answer."), times=1000)
    await desk.messenger.send(BOB, "@Bob, **look**")
    (waiting,) = desk.messages()
    assert (waiting.body, waiting.formatted) == ("@Bob, **look**", MENTION)
    desk.server.heal("send")
    await desk.restart()
    await desk.until(lambda: desk.states() == [SendState.SENT])
    (line,) = lines(desk, room_id)
    assert (line.body, line.formatted) == ("@Bob, **look**", MENTION)


async def test_text_without_formatting_is_sent_plain(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    await desk.messenger.send(BOB, "just 2 * 3 words")
    await desk.until(lambda: desk.states() == [SendState.SENT])
    assert [line.formatted for line in lines(desk, room_id)] == [""]


async def test_an_edit_is_markdown_too(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    await desk.messenger.send(BOB, "hello")
    await desk.until(lambda: desk.states() == [SendState.SENT])
    await desk.messenger.relations.edit(desk.messages()[0].key, "@Bob, **look**")
    await desk.until(lambda: not desk.messages()[0].acts)
    assert lines(desk, room_id)[-1].formatted == MENTION
    assert desk.messages()[0].formatted == MENTION


async def test_what_a_script_sends_is_no_markdown(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    desk.hand_over(Deliver(BOB, "**not bold**"))
    await desk.until(lambda: desk.states() == [SendState.SENT])
    assert [line.formatted for line in lines(desk, room_id)] == [""]
