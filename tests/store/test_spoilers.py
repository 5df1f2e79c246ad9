"""What a spoiler hides is not told in passing: in the list, in a notification, in a quotation."""

from __future__ import annotations

from dmtui.core.events import Line
from dmtui.core.model import EventId, Kind, Safe
from dmtui.store.store import Store
from tests.store.conftest import BOB, event, first_sync, line, news

ENDING = Line(Kind.TEXT, Safe("he dies"), "he <span data-mx-spoiler>dies</span>")
ANSWER = Line(Kind.TEXT, Safe("no!"), reply_to=EventId("$ending"))
VEILED = "he \u2588\u2588\u2588\u2588\u2588"


def test_a_spoiler_stays_hidden_in_the_list_and_in_notifications(store: Store) -> None:
    store.apply(first_sync(line("before", 1)))
    store.apply(news(event("ending", 2, ENDING)))
    assert store.people()[0].preview == VEILED
    assert [arrival.body for arrival in store.told.news().arrivals] == [VEILED]


def test_a_spoiler_stays_hidden_where_it_is_quoted(store: Store) -> None:
    store.apply(first_sync(event("ending", 1, ENDING), event("answer", 2, ANSWER)))
    ending, answer = store.messages(BOB, None, 10).messages
    assert (ending.body, ending.formatted) == ("he dies", ENDING.formatted)
    assert answer.quote is not None
    assert answer.quote.body == VEILED
