"""Times as people read them, from Matrix timestamps; zone and clock are handed in."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the first frame loads this module and little else
    from dmtui.core.model import Milliseconds

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MORNING = time(8)
_NIGHT_ENDS = 4  # o'clock; until then tomorrow is the morning to come
_LAST = 253_370_000_000_000
"""A day in the year 9998: servers pass on any timestamp, and ``datetime`` ends with 9999."""


def local_time(at: Milliseconds, zone: tzinfo) -> datetime:
    """The moment in the zone; impossible timestamps are moved to the nearest possible one."""
    return (_EPOCH + timedelta(milliseconds=min(max(at, 0), _LAST))).astimezone(zone)


def clock_time(at: Milliseconds, zone: tzinfo) -> str:
    """``14:05``."""
    return f"{local_time(at, zone):%H:%M}"


def full_time(at: Milliseconds, zone: tzinfo) -> str:
    """``Monday, 16 November 2026, 14:05:33``."""
    moment = local_time(at, zone)
    return f"{full_date(moment.date())}, {moment:%H:%M:%S}"


def full_date(day: date) -> str:
    """``Monday, 16 November 2026``, in English whatever the locale."""
    return f"{DAYS[day.weekday()]}, {day.day} {MONTHS[day.month - 1]} {day.year}"


def day_name(day: date, today: date) -> str:
    """``Today``, ``Yesterday``, or the full date."""
    match (today - day).days:
        case 0:
            return "Today"
        case 1:
            return "Yesterday"
        case _:
            return full_date(day)


def list_time(at: Milliseconds, now: Milliseconds, zone: tzinfo) -> str:
    """At most 10 columns: ``14:05`` today, ``Mon`` within a week, ``16 Nov``, ``2025-11-16``.

    Empty for 0, which stands for "never".
    """
    if at <= 0:
        return ""
    moment = local_time(at, zone)
    today = local_time(now, zone).date()
    day = moment.date()
    if day == today:
        return f"{moment:%H:%M}"
    if 0 < (today - day).days < 7:
        return DAYS[day.weekday()][:3]
    if day.year == today.year:
        return f"{day.day} {MONTHS[day.month - 1][:3]}"
    return day.isoformat()


def until_time(at: Milliseconds, now: Milliseconds, zone: tzinfo) -> str:
    """A moment to come: ``14:05`` within today, ``Tue 08:00`` within a week, ``16 Nov 08:00``."""
    moment, today = local_time(at, zone), local_time(now, zone).date()
    match (moment.date() - today).days:
        case 0:
            return f"{moment:%H:%M}"
        case days if 0 < days < 7:
            return f"{DAYS[moment.weekday()][:3]} {moment:%H:%M}"
        case _ if moment.year == today.year:
            return f"{moment.day} {MONTHS[moment.month - 1][:3]} {moment:%H:%M}"
        case _:
            return f"{moment.date().isoformat()} {moment:%H:%M}"


def midnight(day: date, zone: tzinfo) -> Milliseconds:
    """When the day begins."""
    return int(datetime.combine(day, time(), zone).timestamp() * 1000)


def next_morning(now: Milliseconds, zone: tzinfo) -> Milliseconds:
    """8 o'clock tomorrow; for those still up before 4, the same day."""
    here = local_time(now, zone)
    day = here.date() + timedelta(days=here.hour >= _NIGHT_ENDS)
    return int(datetime.combine(day, _MORNING, zone).timestamp() * 1000)
