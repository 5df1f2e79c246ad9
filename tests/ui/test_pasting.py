from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.drivers import linux_driver

from dmtui.ui.keyboard import guard_keyboard
from dmtui.ui.pasting import PasteParser, clean_paste, guard_pastes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.message import Message

START, END = "\x1b[200~", "\x1b[201~"


def read(*reads: str) -> list[Message]:
    """What the parser makes of these reads of the terminal, and of silence after them."""
    guard_keyboard()
    parser = PasteParser()
    messages = [message for data in reads for message in parser.feed(data)]
    return [*messages, *parser.feed("")]


def told(messages: Sequence[Message]) -> list[str]:
    return [
        f"paste {message.text}" if isinstance(message, events.Paste) else message.key
        for message in messages
        if isinstance(message, events.Paste | events.Key)
    ]


def test_colours_in_a_paste_are_no_keys() -> None:
    pasted = "error: \x1b[31mfailed\x1b[0m\rrm -rf secret\r"
    assert told(read(f"{START}{pasted}{END}x")) == ["paste error: failed\nrm -rf secret\n", "x"]


@given(
    st.text(st.sampled_from("ab2~;[]O\x1b\r\n\x00\x07\x9b\x03\x7fé")).filter(
        lambda text: END not in text
    ),
    st.integers(min_value=1, max_value=40),
)
def test_any_paste_is_one_event_however_it_is_read(text: str, size: int) -> None:
    data = f"{START}{text}{END}x"
    if data.index(END) != len(START) + len(text):
        return  # the text's own end makes another marker with its neighbour
    reads = [data[start : start + size] for start in range(0, len(data), size)]
    *pastes, key = told(read(*reads))
    assert pastes == [f"paste {clean_paste(text)}"]
    assert key == "x"


@given(st.text())
def test_no_control_but_newline_and_tab_is_left(text: str) -> None:
    controls = {chr(n) for n in (*range(32), *range(127, 160))} - {"\n", "\t"}
    assert not controls & set(clean_paste(text))


@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        ("a\tb\r\nc", "a\tb\nc"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b(Bplain\x9b0m", "plain"),
        ("cut \x1b", "cut "),
        ("cut \x1b]8;;not ended", "cut 8;;not ended"),
        ("[31m stays", "[31m stays"),
    ],
)
def test_terminal_sequences_go_with_their_letters(pasted: str, expected: str) -> None:
    assert clean_paste(pasted) == expected


def test_keys_around_a_paste_stay_keys() -> None:
    assert told(read("\x1b", f"[Aq{START}p{END}\x1b[B")) == ["up", "q", "paste p", "down"]


def test_empty_and_following_pastes_are_events_of_their_own() -> None:
    assert told(read(f"{START}{END}{START}b{END}")) == ["paste ", "paste b"]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("\x1b\x1b2", ["escape", "alt+2"]),
        ("\x1b2\x1b2", ["alt+2", "alt+2"]),
        ("\x1b2x", ["alt+2", "x"]),
        ("\x1b2\x1b[B", ["alt+2", "down"]),
        ("\x1ba\x1b", ["alt+a", "escape"]),
        ("\x1b[1;3B", ["alt+down"]),
        ("\x1bOP", ["f1"]),
    ],
)
def test_alt_is_alt_whatever_follows_at_once(sent: str, expected: list[str]) -> None:
    assert told(read(sent)) == expected
    assert told(read(*sent)) == expected


def test_driver_survives_bytes_that_are_no_text() -> None:
    guard_pastes()
    driver = vars(linux_driver)
    decode = driver["getincrementaldecoder"]("utf-8")().decode
    assert driver["XTermParser"] is PasteParser
    assert decode(b"\xffa\xc3") + decode(b"\xa9") == "\ufffda\u00e9"
