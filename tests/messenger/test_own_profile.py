from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.errors import Unreachable
from dmtui.core.intents import SetName, SetStatus
from dmtui.core.model import Profile, Safe
from tests.fakes import ME

if TYPE_CHECKING:
    from tests.messenger.conftest import Desk


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


async def test_name_that_the_server_does_not_know_is_empty(desk: Desk) -> None:
    await desk.messenger.start()
    assert await desk.messenger.own_profile.name() == ""
    assert await desk.messenger.own_profile.status() == ""
