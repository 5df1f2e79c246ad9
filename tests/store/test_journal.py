from __future__ import annotations

import pytest

from dmtui.core.events import IntentsChanged
from dmtui.core.intents import (
    Accept,
    CreateRoom,
    Decline,
    Deliver,
    DirectAction,
    EditDirect,
    Entry,
    Intent,
    InviteBack,
    MarkRead,
    Outcome,
)
from dmtui.core.model import EventId, RoomId
from dmtui.store.intents import read_intent
from dmtui.store.store import Store
from tests.store.conftest import BOB, OTHER, ROOM

ALL: list[Intent] = [
    EditDirect(DirectAction.MOVE, BOB, ROOM),
    CreateRoom(BOB, "n", encrypted=True, posted=True),
    InviteBack(BOB, ROOM),
    Accept(ROOM, BOB, direct=False),
    Decline(ROOM, BOB),
    MarkRead(ROOM, EventId("$e")),
    MarkRead(ROOM, EventId("$e"), private=True),
    Deliver(BOB, "hi"),
]


@pytest.mark.parametrize("intent", ALL, ids=lambda intent: type(intent).__name__)
def test_intent_is_read_as_it_was_written(store: Store, intent: Intent) -> None:
    number = store.add_intent(intent)
    assert store.pending_intents() == (Entry(number, intent),)


def test_a_receipt_that_was_journalled_without_saying_so_is_public() -> None:
    older = '{"event_id": "$e", "room_id": "!r"}'
    assert read_intent("MarkRead", older) == MarkRead(RoomId("!r"), EventId("$e"))


def test_identical_pending_intent_is_written_once(store: Store) -> None:
    number = store.add_intent(ALL[0])
    assert store.add_intent(ALL[0]) == number
    store.settle_intent(number, Outcome(True))
    assert store.add_intent(ALL[0]) != number


def test_two_equal_messages_to_deliver_are_two(store: Store) -> None:
    assert store.add_intent(Deliver(BOB, "hi")) != store.add_intent(Deliver(BOB, "hi"))


def test_settled_intent_keeps_its_outcome_and_brings_the_next(store: Store) -> None:
    number = store.add_intent(ALL[3])
    outcome = Outcome(True, "done", ROOM, EventId("$e"))
    assert IntentsChanged() in store.settle_intent(number, outcome, then=[ALL[2]])
    settled = store.intent(number)
    assert settled is not None
    assert settled.outcome == outcome
    assert [entry.intent for entry in store.pending_intents()] == [ALL[2]]
    store.settle_intent(number, Outcome(False), then=[ALL[4]])
    assert store.intent(number) == settled
    assert len(store.pending_intents()) == 1


def test_postponed_intent_counts_its_tries(store: Store) -> None:
    number = store.add_intent(ALL[2])
    store.postpone_intent(number, "no network")
    store.postpone_intent(number, "no answer")
    assert store.pending_intents() == (Entry(number, ALL[2], 2, "no answer"),)


def test_progress_is_recorded(store: Store) -> None:
    number = store.add_intent(CreateRoom(BOB, "n", encrypted=True))
    store.replace_intent(number, CreateRoom(BOB, "n", encrypted=True, posted=True))
    assert store.pending_intents()[0].intent == ALL[1]


def test_pending_removal_hides_the_conversation(store: Store) -> None:
    numbers, _ = store.add_intents(
        [EditDirect(DirectAction.ADD, BOB, OTHER), EditDirect(DirectAction.REMOVE, BOB, OTHER)]
    )
    assert len(numbers) == 2
    assert store.people() == ()
