from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from dmtui.core.errors import Unreachable
from dmtui.core.model import Membership, Profile, RoomId, Safe, UserId
from dmtui.ui.screens.confirm import Question
from dmtui.ui.screens.hands import Hands
from dmtui.ui.screens.new_group import NewGroup
from dmtui.ui.screens.person_acts import GENERAL_ACTS, PERSON_ACTS
from tests.fakes import BOB, CAROL, ME
from tests.ui.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def known(stage: Stage) -> None:
    for user_id, name in ((BOB, "Bob"), (CAROL, "Carol")):
        stage.server.profiles[user_id] = Profile(user_id, Safe(name))


def asked(stage: Stage) -> Callable[[], bool]:
    return lambda: isinstance(stage.app.screen, Question)


async def answer(stage: Stage, letter: str, words: str) -> None:
    """Wait for the question with these words and press the letter."""
    await stage.until(lambda: asked(stage)() and words in stage.text())
    await stage.pilot.press(letter)


def begin(stage: Stage, name: str, user_id: UserId = BOB) -> list[str]:
    """Do this to the person; what the user is told gathers in the list."""
    told: list[str] = []
    hands = Hands(stage.messenger, stage.app.push_screen_wait, told.append, stage.main.open)
    found = stage.messenger.conversations(frozenset({user_id}))
    act = PERSON_ACTS[name](hands, found[0]) if found else GENERAL_ACTS[name](hands)
    stage.main.run_worker(act)
    return told


def rows(stage: Stage) -> set[str]:
    return {conversation.user_id for conversation in stage.messenger.people()}


async def test_delete_in_the_list_leaves_the_chat_once_asked(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open(toasts=True) as pilot:
        await stage.until(stage.shows("Bob"))
        await pilot.press("delete")
        await stage.until(lambda: asked(stage)() and "Leave the chat with Bob?" in stage.text())
        assert "They see that you left." in stage.text()
        await pilot.press("escape")
        await stage.until(stage.shows("Nothing was done."))
        assert stage.server.count("leave") == 0
        await pilot.press("delete")
        await answer(stage, "l", "Leave the chat with Bob?")
        await stage.until(lambda: rows(stage) == set())
        await stage.until(stage.shows("You left the chat with Bob."))
    assert stage.server.rooms[room_id].membership(ME) is Membership.LEAVE


async def test_leaving_offers_to_forget_everything_and_asks_again(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open():
        await stage.until(lambda: rows(stage) == {BOB})
        told = begin(stage, "leave")
        await answer(stage, "f", "Leave and forget everything")
        await answer(stage, "k", "This can't be undone.")
        await stage.until(lambda: told == ["Nothing was done."])
        assert rows(stage) == {BOB}
        told = begin(stage, "leave")
        await answer(stage, "f", "Leave and forget everything")
        await answer(stage, "f", "This can't be undone.")
        await stage.until(lambda: told == ["The chat with Bob is forgotten."])
    assert room_id in stage.server.forgotten


async def test_leaving_offline_says_that_it_waits(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob")
    stage.server.fail("leave", Unreachable("no network"), times=1000)
    async with stage.open():
        await stage.until(lambda: rows(stage) == {BOB})
        told = begin(stage, "leave")
        await answer(stage, "l", "Leave the chat with Bob?")
        await stage.until(lambda: told)
        assert told == ["You leave as soon as the homeserver answers."]


async def test_forgetting_asks_again_while_a_message_waits(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob")
    stage.server.fail("send", Unreachable("no network"), times=1000)
    async with stage.open() as pilot:
        await stage.until(lambda: rows(stage) == {BOB})
        await stage.messenger.send(BOB, "not yet")
        told = begin(stage, "forget")
        await answer(stage, "f", "This can't be undone.")
        await stage.until(lambda: "1 message of yours is deleted, too." in stage.text())
        await pilot.press("escape")
        await stage.until(lambda: told)
        assert rows(stage) == {BOB}
        told = begin(stage, "forget")
        await answer(stage, "f", "This can't be undone.")
        await answer(stage, "d", "1 message of yours is deleted, too.")
        await stage.until(lambda: told)
        assert told == ["The chat with Bob is forgotten."]
        await stage.until(lambda: rows(stage) == set())


async def test_invite_is_taken_back_once_asked(stage: Stage) -> None:
    async with stage.open():
        await stage.messenger.start_chat(BOB)
        await stage.until(stage.shows("Bob"))
        told = begin(stage, "unsend")
        await answer(stage, "t", "Take the invite to Bob back?")
        await stage.until(lambda: told)
        assert told == ["The invite to Bob is taken back."]
        await stage.until(lambda: rows(stage) == set())


async def test_person_who_declined_is_invited_back_with_one_key(stage: Stage) -> None:
    async with stage.open() as pilot:
        await stage.messenger.start_chat(BOB)
        (room_id,) = stage.server.rooms
        await stage.until(stage.shows("Bob"))
        stage.main.open(BOB)
        await stage.server.decline(room_id, BOB)
        await stage.until(stage.shows("Bob declined the invite. Enter offers to invite again."))
        stage.timeline.focus()
        await pilot.press("i")
        await stage.until(lambda: stage.server.count("invite_back") == 1)
        assert not asked(stage)()


async def test_account_that_seems_gone_is_warned_of_before_inviting(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob")
    del stage.server.profiles[BOB]
    async with stage.open() as pilot:
        await stage.server.abandon(room_id, BOB)
        await stage.until(stage.shows("(left)"))
        told = begin(stage, "invite_back")
        await stage.until(lambda: "Their account seems to be gone." in stage.text())
        await pilot.press("escape")
        await stage.until(lambda: told)
        assert stage.server.count("invite_back") == 0
        told = begin(stage, "invite_back")
        await answer(stage, "i", "Their account seems to be gone.")
        await pilot.press("enter")
        await stage.until(lambda: told)
        assert told == ["Bob is invited."]


async def test_chat_becomes_a_room_and_a_chat_again(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    async with stage.open():
        await stage.until(lambda: rows(stage) == {BOB})
        told = begin(stage, "make_room")
        await answer(stage, "r", "Make the chat with Bob an ordinary room?")
        await stage.until(lambda: told and rows(stage) == {room_id})
        assert told == ["It is a room among your groups now."]
        await stage.until(lambda: stage.conversation.person == UserId(room_id))
        told = begin(stage, "make_direct", UserId(room_id))
        await answer(stage, "a", BOB)
        await stage.until(lambda: told and rows(stage) == {BOB})
        assert told == [f"It is your direct chat with {BOB} now."]
        await stage.until(lambda: stage.conversation.person == BOB)


async def test_room_of_several_asks_whose_chat_it_is(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open():
        await stage.server.bring(room_id, CAROL, "Carol")
        await stage.until(lambda: rows(stage) == {room_id})
        told = begin(stage, "make_direct", UserId(room_id))
        await answer(stage, "b", "Whose chat is it?")
        await stage.until(lambda: told)
        assert f"listed as a chat with {CAROL}" in told[0]
        assert stage.server.data["m.direct"] == {CAROL: [room_id]}


async def test_group_begins_with_the_person_at_hand_and_others_added(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open() as pilot:
        await stage.until(lambda: rows(stage) == {BOB})
        told = begin(stage, "group")
        await stage.until(lambda: isinstance(stage.app.screen, NewGroup))
        await stage.until(stage.shows("You and Bob"))
        await stage.type(CAROL)
        await pilot.press("enter")
        await stage.until(stage.shows(f"You and Bob, {CAROL}"))
        await pilot.press("tab")
        await stage.type("Picnic")
        await pilot.press("enter")
        await stage.until(lambda: told)
        (call,) = [call for call in stage.server.calls if call.name == "create_group"]
        assert call.arguments[:2] == ((BOB, CAROL), "Picnic")
        (group,) = rows(stage) - {BOB}
        await stage.until(lambda: stage.conversation.person == group)
        assert told == ["The group is made; it is no direct chat."]


async def test_refused_group_is_asked_for_again_with_its_people_and_name(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open() as pilot:
        await stage.until(lambda: rows(stage) == {BOB})
        stage.server.blocking_invites.add(CAROL)
        told = begin(stage, "group")
        await stage.until(stage.shows("You and Bob"))
        await stage.type(CAROL)
        await pilot.press("enter", "tab")
        await stage.type("Picnic")
        await pilot.press("enter")
        await stage.until(stage.shows("does not accept"))
        assert stage.shows(f"You and Bob, {CAROL}")()
        assert stage.app.screen.query_one("#name", Input).value == "Picnic"
        await pilot.press("ctrl+d", "enter")
        await stage.until(lambda: told == ["The group is made; it is no direct chat."])


async def test_group_needs_somebody_and_valid_user_ids(stage: Stage) -> None:
    async with stage.open() as pilot:
        told = begin(stage, "start_group", UserId("@nobody:example.org"))
        await stage.until(lambda: isinstance(stage.app.screen, NewGroup))
        await pilot.press("enter")
        await stage.until(stage.shows("A group needs somebody besides you."))
        await stage.type("@carol")
        await pilot.press("enter")
        await stage.until(stage.shows("@name:server"))
        assert isinstance(stage.app.screen, NewGroup)
        stage.app.screen.query_one("#term", Input).value = CAROL
        await pilot.pause()
        await pilot.press("enter")
        await stage.until(stage.shows(f"You and {CAROL}"))
        await pilot.press("ctrl+d")
        await stage.until(stage.shows("Nobody yet."))
        await pilot.press("escape")
        await stage.until(lambda: told == ["Nothing was done."])
    assert stage.server.count("create_group") == 0


async def test_group_with_somebody_without_keys_says_why_and_asks(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob")
    stage.server.without_keys.add(BOB)
    async with stage.open() as pilot:
        await stage.until(lambda: rows(stage) == {BOB})
        told = begin(stage, "group")
        await stage.until(stage.shows("You and Bob"))
        await pilot.press("enter")
        await answer(stage, "s", f"{BOB} has no device that can read")
        await stage.pilot.press("enter")
        await stage.until(lambda: told)
    (call,) = [call for call in stage.server.calls if call.name == "create_group"]
    assert call.arguments[3] is False


async def test_group_can_be_left(stage: Stage) -> None:
    room_id = RoomId(await stage.server.have_direct_room(BOB, "Bob"))
    async with stage.open():
        await stage.server.bring(room_id, CAROL, "Carol")
        await stage.until(lambda: rows(stage) == {room_id})
        told = begin(stage, "leave", UserId(room_id))
        await answer(stage, "l", "Leave the group")
        await stage.until(lambda: told)
        assert told[0].startswith("You left the group")
        await stage.until(lambda: rows(stage) == set())
