"""Invites: the row, the prompt that never takes the keyboard, the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.model import RoomId, UserId
from tests.fakes import BOB

if TYPE_CHECKING:
    from tests.ui.stage import Stage

ERIN = UserId("@erin:example.org")
FRED = UserId("@fred:example.org")


async def invited(stage: Stage, inviter: UserId = ERIN, name: str = "Erin") -> RoomId:
    room = await stage.server.invite(inviter, name)
    await stage.until(lambda: any(i.room_id == room for i in stage.messenger.invites()))
    await stage.until(lambda: stage.people.requests)
    return room


async def test_invite_is_a_row_and_a_prompt_without_the_keyboard(stage: Stage) -> None:
    async with stage.open():
        await invited(stage)
        await stage.until(lambda: stage.prompt.display)
        assert "1 request" in stage.text()
        assert "wants to chat with you" in stage.text()
        assert not stage.focus_is(stage.prompt)


async def test_half_typed_message_keeps_the_keyboard_and_the_screen(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open() as pilot:
        await pilot.press("alt+1")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("half a ")
        await invited(stage)
        await stage.type("bad lad")
        assert stage.composer.text == "half a bad lad"
        assert not stage.prompt.display
        assert "1 request: F6" in stage.text()
        assert stage.server.count("leave") == 0
        await pilot.press("enter")
        await stage.until(lambda: stage.prompt.display)
        assert stage.focus_is(stage.composer)


async def test_accepting_opens_the_chat_and_records_it(stage: Stage) -> None:
    async with stage.open() as pilot:
        room = await invited(stage)
        await pilot.press("f6", "a")
        await stage.until(lambda: stage.conversation.person == ERIN)
        await stage.until(lambda: stage.server.data.get("m.direct") == {ERIN: [room]})
        assert not stage.prompt.display
        assert stage.focus_is(stage.composer)


async def test_new_chat_opens_over_a_half_typed_message_which_is_kept(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open() as pilot:
        await pilot.press("alt+1")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("wait")
        await invited(stage)
        await pilot.press("ctrl+r")
        await stage.until(lambda: stage.focus_is(stage.prompt))
        await pilot.press("a")
        await stage.until(lambda: stage.conversation.person == ERIN)
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("hello")
        assert stage.composer.text == "hello"
        stage.main.open(BOB)
        assert stage.composer.text == "wait"


async def test_words_typed_while_the_chat_is_being_joined_go_to_nobody_else(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open() as pilot:
        await pilot.press("alt+1")
        await stage.until(lambda: stage.focus_is(stage.composer))
        await stage.type("wait")
        await invited(stage)
        joining = stage.server.hold("join")
        await pilot.press("f6", "a")
        await stage.until(lambda: stage.server.count("join") == 1)
        await stage.type("hello")
        assert stage.conversation.person == BOB
        assert stage.composer.text == "wait"
        joining.set()
        await stage.until(lambda: stage.conversation.person == ERIN)
        await stage.until(lambda: stage.focus_is(stage.composer))
        assert stage.composer.text == ""


async def test_declining_leaves_and_tells_so(stage: Stage) -> None:
    async with stage.open() as pilot:
        await invited(stage)
        await pilot.press("f6", "d")
        await stage.until(lambda: stage.server.count("leave") == 1)
        await stage.until(lambda: stage.people.requests == ())
        await stage.until(lambda: any("Declined" in line for line in stage.notices()))


async def test_decline_and_ignore_ignores_the_inviter(stage: Stage) -> None:
    async with stage.open() as pilot:
        await invited(stage)
        await pilot.press("f6", "b")
        await stage.until(lambda: stage.server.count("leave") == 1)
        await stage.until(lambda: ERIN in str(stage.server.data.get("m.ignored_user_list", {})))


async def test_accepting_as_a_room_opens_no_chat(stage: Stage) -> None:
    async with stage.open() as pilot:
        await invited(stage)
        await pilot.press("f6", "r")
        await stage.until(lambda: stage.server.count("join") == 1)
        await stage.until(lambda: any("Joined" in line for line in stage.notices()))
        assert stage.conversation.person is None
        assert stage.server.data.get("m.direct", {}) == {}


async def test_later_hides_the_prompt_and_keeps_the_row(stage: Stage) -> None:
    async with stage.open() as pilot:
        await invited(stage)
        await pilot.press("f6", "l")
        await stage.until(lambda: not stage.prompt.display)
        assert len(stage.people.requests) == 1
        await pilot.press("f6")
        await stage.until(lambda: stage.focus_is(stage.prompt))


async def test_prompt_closes_by_itself_when_the_invite_is_revoked(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob", history=["hi"])
    async with stage.open() as pilot:
        await pilot.press("alt+1")
        await stage.until(lambda: stage.focus_is(stage.composer))
        room = await invited(stage)
        await pilot.press("f6")
        await stage.until(lambda: stage.focus_is(stage.prompt))
        await stage.server.revoke(room)
        await stage.until(lambda: not stage.prompt.display)
        assert stage.focus_is(stage.composer)
        assert stage.people.requests == ()


async def test_prompt_goes_on_to_the_next_request(stage: Stage) -> None:
    async with stage.open() as pilot:
        await invited(stage)
        await pilot.press("f6")
        await stage.until(lambda: stage.focus_is(stage.prompt))
        first = stage.prompt.invite
        await invited(stage, FRED, "Fred")
        await stage.until(lambda: len(stage.people.requests) == 2)
        assert "1 more" in stage.text()
        await pilot.press("l")
        await stage.until(lambda: stage.prompt.invite not in (None, first))
        assert stage.prompt.display


async def test_requests_row_opens_the_prompt_in_a_narrow_terminal(stage: Stage) -> None:
    async with stage.open((60, 20)) as pilot:
        await invited(stage)
        await pilot.press("home", "enter")
        await stage.until(lambda: stage.focus_is(stage.prompt))
        assert "wants to chat with you" in stage.text()
        await pilot.press("escape")
        await stage.until(lambda: stage.focus_is(stage.people))
