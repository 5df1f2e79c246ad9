"""What others are told of what I do: typing and reading."""

from __future__ import annotations

from dmtui.core.errors import Unreachable
from dmtui.core.privacy import Privacy, Receipts
from dmtui.messenger.typing import REPEAT_SECONDS
from tests.fakes import BOB, CAROL
from tests.messenger.conftest import Desk


def told(desk: Desk, name: str = "set_typing") -> list[tuple[object, ...]]:
    return [call.arguments for call in desk.server.calls if call.name == name]


async def test_typing_is_told_sparingly_and_its_end_at_once(desk: Desk) -> None:
    room = await desk.server.have_direct_room(BOB)
    await desk.start()
    for _ in range(3):
        desk.messenger.set_typing(BOB, True)
    await desk.until(lambda: told(desk) == [(room, True)])
    desk.clock.turn(REPEAT_SECONDS)
    desk.messenger.set_typing(BOB, True)
    await desk.until(lambda: told(desk) == [(room, True)] * 2)
    desk.messenger.set_typing(BOB, False)
    desk.messenger.set_typing(BOB, False)
    await desk.until(lambda: told(desk)[2:] == [(room, False)])


async def test_what_the_server_did_not_hear_of_typing_is_not_repeated_later(desk: Desk) -> None:
    room = await desk.server.have_direct_room(BOB)
    await desk.start()
    desk.server.fail("set_typing", Unreachable("no network"))
    held = desk.server.hold("set_typing")
    desk.messenger.set_typing(BOB, True)
    await desk.server.called("set_typing")
    for _ in range(3):  # while the first one hangs
        desk.messenger.set_typing(BOB, False)
        desk.messenger.set_typing(BOB, True)
    held.set()
    await desk.until(lambda: told(desk) == [(room, True)] * 2)
    assert desk.store.pending_intents() == ()


async def test_typing_goes_to_the_serving_room_of_who_is_there(desk: Desk) -> None:
    first, second = [await desk.server.have_direct_room(BOB) for _ in range(2)]
    invited = await desk.server.have_direct_room(CAROL)
    await desk.server.abandon(invited, CAROL)
    await desk.start()
    serving = desk.conversation(BOB)
    assert serving is not None
    desk.messenger.set_typing(CAROL, True)
    desk.messenger.set_typing(BOB, True)
    await desk.until(lambda: told(desk) == [(serving.room_id, True)])
    assert serving.room_id in (first, second)


async def test_nobody_is_told_of_typing_where_the_settings_say_so(desk: Desk) -> None:
    room = await desk.server.have_direct_room(BOB, "Bob", history=["hi"])
    desk.privacy = Privacy(typing=False)
    await desk.restart()
    desk.messenger.set_typing(BOB, True)
    desk.messenger.set_typing(BOB, False)
    await desk.messenger.mark_read(BOB)
    await desk.until(lambda: told(desk, "mark_read"))
    assert told(desk) == []
    assert told(desk, "mark_read")[0][0] == room


async def test_who_was_seen_typing_before_it_was_switched_off_is_seen_ending(desk: Desk) -> None:
    room = await desk.server.have_direct_room(BOB, "Bob", history=["hi"])
    await desk.restart()
    desk.messenger.set_typing(BOB, True)
    await desk.until(lambda: told(desk) == [(room, True)])
    desk.messenger.privacy = Privacy(typing=False)
    desk.messenger.set_typing(BOB, True)
    desk.messenger.set_typing(BOB, False)
    await desk.until(lambda: told(desk) == [(room, True), (room, False)])


async def test_receipts_are_private_where_the_settings_say_so(desk: Desk) -> None:
    room = await desk.server.have_direct_room(BOB, "Bob", history=["hi"])
    desk.privacy = Privacy(receipts=Receipts.PRIVATE)
    await desk.restart()
    newest = desk.server.rooms[room].events[-1].event_id
    await desk.messenger.mark_read(BOB)
    await desk.until(lambda: told(desk, "mark_read") == [(room, newest, True)])
    (here,) = desk.messenger.conversations(frozenset({BOB}))
    assert here.unread == 0
