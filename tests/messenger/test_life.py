from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from random import Random

import pytest

from dmtui.core.errors import Forbidden, InvalidUserId, NotFound, Unreachable
from dmtui.core.events import RoomUpdate, SyncBatch
from dmtui.core.fold import PRESENT
from dmtui.core.intents import Deliver, DirectAction, EditDirect, ForgetRoom, LeaveRoom, Outcome
from dmtui.core.model import Member, Membership, PeerState, Profile, RoomId, Safe, UserId
from dmtui.messenger.results import Consent, Opened, Unverified
from tests.fakes import BOB, CAROL, ME, FakeClock, FakeHomeserver, said
from tests.messenger.conftest import Desk

INVITING = {"create_direct_room", "create_group", "invite_back"}


@pytest.fixture(autouse=True)
def known(desk: Desk) -> None:
    for user_id, name in ((BOB, "Bob"), (CAROL, "Carol")):
        desk.server.profiles[user_id] = Profile(user_id, Safe(name))


async def chat(desk: Desk, *history: str) -> RoomId:
    """A direct room with Bob, shown."""
    room_id = await desk.server.have_direct_room(BOB, "Bob", history=history)
    await desk.start()
    await desk.until(desk.conversation)
    return room_id


async def invited(desk: Desk) -> RoomId:
    """A direct room of mine that Bob has not come to yet, recorded."""
    await desk.start()
    opened = await desk.messenger.start_chat(BOB)
    assert isinstance(opened, Opened)
    await recorded(desk, {BOB: [opened.room_id]})
    return opened.room_id


async def recorded(desk: Desk, expected: object) -> None:
    await desk.until(lambda: desk.store.pending_intents() == ())
    await desk.until(lambda: desk.store.direct() == expected)
    assert desk.server.data["m.direct"] == expected


async def finished(desk: Desk, act: Coroutine[None, None, Outcome | None]) -> Outcome | None:
    """The outcome of an act that lets time pass."""
    task = asyncio.create_task(act)
    await desk.until(task.done)
    return task.result()


def peer(desk: Desk, state: PeerState) -> Callable[[], bool]:
    return lambda: (c := desk.conversation()) is not None and c.peer is state


def rows(desk: Desk) -> list[str]:
    return [conversation.user_id for conversation in desk.messenger.people()]


def group(desk: Desk, room_id: RoomId) -> bool:
    found = desk.conversation(UserId(room_id))
    return found is not None and found.group


# -- leave ------------------------------------------------------------------------------------


async def test_left_chat_is_gone_from_the_list_and_stays_in_m_direct(desk: Desk) -> None:
    room_id = await chat(desk, "hello")
    outcome = await desk.messenger.life.leave(BOB)
    assert outcome is not None
    assert outcome.ok
    await desk.until(lambda: rows(desk) == [])
    assert desk.server.rooms[room_id].membership(ME) is Membership.LEAVE
    assert desk.server.data["m.direct"] == {BOB: [room_id]}


async def test_chat_begun_anew_after_leaving_shows_the_old_messages_too(desk: Desk) -> None:
    old = await chat(desk, "hello")
    await desk.messenger.life.leave(BOB)
    opened = await desk.messenger.start_chat(BOB)
    assert isinstance(opened, Opened)
    assert opened.room_id != old
    await recorded(desk, {BOB: [old, opened.room_id]})
    assert "hello" in desk.bodies()


async def test_leaving_ends_every_room_of_the_conversation(desk: Desk) -> None:
    both = {await desk.server.have_direct_room(BOB), await desk.server.have_direct_room(BOB)}
    await desk.start()
    await desk.until(desk.conversation)
    await desk.messenger.life.leave(BOB)
    assert {room for room in both if desk.server.rooms[room].membership(ME) is Membership.JOIN} == (
        set()
    )
    await desk.until(lambda: rows(desk) == [])


async def test_leaving_a_group_takes_its_row_away(desk: Desk) -> None:
    room_id = await chat(desk)
    await desk.server.bring(room_id, CAROL, "Carol")
    await desk.until(lambda: group(desk, room_id))
    outcome = await desk.messenger.life.leave(UserId(room_id))
    assert outcome is not None
    assert outcome.ok
    await desk.until(lambda: rows(desk) == [])


async def test_leaving_waits_for_the_server_and_survives_a_restart(desk: Desk) -> None:
    room_id = await chat(desk)
    desk.server.fail("leave", Unreachable("no network"), times=1000)
    assert await desk.messenger.life.leave(BOB) is None
    assert desk.messenger.pending() == ("leaving the chat with Bob",)
    await desk.restart_offline()
    desk.server.heal("leave")
    await desk.until(lambda: rows(desk) == [])
    assert desk.server.rooms[room_id].membership(ME) is Membership.LEAVE


async def test_chat_left_on_another_device_can_be_left_here(desk: Desk) -> None:
    await chat(desk)
    desk.server.fail("leave", Forbidden("You are not in this room.", 403, "M_FORBIDDEN"))
    outcome = await desk.messenger.life.leave(BOB)
    assert outcome is not None
    assert outcome.ok


async def test_refusal_to_let_go_is_told(desk: Desk) -> None:
    await chat(desk)
    desk.server.fail("leave", Forbidden("Agree to the terms first.", 403, "M_CONSENT_NOT_GIVEN"))
    outcome = await desk.messenger.life.leave(BOB)
    assert outcome is not None
    assert (outcome.ok, outcome.message) == (False, "Agree to the terms first.")
    assert rows(desk) == [BOB]


# -- forget -----------------------------------------------------------------------------------


async def test_forgotten_chat_leaves_nothing_here_nor_on_the_server(desk: Desk) -> None:
    room_id = await chat(desk, "secret")
    await desk.messenger.save_draft(BOB, "half a thought")
    outcome = await desk.messenger.life.forget(BOB)
    assert outcome is not None
    assert outcome.ok
    await recorded(desk, {})
    assert room_id in desk.server.forgotten
    assert rows(desk) == []
    assert desk.messages() == ()
    opened = await desk.messenger.start_chat(BOB)
    assert isinstance(opened, Opened)
    conversation = desk.conversation()
    assert conversation is not None
    assert conversation.draft == ""
    assert "secret" not in desk.bodies()


async def test_forgetting_includes_rooms_that_were_left_before(desk: Desk) -> None:
    room_id = await chat(desk, "secret")
    await desk.messenger.life.leave(BOB)
    await desk.until(lambda: rows(desk) == [])
    outcome = await desk.messenger.life.forget(BOB)
    assert outcome is not None
    assert outcome.ok
    assert room_id in desk.server.forgotten
    await recorded(desk, {})


@pytest.mark.parametrize(
    "membership", [Membership.LEAVE, Membership.BAN, Membership.JOIN], ids=lambda m: str(m)
)
async def test_late_news_do_not_revive_a_forgotten_room(desk: Desk, membership: Membership) -> None:
    room_id = await chat(desk, "secret")
    last = desk.server.rooms[room_id].events[-1]
    await desk.messenger.life.forget(BOB)
    await recorded(desk, {})
    late = RoomUpdate(room_id, membership=membership, timeline=(last,), name=Safe("Old"))
    await desk.server.tell(SyncBatch("", rooms=(late,), gone=(room_id,)))
    await desk.server.tell(SyncBatch("", direct={BOB: [room_id]}))
    await desk.until(lambda: desk.store.direct() == {BOB: [room_id]})
    assert rows(desk) == []
    assert desk.messages() == ()


async def test_invite_to_a_forgotten_room_can_be_accepted(desk: Desk) -> None:
    room_id = await chat(desk, "secret")
    await desk.messenger.life.forget(BOB)
    await recorded(desk, {})
    await desk.server.invite_again(room_id, BOB)
    await desk.until(desk.messenger.invites)
    await desk.messenger.accept(room_id)
    await recorded(desk, {BOB: [room_id]})
    assert rows(desk) == [BOB]
    await desk.server.say(room_id, BOB, "here again")
    await desk.until(lambda: "here again" in desk.bodies())


async def test_forgetting_drops_messages_that_wait(desk: Desk) -> None:
    room_id = await chat(desk)
    desk.server.fail("send", Unreachable("no network"), times=1000)
    await desk.messenger.send(BOB, "typed here")
    number = desk.hand_over(Deliver(BOB, "from a script"))
    await desk.until(lambda: len(desk.messages()) == 2)
    assert desk.messenger.life.unsent(BOB) == 2
    await desk.messenger.life.forget(BOB)
    desk.server.heal("send")
    await desk.restart()
    await recorded(desk, {})
    entry = desk.store.intent(number)
    assert entry is not None
    assert entry.outcome is not None
    assert not entry.outcome.ok
    assert desk.server.rooms[room_id].events == []
    assert desk.server.count("create_direct_room") == 0


async def test_message_handed_over_and_not_begun_counts_as_unsent(desk: Desk) -> None:
    await desk.start()
    for name in ("profile", "account_data", "create_direct_room"):
        desk.server.fail(name, Unreachable("no network"), times=1000)
    desk.hand_over(Deliver(BOB, "first"))
    assert desk.messenger.life.unsent(BOB) == 1


async def test_room_under_several_people_is_taken_out_of_all_lists(desk: Desk) -> None:
    room_id = await chat(desk)
    await desk.server.edit_direct({BOB: [room_id], CAROL: ["!other", room_id], "junk": None})
    await desk.messenger.life.forget(BOB)
    await recorded(desk, {CAROL: ["!other"], "junk": None})


async def test_chat_forgotten_before_it_was_recorded_is_not_recorded_later(desk: Desk) -> None:
    await desk.start()
    desk.server.fail("set_account_data", Unreachable("cut off"), times=1000)
    opened = await desk.messenger.start_chat(BOB)
    assert isinstance(opened, Opened)
    outcome = await desk.messenger.life.forget(BOB)
    assert outcome is not None
    assert outcome.ok
    desk.server.heal("set_account_data")
    await desk.until(lambda: desk.store.pending_intents() == ())
    assert desk.server.data.get("m.direct", {}) == {}
    assert rows(desk) == []


@pytest.mark.parametrize("step", ["account_data", "leave", "forget", "set_account_data"])
async def test_forgetting_that_ends_between_two_steps_is_completed_at_the_next_start(
    desk: Desk, step: str
) -> None:
    room_id = await chat(desk, "secret")
    desk.server.fail(step, Unreachable("cut off"), times=1000)
    number = desk.hand_over(ForgetRoom(BOB, room_id))
    await desk.until(lambda: desk.server.count(step) > 0)
    await desk.restart_offline()
    desk.server.heal(step)
    await desk.until(lambda: (entry := desk.store.intent(number)) and entry.outcome)
    await recorded(desk, {})
    assert room_id in desk.server.forgotten
    assert rows(desk) == []


# -- taking an invite back --------------------------------------------------------------------


async def test_invite_taken_back_leaves_no_trace(desk: Desk) -> None:
    room_id = await invited(desk)
    outcome = await desk.messenger.life.take_invite_back(BOB)
    assert outcome is not None
    assert outcome.ok
    await recorded(desk, {})
    room = desk.server.rooms[room_id]
    assert (room.membership(BOB), room.membership(ME)) == (Membership.LEAVE, Membership.LEAVE)
    assert room_id in desk.server.forgotten
    assert rows(desk) == []


async def test_invite_accepted_meanwhile_is_not_taken_back(desk: Desk) -> None:
    room_id = await invited(desk)
    gate = desk.server.hold("members")
    taking = asyncio.create_task(desk.messenger.life.take_invite_back(BOB))
    await desk.server.called("members")
    await desk.server.welcome(room_id, BOB)
    gate.set()
    outcome = await taking
    assert outcome is not None
    assert (outcome.ok, outcome.message) == (
        False,
        f"{BOB} has accepted meanwhile: the chat stays as it is.",
    )
    assert desk.server.count("remove") == 0
    await recorded(desk, {BOB: [room_id]})
    assert desk.server.rooms[room_id].membership(BOB) is Membership.JOIN


async def test_invite_that_may_not_be_taken_back_stays(desk: Desk) -> None:
    room_id = await invited(desk)
    desk.server.fail("remove", Forbidden("You cannot kick.", 403, "M_FORBIDDEN"))
    outcome = await desk.messenger.life.take_invite_back(BOB)
    assert outcome is not None
    assert not outcome.ok
    assert "too little say" in outcome.message
    assert desk.server.rooms[room_id].membership(BOB) is Membership.INVITE


async def test_invite_back_that_is_taken_back_keeps_the_history(desk: Desk) -> None:
    room_id = await chat(desk, "hello")
    await desk.server.abandon(room_id, BOB)
    await desk.until(peer(desk, PeerState.LEFT))
    await desk.messenger.life.invite_back(BOB)
    await desk.until(peer(desk, PeerState.INVITED))
    outcome = await desk.messenger.life.take_invite_back(BOB)
    assert outcome is not None
    assert outcome.ok
    await desk.until(peer(desk, PeerState.LEFT))
    await recorded(desk, {BOB: [room_id]})
    assert "hello" in desk.bodies()


@pytest.mark.parametrize("step", ["members", "remove", "leave", "forget", "set_account_data"])
async def test_taking_back_that_ends_between_two_steps_is_completed_at_the_next_start(
    desk: Desk, step: str
) -> None:
    room_id = await invited(desk)
    done = desk.server.count(step)
    desk.server.fail(step, Unreachable("cut off"), times=1000)
    await desk.messenger.life.take_invite_back(BOB)
    await desk.until(lambda: desk.server.count(step) > done)
    await desk.restart_offline()
    desk.server.heal(step)
    await recorded(desk, {})
    assert desk.server.rooms[room_id].membership(BOB) is Membership.LEAVE
    assert room_id in desk.server.forgotten


# -- asking back ------------------------------------------------------------------------------


async def test_person_who_declined_is_invited_back_with_the_flag(desk: Desk) -> None:
    room_id = await invited(desk)
    await desk.server.decline(room_id, BOB)
    await desk.until(peer(desk, PeerState.DECLINED))
    outcome = await desk.messenger.life.invite_back(BOB)
    assert outcome is not None
    assert outcome.ok
    await desk.until(peer(desk, PeerState.INVITED))
    assert desk.server.rooms[room_id].invited[BOB] == (ME, True)


async def test_nobody_is_invited_back_beside_a_third_human(desk: Desk) -> None:
    room_id = await chat(desk)
    await desk.server.abandon(room_id, BOB)
    await desk.until(peer(desk, PeerState.LEFT))
    desk.server.hold("sync")
    await desk.server.bring(room_id, CAROL, "Carol")
    outcome = await desk.messenger.life.invite_back(BOB)
    assert outcome is not None
    assert not outcome.ok
    assert "Other people" in outcome.message
    assert desk.server.count("invite_back") == 0


async def test_invite_back_to_somebody_who_came_back_by_themselves_is_fine(desk: Desk) -> None:
    room_id = await chat(desk)
    await desk.server.abandon(room_id, BOB)
    await desk.until(peer(desk, PeerState.LEFT))
    gate = desk.server.hold("members")
    asking = asyncio.create_task(desk.messenger.life.invite_back(BOB))
    await desk.server.called("members")
    await desk.server.bring(room_id, BOB, "Bob")
    gate.set()
    outcome = await asking
    assert outcome is not None
    assert outcome.ok
    assert desk.server.count("invite_back") == 0


async def test_room_that_i_may_not_invite_to_says_what_to_do(desk: Desk) -> None:
    room_id = await chat(desk)
    await desk.server.abandon(room_id, BOB)
    await desk.until(peer(desk, PeerState.LEFT))
    desk.server.fail("invite_back", Forbidden("No power.", 403, "M_FORBIDDEN"))
    outcome = await desk.messenger.life.invite_back(BOB)
    assert outcome is not None
    assert "Start a new chat instead" in outcome.message


async def test_banned_person_is_said_to_be_so_and_not_asked_in(desk: Desk) -> None:
    room_id = await chat(desk)
    await desk.server.ban(room_id, BOB, BOB)
    await desk.until(peer(desk, PeerState.BANNED))
    outcome = await desk.messenger.life.invite_back(BOB)
    assert outcome is not None
    assert not outcome.ok
    assert "is banned from that room" in outcome.message
    assert desk.server.count("invite_back") == 0
    result = await desk.messenger.start_chat(BOB)
    assert isinstance(result, Opened)
    conversation = desk.conversation(BOB)
    assert conversation is not None
    assert conversation.room_id != room_id


async def test_account_that_is_gone_is_told_before_inviting_back(desk: Desk) -> None:
    room_id = await chat(desk)
    await desk.server.abandon(room_id, BOB)
    await desk.until(peer(desk, PeerState.LEFT))
    assert not await desk.messenger.life.seems_gone(BOB)
    desk.server.fail("profile", NotFound("No such user.", 404, "M_NOT_FOUND"), times=2)
    assert await desk.messenger.life.seems_gone(BOB)
    result = await desk.messenger.start_chat(BOB, Consent(invite_back=True))
    assert isinstance(result, Unverified)
    assert desk.server.count("invite_back") == 0
    again = Consent(invite_back=True, unverified=True)
    assert await desk.messenger.start_chat(BOB, again) == Opened(BOB, room_id)


# -- direct chat or ordinary room -------------------------------------------------------------


async def test_chat_made_a_room_is_listed_as_a_group_and_back_again(desk: Desk) -> None:
    room_id = await chat(desk, "hello")
    outcome = await desk.messenger.life.make_room(BOB)
    assert outcome is not None
    assert outcome.ok
    await recorded(desk, {})
    assert rows(desk) == [room_id]
    assert group(desk, room_id)
    outcome = await finished(desk, desk.messenger.life.make_direct(room_id, BOB))
    assert outcome is not None
    assert outcome.ok
    await recorded(desk, {BOB: [room_id]})
    assert rows(desk) == [BOB]
    assert "hello" in desk.bodies()


async def test_upgraded_chat_made_a_room_stays_one_and_leaves_no_old_room_behind(
    desk: Desk,
) -> None:
    old = await chat(desk, "hello")
    new = await desk.server.upgrade(old, BOB)
    await recorded(desk, {BOB: [old, new]})
    await desk.until(lambda: (now := desk.conversation()) and now.room_id == new)
    await desk.messenger.life.make_room(BOB)
    await recorded(desk, {})
    await desk.until(lambda: rows(desk) == [new])
    await desk.server.say(new, BOB, "still here")
    await desk.until(lambda: desk.messenger.messages(UserId(new)).messages)
    assert rows(desk) == [new]
    assert desk.server.data["m.direct"] == {}


async def test_start_chat_does_not_reuse_a_chat_made_a_room(desk: Desk) -> None:
    room_id = await invited(desk)
    await desk.server.welcome(room_id, BOB)
    await desk.until(peer(desk, PeerState.JOINED))
    await desk.messenger.life.make_room(BOB)
    await recorded(desk, {})
    opened = await desk.messenger.start_chat(BOB)
    assert isinstance(opened, Opened)
    assert opened.room_id != room_id
    assert group(desk, room_id)


async def test_room_made_direct_stands_under_that_person_alone(desk: Desk) -> None:
    room_id = await chat(desk)
    await desk.server.edit_direct({BOB: ["!b", room_id], CAROL: [room_id, "!c"]})
    await finished(desk, desk.messenger.life.make_direct(room_id, CAROL))
    await recorded(desk, {BOB: ["!b"], CAROL: [room_id, "!c"]})


async def test_room_is_made_direct_for_nobody_invalid(desk: Desk) -> None:
    room_id = await chat(desk)
    with pytest.raises(InvalidUserId):
        await desk.messenger.life.make_direct(room_id, UserId("bob"))
    assert desk.store.pending_intents() == ()


async def test_chat_made_a_room_offline_becomes_one_after_a_restart(desk: Desk) -> None:
    room_id = await chat(desk)
    desk.server.fail("account_data", Unreachable("no network"), times=1000)
    assert await desk.messenger.life.make_room(BOB) is None
    await desk.restart_offline()
    desk.server.heal("account_data")
    await recorded(desk, {})
    assert rows(desk) == [room_id]


async def test_people_in_a_room_are_asked_for_where_the_store_knows_nobody(desk: Desk) -> None:
    await desk.start()
    room_id = await desk.server.have_group(BOB, CAROL)
    assert await desk.messenger.life.people_in(room_id) == (BOB, CAROL)
    desk.server.fail("members", Unreachable("no network"), times=2)
    assert await desk.messenger.life.people_in(room_id) == (BOB, CAROL)
    with pytest.raises(Unreachable):
        await desk.messenger.life.people_in(RoomId("!unheard"))


# -- groups -----------------------------------------------------------------------------------


async def test_group_is_one_room_listed_apart_and_not_in_m_direct(desk: Desk) -> None:
    direct = await chat(desk)
    outcome = await desk.messenger.life.start_group([BOB, CAROL, BOB, ME], " Picnic ")
    assert outcome is not None
    assert outcome.ok
    assert outcome.room_id is not None
    (call,) = [call for call in desk.server.calls if call.name == "create_group"]
    assert call.arguments[:2] == ((BOB, CAROL), "Picnic")
    await recorded(desk, {BOB: [direct]})
    assert set(rows(desk)) == {BOB, outcome.room_id}
    found = desk.conversation(UserId(outcome.room_id))
    assert found is not None
    assert (found.group, found.name, found.encrypted) == (True, "Picnic", True)


async def test_group_whose_answer_was_lost_is_made_once(desk: Desk) -> None:
    await desk.start()
    desk.server.lose_answer("create_group")
    assert await desk.messenger.life.start_group([BOB, CAROL], "") is None
    await desk.restart()
    await desk.until(lambda: desk.store.pending_intents() == ())
    assert desk.server.count("create_group") == 1
    (room_id,) = desk.server.rooms
    assert rows(desk) == [room_id]


async def test_group_with_somebody_who_accepts_no_invites_leaves_no_orphan(desk: Desk) -> None:
    await desk.start()
    desk.server.blocking_invites.add(CAROL)
    outcome = await desk.messenger.life.start_group([CAROL, BOB], "")
    assert outcome is not None
    assert not outcome.ok
    assert outcome.message == f"{CAROL} does not accept invites. No group was made."
    (room,) = desk.server.rooms.values()
    assert room.membership(ME) is Membership.LEAVE
    assert room.room_id in desk.server.forgotten
    assert rows(desk) == []


async def test_refused_group_names_whose_server_refuses(desk: Desk) -> None:
    await desk.start()
    far = UserId("@dan:far.example")
    desk.server.fail("create_group", Forbidden("Federation denied with far.example."))
    outcome = await desk.messenger.life.start_group([BOB, far], "")
    assert outcome is not None
    assert outcome.message == (
        f"{far} could not be invited: Federation denied with far.example. No group was made."
    )


async def test_group_of_nobody_is_refused_before_any_request(desk: Desk) -> None:
    await desk.start()
    outcome = await desk.messenger.life.start_group([ME], "")
    assert outcome is not None
    assert not outcome.ok
    with pytest.raises(InvalidUserId):
        await desk.messenger.life.start_group([BOB, UserId("carol")], "")
    assert desk.store.pending_intents() == ()
    assert desk.server.count("create_group") == 0


async def test_people_without_keys_are_named(desk: Desk) -> None:
    await desk.start()
    desk.server.without_keys.add(CAROL)
    assert await desk.messenger.life.without_keys([BOB, CAROL]) == (CAROL,)
    desk.server.fail("has_device_keys", Unreachable("no network"), times=2)
    assert await desk.messenger.life.without_keys([BOB, CAROL]) == ()


# -- a third human ----------------------------------------------------------------------------


async def test_no_act_invites_a_third_human_into_a_direct_room(desk: Desk) -> None:
    room_id = await chat(desk, "hello")
    life = desk.messenger.life
    await life.start_group([BOB, CAROL], "three")
    await desk.server.abandon(room_id, BOB)
    await desk.until(peer(desk, PeerState.LEFT))
    await life.invite_back(BOB)
    await desk.until(peer(desk, PeerState.INVITED))
    await finished(desk, life.make_direct(room_id, CAROL))
    await desk.until(lambda: desk.store.pending_intents() == ())
    await desk.messenger.start_chat(CAROL)
    await desk.messenger.start_chat(BOB)
    await life.invite_back(CAROL)
    await desk.until(lambda: desk.store.pending_intents() == ())
    calls = [call for call in desk.server.calls if call.name in INVITING]
    assert {call.name for call in calls} == INVITING
    for call in calls:
        if call.name == "invite_back":
            assert call.arguments == (room_id, BOB)
    for room in desk.server.rooms.values():
        if any(direct for _, direct in room.invited.values()):
            assert len(set(room.members) - {ME}) == 1


class Watchman(FakeHomeserver):
    """Notes who is invited into a room where somebody else is already."""

    def __init__(self, clock: FakeClock):
        super().__init__(ME, clock)
        self.slipped: list[tuple[RoomId, UserId]] = []
        self.asked = 0

    async def invite_back(self, room_id: RoomId, user_id: UserId) -> None:
        self.asked += 1
        members = self.rooms[room_id].members.values()
        others = {m.user_id for m in members if m.membership in PRESENT} - {ME, user_id}
        if others:
            self.slipped.append((room_id, user_id))
        await super().invite_back(room_id, user_id)

    def mine(self) -> list[RoomId]:
        return [r.room_id for r in self.rooms.values() if r.membership(ME) is Membership.JOIN]


async def wander(desk: Desk, server: Watchman, dice: Random) -> None:
    """Something that I do, or that happens to me, with a person and a room drawn by lot.

    Sync is late in telling of some who join.
    """
    life, person = desk.messenger.life, dice.choice((BOB, CAROL))
    room_id = dice.choice(server.mine())
    room = server.rooms[room_id]
    there = [user for user in (BOB, CAROL) if room.membership(user) is Membership.JOIN]

    async def join_unheard() -> None:
        room.members[person] = Member(person, Membership.JOIN, Safe("Somebody"))

    acts: list[Callable[[], Coroutine[None, None, object]]] = [
        lambda: desk.messenger.start_chat(person, Consent(invite_back=True)),
        *[lambda: life.invite_back(person)] * 4,
        lambda: life.take_invite_back(person),
        lambda: life.make_room(person),
        lambda: life.make_direct(room_id, person),
        lambda: server.bring(room_id, person),
        *[join_unheard] * 2,
        *[lambda: server.abandon(room_id, dice.choice(there))] * (4 if there else 0),
    ]
    task = asyncio.ensure_future(dice.choice(acts)())
    await desk.until(task.done)
    task.result()


@pytest.mark.parametrize("seed", range(4))
async def test_nobody_slips_into_a_direct_room_whatever_happens(desk: Desk, seed: int) -> None:
    dice, desk.server = Random(seed), (server := Watchman(desk.clock))
    for user_id in (BOB, CAROL):
        server.profiles[user_id] = Profile(user_id, Safe("Somebody"))
        await server.have_direct_room(user_id, "Somebody")
    await desk.start()
    for _ in range(80):
        await wander(desk, server, dice)
    assert server.asked
    assert server.slipped == []


async def test_notes_to_self_never_grow_and_are_no_invite(desk: Desk) -> None:
    await desk.start()
    notes = await desk.messenger.start_chat(ME)
    assert isinstance(notes, Opened)
    await recorded(desk, {ME: [notes.room_id]})
    await desk.messenger.life.start_group([BOB], "")
    assert await desk.messenger.start_chat(ME) == notes
    assert set(desk.server.rooms[notes.room_id].members) == {ME}
    assert (await desk.messenger.life.take_invite_back(ME)) is not None
    assert set(desk.server.rooms[notes.room_id].members) == {ME}


# -- createRoom -------------------------------------------------------------------------------


async def test_room_whose_invite_comes_late_is_adopted_and_not_swept(desk: Desk) -> None:
    await desk.start()
    desk.server.lose_answer("create_direct_room")
    gate = desk.server.hold("find_created_room")
    await desk.messenger.start_chat(BOB)
    (room,) = desk.server.rooms.values()
    late = room.members.pop(BOB)
    gate.set()
    await desk.until(lambda: desk.server.count("members") > 2)
    assert room.membership(ME) is Membership.JOIN
    room.members[BOB] = late
    await recorded(desk, {BOB: [room.room_id]})
    assert desk.server.count("create_direct_room") == 1


async def test_room_made_by_another_device_while_ours_was_waited_for_is_taken(desk: Desk) -> None:
    await desk.start()
    desk.server.fail("create_direct_room", Unreachable("cut off"))
    await desk.messenger.start_chat(BOB)
    room_id = await desk.server.have_direct_room(BOB, listed=False)
    desk.server.data["m.direct"] = {BOB: [room_id]}  # sync has not told yet
    await desk.until(lambda: desk.store.pending_intents() == ())
    assert desk.server.count("create_direct_room") == 1
    assert desk.server.data["m.direct"] == {BOB: [room_id]}


async def test_create_room_that_never_reached_the_server_is_posted_again(desk: Desk) -> None:
    await desk.start()
    desk.server.fail("create_direct_room", Unreachable("cut off"))
    await desk.messenger.start_chat(BOB)
    began = desk.clock.now()
    await desk.until(lambda: desk.server.rooms)
    assert desk.clock.now() - began >= 60
    await desk.until(lambda: "m.direct" in desk.server.data)
    assert desk.server.count("create_direct_room") == 2
    assert len(desk.server.rooms) == 1


async def test_orphan_whose_sweeping_was_cut_off_is_swept_at_the_next_start(desk: Desk) -> None:
    await desk.start()
    desk.server.blocking_invites.add(BOB)
    gate = desk.server.hold("leave")
    starting = asyncio.create_task(desk.messenger.start_chat(BOB))
    await desk.server.called("leave")
    await desk.restart_offline()
    starting.cancel()
    gate.set()
    await desk.until(lambda: desk.store.pending_intents() == ())
    (room,) = desk.server.rooms.values()
    assert room.membership(ME) is Membership.LEAVE
    assert room.room_id in desk.server.forgotten
    assert desk.server.count("create_direct_room") == 1


# -- order of messages handed over ------------------------------------------------------------


async def test_messages_handed_over_in_an_outage_arrive_in_their_order(desk: Desk) -> None:
    await desk.start()
    for name in ("account_data", "create_direct_room"):
        desk.server.fail(name, Unreachable("no network"), times=1000)
    texts = [f"number {n}" for n in range(6)]
    numbers = [desk.hand_over(Deliver(BOB, text)) for text in texts]
    await desk.until(lambda: all((e := desk.store.intent(n)) and e.attempts for n in numbers))
    for name in ("account_data", "create_direct_room"):
        desk.server.heal(name)
    await desk.until(lambda: all((e := desk.store.intent(n)) and e.outcome for n in numbers))
    sent = [call.arguments[2] for call in desk.server.calls if call.name == "send"]
    assert sent == [said(text) for text in texts]
    assert len(desk.server.rooms) == 1


async def test_message_to_one_person_does_not_wait_for_that_to_another(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(CAROL)
    await desk.start()
    for name in ("account_data", "create_direct_room"):
        desk.server.fail(name, Unreachable("no network"), times=1000)
    desk.hand_over(Deliver(BOB, "stuck"))
    number = desk.hand_over(Deliver(CAROL, "through"))
    await desk.until(lambda: (entry := desk.store.intent(number)) and entry.outcome)
    assert len(desk.server.rooms[room_id].events) == 1


async def test_what_waits_for_the_server_is_said_in_words(desk: Desk) -> None:
    await desk.start()
    desk.server.fail("leave", Unreachable("no network"), times=1000)
    desk.server.fail("account_data", Unreachable("no network"), times=1000)
    desk.hand_over(LeaveRoom(BOB, RoomId("!a")))
    desk.hand_over(EditDirect(DirectAction.ADD, CAROL, RoomId("!b")))
    assert desk.messenger.pending() == (
        f"leaving the chat with {BOB}",
        "DM flag pending for carol",
    )
