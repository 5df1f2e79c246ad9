from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.code import coloured
from dmtui.core.model import Safe

LANGUAGES = [
    "python", "js", "c", "rust", "bash", "ruby", "lua", "yaml", "sql", "haskell", "html", "diff",
    "?",
]  # fmt: skip
PIECES = st.sampled_from(
    [
        '"', "'", "`", '"""', "\\", "#", "//", "/*", "*/", "--", "<!--", "<a", ">", "\n", " ", "x1",
        "0.5", "if", "+", "@@", "\xe9",
    ]
)  # fmt: skip


def told_apart(text: str, language: str) -> dict[str, str]:
    names = {"KEYWORD", "STRING", "NUMBER", "COMMENT", "ADDED", "REMOVED"}
    spans = coloured(Safe(text), language)
    return {s.text.strip(): str(s.look.name).lower() for s in spans if s.look.name in names}


@given(
    st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=30), st.sampled_from(LANGUAGES)
)
def test_all_of_the_code_stays(text: str, language: str) -> None:
    assert "".join(span.text for span in coloured(Safe(text), language)) == text


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        (
            "python",
            "def f(x):  # why\n    return 'a\\'b' + 1.5",
            {"def": "keyword", "# why": "comment",
             "return": "keyword", "'a\\'b'": "string", "1.5": "number"},
        ),
        ("python", "f'{x}' 'y'", {"'{x}'": "string", "'y'": "string"}),
        ("python", '"""two\nlines"""', {'"""two\nlines"""': "string"}),
        ("rust", "fn f<'a>(s: &'a str) {} // x", {"fn": "keyword", "// x": "comment"}),
        ("js", "const a = `b\n${c}`", {"const": "keyword", "`b\n${c}`": "string"}),
        ("c", "/* a\nb */ int x2 = 0x1f;",
            {"/* a\nb */": "comment", "int": "keyword", "0x1f": "number"}),
        ("bash", "echo $# \"$1\" # all", {'"$1"': "string", "# all": "comment"}),
        ("sql", "SELECT 'x' -- y", {"SELECT": "keyword", "'x'": "string", "-- y": "comment"}),
        ("html", "<!-- a --><p x=\"y\">",
            {"<!-- a -->": "comment", "<p": "string", '"y"': "string", ">": "string"}),
        ("diff", "@@ 1 @@\n-a\n+b\n c", {"@@ 1 @@": "comment", "-a": "removed", "+b": "added"}),
        ("klingon", "def x", {}),
    ],
)  # fmt: skip
def test_comments_strings_numbers_and_keywords_are_told_apart(
    language: str, text: str, found: dict[str, str]
) -> None:
    assert told_apart(text, language) == found


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_code_takes_no_longer_than_its_length(language: str) -> None:
    pieces = ['"', "'", "\\'", '\\"', "/*", "*", "--", "-", "<!--", "`", "#", "a.", "0x", "'a"]
    for piece in pieces:
        begin = time.process_time()
        coloured(Safe(piece * (32_768 // len(piece))), language)
        assert time.process_time() - begin < 1
