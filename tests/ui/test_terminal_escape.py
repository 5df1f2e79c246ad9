"""What is written to the terminal: hostile text stays text, whatever the terminal."""

from __future__ import annotations

import re
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.model import Safe
from dmtui.core.notify import How, Language, Notice
from dmtui.ui.terminal_escape import Multiplexer, Terminal, payload
from tests.ui.hosting import HOSTILE

LANGUAGES = (Language.OSC9, Language.OSC777, Language.OSC99)
SHELL = ("$(touch x)", "-u critical", "`id`", "4;1;50", "notify;a;b", "\x1b\\", "\x07", "\n", ";")

OSC = re.compile(r"\x1b\]([^\x00-\x1f\x7f-\x9f]*)\x07")
TMUX = re.compile(r"\x1bPtmux;((?:[^\x1b]|\x1b\x1b)*)\x1b\\")
SCREEN = re.compile(r"\x1bP((?:[^\x1b]|\x1b(?!\\))*)\x1b\\")

hostile = st.one_of(
    st.text(),
    st.lists(st.sampled_from((*SHELL, HOSTILE, "\x9c", "\x9b2J", "\u2028", "Bob"))).map("".join),
)


def notice(title: str = "New message from Bob", body: str = "") -> Notice:
    return Notice(Safe(title), Safe(body))


def sequences(written: str, multiplexer: Multiplexer) -> list[str]:
    """What the terminal behind the multiplexer gets to see, sequence by sequence."""
    match multiplexer:
        case Multiplexer.TMUX:
            (inner,) = TMUX.findall(written)
            assert TMUX.fullmatch(written)
            written = inner.replace("\x1b\x1b", "\x1b")
        case Multiplexer.SCREEN:
            (written,) = SCREEN.findall(written)
        case _:
            pass
    assert OSC.sub("", written) == ""
    return OSC.findall(written)


@given(hostile, st.integers(1, 200))
def test_a_payload_is_one_line_that_no_terminal_acts_upon(text: str, limit: int) -> None:
    line = payload(text, limit)
    assert len(line) <= limit
    assert re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e]", line) is None
    assert payload(line, limit) == line


@given(hostile, hostile, st.sampled_from(LANGUAGES), st.sampled_from(Multiplexer))
def test_hostile_text_never_ends_a_sequence_or_begins_another(
    title: str, body: str, language: Language, multiplexer: Multiplexer
) -> None:
    terminal = Terminal(language, multiplexer)
    seen = sequences(terminal.say(notice(title, body), How.DESKTOP), multiplexer)
    match language:
        case Language.OSC9:
            (only,) = seen
            assert only.startswith("9;dmtui: ")
            assert only.count(";") == 1
        case Language.OSC777:
            (only,) = seen
            assert only.startswith("777;notify;")
            assert only.count(";") == 3
        case _:
            assert 1 <= len(seen) <= 2
            assert all(re.fullmatch(r"99;[^;]*;[A-Za-z0-9+/=]*", each) for each in seen)


@given(hostile)
def test_a_hostile_title_is_one_sequence(text: str) -> None:
    assert OSC.fullmatch(Terminal().title(text))


@pytest.mark.parametrize("length", [10_000])
def test_long_text_is_cut(length: int) -> None:
    for language in LANGUAGES:
        for multiplexer in Multiplexer:
            written = Terminal(language, multiplexer).say(
                notice("\U0001f600" * length, "\U0001f600" * length), How.BOTH
            )
            assert len(written.encode()) < 2048


def test_kitty_gets_title_and_body_of_one_notification() -> None:
    first, second = sequences(
        Terminal(Language.OSC99).say(notice("Hi", "there; \u00e9"), How.DESKTOP), Multiplexer.NONE
    )
    assert first == "99;i=dmtui:a=focus:d=0:e=1:p=title;SGk="
    assert second.startswith("99;i=dmtui:d=1:e=1:p=body;")
    assert b64decode(second.rpartition(";")[2]).decode() == "there; \u00e9"
    (alone,) = OSC.findall(Terminal(Language.OSC99).say(notice("Hi"), How.DESKTOP))
    assert ":d=1:" in alone


def test_tmux_is_asked_to_pass_on_with_escapes_doubled() -> None:
    written = Terminal(Language.OSC9, Multiplexer.TMUX).say(notice("Hi"), How.DESKTOP)
    assert written == "\x1bPtmux;\x1b\x1b]9;dmtui: Hi\x07\x1b\\"


def test_screen_is_asked_to_pass_on() -> None:
    written = Terminal(Language.OSC9, Multiplexer.SCREEN).say(notice("Hi"), How.DESKTOP)
    assert written == "\x1bP\x1b]9;dmtui: Hi\x07\x1b\\"


@pytest.mark.parametrize(
    ("how", "bells", "notifications"),
    [(How.OFF, 0, 0), (How.BELL, 1, 0), (How.DESKTOP, 0, 1), (How.BOTH, 1, 1)],
)
def test_the_user_is_told_in_the_way_set(how: How, bells: int, notifications: int) -> None:
    written = Terminal(Language.OSC777).say(notice(), how)
    assert len(OSC.findall(written)) == notifications
    assert OSC.sub("", written) == "\x07" * bells


def test_a_terminal_that_takes_no_notification_rings() -> None:
    for how in (How.BELL, How.DESKTOP, How.BOTH):
        assert Terminal(None).say(notice(), how) == "\x07"
    assert Terminal(None).say(notice(), How.OFF) == ""


def test_the_bell_of_a_notification_in_tmux_is_for_tmux() -> None:
    written = Terminal(Language.OSC9, Multiplexer.TMUX).say(notice(), How.BOTH)
    assert TMUX.sub("", written) == "\x07"


@pytest.mark.parametrize(
    ("environment", "language", "multiplexer"),
    [
        ({"TERM": "xterm-256color"}, None, Multiplexer.NONE),
        ({"TERM": "xterm-256color", "WT_SESSION": "x"}, None, Multiplexer.NONE),
        ({"TERM": "xterm-kitty"}, Language.OSC99, Multiplexer.NONE),
        ({"TERM": "foot"}, Language.OSC777, Multiplexer.NONE),
        ({"TERM": "rxvt-unicode-256color"}, Language.OSC777, Multiplexer.NONE),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, Language.OSC9, Multiplexer.NONE),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, Language.OSC9, Multiplexer.NONE),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, Language.OSC777, Multiplexer.NONE),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/t,1,0"}, None, Multiplexer.TMUX),
        (
            {"TERM": "tmux-256color", "TERM_PROGRAM": "tmux", "TMUX": "x", "KITTY_WINDOW_ID": "1"},
            Language.OSC99,
            Multiplexer.TMUX,
        ),
        ({"TERM": "screen", "STY": "1.x", "KONSOLE_VERSION": "1"}, Language.OSC777, "screen"),
        ({}, None, Multiplexer.NONE),
    ],
)
def test_the_terminal_is_known_by_its_environment(
    environment: dict[str, str], language: Language | None, multiplexer: Multiplexer
) -> None:
    terminal = Terminal.of(environment)
    assert (terminal.language, terminal.multiplexer) == (language, multiplexer)


def test_the_users_word_goes_before_the_environment() -> None:
    assert Terminal.of({"TERM": "xterm-kitty"}, Language.OSC9).language is Language.OSC9


@pytest.mark.parametrize("term", ["", "dumb", "linux"])
def test_a_terminal_without_titles_gets_none(term: str) -> None:
    terminal = Terminal.of({"TERM": term})
    assert terminal.title("(3) dmtui") + terminal.keep_title + terminal.restore_title == ""


def test_the_former_title_comes_back() -> None:
    terminal = Terminal()
    assert terminal.keep_title == "\x1b[22;2t"
    assert terminal.restore_title == "\x1b]2;\x07\x1b[23;2t"
