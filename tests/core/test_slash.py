from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.model import Kind
from dmtui.core.slash import SHRUG, Order, Said, meaning, objection, typed_as


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("hello", Said("hello")),
        ("/me waves", Said("waves", Kind.EMOTE)),
        ("/me\nwaves", Said("waves", Kind.EMOTE)),
        ("/notice closed today", Said("closed today", Kind.NOTICE)),
        ("/plain *as it is*", Said("*as it is*", plain=True)),
        ("/shrug", Said(SHRUG, plain=True)),
        ("/shrug who knows", Said(f"who knows {SHRUG}", plain=True)),
        ("/mute", Order("mute")),
        ("/leave me alone", Order("leave", "me alone")),
        ("/me", Order("me")),
        ("//me waves", Said("/me waves")),
        ("///me waves", Said("//me waves")),
        ("/etc/fstab", Said("/etc/fstab")),
        ("// a comment", Said("// a comment")),
        ("/ 5", Said("/ 5")),
        ("/5", Said("/5")),
        ("see /mute", Said("see /mute")),
    ],
)
def test_line_means_what_its_beginning_says(text: str, meant: Said | Order) -> None:
    assert meaning(text) == meant


def test_command_that_is_unknown_or_followed_by_words_is_objected_to() -> None:
    assert objection(Order("mute"), {"mute"}) == ""
    assert "no command /mutt" in objection(Order("mutt"), {"mute"})
    assert "takes nothing behind it" in objection(Order("mute", "now"), {"mute"})
    assert "says what follows it" in objection(Order("me"), {"mute"})


_NAMES = st.sampled_from(["me", "notice", "plain", "shrug", "mute", "x-y"])
_SLASHED = st.builds(
    lambda slashes, name, rest: "/" * slashes + name + rest,
    st.integers(0, 4),
    _NAMES,
    st.sampled_from(["", " rest", "\nrest", "/rest"]),
)


@given(st.one_of(st.text(), _SLASHED))
def test_any_text_can_be_typed_so_that_it_is_said(text: str) -> None:
    assert meaning(typed_as(text, Kind.TEXT)) == Said(text)


@given(st.text(min_size=1).map(str.strip).filter(bool), st.sampled_from([Kind.EMOTE, Kind.NOTICE]))
def test_what_somebody_does_can_be_typed_again(text: str, kind: Kind) -> None:
    assert meaning(typed_as(text, kind)) == Said(text, kind)
