"""The list of all requests: sections, masks, one answer, many answers, 500 of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.events import Key

from dmtui.core.errors import NotFound, ServerTrouble
from dmtui.core.events import SyncBatch
from dmtui.core.model import Invite, Membership, RoomId, Safe, UserId
from dmtui.ui.screens.confirm import Question
from dmtui.ui.screens.ignored import IgnoredPeople
from dmtui.ui.screens.reason import Reason
from dmtui.ui.screens.requests_list import RequestsList
from dmtui.ui.widgets.invite_prompt import Answer
from dmtui.ui.widgets.request_list import RequestList
from tests.fakes import BOB, ME
from tests.ui.hosting import HOSTILE, STEERING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.ui.stage import Stage

ERIN = UserId("@erin:example.org")
FRED = UserId("@fred:far.example")
SPAM = UserId("@spam:far.example")
FLOOD = 500


async def asked(stage: Stage, *inviters: tuple[UserId, str]) -> list[RoomId]:
    rooms = [await stage.server.invite(inviter, name) for inviter, name in inviters]
    await stage.until(lambda: len(stage.messenger.invites()) == len(rooms))
    return rooms


def requests(stage: Stage) -> RequestList:
    assert isinstance(stage.app.screen, RequestsList)
    return stage.app.screen.query_one(RequestList)


async def listed(stage: Stage) -> RequestList:
    """Open the list."""
    await stage.until(lambda: stage.people.requests)
    await stage.pilot.press("f6")
    await stage.until(lambda: isinstance(stage.app.screen, RequestsList))
    return requests(stage)


def senders(rows: Sequence[Invite]) -> list[UserId]:
    return [invite.inviter for invite in rows]


async def test_sections_by_standing_with_what_is_shared(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    await stage.server.have_direct_room(FRED, "Fred", listed=False)
    async with stage.open() as pilot:
        await asked(stage, (SPAM, "Your Bank"), (FRED, "Fred"), (ERIN, "Erin"), (BOB, "Bob"))
        rows = await listed(stage)
        await stage.until(lambda: senders(rows.invites) == [BOB, FRED, ERIN, SPAM])
        await pilot.pause()
        shown, place = stage.text(), 0
        for words in (
            "Your people  1",
            "one of your people",
            "In rooms with you  1",
            "1 room in common",
            "On your server  1",
            "same server",
            "Strangers  1",
            "nobody you know",
        ):
            place = shown.index(words, place)
        assert "4 requests" in shown


async def test_name_of_a_stranger_is_hidden_until_asked_for(stage: Stage) -> None:
    async with stage.open() as pilot:
        await asked(stage, (SPAM, "Your Bank"), (FRED, "Fred"))
        assert "Your Bank" not in stage.text()
        rows = await listed(stage)
        await stage.until(lambda: rows.current is not None)
        await pilot.pause()
        assert SPAM in stage.text()
        assert "Your Bank" not in stage.text()
        await pilot.press("end", "m")
        await stage.until(stage.shows("calls themselves: Your Bank"))
        await pilot.press("m")
        await stage.until(lambda: "Your Bank" not in stage.text())


async def test_stranger_who_reads_like_a_contact_is_warned_of(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Alice", history=["hi"])
    async with stage.open():
        await asked(stage, (SPAM, "\u0410lice"), (FRED, "Fred"))
        await listed(stage)
        await stage.until(stage.shows("! Calls themselves like Alice, and is somebody else"))


async def test_room_invites_stand_apart_below(stage: Stage) -> None:
    async with stage.open() as pilot:
        await asked(stage, (SPAM, ""))
        await stage.server.invite(BOB, "Bob", direct=False)
        await stage.until(lambda: len(stage.messenger.invites()) == 2)
        rows = await listed(stage)
        await stage.until(lambda: senders(rows.invites) == [SPAM, BOB])
        await pilot.pause()
        assert stage.text().index("Strangers") < stage.text().index("Room invites")
        assert stage.text().count("invites to a room") == 1
        await pilot.press("end", "d")
        await stage.until(lambda: senders(rows.invites) == [SPAM])


async def test_name_of_a_room_is_hidden_until_asked_for(stage: Stage) -> None:
    async with stage.open() as pilot:
        await asked(stage, (FRED, ""))
        invite = Invite(RoomId("!trap"), SPAM, Safe("Eve"), False, 5, room_name=Safe("Free money"))
        await stage.server.tell(SyncBatch("", invites=(invite,)))
        await stage.until(lambda: len(stage.messenger.invites()) == 2)
        rows = await listed(stage)
        await stage.until(lambda: len(rows.invites) == 2)
        await pilot.press("end")
        await stage.until(stage.shows("invites to a room"))
        assert "Free money" not in stage.text()
        await pilot.press("m")
        await stage.until(stage.shows("room name: Free money"))


async def test_chat_accepted_in_the_list_opens(stage: Stage) -> None:
    async with stage.open() as pilot:
        rooms = await asked(stage, (SPAM, ""), (ERIN, "Erin"))
        rows = await listed(stage)
        await stage.until(lambda: senders(rows.invites) == [ERIN, SPAM])
        await pilot.press("a")
        await stage.until(lambda: stage.conversation.person == ERIN)
        await stage.until(lambda: stage.server.data.get("m.direct") == {ERIN: [rooms[1]]})
        assert stage.focus_is(stage.composer)


async def test_revoked_request_leaves_the_list_by_itself(stage: Stage) -> None:
    async with stage.open():
        room, _ = await asked(stage, (SPAM, ""), (ERIN, "Erin"))
        rows = await listed(stage)
        await stage.until(lambda: len(rows.invites) == 2)
        await stage.server.revoke(room)
        await stage.until(lambda: senders(rows.invites) == [ERIN])


async def test_dead_request_is_explained_and_gone(stage: Stage) -> None:
    async with stage.open() as pilot:
        room, _ = await asked(stage, (SPAM, ""), (ERIN, "Erin"))
        rows = await listed(stage)
        await stage.until(lambda: len(rows.invites) == 2)
        await pilot.press("end")
        stage.server.fail("join", NotFound("Nobody is left.", 404, "M_UNKNOWN"))
        await pilot.press("r")
        await stage.until(lambda: "The invite is no longer available." in stage.notices())
        await stage.until(lambda: senders(rows.invites) == [ERIN])
        assert stage.server.rooms[room].membership(ME) is Membership.LEAVE


async def test_what_strangers_write_never_steers_the_terminal(stage: Stage) -> None:
    evil = Safe(HOSTILE)
    invite = Invite(
        RoomId("!evil"), UserId(f"@{HOSTILE}:x"), evil, False, -5, evil, evil, warning=evil
    )
    async with stage.open() as pilot:
        await asked(stage, (SPAM, "x" * 5000))
        await stage.server.tell(SyncBatch("", invites=(invite,)))
        await stage.until(lambda: len(stage.messenger.invites()) == 2)
        await listed(stage)
        await pilot.press("m", "end", "m")
        await stage.until(stage.shows("calls themselves: "))
        assert not any(mark in stage.text() for mark in STEERING)


async def test_later_keeps_the_request_and_asks_no_more(stage: Stage) -> None:
    async with stage.open() as pilot:
        await asked(stage, (SPAM, ""), (ERIN, "Erin"))
        await listed(stage)
        await pilot.press("l", "l", "escape")
        await stage.until(lambda: not stage.prompt.display)
        assert len(stage.people.requests) == 2


async def test_marked_requests_of_a_server_are_declined_together_once_confirmed(
    stage: Stage,
) -> None:
    async with stage.open() as pilot:
        rooms = await asked(stage, (SPAM, ""), (FRED, ""), (ERIN, "Erin"))
        rows = await listed(stage)
        await stage.until(lambda: senders(rows.invites) == [ERIN, FRED, SPAM])
        await pilot.press("end", "s", "d")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        assert "all from far.example" in stage.text()
        await pilot.press("n")
        await stage.until(lambda: isinstance(stage.app.screen, RequestsList))
        assert stage.server.count("leave") == 0
        await pilot.press("d")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await pilot.press("y")
        await stage.until(lambda: senders(rows.invites) == [ERIN])
        await stage.until(lambda: "Declined 2 requests." in stage.notices())
        left = [stage.server.rooms[room].membership(ME) for room in rooms]
        assert left == [Membership.LEAVE, Membership.LEAVE, Membership.INVITE]


async def test_all_strangers_are_marked_by_one_key_and_nobody_else(stage: Stage) -> None:
    async with stage.open() as pilot:
        await asked(stage, (SPAM, ""), (FRED, ""), (ERIN, "Erin"))
        rows = await listed(stage)
        await pilot.press("t")
        await stage.until(lambda: len(rows.marked) == 2)
        await pilot.press("u", "space")
        await stage.until(lambda: len(rows.marked) == 1)


async def test_refusal_in_three_steps_offers_the_failed_one_again(stage: Stage) -> None:
    async with stage.open() as pilot:
        (room,) = await asked(stage, (SPAM, "Your Bank"))
        stage.server.data["m.ignored_user_list"] = {"ignored_users": "broken"}
        await pilot.press("f6")
        await stage.until(lambda: stage.focus_is(stage.prompt))
        await pilot.press("p")
        await stage.until(lambda: isinstance(stage.app.screen, Reason))
        await stage.type("sells watches")
        await pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await stage.until(stage.shows("Ignoring failed"))
        assert f"Declined the invite from {SPAM}." in stage.notices()
        assert f"Reported {SPAM}." in stage.notices()
        assert stage.server.reports == [(SPAM, "sells watches"), (room, "sells watches")]
        assert stage.server.rooms[room].membership(ME) is Membership.LEAVE
        stage.server.data["m.ignored_user_list"] = {}
        await pilot.press("t", "enter")
        await stage.until(lambda: f"{SPAM} is ignored." in stage.notices())
        assert stage.server.data["m.ignored_user_list"] == {"ignored_users": {SPAM: {}}}
        assert stage.server.count("leave") == 1


@pytest.mark.parametrize("key", ["d", "b"])
async def test_doubled_key_answers_one_request_once(stage: Stage, key: str) -> None:
    async with stage.open() as pilot:
        await asked(stage, (SPAM, ""), (FRED, ""), (ERIN, ""))
        rows = await listed(stage)
        await stage.until(lambda: len(rows.invites) == 3)
        for _ in range(4):  # a key held
            stage.app.post_message(Key(key, key))
        await stage.until(lambda: len(rows.invites) == 2)
        await stage.until(lambda: stage.server.count("leave") == 1)
        await pilot.pause()
        assert len(stage.messenger.invites()) == 2
        assert len([n for n in stage.notices() if n.startswith("Declined")]) == 1


async def test_answer_under_way_is_not_given_again(stage: Stage) -> None:
    async with stage.open() as pilot:
        await asked(stage, (SPAM, ""), (FRED, ""))
        rows = await listed(stage)
        await stage.until(lambda: len(rows.invites) == 2)
        first = rows.current
        assert first is not None
        for _ in range(2):
            rows.post_message(RequestList.Answered((first,), Answer.DECLINE))
        await stage.until(stage.notices)
        await pilot.pause()
        assert len(stage.notices()) == 1
        assert len(stage.messenger.invites()) == 1


async def test_homeserver_that_takes_no_reports_is_said_to(stage: Stage) -> None:
    async with stage.open() as pilot:
        await asked(stage, (SPAM, ""))
        unknown = NotFound("No such thing.", 404, "M_UNRECOGNIZED")
        stage.server.fail("report_user", unknown)
        stage.server.fail("report_room", unknown)
        await pilot.press("f6", "p", "enter")
        await stage.until(stage.shows("Your homeserver takes no reports."))
        await pilot.press("n", "enter")
        assert f"{SPAM} is ignored." in stage.notices()


async def test_switch_for_invites_shows_and_changes_its_state(stage: Stage) -> None:
    async with stage.open() as pilot:
        await asked(stage, (SPAM, ""), (FRED, ""))
        await listed(stage)
        await stage.until(stage.shows("Everybody may ask to chat."))
        await pilot.press("i")
        await stage.until(stage.shows("Invites: allowed"))
        await pilot.press("b")
        kind = "m.invite_permission_config"
        await stage.until(lambda: stage.server.data.get(kind) == {"default_action": "block"})
        await stage.until(stage.shows("Invites are blocked"))


async def test_person_is_ignored_and_heard_again(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open() as pilot:
        await pilot.press("alt+1")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await pilot.app.screen.run_action("person('ignore')")
        await stage.until(stage.shows("Ignore Bob?"))
        await pilot.press("i")
        await stage.until(lambda: "Bob is ignored." in stage.notices())
        await stage.until(lambda: stage.row() is None)
        assert stage.conversation.person is None
        await pilot.app.screen.run_action("general('ignored')")
        await stage.until(lambda: isinstance(stage.app.screen, IgnoredPeople))
        await pilot.press("enter")
        empty: dict[str, object] = {"ignored_users": {}}
        await stage.until(lambda: stage.server.data["m.ignored_user_list"] == empty)
        await stage.until(stage.shows("You ignore nobody."))
        await stage.until(stage.shows(f"You hear of {BOB} again."))
        await pilot.press("escape")
        await stage.until(stage.row)


async def test_ignoring_that_fails_is_offered_again(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open() as pilot:
        stage.server.data["m.ignored_user_list"] = {"ignored_users": 5}
        await pilot.app.screen.run_action("person('ignore')")
        await stage.until(stage.shows("Ignore Bob?"))
        await pilot.press("i")
        await stage.until(stage.shows("This failed"))
        stage.server.data["m.ignored_user_list"] = {}
        await pilot.press("t", "enter")
        await stage.until(lambda: "Bob is ignored." in stage.notices())


async def test_answer_while_offline_is_told_to_wait(stage: Stage) -> None:
    async with stage.open() as pilot:
        await asked(stage, (SPAM, ""))
        stage.server.fail("leave", ServerTrouble("502"), times=1000)
        await pilot.press("f6", "d")
        goes_on = "Declining goes on as soon as the homeserver can be reached."
        await stage.until(lambda: goes_on in stage.notices())
        stage.server.heal("leave")
        await stage.until(lambda: stage.server.count("leave") > 1)


def flood() -> tuple[Invite, ...]:
    return tuple(
        Invite(
            RoomId(f"!spam{n}"), UserId(f"@spam{n}:far.example"), Safe("BUY " * 60), True, 1000 + n
        )
        for n in range(FLOOD)
    )


async def test_five_hundred_requests_are_listed_and_walked_through(stage: Stage) -> None:
    stage.server.fail("shared_rooms", NotFound("No such thing.", 404, "M_UNRECOGNIZED"))
    await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open() as pilot:
        await asked(stage, (BOB, "Bob"))
        await stage.server.tell(SyncBatch("", invites=flood()))
        await stage.until(stage.shows("501 requests"))
        assert "500 more" in stage.text()
        assert stage.prompt.invite is not None
        assert stage.prompt.invite.inviter == BOB
        rows = await listed(stage)
        await stage.until(lambda: len(rows.invites) == FLOOD + 1)
        await pilot.press(*["pagedown"] * 20, *["down"] * 20)
        await pilot.press("end")
        await stage.until(stage.shows("@spam0:far.example"))
        assert rows.current is not None
        assert rows.current.inviter == "@spam0:far.example"


async def test_two_hundred_strangers_are_declined_at_once(stage: Stage) -> None:
    stage.server.fail("shared_rooms", NotFound("No such thing.", 404, "M_UNRECOGNIZED"))
    async with stage.open() as pilot:
        for invite in flood()[:200]:
            await stage.server.invite(invite.inviter, "BUY")
        rows = await listed(stage)
        await stage.until(lambda: len(rows.invites) == 200)
        await pilot.press("t", "d")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await pilot.press("y")
        await stage.until(lambda: len(rows.invites) == 0)
        await stage.until(lambda: stage.server.count("leave") == 200)
        await stage.until(lambda: "Declined 200 requests." in stage.notices())
