from __future__ import annotations

from datetime import UTC

import pytest

from dmtui.core.errors import UnclearSearch
from dmtui.core.events import Redaction, RoomUpdate, SyncBatch, TimelineEvent
from dmtui.core.model import EventId
from dmtui.core.search import parse
from dmtui.store.store import Store
from tests.fakes import BOB, ME
from tests.messenger.conftest import Desk
from tests.store.test_search import before_the_index, words_on_disk


async def test_what_an_older_dmtui_has_stored_is_indexed_behind_the_rest(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB, "Bob", history=["hello"] * 600, shown=600)
    await desk.start()
    await desk.stop()
    before_the_index(desk.path)
    desk.store = Store.open(desk.path, ME)
    desk.messenger = desk._messenger()
    assert not desk.messenger.search.complete
    await desk.messenger.start()
    await desk.until(lambda: desk.messenger.search.complete)
    assert len(await desk.messenger.search.find(BOB, parse("hello", 0, UTC))) == 600


async def test_deleted_words_are_wiped_behind_the_rest(desk: Desk) -> None:
    room = await desk.server.have_direct_room(BOB, "Bob", history=["xyzzyplugh"])
    await desk.start()
    event_id = desk.messages()[0].event_id
    assert event_id is not None
    redaction = TimelineEvent(EventId("$redaction"), BOB, 1, Redaction(event_id))
    desk.store.apply(SyncBatch("token", rooms=(RoomUpdate(room, timeline=(redaction,)),)))
    await desk.until(lambda: "xyzzyplugh" not in words_on_disk(desk.path))


async def test_what_can_t_be_made_out_is_told_across_the_threads(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB, "Bob", history=["hello"])
    await desk.start()
    with pytest.raises(UnclearSearch, match="Nobody here is called zoe"):
        await desk.messenger.search.everywhere(parse("from:zoe", 0, UTC))
    found = await desk.messenger.search.everywhere(parse("hello", 0, UTC))
    assert [(hit.person, hit.name, hit.message.body) for hit in found.hits] == [
        (BOB, "Bob", "hello")
    ]
