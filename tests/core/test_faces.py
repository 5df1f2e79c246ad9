"""Initials of names from everywhere, and hues that stay."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dmtui.core.faces import HUES, INITIALS_CELLS, hue, initials
from dmtui.core.model import UserId
from dmtui.core.names import clean_line

BOB = UserId("@bob:example.org")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Bob", "Bo"),
        ("bob", "Bo"),
        ("B", "B"),
        ("J.", "J"),
        ("bob marley", "BM"),
        ("Mary Jane Watson", "MW"),
        ("(Bob) [work]", "BW"),
        ("Alice & Bob", "AB"),
        ("007 bond", "0B"),
        ("e\u0301lan Ωmega", "E\u0301Ω"),
        ("straße", "St"),
        ("ß", "ß"),
        ("ßa", "ßa"),
        ("山田 太郎", "山"),
        ("한글 이름", "한"),
        ("Bob 山", "B"),
        ("שלום כהן", "ש"),
        ("محمد", "م"),
        ("Bob כהן", "B"),
        ("क्षिति", "क"),
        ("🎉 Bob", "Bo"),
        ("🎉🎉", "🎉"),
        ("❤️", "❤"),
        ("🇩🇪🇫🇷", "🇩🇪"),
        ("👩\u200d👩\u200d👧\u200d👦", "👩"),
        ("👍🏽", "👍"),
        ("!!!", "!"),
        ("", "Bo"),
        ("   ", "Bo"),
        ("Bob Marley (@bob:example.org)", "BM"),
        ("@bob:example.org", "Bo"),
    ],
)
def test_initials_are_those_that_people_would_choose(name: str, shown: str) -> None:
    assert initials(name, BOB) == shown


@given(st.text(max_size=40))
def test_initials_of_any_name_fit_and_steer_nothing(name: str) -> None:
    found = initials(clean_line(name), BOB)
    assert found
    assert cell_len(found) <= INITIALS_CELLS
    assert "\n" not in found
    assert "\x1b" not in found


def test_hue_is_the_persons_own_and_all_are_used() -> None:
    assert hue(BOB) == hue(UserId("@bob:example.org"))
    found = Counter(hue(UserId(f"@person{n}:example.org")) for n in range(400))
    assert set(found) == set(range(len(HUES)))
    assert min(found.values()) > 20
