from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from dmtui.ui import keyboard
from dmtui.ui.keyboard import guard_keyboard, plain_sequence

if TYPE_CHECKING:
    from textual.message import Message

RELEASED = "\x1b[13;1:3u"


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> XTermParser:
    """A parser as Textual ships it; the guard a test puts on ends with the test."""
    monkeypatch.setattr(XTermParser, "_parse_extended_key", keyboard._parse_extended_key)
    monkeypatch.setattr(XTermParser, "_sequence_to_key_events", keyboard._keys_of_sequence)
    return XTermParser()


def keys(messages: list[Message]) -> list[str]:
    return [message.key for message in messages if isinstance(message, events.Key)]


def test_released_enter_breaks_the_unguarded_parser(parser: XTermParser) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        list(parser.feed(RELEASED))


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        (RELEASED, []),
        ("\x1b[13;1:1u", ["enter"]),
        ("\x1b[97;5:2u", ["ctrl+a"]),
        ("\x1b[97:65;2u", ["shift+a"]),
        ("\x1b[1;5:3D", []),
        ("\x1b[1;5:1D", ["ctrl+left"]),
        ("\x1b[99999999999;1u", []),
        ("\x1b[13;2u", ["shift+enter"]),
    ],
)
def test_keyboard_lives_on_after_any_key_report(
    parser: XTermParser, sequence: str, expected: list[str]
) -> None:
    guard_keyboard()
    guard_keyboard()
    assert keys(list(parser.feed(sequence + "x")))[: len(expected)] == expected
    assert keys(list(parser.feed("y"))) == ["y"]


@pytest.mark.parametrize("letter", "zD<\r")
@pytest.mark.usefixtures("parser")
def test_alt_with_a_letter_types_nothing(letter: str) -> None:
    guard_keyboard()
    guard_keyboard()
    parser = XTermParser()
    pressed = [*parser.feed(f"\x1b{letter}"), *parser.feed("")]
    (key,) = [message for message in pressed if isinstance(message, events.Key)]
    assert key.key.startswith("alt+")
    assert not key.is_printable


@pytest.mark.parametrize("digit", "123456789")
def test_alt_with_a_digit_is_itself_in_every_terminal(parser: XTermParser, digit: str) -> None:
    guard_keyboard()
    assert keys([*parser.feed(f"\x1b{digit}"), *parser.feed("")]) == [f"alt+{digit}"]


def test_released_key_types_nothing(parser: XTermParser) -> None:
    guard_keyboard()
    assert keys(list(parser.feed(RELEASED))) == []


@pytest.mark.parametrize("sequence", ["a", "\x1b[A", "\x1b[13;2u", "\x1b[1;5D", "\x1b[200~", "\r"])
def test_plain_sequences_are_left_as_they_are(sequence: str) -> None:
    assert plain_sequence(sequence) == sequence
