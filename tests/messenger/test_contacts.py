from __future__ import annotations

import pytest

from dmtui.core.contacts import FAVOURITE, LOW_PRIORITY, PEOPLE
from dmtui.core.errors import Forbidden, ServerTrouble, Unreachable
from dmtui.core.intents import ArrangeContact, Outcome
from dmtui.core.model import Conversation, Json, RoomId, UserId
from dmtui.messenger.contacts import LONGEST_SLEEP
from tests.fakes import BOB, CAROL
from tests.messenger.conftest import Desk

HOUR = 3_600_000


def bob(desk: Desk) -> Conversation:
    found = desk.conversation(BOB)
    assert found is not None
    return found


def idle(desk: Desk) -> bool:
    return desk.store.pending_intents() == ()


def now(desk: Desk) -> int:
    return int(desk.clock.now() * 1000)


async def beginning(desk: Desk, *history: str) -> RoomId:
    room = await desk.server.have_direct_room(BOB, "Bob", history=history)
    await desk.start()
    return room


async def test_a_pin_is_a_tag_on_the_server(desk: Desk) -> None:
    room = await beginning(desk)
    await desk.messenger.contacts.turn_pin(BOB)
    assert bob(desk).pinned
    await desk.until(lambda: idle(desk))
    assert desk.server.rooms[room].tags == {FAVOURITE}
    assert bob(desk).pinned
    await desk.messenger.contacts.turn_pin(BOB)
    await desk.until(lambda: idle(desk))
    assert desk.server.rooms[room].tags == set()


async def test_pin_and_archive_are_turned_into_what_they_are_not_and_end_each_other(
    desk: Desk,
) -> None:
    room = await beginning(desk)
    contacts = desk.messenger.contacts
    held = desk.server.hold("set_tag")
    turns = [contacts.turn_pin, contacts.turn_archive, contacts.turn_archive, contacts.turn_archive]
    now_so = [(await turn(BOB))[0] for turn in turns]
    assert now_so == [True, True, False, True]
    assert (bob(desk).pinned, bob(desk).archived) == (False, True)
    held.set()
    await desk.until(lambda: idle(desk))
    assert desk.server.rooms[room].tags == {LOW_PRIORITY}
    assert (await contacts.turn_pin(BOB))[0]
    assert (bob(desk).pinned, bob(desk).archived) == (True, False)
    assert not (await contacts.turn_pin(BOB))[0]
    await desk.until(lambda: idle(desk))
    assert desk.server.rooms[room].tags == set()


async def test_every_joined_room_of_the_person_is_arranged(desk: Desk) -> None:
    rooms = [await desk.server.have_direct_room(BOB, "Bob") for _ in range(2)]
    await desk.start()
    await desk.messenger.contacts.turn_archive(BOB)
    await desk.messenger.contacts.mute(BOB, True)
    await desk.until(lambda: idle(desk))
    assert all(desk.server.rooms[room].tags == {LOW_PRIORITY} for room in rooms)
    assert desk.server.muted == set(rooms)


async def test_a_tag_that_is_there_keeps_its_order(desk: Desk) -> None:
    first = await desk.server.have_direct_room(BOB, "Bob")
    await desk.server.tag(first, LOW_PRIORITY)
    await desk.start()
    second = await desk.server.have_direct_room(BOB, "Bob")
    await desk.until(lambda: desk.server.rooms[second].tags == {LOW_PRIORITY} and idle(desk))
    tagged = [call.arguments for call in desk.server.calls if call.name == "set_tag"]
    assert tagged == [(second, LOW_PRIORITY, True)]


async def test_a_petname_goes_to_account_data_and_leaves_the_rest(desk: Desk) -> None:
    await beginning(desk)
    before: dict[str, Json] = {"people": {CAROL: {"petname": "C"}, "x": 5}, "other": [1]}
    desk.server.data[PEOPLE] = dict(before)
    await desk.messenger.contacts.rename(BOB, " Al\u202e ")
    assert (bob(desk).name, bob(desk).known_as) == ("Al", "Bob")
    await desk.until(lambda: idle(desk))
    people = {CAROL: {"petname": "C"}, "x": 5, BOB: {"petname": "Al"}}
    assert desk.server.data[PEOPLE] == {"people": people, "other": [1]}
    await desk.messenger.contacts.rename(BOB, "")
    await desk.until(lambda: idle(desk))
    assert desk.server.data[PEOPLE] == before
    assert bob(desk).name == "Bob"


async def test_nothing_is_written_where_nothing_is_different(desk: Desk) -> None:
    await beginning(desk)
    desk.server.data[PEOPLE] = {"people": {BOB: {"petname": "Al"}}}
    await desk.messenger.contacts.rename(BOB, "Al")
    await desk.until(lambda: idle(desk))
    assert desk.server.count("set_account_data") == 0


async def test_petnames_given_together_do_not_undo_each_other(desk: Desk) -> None:
    await desk.server.have_direct_room(CAROL, "Carol")
    await beginning(desk)
    held = desk.server.hold("set_account_data")
    await desk.messenger.contacts.rename(BOB, "Al")
    await desk.messenger.contacts.rename(CAROL, "C")
    await desk.server.called("set_account_data")
    held.set()
    await desk.until(lambda: idle(desk))
    assert desk.server.data[PEOPLE] == {"people": {BOB: {"petname": "Al"}, CAROL: {"petname": "C"}}}


async def test_malformed_petnames_are_left_alone_and_told_of(desk: Desk) -> None:
    await beginning(desk)
    desk.server.data[PEOPLE] = {"people": ["?"]}
    entry = await desk.messenger.contacts.rename(BOB, "Al")
    assert entry is not None
    outcome = await desk.messenger.outcome(entry)
    assert outcome is not None
    assert not outcome.ok
    assert "malformed" in outcome.message
    assert desk.server.data[PEOPLE] == {"people": ["?"]}
    assert desk.server.count("set_account_data") == 0
    assert bob(desk).name == "Bob"


async def test_a_wish_is_carried_out_after_a_crash(desk: Desk) -> None:
    room = await beginning(desk)
    desk.server.fail("set_tag", ServerTrouble("The homeserver is in trouble (HTTP 502)."), 1000)
    await desk.messenger.contacts.turn_pin(BOB)
    await desk.server.called("set_tag")
    assert desk.server.rooms[room].tags == set()
    await desk.restart()
    assert bob(desk).pinned
    desk.server.heal("set_tag")
    await desk.until(lambda: idle(desk))
    assert desk.server.rooms[room].tags == {FAVOURITE}


async def test_a_change_of_mind_under_way_wins(desk: Desk) -> None:
    room = await beginning(desk)
    held = desk.server.hold("set_tag")
    await desk.messenger.contacts.turn_pin(BOB)
    await desk.server.called("set_tag")
    await desk.messenger.contacts.turn_pin(BOB)
    held.set()
    await desk.until(lambda: idle(desk))
    assert desk.server.rooms[room].tags == set()
    assert not bob(desk).pinned


async def test_what_the_server_refuses_is_taken_back(desk: Desk) -> None:
    await beginning(desk)
    desk.server.fail("set_tag", Forbidden("Not allowed.", 403, "M_FORBIDDEN"))
    _, entry = await desk.messenger.contacts.turn_pin(BOB)
    assert entry is not None
    assert await desk.messenger.outcome(entry) == Outcome(ok=False, message="Not allowed.")
    assert not bob(desk).pinned


async def test_a_wish_of_another_process_is_carried_out(desk: Desk) -> None:
    room = await beginning(desk)
    other = type(desk.store).open(desk.path, desk.store.me)
    other.contacts.pin(BOB, pinned=True)
    other.close()
    await desk.until(lambda: desk.server.rooms[room].tags == {FAVOURITE})


async def test_a_group_is_pinned_and_muted_by_its_room(desk: Desk) -> None:
    room = await beginning(desk)
    await desk.server.bring(room, CAROL, "Carol")
    group = UserId(room)
    await desk.until(lambda: desk.conversation(group))
    end = now(desk) + HOUR
    await desk.messenger.contacts.turn_pin(group)
    await desk.messenger.contacts.mute(group, True, end)
    await desk.until(lambda: idle(desk))
    found = desk.conversation(group)
    assert found is not None
    assert (found.group, found.pinned, found.muted, found.muted_until) == (True, True, True, end)
    assert desk.server.rooms[room].tags == {FAVOURITE}
    assert desk.server.muted == {room}


# -- what other clients of mine do ----------------------------------------------------------


async def test_what_another_client_arranges_appears_here(desk: Desk) -> None:
    room = await beginning(desk)
    await desk.server.tag(room, FAVOURITE)
    await desk.until(lambda: bob(desk).pinned)
    await desk.server.mute(room)
    await desk.until(lambda: bob(desk).muted)
    await desk.server.edit_account_data(PEOPLE, {"people": {BOB: {"petname": "Al"}}})
    await desk.until(lambda: bob(desk).name == "Al")
    assert not any(isinstance(e.intent, ArrangeContact) for e in desk.store.pending_intents())


# -- time -----------------------------------------------------------------------------------


async def test_a_timed_mute_ends_by_itself(desk: Desk) -> None:
    room = await beginning(desk)
    end = now(desk) + HOUR
    await desk.messenger.contacts.mute(BOB, True, end)
    await desk.until(lambda: idle(desk))
    assert desk.server.muted == {room}
    assert desk.server.data[PEOPLE] == {"people": {BOB: {"muted_until": end}}}
    desk.clock.turn(3590)
    await desk.until(lambda: desk.server.count("sync") > 2)
    assert bob(desk).muted
    desk.clock.turn(11)
    await desk.until(lambda: not bob(desk).muted)
    await desk.until(lambda: idle(desk))
    assert desk.server.muted == set()
    assert desk.server.data[PEOPLE] == {"people": {}}


async def test_a_mute_that_ran_out_while_dmtui_was_off_ends_at_the_start(desk: Desk) -> None:
    await beginning(desk)
    await desk.messenger.contacts.mute(BOB, True, now(desk) + HOUR)
    await desk.until(lambda: idle(desk))
    desk.clock.turn(2 * HOUR / 1000)
    await desk.restart()
    await desk.until(lambda: not bob(desk).muted and not desk.server.muted)


async def test_any_device_ends_a_mute_that_another_one_began(desk: Desk) -> None:
    room = await beginning(desk)
    await desk.server.mute(room)
    content: dict[str, Json] = {"people": {BOB: {"muted_until": now(desk) + HOUR}}}
    await desk.server.edit_account_data(PEOPLE, content)
    await desk.until(lambda: bob(desk).muted_until)
    desk.clock.turn(HOUR / 1000)
    await desk.until(lambda: desk.server.muted == set())


async def test_a_mute_that_the_server_will_not_end_is_tried_now_and_then(desk: Desk) -> None:
    room = await beginning(desk)
    await desk.messenger.contacts.mute(BOB, True, now(desk) + HOUR)
    await desk.until(lambda: idle(desk))
    desk.server.fail("set_muted", Forbidden("Not allowed.", 403, "M_FORBIDDEN"), 1000)
    before = desk.server.count("set_muted")
    desk.clock.turn(HOUR / 1000)
    await desk.until(lambda: desk.server.count("set_muted") > before)
    await desk.until(lambda: idle(desk))
    began = desk.clock.now()
    await desk.until(lambda: desk.server.count("set_muted") > before + 1)
    assert desk.clock.now() - began > LONGEST_SLEEP / 2
    desk.server.heal("set_muted")
    await desk.until(lambda: room not in desk.server.muted)
    await desk.until(lambda: not bob(desk).muted)


async def test_an_archived_person_who_writes_comes_back_everywhere(desk: Desk) -> None:
    room = await beginning(desk, "hello")
    await desk.messenger.contacts.turn_archive(BOB)
    await desk.until(lambda: idle(desk))
    await desk.server.say(room, BOB, "are you there?")
    await desk.until(lambda: not bob(desk).archived)
    await desk.until(lambda: idle(desk))
    assert desk.server.rooms[room].tags == set()


@pytest.mark.parametrize("times", [1, 3])
async def test_a_new_room_of_a_muted_person_is_muted_too(desk: Desk, times: int) -> None:
    await beginning(desk)
    await desk.messenger.contacts.mute(BOB, True)
    await desk.until(lambda: idle(desk))
    for _ in range(times):
        await desk.server.have_direct_room(BOB, "Bob")
    await desk.until(lambda: len(desk.server.muted) == times + 1 and idle(desk))
    assert bob(desk).muted


# -- marks of unread ------------------------------------------------------------------------


def marks(desk: Desk) -> list[tuple[object, ...]]:
    return [call.arguments for call in desk.server.calls if call.name == "set_marked_unread"]


async def test_a_mark_of_unread_is_carried_out_after_a_day_offline_and_a_crash(desk: Desk) -> None:
    room = await beginning(desk)
    desk.server.fail("set_marked_unread", Unreachable("no network"), times=1000)
    await desk.messenger.contacts.turn_unread(BOB, False)
    assert bob(desk).marked_unread
    await desk.server.called("set_marked_unread")
    await desk.restart()
    assert bob(desk).marked_unread
    desk.server.heal("set_marked_unread")
    await desk.until(lambda: idle(desk))
    assert desk.server.rooms[room].marked_unread
    assert bob(desk).marked_unread


async def test_reading_ends_a_mark_even_while_it_is_being_sent(desk: Desk) -> None:
    room = await beginning(desk)
    held = desk.server.hold("set_marked_unread")
    await desk.messenger.contacts.turn_unread(BOB, False)
    await desk.server.called("set_marked_unread")
    await desk.messenger.mark_read(BOB)
    assert not bob(desk).marked_unread
    held.set()
    await desk.until(lambda: idle(desk))
    assert marks(desk) == [(room, True), (room, False)]
    assert not bob(desk).marked_unread


async def test_a_mark_that_the_server_refuses_is_gone_again(desk: Desk) -> None:
    await beginning(desk)
    desk.server.fail("set_marked_unread", Forbidden("No.", 403, "M_FORBIDDEN"))
    _, entry = await desk.messenger.contacts.turn_unread(BOB, False)
    assert entry is not None
    assert await desk.messenger.outcome(entry) == Outcome(ok=False, message="No.")
    assert not bob(desk).marked_unread


async def test_reading_what_is_not_marked_takes_no_mark_away(desk: Desk) -> None:
    await beginning(desk, "hello")
    await desk.messenger.mark_read(BOB)
    await desk.until(lambda: idle(desk))
    assert desk.server.count("mark_read") == 1
    assert marks(desk) == []
