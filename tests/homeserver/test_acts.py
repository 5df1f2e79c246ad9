from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from dmtui.core.errors import (
    FarTrouble,
    Forbidden,
    InviteBlocked,
    NotFound,
    Refused,
    ServerTrouble,
    SignedOut,
    Unreachable,
)
from dmtui.core.events import Line
from dmtui.core.model import (
    EventId,
    Membership,
    RoomId,
    Session,
    TransactionId,
    UserId,
)
from dmtui.matrix.homeserver import MatrixHomeserver, connect
from tests.fakes import said
from tests.homeserver.account import Account
from tests.homeserver.confirmed import confirm
from tests.homeserver.faultproxy import BAD_GATEWAY_PAGE, FaultProxy
from tests.homeserver.launcher import Launcher
from tests.homeserver.synapse import SynapseServer
from tests.homeserver.test_client import session_of
from tests.waiting import PATIENCE


@pytest.fixture
def alice(synapse: SynapseServer) -> Account:
    return synapse.register()


@pytest.fixture
def bob(synapse: SynapseServer) -> Account:
    return synapse.register()


@pytest.fixture
async def homeserver(
    alice: Account, proxy: FaultProxy, tmp_path: Path
) -> AsyncIterator[MatrixHomeserver]:
    homeserver = await connect(session_of(alice, proxy.base_url), tmp_path / "alice")
    yield homeserver
    await homeserver.close()


def user(account: Account) -> UserId:
    return UserId(account.user_id)


async def test_created_room_invites_directly_and_keeps_the_past_from_newcomers(
    homeserver: MatrixHomeserver, alice: Account, bob: Account
) -> None:
    room_id = await homeserver.create_direct_room(user(bob), "nonce", encrypted=True)
    found, member = bob.wait_for_invite()
    assert (found, member["is_direct"]) == (room_id, True)
    assert alice.state(room_id, "m.room.encryption") == {"algorithm": "m.megolm.v1.aes-sha2"}
    assert alice.state(room_id, "m.room.history_visibility") == {"history_visibility": "invited"}
    assert alice.state(room_id, "m.room.join_rules") == {"join_rule": "invite"}
    assert alice.state(room_id, "m.room.name") is None


async def test_plain_room_is_created_without_encryption(
    homeserver: MatrixHomeserver, alice: Account, bob: Account
) -> None:
    room_id = await homeserver.create_direct_room(user(bob), "nonce", encrypted=False)
    assert alice.state(room_id, "m.room.encryption") is None


async def test_room_for_myself_invites_nobody(homeserver: MatrixHomeserver, alice: Account) -> None:
    room_id = await homeserver.create_direct_room(None, "nonce", encrypted=True)
    assert set(alice.members(room_id)) == {alice.user_id}


async def test_invite_of_a_created_room_can_be_revoked(
    homeserver: MatrixHomeserver, alice: Account, bob: Account
) -> None:
    room_id = await homeserver.create_direct_room(user(bob), "nonce", encrypted=False)
    levels = alice.state(room_id, "m.room.power_levels")
    assert levels is not None
    assert levels["users"] == {bob.user_id: 100}
    alice.kick(room_id, bob)
    assert alice.members(room_id)[bob.user_id]["membership"] == "leave"


async def test_invite_can_be_revoked_in_older_room_versions(
    launcher: Launcher, tmp_path: Path
) -> None:
    with SynapseServer(launcher, config={"default_room_version": "11"}) as server:
        alice, bob = server.register(), server.register()
        homeserver = await connect(session_of(alice, server.base_url), tmp_path / "alice")
        room_id = await homeserver.create_direct_room(user(bob), "nonce", encrypted=True)
        await homeserver.close()
        levels = alice.state(room_id, "m.room.power_levels")
        assert levels is not None
        assert levels["users"][bob.user_id] == 100
        alice.kick(room_id, bob)
        assert alice.members(room_id)[bob.user_id]["membership"] == "leave"


async def test_created_room_is_found_by_its_nonce_among_others(
    homeserver: MatrixHomeserver, bob: Account
) -> None:
    first = await homeserver.create_direct_room(user(bob), "first", encrypted=False)
    second = await homeserver.create_direct_room(user(bob), "second", encrypted=False)
    assert await homeserver.find_created_room("first") == first
    assert await homeserver.find_created_room("second") == second
    assert await homeserver.find_created_room("third") is None


async def test_room_that_was_left_is_not_found(
    homeserver: MatrixHomeserver, alice: Account
) -> None:
    room_id = await homeserver.create_direct_room(None, "nonce", encrypted=False)
    await homeserver.leave(room_id)
    await homeserver.forget(room_id)
    assert room_id not in alice.joined_rooms()
    assert await homeserver.find_created_room("nonce") is None


async def test_blocked_invite_says_so(
    homeserver: MatrixHomeserver, bob: Account, proxy: FaultProxy
) -> None:
    body = {"errcode": "M_INVITE_BLOCKED", "error": "no"}
    proxy.add(path="createRoom", status=403, body=body)
    with pytest.raises(InviteBlocked, match="not accept"):
        await homeserver.create_direct_room(user(bob), "nonce", encrypted=False)
    assert len(proxy.requests("createRoom")) == 1


async def test_invite_is_joined_and_another_declined(
    homeserver: MatrixHomeserver, alice: Account, bob: Account
) -> None:
    wanted, unwanted = RoomId(bob.create_dm(alice)), RoomId(bob.create_dm(alice))
    await homeserver.join(wanted)
    await homeserver.leave(unwanted)
    assert bob.members(wanted)[alice.user_id]["membership"] == "join"
    assert bob.members(unwanted)[alice.user_id]["membership"] == "leave"


async def test_join_of_what_is_gone_is_refused(
    homeserver: MatrixHomeserver, alice: Account, bob: Account
) -> None:
    room_id = RoomId(bob.create_dm(alice))
    bob.leave(room_id)
    with pytest.raises((NotFound, Forbidden), match="Nobody is left"):
        await homeserver.join(room_id)


async def test_join_that_no_other_server_answers_may_succeed_later(
    homeserver: MatrixHomeserver, alice: Account, proxy: FaultProxy
) -> None:
    proxy.add(path="/join/", status=502, body={"errcode": "M_UNKNOWN", "error": "make_join"})
    with pytest.raises(FarTrouble, match="answers now"):
        await homeserver.join(RoomId("!far"), ("far.away", "b&c"))
    (asked,) = proxy.requests("/join/")
    assert "via=far.away&via=b%26c" in asked.path


async def test_muted_room_notifies_nobody_even_where_the_rule_was_switched_off(
    homeserver: MatrixHomeserver, alice: Account, bob: Account
) -> None:
    room_id = RoomId(bob.create_dm(alice))
    await homeserver.set_muted(room_id, True)
    alice.api("PUT", f"v3/pushrules/global/override/{room_id}/enabled", {"enabled": False})
    await homeserver.set_muted(room_id, True)
    rules = alice.api("GET", "v3/pushrules/")["global"]["override"]
    (rule,) = [rule for rule in rules if rule["rule_id"] == room_id]
    assert rule["enabled"] is True
    assert rule["actions"] == []
    condition = {"kind": "event_match", "key": "room_id", "pattern": room_id}
    assert rule["conditions"] == [condition]


async def test_unmuting_leaves_the_rules_of_other_rooms(
    homeserver: MatrixHomeserver, alice: Account, bob: Account
) -> None:
    first, second = RoomId(bob.create_dm(alice)), RoomId(bob.create_dm(alice))
    for room_id in (first, second):
        await homeserver.set_muted(room_id, True)
    before = alice.api("GET", "v3/pushrules/")["global"]
    await homeserver.set_muted(first, False)
    after = alice.api("GET", "v3/pushrules/")["global"]
    gone = [rule for rule in before["override"] if rule not in after["override"]]
    assert [rule["rule_id"] for rule in gone] == [first]
    assert {kind: rules for kind, rules in after.items() if kind != "override"} == {
        kind: rules for kind, rules in before.items() if kind != "override"
    }


async def test_server_that_takes_no_reports_says_so(
    homeserver: MatrixHomeserver, proxy: FaultProxy
) -> None:
    proxy.add(path="/report", status=404, body={"errcode": "M_UNRECOGNIZED", "error": "?"})
    with pytest.raises(NotFound):
        await homeserver.report_user(UserId("@eve:far.away"), "spam")
    with pytest.raises(NotFound):
        await homeserver.report_room(RoomId("!room"), "spam")


async def test_failed_leave_is_no_success(
    homeserver: MatrixHomeserver, alice: Account, proxy: FaultProxy
) -> None:
    room_id = await homeserver.create_direct_room(None, "nonce", encrypted=False)
    proxy.add(path="/leave", status=502, body=BAD_GATEWAY_PAGE)
    with pytest.raises(ServerTrouble):
        await homeserver.leave(room_id)
    assert room_id in alice.joined_rooms()


async def test_inviting_back_carries_the_flag(homeserver: MatrixHomeserver, bob: Account) -> None:
    room_id = await homeserver.create_direct_room(user(bob), "nonce", encrypted=False)
    bob.join(room_id)
    bob.leave(room_id)
    await homeserver.invite_back(room_id, user(bob))
    found, member = bob.wait_for_invite(room_id)
    assert (found, member["is_direct"]) == (room_id, True)


async def test_members_are_those_joined_or_invited_with_clean_names(
    homeserver: MatrixHomeserver, alice: Account, bob: Account, synapse: SynapseServer
) -> None:
    gone = synapse.register()
    bob.set_name("B\x1b[31mob")
    room_id = RoomId(alice.create_dm(bob, gone))
    gone.leave(room_id)
    members = {member.user_id: member for member in await homeserver.members(room_id)}
    assert set(members) == {alice.user_id, bob.user_id}
    assert members[user(bob)].membership is Membership.INVITE
    assert members[user(bob)].is_direct
    assert members[user(bob)].sender == alice.user_id
    assert members[user(bob)].name.isprintable()


async def test_account_data_comes_back_as_it_was_set(
    homeserver: MatrixHomeserver, alice: Account
) -> None:
    assert await homeserver.account_data("m.direct") is None
    await homeserver.set_account_data("m.direct", {"@ü:x": ["!r", None, 5]})
    assert alice.account_data("m.direct") == {"@ü:x": ["!r", None, 5]}
    assert await homeserver.account_data("m.direct") == {"@ü:x": ["!r", None, 5]}


async def test_profile_has_a_clean_name_and_a_missing_one_is_not_found(
    homeserver: MatrixHomeserver, bob: Account
) -> None:
    bob.set_name("Robert\x1b]0;x\x07son")
    profile = await homeserver.profile(user(bob))
    assert profile.user_id == bob.user_id
    assert profile.name.startswith("Robert")
    assert profile.name.isprintable()
    with pytest.raises(NotFound):
        await homeserver.profile(UserId("@nobody-at-all:localhost"))


async def test_user_directory_knows_whom_we_share_a_room_with(
    homeserver: MatrixHomeserver, alice: Account, bob: Account
) -> None:
    room_id = alice.create_dm(bob)
    bob.join(room_id)
    alice.wait_for_member(room_id, bob, "join")
    async with asyncio.timeout(PATIENCE):
        while not (found := await homeserver.search_people(bob.localpart, 10)):
            await homeserver.sync(None, frozenset(), 0.0)
    assert user(bob) in [profile.user_id for profile in found]


async def test_device_keys_are_seen_only_once_a_device_has_uploaded_them(
    homeserver: MatrixHomeserver, bob: Account, tmp_path: Path, synapse: SynapseServer
) -> None:
    assert not await homeserver.has_device_keys(user(bob))
    theirs = await connect(session_of(bob, synapse.base_url), tmp_path / "bob")
    try:
        async with asyncio.timeout(PATIENCE):
            await theirs.sync(None, frozenset(), 0.0)
            while not await homeserver.has_device_keys(user(bob)):
                pass
    finally:
        await theirs.close()


async def test_silent_server_of_the_peer_does_not_mean_no_keys(
    homeserver: MatrixHomeserver, proxy: FaultProxy
) -> None:
    proxy.add(path="keys/query", status=200, body={"device_keys": {}, "failures": {"far.away": {}}})
    with pytest.raises(Unreachable):
        await homeserver.has_device_keys(UserId("@eve:far.away"))


async def test_typing_and_public_receipts_reach_the_other_person(
    homeserver: MatrixHomeserver, alice: Account, bob: Account
) -> None:
    room_id = RoomId(alice.create_dm(bob))
    bob.join(room_id)
    sent = EventId(bob.send_text(room_id, "hello"))
    await homeserver.set_typing(room_id, True)
    await homeserver.mark_read(room_id, sent)
    events = bob.sync()["rooms"]["join"][room_id]["ephemeral"]["events"]
    by_type = {event["type"]: event["content"] for event in events}
    assert by_type["m.typing"]["user_ids"] == [alice.user_id]
    assert alice.user_id in by_type["m.receipt"][sent]["m.read"]
    await homeserver.set_typing(room_id, False)
    unseen = EventId(bob.send_text(room_id, "and again"))
    await homeserver.mark_read(room_id, unseen, private=True)
    events = bob.sync()["rooms"]["join"][room_id]["ephemeral"]["events"]
    by_type = {event["type"]: event["content"] for event in events}
    assert not by_type.get("m.typing", {}).get("user_ids")
    assert alice.user_id in by_type["m.receipt"][sent]["m.read"]
    assert alice.user_id not in str(by_type["m.receipt"].get(unseen))


async def test_plain_message_arrives_once_however_often_it_is_sent(
    homeserver: MatrixHomeserver, alice: Account, bob: Account
) -> None:
    room_id = RoomId(alice.create_dm(bob))
    bob.join(room_id)
    first = await homeserver.send(room_id, TransactionId("t1"), said("hello"), encrypted=False)
    again = await homeserver.send(room_id, TransactionId("t1"), said("hello"), encrypted=False)
    assert first == again
    assert bob.texts(room_id) == ["hello"]


async def test_encrypted_room_gets_no_plain_text_even_if_the_caller_thinks_it_plain(
    homeserver: MatrixHomeserver, bob: Account
) -> None:
    room_id = await homeserver.create_direct_room(user(bob), "nonce", encrypted=True)
    bob.join(room_id)
    await homeserver.send(room_id, TransactionId("t1"), said("the secret"), encrypted=False)
    await homeserver.send(room_id, TransactionId("t2"), said("the secret"), encrypted=True)
    events = bob.events(room_id)
    assert "the secret" not in str(events)
    assert [event["type"] for event in events][-2:] == ["m.room.encrypted"] * 2


async def test_room_known_as_encrypted_gets_no_plain_text_though_the_server_says_plain(
    homeserver: MatrixHomeserver, alice: Account, bob: Account
) -> None:
    room_id = RoomId(alice.create_dm(bob))
    bob.join(room_id)
    await homeserver.send(room_id, TransactionId("t1"), said("the secret"), encrypted=True)
    assert "the secret" not in str(bob.events(room_id))


async def test_unclear_encryption_sends_nothing(
    homeserver: MatrixHomeserver, alice: Account, bob: Account, proxy: FaultProxy
) -> None:
    room_id = RoomId(alice.create_dm(bob))
    bob.join(room_id)
    proxy.add(path="state/m.room.encryption", status=502, body=BAD_GATEWAY_PAGE)
    with pytest.raises(ServerTrouble):
        await homeserver.send(room_id, TransactionId("t1"), said("hello"), encrypted=False)
    assert bob.texts(room_id) == []


async def test_encrypted_message_is_read_in_sync_and_in_history(
    homeserver: MatrixHomeserver, bob: Account, tmp_path: Path, synapse: SynapseServer
) -> None:
    theirs = await connect(session_of(bob, synapse.base_url), tmp_path / "bob")
    try:
        await homeserver.sync(None, frozenset(), 0.0)
        batch = await theirs.sync(None, frozenset(), 0.0)
        async with asyncio.timeout(PATIENCE):
            while not await homeserver.has_device_keys(user(bob)):
                batch = await theirs.sync(batch.token, frozenset(), 0.1)
        await asyncio.to_thread(confirm, bob)
        room_id = await homeserver.create_direct_room(user(bob), "nonce", encrypted=True)
        await theirs.join(room_id)
        sent = await homeserver.send(room_id, TransactionId("t1"), said("the secret"), True)
        assert "the secret" not in str(bob.events(room_id))
        seen: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while "the secret" not in seen:
                batch = await theirs.sync(batch.token, frozenset({room_id}), 1.0)
                events = [event for room in batch.rooms for event in room.timeline]
                seen += [one.content.body for one in events if isinstance(one.content, Line)]
        end = bob.room_api("GET", room_id, "messages", dir="f", limit=100)["end"]
        page = await theirs.history(room_id, end, 10)
        read = {one.event_id: one for one in page.events}[sent]
        assert isinstance(read.content, Line)
        assert (read.content.body, read.encrypted) == ("the secret", True)
    finally:
        await theirs.close()


async def test_history_pages_back_to_the_beginning(
    homeserver: MatrixHomeserver, alice: Account, bob: Account
) -> None:
    room_id = RoomId(alice.create_dm(bob))
    bob.join(room_id)
    for number in range(25):
        bob.send_text(room_id, f"message {number}")
    before: str | None = alice.sync()["rooms"]["join"][room_id]["timeline"]["prev_batch"]
    bodies: list[str] = [
        event["content"]["body"]
        for event in reversed(alice.sync()["rooms"]["join"][room_id]["timeline"]["events"])
        if event["type"] == "m.room.message"
    ]
    while before is not None:
        page = await homeserver.history(room_id, before, 7)
        bodies += [one.content.body for one in page.events if isinstance(one.content, Line)]
        before = page.end
    assert bodies == [f"message {number}" for number in reversed(range(25))]


async def test_malformed_event_does_not_cost_the_page(
    homeserver: MatrixHomeserver, proxy: FaultProxy
) -> None:
    good = {
        "event_id": "$good",
        "sender": "@bob:localhost",
        "type": "m.room.message",
        "origin_server_ts": 1,
        "content": {"msgtype": "m.text", "body": "here"},
    }
    broken = [5, None, {}, {**good, "event_id": 3}, {**good, "content": {"body": 1, "msgtype": 2}}]
    proxy.add(path="/messages", status=200, body={"chunk": [*broken, good], "end": "e"})
    page = await homeserver.history(RoomId("!r"), "b", 10)
    assert page.end == "e"
    assert page.events[-1].event_id == "$good"


async def test_page_that_is_none_is_trouble(
    homeserver: MatrixHomeserver, proxy: FaultProxy
) -> None:
    proxy.add(path="/messages", status=200, body={"start": "x"})
    with pytest.raises(ServerTrouble):
        await homeserver.history(RoomId("!r"), "b", 10)


async def test_logout_ends_the_session_and_a_failed_one_does_not(
    homeserver: MatrixHomeserver, alice: Account, proxy: FaultProxy
) -> None:
    proxy.add(path="logout", status=502, body=BAD_GATEWAY_PAGE, times=1)
    with pytest.raises(ServerTrouble):
        await homeserver.logout()
    assert await homeserver.account_data("m.direct") is None
    await homeserver.logout()
    with pytest.raises(SignedOut):
        await homeserver.account_data("m.direct")


async def test_cancelled_call_ends_its_request(
    homeserver: MatrixHomeserver, proxy: FaultProxy
) -> None:
    proxy.add(path="/members", hang=True)
    call = asyncio.create_task(homeserver.members(RoomId("!r")))
    await asyncio.to_thread(proxy.wait_for_request, "/members")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await homeserver.account_data("m.direct") is None


async def test_close_ends_calls_under_way_and_the_thread(
    alice: Account, proxy: FaultProxy, tmp_path: Path
) -> None:
    before = {thread.ident for thread in threading.enumerate()}
    homeserver = await connect(session_of(alice, proxy.base_url), tmp_path / "closing")
    proxy.add(path="/members", hang=True)
    call = asyncio.create_task(homeserver.members(RoomId("!r")))
    await asyncio.to_thread(proxy.wait_for_request, "/members")
    await homeserver.close()
    with pytest.raises(asyncio.CancelledError):
        await call
    left = [one for one in threading.enumerate() if one.ident not in before]
    assert "network" not in [one.name for one in left]


async def test_connect_asks_the_network_nothing_and_keeps_the_directory_private(
    proxy: FaultProxy, tmp_path: Path
) -> None:
    session = Session(UserId("@nobody:localhost"), "DEVICE", "token", proxy.base_url)
    homeserver = await connect(session, tmp_path / "keys")
    await homeserver.close()
    assert proxy.log == []
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    again = await connect(replace(session), tmp_path / "keys")
    await again.close()


async def test_refused_search_is_no_empty_result(
    homeserver: MatrixHomeserver, proxy: FaultProxy
) -> None:
    proxy.add(path="user_directory", status=403, body={"errcode": "M_FORBIDDEN", "error": "no"})
    with pytest.raises(Refused):
        await homeserver.search_people("bob", 5)
