"""Requests: how they are weighed, and refusing them step by step."""

from __future__ import annotations

import asyncio

import pytest

from dmtui.core.errors import Forbidden, NotFound, RateLimited, Refused, ServerTrouble, Unreachable
from dmtui.core.events import SyncBatch
from dmtui.core.intents import BlockInvites, Ignore, Outcome, StopIgnoring
from dmtui.core.model import Invite, JsonObject, Membership, RoomId, Safe, Standing, UserId
from dmtui.messenger.requests import Step, StepResult
from tests.fakes import BOB, ME
from tests.messenger.conftest import Desk

CAROL = UserId("@carol:example.org")
SPAM = UserId("@spam:far.example")
ALL = (Step.DECLINE, Step.IGNORE, Step.REPORT)
LIST = "m.ignored_user_list"
SWITCH = "m.invite_permission_config"
DONE = Outcome(ok=True)


async def asked(desk: Desk, inviter: UserId = SPAM) -> Invite:
    room_id = await desk.server.invite(inviter, "Somebody")
    await desk.until(lambda: any(i.room_id == room_id for i in desk.messenger.invites()))
    return next(i for i in desk.messenger.invites() if i.room_id == room_id)


def weights(desk: Desk) -> dict[UserId, int | None]:
    return {invite.inviter: invite.shared_rooms for invite in desk.messenger.invites()}


# -- weighing -------------------------------------------------------------------------------


async def test_rooms_shared_with_who_asks_are_counted_and_raise_them(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB, listed=False)
    await desk.start()
    await asked(desk, SPAM)
    await asked(desk, BOB)
    await asked(desk, SPAM)
    await desk.until(lambda: weights(desk) == {BOB: 1, SPAM: 0})
    first = desk.messenger.invites()[0]
    assert (first.inviter, first.standing) == (BOB, Standing.SHARES_ROOMS)
    assert desk.server.count("shared_rooms") <= 3


async def test_server_that_can_not_count_is_asked_once(desk: Desk) -> None:
    desk.server.fail("shared_rooms", NotFound("Unrecognized.", 404, "M_UNRECOGNIZED"))
    await desk.start()
    await asked(desk, SPAM)
    await desk.until(lambda: desk.server.count("shared_rooms"))
    await asked(desk, BOB)
    await asked(desk, CAROL)
    assert desk.server.count("shared_rooms") == 1
    assert set(weights(desk).values()) == {None}


async def test_person_whom_the_server_refuses_to_count_holds_nobody_up(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB, listed=False)
    desk.server.fail("shared_rooms", Refused("Invalid user.", 400, "M_INVALID_PARAM"))
    await desk.start()
    await asked(desk, SPAM)
    await desk.until(lambda: desk.server.count("shared_rooms"))
    await asked(desk, BOB)
    await desk.until(lambda: weights(desk) == {BOB: 1, SPAM: None})


async def test_rate_limit_is_waited_for(desk: Desk) -> None:
    desk.server.fail("shared_rooms", RateLimited("Slow down.", retry_after=40.0))
    await desk.start()
    began = desk.clock.now()
    await asked(desk, SPAM)
    await desk.until(lambda: weights(desk) == {SPAM: 0})
    assert desk.clock.now() - began >= 40.0


async def test_people_are_counted_few_at_a_time(desk: Desk) -> None:
    gate = desk.server.hold("shared_rooms")
    invites = tuple(
        Invite(RoomId(f"!s{n}"), UserId(f"@s{n}:far.example"), Safe(""), True, n) for n in range(50)
    )
    await desk.start()
    await desk.server.tell(SyncBatch("", invites=invites))
    await desk.until(lambda: desk.server.count("shared_rooms") == 4)
    newest = {call.arguments[0] for call in desk.server.calls if call.name == "shared_rooms"}
    assert newest == {f"@s{n}:far.example" for n in range(46, 50)}
    gate.set()
    await desk.until(lambda: set(weights(desk).values()) == {0})
    assert desk.server.count("shared_rooms") == 50


# -- refusing -------------------------------------------------------------------------------


async def test_three_steps_each_have_a_result(desk: Desk) -> None:
    await desk.start()
    invite = await asked(desk)
    results = await desk.messenger.requests.refuse(invite, ALL, "sells watches")
    assert [(r.step, r.outcome is not None and r.outcome.ok) for r in results] == [
        (step, True) for step in ALL
    ]
    assert desk.server.rooms[invite.room_id].membership(ME) is Membership.LEAVE
    assert desk.server.data[LIST] == {"ignored_users": {SPAM: {}}}
    assert desk.server.reports == [(SPAM, "sells watches"), (invite.room_id, "sells watches")]


@pytest.mark.parametrize(
    ("call", "step"),
    [("leave", Step.DECLINE), ("set_account_data", Step.IGNORE), ("report_user", Step.REPORT)],
)
async def test_failed_step_is_told_apart_and_can_be_asked_for_again(
    desk: Desk, call: str, step: Step
) -> None:
    await desk.start()
    invite = await asked(desk)
    desk.server.fail(call, Refused("The homeserver says no."))
    results = await desk.messenger.requests.refuse(invite, ALL)
    assert [result.step for result in results if result.failed] == [step]
    again = await desk.messenger.requests.refuse(invite, [step])
    assert [(result.step, result.failed) for result in again] == [(step, False)]


async def test_step_that_waits_for_the_server_has_no_outcome_yet_and_is_done_later(
    desk: Desk,
) -> None:
    await desk.start()
    invite = await asked(desk)
    desk.server.fail("set_account_data", Unreachable("no network"), times=1000)
    results = await desk.messenger.requests.refuse(invite, (Step.DECLINE, Step.IGNORE))
    assert results[1] == StepResult(Step.IGNORE, None)
    desk.server.heal("set_account_data")
    await desk.restart()
    await desk.until(lambda: desk.server.data.get(LIST) == {"ignored_users": {SPAM: {}}})


async def test_server_without_reports_says_so_and_the_other_steps_stand(desk: Desk) -> None:
    await desk.start()
    invite = await asked(desk)
    for call in ("report_user", "report_room"):
        desk.server.fail(call, NotFound("Unrecognized.", 404, "M_UNRECOGNIZED"))
    results = await desk.messenger.requests.refuse(invite, ALL)
    assert [result.failed for result in results] == [False, False, True]
    assert results[2].outcome == Outcome(ok=False, message="Your homeserver takes no reports.")


async def test_room_alone_can_be_reported_where_people_can_not(desk: Desk) -> None:
    await desk.start()
    invite = await asked(desk)
    desk.server.fail("report_user", NotFound("Unrecognized.", 404, "M_UNRECOGNIZED"))
    (result,) = await desk.messenger.requests.refuse(invite, [Step.REPORT], "why")
    assert not result.failed
    assert desk.server.reports == [(invite.room_id, "why")]


@pytest.mark.parametrize(
    "error", [NotFound("Gone.", 404), Forbidden("Not invited.", 403, "M_FORBIDDEN")]
)
async def test_declining_a_dead_invite_removes_it_for_good(desk: Desk, error: Refused) -> None:
    await desk.start()
    invite = await asked(desk)
    desk.server.fail("leave", error)
    (result,) = await desk.messenger.requests.refuse(invite, [Step.DECLINE])
    assert not result.failed
    assert desk.messenger.invites() == ()
    await desk.server.tell(SyncBatch("", invites=(invite,)))
    await desk.restart()
    assert desk.messenger.invites() == ()


async def test_flood_is_declined_a_few_at_a_time_and_ignored_in_one_list(desk: Desk) -> None:
    await desk.start()
    invites = [await asked(desk, UserId(f"@s{n}:far.example")) for n in range(12)]
    gate = desk.server.hold("leave")
    steps = (Step.DECLINE, Step.IGNORE)
    refusing = asyncio.ensure_future(desk.messenger.requests.refuse_all(invites, steps))
    await desk.until(lambda: desk.server.count("leave") == 4)
    assert desk.messenger.pending()[-1] == "declining 12 invites"
    gate.set()
    assert not any(result.failed for result in await refusing)
    await desk.until(lambda: desk.server.count("leave") == 12)
    everybody: JsonObject = {f"@s{n}:far.example": {} for n in range(12)}
    await desk.until(lambda: desk.server.data.get(LIST) == {"ignored_users": everybody})


async def test_invite_of_nobody_known_is_declined_and_nobody_is_ignored(desk: Desk) -> None:
    await desk.start()
    invite = await asked(desk, UserId(""))
    results = await desk.messenger.requests.refuse(invite, ALL, "why")
    assert [result.failed for result in results] == [False, True, False]
    assert LIST not in desk.server.data
    assert desk.server.reports == [(invite.room_id, "why")]
    assert desk.messenger.invites() == ()


# -- ignoring -------------------------------------------------------------------------------


async def test_ignoring_declines_what_the_person_sent_even_if_sync_hid_it_first(desk: Desk) -> None:
    await desk.start()
    invites = [await asked(desk, BOB), await asked(desk, BOB)]
    await desk.server.tell(SyncBatch("", ignored=frozenset({BOB})))
    await desk.until(lambda: desk.messenger.invites() == ())
    outcome = await desk.messenger.requests.ignore(BOB)
    assert outcome == DONE
    rooms = [desk.server.rooms[invite.room_id] for invite in invites]
    await desk.until(lambda: all(r.membership(ME) is Membership.LEAVE for r in rooms))


async def test_ignored_invite_does_not_come_back_after_un_ignoring(desk: Desk) -> None:
    await desk.start()
    invite = await asked(desk, BOB)
    await desk.messenger.requests.ignore(BOB)
    await desk.until(lambda: desk.messenger.requests.ignored() == (BOB,))
    await desk.until(lambda: desk.server.count("leave") == 1)
    await desk.messenger.requests.stop_ignoring(BOB)
    await desk.until(lambda: desk.messenger.requests.ignored() == ())
    await desk.server.tell(SyncBatch("", invites=(invite,)))
    await desk.restart()
    assert desk.messenger.invites() == ()


async def test_two_people_ignored_at_once_are_both_on_the_list(desk: Desk) -> None:
    await desk.start()
    for number in range(6):
        await desk.messenger.write_down(Ignore(UserId(f"@s{number}:x")))
    await desk.until(lambda: len(desk.messenger.requests.ignored()) == 6)


async def test_last_wish_counts_where_two_are_contrary(desk: Desk) -> None:
    await desk.start()
    desk.server.fail("account_data", Unreachable("no network"), times=1000)
    for intent in (
        Ignore(BOB),
        StopIgnoring(BOB),
        Ignore(BOB),
        BlockInvites(True),
        BlockInvites(False),
    ):
        await desk.messenger.write_down(intent)
    desk.server.heal("account_data")
    await desk.until(lambda: desk.store.pending_intents() == ())
    assert desk.server.data.get(LIST) == {"ignored_users": {BOB: {}}}
    assert SWITCH not in desk.server.data


async def test_malformed_list_is_left_alone(desk: Desk) -> None:
    desk.server.data[LIST] = {"ignored_users": ["@x:y"]}
    await desk.start()
    outcome = await desk.messenger.requests.ignore(BOB)
    assert outcome is not None
    assert not outcome.ok
    assert desk.server.data[LIST] == {"ignored_users": ["@x:y"]}


# -- the switch -----------------------------------------------------------------------------


async def test_switch_changes_one_field_and_keeps_the_rest(desk: Desk) -> None:
    desk.server.data[SWITCH] = {"default_action": "allow", "org.example.exceptions": {"x": 1}}
    await desk.start()
    assert await desk.messenger.requests.block(True) == DONE
    expected: JsonObject = {"default_action": "block", "org.example.exceptions": {"x": 1}}
    assert desk.server.data[SWITCH] == expected
    await desk.until(lambda: desk.messenger.requests.blocked)
    await desk.messenger.requests.block(False)
    await desk.until(lambda: not desk.messenger.requests.blocked)


async def test_switch_that_stands_as_wanted_is_not_written(desk: Desk) -> None:
    await desk.start()
    await desk.messenger.requests.block(False)
    assert desk.server.count("set_account_data") == 0


async def test_switch_thrown_by_another_client_shows_at_once(desk: Desk) -> None:
    await desk.start()
    assert not desk.messenger.requests.blocked
    await desk.server.tell(SyncBatch("", invites_blocked=True))
    await desk.until(lambda: desk.messenger.requests.blocked)


async def test_switch_thrown_without_the_server_is_thrown_later(desk: Desk) -> None:
    await desk.start()
    desk.server.fail("account_data", ServerTrouble("502"), times=1000)
    assert await desk.messenger.requests.block(True) is None
    desk.server.heal("account_data")
    await desk.until(lambda: desk.server.data.get(SWITCH) == {"default_action": "block"})


# -- accepting as a room --------------------------------------------------------------------


async def test_listed_room_accepted_as_a_room_leaves_the_map(desk: Desk) -> None:
    await desk.start()
    invite = await asked(desk, BOB)
    await desk.server.edit_direct({BOB: [invite.room_id, "!other"]})
    await desk.until(lambda: desk.store.direct() is not None)
    await desk.messenger.accept(invite.room_id, direct=False)
    await desk.until(lambda: desk.server.data["m.direct"] == {BOB: ["!other"]})
