"""What reaches the terminal has the same columns in every terminal, and steers none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.strip import Strip

from dmtui.ui.widgets.settled import Settled, settled_text

BLACK = Color(0, 0, 0)
PARTS = st.sampled_from(
    ["a", " ", "日", "👩\u200d👧", "❤\ufe0f", "👍🏽", "🏽", "1\ufe0f\u20e3", "🇩🇪", "e\u0301", "!",
     "नि", "\x1b[31m", "\x9b", "\u202e", "\u2066", "\u200f", "שלום", "سلام", "\ufe0f", "\u200d"]
)  # fmt: skip
TEXTS = st.lists(PARTS | st.text(max_size=3), max_size=12).map("".join)
OBEYED = "\x1b\x07\x9b\x00\x7f\u2028\u202e\u2066\u2067\u2068\u2069"


def settled(*texts: str) -> list[str]:
    return [s.text for s in Settled().apply([Segment(text) for text in texts], BLACK)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("❤\ufe0f!", "❤ !"),
        ("1\ufe0f\u20e3.", "1\u20e3 ."),
        ("👍🏽👍", "👍👍"),
        ("👨🏽\u200d💻", "👨\u200d💻"),
        ("🏽", "🏽"),
        ("👩\u200d👩\u200d👧\u200d👦", "👩\u200d👩\u200d👧\u200d👦"),
        ("🇩🇪", "🇩🇪"),
        ("a\x1b]52;c;aGk=\x07b", "a]52;c;aGk=b"),
        ("a\u202eb", "ab"),
    ],
)
def test_only_what_terminals_agree_on_is_shown_in_as_many_cells(text: str, shown: str) -> None:
    assert settled_text(text) == shown
    assert cell_len(shown) == cell_len(text)


@given(TEXTS)
def test_cells_are_kept_and_nothing_is_left_to_obey(text: str) -> None:
    shown = "".join(settled(text))
    assert cell_len(shown) == cell_len(text)
    assert not any(sign in shown for sign in OBEYED)
    assert "\ufe0f" not in shown


def test_right_to_left_text_turns_nothing_but_itself_around() -> None:
    assert settled(" דנה  ", "12:03  ", "שלום!") == [
        " \u200fדנה\u200f\u200e  ",
        "12:03  ",
        "\u200fשלום!\u200f\u200e",
    ]


def test_styles_within_right_to_left_text_do_not_cut_it() -> None:
    assert settled("שלום ", "עולם", " and") == ["\u200fשלום ", "עולם\u200f\u200e", " and"]


def test_columns_of_right_to_left_text_are_apart() -> None:
    assert settled("דנה  ", "שלום") == ["\u200fדנה\u200f\u200e  ", "\u200fשלום\u200f\u200e"]


def test_a_cursor_within_a_character_joins_nothing_to_it() -> None:
    assert settled("a👩", "\u200d", "👧b") == ["a👩", "", "👧b"]


def test_a_name_within_a_left_to_right_line_is_closed_only() -> None:
    assert settled("Message דנה") == ["Message דנה\u200e"]


@pytest.mark.parametrize("character", ["👩\u200d👩\u200d👧\u200d👦", "🇩🇪"])
@pytest.mark.parametrize("cut", range(7))
def test_a_compound_character_is_shown_whole_or_not_at_all(character: str, cut: int) -> None:
    strip = Strip([Segment(f"ab{character}cd")]).apply_filter(Settled(), BLACK)
    left, right = strip.divide([cut, 6]) if cut else (Strip.blank(0), strip)
    assert (cell_len(left.text), cell_len(right.text)) == (cut, 6 - cut)
    whole = f"ab{character}cd" if cut != 3 else "ab  cd"
    assert left.text + right.text == whole
