from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from dmtui.core.events import RoomUpdate, Undecryptable
from dmtui.core.model import EventId, Message, RoomId, SendState, TransactionId
from dmtui.store.store import Store
from tests.fakes import said
from tests.store.conftest import (
    BOB,
    ME,
    OTHER,
    ROOM,
    T0,
    batch,
    bodies,
    edit,
    event,
    first_sync,
    history,
    line,
    members,
    news,
)

TXN = TransactionId("t1")


def queue(store: Store, transaction: str = "t1", body: str = "hello", at: int = 10) -> None:
    store.queue_message(BOB, ROOM, TransactionId(transaction), said(body), T0 + 1000 * at)


def own(store: Store) -> list[Message]:
    return [message for message in store.messages(BOB, None, 100).messages if message.own]


def only(store: Store) -> Message:
    (message,) = own(store)
    return message


@pytest.fixture
def talk(store: Store) -> Store:
    store.apply(first_sync(line("1", 1)))
    return store


def test_queued_message_shows_at_once_and_clears_the_draft(talk: Store) -> None:
    talk.set_draft(BOB, "hel")
    queue(talk)
    (bob,) = talk.people()
    assert (bob.preview, bob.latest, bob.unread, bob.draft) == ("You: hello", T0 + 10_000, 0, "")
    assert only(talk).state is SendState.QUEUED
    assert bodies(talk) == ["1", "hello"]


def test_queued_message_survives_restart(talk: Store, path: Path) -> None:
    queue(talk)
    talk.mark_sending(TXN)
    again = Store.open(path, ME)
    again.requeue_interrupted()
    outgoing = again.next_outgoing(())
    assert outgoing is not None
    assert (outgoing.transaction_id, outgoing.content, outgoing.user_id) == (
        TXN,
        said("hello"),
        BOB,
    )
    again.close()


def test_queueing_twice_makes_one_message(talk: Store) -> None:
    queue(talk)
    queue(talk)
    assert bodies(talk) == ["1", "hello"]


def test_unconfirmed_messages_stay_behind_news_in_queue_order(talk: Store) -> None:
    queue(talk, "t1", "a", at=90)
    queue(talk, "t2", "b", at=80)
    talk.apply(news(line("2", 95)))
    assert bodies(talk) == ["1", "2", "a", "b"]


@pytest.mark.parametrize("named", [True, False], ids=["transaction", "no transaction"])
@pytest.mark.parametrize("order", permutations(["sent", "sync", "replay"]))
def test_server_copy_meets_the_echo_in_any_order(
    talk: Store, order: tuple[str, ...], named: bool
) -> None:
    queue(talk)
    key = only(talk).key
    echo = news(line("mine", 11, ME, "hello", transaction="t1" if named else None), line("2", 12))
    for act in order:
        if act == "sent":
            talk.mark_sending(TXN)
            talk.mark_sent(TXN, EventId("$mine"))
        else:
            talk.apply(echo)
    assert bodies(talk) == ["1", "hello", "2"]
    message = only(talk)
    assert (message.key, message.state, message.event_id) == (key, SendState.SENT, "$mine")
    assert talk.next_outgoing(()) is None


def test_lost_answer_and_restart_make_one_message(talk: Store, path: Path) -> None:
    queue(talk)
    talk.mark_sending(TXN)
    again = Store.open(path, ME)
    again.apply(news(line("mine", 11, ME, "hello", transaction="t1")))
    again.requeue_interrupted()
    assert again.next_outgoing(()) is None
    again.mark_sent(TXN, EventId("$mine"))
    assert bodies(again) == ["1", "hello"]
    again.close()


def test_own_message_seen_in_history_meets_its_echo(talk: Store) -> None:
    queue(talk)
    talk.mark_sent(TXN, EventId("$mine"))
    talk.apply(news(line("3", 13), limited=True, prev_batch="p3"))
    talk.apply_history(talk.holes()[0], history(line("1", 1), line("mine", 2, ME, "hello")))
    assert bodies(talk) == ["1", "hello", "3"]


def test_own_copy_without_a_key_keeps_what_was_typed(talk: Store) -> None:
    queue(talk)
    talk.apply(news(event("mine", 11, Undecryptable("s", "{}"), ME, "t1")))
    assert bodies(talk) == ["1", "hello"]
    assert talk.undecryptable(None) == {}


def test_edit_that_came_before_the_event_id_is_shown(talk: Store) -> None:
    queue(talk)
    talk.apply(news(edit("e", 12, "mine", "hello, Bob", ME)))
    talk.mark_sent(TXN, EventId("$mine"))
    assert only(talk).body == "hello, Bob"


def test_failed_message_is_parked_and_later_ones_flow(talk: Store) -> None:
    queue(talk, "t1", "a")
    queue(talk, "t2", "b")
    talk.mark_sending(TXN)
    talk.mark_failed(TXN, "no right to speak")
    outgoing = talk.next_outgoing(())
    assert outgoing is not None
    assert outgoing.transaction_id == "t2"
    message = talk.message(TXN)
    assert message is not None
    assert (message.state, message.failure) == (SendState.FAILED, "no right to speak")
    talk.mark_queued(TXN)
    again = talk.next_outgoing(())
    assert again is not None
    assert again.transaction_id == TXN


def test_busy_rooms_are_passed_over(talk: Store) -> None:
    queue(talk)
    assert talk.next_outgoing({ROOM}) is None
    talk.apply(batch(RoomUpdate(OTHER, members=members(BOB), encrypted=True)))
    talk.queue_message(BOB, OTHER, TransactionId("t2"), said("b"), T0)
    outgoing = talk.next_outgoing({ROOM})
    assert outgoing is not None
    assert (outgoing.room_id, outgoing.encrypted) == (OTHER, True)


def test_message_on_its_way_is_not_discarded(talk: Store) -> None:
    queue(talk)
    talk.mark_sending(TXN)
    assert talk.discard(TXN) == frozenset()
    talk.mark_failed(TXN, "no")
    assert talk.discard(TXN)
    assert bodies(talk) == ["1"]
    assert talk.message(TXN) is None


def test_late_failure_does_not_undo_a_delivery(talk: Store) -> None:
    queue(talk)
    talk.apply(news(line("mine", 11, ME, "hello", transaction="t1")))
    talk.mark_failed(TXN, "timed out")
    assert only(talk).state is SendState.SENT


def test_message_to_a_room_that_sync_has_not_shown_yet_is_queued(store: Store) -> None:
    room = RoomId("!new")
    store.queue_message(BOB, room, TXN, said("hi"), T0)
    outgoing = store.next_outgoing(())
    assert outgoing is not None
    assert (outgoing.room_id, outgoing.user_id) == (room, BOB)
