"""Where events stand: one integer per event that keeps a room's order and merges several rooms.

A position is the event's time in milliseconds, shifted left by 20 bits, the lowest 8 of which are
a lane of the room's own. It is only a wish: within a room an event always stands after what the
server put before it, so a wrong clock moves nothing but the merge with other rooms. A limited
timeline leaves at least ``SLACK`` free for what is missing (2^22 events), so filling a hole
renumbers nothing. Local echoes stand behind everything, from ``ECHO`` on, in queue order.
"""

from __future__ import annotations

from dmtui.core.model import Milliseconds

LANES = 1 << 8
STEP = LANES
SLACK = 1 << 30
ECHO = 1 << 62
_TICK = 20
_END_OF_TIME = (1 << 42) - (1 << 32)


def stamp(at: Milliseconds, room: int) -> int:
    """The wished position of an event of the room (its row number) sent at this time."""
    return (min(max(at, 0), _END_OF_TIME) << _TICK) | (room % LANES)


def time_of(position: int) -> Milliseconds:
    """The time that a position stands for, about."""
    return max(position, 0) >> _TICK


def echo(room: int, number: int) -> int:
    """The position of an unconfirmed message of ours, the event row ``number``."""
    return ECHO + number * STEP + room % LANES


def after(last: int | None, at: Milliseconds, room: int, gap: bool = False) -> int:
    """Behind ``last``, far enough away if events are missing between."""
    wish = stamp(at, room)
    return wish if last is None else max(wish, last + (SLACK if gap else STEP))


def before(first: int, floor: int | None, at: Milliseconds, room: int) -> int:
    """Ahead of ``first``; above ``floor`` with room to spare for what is still missing between."""
    wish = min(stamp(at, room), first - STEP)
    if floor is None or wish - floor >= SLACK // 2:
        return wish
    return first - STEP


def between(low: int, high: int, count: int) -> list[int]:
    """``count`` places between two neighbours, few if there is no space left."""
    step = min(STEP, (high - low) // (count + 1))
    return [low + step * (index + 1) for index in range(count)] if step else []
