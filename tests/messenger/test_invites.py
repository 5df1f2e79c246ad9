from __future__ import annotations

from dmtui.core.errors import Forbidden, NotFound, ServerTrouble, Unreachable
from dmtui.core.intents import Accept, Outcome
from dmtui.core.model import Membership
from dmtui.messenger.requests import Step
from tests.fakes import BOB, ME
from tests.messenger.conftest import Desk


async def test_accepted_invite_is_joined_and_recorded_under_the_inviter(desk: Desk) -> None:
    room_id = await desk.server.invite(BOB, "Bob")
    await desk.start()
    outcome = await desk.messenger.accept(room_id)
    assert outcome is not None
    assert outcome.ok
    await desk.until(lambda: desk.server.data.get("m.direct") == {BOB: [room_id]})
    assert desk.messenger.invites() == ()
    conversation = desk.conversation()
    assert conversation is not None
    assert conversation.room_id == room_id


async def test_invite_accepted_as_a_room_is_not_recorded(desk: Desk) -> None:
    room_id = await desk.server.invite(BOB, "Bob")
    await desk.start()
    outcome = await desk.messenger.accept(room_id, direct=False)
    assert outcome is not None
    assert outcome.ok
    assert desk.server.count("set_account_data") == 0
    await desk.until(lambda: desk.messenger.invites() == ())
    assert desk.conversation() is None


async def test_failed_record_leaves_the_room_open_and_the_flag_pending(desk: Desk) -> None:
    room_id = await desk.server.invite(BOB, "Bob")
    await desk.start()
    desk.server.fail("set_account_data", ServerTrouble("502"), times=1000)
    outcome = await desk.messenger.accept(room_id)
    assert outcome is not None
    assert outcome.ok
    await desk.until(desk.conversation)
    conversation = desk.conversation()
    assert conversation is not None
    assert conversation.flag_pending
    assert desk.messenger.pending() == ("DM flag pending for Bob",)
    desk.server.heal("set_account_data")
    await desk.until(lambda: desk.server.data.get("m.direct") == {BOB: [room_id]})
    await desk.until(lambda: (c := desk.conversation()) and not c.flag_pending)


async def test_invite_whose_inviter_left_is_explained_and_declined(desk: Desk) -> None:
    room_id = await desk.server.invite(BOB, "Bob")
    await desk.start()
    desk.server.fail("join", NotFound("Can't join.", 404, "M_UNKNOWN"))
    outcome = await desk.messenger.accept(room_id)
    assert outcome is not None
    assert not outcome.ok
    assert outcome.message == "The invite is no longer available."
    assert desk.messenger.invites() == ()
    assert desk.server.rooms[room_id].membership(ME) is Membership.LEAVE
    assert desk.server.count("set_account_data") == 0


async def test_revoked_invite_goes_by_itself(desk: Desk) -> None:
    room_id = await desk.server.invite(BOB, "Bob")
    await desk.start()
    assert len(desk.messenger.invites()) == 1
    await desk.server.revoke(room_id)
    await desk.until(lambda: desk.messenger.invites() == ())


async def test_declined_invite_is_left(desk: Desk) -> None:
    room_id = await desk.server.invite(BOB, "Bob")
    await desk.start()
    (invite,) = desk.messenger.invites()
    await desk.messenger.requests.refuse(invite, [Step.DECLINE])
    assert desk.server.rooms[room_id].membership(ME) is Membership.LEAVE
    assert desk.messenger.invites() == ()


async def test_declining_and_ignoring_declines_everything_from_the_person(desk: Desk) -> None:
    first = await desk.server.invite(BOB, "Bob")
    second = await desk.server.invite(BOB, "Bob")
    desk.server.data["m.ignored_user_list"] = {"ignored_users": {"@spam:x": {}}, "other": 1}
    await desk.start()
    (invite,) = (i for i in desk.messenger.invites() if i.room_id == first)
    await desk.messenger.requests.refuse(invite, (Step.DECLINE, Step.IGNORE))
    await desk.until(lambda: desk.server.rooms[second].membership(ME) is Membership.LEAVE)
    assert desk.server.data["m.ignored_user_list"] == {
        "ignored_users": {"@spam:x": {}, BOB: {}},
        "other": 1,
    }


async def test_answer_given_offline_is_carried_out_later(desk: Desk) -> None:
    room_id = await desk.server.invite(BOB, "Bob")
    await desk.start()
    desk.server.fail("join", Unreachable("no network"), times=1000)
    assert await desk.messenger.accept(room_id) is None
    desk.server.heal("join")
    await desk.restart()
    await desk.until(lambda: desk.server.data.get("m.direct") == {BOB: [room_id]})


async def test_answer_written_down_by_another_process_is_carried_out(desk: Desk) -> None:
    room_id = await desk.server.invite(BOB, "Bob")
    await desk.start()
    desk.hand_over(Accept(room_id, BOB, direct=True))
    await desk.until(lambda: desk.server.data.get("m.direct") == {BOB: [room_id]})


async def test_refusal_for_another_reason_leaves_the_invite_pending(desk: Desk) -> None:
    room_id = await desk.server.invite(BOB, "Bob")
    await desk.start()
    await desk.until(lambda: desk.messenger.invites())
    consent = Forbidden("Agree to the terms first.", 403, "M_CONSENT_NOT_GIVEN")
    desk.server.fail("join", consent)
    outcome = await desk.messenger.accept(room_id)
    assert outcome == Outcome(ok=False, message="Agree to the terms first.")
    assert desk.server.count("leave") == 0
    assert [invite.room_id for invite in desk.messenger.invites()] == [room_id]
