"""What can't be vouched for is told by the message, and in full among what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes import BOB

if TYPE_CHECKING:
    from tests.ui.stage import Stage


async def test_plain_text_in_an_encrypted_chat_is_marked_and_explained(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", encrypted=True, history=["sealed"])
    async with stage.open() as pilot:
        await stage.until(lambda: stage.row(BOB))
        stage.people.focus()
        await pilot.press("enter")
        await stage.until(stage.shows("sealed"))
        assert "NOT encrypted" not in stage.text()
        stage.server.rooms[room_id].encrypted = False
        await stage.server.say(room_id, BOB, "in the clear")
        await stage.until(stage.shows("NOT encrypted"))
        await pilot.press("up", "enter")
        await stage.until(stage.shows("It came without encryption into an encrypted chat"))
