"""Far back in a conversation: what is on show stays bounded, and nothing of it is lost."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from dmtui.core.model import RoomId
from dmtui.ui.screens.reading_pane import ReadingPane
from tests.fakes import BOB

if TYPE_CHECKING:
    from tests.ui.stage import Stage

MOST, ALL = 150, 330
LINES = [f"line {number:03}" for number in range(ALL)]


async def far_back(stage: Stage, room: RoomId) -> ReadingPane:
    """The beginning of the conversation on show, and a message come in meanwhile."""
    await stage.until(lambda: stage.people.rows)
    await stage.pilot.press("alt+1")
    reading = stage.main.query_one(ReadingPane)
    await stage.until(lambda: reading.messages)
    stage.timeline.focus()
    while not stage.shows(LINES[0])():
        seen = reading.messages[0].key
        await stage.pilot.press("home")
        await stage.until(partial(goes_on, stage, reading, seen))
        assert len(reading.messages) <= MOST
    await stage.server.say(room, BOB, "meanwhile")
    await stage.until(lambda: (row := stage.row()) is not None and row.preview == "meanwhile")
    await stage.pilot.pause()
    return reading


def goes_on(stage: Stage, reading: ReadingPane, seen: str) -> bool:
    return reading.messages[0].key != seen or stage.shows(LINES[0])()


def bodies(reading: ReadingPane) -> list[str]:
    return [message.body for message in reading.messages]


@pytest.fixture
async def room(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> RoomId:
    monkeypatch.setattr("dmtui.ui.screens.reading_pane._LONGEST", MOST)
    return await stage.server.have_direct_room(BOB, "Bob", history=LINES, shown=20)


async def test_window_far_back_is_bounded_and_its_messages_come_from_the_server(
    stage: Stage, room: RoomId
) -> None:
    async with stage.open():
        reading = await far_back(stage, room)
        assert bodies(reading) == LINES[:MOST]
        assert stage.server.count("history") >= 1
        assert stage.shows("Beginning of the conversation")()


async def test_way_down_from_far_back_meets_every_message_once(stage: Stage, room: RoomId) -> None:
    async with stage.open() as pilot:
        reading = await far_back(stage, room)
        met = bodies(reading)
        while met[-1] != "meanwhile":
            last = met[-1]
            await pilot.press("pagedown")
            assert len(reading.messages) <= MOST
            if bodies(reading)[-1] != last:
                assert stage.shows(last)()  # it stays where it was
            met += [body for body in bodies(reading) if body not in met]
        assert met == [*LINES, "meanwhile"]
        assert bodies(reading) == [*LINES, "meanwhile"][-MOST:]


async def test_end_leads_from_far_back_to_the_newest_message(stage: Stage, room: RoomId) -> None:
    async with stage.open() as pilot:
        reading = await far_back(stage, room)
        await pilot.press("end")
        await stage.until(stage.shows("meanwhile"))
        await stage.until(lambda: stage.timeline.following)
        assert bodies(reading)[-2:] == [LINES[-1], "meanwhile"]
