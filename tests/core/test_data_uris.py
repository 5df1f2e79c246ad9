"""Pictures pasted as text."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.data_uris import is_picture, picture_of


@given(st.binary(max_size=300))
def test_picture_is_read_from_its_text_however_it_is_wrapped(content: bytes) -> None:
    data = b64encode(content).decode()
    wrapped = "\n".join(data[start : start + 76] for start in range(0, len(data), 76))
    for text in (data, wrapped, f"{data}\n"):
        assert picture_of(f"data:image/png;base64,{text}") == ("png", content)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "data:text/html;base64,AAAA",
        "data:image/svg+xml;base64,AAAA",
        "data:image/png,AAAA",
        "look: data:image/png;base64,AAAA",
        "https://example.org/a.png",
    ],
)
def test_other_text_is_no_picture(text: str) -> None:
    assert not is_picture(text)
    assert picture_of(text) is None


@pytest.mark.parametrize("text", ["AAA", "????", "AAAA and more"])
def test_picture_that_is_cut_off_or_spoilt_is_none(text: str) -> None:
    assert is_picture(f"data:image/png;base64,{text}")
    assert picture_of(f"data:image/png;base64,{text}") is None
