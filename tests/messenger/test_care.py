"""The guard of ``m.direct`` and the doctor's acts, against what other clients do."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from dmtui.core.doctor import Ailment, examine, repair_of
from dmtui.core.errors import ServerTrouble
from dmtui.core.intents import DirectAction, EditDirect, TidyDirect
from dmtui.core.model import JsonObject, RoomId
from tests.fakes import BOB, CAROL, ME
from tests.messenger.conftest import Desk

ADD = EditDirect(DirectAction.ADD, BOB, RoomId("!r"))


A = RoomId("!a")
T = TypeVar("T")


async def finished(desk: Desk, act: Coroutine[None, None, T]) -> T:
    task = asyncio.ensure_future(act)
    await desk.until(task.done)
    return task.result()


def puts(desk: Desk) -> int:
    return desk.server.count("set_account_data")


async def with_friends(desk: Desk) -> JsonObject:
    """A map of five chats, seen by dmtui."""
    for _ in range(5):
        await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    await desk.until(desk.messenger.care.versions)
    return desk.server.data["m.direct"]


async def test_mass_loss_is_restored_in_one_write_beside_what_was_added(desk: Desk) -> None:
    full = await with_friends(desk)
    await desk.server.edit_direct({CAROL: ["!new"]})
    await desk.until(desk.messenger.care.trouble)
    mending = asyncio.ensure_future(desk.messenger.care.mend())
    await desk.until(mending.done)
    assert desk.server.data["m.direct"] == {CAROL: ["!new"], **full}
    assert puts(desk) == 1
    assert desk.messenger.care.trouble() is None


async def test_two_losses_in_a_row_are_restored_together_in_one_write(desk: Desk) -> None:
    first = await with_friends(desk)
    rooms = first[BOB]
    assert isinstance(rooms, list)
    await desk.server.edit_direct({CAROL: ["!new"]})
    await desk.until(desk.messenger.care.trouble)
    moved: JsonObject = {CAROL: ["!new", *rooms[:4]]}
    await desk.server.edit_direct(moved)
    await desk.until(lambda: len(desk.messenger.care.versions()) == 3)
    await desk.server.edit_direct({CAROL: ["!newer"]})
    await desk.until(lambda: len(desk.messenger.care.versions()) == 4)
    trouble = desk.messenger.care.trouble()
    assert trouble is not None
    assert trouble.lost == set(rooms)
    await finished(desk, desk.messenger.care.mend())
    restored = desk.server.data["m.direct"]
    listed = [room for value in restored.values() if isinstance(value, list) for room in value]
    assert sorted(map(str, listed)) == sorted(map(str, ["!new", "!newer", *rooms]))
    assert puts(desk) == 1
    assert desk.messenger.care.trouble() is None


async def test_loss_that_another_client_mends_is_no_trouble_any_more(desk: Desk) -> None:
    full = await with_friends(desk)
    await desk.server.edit_direct({})
    await desk.until(desk.messenger.care.trouble)
    await desk.server.edit_direct(full)
    await desk.until(lambda: desk.messenger.care.trouble() is None)
    assert puts(desk) == 0


async def test_of_many_versions_the_last_fifty_stay_with_who_wrote_them(desk: Desk) -> None:
    await desk.start()
    for number in range(55):
        await desk.server.edit_direct({CAROL: [f"!{number}"]})
        await desk.until(
            lambda number=number: desk.store.direct() == {CAROL: [f"!{number}"]}  # type: ignore[misc]
        )
    await finished(desk, desk.messenger.care.repair((EditDirect(DirectAction.ADD, BOB, A),)))
    versions = desk.messenger.care.versions()
    assert len(versions) == 50
    assert [version.ours for version in versions] == [True, *[False] * 49]
    assert versions[0].content == {CAROL: ["!54"], BOB: [A]}
    assert versions[49].content == {CAROL: ["!6"]}


async def test_nothing_is_restored_unless_the_user_wants_it(desk: Desk) -> None:
    await with_friends(desk)
    await desk.server.edit_direct({})
    await desk.until(desk.messenger.care.trouble)
    await desk.messenger.care.leave_so()
    assert desk.messenger.care.trouble() is None
    await desk.restart()
    assert desk.messenger.care.trouble() is None
    assert (desk.server.data["m.direct"], puts(desk)) == ({}, 0)


async def test_loss_while_dmtui_was_away_is_noticed_at_the_next_start(desk: Desk) -> None:
    await with_friends(desk)
    await desk.restart_offline()
    await desk.server.edit_direct({})
    await desk.until(desk.messenger.care.trouble)


async def test_edit_that_another_client_keeps_undoing_is_told_and_tried_again_on_demand(
    desk: Desk,
) -> None:
    await desk.start()
    desk.hand_over(ADD)
    for written in range(1, 5):
        await desk.until(lambda written=written: puts(desk) == written)  # type: ignore[misc]
        desk.server.data["m.direct"] = {}
    await desk.until(desk.messenger.care.trouble)
    trouble = desk.messenger.care.trouble()
    assert trouble is not None
    assert trouble.undone == (ADD,)
    assert "keeps undoing" in trouble.words
    mending = asyncio.ensure_future(desk.messenger.care.mend())
    await desk.until(mending.done)
    assert desk.server.data["m.direct"] == {BOB: ["!r"]}
    assert desk.messenger.care.trouble() is None


async def test_edit_undone_again_and_again_within_a_minute_ends_as_a_conflict(desk: Desk) -> None:
    await desk.start()
    desk.hand_over(ADD)
    for _ in range(4):
        await desk.until(lambda: desk.server.data.get("m.direct") == {BOB: ["!r"]})
        await desk.until(lambda: desk.store.pending_intents() == ())
        await desk.server.edit_direct({})
    await desk.until(desk.messenger.care.trouble)
    written = puts(desk)
    await desk.server.edit_direct({CAROL: ["!c"]})
    await desk.until(lambda: desk.store.direct() == {CAROL: ["!c"]})
    assert (puts(desk), desk.server.data["m.direct"]) == (written, {CAROL: ["!c"]})


async def test_repair_is_one_write_and_undo_gives_back_the_map_as_it_was(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob", listed=False)
    broken: JsonObject = {"[object Object]": [room_id], CAROL: None, ME: [], BOB: ["!x", "!x"]}
    await desk.server.edit_direct(dict(broken))
    await desk.start()
    examining = asyncio.ensure_future(desk.messenger.care.examine())
    await desk.until(examining.done)
    survey = examining.result()
    assert survey is not None
    found = examine(survey, ME)
    assert [finding.ailment for finding in found] == [
        Ailment.NOT_A_USER,
        Ailment.MALFORMED,
        Ailment.DUPLICATE,
        Ailment.UNKNOWN_ROOM,
    ]
    assert puts(desk) == 0
    repairing = asyncio.ensure_future(desk.messenger.care.repair(repair_of(found)))
    await desk.until(repairing.done)
    assert desk.server.data["m.direct"] == {ME: [], BOB: [room_id]}
    assert puts(desk) == 1
    assert desk.messenger.care.can_undo
    undoing = asyncio.ensure_future(desk.messenger.care.undo())
    await desk.until(undoing.done)
    assert list(desk.server.data["m.direct"].items()) == list(broken.items())
    assert puts(desk) == 2
    assert not desk.messenger.care.can_undo


async def test_undo_after_a_restart_keeps_what_others_wrote_since(desk: Desk) -> None:
    await desk.server.edit_direct({BOB: ["!x", "!x"], CAROL: None})
    await desk.start()
    changes = (TidyDirect(BOB), TidyDirect(CAROL))
    repairing = asyncio.ensure_future(desk.messenger.care.repair(changes))
    await desk.until(repairing.done)
    await desk.server.edit_direct({BOB: ["!x", "!new"]})
    await desk.restart()
    undoing = asyncio.ensure_future(desk.messenger.care.undo())
    await desk.until(undoing.done)
    assert desk.server.data["m.direct"] == {BOB: ["!x", "!new"], CAROL: None}


async def test_lost_flag_is_found_among_the_rooms_that_the_map_lacks(desk: Desk) -> None:
    room_id = await desk.server.invite(BOB, "Bob")
    await desk.server.join(room_id)
    mine = await desk.server.create_direct_room(CAROL, "n", encrypted=False)
    ordinary = await desk.server.invite(BOB, "Bob", direct=False)
    await desk.server.join(ordinary)
    await desk.start()
    examining = asyncio.ensure_future(desk.messenger.care.examine())
    await desk.until(examining.done)
    survey = examining.result()
    assert survey is not None
    found = examine(survey, ME)
    assert [finding.ailment for finding in found if not finding.candidate] == (
        [Ailment.LOST_FLAG] * 2
    )
    assert set(repair_of(found)) == {
        EditDirect(DirectAction.ADD, BOB, room_id),
        EditDirect(DirectAction.ADD, CAROL, mine),
    }


async def test_examination_that_fails_is_told_and_goes_on_later(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    desk.server.fail("members", ServerTrouble("502"))
    examining = asyncio.ensure_future(desk.messenger.care.examine())
    await desk.until(examining.done)
    assert examining.result() is None
    assert "examined" in desk.messenger.pending()[0]
    await desk.until(lambda: desk.store.pending_intents() == ())
    assert desk.store.directs.survey() is not None
