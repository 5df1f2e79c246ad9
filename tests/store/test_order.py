from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dmtui.core.events import History, RoomUpdate, TimelineEvent
from dmtui.core.model import Cursor
from dmtui.store.store import Gap, Store
from tests.new_store import passing_store
from tests.store.conftest import (
    BOB,
    ME,
    OTHER,
    ROOM,
    batch,
    bodies,
    first_sync,
    history,
    line,
    members,
    news,
)


def test_batch_applied_again_changes_nothing(store: Store) -> None:
    first = first_sync(line("one", 1))
    store.apply(first)
    again = news(line("two", 2), line("three", 3), limited=True, prev_batch="p1")
    store.apply(again)
    gaps = store.holes()
    assert store.apply(again) == frozenset()
    assert store.apply(first) == frozenset()
    assert bodies(store) == ["one", "two", "three"]
    assert store.holes() == gaps


def test_limited_timeline_leaves_a_hole_that_history_fills(store: Store) -> None:
    store.apply(first_sync(line("1", 1), line("2", 2)))
    store.apply(news(line("7", 7), line("8", 8), limited=True, prev_batch="p7"))
    assert store.holes() == (Gap(ROOM, "p7", beginning=False),)
    store.apply_history(store.holes()[0], history(line("5", 5), line("6", 6), end="p5"))
    assert store.holes() == (Gap(ROOM, "p5", beginning=False),)
    store.apply(news(line("9", 9)))
    store.apply_history(
        store.holes()[0], history(line("1", 1), line("2", 2), line("3", 3), line("4", 4), end="p1")
    )
    assert store.holes() == ()
    assert bodies(store) == list("123456789")


def test_page_of_a_filled_hole_applied_again_changes_nothing(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    store.apply(news(line("4", 4), limited=True, prev_batch="p4"))
    (hole,) = store.holes()
    page = history(line("2", 2), line("3", 3), end="p2")
    assert store.apply_history(hole, page)
    assert store.apply_history(hole, page) == frozenset()
    assert bodies(store) == list("1234")


def test_limited_timeline_without_events_keeps_its_hole_until_news(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    store.apply(news(limited=True, prev_batch="p3"))
    store.apply_history(store.holes()[0], history(line("3", 3), end="p2"))
    store.apply(news(line("4", 4)))
    store.apply_history(store.holes()[0], history(line("1", 1), line("2", 2), end="p0"))
    assert bodies(store) == list("1234")
    assert store.holes() == ()


def test_hole_without_events_takes_news_before_it_is_filled(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    store.apply(news(limited=True, prev_batch="p3"))
    store.apply(news(line("3", 3)))
    store.apply_history(store.holes()[0], history(line("1", 1), line("2", 2), end="p0"))
    assert bodies(store) == list("123")


def test_history_goes_back_to_the_beginning(store: Store) -> None:
    store.apply(first_sync(line("3", 3)))
    page = store.messages(BOB, None, 50)
    assert (page.more, page.complete) == (False, False)
    gap = store.gap_before(BOB, page.messages[0].cursor)
    assert gap == Gap(ROOM, "p0", beginning=True)
    store.apply_history(gap, history(line("2", 2), end="p1"))
    gap = store.gap_before(BOB, None)
    assert gap == Gap(ROOM, "p1", beginning=True)
    store.apply_history(gap, history(line("1", 1), end=None))
    assert store.gap_before(BOB, None) is None
    assert store.messages(BOB, None, 50).complete
    assert bodies(store) == list("123")


def test_fresh_snapshot_that_overlaps_leaves_no_hole_and_no_double(store: Store) -> None:
    store.apply(first_sync(line("1", 1), line("2", 2)))
    store.apply(first_sync(line("2", 2), line("3", 3), prev_batch="p2"))
    assert bodies(store) == list("123")
    assert store.holes() == ()


def test_fresh_snapshot_that_does_not_overlap_leaves_a_hole(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    store.apply(first_sync(line("3", 3), prev_batch="p3"))
    assert store.holes() == (Gap(ROOM, "p3", beginning=False),)


def test_fresh_snapshot_over_a_hole_closes_it(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    store.apply(news(line("3", 3), limited=True, prev_batch="p3"))
    store.apply(first_sync(line("1", 1), line("2", 2), line("3", 3), line("4", 4)))
    assert bodies(store) == list("1234")
    assert store.holes() == ()


def test_wrong_clocks_do_not_change_the_order_of_a_room(store: Store) -> None:
    store.apply(first_sync(line("3", -5000), line("4", 10**9)))
    store.apply(news(line("7", 3), line("8", -(10**6)), limited=True, prev_batch="p7"))
    store.apply_history(
        store.holes()[0], history(line("4", 10**9), line("5", 10**7), line("6", -(10**8)))
    )
    gap = store.gap_before(BOB, Cursor(-(1 << 60)))
    assert gap is not None
    store.apply_history(gap, history(line("1", 10**8), line("2", 0)))
    assert bodies(store) == list("12345678")


def test_two_rooms_of_one_person_read_as_one_by_time(store: Store) -> None:
    store.apply(
        batch(
            RoomUpdate(ROOM, timeline=(line("1", 1), line("3", 3)), members=members(BOB)),
            RoomUpdate(
                OTHER, timeline=(line("2", 2), line("4", 4)), members=members(BOB), encrypted=True
            ),
            direct={BOB: [ROOM, OTHER]},
        )
    )
    assert bodies(store) == list("1234")
    (bob,) = store.people()
    assert (bob.room_id, bob.unread, bob.preview) == (OTHER, 4, "4")
    page = store.messages(BOB, None, 3)
    assert [message.body for message in page.messages] == list("234")
    assert page.more
    older = store.messages(BOB, page.messages[0].cursor, 3)
    assert [message.body for message in older.messages] == ["1"]
    refreshed = store.messages_from(BOB, page.messages[0].cursor)
    assert refreshed.messages == page.messages


class _Server:
    """A room's true order, and what sync and paging answer about it."""

    def __init__(self, times: list[int]):
        self.events = [line(str(index), at) for index, at in enumerate(times)]
        self.seen = 0

    def sync(self, upto: int, limit: int, initial: bool) -> RoomUpdate:
        start = 0 if initial else self.seen
        missing = upto - start > limit
        start = max(start, upto - limit)
        self.seen = upto
        return RoomUpdate(
            ROOM,
            initial=initial,
            limited=missing,
            prev_batch=str(start) if start else None,
            timeline=tuple(self.events[start:upto]),
            members=members(BOB) if initial else (),
        )

    def history(self, before: str, limit: int) -> History:
        end = int(before)
        start = max(end - limit, 0)
        page: tuple[TimelineEvent, ...] = tuple(reversed(self.events[start:end]))
        return History(page, str(start) if start else None)


_ACTS = st.lists(
    st.tuples(
        st.sampled_from(["live", "live", "live", "fresh", "fill", "fill", "again", "page again"]),
        st.integers(1, 6),
        st.integers(1, 4),
    ),
    max_size=30,
)
_TIMES = st.lists(st.integers(-(10**6), 10**6), min_size=40, max_size=40)


@settings(max_examples=120, deadline=None)
@given(acts=_ACTS, times=st.one_of(_TIMES, st.just(list(range(40)))))
def test_any_mixture_of_news_history_and_replays_ends_in_the_servers_order(
    acts: list[tuple[str, int, int]], times: list[int]
) -> None:
    with passing_store(ME) as store:
        _play(store, _Server(times), acts)


def _play(store: Store, server: _Server, acts: list[tuple[str, int, int]]) -> None:
    last = batch(server.sync(3, 2, True), direct={BOB: [ROOM]})
    store.apply(last)
    page: tuple[Gap, History] | None = None
    for act, count, limit in acts:
        gap = next(iter(store.holes()), None) or store.gap_before(BOB, None)
        if act in ("live", "fresh"):
            last = batch(server.sync(min(server.seen + count, 40), limit, act == "fresh"))
            store.apply(last)
        elif act == "again":
            store.apply(last)
        elif act == "page again" and page is not None:
            store.apply_history(*page)
        elif act == "fill" and gap is not None:
            page = (gap, server.history(gap.before, limit))
            store.apply_history(*page)
        stored = [int(body) for body in bodies(store)]
        assert stored == sorted(set(stored))
    while (gap := store.gap_before(BOB, None)) is not None:
        store.apply_history(gap, server.history(gap.before, 3))
    assert [int(body) for body in bodies(store)] == list(range(server.seen))
    assert store.messages(BOB, None, 5).complete
