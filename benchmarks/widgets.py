"""The list, the conversation and the composer at 100 and at 10,000 rows: read the ratios.

Run it with ``python -m benchmarks.widgets``. Times are milliseconds of CPU until the screen is
painted, medians of 15; the machine decides the milliseconds, the last column the shape.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from dmtui.core.model import (
    Conversation,
    Cursor,
    EventId,
    Kind,
    Message,
    RoomId,
    Safe,
    UserId,
)
from dmtui.core.roster import Roster
from dmtui.ui.widgets.composer import Composer
from dmtui.ui.widgets.people_list import PeopleList
from dmtui.ui.widgets.timeline import Timeline

ROUNDS = 15
START = int(datetime(2026, 11, 16, tzinfo=UTC).timestamp() * 1000)


def conversations(count: int) -> list[Conversation]:
    return [
        Conversation(
            user_id=UserId(f"@person{number}:example.org"),
            name=Safe(f"Person {number}"),
            room_id=RoomId(f"!{number}"),
            latest=START - number * 60_000,
            preview=Safe(f"what was said last by number {number}"),
        )
        for number in range(count)
    ]


def messages(first: int, last: int) -> list[Message]:
    return [
        Message(
            key=f"m{number}",
            room_id=RoomId("!r"),
            cursor=Cursor(number),
            event_id=EventId(f"$e{number}"),
            sender=UserId("@me:x" if number % 3 else "@bob:x"),
            sender_name=Safe("Bob"),
            own=bool(number % 3),
            sent_at=START + number * 40_000,
            kind=Kind.TEXT,
            body=Safe(f"message {number} " + "and some words " * (number % 12)),
        )
        for number in range(first, last)
    ]


class Bench(App[None]):
    CSS = "PeopleList { width: 32; dock: left; } Timeline { height: 1fr; }"

    def compose(self) -> ComposeResult:
        yield PeopleList()
        yield Timeline(zone=UTC)
        yield Composer("Message Bob")


async def timed(pilot: Pilot[None], act: Callable[[int], object]) -> float:
    """Median CPU milliseconds from the act to the painted screen."""
    times = []
    for number in range(ROUNDS):
        await pilot.pause()
        begin = time.process_time()
        act(number)
        await pilot.pause(0)
        times.append((time.process_time() - begin) * 1000)
    return median(times)


async def measure_people(pilot: Pilot[None], count: int) -> dict[str, float]:
    people = pilot.app.query_one(PeopleList)
    rows = conversations(count)
    roster = Roster(rows)
    ordered = roster.rows()

    def update(number: int) -> None:
        roster.update([replace(rows[number % 5], preview=Safe(f"news {number}"))])
        people.update_rows(roster.rows())

    def to_top(number: int) -> None:
        roster.update([replace(rows[-1 - number], latest=START + 1000 * (number + 1))])
        people.update_rows(roster.rows())

    def filter_key(number: int) -> None:
        people.update_rows(roster.rows("person 42"[: 1 + number % 9]))

    def show(number: int) -> None:
        people.update_rows(ordered if number % 2 else ordered[1:])

    return {
        "people: show all": await timed(pilot, show),
        "people: update a row": await timed(pilot, update),
        "people: move a row to the top": await timed(pilot, to_top),
        "people: filter key": await timed(pilot, filter_key),
        "people: cursor down": await timed(pilot, lambda _: people.action_move(1)),
        "people: page down": await timed(pilot, lambda _: people.action_page(1)),
    }


async def measure_timeline(pilot: Pilot[None], count: int) -> dict[str, float]:
    timeline = pilot.app.query_one(Timeline)
    window = messages(1000, 1000 + count)
    results = {"timeline: open": await timed(pilot, lambda _: timeline.open(window, complete=True))}
    shown = list(window)

    def append(number: int) -> None:
        shown.append(messages(20_000 + number, 20_001 + number)[0])
        timeline.show(tuple(shown), complete=True)

    def prepend(number: int) -> None:
        first = 1000 - 50 * (number + 1)
        shown[:0] = messages(first, first + 50)
        timeline.show(tuple(shown), complete=True)

    def reread(_: int) -> None:
        timeline.show([replace(row) for row in shown], complete=True)

    results["timeline: append"] = await timed(pilot, append)
    timeline.action_page(-1)
    results["timeline: prepend 50"] = await timed(pilot, prepend)
    results["timeline: show the window read anew"] = await timed(pilot, reread)
    results["timeline: page up"] = await timed(pilot, lambda _: timeline.action_page(-1))

    results["timeline: cursor up"] = await timed(pilot, lambda _: timeline.action_move(-1))
    return results


async def measure_composer(pilot: Pilot[None]) -> float:
    composer = pilot.app.query_one(Composer)
    composer.focus()
    return await timed(pilot, lambda number: composer.insert("abcde"[number % 5]))


async def measure(count: int) -> dict[str, float]:
    app = Bench()
    async with app.run_test(size=(120, 40)) as pilot:
        people = await measure_people(pilot, count)
        timeline = await measure_timeline(pilot, count)
        return {**people, **timeline, "composer: type a letter": await measure_composer(pilot)}


def table(counts: Sequence[int], columns: Sequence[dict[str, float]]) -> str:
    lines = [
        f"{'ms of CPU, median':<38}" + "".join(f"{count:>10,}" for count in counts) + "  ratio"
    ]
    for name in columns[0]:
        values = [column[name] for column in columns]
        ratio = values[-1] / values[0]
        lines.append(f"{name:<38}" + "".join(f"{v:>10.1f}" for v in values) + f"{ratio:>7.1f}")
    return "\n".join(lines)


def main() -> None:
    counts = (100, 1_000, 10_000)
    print(table(counts, [asyncio.run(measure(count)) for count in counts]))


if __name__ == "__main__":
    main()
