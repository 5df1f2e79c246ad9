from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from dmtui.core.errors import FileTrouble, Refused, Unreachable
from dmtui.core.intents import SetName, SetPicture, SetPresence, SetStatus
from dmtui.core.model import Availability, Presence, Profile, Safe
from dmtui.messenger.introducing import UNSEEN
from tests.fakes import ME

if TYPE_CHECKING:
    from tests.messenger.conftest import Desk


def picture(path: Path, colour: str = "red") -> Path:
    Image.new("RGB", (600, 300), colour).save(path)
    return path


def avatar(desk: Desk) -> str:
    return desk.server.profiles.get(ME, Profile(ME, Safe(""))).avatar


def copies(desk: Desk) -> list[Path]:
    return list(desk.store.outgoing_files.glob("*"))


async def test_name_chosen_offline_is_set_after_a_crash(desk: Desk) -> None:
    desk.server.profiles[ME] = Profile(ME, Safe("Me"))
    desk.server.fail("set_display_name", Unreachable("no network"), times=2)
    await desk.messenger.start()
    assert await desk.messenger.own_profile.set_name(" New\nname ") is None
    await desk.restart()
    await desk.until(lambda: desk.server.profiles[ME].name == "New name")
    await desk.until(lambda: not desk.messenger.pending())


async def test_of_several_names_that_wait_the_last_one_is_set(desk: Desk) -> None:
    desk.server.fail("set_display_name", Unreachable("no network"), times=1)
    for intent in (SetName("one"), SetName("two"), SetStatus("here"), SetName("three")):
        desk.store.add_intent(intent)
    waiting = [entry.intent for entry in desk.store.pending_intents()]
    assert waiting == [SetStatus("here"), SetName("three")]
    await desk.messenger.start()
    await desk.until(lambda: not desk.store.pending_intents())
    assert desk.server.profiles[ME].name == "three"
    assert desk.server.presences[ME].status == "here"


async def test_what_the_server_does_not_know_of_me_is_empty(desk: Desk) -> None:
    await desk.messenger.start()
    seen = await desk.messenger.own_profile.seen()
    assert (seen.profile, seen.presence) == (
        Profile(ME, Safe("")),
        Presence(Availability.OFFLINE),
    )
    desk.server.fail("presence", Refused("Presence is not kept here.", 403, "M_FORBIDDEN"))
    assert (await desk.messenger.own_profile.seen()).presence is None


# -- picture --------------------------------------------------------------------------------


async def test_picture_is_scaled_uploaded_and_shown_to_everybody(
    desk: Desk, tmp_path: Path
) -> None:
    desk.server.profiles[ME] = Profile(ME, Safe("Me"))
    await desk.start()
    outcome = await desk.messenger.own_profile.set_picture(picture(tmp_path / "me.png"))
    assert outcome is not None
    assert outcome.ok
    content, key = desk.server.files[avatar(desk)]
    assert key is None
    with Image.open(BytesIO(content)) as shown:
        assert (shown.format, shown.size) == ("JPEG", (512, 256))
    assert desk.server.profiles[ME].name == "Me"
    await desk.until(lambda: not copies(desk))


async def test_picture_chosen_offline_is_set_after_a_crash_without_the_original(
    desk: Desk, tmp_path: Path
) -> None:
    desk.server.fail("upload", Unreachable("no network"), times=2)
    await desk.messenger.start()
    chosen = picture(tmp_path / "me.png")
    assert await desk.messenger.own_profile.set_picture(chosen) is None
    assert desk.messenger.pending() == ("your new picture is on its way",)
    chosen.unlink()
    assert desk.store.copies() == {file.name for file in copies(desk)} != set()
    await desk.restart()
    await desk.until(lambda: avatar(desk) in desk.server.files)
    await desk.until(lambda: not desk.messenger.pending() and not copies(desk))


async def test_picture_is_uploaded_once_though_setting_it_was_interrupted(
    desk: Desk, tmp_path: Path
) -> None:
    desk.server.fail("set_avatar", Unreachable("no network"), times=2)
    await desk.messenger.start()
    assert await desk.messenger.own_profile.set_picture(picture(tmp_path / "me.png")) is None
    await desk.restart()
    await desk.until(lambda: avatar(desk))
    assert desk.server.count("upload") == 1


async def test_picture_removed_while_another_is_on_its_way_stays_removed(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.start()
    gate = desk.server.hold("uploading")
    chosen = picture(tmp_path / "me.png")
    setting = asyncio.create_task(desk.messenger.own_profile.set_picture(chosen))
    await desk.until(lambda: desk.server.count("upload"))
    removing = asyncio.create_task(desk.messenger.own_profile.remove_picture())
    await desk.until(lambda: [e.intent for e in desk.store.pending_intents()] == [SetPicture("")])
    gate.set()
    await desk.until(lambda: setting.done() and removing.done())
    await desk.until(lambda: not desk.messenger.pending() and not copies(desk))
    assert avatar(desk) == ""
    assert [call.arguments for call in desk.server.calls if call.name == "set_avatar"] == [("",)]


async def test_nothing_is_left_of_a_picture_that_another_has_taken_the_place_of(desk: Desk) -> None:
    desk.store.outgoing_files.mkdir(parents=True)
    for name in ("one", "two"):
        picture(desk.store.outgoing_files / f"{name}.png")
        desk.hand_over(SetPicture(f"{name}.png", "image/png"))
    await desk.start()
    await desk.until(lambda: avatar(desk) and not desk.messenger.pending())
    assert not copies(desk)


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n" + b"\0" * 30])
async def test_file_that_is_no_picture_is_refused_and_nothing_is_kept(
    desk: Desk, tmp_path: Path, content: bytes
) -> None:
    await desk.start()
    (tmp_path / "me.png").write_bytes(content)
    with pytest.raises(FileTrouble, match="can't be your picture"):
        await desk.messenger.own_profile.set_picture(tmp_path / "me.png")
    with pytest.raises(FileTrouble, match="can't be read"):
        await desk.messenger.own_profile.set_picture(tmp_path / "nothing.png")
    with pytest.raises(FileTrouble, match="is no file"):
        await desk.messenger.own_profile.set_picture(tmp_path)
    assert not copies(desk)
    assert not desk.store.pending_intents()


async def test_picture_that_the_server_refuses_is_told_and_not_tried_again(
    desk: Desk, tmp_path: Path
) -> None:
    desk.server.fail("upload", Refused("No pictures here.", 403, "M_FORBIDDEN"))
    await desk.start()
    outcome = await desk.messenger.own_profile.set_picture(picture(tmp_path / "me.png"))
    assert outcome is not None
    assert (outcome.ok, outcome.message) == (False, "No pictures here.")
    await desk.until(lambda: not copies(desk))


async def test_picture_whose_copy_is_lost_is_given_up(desk: Desk) -> None:
    desk.server.fail("upload", FileTrouble("The file can't be read: No such file."))
    number = desk.hand_over(SetPicture("gone", "image/png"))
    await desk.start()
    await desk.until(lambda: not desk.store.pending_intents())
    entry = desk.store.intent(number)
    assert entry is not None
    assert entry.outcome is not None
    assert not entry.outcome.ok


# -- presence -------------------------------------------------------------------------------


def seen(desk: Desk) -> Availability:
    return desk.server.presences.get(ME, Presence(Availability.OFFLINE)).availability


async def test_nothing_is_said_of_my_presence_unless_i_choose_to(desk: Desk) -> None:
    await desk.start()
    assert desk.messenger.own_profile.presence is None
    assert seen(desk) is Availability.OFFLINE
    assert desk.server.count("set_presence") == 0


async def test_presence_chosen_is_said_by_sync_at_once_and_after_a_restart(desk: Desk) -> None:
    desk.server.presences[ME] = Presence(Availability.OFFLINE, Safe("at the sea"))
    await desk.start()
    outcome = await desk.messenger.own_profile.set_presence(Availability.UNAVAILABLE)
    assert outcome is not None
    assert outcome.ok
    assert desk.server.presences[ME] == Presence(Availability.UNAVAILABLE, Safe("at the sea"), 0)
    desk.server.presences[ME] = Presence(Availability.OFFLINE, Safe("at the sea"))
    await desk.restart()
    await desk.until(lambda: seen(desk) is Availability.UNAVAILABLE)
    assert desk.server.count("set_presence") == 1
    assert desk.messenger.own_profile.presence is Availability.UNAVAILABLE


async def test_running_sync_is_asked_anew_when_another_presence_is_chosen(desk: Desk) -> None:
    await desk.start()
    desk.server.fail("set_presence", Refused("Not here.", 403, "M_FORBIDDEN"))
    await desk.messenger.own_profile.set_presence(Availability.ONLINE)
    await desk.until(lambda: seen(desk) is Availability.ONLINE)


async def test_presence_chosen_offline_is_kept_and_the_last_one_counts(desk: Desk) -> None:
    desk.server.fail("set_presence", Unreachable("no network"), times=1)
    for choice in (Availability.ONLINE, Availability.UNAVAILABLE, Availability.OFFLINE):
        desk.store.add_intent(SetPresence(choice))
    assert desk.store.presence() is Availability.OFFLINE
    await desk.start()
    await desk.until(lambda: not desk.store.pending_intents())
    said = [call.arguments for call in desk.server.calls if call.name == "set_presence"]
    assert set(said) == {(Availability.OFFLINE, "")}


async def test_what_was_said_of_my_presence_is_taken_back(desk: Desk) -> None:
    await desk.start()
    await desk.messenger.own_profile.set_presence(Availability.ONLINE)
    await desk.messenger.own_profile.set_presence(None)
    assert desk.store.presence() is None
    assert seen(desk) is Availability.OFFLINE


async def test_status_goes_with_the_presence_that_i_have_chosen(desk: Desk) -> None:
    await desk.start()
    await desk.messenger.own_profile.set_presence(Availability.OFFLINE)
    await desk.messenger.own_profile.set_status("not really here")
    assert desk.server.presences[ME] == Presence(Availability.OFFLINE, Safe("not really here"), 0)


async def test_server_that_keeps_no_presence_is_told_of_plainly(desk: Desk) -> None:
    desk.server.keeps_presence = False
    await desk.start()
    for act in (
        desk.messenger.own_profile.set_presence(Availability.ONLINE),
        desk.messenger.own_profile.set_status("hello"),
    ):
        outcome = await act
        assert outcome is not None
        assert (outcome.ok, outcome.message) == (False, UNSEEN)
