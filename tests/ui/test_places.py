"""Going about in a conversation by the keyboard: what was unread, days, a date."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from dmtui.core.model import EventId
from dmtui.core.times import full_date, local_time
from dmtui.ui.screens.confirm import Question
from dmtui.ui.screens.go_to_date import GoToDate
from dmtui.ui.widgets.system_zone import SystemZone
from tests.fakes import BOB
from tests.ui.test_conversation import open_first

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import date

    from textual.pilot import Pilot

    from tests.ui.stage import Stage

DAYS = 5
A_DAY = 25  # messages


@asynccontextmanager
async def days_of_talk(stage: Stage) -> AsyncIterator[Pilot[None]]:
    """The chat that has ``0/00`` to ``4/24``: so many messages a day, the last ones today."""
    room_id = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open(toasts=True) as pilot:
        for day in range(DAYS):
            stage.clock.turn(24 * 3600)
            for n in range(A_DAY):
                await stage.server.say(room_id, BOB, f"{day}/{n:02}")
        await stage.until(lambda: (row := stage.row()) and row.unread == DAYS * A_DAY)
        await open_first(stage)
        yield pilot


def today(stage: Stage) -> date:
    return local_time(int(stage.clock.now() * 1000), SystemZone()).date()


def selected(stage: Stage) -> str:
    message = stage.timeline.cursor_message
    return message.body if message else ""


async def test_first_unread_message_is_gone_to_also_after_it_was_read(stage: Stage) -> None:
    async with days_of_talk(stage) as pilot:
        await pilot.press("ctrl+end")
        await stage.until(lambda: (row := stage.row()) and not row.unread)
        await pilot.press("up", "U")
        await stage.until(lambda: selected(stage) == "0/00")
        await stage.until(stage.shows("new messages"))


async def test_first_unread_is_told_to_be_nowhere_once_all_was_answered(stage: Stage) -> None:
    async with days_of_talk(stage) as pilot:
        await pilot.press("ctrl+end")
        await stage.until(lambda: (row := stage.row()) and not row.unread)
        await stage.type("answer")
        await pilot.press("enter", "up", "U")
        await stage.until(lambda: "Nothing was unread here." in stage.notices())


async def test_days_are_gone_through_backwards_and_forwards(stage: Stage) -> None:
    async with days_of_talk(stage) as pilot:
        stage.timeline.focus()
        stage.timeline.select_newest()
        for key, body in (
            ("[", "4/00"), ("[", "3/00"), ("[", "2/00"), ("]", "3/00"), ("j", "3/01"),
            ("[", "3/00"), ("]", "4/00"),
        ):  # fmt: skip
            await pilot.press(key)
            await stage.until(lambda body=body: selected(stage) == body)  # type: ignore[misc]
        await pilot.press("]")
        await stage.until(lambda: stage.timeline.following)


async def test_before_the_first_day_there_is_nothing(stage: Stage) -> None:
    async with days_of_talk(stage) as pilot:
        stage.timeline.focus()
        stage.timeline.select_newest()
        for _ in range(DAYS + 1):
            await pilot.press("[")
        await stage.until(
            lambda: any("The conversation begins here." in line for line in stage.notices())
        )
        assert selected(stage) == "0/00"


async def test_date_is_gone_to_by_name(stage: Stage) -> None:
    async with days_of_talk(stage) as pilot:
        await stage.type("/date")
        await pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, GoToDate))
        await stage.type("yesterday")
        await stage.until(stage.shows(full_date(today(stage) - timedelta(days=1))))
        await pilot.press("enter")
        await stage.until(lambda: selected(stage) == "3/00")
        assert stage.focus_is(stage.timeline)


async def test_date_before_the_chat_leads_to_its_beginning_and_says_so(stage: Stage) -> None:
    async with days_of_talk(stage) as pilot:
        await stage.type("/date")
        await pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, GoToDate))
        await stage.type("soon")
        await pilot.press("enter")
        await stage.until(stage.shows("Not a day."))
        await pilot.press("ctrl+u")
        await stage.type("2020-01")
        await pilot.press("enter")
        await stage.until(lambda: selected(stage) == "0/00")
        assert any("The first message here since then is of" in line for line in stage.notices())


async def test_details_say_when_a_message_was_read_at_the_latest(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    async with stage.open() as pilot:
        await open_first(stage)
        await stage.type("read this")
        await pilot.press("enter")
        await stage.until(lambda: stage.messages()[-1].event_id)
        event_id = stage.messages()[-1].event_id
        await stage.server.read(room_id, BOB, EventId(str(event_id)))
        await stage.until(lambda: stage.messages()[-1].read_by_peer)
        await pilot.press("up", "enter")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        day = today(stage).isoformat()
        await stage.until(stage.shows(f"Read at the latest by Bob, {day}"))
