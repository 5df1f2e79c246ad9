from __future__ import annotations

from dmtui.core.events import RoomUpdate
from dmtui.core.model import Cursor, EventId, Page, RoomId
from dmtui.store.store import Store
from tests.store.conftest import BOB, CAROL, OTHER, ROOM, batch, first_sync, line, members, news

SECOND = RoomId("!second")


def two_rooms(store: Store) -> None:
    """Bob's messages take turns between two rooms: even ones here, odd ones there."""
    store.apply(first_sync(prev_batch=None))
    here = tuple(line(f"m{n:02}", n) for n in range(0, 40, 2))
    there = tuple(line(f"m{n:02}", n) for n in range(1, 40, 2))
    update = RoomUpdate(SECOND, initial=True, timeline=there, members=members(BOB), created_at=1)
    store.apply(batch(RoomUpdate(ROOM, timeline=here), update, direct={BOB: [ROOM, SECOND]}))


def key(store: Store, name: str) -> str:
    found = store.key_of(BOB, EventId(f"${name}"))
    assert found is not None
    return found


def names(page: Page | None) -> list[str]:
    assert page is not None
    return [message.body for message in page.messages]


def test_the_window_around_an_old_message_holds_every_room_of_the_person(store: Store) -> None:
    two_rooms(store)
    page = store.around(BOB, key(store, "m20"), 3)
    assert names(page) == [f"m{n}" for n in range(17, 24)]
    assert page is not None
    assert page.more
    assert page.newer


def test_paging_on_from_a_window_meets_the_end_without_a_gap_or_a_repetition(store: Store) -> None:
    two_rooms(store)
    page = store.around(BOB, key(store, "m05"), 2)
    shown = names(page)
    while page is not None and page.newer:
        page = store.messages_after(BOB, page.messages[-1].cursor, 7)
        shown += names(page)
    assert shown == [f"m{n:02}" for n in range(3, 40)]


def test_a_window_is_read_again_without_what_follows_it(store: Store) -> None:
    two_rooms(store)
    page = store.around(BOB, key(store, "m20"), 2)
    assert page is not None
    first, last = page.messages[0].cursor, page.messages[-1].cursor
    again = store.messages_from(BOB, first, last)
    assert again.messages == page.messages
    assert again.newer
    assert not store.messages_from(BOB, first).newer


def test_the_window_around_the_newest_message_is_the_end(store: Store) -> None:
    two_rooms(store)
    page = store.around(BOB, key(store, "m39"), 2)
    assert names(page) == ["m37", "m38", "m39"]
    assert page is not None
    assert not page.newer


def test_nothing_is_shown_around_what_is_no_message_of_the_conversation(store: Store) -> None:
    two_rooms(store)
    store.apply(news(line("else", 3, CAROL), room=OTHER, initial=True, members=members(CAROL)))
    assert store.around(BOB, "4711", 5) is None
    assert store.around(BOB, "", 5) is None
    assert store.around(CAROL, key(store, "m20"), 5) is None
    assert store.key_of(BOB, EventId("$else")) is None
    assert store.messages_after(BOB, Cursor(1 << 62), 5).messages == ()
