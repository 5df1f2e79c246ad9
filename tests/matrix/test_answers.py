from __future__ import annotations

import json
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.errors import DmtuiError
from dmtui.core.model import Json
from dmtui.matrix.answers import judge

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
