from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.formatted import parse
from dmtui.core.model import Safe, UserId
from dmtui.messenger.markdown import LONGEST, formatted

BOB = UserId("@bob:example.org")
PEOPLE = {BOB: Safe("Bob"), UserId("@b2:example.org"): Safe("Bob Two")}


@pytest.mark.parametrize(
    ("typed", "html"),
    [
        ("so *it*, **b**, ~~s~~ and `c <d>`",
         "so <em>it</em>, <strong>b</strong>, <del>s</del> and <code>c &lt;d&gt;</code>"),
        ("a **b**\nc", "a <strong>b</strong><br />\nc"),
        ("# Head", "<h1>Head</h1>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("> q\n\nr", "<blockquote>\n<p>q</p>\n</blockquote>\n<p>r</p>"),
        ("```python\nx < 1\n```", '<pre><code class="language-python">x &lt; 1\n</code></pre>'),
        ("[here](https://a.example)", '<a href="https://a.example">here</a>'),
        ("<https://a.example>", '<a href="https://a.example">https://a.example</a>'),
        ("the end: ||he **dies**||!",
         'the end: <span data-mx-spoiler="">he <strong>dies</strong></span>!'),
        ("`||` and ||x||", '<code>||</code> and <span data-mx-spoiler="">x</span>'),
    ],
)  # fmt: skip
def test_markdown_becomes_the_html_that_matrix_names(typed: str, html: str) -> None:
    assert formatted(typed) == html


@pytest.mark.parametrize(
    "typed",
    [
        "", "hello", "two\n\nparagraphs", "2 * 3 * 4", "snake_case_name", "a || b || c", "||", "-1",
        "https://a.example/a_b_c~d#e", "mail bob@a.example", "#channel", "a -> b", "1.5",
        "x < y > z",
        "<b>no HTML</b>", "&amp; is typed", "text\n---=", "    indented", "@nobody", "@", "~ 5",
        "[x] done", "[a]: https://a.example", "![", "a\n====",
    ],
)  # fmt: skip
def test_text_without_formatting_is_sent_as_it_is(typed: str) -> None:
    assert formatted(typed) == ""


def test_a_backslash_takes_the_meaning_of_a_sign() -> None:
    assert formatted(r"\*not\* \||this\||") == "*not* ||this||"
    assert formatted(r"C:\Users") == ""


def test_typed_html_stays_text() -> None:
    html = formatted("**b** <script>alert(1)</script> <img src=x>")
    assert "<script" not in html
    assert "<img" not in html


def test_links_that_nobody_should_open_stay_text() -> None:
    for url in ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "/x"):
        assert "<a" not in formatted(f"**b** [x]({url})")


def test_people_are_mentioned_by_their_id_or_their_name_as_it_was_typed() -> None:
    bob = '<a href="https://matrix.to/#/@bob:example.org">{}</a>'
    assert formatted("ask @bob:example.org.", PEOPLE) == f"ask {bob.format(BOB)}."
    assert formatted("ask @bob, please", PEOPLE) == f"ask {bob.format('bob')}, please"
    assert formatted("@Bobby and me@Bob.example", PEOPLE) == ""
    assert "@b2:example.org" in formatted("@Bob Two", PEOPLE)
    stranger = '<a href="https://matrix.to/#/@x:y.org">@x:y.org</a>'
    assert formatted("@x:y.org") == stranger
    assert formatted("`@x:y.org`") == "<code>@x:y.org</code>"


def test_an_odd_user_id_is_quoted_in_its_link() -> None:
    assert 'href="https://matrix.to/#/@a%2Fb%3F:y.org"' in formatted("@a/b?:y.org")


def test_what_is_very_long_is_sent_as_it_is() -> None:
    assert formatted("**b** " * LONGEST) == ""


SIGNS = [*"ab *_`~|\\[]()<>#-\n@:&!", "1. ", "x:y", "||", "```"]


@given(st.lists(st.sampled_from(SIGNS)).map("".join))
def test_whatever_is_typed_becomes_html_that_can_be_read(typed: str) -> None:
    html = formatted(typed)
    assert not html or parse(html) is not None
