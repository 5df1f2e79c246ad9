from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.errors import UnclearSearch
from dmtui.core.search import Query, Term, excerpt, fits, parse, spans

NOW = int(datetime(2026, 11, 16, 12, tzinfo=UTC).timestamp() * 1000)
DAY = 24 * 3_600_000
MIDNIGHT = NOW - DAY // 2


def asked(text: str) -> Query:
    return parse(text, NOW, UTC)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("   ", ()),
        ("Hello", (Term(("hello",), True),)),
        ("one two", (Term(("one",)), Term(("two",), True))),
        ('"One  two" three', (Term(("one", "two")), Term(("three",), True))),
        ('three "one two"', (Term(("three",)), Term(("one", "two")))),
        ('"one tw', (Term(("one", "tw"), True),)),
        ("crème-brûlée", (Term(("creme", "brulee"), True),)),
        ("don't", (Term(("don", "t")),)),
        ("a", (Term(("a",)),)),
        ("é", (Term(("e",)),)),
        ("猫", (Term(("猫",), True),)),
        ("hello !", (Term(("hello",), True),)),
        ("NEAR(a b*)", (Term(("near", "a")), Term(("b",)))),
        ("https://example.org/", (Term(("https", "example", "org"), True),)),
        ("unknown:filter", (Term(("unknown", "filter"), True),)),
    ],
)
def test_words_and_phrases_are_read(text: str, terms: tuple[Term, ...]) -> None:
    assert asked(text) == Query(terms)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("from:me", Query(sender="me")),
        ("FROM:@bob:example.org", Query(sender="@bob:example.org")),
        ('from:"Bob B" in:carol', Query(sender="Bob B", person="carol")),
        ("has:file has:Link", Query(file=True, link=True)),
        ("after:2026-11-01", Query(since=MIDNIGHT - 15 * DAY)),
        ("before:yesterday", Query(until=MIDNIGHT - DAY)),
        ("on:7d", Query(since=MIDNIGHT - 7 * DAY, until=MIDNIGHT - 6 * DAY)),
        ("on:today", Query(since=MIDNIGHT, until=MIDNIGHT + DAY)),
        ("after:3d before:1d", Query(since=MIDNIGHT - 3 * DAY, until=MIDNIGHT - DAY)),
    ],
)
def test_filters_are_read(text: str, query: Query) -> None:
    assert asked(text) == query


def test_days_begin_at_midnight_of_the_zone() -> None:
    zone = timezone(timedelta(hours=13))
    assert parse("on:today", NOW, zone).since == MIDNIGHT + 11 * 3_600_000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("from:", "After from: comes a name, a user ID, or me."),
        ('in:""', "After in: comes a name or a user ID."),
        ("has:", "After has: comes file or link."),
        ("has:money", "After has: comes file or link."),
        ("!!!", "There is no word in that to look for."),
        ('""', "There is no word in that to look for."),
        *(
            (f"on:{day}", "After on: comes a day like 2026-11-16, today, yesterday or 7d.")
            for day in (
                "",
                "2026",
                "2026-13-01",
                "20261116",
                "0001-01-01",
                "9999-12-31",
                "x",
                "-1d",
            )
        ),
    ],
)
def test_what_can_t_be_made_out_is_told_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(UnclearSearch) as told:
        asked(text)
    assert str(told.value) == reason


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_whatever_is_typed_only_letters_and_digits_are_looked_for(text: str) -> None:
    query = Query()
    with contextlib.suppress(UnclearSearch):
        query = asked(text)
    assert all(word and word.isalnum() for term in query.terms for word in term.words)


def test_hits_are_found_in_a_text_whatever_case_and_accents_it_has() -> None:
    text = "Le Café, le CAFÉS: cafe\u0301!"
    assert [text[a:b] for a, b in spans(text, asked("cafe"))] == ["Café", "CAFÉS", "cafe\u0301"]
    assert [text[a:b] for a, b in spans(text, asked('"le cafe"'))] == ["Le Café"]


def test_a_text_fits_when_all_of_it_is_there() -> None:
    assert fits("see you at the hotel", asked("you hot"))
    assert not fits("see you at the hotel", asked("hot you"))
    assert not fits("see you", asked("you hotel"))


def test_an_excerpt_is_one_line_with_its_hit_in_view() -> None:
    text = "word " * 100 + "\n\nneedle and more"
    shown = excerpt(text, asked("needle"), 20)
    assert shown.startswith("…word")
    assert "needle and more" in shown
    assert len(shown) < 50
    assert excerpt("a needle\nhere", asked("needle"), 20) == "a needle here"
    assert excerpt("x" * 500 + "-needle", asked("needle"), 20).endswith("x-needle")
