from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dmtui.core.errors import UnclearSearch
from dmtui.core.events import Redaction, RoomUpdate, TimelineEvent
from dmtui.core.intents import ForgetRoom, Outcome
from dmtui.core.model import EventId, Kind, Message, RoomId, TransactionId, UserId
from dmtui.core.search import fits, parse, tokens
from dmtui.store import schema
from dmtui.store.store import Store
from tests.fakes import said
from tests.store.conftest import (
    BOB,
    CAROL,
    ME,
    OTHER,
    ROOM,
    T0,
    batch,
    edit,
    event,
    first_sync,
    history,
    line,
    members,
    news,
    secret,
)

WORDS = ("anna", "Änne", "an", "hotel", "hôtel", "x1")
DAY = 24 * 3600


def found(store: Store, text: str, user_id: UserId = BOB) -> list[str]:
    """The texts of the hits in the conversation, newest first."""
    query = parse(text, T0 + 30 * DAY * 1000, UTC)
    shown = {m.key: m.body for m in scanned(store, user_id)}
    return [shown[key] for key in store.search.find(user_id, query)]


def everywhere(store: Store, text: str) -> list[str]:
    query = parse(text, T0 + 30 * DAY * 1000, UTC)
    return [hit.message.body for hit in store.search.everywhere(query, None, 100).hits]


def scanned(store: Store, user_id: UserId = BOB) -> tuple[Message, ...]:
    return store.messages(user_id, None, 1000, across=True).messages


def catch_up(store: Store) -> None:
    while store.search.catch_up():
        pass


def redact(name: str, target: str, at: int = 99) -> RoomUpdate:
    return RoomUpdate(ROOM, timeline=(event(name, at, Redaction(EventId(f"${target}"))),))


def test_all_words_must_stand_in_a_message_the_last_one_may_go_on(store: Store) -> None:
    store.apply(first_sync(line("a", 1, body="The Hotel is full"), line("b", 2, body="full house")))
    assert found(store, "full") == ["full house", "The Hotel is full"]
    assert found(store, "full hot") == ["The Hotel is full"]
    assert found(store, "hot full") == []


def test_accents_and_case_make_no_difference(store: Store) -> None:
    store.apply(first_sync(line("a", 1, body="CAFÉ crème"), line("b", 2, body="cafe creme")))
    assert len(found(store, "Cafe CRÈME")) == 2


def test_phrases_stand_word_by_word(store: Store) -> None:
    store.apply(first_sync(line("a", 1, body="see you soon"), line("b", 2, body="you see soon")))
    assert found(store, '"see you"') == ["see you soon"]


@pytest.mark.parametrize(
    "text",
    ['"', '""', "*", "NEAR(a b)", "a OR b", "body:a", "-a", "^a", "a*", "{a}", "(", "'", "+"],
)
def test_what_steers_the_index_is_only_text_when_it_is_typed(store: Store, text: str) -> None:
    store.apply(first_sync(line("a", 1, body="a"), line("b", 2, body="b")))
    with contextlib.suppress(UnclearSearch):
        assert found(store, text) in ([], ["a"])


def test_senders_files_links_and_days_narrow_it(store: Store) -> None:
    store.apply(
        first_sync(
            line("a", 1, body="hello"),
            line("b", DAY, sender=ME, body="hello https://example.org/"),
            line("c", 2 * DAY, body="hello.pdf", kind=Kind.ATTACHMENT),
        )
    )
    assert found(store, "hello from:me") == ["hello https://example.org/"]
    assert found(store, "from:@bob:test") == ["hello.pdf", "hello"]
    assert found(store, "from:bo") == ["hello.pdf", "hello"]
    assert found(store, "has:file") == ["hello.pdf"]
    assert found(store, "has:link") == ["hello https://example.org/"]
    assert found(store, "hello before:2023-11-15") == ["hello"]  # T0 is the 14th
    assert found(store, "hello on:2023-11-15") == ["hello https://example.org/"]
    assert found(store, "hello after:2023-11-16") == ["hello.pdf"]


def test_everywhere_finds_every_person_and_one_alone(store: Store) -> None:
    store.apply(first_sync(line("a", 1, body="hello from bob")))
    carol = RoomUpdate(
        OTHER,
        initial=True,
        timeline=(line("b", 2, CAROL, "hello from carol"),),
        members=members(CAROL),
    )
    store.apply(batch(carol, direct={BOB: [ROOM], CAROL: [OTHER]}))
    assert everywhere(store, "hello") == ["hello from carol", "hello from bob"]
    assert everywhere(store, "hello in:bob") == ["hello from bob"]
    assert everywhere(store, "hello in:@carol:test") == ["hello from carol"]
    with pytest.raises(UnclearSearch, match="Nobody here is called zoe"):
        everywhere(store, "hello in:zoe")
    with pytest.raises(UnclearSearch, match="Nobody here is called zoe"):
        everywhere(store, "hello from:zoe")
    with pytest.raises(UnclearSearch, match="Add a word"):
        everywhere(store, "on:today")


def test_hits_come_in_pages_by_time_whenever_they_came_in(store: Store) -> None:
    store.apply(first_sync(*(line(f"n{n}", 100 + n, body=f"hello {n}") for n in range(10))))
    gap = store.gap_before(BOB, None)
    assert gap is not None
    old = (line(f"o{n}", n, body=f"hello old {n}") for n in range(10))
    store.apply_history(gap, history(*old))
    query = parse("hello", T0, UTC)
    shown, rest = [], None
    while True:
        page = store.search.everywhere(query, rest, 3)
        shown += [hit.message.body for hit in page.hits]
        rest = page.rest
        if rest is None:
            break
    newest = [f"hello {n}" for n in reversed(range(10))]
    assert shown == newest + [f"hello old {n}" for n in reversed(range(10))]


def test_rooms_with_the_same_times_don_t_hide_each_other(store: Store) -> None:
    rooms = [RoomId(f"!r{n:03}") for n in range(600)]  # more than there are lanes
    updates = (
        RoomUpdate(room, initial=True, timeline=(line(f"e{n}", 7, body=f"hello {n}"),),
                   members=members(BOB))
        for n, room in enumerate(rooms)
    )  # fmt: skip
    store.apply(batch(*updates, direct={BOB: rooms}))
    assert sorted(found(store, "hello")) == sorted(f"hello {n}" for n in range(600))


def test_hits_everywhere_go_by_the_time_they_show(store: Store) -> None:
    store.apply(first_sync(line("late", 500, body="hello first"), line("b", 2, body="hello then")))
    assert found(store, "hello") == ["hello then", "hello first"]
    assert everywhere(store, "hello") == ["hello first", "hello then"]


def test_many_messages_of_the_same_moment_are_all_found(store: Store) -> None:
    store.apply(first_sync(*(line(f"n{n}", 7, body=f"hello {n}") for n in range(300))))
    assert found(store, "hello") == [f"hello {n}" for n in reversed(range(300))]


def test_an_edit_is_found_by_what_it_says_now(store: Store) -> None:
    store.apply(first_sync(line("a", 1, body="helo")))
    store.apply(news(edit("e", 2, "a", "hello")))
    assert found(store, "helo") == []
    assert found(store, "hello") == ["hello"]
    store.apply(batch(redact("r", "e")))
    assert found(store, "helo") == ["helo"]


def test_what_is_decrypted_later_is_found_then(store: Store) -> None:
    store.apply(first_sync(secret("a", 1, "session")))
    assert found(store, "hello") == []
    store.apply_decrypted(ROOM, [line("a", 1, body="hello")])
    assert found(store, "hello") == ["hello"]


def words_on_disk(path: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, search, col)")
        rows = connection.execute("SELECT term FROM temp.words WHERE col = 'body'")
        return {term for (term,) in rows}


def test_a_deleted_message_leaves_neither_index_nor_disk(path: Path) -> None:
    store = Store.open(path, ME)
    store.apply(first_sync(line("a", 1, body="xyzzyplugh"), line("b", 2, body="stays")))
    for n in range(20):
        store.apply(news(line(f"more{n}", 3 + n, body=f"more {n}")))
    store.apply(batch(redact("r", "a")))
    assert found(store, "xyzzyplugh") == []
    catch_up(store)
    store.close()
    assert "stays" in words_on_disk(path)
    assert "xyzzyplugh" not in words_on_disk(path)
    assert b"zzyplugh" not in path.read_bytes()


def test_a_discarded_message_and_a_forgotten_room_leave_no_word(path: Path) -> None:
    store = Store.open(path, ME)
    store.apply(first_sync(line("a", 1, body="xyzzyplugh")))
    store.queue_message(BOB, ROOM, TransactionId("t"), said("frotzgnusto"), T0)
    assert found(store, "frotzgnusto") == ["frotzgnusto"]
    store.mark_failed(TransactionId("t"), "no")
    store.discard(TransactionId("t"))
    number = store.add_intent(ForgetRoom(BOB, ROOM))
    store.settle_intent(number, Outcome(ok=True))
    catch_up(store)
    store.close()
    assert words_on_disk(path) == set()
    assert b"zzyplugh" not in path.read_bytes()
    assert b"otzgnusto" not in path.read_bytes()


def before_the_index(path: Path) -> None:
    """The database as it was when there was no index, and then brought up to date."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for kind, name in connection.execute(
            "SELECT type, name FROM sqlite_master WHERE name IN ('search', 'search_words',"
            " 'search_place', 'search_text', 'search_wish',"
            " 'search_placed', 'search_unplaced', 'search_moved', 'search_rewritten')"
            " ORDER BY name = 'search'"
        ).fetchall():
            connection.execute(f"DROP {kind} IF EXISTS {name}")
        for statement in schema._statements(schema._SEARCH):
            connection.execute(statement)
        connection.commit()


def test_an_older_database_is_indexed_in_parts_and_goes_on_after_a_crash(path: Path) -> None:
    store = Store.open(path, ME)
    store.apply(first_sync(*(line(f"n{n}", n, body=f"hello {n}") for n in range(900))))
    store.close()
    before_the_index(path)
    store = Store.open(path, ME)
    assert not store.search.is_level()
    assert store.search.catch_up()
    parts = len(store.search.find(BOB, parse("hello", T0, UTC)))
    assert 0 < parts <= 250
    store.apply(news(edit("e", 2000, "n3", "adieu"), line("new", 2001, body="hello new")))
    crashed, store = store, Store.open(path, ME)
    catch_up(store)
    assert store.search.is_level()
    assert len(store.search.find(BOB, parse("hello", T0, UTC))) == 900
    assert len(store.search.find(BOB, parse("adieu", T0, UTC))) == 1
    crashed.close()
    store.close()


acts = st.lists(
    st.tuples(
        st.sampled_from(
            ("say", "own", "edit", "redact", "seal", "heal", "queue", "sent", "discard", "old")
        ),
        st.integers(0, 5),
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join),
    ),
    max_size=25,
)


@given(acts)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_index_says_the_same_as_reading_everything(
    tmp_path: Path, does: list[tuple[str, int, str]]
) -> None:
    path = tmp_path / "property.db"
    path.unlink(missing_ok=True)
    store = Store.open(path, ME)
    try:
        store.apply(first_sync(line("m0", 0, body="anna"), prev_batch="p0"))
        for step, (act, target, words) in enumerate(does, 1):
            perform(store, act, step, target, words)
        for text in (*WORDS, "hotel an", '"anna an"', "h", "x"):
            query = parse(text, T0, UTC)
            said = [m for m in scanned(store) if m.kind is Kind.TEXT]
            expected = [m.key for m in reversed(said) if fits(m.body, query)]
            assert list(store.search.find(BOB, query)) == expected
        catch_up(store)
        said = [m for m in scanned(store) if m.kind is Kind.TEXT]
    finally:
        store.close()
    assert words_on_disk(path) == {word for m in said for _, _, word in tokens(m.body)}


def perform(store: Store, act: str, step: int, target: int, words: str) -> None:
    name, transaction = f"m{step}", TransactionId(f"t{target}")
    match act:
        case "heal":
            store.apply_decrypted(ROOM, [line(f"m{target}", step, body=words)])
        case "queue":
            store.queue_message(BOB, ROOM, transaction, said(words), T0 + 1000 * step)
        case "sent":
            store.mark_sent(transaction, EventId(f"$m{step}"))
        case "discard":
            store.discard(transaction)
        case "old" if (gap := store.gap_before(BOB, None)) is not None:
            store.apply_history(gap, history(line(f"o{step}", -step, body=words), end=f"p{step}"))
        case _:
            store.apply(news(arrival(act, name, step, target, words)))


def arrival(act: str, name: str, step: int, target: int, words: str) -> TimelineEvent:
    match act:
        case "own":
            return line(name, step, ME, words, transaction=f"t{target}")
        case "edit":
            return edit(name, step, f"m{target}", words)
        case "redact":
            return event(name, step, Redaction(EventId(f"$m{target}")))
        case "seal":
            return secret(name, step, "session")
        case _:
            return line(name, step, body=words)
