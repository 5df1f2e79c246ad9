from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.errors import InvalidUserId
from dmtui.core.model import Safe, UserId
from dmtui.core.names import (
    MARKS_IN_A_ROW,
    clean,
    clean_line,
    disambiguated,
    display_name,
    is_user_id,
    linked_user,
    localpart,
    valid_user_id,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()))
HOSTILE = st.text(
    st.sampled_from(
        "ab \t\r\n\x1b\x07\x00\x7f\x85\x9b\ud800\udfff\u200b\u200c\u200d\u200e\u202e\u2066\u2028"
        "\u061c\u0301\u0315\ufe0e\ufe0f\u20e3\u2764\U0001f468\U0001f469\U000e0041\ufeff\u3164"
    )
)
FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200b\u200c\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\U000e0000-\U000e0fff]"
)
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"

TABLE = [
    ("plain", "plain"),
    ("two\nlines", "two\nlines"),
    ("dos\r\nmac\runix", "dos\nmac\nunix"),
    ("a\u2028b\u2029c", "a\nb\nc"),
    ("a\tb", "a    b"),
    ("\x1b]52;c;aGk=\x07", "\u241b]52;c;aGk=\u2407"),
    ("\x1b]0;title\x1b\\", "\u241b]0;title\u241b\\"),
    ("\x1b[2J", "\u241b[2J"),
    ("\x1bP+q\x1b\\", "\u241bP+q\u241b\\"),
    ("a\x00b", "a\u2400b"),
    ("\x7f", "\u2421"),
    ("\x9b31m", "\ufffd31m"),
    ("\x85", "\ufffd"),
    ("\ud83d", "\ufffd"),
    ("\ufffe", "\ufffd"),
    ("\u202eevil\u202c", "evil"),
    ("\u2066a\u2069", "a"),
    ("a\u200eb\u200fc\u061cd", "abcd"),
    ("a\u200bb\u200cc\u200dd", "abcd"),
    ("\ufeffbom", "bom"),
    ("soft\xadhyphen", "softhyphen"),
    ("\u3164\u115f\uffa0", ""),
    ("x\U000e0041\U000e007f", "x"),
    ("x\U000e0101", "x"),
    ("e" + "\u0301" * 9, "e" + "\u0301" * 4),
    ("\u0645\u0631\u062d\u0628\u0627", "\u0645\u0631\u062d\u0628\u0627"),
    ("\u4e2d\u6587\u4e2d\u6587\u4e2d", "\u4e2d\u6587\u4e2d\u6587\u4e2d"),
    (FAMILY, FAMILY),
    ("\u2764\ufe0f\u200d\U0001f525", "\u2764\ufe0f\u200d\U0001f525"),
    ("1\ufe0f\u20e3", "1\ufe0f\u20e3"),
    ("a\ufe0f", "a"),
    ("\U0001f468\u200d", "\U0001f468"),
    ("\U0001f468\u200d\u200d\U0001f469", "\U0001f468\U0001f469"),
    ("[/x][@click=app.bell]", "[/x][@click=app.bell]"),
]


@pytest.mark.parametrize(("raw", "expected"), TABLE)
def test_text_becomes_fit_for_a_terminal(raw: str, expected: str) -> None:
    assert clean(raw) == expected


@given(ANY_TEXT | HOSTILE)
def test_cleaned_text_has_nothing_that_acts_on_a_terminal(text: str) -> None:
    assert not FORBIDDEN.search(clean(text))
    clean(text).encode()


@given(ANY_TEXT | HOSTILE)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert clean_line(clean_line(text)) == clean_line(text)


@given(ANY_TEXT | HOSTILE, st.integers(2, 40))
def test_cleaned_text_keeps_to_its_limit(text: str, limit: int) -> None:
    assert len(clean(text, limit)) <= limit
    assert len(clean_line(text, limit)) <= limit
    assert clean(clean(text, limit), limit) == clean(text, limit)


@given(st.text(st.sampled_from("e\u0301\u0489\u0316")))
def test_marks_never_pile_up(text: str) -> None:
    in_a_row = 0
    for character in clean(text):
        is_mark = unicodedata.category(character) in ("Mn", "Me")
        in_a_row = in_a_row + 1 if is_mark else 0
        assert in_a_row <= MARKS_IN_A_ROW


@given(ANY_TEXT | HOSTILE)
def test_a_line_is_one_line_without_stray_white_space(text: str) -> None:
    line = clean_line(text)
    assert len(line.splitlines()) <= 1
    assert line == " ".join(line.split())


def test_text_over_the_limit_ends_in_an_ellipsis() -> None:
    assert clean("x" * 30, 10) == "x" * 9 + "\u2026"
    assert clean_line("word " * 30, 10) == "word word\u2026"


@pytest.mark.parametrize(
    "text",
    [
        "@bob:example.org",
        "@bob:localhost:8448",
        "@bob:127.0.0.1",
        "@bob:[::1]:8008",
        "@bob:[2001:db8::1]",
        "@UPPER!#$&~:example.org",
        "@a/b=c.d_e-f+g:example.org",
        "@" + "x" * 250 + ":a.b",
    ],
)
def test_user_ids_of_both_grammars_are_taken_as_they_are(text: str) -> None:
    assert valid_user_id(text) == text
    assert is_user_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bob",
        "bob@example.org",
        "@bob",
        "@bob:",
        "@:example.org",
        "@b ob:example.org",
        "@b\u00f6b:example.org",
        "@bob:example.org/path",
        "@bob:example.org:",
        "@bob:example.org:123456",
        "@bob:exa mple.org",
        "@bob:::1",
        "@bob:ex\u00e4mple.org",
        "@bob\x1b:example.org",
        "@" + "x" * 255 + ":example.org",
        "[object Object]",
        "!room:example.org",
    ],
)
def test_what_is_no_user_id_is_refused_in_one_clean_line(text: str) -> None:
    with pytest.raises(InvalidUserId) as refusal:
        valid_user_id(text)
    assert clean_line(str(refusal.value)) == str(refusal.value)
    assert not is_user_id(text)


def test_white_space_around_a_typed_user_id_is_forgiven() -> None:
    assert valid_user_id(" @bob:example.org\n") == "@bob:example.org"
    assert not is_user_id(" @bob:example.org")


@pytest.mark.parametrize(
    ("profile_name", "expected"),
    [
        ("Bob", "Bob"),
        (None, "bob"),
        ("", "bob"),
        ("\u200b \u3164", "bob"),
        ("  Bob\n\tB ", "Bob B"),
        ("@bob:example.org", "@bob:example.org"),
        ("@alice:example.org", "@alice:example.org (@bob:example.org)"),
        ("\uff20alice:example.org", "\uff20alice:example.org (@bob:example.org)"),
        ("Alice (@alice:example.org)", "Alice (@alice:example.org) (@bob:example.org)"),
        ("Bob @ work: yes", "Bob @ work: yes"),
    ],
)
def test_a_person_is_called_by_the_profile_name_unless_it_deceives(
    profile_name: str | None, expected: str
) -> None:
    assert display_name(UserId("@bob:example.org"), profile_name) == expected


def test_the_localpart_of_anything_is_shown_clean() -> None:
    assert localpart(UserId("@bob:example.org")) == "bob"
    assert localpart(UserId("odd\x1b")) == "odd\u241b"
    assert localpart(UserId("@:x")) == "@:x"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice", "\u0410lice"),
        ("Alice", "AIice"),
        ("Alice", "alice"),
        ("Alice", "\uff21lice"),
        ("bob", "b0b"),
        ("Nina", "\u039dina"),
        ("arno", "amo"),
        ("Bob B", "BobB"),
        ("paypal", "\u0440\u0430\u0443\u0440\u0430l"),
    ],
)
def test_names_that_read_alike_both_carry_their_user_ids(one: str, other: str) -> None:
    names = {UserId("@a:x"): Safe(one), UserId("@b:x"): Safe(other), UserId("@c:x"): Safe("Carol")}
    shown = disambiguated(names)
    assert shown == {"@a:x": f"{one} (@a:x)", "@b:x": f"{other} (@b:x)", "@c:x": "Carol"}


def test_a_name_that_carries_its_user_id_does_not_get_it_twice() -> None:
    names = {UserId("@a:x"): Safe("A (@a:x)"), UserId("@b:x"): Safe("A (@a:x)")}
    assert disambiguated(names)[UserId("@a:x")] == "A (@a:x)"


@given(st.dictionaries(st.integers(0, 50).map(lambda n: f"@u{n}:x"), st.sampled_from("AaBb\u0410")))
def test_no_two_people_are_ever_shown_alike(names: dict[str, str]) -> None:
    people = {UserId(user_id): Safe(name) for user_id, name in names.items()}
    shown = disambiguated(people)
    assert shown.keys() == people.keys()
    assert len(set(shown.values())) == len(shown)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://matrix.to/#/@bob:example.org", "@bob:example.org"),
        ("https://matrix.to/#/%40bob%3Aexample.org?via=example.org", "@bob:example.org"),
        ("matrix:u/bob:example.org?action=chat", "@bob:example.org"),
        ("https://matrix.to/#/#room:example.org", "https://matrix.to/#/#room:example.org"),
        ("bob", "bob"),
        ("@bob:example.org", "@bob:example.org"),
    ],
)
def test_link_to_a_person_is_read_as_their_user_id(text: str, expected: str) -> None:
    assert linked_user(text) == expected
