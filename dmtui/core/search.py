"""What is searched for: the words, phrases and filters that a user types, and where they hit."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo

from dmtui.core.errors import UnclearSearch
from dmtui.core.model import Message, Milliseconds, Safe, UserId
from dmtui.core.times import local_time

_PART = re.compile(
    r'(?:(?P<filter>from|in|has|before|after|on):)?(?:"(?P<phrase>[^"]*)(?P<end>"?)|(?P<word>\S*))',
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\W_](?:[^\W_]|[\u0300-\u036f])*")
_DAYS_AGO = re.compile(r"(\d{1,4})d")
_AFTER = {
    "from": "After from: comes a name, a user ID, or me.",
    "in": "After in: comes a name or a user ID.",
    "has": "After has: comes file or link.",
}


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow each other, folded; with ``prefix`` the last one may go on."""

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """All of it must fit. ``sender`` and ``person`` are as typed; ``since`` ≤ time < ``until``."""

    terms: tuple[Term, ...] = ()
    sender: str = ""
    person: str = ""
    file: bool = False
    link: bool = False
    since: Milliseconds | None = None
    until: Milliseconds | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that fits, and whose conversation it is in; ``name`` is that person's."""

    person: UserId
    name: Safe
    message: Message


@dataclass(frozen=True, slots=True)
class Hits:
    """A page of hits, newest first; ``rest`` asks for the next one, ``None`` at the end."""

    hits: tuple[Hit, ...]
    rest: int | None = None


def parse(text: str, now: Milliseconds, zone: tzinfo) -> Query:
    """Words, ``"phrases"`` and ``from: in: has: before: after: on:``; ``UnclearSearch`` says why.

    The last word may be the beginning of one, unless it is a single letter.
    """
    query, typed = Query(), False
    today = local_time(now, zone).date()
    parts = [part for part in _PART.finditer(text) if part.group()]
    for part in parts:
        name, value = (part["filter"] or "").lower(), part["phrase"] or part["word"] or ""
        if name:
            query = _filtered(query, name, value.strip(), today, zone)
            continue
        typed = True
        words = tuple(word for _, _, word in tokens(value))
        goes_on = part["word"] is not None or not part["end"]
        if words:
            query = replace(query, terms=(*query.terms, Term(words, goes_on)))
    if typed and not query.terms:
        raise UnclearSearch("There is no word in that to look for.")
    return replace(query, terms=_last_goes_on(query.terms))


def _last_goes_on(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Only the last term is still being typed; a single letter would begin half of all words."""
    whole = tuple(replace(term, prefix=False) for term in terms[:-1])
    if not terms:
        return whole
    last = terms[-1]
    letter = len(last.words[-1]) == 1 and last.words[-1].isascii()
    return (*whole, replace(last, prefix=last.prefix and not letter))


def _filtered(query: Query, name: str, value: str, today: date, zone: tzinfo) -> Query:
    if not value and name in _AFTER:
        raise UnclearSearch(_AFTER[name])
    match name, value.lower():
        case "from", _:
            return replace(query, sender=value)
        case "in", _:
            return replace(query, person=value)
        case "has", "file":
            return replace(query, file=True)
        case "has", "link":
            return replace(query, link=True)
        case "has", _:
            raise UnclearSearch(_AFTER["has"])
    day = _day(name, value.lower(), today)
    begin, end = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
    since, until = query.since, query.until
    if name in ("after", "on"):
        since = begin if since is None else max(since, begin)
    if name in ("before", "on"):
        limit = begin if name == "before" else end
        until = limit if until is None else min(until, limit)
    return replace(query, since=since, until=until)


def _day(name: str, value: str, today: date) -> date:
    ago = {"today": 0, "yesterday": 1}.get(value)
    if (days := _DAYS_AGO.fullmatch(value)) is not None:
        ago = int(days[1])
    if ago is not None:
        return today - timedelta(days=ago)
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = date.max
    if len(value) != len("2026-11-16") or not 1970 <= day.year < 9998:
        example = "a day like 2026-11-16, today, yesterday or 7d"
        raise UnclearSearch(f"After {name}: comes {example}.") from None
    return day


def _midnight(day: date, zone: tzinfo) -> Milliseconds:
    return int(datetime.combine(day, time(), zone).timestamp() * 1000)


# -- text -------------------------------------------------------------------------------------


def fold(text: str) -> str:
    """Without case and accents."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFD", text)
    bare = "".join(c for c in apart if unicodedata.category(c) != "Mn")
    return unicodedata.normalize("NFC", bare).lower().replace("ς", "σ")


def tokens(text: str) -> Iterator[tuple[int, int, str]]:
    """The words of a text: where each begins and ends, and the word folded."""
    for found in _TOKEN.finditer(text):
        yield found.start(), found.end(), fold(found.group())


def spans(text: str, query: Query) -> tuple[tuple[int, int], ...]:
    """Where the query's words and phrases stand in the text, in order, as far as they do."""
    words = list(tokens(text))
    found = {
        (words[index][0], words[index + len(term.words) - 1][1])
        for term in query.terms
        for index in range(len(words) - len(term.words) + 1)
        if _begins(term, [word for _, _, word in words[index : index + len(term.words)]])
    }
    return tuple(sorted(found))


def fits(text: str, query: Query) -> bool:
    """Whether all the query's words and phrases stand in the text."""
    return all(spans(text, Query((term,))) for term in query.terms)


def _begins(term: Term, words: list[str]) -> bool:
    *first, last = term.words
    end = words[-1]
    return words[:-1] == first and (end.startswith(last) if term.prefix else end == last)


def excerpt(text: str, query: Query, lead: int) -> str:
    """The text in one line, begun at most about ``lead`` characters before its first hit."""
    line = " ".join(text.split())
    hits = spans(line, query)
    if not hits or hits[0][0] <= lead:
        return line
    start = line.rfind(" ", 0, hits[0][0] - lead + 1) + 1
    start = max(start, hits[0][0] - 2 * lead)
    return f"…{line[start:]}" if start > 0 else line
