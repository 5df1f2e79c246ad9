"""Messages to somebody whose identity has changed wait until the user has decided."""

from __future__ import annotations

import pytest

from dmtui.core.events import IdentityChanged, TimelineChanged
from dmtui.core.model import Alarm, RoomId, SendState, UserId
from dmtui.core.trust import IdentityState
from tests.fakes import BOB, CAROL
from tests.messenger.conftest import Desk

CHANGED = {BOB: Alarm.IDENTITY}
DAVE = UserId("@dave:example.org")
ALARMING = [IdentityState.CHANGED, IdentityState.VIOLATED]


async def chat(desk: Desk, *, encrypted: bool = True) -> RoomId:
    room_id = await desk.server.have_direct_room(BOB, "Bob", encrypted=encrypted)
    await desk.start()
    await desk.until(lambda: desk.conversation())
    return room_id


@pytest.mark.parametrize("state", ALARMING)
async def test_message_waits_for_the_decision_and_then_goes_out_once(
    desk: Desk, state: IdentityState
) -> None:
    await chat(desk)
    await desk.server.change_identity(BOB, state)
    await desk.until(lambda: desk.messenger.alarms_of(BOB) == CHANGED)
    await desk.messenger.send(BOB, "psst")
    await desk.until(lambda: desk.server.count("send") and desk.states() == [SendState.QUEUED])
    await desk.messenger.accept_identity(BOB)
    await desk.until(lambda: desk.states() == [SendState.SENT])
    assert desk.messenger.alarms_of(BOB) == {}


async def test_alarm_that_only_sending_finds_is_raised(desk: Desk) -> None:
    await chat(desk)
    desk.server.identities[BOB] = IdentityState.CHANGED
    await desk.messenger.send(BOB, "psst")
    await desk.until(lambda: desk.messenger.alarms_of(BOB) == CHANGED)
    await desk.until(lambda: desk.states() == [SendState.QUEUED])


async def test_identity_that_is_compared_again_lets_messages_go(desk: Desk) -> None:
    await chat(desk)
    await desk.server.change_identity(BOB, IdentityState.CHANGED)
    await desk.messenger.send(BOB, "psst")
    await desk.until(lambda: desk.messenger.alarms_of(BOB) and desk.states() == [SendState.QUEUED])
    await desk.server.change_identity(BOB, IdentityState.VERIFIED)
    await desk.until(lambda: desk.states() == [SendState.SENT])


async def test_change_is_told_once(desk: Desk) -> None:
    room_id = await chat(desk)
    subscription = desk.messenger.subscribe()
    told: list[object] = []
    await desk.server.change_identity(BOB, IdentityState.CHANGED)
    await desk.until(lambda: desk.messenger.alarms_of(BOB))
    await desk.server.change_identity(BOB, IdentityState.VIOLATED)
    await desk.server.say(room_id, BOB, "done")
    while TimelineChanged(BOB) not in told:
        told += await subscription.next()
    assert told.count(IdentityChanged(BOB)) == 1


async def test_others_are_written_to_meanwhile(desk: Desk) -> None:
    await chat(desk)
    await desk.server.have_direct_room(CAROL, "Carol", encrypted=True)
    await desk.until(lambda: desk.messenger.conversations(frozenset({CAROL})))
    await desk.server.change_identity(BOB, IdentityState.CHANGED)
    await desk.messenger.send(BOB, "psst")
    await desk.messenger.send(CAROL, "hello")
    await desk.until(
        lambda: [m.state for m in desk.messenger.messages(CAROL).messages] == [SendState.SENT]
    )


async def test_chat_without_encryption_knows_no_alarm(desk: Desk) -> None:
    await chat(desk, encrypted=False)
    await desk.server.change_identity(BOB, IdentityState.CHANGED)
    await desk.messenger.send(BOB, "hello")
    await desk.until(lambda: desk.states() == [SendState.SENT])
    assert desk.messenger.alarms_of(BOB) == {}


async def test_alarm_survives_a_restart(desk: Desk) -> None:
    await chat(desk)
    await desk.server.change_identity(BOB, IdentityState.CHANGED)
    await desk.messenger.send(BOB, "psst")
    await desk.until(lambda: desk.messenger.alarms_of(BOB) and desk.states() == [SendState.QUEUED])
    await desk.restart()
    assert desk.messenger.alarms_of(BOB) == CHANGED
    await desk.until(lambda: desk.states() == [SendState.QUEUED])


async def test_command_says_why_it_does_not_send(desk: Desk) -> None:
    await chat(desk)
    await desk.server.change_identity(BOB, IdentityState.CHANGED)
    await desk.until(lambda: desk.messenger.alarms_of(BOB))
    outcome = await desk.messenger.deliver(BOB, "hello")
    assert outcome is not None
    assert not outcome.ok
    assert "identity" in outcome.message


async def test_message_that_nobody_could_read_waits_for_a_confirmed_device(desk: Desk) -> None:
    await chat(desk)
    desk.server.unconfirmed = {BOB}
    await desk.messenger.send(BOB, "psst")
    await desk.until(lambda: desk.messenger.alarms_of(BOB) == {BOB: Alarm.DEVICES})
    await desk.until(lambda: desk.states() == [SendState.QUEUED])
    await desk.server.change_unconfirmed()
    await desk.until(lambda: desk.states() == [SendState.SENT])


async def test_exception_lets_the_message_go(desk: Desk) -> None:
    await chat(desk)
    await desk.server.change_unconfirmed(BOB)
    await desk.messenger.send(BOB, "psst")
    await desk.until(lambda: desk.server.count("send") and desk.states() == [SendState.QUEUED])
    await desk.messenger.except_devices(BOB, True)
    await desk.until(lambda: desk.states() == [SendState.SENT])
    assert desk.messenger.alarms_of(BOB) == {}


async def test_group_is_held_up_only_if_nobody_in_it_could_read(desk: Desk) -> None:
    room_id, people = await chat(desk), (BOB, CAROL)
    await desk.server.bring(room_id, CAROL, "Carol")
    group = UserId(room_id)
    await desk.until(lambda: desk.messenger.conversations(frozenset({group})))
    await desk.server.change_unconfirmed(BOB)
    await desk.until(lambda: desk.store.hold(room_id, people)[1])
    assert desk.messenger.alarms_of(group) == {}
    await desk.server.change_unconfirmed(BOB, CAROL)
    await desk.until(lambda: len(desk.store.hold(room_id, people)[1]) == 2)
    assert desk.messenger.alarms_of(group).keys() == {BOB, CAROL}


async def test_command_says_that_its_message_waits_in_the_chat(desk: Desk) -> None:
    await chat(desk)
    desk.server.unconfirmed = {BOB}
    outcome = await desk.messenger.deliver(BOB, "hello")
    assert outcome is not None
    assert not outcome.ok
    assert "confirmed no device" in outcome.message
    assert "waits there" in outcome.message
    await desk.messenger.except_devices(BOB, True)
    await desk.until(lambda: desk.states() == [SendState.SENT])


async def group(desk: Desk) -> tuple[RoomId, UserId]:
    room_id = await chat(desk)
    await desk.server.bring(room_id, CAROL, "Carol")
    found = UserId(room_id)
    await desk.until(lambda: desk.messenger.conversations(frozenset({found})))
    return room_id, found


async def test_group_goes_on_once_whoever_held_it_up_is_gone(desk: Desk) -> None:
    room_id, found = await group(desk)
    await desk.server.change_identity(CAROL, IdentityState.CHANGED)
    sent = await desk.messenger.send(found, "psst")
    await desk.until(lambda: desk.server.count("send") and desk.states(found) == [SendState.QUEUED])
    await desk.server.kick(room_id, CAROL, BOB)
    del desk.server.rooms[room_id].members[CAROL]  # whoever is gone is no reader
    await desk.until(lambda: (m := desk.store.message(sent)) and m.state is SendState.SENT)


async def test_group_goes_on_once_somebody_comes_who_could_read(desk: Desk) -> None:
    room_id, found = await group(desk)
    await desk.server.change_unconfirmed(BOB, CAROL)
    await desk.messenger.send(found, "psst")
    await desk.until(lambda: desk.server.count("send") and desk.states(found) == [SendState.QUEUED])
    await desk.server.bring(room_id, DAVE, "Dave")
    await desk.until(lambda: desk.states(found) == [SendState.SENT])
