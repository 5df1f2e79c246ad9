from __future__ import annotations

from collections.abc import Collection

import pytest

from dmtui.core.errors import Forbidden, RateLimited, ServerTrouble, Unreachable
from dmtui.core.events import RoomUpdate, SyncBatch
from dmtui.core.model import Member, Membership, RoomId, SendState, TransactionId, UserId
from dmtui.store.store import Outgoing
from tests.fakes import BOB, CAROL, said
from tests.messenger.conftest import Desk


async def test_message_is_shown_at_once_and_delivered(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    gate = desk.server.hold("send")
    await desk.messenger.send(BOB, "hello")
    assert desk.bodies() == ["hello"]
    assert desk.states()[0] in (SendState.QUEUED, SendState.SENDING)
    gate.set()
    await desk.until(lambda: desk.states() == [SendState.SENT])
    assert desk.bodies() == ["hello"]


async def test_messages_of_a_room_are_sent_in_order(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.start()
    for number in range(5):
        await desk.messenger.send(BOB, str(number))
    await desk.until(lambda: desk.states() == [SendState.SENT] * 5)
    bodies = [call.arguments[2] for call in desk.server.calls if call.name == "send"]
    assert bodies == [said(n) for n in "01234"]
    assert len(desk.server.rooms[room_id].events) == 5


async def test_message_without_an_answer_is_sent_again_under_the_same_transaction_id(
    desk: Desk,
) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.start()
    desk.server.fail("sync", Unreachable("cut off"), times=1000)
    await desk.server.show_typing(room_id, BOB)  # ends the waiting sync; no echo comes from now on
    desk.server.lose_answer("send")
    await desk.messenger.send(BOB, "once")
    await desk.until(lambda: desk.server.count("send") == 2)
    desk.server.heal("sync")
    await desk.until(lambda: desk.states() == [SendState.SENT])
    assert len(desk.server.rooms[room_id].events) == 1
    assert desk.bodies() == ["once"]
    ids = {call.arguments[1] for call in desk.server.calls if call.name == "send"}
    assert len(ids) == 1


async def test_echo_settles_a_message_whose_answer_was_lost(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.start()
    desk.server.lose_answer("send")
    await desk.messenger.send(BOB, "once")
    await desk.until(lambda: desk.states() == [SendState.SENT])
    assert len(desk.server.rooms[room_id].events) == 1
    assert desk.bodies() == ["once"]


async def test_queued_message_survives_restart(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.start()
    desk.server.fail("send", Unreachable("The homeserver does not answer."), times=1000)
    await desk.messenger.send(BOB, "later")
    await desk.server.called("send")
    desk.server.heal("send")
    await desk.restart()
    await desk.until(lambda: desk.states() == [SendState.SENT])
    assert [event.sender for event in desk.server.rooms[room_id].events] == [desk.server.me]


async def test_message_interrupted_while_sending_arrives_once_after_restart(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.start()
    desk.server.hold("send")
    await desk.messenger.send(BOB, "interrupted")
    await desk.server.called("send")
    assert desk.states() == [SendState.SENDING]
    desk.server.hold("send").set()
    await desk.restart()
    await desk.until(lambda: desk.states() == [SendState.SENT])
    assert len(desk.server.rooms[room_id].events) == 1


async def test_refused_message_is_parked_and_later_ones_pass(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB)
    await desk.start()
    desk.server.fail("send", Forbidden("You may not send here.", 403, "M_FORBIDDEN"))
    await desk.messenger.send(BOB, "refused")
    await desk.until(lambda: desk.states() == [SendState.FAILED])
    await desk.messenger.send(BOB, "accepted")
    await desk.until(lambda: SendState.SENT in desk.states())
    failed = next(m for m in desk.messages() if m.state is SendState.FAILED)
    assert (failed.body, failed.failure) == ("refused", "You may not send here.")


async def test_failed_message_can_be_retried(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB)
    await desk.start()
    desk.server.fail("send", Forbidden("No.", 403, "M_FORBIDDEN"))
    transaction_id = await desk.messenger.send(BOB, "again")
    await desk.until(lambda: desk.states() == [SendState.FAILED])
    await desk.messenger.retry(transaction_id)
    await desk.until(lambda: desk.states() == [SendState.SENT])


async def test_discarded_message_gives_its_text_back(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB)
    await desk.start()
    desk.server.fail("send", Forbidden("No.", 403, "M_FORBIDDEN"))
    transaction_id = await desk.messenger.send(BOB, "a typo\nin two lines")
    await desk.until(lambda: desk.states() == [SendState.FAILED])
    assert await desk.messenger.discard(transaction_id) == "a typo\nin two lines"
    assert desk.messages() == ()
    assert await desk.messenger.discard(TransactionId("unknown")) == ""


@pytest.mark.parametrize("change", ["discarded", "group"])
async def test_message_that_changes_at_the_last_moment_is_not_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.start()
    store, looked = desk.store, desk.store.next_outgoing

    def overtaken(busy: Collection[RoomId]) -> Outgoing | None:
        outgoing = looked(busy)
        if outgoing is not None and change == "discarded":
            store.discard(outgoing.transaction_id)
        elif outgoing is not None:
            carol = Member(CAROL, Membership.JOIN)
            store.apply(SyncBatch("", rooms=(RoomUpdate(room_id, members=(carol,)),)))
        return outgoing

    monkeypatch.setattr(store, "next_outgoing", overtaken)
    transaction_id = await desk.messenger.send(BOB, "for Bob")
    await desk.until(lambda: store.next_outgoing(()) is None)
    monkeypatch.undo()
    message = store.message(transaction_id)
    assert message is None or message.state is SendState.FAILED
    await desk.messenger.send(BOB if change == "discarded" else UserId(room_id), "more")
    await desk.server.called("send")
    (call,) = [call for call in desk.server.calls if call.name == "send"]
    assert said("more") in call.arguments


async def test_rate_limit_is_waited_out(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB)
    await desk.start()
    desk.server.fail("send", RateLimited("Slow down.", retry_after=30.0))
    began = desk.clock.now()
    await desk.messenger.send(BOB, "patience")
    await desk.until(lambda: desk.states() == [SendState.SENT])
    assert desk.clock.now() - began >= 30.0


async def test_trouble_in_one_room_does_not_hold_up_another(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB)
    await desk.server.have_direct_room(CAROL)
    await desk.start()
    desk.server.fail("send", ServerTrouble("502"))
    await desk.messenger.send(BOB, "held up")
    await desk.server.called("send")
    await desk.messenger.send(CAROL, "passes")
    await desk.server.called("send", 2)
    await desk.until(lambda: desk.states(CAROL) == [SendState.SENT])


async def test_message_on_its_way_does_not_give_its_text_back(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.start()
    gate = desk.server.hold("send")
    transaction_id = await desk.messenger.send(BOB, "too late")
    await desk.server.called("send")
    assert await desk.messenger.discard(transaction_id) == ""
    gate.set()
    await desk.until(lambda: desk.states() == [SendState.SENT])
    assert len(desk.server.rooms[room_id].events) == 1
