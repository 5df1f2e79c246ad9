"""What is peculiar to a conversation whose two people live on different homeservers.

The scenarios of direct messages themselves run in this setting too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dmtui.core.model import PeerState, RoomId, SendState, UserId
from dmtui.messenger.results import Consent, Failed, Opened, Unverified
from tests.homeserver.account import Account
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.homeserver.federation import Federation
from tests.homeserver.setting import FEDERATED, Open, Setting
from tests.homeserver.synapse import SynapseServer
from tests.waiting import wait_until

pytestmark = pytest.mark.parametrize("setting", [FEDERATED], indirect=True)


@contextmanager
def away(server: SynapseServer) -> Iterator[None]:
    """The server is down meanwhile."""
    server.stop()
    try:
        yield
    finally:
        server.start()


async def test_typing_and_receipts_cross_in_both_directions(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room_id = await dmtui.befriend(bob)
    await dmtui.messenger.send(user(bob), "look")
    look = (await asyncio.to_thread(bob.wait_for_text, room_id, "look"))["event_id"]
    await asyncio.to_thread(bob.set_typing, room_id)
    await dmtui.until(lambda: user(bob) in dmtui.messenger.typing())
    await asyncio.to_thread(bob.mark_read, room_id, look)
    await dmtui.until(lambda: dmtui.messages(bob)[-1].read_by_peer)
    await asyncio.to_thread(bob.set_typing, room_id, False)
    await dmtui.until(lambda: not dmtui.messenger.typing())
    answer = await asyncio.to_thread(bob.send_text, room_id, "seen")
    await dmtui.until(lambda: dmtui.bodies(bob)[-1] == "seen")
    dmtui.messenger.set_typing(user(bob), True)
    await asyncio.to_thread(bob.wait_for_ephemeral, room_id, "m.typing", dmtui.me)
    await dmtui.messenger.mark_read(user(bob))
    await asyncio.to_thread(bob.wait_for_ephemeral, room_id, "m.receipt", answer)


async def test_message_to_a_server_that_is_down_arrives_once(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    room_id = await dmtui.befriend(bob)
    with away(setting.there):
        await dmtui.messenger.send(user(bob), "are you there?")
        await dmtui.until(lambda: dmtui.states(bob) == [SendState.SENT])
    await asyncio.to_thread(bob.wait_for_text, room_id, "are you there?", 60)
    assert await asyncio.to_thread(bob.texts, room_id) == ["are you there?"]


async def test_chat_with_somebody_whose_server_is_down_is_refused_and_leaves_nothing(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    before = {"@old:example.org": ["!kept"]}
    await asyncio.to_thread(dmtui.account.set_account_data, "m.direct", before)
    with away(setting.there):
        question = await dmtui.messenger.start_chat(user(bob))
        assert isinstance(question, Unverified)
        consent = Consent(unverified=True, unencrypted=True)
        result = await dmtui.messenger.start_chat(user(bob), consent)
    why = f"The homeserver of {bob.user_id} can't be reached now. Try again later."
    assert result == Failed(user(bob), why)
    await dmtui.until_recorded(before)
    assert await asyncio.to_thread(dmtui.account.joined_rooms) == set()
    opened = await dmtui.start_plain_chat(bob)
    await dmtui.until_recorded({**before, bob.user_id: [opened.room_id]})
    await asyncio.to_thread(bob.wait_for_invite, opened.room_id)


async def test_accepted_invite_of_a_server_that_is_down_is_joined_when_it_is_back(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    room_id = await asyncio.to_thread(bob.create_dm, dmtui.account)
    await dmtui.until(dmtui.messenger.invites)
    with away(setting.there):
        assert await dmtui.messenger.accept(RoomId(room_id)) is None
        assert dmtui.messenger.pending() == (f"accepting the invite from {bob.user_id}",)
    await dmtui.until_recorded({bob.user_id: [room_id]})
    await dmtui.until_peer(bob, PeerState.JOINED)


async def test_what_was_begun_while_my_server_was_down_is_done_when_it_is_back(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    carol, dave = setting.there.register(displayname="Carol"), setting.there.register()
    room_id = await dmtui.befriend(bob)
    invited = await asyncio.to_thread(carol.create_dm, dmtui.account)
    await dmtui.until(dmtui.messenger.invites)
    broken = setting.proxy.add("/account_data/m.direct", method="PUT", status=502)
    opened = await dmtui.start_plain_chat(dave)
    with away(setting.here):
        broken.times = 0
        await dmtui.messenger.send(user(bob), "from here")
        await asyncio.to_thread(bob.send_text, room_id, "from there")
        assert await dmtui.messenger.accept(RoomId(invited)) is None
        assert dmtui.messenger.pending() == (
            f"DM flag pending for {dave.localpart}",
            f"accepting the invite from {carol.user_id}",
        )
        assert dmtui.states(bob) != [SendState.SENT]
    await dmtui.until(lambda: dmtui.states(bob) == [SendState.SENT])
    await dmtui.until(lambda: sorted(dmtui.bodies(bob)) == ["from here", "from there"])
    await dmtui.until_recorded(
        {bob.user_id: [room_id], dave.user_id: [opened.room_id], carol.user_id: [invited]}
    )
    await asyncio.to_thread(bob.wait_for_text, room_id, "from here")
    await dmtui.until_peer(carol, PeerState.JOINED)


async def test_invite_that_can_be_neither_joined_nor_ruled_out_stays(
    dmtui: DmtuiAccount, setting: Setting, bob: Account
) -> None:
    me, proxy = dmtui, setting.proxy
    room_id = await asyncio.to_thread(bob.create_dm, me.account)
    await me.until(lambda: [one for one in me.messenger.invites() if one.shared_rooms is not None])
    before = me.messenger.invites()
    proxy.add("/join", status=502, body={"errcode": "M_UNKNOWN", "error": "via any server"})
    hidden = proxy.add("/profile/", status=403, body={"errcode": "M_FORBIDDEN", "error": "no"})
    outcome = await me.messenger.accept(RoomId(room_id))
    assert outcome is not None
    assert outcome.message.startswith("Their homeserver does not let you in now.")
    assert me.messenger.invites() == before
    assert proxy.requests("/leave") == []
    hidden.times = 0
    outcome = await me.messenger.accept(RoomId(room_id))
    assert outcome is not None
    assert outcome.message == "The invite is no longer available."


async def test_new_device_afar_reads_what_is_said_from_then_on(
    dmtui: DmtuiAccount, federation: Federation, open_dmtui: Open
) -> None:
    desk = await open_dmtui(federation.far.register())
    await asyncio.gather(dmtui.confirm(), desk.confirm())
    opened = await dmtui.messenger.start_chat(desk.me)
    assert isinstance(opened, Opened)
    await desk.until(desk.messenger.invites)
    await desk.messenger.accept(opened.room_id)
    await dmtui.until_peer(desk.account, PeerState.JOINED)
    await dmtui.messenger.send(desk.me, "first")
    await desk.until(lambda: desk.bodies(dmtui.account) == ["first"])
    phone = await open_dmtui(await asyncio.to_thread(federation.far.login, desk.account.localpart))
    await phone.confirm()
    assert await asyncio.to_thread(wait_until, lambda: knows(dmtui.account, phone.account))
    await desk.messenger.send(dmtui.me, "try my phone")  # synced after the news of the device
    await dmtui.until(lambda: dmtui.bodies(desk.account)[-1] == "try my phone")
    await dmtui.messenger.send(desk.me, "second")
    await phone.until(lambda: phone.bodies(dmtui.account)[-1:] == ["second"])


def knows(account: Account, device: Account) -> bool:
    """Whether the account's homeserver has the keys of the device, which its owner confirms."""
    answer = account.api("POST", "v3/keys/query", {"device_keys": {device.user_id: []}})
    keys = answer["device_keys"].get(device.user_id, {}).get(device.device_id, {})
    return len(keys.get("signatures", {}).get(device.user_id, {})) > 1


HOSTILE = "no\x1b[31m \u202e<b>\n\x07way"


@pytest.mark.parametrize("status", [403, 404, 502])
async def test_unconfirmed_person_afar_is_asked_about_in_one_clean_line(
    dmtui: DmtuiAccount, federation: Federation, status: int
) -> None:
    person = stranger(federation, status, "M_FORBIDDEN")
    result = await dmtui.messenger.start_chat(person)
    assert isinstance(result, Unverified)
    assert result.why.isprintable()
    assert result.why.startswith(f"{person} cannot be verified")


async def test_refused_invite_leaves_nothing_but_one_clean_line(
    dmtui: DmtuiAccount, federation: Federation
) -> None:
    person = stranger(federation, 403, "M_FORBIDDEN")
    consent = Consent(unverified=True, unencrypted=True)
    result = await dmtui.messenger.start_chat(person, consent)
    assert isinstance(result, Failed)
    assert result.why.isprintable()
    await dmtui.until_recorded(None)
    assert await asyncio.to_thread(dmtui.account.joined_rooms) == set()


async def test_person_afar_who_accepts_no_invites_is_named(
    dmtui: DmtuiAccount, federation: Federation
) -> None:
    person = stranger(federation, 403, "M_INVITE_BLOCKED")
    consent = Consent(unverified=True, unencrypted=True)
    result = await dmtui.messenger.start_chat(person, consent)
    assert result == Failed(person, f"{person} does not accept invites.")
    assert await asyncio.to_thread(dmtui.account.joined_rooms) == set()


def stranger(federation: Federation, status: int, errcode: str) -> UserId:
    """Somebody whose server answers everything like this."""
    federation.stranger.status = status
    federation.stranger.body = {"errcode": errcode, "error": HOSTILE}
    return UserId(f"@stranger:{federation.stranger.server_name}")
