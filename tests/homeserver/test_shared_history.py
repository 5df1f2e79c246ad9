"""Whether those who join later may have a session: as the room was when it began."""

from __future__ import annotations

import asyncio

import pytest

from tests.homeserver.talker import Party, Talker

VISIBILITY = "m.room.history_visibility"


def told(talker: Talker) -> dict[str, bool]:
    """What the talker holds of every session, by its ID."""
    return {key.session.id: key.shared_history for key in talker.crypto.room_keys()}


async def said(alice: Talker, bob: Talker, room_id: str, visibility: str) -> str:
    """The session of a message that Alice writes under this visibility."""
    content = {"history_visibility": visibility}
    await asyncio.to_thread(alice.account.set_state, room_id, VISIBILITY, content)
    await alice.sync()
    await alice.say(room_id, visibility)
    await alice.sync()
    await bob.sync()
    assert bob.read()[-1] == visibility
    return str(bob.seen[-1][1]["content"]["session_id"])


async def test_session_says_whether_history_is_shared_and_ends_when_that_changes(
    party: Party,
) -> None:
    alice, bob, room_id = await party.pair()
    sessions = [
        await said(alice, bob, room_id, visibility)
        for visibility in ("world_readable", "shared", "invited", "joined", "shared")
    ]
    assert sessions[0] == sessions[1]
    assert sessions[2] == sessions[3]
    assert len({sessions[0], sessions[2], sessions[4]}) == 3
    expected = {sessions[0]: True, sessions[2]: False, sessions[4]: True}
    assert told(alice) == expected
    assert told(bob) == expected


@pytest.mark.parametrize("visibility", ["shared", "joined"])
async def test_what_was_said_of_a_session_outlives_a_restart(party: Party, visibility: str) -> None:
    alice, bob, room_id = await party.pair()
    await said(alice, bob, room_id, visibility)
    before = told(bob)
    await bob.restart()
    assert told(bob) == before
    assert set(before.values()) == {visibility == "shared"}
