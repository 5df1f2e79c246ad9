from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.links import find, host, says_where, target

TEXTS = st.text(st.one_of(st.characters(exclude_categories=()), st.sampled_from("htps:/@.[]()%")))


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        (" HTTPS://Example.ORG:8448/A ", "https://example.org:8448/A"),
        ("mailto:bob@example.org", "mailto:bob@example.org"),
        ("matrix:u/bob:example.org", "matrix:u/bob:example.org"),
        ("https://[::1]:8008/x", "https://[::1]:8008/x"),
        ("https://\u0430pple.com/\xfc", "https://xn--pple-43d.com/%C3%BC"),
        ("https://m\xfcnchen.example", "https://xn--mnchen-3ya.example"),
        ("https://a.example\\@b.example/", "https://a.example%5C@b.example/"),
    ],
)
def test_a_link_leads_to_a_url_of_ascii_alone(href: str, url: str) -> None:
    assert target(href) == url


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://example.org",
        "https://", "https:///x", "https:example.org", "//example.org", "/x", "x", "", "#",
        "https://exa mple.org", "https://example.org/\x1b]0;x", "https://example.org/\u202egro",
        "https://example.org:port/", "https://[::1", "mailto:", "--help", "-x", "vbscript:x",
        "https://example.org/" + "a" * 3000, "https://" + "\xfc" * 80 + ".org/", "https://a b/",
    ],
)  # fmt: skip
def test_what_a_browser_should_not_get_is_no_link(href: str) -> None:
    assert target(href) == ""


@given(TEXTS)
def test_a_target_is_ascii_without_spaces_and_stays_what_it_is(href: str) -> None:
    url = target(href)
    assert url.isascii()
    assert not any(c.isspace() or not c.isprintable() for c in url)
    if url:
        assert target(url) == url
        assert urlsplit(url).scheme in ("http", "https", "mailto", "matrix")
        assert host(url)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.org", "https://example.org/"),
        ("example.org/a", "https://example.org/a"),
        ("HTTPS://Example.org", "https://example.org"),
        ("https://example.org/\xfc", "https://example.org/%C3%BC"),
        ("bob@example.org", "mailto:bob@example.org"),
        ("matrix:u/bob:example.org", "matrix:u/bob:example.org"),
    ],
)
def test_a_text_that_is_the_url_says_where_the_link_leads(text: str, url: str) -> None:
    assert says_where(text, url)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("here", "https://example.org"),
        ("https://bank.example", "https://evil.example"),
        ("https://bank.example", "https://bank.example.evil.example"),
        ("http://example.org", "https://example.org"),
        ("https://\u0430pple.com", "https://xn--pple-43d.com"),
        ("https://bank.example@evil.example/", "https://bank.example@evil.example/"),
        ("", "https://example.org"),
    ],
)
def test_any_other_text_does_not(text: str, url: str) -> None:
    assert not says_where(text, url)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://a.example/x.", ["https://a.example/x"]),
        ("(https://a.example/b_(c))", ["https://a.example/b_(c)"]),
        ("<http://a.example>, http://b.example!", ["http://a.example", "http://b.example"]),
        ("mailto:bob@a.example?", ["mailto:bob@a.example"]),
        ("\u201chttps://a.example\u2026\u201d", ["https://a.example"]),
        ("**https://a.example**", ["https://a.example"]),
        ("https:// and javascript:alert(1) and a.example", []),
        ("xhttps://a.example", []),
        ("https://a.example" + ")" * 60_000, []),
        ("https://a.example " * 5_000, ["https://a.example"] * 100),
    ],
)
def test_urls_in_plain_text_are_found_without_what_stands_around_them(
    text: str, found: list[str]
) -> None:
    assert [text[start:end] for start, end, url in find(text) if url] == found


@given(TEXTS)
def test_found_urls_stand_in_the_text_one_after_the_other(text: str) -> None:
    done = 0
    for start, end, url in find(text):
        assert done <= start <= end <= len(text)
        assert target(text[start:end]) == url
        done = end


def test_host_longer_than_any_is_no_link() -> None:
    assert target("https://" + "\u00e4." * 1000 + "example") == ""
    assert list(find(f"https://a.example/{')' * 2000}")) == [(0, 18, "https://a.example/")]
    assert [url for *_, url in find("(https://a.example/b_(c))")] == ["https://a.example/b_(c)"]
