from __future__ import annotations

import json
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.errors import DmtuiError, SignedOut
from dmtui.core.model import Json
from dmtui.matrix.answers import Challenge, judge

UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls, directions, halves of characters
TEXT = st.text(st.characters(codec=None), max_size=2000) | st.sampled_from(
    ["\x1b[31mred", "\u202egnp.exe", "two\nlines", "half \ud800", "\u200b", "[bold]", "x" * 100_000]
)
ANYTHING: st.SearchStrategy[Json] = st.none() | st.booleans() | st.integers() | TEXT


@given(
    status=st.integers(300, 599),
    errcode=ANYTHING | st.sampled_from(["M_FORBIDDEN", "M_INVITE_BLOCKED", "M_UNKNOWN"]),
    error=ANYTHING | st.lists(TEXT, max_size=2),
)
def test_error_told_by_whatever_server_is_one_clean_short_line(
    status: int, errcode: Json, error: Json
) -> None:
    body = json.dumps({"errcode": errcode, "error": error}).encode()
    with pytest.raises(DmtuiError) as caught:
        judge(status, {}, body)
    line = str(caught.value)
    assert line
    assert len(line) <= 300
    assert not [c for c in line if category(c) in UNPRINTABLE and c != "\u200d"]


@given(error=ANYTHING, errcode=ANYTHING)
def test_a_challenge_is_handed_on_with_a_clean_line(error: Json, errcode: Json) -> None:
    body: dict[str, Json] = {"flows": [], "error": error, "errcode": errcode}
    with pytest.raises(Challenge) as caught:
        judge(401, {}, json.dumps(body).encode())
    assert caught.value.body["flows"] == []
    assert not [c for c in str(caught.value) if category(c) in UNPRINTABLE and c != "\u200d"]


def test_a_token_that_is_over_is_no_challenge() -> None:
    with pytest.raises(SignedOut):
        judge(401, {}, b'{"errcode": "M_UNKNOWN_TOKEN", "error": "over"}')
