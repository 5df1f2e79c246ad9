from __future__ import annotations

from datetime import date

import pytest

from dmtui.core.days import day_from

MONDAY = date(2026, 11, 16)


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("today", MONDAY),
        (" Yesterday ", date(2026, 11, 15)),
        ("sunday", date(2026, 11, 15)),
        ("Mon", date(2026, 11, 9)),
        ("tue", date(2026, 11, 10)),
        ("16 Nov", MONDAY),
        ("17 nov", date(2025, 11, 17)),
        ("1 january 2020", date(2020, 1, 1)),
        ("29. feb 2024", date(2024, 2, 29)),
        ("2025-11-16", date(2025, 11, 16)),
        ("2025-11", date(2025, 11, 1)),
    ],
)
def test_day_is_told_by_few_words(words: str, day: date) -> None:
    assert day_from(words, MONDAY) == day


@pytest.mark.parametrize(
    "words", ["", "mo", "soon", "30 feb 2024", "29 feb", "2025-13", "2025-02-30", "9 9 9", "1 xyz"]
)
def test_what_names_no_day_is_none(words: str) -> None:
    assert day_from(words, MONDAY) is None
