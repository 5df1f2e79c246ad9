from __future__ import annotations

from dmtui.core.errors import ServerTrouble, Unreachable
from dmtui.core.intents import DirectAction, EditDirect
from dmtui.core.model import JsonObject, RoomId
from tests.fakes import BOB, CAROL
from tests.messenger.conftest import Desk

ROOM = RoomId("!r")
ADD = EditDirect(DirectAction.ADD, BOB, ROOM)


def puts(desk: Desk) -> int:
    return desk.server.count("set_account_data")


async def test_missing_map_is_created(desk: Desk) -> None:
    await desk.start()
    desk.hand_over(ADD)
    await desk.until(lambda: desk.server.data.get("m.direct") == {BOB: [ROOM]})
    await desk.until(lambda: desk.store.pending_intents() == ())
    assert puts(desk) == 1


async def test_identical_content_is_not_written(desk: Desk) -> None:
    desk.server.data["m.direct"] = {BOB: [ROOM]}
    await desk.start()
    desk.hand_over(ADD)
    await desk.until(lambda: desk.store.pending_intents() == ())
    assert puts(desk) == 0


async def test_failed_read_writes_nothing_and_stays_pending(desk: Desk) -> None:
    desk.server.data["m.direct"] = {CAROL: ["!c"]}
    await desk.start()
    desk.server.fail("account_data", ServerTrouble("502"), times=3)
    desk.hand_over(ADD)
    await desk.until(lambda: desk.server.count("account_data") >= 2)
    assert puts(desk) == 0
    assert desk.messenger.pending() == ("DM flag pending for bob",)
    await desk.until(lambda: desk.store.pending_intents() == ())
    assert desk.server.data["m.direct"] == {CAROL: ["!c"], BOB: [ROOM]}


async def test_malformed_entries_survive_a_write_verbatim(desk: Desk) -> None:
    malformed: JsonObject = {
        "@a:example.org": None,
        "[object Object]": ["!z"],
        "@b:example.org": ["!r", "!r", 5],
    }
    desk.server.data["m.direct"] = dict(malformed)
    await desk.start()
    desk.hand_over(ADD)
    await desk.until(lambda: desk.store.pending_intents() == ())
    assert desk.server.data["m.direct"] == {**malformed, BOB: [ROOM]}


async def test_nothing_is_written_before_the_first_sync_is_complete(desk: Desk) -> None:
    desk.server.fail("sync", Unreachable("no network"), times=3)
    desk.hand_over(ADD)
    await desk.messenger.start()
    await desk.server.called("sync", 1)
    assert puts(desk) == 0
    await desk.until(lambda: desk.server.data.get("m.direct") == {BOB: [ROOM]})
    assert desk.store.synced()


async def test_edit_overwritten_before_the_read_back_is_applied_again(desk: Desk) -> None:
    await desk.start()
    desk.hand_over(ADD)
    await desk.until(lambda: puts(desk) == 1)
    desk.server.data["m.direct"] = {CAROL: ["!c"]}
    await desk.until(lambda: desk.store.pending_intents() == ())
    assert desk.server.data["m.direct"] == {CAROL: ["!c"], BOB: [ROOM]}


async def test_edit_overwritten_soon_after_is_applied_again(desk: Desk) -> None:
    await desk.start()
    desk.hand_over(ADD)
    await desk.until(lambda: puts(desk) == 1)
    await desk.until(lambda: desk.store.pending_intents() == ())
    await desk.server.edit_direct({CAROL: ["!c"]})
    await desk.until(lambda: desk.server.data["m.direct"] == {CAROL: ["!c"], BOB: [ROOM]})


async def test_a_client_that_keeps_overwriting_wins_in_the_end(desk: Desk) -> None:
    await desk.start()
    number = desk.hand_over(ADD)
    for written in range(1, 5):
        await desk.until(lambda written=written: puts(desk) == written)  # type: ignore[misc]
        desk.server.data["m.direct"] = {}
    await desk.until(lambda: desk.store.pending_intents() == ())
    entry = desk.store.intent(number)
    assert entry is not None
    assert entry.outcome is not None
    assert not entry.outcome.ok
    assert "Another client" in entry.outcome.message


async def test_removal_takes_the_room_out_and_leaves_the_rest(desk: Desk) -> None:
    desk.server.data["m.direct"] = {BOB: ["!old", ROOM], CAROL: ["!c"]}
    await desk.start()
    desk.hand_over(EditDirect(DirectAction.REMOVE, BOB, ROOM))
    await desk.until(lambda: desk.store.pending_intents() == ())
    assert desk.server.data["m.direct"] == {BOB: ["!old"], CAROL: ["!c"]}


async def test_own_removal_is_not_taken_for_another_clients(desk: Desk) -> None:
    await desk.start()
    desk.hand_over(ADD)
    await desk.until(lambda: desk.server.data.get("m.direct") == {BOB: [ROOM]})
    desk.hand_over(EditDirect(DirectAction.REMOVE, BOB, ROOM))
    await desk.until(lambda: desk.server.data.get("m.direct") == {})
    await desk.until(lambda: desk.store.pending_intents() == ())
    written = puts(desk)
    await desk.server.edit_direct({CAROL: ["!c"]})
    await desk.until(lambda: desk.store.direct() == {CAROL: ["!c"]})
    assert desk.store.pending_intents() == ()
    assert puts(desk) == written


async def test_addition_and_removal_written_down_together_end_in_the_later_one(desk: Desk) -> None:
    desk.hand_over(ADD)
    removal = desk.hand_over(EditDirect(DirectAction.REMOVE, BOB, ROOM))
    desk.server.data["m.direct"] = {CAROL: ["!c"]}
    await desk.start()
    await desk.until(lambda: (entry := desk.store.intent(removal)) and entry.outcome)
    await desk.server.edit_direct({CAROL: ["!c"]})
    await desk.until(lambda: desk.store.direct() == {CAROL: ["!c"]})
    assert desk.store.pending_intents() == ()
    assert puts(desk) == 0


async def test_room_moved_to_one_user_is_not_put_back_under_the_other(desk: Desk) -> None:
    await desk.start()
    desk.hand_over(ADD)
    await desk.until(lambda: desk.server.data.get("m.direct") == {BOB: [ROOM]})
    desk.hand_over(EditDirect(DirectAction.MOVE, CAROL, ROOM))
    await desk.until(lambda: desk.server.data.get("m.direct") == {CAROL: [ROOM]})
    await desk.until(lambda: desk.store.pending_intents() == ())
    await desk.server.edit_direct({CAROL: [ROOM], "@d:x": ["!d"]})
    await desk.until(lambda: "@d:x" in (desk.store.direct() or {}))
    assert desk.store.pending_intents() == ()


async def test_clients_that_undo_an_edit_again_and_again_are_let_have_it(desk: Desk) -> None:
    await desk.start()
    desk.hand_over(ADD)
    for written in range(1, 5):
        await desk.until(lambda written=written: puts(desk) == written)  # type: ignore[misc]
        await desk.until(lambda: desk.store.pending_intents() == ())
        await desk.server.edit_direct({CAROL: ["!c"]})
    await desk.until(lambda: desk.store.direct() == {CAROL: ["!c"]})
    await desk.until(lambda: desk.store.pending_intents() == ())
    assert puts(desk) == 4
    assert desk.server.data["m.direct"] == {CAROL: ["!c"]}
