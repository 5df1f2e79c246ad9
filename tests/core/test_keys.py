from __future__ import annotations

import string

import pytest
from textual.keys import Keys, _character_to_key

from dmtui.core.keys import MODIFIERS, NAMED, SIGNS, keys_of, readable, types_text


def test_names_are_those_that_textual_has() -> None:
    assert set(NAMED) <= {key.value for key in Keys}
    for sign in string.punctuation:
        assert SIGNS[_character_to_key(sign)] == sign


@pytest.mark.parametrize(
    ("written", "keys"),
    [
        ("ctrl+n, f5", ("ctrl+n", "f5")),
        ("?", ("question_mark",)),
        ("+", ("plus",)),
        ("ctrl+/", ("ctrl+slash",)),
        ("", ()),
        ("G", ("G",)),
    ],
)
def test_keys_are_read_as_people_write_them(written: str, keys: tuple[str, ...]) -> None:
    assert keys_of(written) == keys


@pytest.mark.parametrize(
    "written", ["strg+n", "ctrl+", "f25", "nn", "f5,,f6", "ctrl n", "+n", "\x1b"]
)
def test_what_is_no_key_is_named(written: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the key is the whole message
        keys_of(written)
    assert str(error.value) in written


@pytest.mark.parametrize(
    ("key", "shown"),
    [("ctrl+n", "Ctrl+N"), ("alt+down", "Alt+↓"), ("slash", "/"), ("k", "k"), ("f12", "F12")],
)
def test_keys_read_as_on_a_keyboard(key: str, shown: str) -> None:
    assert readable(key) == shown


def test_only_plain_characters_type_text() -> None:
    assert types_text("a")
    assert types_text("question_mark")
    assert not any(types_text(f"{modifier}+a") for modifier in MODIFIERS if modifier != "shift")
    assert not types_text("f5")
