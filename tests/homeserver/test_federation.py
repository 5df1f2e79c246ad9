"""A conversation whose two people live on different homeservers, one of which may be away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dmtui.core.model import PeerState, RoomId, SendState, UserId
from dmtui.messenger.results import (
    Consent,
    Failed,
    InvitedAlready,
    Opened,
    PersonLeft,
    Unverified,
)
from tests.homeserver.account import Account
from tests.homeserver.dmtui_account import DmtuiAccount
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.federation import Federation
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("federation")  # one pair of servers for all

Open = Callable[..., Awaitable[DmtuiAccount]]


@pytest.fixture
async def open_dmtui(tmp_path: Path) -> AsyncIterator[Open]:
    """Start dmtui for an account, directly or by way of a proxy; stopped at the end."""
    running: list[DmtuiAccount] = []

    async def start(account: Account, url: str = "") -> DmtuiAccount:
        dmtui = await DmtuiAccount(account, tmp_path / f"device{len(running)}", url).start()
        running.append(dmtui)
        return dmtui

    yield start
    for dmtui in running:
        await dmtui.stop()


@pytest.fixture
async def dmtui(federation: Federation, open_dmtui: Open) -> DmtuiAccount:
    return await open_dmtui(federation.near.register(displayname="Alice"))


@pytest.fixture
def near_proxy(federation: Federation) -> Iterator[FaultProxy]:
    with FaultProxy(federation.near.base_url) as running:
        yield running


@pytest.fixture
def bob(federation: Federation) -> Account:
    return federation.far.register(displayname="Bob")


def user(account: Account) -> UserId:
    return UserId(account.user_id)


async def befriend(dmtui: DmtuiAccount, bob: Account) -> RoomId:
    """A direct room that both have joined and recorded."""

    def make() -> str:
        room_id = bob.create_dm(dmtui.account)
        dmtui.account.join(room_id)
        dmtui.account.record_direct(bob, room_id)
        return room_id

    room_id = RoomId(await asyncio.to_thread(make))
    await peer_is(dmtui, bob, PeerState.JOINED)
    return room_id


async def peer_is(dmtui: DmtuiAccount, person: Account, state: PeerState) -> None:
    await dmtui.until(lambda: (c := dmtui.conversation(person)) and c.peer is state)


@contextmanager
def away(federation: Federation) -> Iterator[None]:
    """The far server is down meanwhile."""
    federation.far.stop()
    try:
        yield
    finally:
        federation.far.start()


async def plainly(dmtui: DmtuiAccount, person: Account) -> Opened:
    result = await dmtui.messenger.start_chat(user(person), Consent(unencrypted=True))
    assert isinstance(result, Opened)
    return result


async def test_first_chat_makes_one_flagged_room_across_servers(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    opened = await plainly(dmtui, bob)
    await dmtui.until_recorded({bob.user_id: [opened.room_id]})
    room_id, member = await asyncio.to_thread(bob.wait_for_invite)
    assert (room_id, member["is_direct"]) == (opened.room_id, True)
    await asyncio.to_thread(bob.join, room_id)
    await peer_is(dmtui, bob, PeerState.JOINED)
    await dmtui.messenger.send(user(bob), "over there")
    await asyncio.to_thread(bob.wait_for_text, room_id, "over there")
    await asyncio.to_thread(bob.send_text, room_id, "and back")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["over there", "and back"])
    assert await dmtui.messenger.start_chat(user(bob)) == opened
    assert await asyncio.to_thread(dmtui.account.joined_rooms) == {room_id}


async def test_typing_and_receipts_cross_in_both_directions(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room_id = await befriend(dmtui, bob)
    await dmtui.messenger.send(user(bob), "look")
    look = (await asyncio.to_thread(bob.wait_for_text, room_id, "look"))["event_id"]
    await asyncio.to_thread(bob.set_typing, room_id)
    await dmtui.until(lambda: dmtui.messenger.is_typing(user(bob)))
    await asyncio.to_thread(bob.mark_read, room_id, look)
    await dmtui.until(lambda: dmtui.messages(bob)[-1].read_by_peer)
    await asyncio.to_thread(bob.set_typing, room_id, False)
    await dmtui.until(lambda: not dmtui.messenger.is_typing(user(bob)))
    answer = await asyncio.to_thread(bob.send_text, room_id, "seen")
    await dmtui.until(lambda: dmtui.bodies(bob)[-1] == "seen")
    dmtui.messenger.set_typing(user(bob), True)
    await asyncio.to_thread(bob.wait_for_ephemeral, room_id, "m.typing", dmtui.me)
    await dmtui.messenger.mark_read(user(bob))
    await asyncio.to_thread(bob.wait_for_ephemeral, room_id, "m.receipt", answer)


async def test_direct_invite_from_afar_is_accepted_and_recorded(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room_id = await asyncio.to_thread(bob.create_dm, dmtui.account)
    await dmtui.until(dmtui.messenger.invites)
    offered = await dmtui.messenger.start_chat(user(bob))
    assert isinstance(offered, InvitedAlready)
    assert (offered.invite.inviter_name, offered.invite.direct) == ("Bob", True)
    outcome = await dmtui.messenger.accept(RoomId(room_id))
    assert outcome is not None
    assert outcome.ok
    await dmtui.until_recorded({bob.user_id: [room_id]})
    await asyncio.to_thread(bob.send_text, room_id, "welcome")
    await dmtui.until(lambda: dmtui.bodies(bob) == ["welcome"])


async def test_encrypted_chat_of_two_dmtui_users_across_servers(
    dmtui: DmtuiAccount, federation: Federation, open_dmtui: Open
) -> None:
    bob = await open_dmtui(federation.far.register())
    opened = await dmtui.messenger.start_chat(bob.me)
    assert isinstance(opened, Opened)
    await dmtui.messenger.send(bob.me, "written before you joined")
    await dmtui.until(lambda: dmtui.states(bob.account) == [SendState.SENT])
    await bob.until(bob.messenger.invites)
    await bob.messenger.accept(opened.room_id)
    await bob.until(lambda: bob.bodies(dmtui.account) == ["written before you joined"])
    await bob.messenger.send(dmtui.me, "and read")
    expected = ["written before you joined", "and read"]
    await dmtui.until(lambda: dmtui.bodies(bob.account) == expected)
    await dmtui.messenger.send(bob.me, "good")
    await bob.until(lambda: bob.bodies(dmtui.account) == [*expected, "good"])


async def test_invite_whose_inviter_left_is_explained_and_goes(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room_id = await asyncio.to_thread(bob.create_dm, dmtui.account)
    await dmtui.until(dmtui.messenger.invites)
    await asyncio.to_thread(bob.leave, room_id)
    outcome = await dmtui.messenger.accept(RoomId(room_id))
    assert outcome is not None
    assert not outcome.ok
    assert outcome.message == "The invite is no longer available."
    await dmtui.until(lambda: dmtui.messenger.invites() == ())
    assert await dmtui.direct_map() is None


async def test_message_to_a_server_that_is_down_arrives_once(
    dmtui: DmtuiAccount, bob: Account, federation: Federation
) -> None:
    room_id = await befriend(dmtui, bob)
    with away(federation):
        await dmtui.messenger.send(user(bob), "are you there?")
        await dmtui.until(lambda: dmtui.states(bob) == [SendState.SENT])
    await asyncio.to_thread(bob.wait_for_text, room_id, "are you there?", 60)
    assert await asyncio.to_thread(bob.texts, room_id) == ["are you there?"]


async def test_chat_with_somebody_whose_server_is_down_is_refused_and_leaves_nothing(
    dmtui: DmtuiAccount, bob: Account, federation: Federation
) -> None:
    before = {"@old:example.org": ["!kept"]}
    await asyncio.to_thread(dmtui.account.set_account_data, "m.direct", before)
    with away(federation):
        question = await dmtui.messenger.start_chat(user(bob))
        assert isinstance(question, Unverified)
        consent = Consent(unverified=True, unencrypted=True)
        result = await dmtui.messenger.start_chat(user(bob), consent)
    why = f"The homeserver of {bob.user_id} can't be reached now. Try again later."
    assert result == Failed(user(bob), why)
    await dmtui.until_recorded(before)
    assert await asyncio.to_thread(dmtui.account.joined_rooms) == set()


async def test_person_who_left_is_invited_back(dmtui: DmtuiAccount, bob: Account) -> None:
    room_id = await befriend(dmtui, bob)
    await asyncio.to_thread(bob.leave, room_id)
    await peer_is(dmtui, bob, PeerState.LEFT)
    assert await dmtui.messenger.start_chat(user(bob)) == PersonLeft(user(bob), room_id)
    back = await dmtui.messenger.start_chat(user(bob), Consent(invite_back=True))
    assert back == Opened(user(bob), room_id)
    _, member = await asyncio.to_thread(bob.wait_for_invite, room_id)
    assert member["is_direct"] is True
    await asyncio.to_thread(bob.join, room_id)
    await peer_is(dmtui, bob, PeerState.JOINED)


async def test_new_name_of_a_person_afar_is_shown(dmtui: DmtuiAccount, bob: Account) -> None:
    await befriend(dmtui, bob)
    await asyncio.to_thread(bob.set_name, "Robert")
    await dmtui.until(lambda: (c := dmtui.conversation(bob)) and c.name == "Robert")


async def test_accepted_invite_of_a_server_that_is_down_is_joined_when_it_is_back(
    dmtui: DmtuiAccount, bob: Account, federation: Federation
) -> None:
    room_id = await asyncio.to_thread(bob.create_dm, dmtui.account)
    await dmtui.until(dmtui.messenger.invites)
    with away(federation):
        assert await dmtui.messenger.accept(RoomId(room_id)) is None
        assert dmtui.messenger.pending() == (f"accepting the invite from {bob.user_id}",)
    await dmtui.until_recorded({bob.user_id: [room_id]})
    await peer_is(dmtui, bob, PeerState.JOINED)


async def test_invite_that_can_be_neither_joined_nor_ruled_out_stays(
    federation: Federation, near_proxy: FaultProxy, open_dmtui: Open, bob: Account
) -> None:
    proxy = near_proxy
    me = await open_dmtui(federation.near.register(), proxy.base_url)
    room_id = await asyncio.to_thread(bob.create_dm, me.account)
    await me.until(me.messenger.invites)
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


async def test_simultaneous_chats_lose_no_message_and_make_no_third_room(
    dmtui: DmtuiAccount, federation: Federation, open_dmtui: Open
) -> None:
    bob = await open_dmtui(federation.far.register())
    here, there = await asyncio.gather(plainly(dmtui, bob.account), plainly(bob, dmtui.account))
    sides = ((dmtui, bob, here.room_id, there.room_id), (bob, dmtui, there.room_id, here.room_id))
    for one, other, _, _ in sides:
        await one.messenger.send(other.me, f"from {one.me}")
        await one.until(lambda: one.states(other.account) == [SendState.SENT])  # noqa: B023
    for one, _, _, theirs in sides:
        await one.until(one.messenger.invites)
        await one.messenger.accept(theirs)
    for one, other, mine, theirs in sides:
        await one.until_recorded({other.me: [mine, theirs]})
        assert await asyncio.to_thread(hears, one.account, theirs, f"from {other.me}")
        assert await asyncio.to_thread(one.account.joined_rooms) == {mine, theirs}
    for one, other, _, _ in sides:  # both go on where the newest message is
        await one.until(lambda: chosen(one, other.account) == there.room_id)  # noqa: B023
        assert await one.messenger.start_chat(other.me) == Opened(other.me, there.room_id)


def chosen(dmtui: DmtuiAccount, person: Account) -> RoomId | None:
    conversation = dmtui.conversation(person)
    return conversation.room_id if conversation else None


def hears(account: Account, room_id: RoomId, text: str) -> bool:
    return wait_until(lambda: text in account.texts(room_id))


async def test_upgraded_room_goes_on_in_its_successor(dmtui: DmtuiAccount, bob: Account) -> None:
    old = await befriend(dmtui, bob)

    def upgrade() -> str:
        answer = bob.room_api("POST", old, "upgrade", {"new_version": "12"})
        room_id = str(answer["replacement_room"])
        bob.invite(room_id, dmtui.account)
        return room_id

    new = RoomId(await asyncio.to_thread(upgrade))
    await dmtui.until(dmtui.messenger.invites)
    (invite,) = dmtui.messenger.invites()
    assert (invite.room_id, invite.inviter, invite.direct) == (new, bob.user_id, True)
    await dmtui.messenger.accept(new)
    await dmtui.until(lambda: (c := dmtui.conversation(bob)) and c.room_id == new)
    await dmtui.messenger.send(user(bob), "moved")
    await asyncio.to_thread(bob.wait_for_text, new, "moved")


async def test_new_device_afar_reads_what_is_said_from_then_on(
    dmtui: DmtuiAccount, federation: Federation, open_dmtui: Open
) -> None:
    desk = await open_dmtui(federation.far.register())
    opened = await dmtui.messenger.start_chat(desk.me)
    assert isinstance(opened, Opened)
    await desk.until(desk.messenger.invites)
    await desk.messenger.accept(opened.room_id)
    await peer_is(dmtui, desk.account, PeerState.JOINED)
    await dmtui.messenger.send(desk.me, "first")
    await desk.until(lambda: desk.bodies(dmtui.account) == ["first"])
    phone = await open_dmtui(await asyncio.to_thread(federation.far.login, desk.account.localpart))
    assert await asyncio.to_thread(wait_until, lambda: knows(dmtui.account, phone.account))
    await desk.messenger.send(dmtui.me, "try my phone")  # synced after the news of the device
    await dmtui.until(lambda: dmtui.bodies(desk.account)[-1] == "try my phone")
    await dmtui.messenger.send(desk.me, "second")
    await phone.until(lambda: phone.bodies(dmtui.account)[-1:] == ["second"])


def knows(account: Account, device: Account) -> bool:
    """Whether the account's homeserver has the keys of the device."""
    answer = account.api("POST", "v3/keys/query", {"device_keys": {device.user_id: []}})
    return device.device_id in answer["device_keys"].get(device.user_id, {})


async def test_deactivated_person_has_left(dmtui: DmtuiAccount, bob: Account) -> None:
    await befriend(dmtui, bob)
    await asyncio.to_thread(bob.deactivate)
    await peer_is(dmtui, bob, PeerState.LEFT)


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
