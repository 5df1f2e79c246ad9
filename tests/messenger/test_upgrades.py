from __future__ import annotations

from dmtui.core.errors import Forbidden, Unreachable
from dmtui.core.events import RoomUpdate, SyncBatch, UpgradeRefused
from dmtui.core.intents import FollowUpgrade
from dmtui.core.model import Member, Membership, RoomId, Safe, SendState
from tests.fakes import BOB, CAROL, ME
from tests.messenger.conftest import Desk


def listed(desk: Desk) -> object:
    return desk.server.data["m.direct"].get(BOB)


def pending(desk: Desk) -> list[FollowUpgrade]:
    intents = (entry.intent for entry in desk.store.pending_intents())
    return [intent for intent in intents if isinstance(intent, FollowUpgrade)]


def serving(desk: Desk) -> RoomId | None:
    conversation = desk.conversation()
    return conversation.room_id if conversation else None


async def forbid_sending(desk: Desk, *rooms: RoomId) -> None:
    """An upgraded room lets nobody write any more."""
    original = desk.server.send

    async def send(room_id, transaction_id, content, encrypted):  # type: ignore[no-untyped-def]
        if room_id in rooms:
            raise Forbidden("The room was upgraded.", 403, "M_FORBIDDEN")
        return await original(room_id, transaction_id, content, encrypted)

    desk.server.send = send  # type: ignore[method-assign]


async def test_upgrade_by_the_person_is_followed_into_the_new_room(desk: Desk) -> None:
    old = await desk.server.have_direct_room(BOB, "Bob", history=["before"])
    await desk.start()
    new = await desk.server.upgrade(old, BOB)
    await desk.until(lambda: listed(desk) == [old, new])
    await desk.until(lambda: not desk.store.pending_intents())
    await desk.server.say(new, BOB, "after")
    await desk.until(lambda: desk.bodies()[-1:] == ["after"])
    assert desk.bodies()[0] == "before"
    assert serving(desk) == new
    assert desk.server.count("join") == 1
    assert desk.messenger.invites() == ()
    assert desk.server.rooms[new].membership(BOB) is Membership.JOIN
    assert desk.server.count("invite_back") == 0


async def test_public_successor_is_joined_by_way_of_the_upgraders_homeserver(desk: Desk) -> None:
    old = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    new = await desk.server.upgrade(old, BOB, invited=False)
    await desk.until(lambda: listed(desk) == [old, new])
    (join,) = (call for call in desk.server.calls if call.name == "join")
    assert join.arguments == (new, "example.org")


async def test_upgrade_by_another_client_of_mine_asks_the_person_in(desk: Desk) -> None:
    old = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    new = await desk.server.upgrade(old, ME)
    await desk.until(lambda: listed(desk) == [old, new])
    await desk.until(lambda: desk.server.rooms[new].invited.get(BOB) == (ME, True))
    await desk.until(lambda: not desk.store.pending_intents())
    assert serving(desk) == new
    assert desk.server.count("join") == 0
    await desk.server.welcome(new, BOB)
    await desk.server.say(new, BOB, "here")
    await desk.until(lambda: "here" in desk.bodies())
    assert desk.server.count("invite_back") == 1


async def test_person_who_had_left_is_not_asked_into_the_new_room(desk: Desk) -> None:
    old = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    await desk.server.abandon(old, BOB)
    new = await desk.server.upgrade(old, ME)
    await desk.until(lambda: listed(desk) == [old, new])
    assert desk.server.count("invite_back") == 0


async def test_successor_that_is_a_crowd_is_left_again_and_never_listed(desk: Desk) -> None:
    old = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    gate = desk.server.hold("join")
    new = await desk.server.upgrade(old, BOB, invited=False)
    desk.server.rooms[new].members[CAROL] = Member(CAROL, Membership.JOIN, Safe("Carol"))
    gate.set()
    await desk.until(lambda: desk.server.rooms[new].membership(ME) is Membership.LEAVE)
    await desk.until(lambda: not pending(desk))
    await desk.server.say(old, BOB, "still here")
    await desk.until(lambda: "still here" in desk.bodies())
    assert listed(desk) == [old]
    assert (desk.server.count("join"), desk.server.count("leave")) == (1, 1)
    assert desk.conversation(new) is None  # type: ignore[arg-type]


async def test_upgrade_refused_for_good_is_told_once_and_known_of_the_room(desk: Desk) -> None:
    old = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    changes = desk.messenger.subscribe()
    gate = desk.server.hold("join")
    new = await desk.server.upgrade(old, BOB, invited=False)
    desk.server.rooms[new].members[CAROL] = Member(CAROL, Membership.JOIN, Safe("Carol"))
    await desk.server.called("join")
    await desk.until(lambda: [room.successor for room in desk.messenger.rooms_of(BOB)] == [new])
    assert not desk.messenger.rooms_of(BOB)[0].given_up
    gate.set()
    await desk.until(lambda: desk.messenger.rooms_of(BOB)[0].given_up)
    assert UpgradeRefused(BOB) in changes.take()


async def test_tombstone_that_points_at_another_room_is_not_followed(desk: Desk) -> None:
    old = await desk.server.have_direct_room(BOB, "Bob")
    other = await desk.server.have_direct_room(CAROL, "Carol")
    await desk.start()
    await desk.server.tell(SyncBatch("", rooms=(RoomUpdate(old, successor=other),)))
    await desk.server.say(old, BOB, "here")
    await desk.until(lambda: desk.bodies() == ["here"] and not pending(desk))
    await desk.until(lambda: desk.server.count("members"))
    await desk.until(lambda: not pending(desk))
    assert listed(desk) == [old]
    assert desk.server.count("leave") == 0  # I was in it before
    assert desk.conversation(CAROL) is not None


async def test_refused_join_waits_for_an_invite_and_does_not_hammer(desk: Desk) -> None:
    old = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    new = await desk.server.upgrade(old, BOB, invited=False)
    desk.server.rooms[new].open = False
    await desk.until(lambda: desk.server.count("join"))
    assert desk.messenger.pending() == ()
    for number in range(5):
        await desk.server.say(old, BOB, str(number))
    await desk.until(lambda: "4" in desk.bodies())
    assert desk.server.count("join") == 1
    assert len(pending(desk)) == 1
    await desk.server._invite_to(desk.server.rooms[new], BOB, Safe("Bob"), direct=False)
    await desk.until(lambda: listed(desk) == [old, new])
    assert desk.messenger.invites() == ()
    assert desk.server.count("join") == 2


async def test_invite_of_a_stranger_to_the_successor_is_a_request_like_any(desk: Desk) -> None:
    old = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    new = await desk.server.upgrade(old, BOB, invited=False)
    desk.server.rooms[new].open = False
    await desk.until(lambda: desk.server.count("join"))
    await desk.server._invite_to(desk.server.rooms[new], CAROL, Safe("Carol"), direct=False)
    await desk.until(desk.messenger.invites)
    assert desk.server.count("join") == 1


async def test_upgrade_is_followed_after_a_crash_in_the_middle(desk: Desk) -> None:
    old = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    desk.server.fail("members", Unreachable("No answer."), times=100)
    new = await desk.server.upgrade(old, BOB)
    await desk.until(lambda: desk.server.rooms[new].membership(ME) is Membership.JOIN)
    await desk.until(lambda: desk.server.count("members"))
    await desk.restart_offline()
    desk.server.heal("members")
    await desk.until(lambda: listed(desk) == [old, new])
    await desk.until(lambda: not desk.store.pending_intents())
    assert serving(desk) == new


async def test_message_refused_by_the_old_room_is_sent_in_the_new_one(desk: Desk) -> None:
    old = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    gate = desk.server.hold("join")
    new = await desk.server.upgrade(old, BOB)
    await desk.until(lambda: desk.server.count("join"))
    await forbid_sending(desk, old)
    await desk.messenger.send(BOB, "meanwhile")
    await desk.until(lambda: SendState.FAILED in desk.states())
    assert "new one" in desk.messages()[-1].failure
    await desk.messenger.save_draft(BOB, "half typed")
    gate.set()
    await desk.until(lambda: desk.states() == [SendState.SENT])
    message = desk.messages()[-1]
    assert (message.body, message.room_id) == ("meanwhile", new)
    conversation = desk.conversation()
    assert conversation is not None
    assert conversation.draft == "half typed"


async def test_message_queued_offline_for_the_old_room_arrives_in_the_new_one(desk: Desk) -> None:
    old = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    gate = desk.server.hold("send")
    await desk.messenger.send(BOB, "one")
    await desk.messenger.send(BOB, "two")
    await desk.until(lambda: desk.server.count("send"))
    new = await desk.server.upgrade(old, BOB)
    await desk.until(lambda: listed(desk) == [old, new])
    await desk.until(lambda: serving(desk) == new)
    desk.server.fail("send", Forbidden("The room was upgraded.", 403, "M_FORBIDDEN"))
    gate.set()
    await desk.until(lambda: desk.states() == [SendState.SENT] * 2)
    mine = [message for message in desk.messages() if message.own]
    assert {message.body: message.room_id for message in mine} == {"one": new, "two": new}


async def test_message_in_an_upgrade_that_is_not_followed_says_so(desk: Desk) -> None:
    old = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    gate = desk.server.hold("join")
    new = await desk.server.upgrade(old, BOB, invited=False)
    desk.server.rooms[new].members[CAROL] = Member(CAROL, Membership.JOIN)
    await desk.until(lambda: desk.server.count("join"))
    await forbid_sending(desk, old)
    await desk.messenger.send(BOB, "hello")
    await desk.until(lambda: SendState.FAILED in desk.states())
    gate.set()
    await desk.until(lambda: "not for the two of you" in desk.messages()[-1].failure)
    assert desk.states() == [SendState.FAILED]


async def test_nothing_is_followed_out_of_a_group(desk: Desk) -> None:
    room = await desk.server.have_direct_room(BOB, "Bob")
    await desk.server.bring(room, CAROL, "Carol")
    await desk.start()
    await desk.server.upgrade(room, BOB, invited=False)
    await desk.server.say(room, BOB, "gone")
    await desk.until(lambda: desk.bodies(room)[-1:] == ["gone"])  # type: ignore[arg-type]
    assert pending(desk) == []
    assert desk.server.count("join") == 0


async def test_message_refused_before_the_upgrade_is_known_goes_along_when_tried_again(
    desk: Desk,
) -> None:
    old = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    await forbid_sending(desk, old)
    await desk.messenger.send(BOB, "early")
    await desk.until(lambda: desk.states() == [SendState.FAILED])
    new = await desk.server.upgrade(old, BOB)
    await desk.until(lambda: serving(desk) == new)
    transaction_id = desk.messages()[-1].transaction_id
    assert transaction_id is not None
    await desk.messenger.retry(transaction_id)
    await desk.until(lambda: desk.states() == [SendState.SENT])
    assert desk.messages()[-1].room_id == new
