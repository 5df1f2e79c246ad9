from __future__ import annotations

import pytest

from dmtui.core.events import ConversationsChanged, History, TimelineChanged
from dmtui.core.intents import (
    CreateGroup,
    Deliver,
    DirectAction,
    EditDirect,
    ForgetRoom,
    LeaveRoom,
    MakeRoom,
    Outcome,
)
from dmtui.core.model import Member, Membership, PeerState, RoomId, TransactionId, UserId
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
    bodies,
    first_sync,
    joins,
    line,
    news,
)

DONE = Outcome(ok=True)
UNLIST = EditDirect(DirectAction.REMOVE, BOB, ROOM)


def rows(store: Store) -> list[UserId]:
    return [conversation.user_id for conversation in store.people()]


def forget(store: Store) -> None:
    number = store.add_intent(ForgetRoom(BOB, ROOM))
    store.settle_intent(number, DONE, (UNLIST,))


def test_forgetting_takes_messages_members_drafts_and_gaps(store: Store) -> None:
    store.apply(first_sync(line("one")))
    store.set_draft(BOB, "half a thought")
    number = store.add_intent(ForgetRoom(BOB, ROOM))
    changes = store.settle_intent(number, DONE, (UNLIST,))
    assert ConversationsChanged(frozenset({BOB})) in changes
    assert TimelineChanged(BOB) in changes
    assert rows(store) == []
    assert bodies(store) == []
    assert store.gap_before(BOB, None) is None
    assert store.life.rooms(BOB) == ()
    assert store.life.humans(ROOM) == frozenset()
    store.apply(batch(direct={BOB: [OTHER]}))
    store.apply(news(line("new"), joins(BOB, 1), room=OTHER, initial=True))
    (conversation,) = store.people()
    assert conversation.draft == ""


def test_page_of_history_under_way_does_not_revive_a_forgotten_room(store: Store) -> None:
    store.apply(first_sync(line("one")))
    gap = store.gap_before(BOB, None)
    assert gap is not None
    forget(store)
    store.apply_history(gap, History((line("older"),), None, (Member(BOB, Membership.JOIN),)))
    assert store.life.humans(ROOM) == frozenset()
    store.apply(batch(direct={BOB: [ROOM]}))
    assert bodies(store) == []


def test_return_to_a_forgotten_room_is_a_new_beginning(store: Store) -> None:
    store.apply(first_sync(line("one")))
    forget(store)
    store.apply(news(line("late")))
    assert rows(store) == []
    store.settle_intent(store.add_intent(UNLIST), DONE)
    back = (Member(ME, Membership.JOIN), Member(BOB, Membership.JOIN))
    store.apply(batch(direct={BOB: [ROOM]}))
    store.apply(news(line("new"), members=back))
    assert bodies(store) == ["new"]


def test_messages_asked_for_after_the_forgetting_stay(store: Store) -> None:
    store.apply(first_sync(line("one")))
    before = store.add_intent(Deliver(BOB, "before"))
    wish = store.add_intent(ForgetRoom(BOB, ROOM))
    after = store.add_intent(Deliver(BOB, "after"))
    store.settle_intent(wish, DONE, (UNLIST,))
    pending = [entry.number for entry in store.pending_intents()]
    assert before not in pending
    assert after in pending


def test_failed_leaving_changes_nothing(store: Store) -> None:
    store.apply(first_sync(line("one")))
    number = store.add_intent(LeaveRoom(BOB, ROOM))
    store.settle_intent(number, Outcome(ok=False, message="No."))
    assert rows(store) == [BOB]
    number = store.add_intent(LeaveRoom(BOB, ROOM))
    store.settle_intent(number, DONE)
    assert rows(store) == []
    assert store.life.rooms(BOB) == ((ROOM, Membership.LEAVE),)


def test_room_made_of_a_chat_is_a_group_at_once(store: Store) -> None:
    store.apply(first_sync(line("one")))
    number = store.add_intent(MakeRoom(ROOM))
    store.settle_intent(number, Outcome(ok=True, room_id=ROOM), (UNLIST,))
    (conversation,) = store.people()
    assert (conversation.user_id, conversation.peer) == (UserId(ROOM), PeerState.GROUP)
    assert ROOM in store.followed_rooms()


def test_group_just_made_is_listed_before_sync_shows_it(store: Store) -> None:
    store.apply(first_sync(line("one")))
    wish = store.add_intent(CreateGroup((BOB, CAROL), "Picnic", "nonce", encrypted=True))
    store.settle_intent(wish, Outcome(ok=True, room_id=OTHER))
    found = store.conversations([UserId(OTHER)])
    assert [(c.name, c.peer, c.encrypted) for c in found] == [("Picnic", PeerState.GROUP, True)]
    assert store.life.humans(OTHER) == {BOB, CAROL}
    assert store.room_of_nonce("nonce") == OTHER
    assert OTHER in store.followed_rooms()


def test_unsent_messages_are_counted_once(store: Store) -> None:
    store.apply(first_sync(line("one")))
    assert store.life.unsent(BOB) == 0
    store.queue_message(BOB, ROOM, TransactionId("t1"), said("typed"), T0)
    wish = store.add_intent(Deliver(BOB, "handed over"))
    store.add_intent(Deliver(CAROL, "to somebody else"))
    assert store.life.unsent(BOB) == 2
    store.queue_message(BOB, ROOM, TransactionId(f"dmtui-deliver-{wish}"), said("handed over"), T0)
    assert store.life.unsent(BOB) == 2


@pytest.mark.parametrize(
    ("membership", "prev_batch", "expected"),
    [
        (Membership.INVITE, None, False),
        (Membership.INVITE, "p0", True),
        (Membership.JOIN, None, True),
    ],
)
def test_whether_somebody_has_been_in_the_room(
    store: Store, membership: Membership, prev_batch: str | None, expected: bool
) -> None:
    present = (Member(ME, Membership.JOIN), Member(BOB, membership, sender=ME))
    store.apply(
        news(initial=True, members=present, limited=prev_batch is not None, prev_batch=prev_batch)
    )
    assert store.life.has_been_in(ROOM, BOB) is expected
    assert store.life.has_been_in(RoomId("!unheard"), BOB)
