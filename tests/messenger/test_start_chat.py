from __future__ import annotations

import asyncio

import pytest

from dmtui.core.errors import Forbidden, InvalidUserId, NotFound, ServerTrouble, Unreachable
from dmtui.core.events import SyncBatch
from dmtui.core.intents import Deliver
from dmtui.core.model import Membership, PeerState, Profile, RoomId, Safe, SendState, UserId
from dmtui.messenger.results import (
    Consent,
    Failed,
    Ignored,
    InvitedAlready,
    Opened,
    PersonLeft,
    StartChatResult,
    Unencrypted,
    Unmarked,
    Unverified,
    Waiting,
)
from tests.fakes import BOB, CAROL, ME, FakeHomeserver
from tests.messenger.conftest import Desk


@pytest.fixture(autouse=True)
def known(desk: Desk) -> None:
    desk.server.profiles[BOB] = Profile(BOB, Safe("Bob"))


def created(server: FakeHomeserver) -> int:
    return server.count("create_direct_room")


async def test_new_person_gets_one_encrypted_room_recorded_in_m_direct(desk: Desk) -> None:
    await desk.start()
    result = await desk.messenger.start_chat(BOB)
    assert isinstance(result, Opened)
    await desk.until(lambda: desk.server.data.get("m.direct") == {BOB: [result.room_id]})
    room = desk.server.rooms[result.room_id]
    assert room.encrypted
    assert room.members[BOB].is_direct
    assert created(desk.server) == 1
    conversation = desk.conversation()
    assert conversation is not None
    assert (conversation.room_id, conversation.peer) == (result.room_id, PeerState.INVITED)


async def test_existing_direct_room_opens_without_any_write(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.start()
    assert await desk.messenger.start_chat(BOB) == Opened(BOB, room_id)
    assert created(desk.server) == 0
    assert desk.server.count("set_account_data") == 0


async def test_two_calls_make_one_room(desk: Desk) -> None:
    await desk.start()
    gate = desk.server.hold("create_direct_room")
    both = asyncio.gather(desk.messenger.start_chat(BOB), desk.messenger.start_chat(BOB))
    await desk.server.called("create_direct_room")
    gate.set()
    first, second = await both
    assert first == second
    assert created(desk.server) == 1


async def test_pending_invite_from_the_person_is_offered_instead(desk: Desk) -> None:
    room_id = await desk.server.invite(BOB, "Bob")
    await desk.start()
    result = await desk.messenger.start_chat(BOB)
    assert isinstance(result, InvitedAlready)
    assert result.invite.room_id == room_id
    assert created(desk.server) == 0


async def test_person_who_left_can_be_invited_back_with_the_flag(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    await desk.server.abandon(room_id, BOB)
    await desk.until(lambda: (c := desk.conversation()) and c.peer is PeerState.LEFT)
    assert await desk.messenger.start_chat(BOB) == PersonLeft(BOB, room_id)
    result = await desk.messenger.start_chat(BOB, Consent(invite_back=True))
    assert result == Opened(BOB, room_id)
    assert desk.server.rooms[room_id].members[BOB].is_direct
    assert created(desk.server) == 0


async def test_person_who_left_can_get_a_new_room(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    await desk.server.abandon(room_id, BOB)
    await desk.until(lambda: (c := desk.conversation()) and c.peer is PeerState.LEFT)
    result = await desk.messenger.start_chat(BOB, Consent(anew=True))
    assert isinstance(result, Opened)
    assert result.room_id != room_id


async def test_lost_answer_of_create_room_adopts_the_room(desk: Desk) -> None:
    await desk.start()
    desk.server.lose_answer("create_direct_room")
    result = await desk.messenger.start_chat(BOB)
    assert isinstance(result, Waiting)
    await desk.until(lambda: "m.direct" in desk.server.data)
    assert created(desk.server) == 1
    conversation = desk.conversation()
    assert conversation is not None
    assert desk.server.data["m.direct"] == {BOB: [conversation.room_id]}
    assert await desk.messenger.start_chat(BOB) == Opened(BOB, conversation.room_id)


async def test_crash_between_create_room_and_its_record_is_healed_at_the_next_start(
    desk: Desk,
) -> None:
    await desk.start()
    desk.server.fail("set_account_data", Unreachable("cut off"), times=1000)
    desk.server.lose_answer("create_direct_room")
    await desk.messenger.start_chat(BOB)
    desk.server.heal("set_account_data")
    await desk.restart()
    await desk.until(lambda: "m.direct" in desk.server.data)
    room_id = next(iter(desk.server.rooms))
    assert desk.server.data["m.direct"] == {BOB: [room_id]}
    assert created(desk.server) == 1


async def test_blocked_invite_says_so_and_leaves_no_orphan(desk: Desk) -> None:
    await desk.start()
    desk.server.blocking_invites.add(BOB)
    result = await desk.messenger.start_chat(BOB)
    assert result == Failed(BOB, f"{BOB} does not accept invites.")
    room = next(iter(desk.server.rooms.values()))
    assert room.membership(ME) is Membership.LEAVE
    assert desk.server.count("forget") == 1
    assert desk.server.count("set_account_data") == 0


async def test_room_that_another_device_just_made_is_opened(desk: Desk) -> None:
    await desk.start()
    room_id = await desk.server.have_direct_room(BOB, listed=False)
    desk.server.data["m.direct"] = {BOB: [room_id]}  # sync has not told yet
    assert await desk.messenger.start_chat(BOB) == Opened(BOB, room_id)
    assert created(desk.server) == 0


async def test_offline_start_is_carried_out_when_the_server_is_back(desk: Desk) -> None:
    await desk.start()
    for name in ("sync", "profile", "has_device_keys", "account_data", "create_direct_room"):
        desk.server.fail(name, Unreachable("no network"), times=1000)
    assert isinstance(await desk.messenger.start_chat(BOB), Unverified)
    result = await desk.messenger.start_chat(BOB, Consent(unverified=True))
    assert isinstance(result, Waiting)
    await desk.restart_offline()
    for name in ("sync", "account_data", "create_direct_room"):
        desk.server.heal(name)
    await desk.until(lambda: "m.direct" in desk.server.data)
    assert len(desk.server.rooms) == 1


@pytest.mark.parametrize(
    "error",
    [
        NotFound("No such user.", 404, "M_UNKNOWN"),
        Forbidden("Not for you.", 403, "M_FORBIDDEN"),
        ServerTrouble("Bad gateway (502)."),
    ],
)
async def test_unconfirmed_profile_is_asked_about(desk: Desk, error: NotFound) -> None:
    await desk.start()
    desk.server.fail("profile", error)
    result = await desk.messenger.start_chat(BOB)
    assert isinstance(result, Unverified)
    assert BOB in result.why
    assert created(desk.server) == 0
    assert isinstance(await desk.messenger.start_chat(BOB, Consent(unverified=True)), Opened)


async def test_invalid_user_id_is_refused_before_any_request(desk: Desk) -> None:
    await desk.start()
    before = [call for call in desk.server.calls if call.name != "sync"]
    with pytest.raises(InvalidUserId):
        await desk.messenger.start_chat(UserId("bob"))
    assert [call for call in desk.server.calls if call.name != "sync"] == before


async def test_person_without_device_keys_is_asked_about_and_gets_a_plain_room(desk: Desk) -> None:
    await desk.start()
    desk.server.without_keys.add(BOB)
    result = await desk.messenger.start_chat(BOB)
    assert isinstance(result, Unencrypted)
    assert created(desk.server) == 0
    opened = await desk.messenger.start_chat(BOB, Consent(unencrypted=True))
    assert isinstance(opened, Opened)
    assert not desk.server.rooms[opened.room_id].encrypted


async def test_notes_to_self_are_one_room_without_an_invite(desk: Desk) -> None:
    await desk.start()
    first = await desk.messenger.start_chat(ME)
    assert isinstance(first, Opened)
    await desk.until(lambda: desk.server.data.get("m.direct") == {ME: [first.room_id]})
    assert await desk.messenger.start_chat(ME) == first
    assert created(desk.server) == 1
    assert set(desk.server.rooms[first.room_id].members) == {ME}


async def test_message_delivered_by_a_command_starts_the_chat_and_arrives_once(desk: Desk) -> None:
    await desk.start()
    outcome = await desk.messenger.deliver(BOB, "from a script")
    assert outcome is not None
    assert outcome.ok
    assert outcome.room_id is not None
    events = desk.server.rooms[outcome.room_id].events
    assert [event.event_id for event in events] == [outcome.event_id]


async def test_room_id_without_a_server_part_works(desk: Desk) -> None:
    await desk.start()
    result = await desk.messenger.start_chat(BOB)
    assert isinstance(result, Opened)
    assert ":" not in result.room_id
    await desk.messenger.send(BOB, "hi")
    await desk.until(lambda: desk.server.rooms[RoomId(result.room_id)].events)


async def test_message_delivered_by_a_command_leaves_the_draft_alone(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB)
    await desk.start()
    await desk.until(desk.conversation)
    await desk.messenger.save_draft(BOB, "half a thought")
    outcome = await desk.messenger.deliver(BOB, "from a script")
    assert outcome is not None
    assert outcome.ok
    conversation = desk.conversation()
    assert conversation is not None
    assert conversation.draft == "half a thought"


async def test_discarded_message_of_a_command_is_not_sent_after_a_restart(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.start()
    desk.server.fail("send", Unreachable("no network"), times=1000)
    number = desk.hand_over(Deliver(BOB, "from a script"))
    await desk.until(lambda: desk.states() == [SendState.QUEUED] and desk.server.count("send"))
    (message,) = desk.messages()
    assert message.transaction_id is not None
    assert await desk.messenger.discard(message.transaction_id) == "from a script"
    desk.server.heal("send")
    await desk.restart()
    await desk.until(lambda: (entry := desk.store.intent(number)) and entry.outcome)
    assert desk.messages() == ()
    assert desk.server.rooms[room_id].events == []


async def test_message_handed_over_before_the_first_sync_waits_for_it(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    gate = desk.server.hold("sync")
    await desk.messenger.start()
    number = desk.hand_over(Deliver(BOB, "early"))
    await desk.until(lambda: desk.messenger.pending())
    for _ in range(20):
        desk.clock.turn(1)
        await asyncio.sleep(0)
    gate.set()
    await desk.until(lambda: (entry := desk.store.intent(number)) and entry.outcome)
    entry = desk.store.intent(number)
    assert entry is not None
    assert entry.outcome is not None
    assert entry.outcome.ok, entry.outcome.message
    assert len(desk.server.rooms[room_id].events) == 1


async def test_ignored_person_is_asked_about_and_heard_again(desk: Desk) -> None:
    desk.server.data["m.ignored_user_list"] = {"ignored_users": {BOB: {}, CAROL: {}}, "more": 1}
    await desk.server.tell(SyncBatch("", ignored=frozenset({BOB, CAROL})))
    await desk.start()
    result = await desk.messenger.start_chat(BOB)
    assert isinstance(result, Ignored)
    assert created(desk.server) == 0
    opened = await desk.messenger.start_chat(BOB, Consent(stop_ignoring=True))
    assert isinstance(opened, Opened)
    expected = {"ignored_users": {CAROL: {}}, "more": 1}
    assert desk.server.data["m.ignored_user_list"] == expected


async def started(desk: Desk, consent: Consent | None = None) -> StartChatResult:
    """Start Chat with Bob while time passes."""
    starting = asyncio.ensure_future(desk.messenger.start_chat(BOB, consent))
    await desk.until(starting.done)
    return starting.result()


async def have_unmarked_room(desk: Desk) -> RoomId:
    room_id = await desk.server.invite(BOB, "Bob", direct=False)
    await desk.server.join(room_id)
    return room_id


async def test_old_room_never_marked_is_asked_about_and_recorded_once_wanted(desk: Desk) -> None:
    room_id = await have_unmarked_room(desk)
    await desk.start()
    asked = await started(desk)
    assert isinstance(asked, Unmarked)
    assert (asked.room_id, "m.direct" in desk.server.data) == (room_id, False)
    opened = await started(desk, Consent(adopt=True))
    assert opened == Opened(BOB, room_id)
    assert desk.server.data["m.direct"] == {BOB: [room_id]}
    assert created(desk.server) == 0


async def test_old_room_is_left_alone_where_a_new_chat_is_wanted(desk: Desk) -> None:
    room_id = await have_unmarked_room(desk)
    await desk.start()
    opened = await started(desk, Consent(fresh=True))
    assert isinstance(opened, Opened)
    assert opened.room_id != room_id
    assert created(desk.server) == 1


async def test_rooms_with_a_name_with_others_or_kept_are_no_old_chat(desk: Desk) -> None:
    named, busy = await have_unmarked_room(desk), await have_unmarked_room(desk)
    desk.server.rooms[named].name = Safe("Garden")
    await desk.server.bring(busy, CAROL)
    await desk.start()
    assert isinstance(await started(desk), Opened)
    assert created(desk.server) == 1


async def test_chat_is_started_where_the_server_does_not_tell_of_shared_rooms(desk: Desk) -> None:
    await have_unmarked_room(desk)
    unknown = NotFound("Unrecognized.", 404, "M_UNRECOGNIZED")
    desk.server.fail("shared_rooms", unknown, times=100)
    await desk.start()
    assert isinstance(await started(desk), Opened)
