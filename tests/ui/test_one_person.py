"""One person in several rooms, chats that become groups, and how the other one stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dmtui.core.errors import ServerTrouble
from dmtui.core.events import RoomUpdate, SyncBatch
from dmtui.core.model import Member, Membership, PeerState, RoomId, SendState, UserId
from tests.fakes import BOB, CAROL, ME

if TYPE_CHECKING:
    from tests.ui.stage import Stage


async def open_first(stage: Stage) -> None:
    await stage.until(lambda: stage.people.rows)
    await stage.pilot.press("alt+1")
    await stage.until(lambda: stage.conversation.person is not None)


def header(stage: Stage) -> str:
    return str(stage.conversation.query_one("#header").render())


async def test_marker_stands_between_the_rooms_of_one_person(stage: Stage) -> None:
    old = await stage.server.have_direct_room(BOB, "Bob", history=["long ago"])
    await stage.server.leave(old)
    await stage.server.have_direct_room(BOB, "Bob", history=["again"], encrypted=True)
    async with stage.open():
        await open_first(stage)
        await stage.until(stage.shows("You left the chat above: this is a new one · encrypted"))
        text = stage.text()
        assert text.index("long ago") < text.index("You left the chat") < text.rindex("again")


async def test_marker_comes_with_the_upgrade_while_the_chat_is_open(stage: Stage) -> None:
    old = await stage.server.have_direct_room(BOB, "Bob", history=["before"])
    async with stage.open():
        await open_first(stage)
        new = await stage.server.upgrade(old, BOB)
        await stage.until(lambda: (row := stage.row()) and row.room_id == new)
        await stage.server.say(new, BOB, "after")
        await stage.until(stage.shows("Upgraded: the chat goes on in a new room"))
        await stage.server.say(new, BOB, "and more")
        await stage.until(stage.shows("and more"))
        assert stage.text().count("Upgraded: the chat goes on") == 1
        assert "upgraded: not in its new room" not in header(stage)


async def test_upgrade_that_waits_for_an_invite_is_named_above_the_chat(stage: Stage) -> None:
    old = await stage.server.have_direct_room(BOB, "Bob", history=["before"])
    async with stage.open():
        await open_first(stage)
        gate = stage.server.hold("join")
        await stage.server.upgrade(old, BOB)
        await stage.server.called("join")
        await stage.server.say(old, BOB, "moved")
        await stage.until(lambda: "upgraded: not in its new room yet" in header(stage))
        gate.set()
        await stage.until(lambda: "upgraded" not in header(stage))


async def test_left_room_unknown_to_this_device_is_loaded_at_the_top(stage: Stage) -> None:
    old = await stage.server.have_direct_room(BOB, "Bob", history=["long ago"])
    stage.server._news.clear()  # a new login: sync tells of joined rooms alone
    await stage.server.have_direct_room(BOB, "Bob", history=["again"])
    stage.server.rooms[old].members[ME] = Member(ME, Membership.LEAVE)
    async with stage.open():
        await open_first(stage)
        await stage.until(stage.shows("long ago"))
        await stage.until(stage.shows("Beginning of the conversation"))
        row = stage.row()
        assert row is not None
        assert row.room_id != old


async def test_what_is_stored_is_shown_though_the_server_keeps_a_page_back(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["one", "two"])
    late = await stage.server.have_direct_room(BOB, "Bob", history=["three", "four"], shown=1)
    stage.server.broken_history.add(late)
    async with stage.open():
        await open_first(stage)
        await stage.until(stage.shows("one"))
        assert any("Older messages could not be loaded" in line for line in stage.notices())
        assert "three" not in stage.text()


async def test_view_and_half_typed_text_follow_the_chat_into_a_group(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    group = UserId(room_id)
    async with stage.open(size=(140, 30)) as pilot:
        await open_first(stage)
        await stage.type("only for bob")
        await stage.server.bring(room_id, CAROL, "Carol")
        await stage.until(lambda: stage.conversation.person == group)
        assert stage.composer.text == "only for bob"
        assert stage.composer.writing_to == group
        assert any("is a group now" in notice for notice in stage.notices())
        assert "group, not a direct message (was a DM with @bob:example.org)" in header(stage)
        assert stage.row() is None
        await stage.type(" really")
        await pilot.press("enter")
        await stage.until(lambda: "Carol reads along now: Enter again" in str(stage.notices()))
        assert stage.composer.text == "only for bob really"
        await stage.type(" all")
        await pilot.press("enter")
        await stage.until(lambda: stage.server.count("send") == 1)
        assert stage.composer.text == ""
        await stage.until(
            lambda: [m.state for m in stage.messages(group) if m.own] == [SendState.SENT]
        )


async def test_keys_pressed_as_the_chat_becomes_a_group_are_not_lost(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    group = UserId(room_id)
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.type("half")
        await stage.server.bring(room_id, CAROL, "Carol")
        await stage.until(lambda: stage.conversation.person == group)
        await stage.type(" typed")
        stage.conversation.writing.save_drafts()
        await stage.until(lambda: (row := stage.row(group)) and row.draft == "half typed")
        await pilot.press("f1")
    async with stage.open():
        await open_first(stage)
        assert stage.composer.text == "half typed"


async def test_draft_of_a_closed_chat_is_held_once_it_is_a_groups(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    group = UserId(room_id)
    async with stage.open():
        await open_first(stage)
        await stage.type("only for bob")
    async with stage.open() as pilot:
        await stage.server.bring(room_id, CAROL, "Carol")
        await stage.until(lambda: stage.row(group))
        stage.main.open(group)
        await pilot.press("enter")
        await stage.until(lambda: "Carol reads along now: Enter again" in str(stage.notices()))
        assert stage.composer.text == "only for bob"
    async with stage.open() as pilot:
        await open_first(stage)
        await pilot.press("enter")
        await stage.until(lambda: "Carol reads along now: Enter again" in str(stage.notices()))
        await pilot.press("enter")
        await stage.until(lambda: stage.server.count("send") == 1)
        await stage.type("to all")
        await pilot.press("enter")
        await stage.until(lambda: stage.server.count("send") == 2)


async def test_view_and_half_typed_text_stay_with_a_person_who_has_another_room(
    stage: Stage,
) -> None:
    older = await stage.server.have_direct_room(BOB, "Bob", history=["long ago"])
    newer = await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open(size=(140, 30)) as pilot:
        await open_first(stage)
        row = stage.row()
        assert row is not None
        left = {older: newer, newer: older}[row.room_id]
        await stage.type("only for bob")
        await stage.server.bring(row.room_id, CAROL, "Carol")
        await stage.until(lambda: stage.row(UserId(row.room_id)))
        assert stage.conversation.person == BOB
        assert "is a group now: here you write to Bob alone" in str(stage.notices())
        await pilot.press("enter")
        await stage.until(lambda: stage.server.count("send") == 1)
        (call,) = [call for call in stage.server.calls if call.name == "send"]
        assert call.arguments[0] == left


async def test_group_becomes_a_chat_again_before_the_users_eyes(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    await stage.server.bring(room_id, CAROL, "Carol")
    async with stage.open():
        await stage.until(lambda: stage.row(UserId(room_id)))
        stage.main.open(UserId(room_id))
        await stage.server.abandon(room_id, CAROL)
        await stage.until(lambda: stage.conversation.person == BOB)
        assert any("direct chat with" in notice for notice in stage.notices())


async def test_message_to_one_person_waits_for_a_word_once_the_chat_is_a_group(
    stage: Stage,
) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    group = UserId(room_id)
    async with stage.open(size=(140, 30)) as pilot:
        await open_first(stage)
        stage.server.fail("send", ServerTrouble("Out of order."), times=1000)
        await stage.type("for bob alone")
        await pilot.press("enter")
        await stage.until(lambda: stage.server.count("send"))
        await stage.server.bring(room_id, CAROL, "Carol")
        await stage.until(lambda: stage.conversation.person == group)
        await stage.until(stage.shows("the chat has become a group since"))
        stage.server.heal("send")
        tried = stage.server.count("send")
        await pilot.press("up", "x")
        await stage.until(
            lambda: [m.state for m in stage.messages(group) if m.own] == [SendState.SENT]
        )
        assert stage.server.count("send") == tried + 1


async def test_upgrade_refused_for_good_is_told_in_passing_and_above_the_chat(
    stage: Stage,
) -> None:
    old = await stage.server.have_direct_room(BOB, "Bob", history=["before"])
    async with stage.open(size=(140, 30)):
        await open_first(stage)
        gate = stage.server.hold("join")
        new = await stage.server.upgrade(old, BOB, invited=False)
        stage.server.rooms[new].members[CAROL] = Member(CAROL, Membership.JOIN)
        await stage.until(lambda: "upgraded: not in its new room yet" in header(stage))
        assert stage.main.status.pending == ()
        gate.set()
        await stage.until(lambda: "upgraded, but stays in this room" in header(stage))
        assert str(stage.notices()).count("it stays where it is") == 1


async def test_whoever_is_said_to_be_a_bot_is_named_above_the_chat(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open(size=(160, 30)):
        await open_first(stage)
        said = RoomUpdate(room_id, service_members=frozenset({ME, BOB, CAROL}))
        await stage.server.tell(SyncBatch("", rooms=(said,)))
        await stage.server.bring(room_id, CAROL, "Carol")
        await stage.until(lambda: f"read along by {CAROL}, said to be a bot" in header(stage))
        assert stage.conversation.person == BOB
        await stage.server.abandon(room_id, CAROL)
        await stage.until(lambda: "read along" not in header(stage))


async def test_banned_person_is_said_to_be_so(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", history=["before"])
    await stage.server.ban(room_id, BOB, ME)
    async with stage.open(size=(150, 30)):
        await stage.until(stage.shows("(banned)"))
        await open_first(stage)
        assert "banned from this room" in header(stage)
        assert "Ctrl+N starts a new chat" in stage.text()


@pytest.mark.parametrize(
    ("membership", "words"),
    [
        ("invited", "invited, not here yet: "),
        ("declined", "declined the invite"),
        ("left", "left"),
    ],
)
async def test_header_says_how_the_person_stands_and_which_key_helps(
    stage: Stage, membership: str, words: str
) -> None:
    room_id = await stage.server.create_direct_room(BOB, "nonce", encrypted=False)
    await stage.server.edit_direct({BOB: [room_id]})
    if membership == "declined":
        await stage.server.decline(room_id, BOB)
    if membership == "left":
        await stage.server.welcome(room_id, BOB)
        await stage.server.abandon(room_id, BOB)
    async with stage.open(size=(150, 30)):
        await stage.until(lambda: (row := stage.row()) and row.peer == membership)
        await open_first(stage)
        assert words in header(stage)
        assert ("Enter offers to invite" in stage.text()) is (membership != "invited")


async def test_my_notes_have_their_name_and_nobody_to_wait_for(stage: Stage) -> None:
    room_id = await stage.server.create_direct_room(None, "nonce", encrypted=False)
    await stage.server.edit_direct({ME: [room_id]})
    async with stage.open():
        await open_first(stage)
        row = stage.row(ME)
        assert row is not None
        assert (row.name, row.peer) == ("Notes to self", PeerState.JOINED)
        assert "Notes to self" in header(stage)


async def test_space_and_stray_rooms_of_the_map_do_not_disturb(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    await stage.server.edit_direct({BOB: [room_id, "!never-joined"]})
    await stage.server.tell(SyncBatch("", rooms=(RoomUpdate(RoomId("!space"), is_space=True),)))
    async with stage.open():
        await open_first(stage)
        await stage.until(stage.shows("Beginning of the conversation"))
        assert [row.user_id for row in stage.people.rows] == [BOB]


async def test_room_listed_under_somebody_who_is_not_there_says_who_is(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(CAROL, "Carol", history=["hi"])
    await stage.server.edit_direct({BOB: [room_id]})
    async with stage.open(size=(140, 30)):
        await open_first(stage)
        listed = "listed under @bob:example.org, but Carol is here: Ctrl+P “Doctor"
        await stage.until(lambda: listed in header(stage))
        assert "group" not in header(stage)
        await stage.until(stage.shows("Carol reads what you write, not @bob:example.org"))
        assert "everyone reads along" not in stage.text()
        await stage.server.bring(room_id, UserId("@dan:example.org"), "Dan")
        await stage.until(lambda: "group, not a direct message" in header(stage))
        await stage.until(stage.shows("everyone reads along"))


async def test_words_for_one_person_are_held_when_somebody_else_is_left(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open(size=(140, 30)) as pilot:
        await open_first(stage)
        await stage.type("only for bob")
        await stage.server.bring(room_id, CAROL, "Carol")
        await stage.server.abandon(room_id, BOB)
        await stage.until(lambda: "but Carol is here" in header(stage))
        await pilot.press("enter")
        await stage.until(lambda: "Enter again sends it to Carol." in str(stage.notices()))
        assert stage.server.count("send") == 0
