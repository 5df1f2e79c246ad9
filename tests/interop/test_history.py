"""What was written before I was invited, as Element shares it with those it invites."""

from __future__ import annotations

import asyncio

from dmtui.core.model import Doubt, Kind
from tests.homeserver.dmtui_account import DmtuiAccount
from tests.homeserver.talker import ENCRYPTED
from tests.interop.peer import Element
from tests.interop.setting import on_one_worker

pytestmark = on_one_worker


async def test_history_that_element_shares_with_its_invite_is_read_after_joining(
    dmtui: DmtuiAccount, bob: Element
) -> None:
    await (await dmtui.messenger.homeserver()).set_up_recovery("")
    await bob.user(dmtui.account, identity=True)
    visibility = {
        "type": "m.room.history_visibility",
        "state_key": "",
        "content": {"history_visibility": "shared"},
    }
    room_id = await asyncio.to_thread(
        bob.account.create_dm, record=False, initial_state=[ENCRYPTED, visibility]
    )
    await bob.room(room_id, membership="join", encrypted=True)
    await bob.send(room_id, "before")
    await bob.invite(room_id, dmtui.account)
    await dmtui.until(dmtui.messenger.invites)
    await dmtui.accept(room_id)
    await dmtui.until(lambda: dmtui.bodies(bob.account) == ["before"])
    (read,) = [m for m in dmtui.messages(bob.account) if m.kind is Kind.TEXT]
    assert read.doubt is Doubt.INDIRECT
