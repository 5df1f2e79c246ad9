from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dmtui.core.formatted import parse
from dmtui.core.markup import Document
from dmtui.ui.widgets.styled_lines import PLAIN, hidden, lines_of

NONE = ("", "")
PIECES = st.sampled_from(
    [
        "<b>", "</b>", "<p>", "</p>", "<ul><li>", "</li></ul>", "<blockquote>", "<pre>", "</pre>",
        "<br>", "<hr>", "<h1>", "</h1>", "<ol start=99><li>", "<a href=https://a.example>", "</a>",
        "日本", "👩\u200d👧", "e\u0301", "❤\ufe0f", "🇩🇪", "word ", " a", "longlonglong", "\n", "  ",
    ]
)  # fmt: skip


def document_of(html: str) -> Document:
    document = parse(html)
    assert document is not None
    return document


def drawn(html: str, width: int, tail: str = "") -> list[str]:
    lines = lines_of(document_of(html), width, PLAIN, (tail, ""))
    return ["".join(text for text, _ in line) for line in lines]


def styles(html: str, width: int = 40) -> dict[str, str]:
    lines = lines_of(document_of(html), width, PLAIN, NONE)
    return {text: style.replace("timeline--", "") for line in lines for text, style in line}


@given(st.lists(PIECES, max_size=20).map("".join), st.integers(8, 40))
def test_lines_of_any_document_fit_and_keep_its_text(html: str, width: int) -> None:
    document = document_of(html)
    lines = lines_of(document, width, PLAIN, NONE)
    assert all(cell_len("".join(text for text, _ in line)) <= width for line in lines)
    texts = [text for line in lines for text, style in line if style != "timeline--edge"]
    wanted = "".join(block.text for block in document)
    assert "".join("".join(texts).split()) == "".join(wanted.split()).replace("\ufe0f", "")


def test_styles_go_on_where_a_line_breaks() -> None:
    lines = lines_of(document_of("one <b>two three</b> four"), 8, PLAIN, NONE)
    assert lines == (
        (("one ", PLAIN), ("two", f"{PLAIN} timeline--bold")),
        (("three", f"{PLAIN} timeline--bold"),),
        (("four", PLAIN),),
    )


def test_lists_hang_and_quotes_keep_their_bars() -> None:
    assert drawn("<ol><li>one two three</li></ol>", 10) == ["1. one two", "   three"]
    assert drawn("<blockquote>one two three</blockquote>", 9) == ["│ one two", "│ three"]
    assert drawn("<blockquote><p>a</p><p>b</p></blockquote>", 20) == ["│ a", "│", "│ b"]


def test_code_has_a_bar_and_keeps_its_spaces_where_it_is_cut() -> None:
    assert drawn("<pre>if  x:\n    abcdefgh\n\nend</pre>", 10) == [
        "▎ if  x:",
        "▎     abcd",
        "▎ efgh",
        "▎ ",
        "▎ end",
    ]


def test_edges_leave_room_for_text() -> None:
    assert max(map(len, drawn("<blockquote>" * 6 + "word", 9))) <= 9


def test_what_ends_the_last_line_stands_below_code() -> None:
    assert drawn("a <b>b</b>", 20, " (edited)") == ["a b (edited)"]
    assert drawn("<pre>x</pre>", 20, " (edited)") == ["▎ x", "▎  (edited)"]


def test_styles_are_named_for_what_they_mean() -> None:
    found = styles('<a href="https://a.example">here</a> <code>x</code><h1>H</h1><pre>c</pre>')
    assert found["here"] == "text link"
    assert found[" (a.example)"] == "text host"
    assert found["x"] == "text code"
    assert found["H"] == "text heading"
    assert found["c"] == "text block"


def test_a_spoiler_is_a_bar_of_its_own_width() -> None:
    assert hidden(("日本 x", "timeline--text timeline--spoiler"), plain=False)[0] == "██████"
    assert hidden(("plain", "timeline--text"), plain=False) == ("plain", "timeline--text")
