from __future__ import annotations

from pathlib import Path

import pytest

from dmtui.core.events import Reaction, RoomUpdate
from dmtui.core.intents import MarkRead
from dmtui.core.model import EventId, Kind, Safe, TransactionId
from dmtui.store.store import Store
from tests.fakes import said
from tests.store.conftest import (
    BOB,
    ME,
    ROOM,
    T0,
    batch,
    event,
    first_sync,
    history,
    joins,
    line,
    news,
    receipt,
    secret,
)


def unread(store: Store) -> int:
    return store.people()[0].unread


@pytest.fixture
def talk(store: Store) -> Store:
    store.apply(first_sync(line("1", 1), line("2", 2)))
    store.apply(news(receipts=(receipt(ME, "2", 3),)))
    return store


def test_messages_by_others_count_and_nothing_else_does(talk: Store) -> None:
    assert unread(talk) == 0
    talk.apply(
        news(
            line("3", 4),
            line("4", 5, kind=Kind.NOTICE),
            line("5", 6, kind=Kind.EMOTE),
            line("6", 7, kind=Kind.ATTACHMENT),
            secret("7", 8, "s"),
            event("8", 9, Reaction(EventId("$3"), Safe("+"))),
            line("9", 10, kind=Kind.OTHER),
            joins(BOB, 11),
        )
    )
    assert unread(talk) == 5


def test_unread_survives_restart(talk: Store, path: Path) -> None:
    talk.apply(news(line("3", 4)))
    again = Store.open(path, ME)
    assert unread(again) == 1
    assert [m.unread for m in again.messages(BOB, None, 10).messages] == [False, False, True]
    again.close()


def test_receipt_from_another_device_moves_forward_only(talk: Store) -> None:
    talk.apply(news(line("3", 4), line("4", 5)))
    talk.apply(news(receipts=(receipt(ME, "3", 6),)))
    assert unread(talk) == 1
    talk.apply(news(receipts=(receipt(ME, "1", 7),)))
    assert unread(talk) == 1
    talk.apply(news(receipts=(receipt(ME, "4", 8),)))
    assert unread(talk) == 0


def test_receipt_of_an_event_not_stored_counts_by_its_time(store: Store) -> None:
    store.apply(first_sync(line("2", 2), line("5", 5)))
    store.apply(news(receipts=(receipt(ME, "elsewhere", 3),)))
    assert unread(store) == 1


def test_message_sent_from_another_device_reads_what_is_before_it(talk: Store) -> None:
    talk.apply(news(line("3", 4), line("mine", 5, ME), line("4", 6)))
    assert unread(talk) == 1


def test_sending_here_reads_what_is_before_it(talk: Store) -> None:
    talk.apply(news(line("3", 4)))
    talk.queue_message(BOB, ROOM, TransactionId("t"), said("yes"), T0)
    assert unread(talk) == 0


def test_history_does_not_add_unread_messages(store: Store) -> None:
    store.apply(first_sync(line("2", 2)))
    gap = store.gap_before(BOB, None)
    assert gap is not None
    store.apply_history(gap, history(line("1", 1)))
    assert unread(store) == 1


def test_messages_in_a_filled_hole_are_unread(talk: Store) -> None:
    talk.apply(news(line("5", 5), limited=True, prev_batch="p5"))
    talk.apply_history(talk.holes()[0], history(line("2", 2), line("3", 3), line("4", 4)))
    assert unread(talk) == 3


def test_reading_here_stays_and_journals_one_receipt(talk: Store) -> None:
    talk.apply(news(line("3", 4)))
    assert talk.mark_read_here(BOB)
    assert unread(talk) == 0
    talk.apply(news(line("4", 5), receipts=(receipt(ME, "2", 6),)))
    assert unread(talk) == 1
    talk.mark_read_here(BOB)
    (entry,) = talk.pending_intents()
    assert entry.intent == MarkRead(ROOM, EventId("$4"))
    assert talk.mark_read_here(BOB) == frozenset()


def test_reading_again_journals_nothing(talk: Store) -> None:
    assert talk.mark_read_here(BOB) == frozenset()
    assert talk.pending_intents() == ()


def test_fully_read_marker_reads(talk: Store) -> None:
    talk.apply(news(line("3", 4), line("4", 5)))
    talk.apply(news(fully_read=EventId("$3")))
    assert unread(talk) == 1


def test_peer_receipt_marks_own_messages_read(talk: Store) -> None:
    talk.apply(news(line("a", 4, ME), line("b", 5, ME)))
    talk.apply(news(receipts=(receipt(BOB, "a", 6),)))
    read = [m.read_by_peer for m in talk.messages(BOB, None, 10).messages if m.own]
    assert read == [True, False]


def test_peer_receipt_that_comes_before_its_event_waits_for_it(talk: Store) -> None:
    talk.apply(news(line("a", 4, ME), receipts=(receipt(BOB, "b", 6),)))
    assert not talk.messages(BOB, None, 1).messages[0].read_by_peer
    talk.apply(news(line("b", 5, ME)))
    read = [m.read_by_peer for m in talk.messages(BOB, None, 10).messages if m.own]
    assert read == [True, True]


def test_answer_of_the_peer_marks_what_is_before_it_read(talk: Store) -> None:
    talk.apply(news(line("a", 4, ME), line("3", 5)))
    own = [m for m in talk.messages(BOB, None, 10).messages if m.own]
    assert own[0].read_by_peer


def test_receipt_changes_are_told(talk: Store) -> None:
    talk.apply(news(line("3", 4)))
    update = RoomUpdate(ROOM, receipts=(receipt(ME, "3", 6),))
    assert talk.apply(batch(update))
    assert talk.apply(batch(update)) == frozenset()


def test_a_receipt_is_journalled_as_public_or_as_private(talk: Store) -> None:
    talk.apply(news(line("3", 4)))
    talk.mark_read_here(BOB, private=True)
    (entry,) = talk.pending_intents()
    assert entry.intent == MarkRead(ROOM, EventId("$3"), private=True)
    talk.apply(news(line("4", 5)))
    talk.mark_read_here(BOB, private=False)
    (entry,) = talk.pending_intents()
    assert entry.intent == MarkRead(ROOM, EventId("$4"))
