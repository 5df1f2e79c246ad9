from __future__ import annotations

from dmtui.core.events import ConversationsChanged, TimelineChanged
from dmtui.core.model import PeerState
from dmtui.store.store import Store
from tests.store.conftest import BOB, ROOM, T0, bodies, first_sync, line


def test_first_sync_makes_a_conversation(store: Store) -> None:
    changes = store.apply(first_sync(line("one", 1), line("two", 2)))
    assert changes == {ConversationsChanged(frozenset({BOB})), TimelineChanged(BOB)}
    (bob,) = store.people()
    assert (bob.user_id, bob.name, bob.room_id) == (BOB, "Bob", ROOM)
    assert (bob.latest, bob.preview, bob.unread) == (T0 + 2000, "two", 2)
    assert bob.peer is PeerState.JOINED
    assert bodies(store) == ["one", "two"]
    assert store.synced()
