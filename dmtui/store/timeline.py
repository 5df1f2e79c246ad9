"""The order of a room's events: live stretches, the gaps between them, and history that fills gaps.

A gap stands at the position of the event it precedes; at ``ECHO`` if nothing follows it yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dmtui.core.events import History, RoomUpdate, TimelineEvent
from dmtui.core.model import RoomId
from dmtui.store.database import number
from dmtui.store.events import heal, position_of, put
from dmtui.store.positions import ECHO, after, before, between
from dmtui.store.work import Work

NEWEST = ""
"""The token of the gap that holds the whole of a room: it pages back from the newest event."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing events of a room: ``before`` pages back from its upper end (``/messages`` token).

    ``beginning`` is true for the gap that reaches back to the room's creation (ordinary paging);
    false for a hole between two stored stretches.
    """

    room_id: RoomId
    before: str
    beginning: bool


def place_live(work: Work, room: int, update: RoomUpdate) -> tuple[TimelineEvent, ...]:
    """Put a sync's events in order; returns those that are new."""
    events = _distinct(update.timeline)
    places = [position_of(work, room, event.event_id) for event in events]
    known = [place is not None for place in places]
    if any(known):
        _weave(work, room, events, places, update.prev_batch)
        for event in events:
            heal(work, room, event)
    else:
        _append(work, room, events, update)
    return tuple(event for event, old in zip(events, known, strict=True) if not old)


def _distinct(events: Sequence[TimelineEvent]) -> list[TimelineEvent]:
    return list({event.event_id: event for event in events}.values())


def _append(work: Work, room: int, events: Sequence[TimelineEvent], update: RoomUpdate) -> None:
    """Behind everything stored, with a gap between if events are missing there."""
    last = _neighbour_below(work, room, ECHO)
    if last is None and events and not (update.limited and update.prev_batch is None):
        _drop_unseen(work, room)
    missing = update.limited or (update.initial and bool(events))
    hanging = _has_gap(work, room, ECHO)
    first = None
    position = last
    for event in events:
        position = after(position, event.sent_at, room, gap=first is None and (missing or hanging))
        first = position if first is None else first
        put(work, room, event, position)
    if last is None:
        missing = update.limited or not _has_gap(work, room)
    if missing and update.prev_batch is not None:
        _drop_gap(work, room, ECHO)
        _set_gap(work, room, first or ECHO, update.prev_batch, beginning=last is None)
    elif hanging and first is not None:
        work.connection.execute(
            "UPDATE gap SET position = ? WHERE room = ? AND position = ?", (first, room, ECHO)
        )


def _weave(
    work: Work,
    room: int,
    events: Sequence[TimelineEvent],
    places: Sequence[int | None],
    prev_batch: str | None,
) -> None:
    """Put unknown events next to the known ones of the same unbroken stretch."""
    anchors = [index for index, place in enumerate(places) if place is not None]
    start, end = anchors[0], anchors[-1]
    lowest, highest = places[start] or 0, places[end] or 0
    work.connection.execute(
        "DELETE FROM gap WHERE room = ? AND position > ? AND position <= ?",
        (room, lowest, highest),
    )
    if start:
        _lead_in(work, room, events[:start], lowest, prev_batch)
    low = lowest
    run: list[TimelineEvent] = []
    for event, place in zip(events[start:], places[start:], strict=True):
        if place is None:
            run.append(event)
            continue
        _squeeze(work, room, run, low, place)
        low, run = place, []
    _follow(work, room, run, low)


def _lead_in(
    work: Work, room: int, run: Sequence[TimelineEvent], first: int, prev_batch: str | None
) -> None:
    """Events just before a known one: the upper end of the gap there, if there is one."""
    floor = _neighbour_below(work, room, first)
    position = first
    for event in reversed(run):
        position = before(position, floor, event.sent_at, room)
        put(work, room, event, position)
    work.connection.execute(
        "UPDATE gap SET position = ?, token = coalesce(?, token) WHERE room = ? AND position = ?",
        (position, prev_batch, room, first),
    )


def _follow(work: Work, room: int, run: Sequence[TimelineEvent], low: int) -> None:
    """Events just after a known one, which is the newest unless the answer is an old one."""
    above = number(
        work.connection,
        "SELECT min(position) FROM timeline WHERE room = ? AND position > ? AND position < ?",
        (room, low, ECHO),
    )
    if above is not None:
        _squeeze(work, room, run, low, above)
        return
    position = low
    for event in run:
        position = after(position, event.sent_at, room)
        put(work, room, event, position)


def _squeeze(work: Work, room: int, run: Sequence[TimelineEvent], low: int, high: int) -> None:
    """Between two neighbours; at the end if not even one place is left there."""
    places = between(low, high, len(run))
    if run and not places:
        newest = _neighbour_below(work, room, ECHO)
        places = [after(newest, 0, room) + index for index in range(len(run))]
    for event, position in zip(run, places, strict=True):
        put(work, room, event, position)


def fill_gap(work: Work, room: int, token: str, history: History) -> bool:
    """Put a page of history into the gap with this token; false if that gap is gone."""
    gap = work.connection.execute(
        "SELECT position, beginning FROM gap WHERE room = ? AND token = ?", (room, token)
    ).fetchone()
    if gap is None:
        return False
    top, beginning = gap
    position = top
    met = False
    floor = _neighbour_below(work, room, top)
    for event in _distinct(history.events):
        place = position_of(work, room, event.event_id)
        if place is None:
            if position == ECHO:
                position = after(floor, event.sent_at, room, gap=True)
            else:
                position = before(position, floor, event.sent_at, room)
            put(work, room, event, position)
            continue
        heal(work, room, event)
        if place < top:
            met = True
            break
    _drop_gap(work, room, top)
    stuck = history.end == token
    if not met and history.end is not None and not stuck:
        _set_gap(work, room, position, history.end, beginning=bool(beginning))
    work.touch(room, lines=True)
    return True


def begin_unseen(work: Work, room: int) -> None:
    """Nothing was ever seen of the room: its history is fetched when somebody asks for it."""
    if _neighbour_below(work, room, ECHO) is None and not _has_gap(work, room):
        _set_gap(work, room, ECHO, NEWEST, beginning=True)


def _drop_unseen(work: Work, room: int) -> None:
    """The room is seen now, and sync says itself what is missing."""
    work.connection.execute("DELETE FROM gap WHERE room = ? AND token = ?", (room, NEWEST))


def _neighbour_below(work: Work, room: int, position: int) -> int | None:
    return number(
        work.connection,
        "SELECT max(position) FROM timeline WHERE room = ? AND position < ?",
        (room, position),
    )


def _has_gap(work: Work, room: int, position: int | None = None) -> bool:
    """Whether there is a gap in the room, or right before the position."""
    sql = "SELECT 1 FROM gap WHERE room = ? AND position = coalesce(?, position)"
    return number(work.connection, sql, (room, position)) is not None


def _drop_gap(work: Work, room: int, position: int) -> None:
    work.connection.execute("DELETE FROM gap WHERE room = ? AND position = ?", (room, position))


def _set_gap(work: Work, room: int, position: int, token: str, *, beginning: bool) -> None:
    work.connection.execute(
        "INSERT INTO gap (room, position, token, beginning) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (room, position) DO UPDATE SET token = excluded.token",
        (room, position, token, beginning),
    )
