from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dmtui.core.times import midnight, next_morning, until_time

BERLIN = ZoneInfo("Europe/Berlin")


def at(*moment: int, zone: object = UTC) -> int:
    assert zone is UTC or isinstance(zone, ZoneInfo)
    year, month, day, hour, minute = moment
    return int(datetime(year, month, day, hour, minute, tzinfo=zone).timestamp() * 1000)


NOW = at(2026, 11, 16, 12, 0)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (at(2026, 11, 16, 14, 5), "14:05"),
        (at(2026, 11, 17, 8, 0), "Tue 08:00"),
        (at(2026, 11, 22, 23, 59), "Sun 23:59"),
        (at(2026, 11, 23, 8, 0), "23 Nov 08:00"),
        (at(2027, 1, 2, 8, 0), "2027-01-02 08:00"),
        (1 << 53, until_time(1 << 60, NOW, UTC)),
    ],
)
def test_a_moment_to_come_says_no_more_than_it_has_to(moment: int, words: str) -> None:
    assert until_time(moment, NOW, UTC) == words


def test_tomorrow_morning_is_at_8() -> None:
    assert next_morning(NOW, UTC) == at(2026, 11, 17, 8, 0)
    assert next_morning(at(2026, 11, 16, 4, 0), UTC) == at(2026, 11, 17, 8, 0)


def test_for_those_still_up_at_night_the_morning_is_the_one_to_come() -> None:
    assert next_morning(at(2026, 11, 16, 3, 59), UTC) == at(2026, 11, 16, 8, 0)


def test_the_morning_after_the_clocks_change_is_at_8_all_the_same() -> None:
    evening = at(2026, 3, 28, 22, 0, zone=BERLIN)
    morning = next_morning(evening, BERLIN)
    assert morning == at(2026, 3, 29, 8, 0, zone=BERLIN)
    assert morning - evening == timedelta(hours=9) // timedelta(milliseconds=1)


def test_day_begins_at_midnight_where_one_is() -> None:
    assert midnight(date(2026, 11, 16), BERLIN) == at(2026, 11, 15, 23, 0)
