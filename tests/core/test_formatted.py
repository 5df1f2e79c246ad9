from __future__ import annotations

import re
import sys
from collections.abc import Callable
from html import escape, unescape
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.code import MOST_COLOURED
from dmtui.core.formatted import DEEPEST, LONGEST, in_passing, parse, read
from dmtui.core.html_tags import MOST_TAGS
from dmtui.core.markup import Document, Form, Look, has_spoiler, mentions, targets
from dmtui.core.model import Safe
from dmtui.core.names import clean

EVIL = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
NAMES = re.findall(
    r"\S+",
    "b i u s del em strong code pre p div br hr h1 h6 ul ol li blockquote a span img table tr th"
    " td details summary sup sub script style mx-reply font x-y caption",
)
TEXTS = st.text(
    st.one_of(st.characters(exclude_categories=()), st.sampled_from("ab \n<>&\"'/=;\x1b\u202e"))
)
ATTRIBUTES = st.sampled_from(
    [
        "", ' href="https://a.example/"', " href=https://b.example", " data-mx-spoiler",
        ' data-mx-spoiler="why"', ' class="language-python"', ' start="7"', " alt='a picture'",
        ' href="https://matrix.to/#/@bob:x.org"', ' href="javascript:x"', " x=", " =", ' "',
    ]
)  # fmt: skip
TAGS = st.builds(
    lambda close, name, attributes: f"<{close}{name}{attributes}>",
    st.sampled_from(["", "", "/"]),
    st.sampled_from(NAMES),
    ATTRIBUTES,
)
ENTITIES = st.sampled_from(["&lt;", "&#27;", "&#x202e;", "&#0;", "&#xd800;", "&amp;", "&nope;"])
HTML = st.lists(st.one_of(TAGS, TEXTS, ENTITIES, st.sampled_from(["<!--", "-->", "<!x>"]))).map(
    "".join
)


def read_html(html: str) -> Document:
    document = parse(html)
    assert document is not None
    return document


def shown(html: str) -> list[str]:
    """The lines before they are wrapped."""
    lines = []
    for block in read_html(html):
        if block.apart:
            lines.append(block.rest)
        for number, line in enumerate(block.text.split("\n")):
            lines.append((block.rest if number else block.first) + line)
    return lines


def looks(html: str) -> list[tuple[str, Look]]:
    return [(span.text, span.look) for block in read_html(html) for span in block.spans]


# -- whatever comes ---------------------------------------------------------------------------


@given(HTML)
def test_whatever_is_read_has_nothing_that_steers_a_terminal(html: str) -> None:
    for block in parse(html) or ():
        assert not EVIL.search(block.text)
        assert not EVIL.search(block.first + block.rest)
        for span in block.spans:
            assert span.text
            assert span.text == clean(span.text)
            assert span.target.isascii()


@given(HTML, TEXTS)
def test_a_message_with_a_body_never_comes_out_empty(html: str, body: str) -> None:
    safe = clean(body)
    document = read(html, safe)
    if document is not None:
        assert any(block.text.strip() for block in document) or not safe.strip()


@given(st.lists(st.tuples(st.sampled_from(["b", "p", "li", "code", "q", "pre", "td"]), TEXTS)))
def test_all_text_survives_in_its_order(parts: list[tuple[str, str]]) -> None:
    html = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in parts)
    kept = "".join(block.text for block in parse(html) or ())
    wanted = "".join(clean(unescape(escape(text)).replace("\f", " ")) for _, text in parts)
    assert len(html) > LONGEST or _bare(kept) == _bare(wanted)


def _bare(text: str) -> str:
    return re.sub(r"[\s\u2502]", "", text)


@pytest.mark.parametrize(
    "html",
    [
        "<b>" * 100_000, "<a href=" * 10_000, "<" * 30_000, "<a/" * 10_000, "<!--" * 8_000,
        "<b x='" * 5_000, "<div a=1 " * 3_000, "&" * 30_000, f"&#{'9' * 30_000};", "</" * 15_000,
        "<script>" * 4_000, "<blockquote>" * 900 + "x", "<ul><li>" * 400 + "x",
        f"<a {'x ' * 9000}>",
    ],
)  # fmt: skip
def test_hostile_html_costs_at_most_its_formatting(html: str) -> None:
    read(html, Safe("the body"))


def steps(act: Callable[[], object]) -> int:
    """How many functions are called."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


CODE = '<pre><code class="language-python">'
WORST = (
    "<b>x</b>", "<h1>http://a.b</h1>", "<ul><li>x", "<ol><li>x</li>", "<tr><td>x<td>y", "<!--x-->",
    '<a href="https://a.b">x</a>', '<a href="https://\u0430\u0431.x">x</a>', "<sup>1</sup>",
    '<a href="https://matrix.to/#/@b:x">B</a>', '<span data-mx-spoiler="why">x</span>', "<br>",
    f"{CODE}if 1: x</code></pre>", '<img alt="x">', "<i>https://.</i>", "<blockquote>x",
    "http://a.b ", "https://. ", "@a:b.c ", "&a", "&#x202e;", "\x01", "\u202e", "a\u0301" * 9,
    "\u200d",
)  # fmt: skip


@pytest.mark.parametrize("piece", WORST)
@pytest.mark.parametrize("before", ["", CODE, "<ul><li>" * 6])
def test_worst_that_fits_into_a_message_takes_less_than_a_frame(before: str, piece: str) -> None:
    tags, most = piece.count("<"), LONGEST // len(piece) - 100
    if tags:
        most = min(most, (MOST_TAGS - before.count("<")) // tags)
    html = before + piece * most
    assert steps(lambda: parse(html)) < 40_000


def test_what_comes_after_a_hundred_links_stays_as_text() -> None:
    html = '<a href="https://a.example">https://a.example</a> ' * 60 + "https://b.example " * 60
    document = parse(html)
    assert document is not None
    assert sum(bool(span.target) for block in document for span in block.spans) == 100
    assert document[0].text.count("https://b.example") == 60


def test_what_comes_after_two_thousand_words_of_code_has_no_colours() -> None:
    spans = read_html(f"{CODE}{'if ' * 3000}</code></pre>")[0].spans
    assert sum(span.look is Look.KEYWORD for span in spans) == MOST_COLOURED
    assert "".join(span.text for span in spans).count("if") == 3000


def test_what_is_too_big_or_no_html_is_shown_as_its_body() -> None:
    for html in ("x" * (LONGEST + 1), "<br>" * (MOST_TAGS + 1), "<b x", "a <b c", "</b ' >"):
        assert read(html, Safe("the body")) is None


def test_html_without_text_is_shown_as_its_body() -> None:
    for html in ("", "<p></p>", "<img>", "<script>x</script>", "<hr>", " <b> </b>&#8203;"):
        assert read(html, Safe("the body")) is None


def test_text_below_too_many_open_tags_stays() -> None:
    assert shown("<b>" * (DEEPEST * 2) + "deep") == ["deep"]
    edges = shown("<blockquote>" * 50 + "deep")[0]
    assert edges.endswith("deep")
    assert len(edges) < 20


# -- spans ------------------------------------------------------------------------------------


def test_styles_add_up() -> None:
    assert looks("a <b>b<i>c</i></b><u>d</u><del>e</del><s>f</s><code>g</code>") == [
        ("a ", Look.PLAIN),
        ("b", Look.BOLD),
        ("c", Look.BOLD | Look.ITALIC),
        ("d", Look.UNDERLINE),
        ("ef", Look.STRIKE),
        ("g", Look.CODE),
    ]


def test_unclosed_and_crossed_tags_end_where_their_parents_do() -> None:
    assert looks("<p><b>a</p><p>b</p>") == [("a", Look.BOLD), ("b", Look.PLAIN)]
    assert looks("<b>a<i>b</b>c</i>d") == [
        ("a", Look.BOLD),
        ("b", Look.BOLD | Look.ITALIC),
        ("cd", Look.PLAIN),
    ]


def test_colours_and_unknown_tags_leave_plain_text() -> None:
    html = '<font color="red">a</font><span data-mx-bg-color="#000">b</span><blink>c</blink>'
    assert looks(html) == [("abc", Look.PLAIN)]


def test_scripts_styles_and_quoted_replies_are_left_out() -> None:
    html = "a<script>alert(1)</script><STYLE>p{}</STYLE ><mx-reply><p>old</p></mx-reply>b<!-- c -->"
    assert shown(html) == ["ab"]


def test_control_characters_as_entities_are_made_visible_or_left_out() -> None:
    assert shown("a&#27;[31m&#x202e;b&#0;c&#x9b;d&#x85;") == ["a[31mb\ufffdc\u203ad\u2026"]


def test_pictures_are_their_alternative_text() -> None:
    assert shown('I <img src="mxc://x/y" alt=":heart:" height="32"> you') == ["I :heart: you"]
    assert shown('<img title="a cat">') == ["a cat"]


def test_small_numbers_above_and_below_the_line() -> None:
    assert shown("x<sup>2</sup> H<sub>2</sub>O e<sup>kx</sup>") == ["x\xb2 H\u2082O ekx"]


# -- links ------------------------------------------------------------------------------------


def test_a_link_shows_where_it_leads_unless_its_text_does() -> None:
    assert shown('<a href="https://evil.example/x">https://bank.example</a>') == [
        "https://bank.example (evil.example)"
    ]
    assert shown('<a href="https://evil.example/x">see <b>here</b></a>!') == [
        "see here (evil.example)!"
    ]
    assert shown('<a href="https://a.example">https://a.example</a>') == ["https://a.example"]
    assert shown('<a href="mailto:bob@a.example">mail</a>') == ["mail (bob@a.example)"]
    assert shown('<a href="https://\u0430pple.com">\u0430pple.com</a>') == [
        "\u0430pple.com (xn--pple-43d.com)"
    ]


def test_a_link_over_several_blocks_says_it_in_each() -> None:
    html = '<a href="https://evil.example"><p>bank</p><p>.example</p></a>'
    assert shown(html) == ["bank (evil.example)", "", ".example (evil.example)"]


def test_links_are_not_inside_of_one_another() -> None:
    html = '<a href="https://a.example">a<a href="https://b.example">b</a></a>'
    assert shown(html) == ["a (a.example)b (b.example)"]
    assert targets(parse(html)) == ("https://a.example", "https://b.example")


def test_a_link_that_may_not_be_opened_is_text() -> None:
    assert looks('<a href="javascript:alert(1)">click</a>') == [("click", Look.PLAIN)]
    assert looks("<a>click</a>") == [("click", Look.PLAIN)]


def test_urls_in_plain_text_are_links() -> None:
    document = read("", Safe("look: https://a.example/x."))
    assert targets(document) == ("https://a.example/x",)
    assert document is not None
    assert [span.text for span in document[0].spans] == ["look: ", "https://a.example/x", "."]
    assert read("", Safe("12:30, nothing else")) is None


def test_a_person_is_named_and_their_true_id_told_where_the_text_has_another() -> None:
    html = '<a href="https://matrix.to/#/@bob:x.org">{}</a>'
    assert looks(html.format("Bob")) == [("@Bob", Look.MENTION)]
    assert looks(html.format("@bob:x.org")) == [("@bob:x.org", Look.MENTION)]
    assert looks(html.format("@eve:x.org")) == [("@eve:x.org (@bob:x.org)", Look.MENTION)]
    assert looks(html.format("eve:x.org")) == [("@eve:x.org (@bob:x.org)", Look.MENTION)]
    assert mentions(parse(html.format("Bob"))) == {"@bob:x.org"}


def test_a_link_to_a_room_is_an_ordinary_link() -> None:
    assert shown('<a href="https://matrix.to/#/#room:x.org">the room</a>') == [
        "the room (matrix.to)"
    ]


# -- blocks -----------------------------------------------------------------------------------


def test_paragraphs_stand_apart_and_breaks_do_not() -> None:
    assert shown("<p>a<br>b</p>\n<p>c</p>") == ["a", "b", "", "c"]


def test_white_space_counts_as_one_space() -> None:
    assert shown("<p>\n a \n  b\t</p>") == ["a b"]


def test_lists_have_bullets_numbers_and_a_hanging_indent() -> None:
    html = """
      <ul><li>one</li><li>two<br>more
        <ol start="9"><li><p>nine</p></li><li>ten</li></ol>
      </li></ul>
    """
    assert shown(html) == [
        "\u2022 one",
        "\u2022 two",
        "  more",
        "  9. nine",
        "  10. ten",
    ]


def test_items_left_open_end_where_the_next_begins() -> None:
    assert shown("<ul><li>a<li>b</ul>c") == ["\u2022 a", "\u2022 b", "c"]


@pytest.mark.parametrize("start", ["x", "-1", "9" * 40, "\u0663", ""])
def test_a_list_with_a_strange_number_begins_at_one(start: str) -> None:
    assert shown(f'<ol start="{start}"><li>a</ol>') == ["1. a"]


def test_quotes_have_bars() -> None:
    html = "<blockquote><p>a</p><p>b</p><blockquote>c</blockquote></blockquote>d"
    assert shown(html) == ["\u2502 a", "\u2502 ", "\u2502 b", "\u2502 \u2502 c", "d"]


def test_code_keeps_its_spaces_and_is_coloured_by_its_language() -> None:
    html = '<pre><code class="language-python">def f():\n    return  1\n</code></pre>after'
    code, after = read_html(html)
    assert code.form is Form.CODE
    assert code.text == "def f():\n    return  1"
    assert code.spans[0] == ("def", Look.KEYWORD, "")
    assert (after.form, after.text) == (Form.TEXT, "after")


def test_headings_and_rules_are_told_apart() -> None:
    blocks = read_html("<h1>a</h1><hr><p>b</p>")
    assert [block.form for block in blocks] == [Form.HEADING, Form.RULE, Form.TEXT]


def test_a_table_is_a_line_for_each_row() -> None:
    html = """<table><thead><tr><th>a</th><th>b</th></tr></thead>
      <tbody><tr><td>1</td><td><p>2</p><p>3</p></td></tr></tbody></table>"""
    assert shown(html) == ["a \u2502 b", "1 \u2502 2 3"]


# -- spoilers ---------------------------------------------------------------------------------


def test_a_spoiler_is_hidden_with_all_that_it_has_but_its_reason() -> None:
    html = (
        '<span data-mx-spoiler="the end">he <b>dies</b> <a href="https://a.example">see</a></span>.'
    )
    assert looks(html) == [
        ("(the end) ", Look.PLAIN),
        ("he ", Look.SPOILER),
        ("dies", Look.SPOILER | Look.BOLD),
        (" ", Look.SPOILER),
        ("see", Look.SPOILER | Look.LINK),
        (" (a.example)", Look.SPOILER | Look.HOST),
        (".", Look.PLAIN),
    ]
    assert has_spoiler(parse(html))
    assert not has_spoiler(parse("<span>a</span>"))
    assert not has_spoiler(None)


def test_a_spoiler_stays_hidden_in_passing() -> None:
    html = "<p>he <span data-mx-spoiler>really dies</span></p><p>sad</p>"
    assert (
        in_passing(Safe("he ||really dies||\n\nsad"), html)
        == "he \u2588\u2588\u2588\u2588\u2588\nsad"
    )
    assert in_passing(Safe("**b**"), "<b>b</b>") == "**b**"
    assert in_passing(Safe("body"), "<b data-mx-spoiler") == "body"


def test_url_in_formatted_text_is_a_link_but_not_in_code() -> None:
    html = "see <b>https://a.example/x</b>, not <code>https://b.example</code>"
    document = parse(html)
    assert document is not None
    assert targets(document) == ("https://a.example/x",)
    (link,) = (span for block in document for span in block.spans if span.target)
    assert link.look == Look.BOLD | Look.LINK
