"""The doctor's screen and the guard's notice: told, never written unasked, one key to mend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.errors import ServerTrouble
from dmtui.core.intents import DirectAction, EditDirect
from dmtui.core.model import RoomId
from dmtui.ui.screens.doctor import LATER, Doctor
from tests.fakes import BOB, CAROL

if TYPE_CHECKING:
    from dmtui.core.model import JsonObject
    from tests.ui.stage import Stage


def writes(stage: Stage) -> int:
    return stage.server.count("set_account_data")


async def open_doctor(stage: Stage) -> None:
    await stage.app.run_action("doctor", stage.main)
    await stage.until(lambda: isinstance(stage.app.screen, Doctor))
    await stage.until(lambda: "order." in stage.text() or "A repair changes" in stage.text())
    await stage.until(lambda: "Examining" not in stage.text())


async def test_doctor_shows_the_difference_repairs_in_one_write_and_undoes(stage: Stage) -> None:
    broken: JsonObject = {BOB: None, CAROL: ["!never", "!never"]}
    await stage.server.edit_direct(dict(broken))
    async with stage.open((120, 36)) as pilot:
        await open_doctor(stage)
        await stage.until(stage.shows('- "@bob:example.org": null'))
        assert "lists a room more than once" in stage.text()
        assert writes(stage) == 0
        await pilot.press("a")
        await stage.until(stage.shows("Repaired."))
        assert stage.server.data["m.direct"] == {}
        assert "is in order" in stage.text()
        await pilot.press("u")
        await stage.until(stage.shows("The repair was taken back."))
        assert stage.server.data["m.direct"] == broken
        assert writes(stage) == 2
        await pilot.press("escape")
        await stage.until(lambda: not isinstance(stage.app.screen, Doctor))


async def test_only_what_is_chosen_is_repaired(stage: Stage) -> None:
    await stage.server.edit_direct({BOB: None, CAROL: ["!never", "!never"]})
    async with stage.open((120, 36)) as pilot:
        await open_doctor(stage)
        assert stage.text().count("[✓]") == 3
        await pilot.press("space")
        await stage.until(lambda: stage.text().count("[✓]") == 2)
        assert '- "@bob:example.org": null' not in stage.text()
        await pilot.press("down", "enter", "down", "space")
        await stage.until(stage.shows("Nothing is chosen"))
        await pilot.press("a")
        await stage.until(stage.shows("There is nothing to repair."))
        await pilot.press("up", "space", "a")
        await stage.until(stage.shows("Repaired."))
        assert stage.server.data["m.direct"] == {BOB: None, CAROL: ["!never"]}
        assert writes(stage) == 1


async def test_chat_never_marked_is_offered_and_marked_only_if_chosen(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob", listed=False)
    stage.server.rooms[room_id].creator = CAROL
    async with stage.open((120, 36)) as pilot:
        await stage.app.run_action("doctor", stage.main)
        await stage.until(stage.shows("could be a chat with @bob:example.org"))
        await stage.until(stage.shows("Nothing is chosen"))
        await pilot.press("a")
        await stage.until(stage.shows("There is nothing to repair."))
        assert writes(stage) == 0
        await pilot.press("space")
        await stage.until(stage.shows('+ "@bob:example.org": ["!room'))
        await pilot.press("a")
        await stage.until(stage.shows("Repaired."))
        assert stage.server.data["m.direct"] == {BOB: [room_id]}
        await stage.until(lambda: stage.row(BOB))


async def test_room_under_the_wrong_person_is_given_to_the_one_who_is_there(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(CAROL, "Carol")
    await stage.server.edit_direct({BOB: [room_id]})
    async with stage.open((140, 36)) as pilot:
        await open_doctor(stage)
        await stage.until(stage.shows("only @carol:example.org is there"))
        await pilot.press("a")
        await stage.until(stage.shows("Repaired."))
        assert stage.server.data["m.direct"] == {CAROL: [room_id]}
        await stage.until(lambda: stage.row(CAROL))


async def test_doctor_without_findings_or_repairs_writes_nothing(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open((80, 24)) as pilot:
        await open_doctor(stage)
        assert "is in order" in stage.text()
        await pilot.press("a")
        await stage.until(stage.shows("There is nothing to repair."))
        await pilot.press("u")
        await stage.until(stage.shows("There is no repair to take back."))
        assert writes(stage) == 0


async def test_doctor_says_when_the_server_can_not_be_asked(stage: Stage) -> None:
    async with stage.open((100, 30)):
        stage.server.fail("joined_rooms", ServerTrouble("502"), times=100)
        await stage.app.run_action("doctor", stage.main)
        await stage.until(stage.shows(LATER))
        stage.server.heal("joined_rooms")


async def test_earlier_version_is_merged_in_from_the_list(stage: Stage) -> None:
    room_id = await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open((100, 30)) as pilot:
        await stage.until(lambda: len(stage.messenger.care.versions()) == 1)
        await stage.server.edit_direct({CAROL: ["!c"]})
        await stage.until(lambda: len(stage.messenger.care.versions()) == 2)
        await open_doctor(stage)
        await pilot.press("v")
        await stage.until(stage.shows("Merge which one"))
        assert "1 person, 1 room, as another client wrote it" in stage.text()
        await pilot.press("2")
        await stage.until(stage.shows("Merged"))
        await pilot.press("v")
        await stage.until(stage.shows("2 people, 2 rooms, written by dmtui"))
        await pilot.press("escape")
        assert stage.server.data["m.direct"] == {CAROL: ["!c"], BOB: [room_id]}


async def test_mass_loss_is_told_and_one_key_puts_it_back(stage: Stage) -> None:
    for _ in range(5):
        await stage.server.have_direct_room(BOB, "Bob")
    full = stage.server.data["m.direct"]
    async with stage.open((110, 24)) as pilot:
        await stage.until(lambda: stage.row(BOB))
        await stage.until(stage.messenger.care.versions)
        await stage.server.edit_direct({CAROL: ["!c"]})
        await stage.until(stage.shows("5 chats lost: F8"))
        await stage.until(lambda: any("took 5 chats off" in line for line in stage.notices()))
        assert writes(stage) == 0
        await pilot.press("f8")
        await stage.until(lambda: stage.server.data["m.direct"] == {CAROL: ["!c"], **full})
        await stage.until(lambda: "lost" not in stage.main.status.notice)
        await stage.until(lambda: stage.row(BOB))
        assert writes(stage) == 1


async def test_loss_that_is_meant_is_left_so(stage: Stage) -> None:
    await stage.server.have_direct_room(BOB, "Bob")
    async with stage.open((110, 24)):
        await stage.until(stage.messenger.care.versions)
        await stage.server.edit_direct({})
        await stage.until(lambda: "F8" in stage.main.status.notice)
        await stage.app.run_action("leave_direct", stage.main)
        await stage.until(lambda: "F8" not in stage.main.status.notice)
        assert stage.server.data["m.direct"] == {}


async def test_edit_that_another_client_keeps_undoing_is_told(stage: Stage) -> None:
    async with stage.open((80, 24)):
        await stage.messenger.write_down(EditDirect(DirectAction.ADD, BOB, RoomId("!r")))
        for written in range(1, 5):
            await stage.until(lambda written=written: writes(stage) == written)  # type: ignore[misc]
            stage.server.data["m.direct"] = {}
        await stage.until(stage.shows("1 chat not kept as DM: F8"))
        await stage.until(lambda: any("keeps undoing" in line for line in stage.notices()))
        assert stage.server.data["m.direct"] == {}
