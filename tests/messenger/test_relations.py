"""Edits, reactions and deletions through the messenger, on a server that has its moments."""

from __future__ import annotations

from dmtui.core.errors import Forbidden, Unreachable
from dmtui.core.events import Line, Reaction, Redaction
from dmtui.core.model import Kind, Safe, SendState
from tests.fakes import BOB
from tests.messenger.conftest import Desk


async def test_edit_reaction_and_deletion_reach_the_server_in_order(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob", history=["hi"])
    await desk.start()
    await desk.messenger.send(BOB, "hello")
    await desk.until(lambda: desk.states() == [SendState.SENT])
    theirs, mine = desk.messages()
    await desk.messenger.relations.react(theirs.key, "👍")
    await desk.messenger.relations.edit(mine.key, "hello, Bob")
    await desk.until(lambda: not any(message.acts for message in desk.messages()))
    assert desk.bodies() == ["hi", "hello, Bob"]
    await desk.messenger.relations.delete(mine.key)
    await desk.until(lambda: len(desk.server.rooms[room_id].events) == 5)
    await desk.until(lambda: desk.bodies() == ["hi", "Message deleted"])
    assert [reaction.emoji for reaction in desk.messages()[0].reactions] == ["👍"]


async def test_acts_survive_restart_and_are_done_once(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob", history=["hi"])
    await desk.start()
    desk.server.fail("send", Unreachable("The homeserver does not answer."), times=1000)
    await desk.messenger.send(BOB, "hello")
    await desk.server.called("send")
    theirs, mine = desk.messages()
    await desk.messenger.relations.edit(mine.key, "hello, Bob")
    await desk.messenger.relations.react(theirs.key, "👍")
    desk.server.heal("send")
    desk.server.lose_answer("send")
    await desk.restart()
    await desk.until(lambda: not any(message.acts for message in desk.messages()))
    assert desk.bodies() == ["hi", "hello, Bob"]
    assert len(desk.server.rooms[room_id].events) == 4


async def test_refused_deletion_says_so_and_can_be_tried_again(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    await desk.messenger.send(BOB, "hello")
    await desk.until(lambda: desk.states() == [SendState.SENT])
    (mine,) = desk.messages()
    desk.server.fail("send", Forbidden("You may not delete this.", 403, "M_FORBIDDEN"))
    await desk.messenger.relations.delete(mine.key)
    await desk.until(lambda: desk.messages()[0].failed_act)
    act = desk.messages()[0].failed_act
    assert act is not None
    assert (act.failure, desk.bodies()) == ("You may not delete this.", ["hello"])
    await desk.messenger.retry(act.transaction_id)
    await desk.until(lambda: desk.bodies() == ["Message deleted"] and not desk.messages()[0].acts)


async def test_reaction_that_another_device_of_mine_has_given_is_no_failure(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob", history=["hi"])
    await desk.start()
    (theirs,) = desk.messages()
    gate = desk.server.hold("send")
    await desk.messenger.relations.react(theirs.key, "👍")
    await desk.server.called("send")
    assert theirs.event_id is not None
    await desk.server.do(room_id, desk.server.me, Reaction(theirs.event_id, Safe("👍")))
    gate.set()
    await desk.until(lambda: (m := desk.messages()[0]).reactions and not m.acts)
    (reactions,) = desk.messages()[0].reactions
    assert (reactions.mine, len(reactions.names)) == (True, 1)


async def test_reply_and_deletion_of_others_are_taken_in(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    await desk.messenger.send(BOB, "question")
    await desk.until(lambda: desk.states() == [SendState.SENT])
    (mine,) = desk.messages()
    answer = Line(Kind.TEXT, mine.body, reply_to=mine.event_id)
    answered = await desk.server.do(room_id, BOB, answer)
    await desk.until(lambda: len(desk.messages()) == 2)
    quote = desk.messages()[1].quote
    assert quote is not None
    assert (quote.key, quote.own) == (mine.key, True)
    await desk.server.do(room_id, BOB, Redaction(answered))
    await desk.until(lambda: desk.messages()[1].kind is Kind.REDACTED)
    assert desk.messages()[1].quote is None
