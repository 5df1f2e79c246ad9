from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.errors import BadRecoveryKey
from dmtui.core.recovery import is_meant_as_key, read_recovery_key, recovery_key_text

KEY = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
TEXT = "EsTc LW2K PGiF wKEA 3As5 g5c4 BXwk qeeJ ZJV8 Q9fu gUMN UE4d"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def test_a_key_is_written_as_the_published_example() -> None:
    assert recovery_key_text(KEY) == TEXT
    assert read_recovery_key(TEXT) == KEY


@given(st.binary(min_size=32, max_size=32))
def test_what_is_written_is_read_again(key: bytes) -> None:
    text = recovery_key_text(key)
    assert read_recovery_key(text) == key
    assert is_meant_as_key(text)


@pytest.mark.parametrize("text", [TEXT.replace(" ", ""), f"  {TEXT}\n", TEXT.replace(" ", "\n")])
def test_white_space_does_not_matter(text: str) -> None:
    assert read_recovery_key(text) == KEY


@given(st.integers(0, 47), st.sampled_from(BASE58))
def test_one_wrong_letter_is_found(place: int, letter: str) -> None:
    plain = TEXT.replace(" ", "")
    if plain[place] != letter:
        with pytest.raises(BadRecoveryKey):
            read_recovery_key(plain[:place] + letter + plain[place + 1 :])


@given(st.text(max_size=80))
def test_any_other_text_is_refused_and_nothing_else_raised(text: str) -> None:
    with pytest.raises(BadRecoveryKey):
        read_recovery_key(text)


@pytest.mark.parametrize(
    "text",
    [TEXT[:-1], TEXT + "d", TEXT.replace("K", "0"), "", "E" * 48, "z" * 48, "1" * 48, "É" * 48],
)
def test_a_damaged_key_is_refused(text: str) -> None:
    with pytest.raises(BadRecoveryKey):
        read_recovery_key(text)


@pytest.mark.parametrize("text", [TEXT, TEXT.replace("K", "0"), TEXT[:-1], TEXT.replace(" ", "")])
def test_a_mistyped_key_is_not_taken_for_a_passphrase(text: str) -> None:
    assert is_meant_as_key(text)


@pytest.mark.parametrize(
    "text", ["", "Es", "correct horse battery staple", "Es una frase muy larga que nadie adivina"]
)
def test_a_passphrase_is_not_taken_for_a_key(text: str) -> None:
    assert not is_meant_as_key(text)
