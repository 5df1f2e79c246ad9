from __future__ import annotations

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dmtui.core.events import ConversationsChanged, MembershipChange, RoomUpdate, TimelineChanged
from dmtui.core.intents import Accept, Decline, FollowUpgrade, MarkRead, Outcome
from dmtui.core.model import (
    Cursor,
    EventId,
    Invite,
    Member,
    Membership,
    Milliseconds,
    PeerState,
    RoomId,
    Safe,
    SendState,
    TransactionId,
    UserId,
)
from dmtui.core.timeline import first_unread
from dmtui.store.belonging import NOW_A_GROUP
from dmtui.store.store import Store
from dmtui.store.upgrades import AWAITS_ROOM
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
    event,
    history,
    joins,
    line,
    members,
    news,
    receipt,
)

GROUP = UserId(ROOM)
FIRST = TransactionId("t1")


def two_rooms(store: Store, *, gap: bool = True) -> None:
    """ROOM has 1, 3, 5 … and nothing before them is missing; OTHER begins with 6, after a gap."""
    store.apply(
        batch(
            RoomUpdate(
                ROOM,
                timeline=tuple(line(str(n), n) for n in (1, 3, 5, 7)),
                members=members(BOB),
                created_at=T0,
            ),
            RoomUpdate(
                OTHER,
                timeline=(line("6", 6), line("8", 8)),
                members=members(BOB),
                limited=gap,
                prev_batch="p" if gap else None,
                created_at=T0 + 500,
            ),
            direct={BOB: [ROOM, OTHER]},
        )
    )


def shown(store: Store, before: Cursor | None = None, limit: int = 50) -> list[str]:
    return [message.body for message in store.messages(BOB, before, limit).messages]


def test_room_just_made_is_the_newest_though_nothing_is_known_of_it(store: Store) -> None:
    two_rooms(store)
    made = RoomUpdate(RoomId("!made"), members=members(BOB))
    store.apply(batch(made, direct={BOB: [ROOM, OTHER, "!made"]}))
    assert [room.room_id for room in store.rooms_of(BOB)] == [ROOM, OTHER, "!made"]
    left = RoomUpdate(RoomId("!left"), membership=Membership.LEAVE)
    store.apply(batch(left, direct={BOB: [ROOM, OTHER, "!made", "!left"]}))
    assert [room.room_id for room in store.rooms_of(BOB)] == ["!left", ROOM, OTHER, "!made"]


# -- paging ---------------------------------------------------------------------------------


def test_page_ends_where_another_room_has_a_gap(store: Store) -> None:
    two_rooms(store)
    page = store.messages(BOB, None, 50)
    assert [message.body for message in page.messages] == ["6", "7", "8"]
    assert (page.more, page.complete) == (False, False)
    assert shown(store, page.messages[0].cursor) == []
    assert store.messages_from(BOB, page.messages[0].cursor) == page


def test_filled_gap_lets_both_rooms_be_read_on_in_order(store: Store) -> None:
    two_rooms(store)
    first = store.messages(BOB, None, 50).messages[0].cursor
    gap = store.gap_before(BOB, first)
    assert gap is not None
    store.apply_history(gap, history(line("4", 4), end="q"))
    page = store.messages(BOB, first, 50)
    assert [message.body for message in page.messages] == ["4", "5"]
    assert not page.complete
    gap = store.gap_before(BOB, page.messages[0].cursor)
    assert gap is not None
    store.apply_history(gap, history(line("2", 2)))
    page = store.messages(BOB, page.messages[0].cursor, 50)
    assert [message.body for message in page.messages] == ["1", "2", "3"]
    assert (page.more, page.complete) == (False, True)
    assert store.gap_before(BOB, None) is None


def test_hole_in_one_room_hides_what_the_other_has_before_it(store: Store) -> None:
    two_rooms(store, gap=False)
    store.apply(
        news(line("30", 30), room=OTHER, limited=True, prev_batch="hole"),
    )
    store.apply(news(line("20", 20), line("31", 31)))
    assert shown(store) == ["30", "31"]
    (hole,) = store.holes()
    store.apply_history(hole, history(line("8", 8), line("10", 10)))
    assert shown(store) == ["1", "3", "5", "6", "7", "8", "10", "20", "30", "31"]


def test_what_is_stored_beyond_a_gap_can_be_read_where_it_can_not_be_filled(store: Store) -> None:
    two_rooms(store)
    page = store.messages(BOB, None, 50, across=True)
    assert [message.body for message in page.messages] == ["1", "3", "5", "6", "7", "8"]
    assert not page.complete


def test_room_without_a_message_yet_hides_nothing(store: Store) -> None:
    two_rooms(store, gap=False)
    third = RoomUpdate(
        RoomId("!third"), members=members(BOB), limited=True, prev_batch="p", created_at=T0
    )
    store.apply(batch(third, direct={BOB: [ROOM, OTHER, "!third"]}))
    page = store.messages(BOB, None, 50)
    assert len(page.messages) == 6
    assert not page.complete


_people = count()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rooms=st.lists(st.lists(st.integers(0, 60), max_size=12, unique=True), min_size=1, max_size=3),
    stored=st.lists(st.integers(0, 6), min_size=3, max_size=3),
    limit=st.integers(1, 5),
)
def test_paging_to_the_top_shows_every_message_once_and_in_order(
    store: Store, rooms: list[list[int]], stored: list[int], limit: int
) -> None:
    person = UserId(f"@p{next(_people)}:test")
    told = {
        RoomId(f"!{person}{number}"): [
            line(f"{person}{number}-{at}", at * 10 + number, person, f"{at * 10 + number}")
            for at in sorted(times)
        ]
        for number, times in enumerate(rooms)
    }
    updates = [
        RoomUpdate(
            room_id,
            timeline=tuple(events[max(len(events) - known, 0) :]),
            limited=known < len(events),
            prev_batch=str(max(len(events) - known, 0)) if known < len(events) else None,
            members=members(person),
        )
        for (room_id, events), known in zip(told.items(), stored, strict=False)
    ]
    direct = dict(store.direct() or {}) | {person: [*told]}
    store.apply(batch(*updates, direct=direct))
    seen: list[str] = []
    before: Cursor | None = None
    while True:
        page = store.messages(person, before, limit)
        seen[:0] = [message.body for message in page.messages]
        before = page.messages[0].cursor if page.messages else before
        if page.more:
            continue
        gap = store.gap_before(person, before)
        if gap is None:
            break
        upper = int(gap.before)
        lower = max(0, upper - 2)
        events = told[gap.room_id][lower:upper]
        store.apply_history(gap, history(*events, end=str(lower) if lower else None))
    if all(known for known in stored[: len(rooms)]):
        everything = sorted(int(e.event_id.rpartition("-")[2]) for es in told.values() for e in es)
        assert len(seen) == len(everything)
        assert [int(body) for body in seen] == sorted(map(int, seen))
    whole = store.messages(person, None, 1000)
    assert whole.complete
    assert [m.body for m in whole.messages] == sorted((m.body for m in whole.messages), key=int)


# -- reading --------------------------------------------------------------------------------


def test_unread_and_the_first_unread_are_those_of_all_rooms(store: Store) -> None:
    two_rooms(store, gap=False)
    store.apply(news(receipts=(receipt(ME, "5", 5),)))
    store.apply(news(room=OTHER, receipts=(receipt(ME, "6", 6),)))
    (bob,) = store.people()
    assert bob.unread == 2
    page = store.messages(BOB, None, 50)
    first = first_unread(page.messages)
    assert next(m.body for m in page.messages if m.key == first) == "7"


def test_reading_marks_every_room_that_i_am_in(store: Store) -> None:
    two_rooms(store, gap=False)
    store.mark_read_here(BOB)
    assert store.people()[0].unread == 0
    wishes = {e.intent for e in store.pending_intents()}
    assert wishes == {MarkRead(ROOM, event_id("7")), MarkRead(OTHER, event_id("8"))}
    assert store.newest_event(BOB) == (OTHER, event_id("8"))


def event_id(name: str) -> EventId:
    return line(name).event_id


# -- rooms that I left ----------------------------------------------------------------------


def test_room_that_i_left_stays_as_history_of_the_one_i_am_in(store: Store) -> None:
    two_rooms(store, gap=False)
    store.apply(batch(gone=(ROOM,)))
    (bob,) = store.people()
    assert (bob.room_id, bob.unread) == (OTHER, 2)
    assert bodies(store) == ["1", "3", "5", "6", "7", "8"]
    assert [m.body for m in store.messages(BOB, None, 9).messages if m.unread] == ["6", "8"]
    old, new = store.rooms_of(BOB)
    assert (old.room_id, old.mine, old.serving) == (ROOM, Membership.LEAVE, False)
    assert (new.room_id, new.mine, new.serving) == (OTHER, Membership.JOIN, True)
    store.mark_read_here(BOB)
    assert [e.intent for e in store.pending_intents()] == [MarkRead(OTHER, event_id("8"))]


def test_person_of_whom_only_left_rooms_remain_has_no_row(store: Store) -> None:
    two_rooms(store)
    store.apply(batch(gone=(ROOM, OTHER)))
    assert store.people() == ()
    assert {c.mine for c in store.candidates(BOB)} == {Membership.LEAVE}


def test_left_room_that_the_map_lists_no_more_is_no_history(store: Store) -> None:
    two_rooms(store, gap=False)
    store.apply(batch(gone=(ROOM,), direct={BOB: [OTHER]}))
    assert bodies(store) == ["6", "8"]


def test_left_room_that_this_device_never_saw_is_fetched_when_asked_for(store: Store) -> None:
    update = RoomUpdate(OTHER, timeline=(line("6", 6),), members=members(BOB))
    store.apply(batch(update, direct={BOB: [ROOM, OTHER]}))
    assert {c.room_id for c in store.candidates(BOB)} == {OTHER}
    page = store.messages(BOB, None, 50)
    assert [m.body for m in page.messages] == ["6"]
    assert not page.complete
    gap = store.gap_before(BOB, page.messages[0].cursor)
    assert gap is not None
    assert (gap.room_id, gap.before, gap.beginning) == (ROOM, "", True)
    store.apply_history(gap, history(line("4", 4), line("5", 5), end="q"))
    assert store.people()[0].unread == 1
    gap = store.gap_before(BOB, page.messages[0].cursor)
    assert gap is not None
    store.apply_history(gap, history(line("2", 2)))
    assert bodies(store) == ["2", "4", "5", "6"]
    assert store.messages(BOB, None, 50).complete
    back = RoomUpdate(ROOM, timeline=(line("7", 7),), members=members(BOB))
    store.apply(batch(back))
    assert store.people()[0].unread == 2


def test_history_of_an_unseen_room_that_is_not_told_is_asked_for_once(store: Store) -> None:
    update = RoomUpdate(OTHER, timeline=(line("6", 6),), members=members(BOB))
    store.apply(batch(update, direct={BOB: [ROOM, OTHER]}))
    gap = store.gap_before(BOB, None)
    assert gap is not None
    store.apply_history(gap, history())
    assert store.messages(BOB, None, 50).complete


def test_room_of_the_map_that_sync_shows_later_needs_no_fetching(store: Store) -> None:
    store.apply(batch(direct={BOB: [ROOM]}))
    assert store.people() == ()
    store.apply(news(line("1", 1), initial=True, members=members(BOB)))
    assert store.messages(BOB, None, 50).complete
    assert store.people()[0].unread == 1


def test_invite_back_into_a_left_room_keeps_its_history(store: Store) -> None:
    two_rooms(store, gap=False)
    store.apply(batch(gone=(ROOM,)))
    store.apply(batch(invites=(Invite(ROOM, BOB, Safe("Bob"), True, T0),)))
    assert "1" in bodies(store)
    assert store.people()[0].room_id == OTHER


# -- groups ---------------------------------------------------------------------------------


def talk(store: Store) -> None:
    update = RoomUpdate(ROOM, timeline=(line("1", 1),), members=members(BOB), created_at=T0)
    store.apply(batch(update, direct={BOB: [ROOM]}))


def test_third_human_makes_the_chat_a_group_with_a_row_of_its_own(store: Store) -> None:
    talk(store)
    changes = store.apply(news(joins(CAROL, 2, "Carol")))
    assert ConversationsChanged(frozenset({BOB, GROUP})) in changes
    assert {TimelineChanged(BOB), TimelineChanged(GROUP)} <= changes
    (group,) = store.people()
    assert (group.user_id, group.room_id, group.peer) == (GROUP, ROOM, PeerState.GROUP)
    assert (group.name, group.was_with) == ("Bob and Carol", BOB)
    assert bodies(store, GROUP) == ["1", "Carol joined"]
    assert bodies(store) == []
    assert store.person_of(ROOM) == GROUP
    (room,) = store.rooms_of(GROUP)
    assert (room.room_id, room.peer, room.serving) == (ROOM, PeerState.GROUP, True)


def test_group_goes_by_its_rooms_name(store: Store) -> None:
    talk(store)
    store.apply(news(joins(CAROL, 2, "Carol"), name=Safe("Trip")))
    assert store.people()[0].name == "Trip"


def test_group_becomes_the_chat_again_when_the_third_human_leaves(store: Store) -> None:
    talk(store)
    store.apply(news(joins(CAROL, 2, "Carol")))
    store.set_draft(GROUP, "to all")
    gone = MembershipChange(Member(CAROL, Membership.LEAVE), Membership.JOIN)
    store.apply(news(event("gone", 3, gone, CAROL)))
    (bob,) = store.people()
    assert (bob.user_id, bob.peer, bob.draft) == (BOB, PeerState.JOINED, "to all")


def test_another_chat_with_the_person_goes_on_beside_the_group(store: Store) -> None:
    two_rooms(store, gap=False)
    store.apply(news(joins(CAROL, 9, "Carol")))
    assert {(c.user_id, c.room_id) for c in store.people()} == {(BOB, OTHER), (GROUP, ROOM)}
    assert bodies(store) == ["6", "8"]


def test_room_of_somebody_else_alone_is_no_chat_with_the_person(store: Store) -> None:
    talk(store)
    store.apply(news(joins(CAROL, 2, "Carol")))
    gone = MembershipChange(Member(BOB, Membership.LEAVE), Membership.JOIN)
    store.apply(news(event("gone", 3, gone)))
    (group,) = store.people()
    assert (group.user_id, group.was_with) == (GROUP, BOB)


def test_draft_moves_with_the_room_it_was_typed_in(store: Store) -> None:
    talk(store)
    store.set_draft(BOB, "half typed")
    store.apply(news(joins(CAROL, 2, "Carol")))
    (group,) = store.people()
    assert (group.draft, group.draft_for) == ("half typed", BOB)
    store.set_draft(GROUP, "half typed and more")
    assert store.people()[0].draft_for == BOB
    store.queue_message(GROUP, ROOM, TransactionId("t"), said("half typed and more"), T0)
    store.set_draft(GROUP, "to all")
    assert store.people()[0].draft_for is None


def test_draft_stays_with_a_person_who_has_another_room(store: Store) -> None:
    two_rooms(store, gap=False)
    store.set_draft(BOB, "for Bob")
    (bob,) = store.people()
    store.apply(news(joins(CAROL, 9, "Carol"), room=bob.room_id))
    drafts = {c.user_id: c.draft for c in store.people()}
    assert drafts == {BOB: "for Bob", UserId(bob.room_id): ""}


def test_draft_goes_with_the_serving_room_when_all_rooms_become_groups(store: Store) -> None:
    two_rooms(store, gap=False)
    store.set_draft(BOB, "for Bob")
    (bob,) = store.people()
    carol = Member(CAROL, Membership.JOIN)
    rooms = (RoomUpdate(room, members=(carol,)) for room in (ROOM, OTHER))
    store.apply(batch(*rooms))
    drafts = {c.user_id: c.draft for c in store.people()}
    other = OTHER if bob.room_id == ROOM else ROOM
    assert drafts == {UserId(bob.room_id): "for Bob", UserId(other): ""}


def test_draft_for_the_serving_room_stays_when_another_becomes_a_group(store: Store) -> None:
    two_rooms(store, gap=False)
    store.set_draft(BOB, "for Bob")
    store.apply(news(joins(CAROL, 9, "Carol")))
    drafts = {c.user_id: c.draft for c in store.people()}
    assert drafts == {BOB: "for Bob", GROUP: ""}


def test_queued_message_to_one_person_is_not_sent_to_a_group(store: Store) -> None:
    talk(store)
    store.queue_message(BOB, ROOM, FIRST, said("secret"), at())
    store.apply(news(joins(CAROL, 2, "Carol")))
    assert store.next_outgoing(()) is None
    message = store.message(FIRST)
    assert message is not None
    assert (message.state, message.failure) == (SendState.FAILED, NOW_A_GROUP)
    store.send_again(FIRST)
    outgoing = store.next_outgoing(())
    assert outgoing is not None
    assert outgoing.room_id == ROOM


def test_message_taken_along_by_an_upgrade_is_not_sent_to_a_group(store: Store) -> None:
    talk(store)
    store.queue_message(BOB, ROOM, FIRST, said("secret"), at())
    new = RoomUpdate(OTHER, members=members(BOB), predecessor=ROOM, created_at=T0 + 500)
    store.apply(batch(RoomUpdate(ROOM, successor=OTHER), new, direct={BOB: [ROOM, OTHER]}))
    carol = Member(CAROL, Membership.JOIN)
    store.apply(batch(RoomUpdate(OTHER, members=(carol,))))
    store.settle_intent(store.add_intent(FollowUpgrade(BOB, ROOM, OTHER)), Outcome(ok=True))
    message = store.message(FIRST)
    assert message is not None
    assert (message.state, message.failure) == (SendState.FAILED, NOW_A_GROUP)


@pytest.mark.parametrize("again", ["mark_queued", "requeue_interrupted"])
def test_message_under_way_is_not_tried_again_in_a_group(store: Store, again: str) -> None:
    talk(store)
    store.queue_message(BOB, ROOM, FIRST, said("secret"), at())
    store.mark_sending(FIRST)
    store.apply(news(joins(CAROL, 2, "Carol")))
    if again == "mark_queued":
        store.mark_queued(FIRST)
    else:
        store.requeue_interrupted()
    assert store.next_outgoing(()) is None


def test_message_typed_to_one_person_as_a_third_came_is_not_sent(store: Store) -> None:
    talk(store)
    store.apply(news(joins(CAROL, 2, "Carol")))
    store.queue_message(BOB, ROOM, FIRST, said("secret"), at())
    assert store.next_outgoing(()) is None
    store.queue_message(GROUP, ROOM, TransactionId("t2"), said("hello all"), at())
    assert store.next_outgoing(()) is not None


def test_group_that_i_left_is_gone_and_no_history_of_anybody(store: Store) -> None:
    two_rooms(store, gap=False)
    store.apply(news(joins(CAROL, 9, "Carol")))
    store.apply(batch(gone=(ROOM,)))
    assert [c.user_id for c in store.people()] == [BOB]
    assert bodies(store) == ["6", "8"]


def test_invite_accepted_as_a_room_is_a_group_of_any_size_and_followed(store: Store) -> None:
    store.apply(batch(invites=(Invite(ROOM, CAROL, Safe("Carol"), False, T0),)))
    number = store.add_intent(Accept(ROOM, CAROL, direct=False))
    store.settle_intent(number, Outcome(ok=True, room_id=ROOM))
    store.apply(news(line("1", 1, CAROL), initial=True, members=members(CAROL)))
    (group,) = store.people()
    assert (group.user_id, group.peer, group.was_with) == (GROUP, PeerState.GROUP, None)
    assert group.name == "Carol"
    assert store.followed_rooms() == {ROOM}


# -- upgrades -------------------------------------------------------------------------------


WISH = FollowUpgrade(BOB, ROOM, OTHER, ("test",))


def upgraded(store: Store) -> None:
    talk(store)
    store.apply(news(successor=OTHER, successor_via="test"))


def at() -> Milliseconds:
    return T0 + 10_000


def test_upgrade_is_wanted_until_it_is_settled_and_never_again(store: Store) -> None:
    upgraded(store)
    assert store.upgrades.wanted() == (WISH,)
    number = store.add_intent(WISH)
    assert OTHER in store.followed_rooms()
    store.settle_intent(number, Outcome(ok=False, message="no"))
    assert store.upgrades.wanted() == ()
    store.apply(news(successor=OTHER, successor_via="elsewhere"))
    assert store.upgrades.wanted() == ()


def test_upgrade_that_is_listed_and_has_the_person_is_nothing_to_do(store: Store) -> None:
    upgraded(store)
    new = RoomUpdate(OTHER, members=members(BOB), predecessor=ROOM)
    store.apply(batch(new, direct={BOB: [ROOM, OTHER]}))
    assert store.upgrades.wanted() == ()
    assert store.people()[0].room_id == OTHER


def test_new_room_that_i_left_is_not_entered_again(store: Store) -> None:
    upgraded(store)
    store.apply(batch(RoomUpdate(OTHER, members=members(BOB), predecessor=ROOM)))
    store.apply(batch(gone=(OTHER,)))
    assert store.upgrades.wanted() == ()


def test_invite_to_the_successor_is_no_request_unless_a_stranger_sends_it(store: Store) -> None:
    upgraded(store)
    store.apply(batch(invites=(Invite(OTHER, BOB, Safe("Bob"), False, T0),)))
    assert store.invites() == ()
    assert store.upgrades.is_invited(OTHER)
    store.apply(batch(invites=(Invite(OTHER, CAROL, Safe("Carol"), False, T0),)))
    assert [invite.inviter for invite in store.invites()] == [CAROL]
    assert not store.upgrades.is_invited(OTHER)
    store.add_intent(Decline(OTHER, CAROL))


def test_unsent_messages_go_along_into_the_new_room(store: Store) -> None:
    upgraded(store)
    number = store.add_intent(WISH)
    store.queue_message(BOB, ROOM, FIRST, said("one"), at())
    store.mark_sending(FIRST)
    store.mark_refused(FIRST, "Forbidden.")
    store.queue_message(BOB, ROOM, TransactionId("t2"), said("two"), at())
    waiting = store.message(FIRST)
    assert waiting is not None
    assert (waiting.state, waiting.failure) == (SendState.FAILED, AWAITS_ROOM)
    store.apply(batch(RoomUpdate(OTHER, members=members(BOB), predecessor=ROOM, encrypted=True)))
    store.settle_intent(number, Outcome(ok=True, room_id=OTHER))
    outgoing = store.next_outgoing(())
    assert outgoing is not None
    assert (outgoing.content, outgoing.room_id, outgoing.encrypted) == (said("one"), OTHER, True)
    second = store.message(TransactionId("t2"))
    assert second is not None
    assert (second.room_id, second.state) == (OTHER, SendState.QUEUED)


def test_message_under_way_during_the_upgrade_goes_along_when_it_is_refused(store: Store) -> None:
    upgraded(store)
    store.queue_message(BOB, ROOM, FIRST, said("one"), at())
    store.mark_sending(FIRST)
    new = RoomUpdate(OTHER, members=members(BOB), predecessor=ROOM)
    store.apply(batch(new, direct={BOB: [ROOM, OTHER]}))
    store.mark_refused(FIRST, "Forbidden.")
    outgoing = store.next_outgoing(())
    assert outgoing is not None
    assert outgoing.room_id == OTHER


def test_refusal_in_a_room_that_was_not_upgraded_is_told(store: Store) -> None:
    talk(store)
    store.queue_message(BOB, ROOM, FIRST, said("one"), at())
    store.mark_refused(FIRST, "Forbidden.")
    message = store.message(FIRST)
    assert message is not None
    assert (message.state, message.failure) == (SendState.FAILED, "Forbidden.")
