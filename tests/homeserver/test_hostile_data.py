"""Account data and state as bad as a real homeserver lets it be: it costs itself alone."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from dmtui.core.model import PeerState
from tests.homeserver.account import Account, Json, MatrixError
from tests.homeserver.dmtui_account import user
from tests.homeserver.setting import Open, Setting, locally
from tests.hostile import LONG, ODD_NUMBERS, ODD_TEXTS, nested

KINDS = {
    "m.ignored_user_list": "ignored_users",
    "m.invite_permission_config": "default_action",
    "io.github.dmtui.people": "people",
}
DEPTHS = (400, 900, 940)


def let_through(me: Account, kind: str, content: Json) -> bool:
    """Whether the server takes it, and gives it back."""
    try:
        me.set_account_data(kind, content)
        return me.account_data(kind) is not None
    except MatrixError:
        return False


def accumulate(me: Account, good: Json) -> Json:
    """``m.direct`` with everything odd that the server lets through beside what is good."""
    content = good
    odd: list[object] = [*ODD_TEXTS, *ODD_NUMBERS, None, True, {}, [], [[]], {"a": [None]}]
    odd += [nested(depth) for depth in DEPTHS]
    for number, value in enumerate(odd):
        for entry in ({f"@odd{number}:x": value}, {f"@odder{number}:x": [value, "!r", value]}):
            if let_through(me, "m.direct", {**content, **entry}):
                content = {**content, **entry}
    for key in (*ODD_TEXTS, "@", "@:x", "bob@mail.x", "@b b:x"):
        if let_through(me, "m.direct", {**content, key: ["!odd"]}):
            content = {**content, key: ["!odd"]}
    me.set_account_data("m.direct", content)
    return content


@locally
async def test_hostile_map_costs_nobody_and_is_kept_verbatim_beside_a_new_chat(
    setting: Setting, open_dmtui: Open, bob: Account
) -> None:
    me, carol = setting.here.register(), setting.here.register()

    def set_up() -> Json:
        room_id = bob.create_dm(me)
        me.join(room_id)
        return accumulate(me, {bob.user_id: [room_id]})

    content = await asyncio.to_thread(set_up)
    assert len(content) > 50
    dmtui = await open_dmtui(me)
    await dmtui.until_peer(bob, PeerState.JOINED)
    opened = await dmtui.start_plain_chat(carol)
    await dmtui.until_recorded({**content, carol.user_id: [opened.room_id]})


@locally
@pytest.mark.parametrize(
    "odd", [None, "x", 5, [], [5], {"": 5}, nested(400), LONG], ids=lambda odd: repr(odd)[:9]
)
async def test_hostile_settings_cost_themselves(
    setting: Setting, open_dmtui: Open, bob: Account, odd: object
) -> None:
    me = setting.here.register()

    def set_up() -> str:
        room_id = bob.create_dm(me)
        me.join(room_id)
        me.record_direct(bob, room_id)
        for kind, part in KINDS.items():
            let_through(me, kind, {part: odd})
        tag = f"v3/user/{me.user_id}/rooms/{room_id}/account_data/m.tag"
        me.api("PUT", tag, {"tags": odd})
        return room_id

    await asyncio.to_thread(set_up)
    dmtui = await open_dmtui(me)
    await dmtui.until_peer(bob, PeerState.JOINED)
    await dmtui.messenger.send(user(bob), "still talking")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["still talking"])


@locally
@pytest.mark.parametrize(
    "odd",
    [None, 5, [[5]], {"": 5}, nested(100), LONG, "\x1b]0;x\x07\u202e"],
    ids=lambda odd: repr(odd)[:9],
)
async def test_hostile_state_costs_itself(
    setting: Setting, open_dmtui: Open, bob: Account, odd: object
) -> None:
    me = setting.here.register()

    def set_up() -> None:
        room_id = bob.create_dm(me, creation_content={"predecessor": odd, "type": odd})
        me.wait_for_invite(room_id)
        me.join(room_id)
        me.record_direct(bob, room_id)
        for kind, content in {
            "m.room.name": {"name": odd},
            "m.room.tombstone": {"replacement_room": odd, "body": odd},
            "m.room.encrypted": {"algorithm": odd},
            "io.element.functional_members": {"service_members": odd},
            "io.github.dmtui.nonce": {"nonce": odd},
        }.items():
            set_if_possible(bob, room_id, kind, content)
        member = {"membership": "join", "displayname": odd, "avatar_url": odd, "is_direct": odd}
        set_if_possible(bob, room_id, "m.room.member", member, bob.user_id)

    await asyncio.to_thread(set_up)
    dmtui = await open_dmtui(me)
    conversation = await dmtui.until_peer(bob, PeerState.JOINED)
    assert 0 < len(conversation.name) < 400
    assert conversation.name.isprintable()
    await dmtui.messenger.send(user(bob), "still talking")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["still talking"])


def set_if_possible(
    account: Account, room_id: str, kind: str, content: Json, key: str = ""
) -> None:
    """The server refuses some of it."""
    with suppress(MatrixError):
        account.set_state(room_id, kind, content, key)
