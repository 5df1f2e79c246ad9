from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from dmtui.ui.widgets.cells import clip, pad, printable, strip, wrap

TEXT = st.text(
    st.one_of(st.characters(), st.sampled_from("a b\n\t日本👩\u200d👧\u0301❤\ufe0f🇩🇪\x1b\x9b"))
)


@given(TEXT, st.integers(2, 40))
def test_wrapped_lines_fit_and_keep_every_character(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    kept = "".join(printable(text.expandtabs(4).replace("\n", "")).split())
    assert "".join("".join(lines).split()) == kept


@given(TEXT, st.integers(0, 40))
def test_strip_has_exactly_its_width_and_no_controls(text: str, width: int) -> None:
    line = strip([(text, Style()), ("tail", Style(bold=True))], width, Style())
    assert sum(cell_len(segment.text) for segment in line) == width
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in line.text)


def test_clip_says_that_something_was_cut() -> None:
    assert clip("conversation", 6) == "conve…"
    assert clip("日本語", 4) == "日…"
    assert clip("fits", 4) == "fits"
    assert clip("x", 0) == ""


def test_long_words_break_and_spaces_at_the_break_vanish() -> None:
    assert wrap("one two three", 7) == ("one two", "three")
    assert wrap("abcdefghij", 4) == ("abcd", "efgh", "ij")
    assert wrap("a\n\nb", 10) == ("a", "", "b")
    assert wrap("", 10) == ("",)


def test_pad_counts_cells() -> None:
    assert pad("日", 4) == "日  "


@pytest.mark.parametrize(
    "text",
    ["\u65e5" * 65_536, "e\u0301" * 32_768, "\u0301" * 65_536],
    ids=["wide", "marked", "marks"],
)
def test_a_very_long_text_without_spaces_wraps_in_time_that_grows_with_it(text: str) -> None:
    begin = time.process_time()
    assert "".join(wrap(text, 100)) == text
    assert time.process_time() - begin < 2
