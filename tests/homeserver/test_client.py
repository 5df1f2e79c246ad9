from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import nio
import pytest

from dmtui.core.errors import (
    DmtuiError,
    FarTrouble,
    Forbidden,
    InviteBlocked,
    NotFound,
    RateLimited,
    Refused,
    ServerTrouble,
    SignedOut,
    Unreachable,
)
from dmtui.core.model import EventId, RoomId, Session, TransactionId, UserId
from dmtui.matrix import account, direct_rooms, messages, nonce, people, push_rules, room_acts
from dmtui.matrix.answers import judge
from dmtui.matrix.client import Client, path, patient
from dmtui.matrix.writing import MESSAGE, written
from tests.fakes import said
from tests.homeserver.account import Account
from tests.homeserver.faultproxy import BAD_GATEWAY_PAGE, RATE_LIMITED, FaultProxy
from tests.homeserver.synapse import SynapseServer

ROOM = RoomId("!room")
PEER = UserId("@peer:localhost")
SERVER_ERROR = {"errcode": "M_UNKNOWN", "error": "Internal \x1b[31mserver error"}

Act = Callable[[Client], Awaitable[object]]
ACTS: dict[str, Act] = {
    "account_data": lambda client: account.account_data(client, "m.direct"),
    "set_account_data": lambda client: account.set_account_data(client, "m.direct", {}),
    "create": lambda client: direct_rooms.create_direct_room(client, None, "n", False),
    "find": lambda client: nonce.find_created_room(client, "n"),
    "invite_back": lambda client: direct_rooms.invite_back(client, ROOM, PEER),
    "create_group": lambda client: direct_rooms.create_group(client, [PEER], "g", "n", False),
    "join": lambda client: room_acts.join(client, ROOM, ["localhost"]),
    "remove": lambda client: room_acts.remove(client, ROOM, PEER),
    "report_user": lambda client: room_acts.report_user(client, PEER, "spam"),
    "report_room": lambda client: room_acts.report_room(client, ROOM, "spam"),
    "tag": lambda client: room_acts.set_tag(client, ROOM, "m.favourite", True),
    "mark_read": lambda client: room_acts.mark_read(client, ROOM, EventId("$e"), True),
    "mark_unread": lambda client: room_acts.set_marked_unread(client, ROOM, True),
    "mute": lambda client: push_rules.set_muted(client, ROOM, True),
    "unmute": lambda client: push_rules.set_muted(client, ROOM, False),
    "shared_rooms": lambda client: people.shared_rooms(client, PEER),
    "presence": lambda client: people.presence(client, PEER),
    "members": lambda client: direct_rooms.members(client, ROOM),
    "leave": lambda client: client.api("POST", path("rooms", ROOM, "leave")),
    "logout": lambda client: client.api("POST", path("logout")),
    "search": lambda client: account.search_people(client, "bob", 5),
    "profile": lambda client: account.profile(client, PEER),
    "has_device_keys": lambda client: people.has_device_keys(client, PEER),
    "send_plain": lambda client: messages.send_plain(client, ROOM, TransactionId("t"), {}, MESSAGE),
    "is_encrypted": lambda client: messages.is_encrypted(client, ROOM),
    "nio_to_device": lambda client: client.to_device(
        nio.ToDeviceMessage("m.dummy", "@peer:localhost", "DEVICE", {})
    ),
    "nio_room_leave": lambda client: client.room_leave(ROOM),
    "nio_direct_rooms": lambda client: client.list_direct_rooms(),
}
FAULTS: dict[str, tuple[dict[str, Any], type[DmtuiError]]] = {
    "502 page": ({"status": 502, "body": BAD_GATEWAY_PAGE}, ServerTrouble),
    "200 page": ({"status": 200, "body": BAD_GATEWAY_PAGE}, ServerTrouble),
    "404 page": ({"status": 404, "body": BAD_GATEWAY_PAGE}, ServerTrouble),
    "404 json": ({"status": 404, "body": {"message": "no route"}}, ServerTrouble),
    "302": ({"status": 302, "headers": {"Location": "/elsewhere"}}, ServerTrouble),
    "200 list": ({"status": 200, "body": "[]"}, ServerTrouble),
    "500 json": ({"status": 500, "body": SERVER_ERROR}, ServerTrouble),
    "429": ({"status": 429, "body": RATE_LIMITED}, RateLimited),
    "hang": ({"hang": True}, Unreachable),
    "reset": ({"reset": "before"}, Unreachable),
}


def session_of(account: Account, base_url: str) -> Session:
    return Session(UserId(account.user_id), account.device_id, account.access_token, base_url)


@pytest.fixture
def alice(synapse: SynapseServer) -> Account:
    return synapse.register()


@pytest.fixture
async def client(alice: Account, proxy: FaultProxy) -> AsyncIterator[Client]:
    client = Client(session_of(alice, proxy.base_url), config=patient(request_timeout=10.0))
    yield client
    await client.close()


@pytest.fixture
async def hasty(proxy: FaultProxy) -> AsyncIterator[Client]:
    session = Session(UserId("@nobody:localhost"), "DEVICE", "token", proxy.base_url)
    client = Client(session, config=patient(request_timeout=0.2))
    yield client
    await client.close()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("act", ACTS)
async def test_failed_answer_is_never_taken_for_success(
    act: str, fault: str, hasty: Client, proxy: FaultProxy
) -> None:
    options, expected = FAULTS[fault]
    proxy.add(**options)
    with pytest.raises(expected) as caught:
        await ACTS[act](hasty)
    assert type(caught.value) is expected
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("act", ACTS)
async def test_refused_connection_is_unreachable(
    act: str, hasty: Client, proxy: FaultProxy
) -> None:
    proxy.refuse()
    with pytest.raises(Unreachable):
        await ACTS[act](hasty)


async def test_cut_off_and_garbled_account_data_is_never_empty(
    client: Client, alice: Account, proxy: FaultProxy
) -> None:
    alice.set_account_data("m.direct", {"@bob:localhost": ["!r"]})
    proxy.add(path="account_data", keep=4, times=1)
    with pytest.raises(Unreachable):
        await account.account_data(client, "m.direct")
    proxy.add(path="account_data", garble=True, times=1)
    with pytest.raises(ServerTrouble):
        await account.account_data(client, "m.direct")
    assert await account.account_data(client, "m.direct") == {"@bob:localhost": ["!r"]}


async def test_account_data_that_was_never_set_is_none(client: Client) -> None:
    assert await account.account_data(client, "m.direct") is None


async def test_unknown_endpoint_does_not_mean_never_set(client: Client, proxy: FaultProxy) -> None:
    proxy.add(status=404, body={"errcode": "M_UNRECOGNIZED", "error": "Unrecognized request"})
    with pytest.raises(ServerTrouble):
        await account.account_data(client, "m.direct")


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502, "body": BAD_GATEWAY_PAGE},
        {"status": 429, "body": RATE_LIMITED},
        {"reset": "after"},
        {"reset": "before"},
        {"keep": 3},
    ],
    ids=["502", "429", "lost answer", "reset", "cut off"],
)
async def test_room_is_asked_for_exactly_once(
    fault: dict[str, Any], client: Client, proxy: FaultProxy
) -> None:
    proxy.add(path="createRoom", **fault)
    with pytest.raises(DmtuiError) as caught:
        await direct_rooms.create_direct_room(client, None, "nonce", encrypted=False)
    assert caught.value.recoverable
    assert len(proxy.requests("createRoom", "POST")) == 1


async def test_room_of_a_lost_answer_is_found_by_its_nonce(
    client: Client, alice: Account, proxy: FaultProxy
) -> None:
    alice.create_room(preset="private_chat")
    proxy.add(path="createRoom", reset="after", times=1)
    with pytest.raises(Unreachable):
        await direct_rooms.create_direct_room(client, None, "the nonce", encrypted=False)
    found = await nonce.find_created_room(client, "the nonce")
    assert found in alice.joined_rooms()
    assert await nonce.find_created_room(client, "another") is None


async def test_room_is_found_without_sliding_sync(
    client: Client, alice: Account, proxy: FaultProxy
) -> None:
    alice.create_room(preset="private_chat")
    created = await direct_rooms.create_direct_room(client, None, "the nonce", encrypted=True)
    for number in range(30):
        alice.send_text(created, f"message {number}")
    proxy.add(
        path="simplified_msc3575", status=404, body={"errcode": "M_UNRECOGNIZED", "error": "No"}
    )
    assert await nonce.find_created_room(client, "the nonce") == created
    assert await nonce.find_created_room(client, "another") is None


async def test_retry_after_is_told_in_seconds(client: Client, proxy: FaultProxy) -> None:
    proxy.add(times=1, status=429, body=RATE_LIMITED | {"retry_after_ms": 1500})
    with pytest.raises(RateLimited) as caught:
        await client.api("GET", path("capabilities"))
    assert caught.value.retry_after == 1.5


async def test_signed_out_device_is_told_so(client: Client, alice: Account) -> None:
    alice.logout()
    with pytest.raises(SignedOut) as caught:
        await client.api("GET", path("capabilities"))
    assert not caught.value.soft


async def test_token_travels_in_the_header_only(client: Client, proxy: FaultProxy) -> None:
    await account.account_data(client, "m.direct")
    await direct_rooms.create_direct_room(client, None, "nonce", encrypted=False)
    for request in proxy.log:
        assert client.access_token not in request.path
        assert request.headers["authorization"] == f"Bearer {client.access_token}"


async def test_identifiers_are_quoted_in_paths(client: Client, proxy: FaultProxy) -> None:
    with pytest.raises(DmtuiError):
        await messages.send_plain(client, RoomId("!a/b?c#d%2F:x"), TransactionId("é/"), {}, MESSAGE)
    assert proxy.requests("/rooms/!a%2Fb%3Fc%23d%252F:x/send/m.room.message/%C3%A9%2F$", "PUT")


async def test_answer_beyond_the_limit_is_dropped(
    client: Client, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dmtui.matrix.client.LARGEST_BODY", 1000)
    proxy.add(status=200, body={"padding": "x" * 2000})
    with pytest.raises(ServerTrouble, match="too large"):
        await client.api("GET", path("capabilities"))


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (403, b'{"errcode": "M_INVITE_BLOCKED", "error": "no"}', InviteBlocked),
        (403, b'{"errcode": "M_FORBIDDEN", "error": "no"}', Forbidden),
        (404, b'{"errcode": "M_NOT_FOUND", "error": "no"}', NotFound),
        (400, b'{"errcode": "M_BAD_JSON", "error": 5}', Refused),
        (401, b'{"errcode": "M_UNKNOWN_TOKEN", "soft_logout": true}', SignedOut),
        (401, b'{"errcode": "M_USER_LOCKED", "soft_logout": true}', Refused),
        (502, b'{"errcode": "M_UNKNOWN", "error": "via any server"}', FarTrouble),
        (504, b'{"errcode": "M_UNKNOWN"}', FarTrouble),
        (502, b'{"errcode": 7}', ServerTrouble),
        (502, b"<html>", ServerTrouble),
        (403, b"<html>", ServerTrouble),
        (400, b'{"errcode": 7}', ServerTrouble),
        (200, b'{"name": "\xff\xfe"}', ServerTrouble),
        (200, b'{"a": ' + b"[" * 200_000, ServerTrouble),
        (200, b"", ServerTrouble),
        (200, b"null", ServerTrouble),
        (429, b"<html>", RateLimited),
        (429, b'{"retry_after_ms": NaN}', RateLimited),
    ],
)
def test_answer_stands_for_exactly_one_error(
    status: int, body: bytes, expected: type[DmtuiError]
) -> None:
    with pytest.raises(expected) as caught:
        judge(status, {}, body)
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({}, b'{"retry_after_ms": 250}', 0.25),
        ({"Retry-After": "7"}, b"<html>", 7.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, b"", 5.0),
        ({}, b'{"retry_after_ms": -3}', 0.0),
        ({}, b'{"retry_after_ms": 1e300}', 3600.0),
        ({}, b'{"retry_after_ms": true}', 5.0),
    ],
)
def test_wait_is_bounded_whatever_the_server_says(
    headers: dict[str, str], body: bytes, seconds: float
) -> None:
    with pytest.raises(RateLimited) as caught:
        judge(429, headers, body)
    assert caught.value.retry_after == seconds


def test_server_text_is_cleaned_and_cut() -> None:
    body = b'{"errcode": "M_FORBIDDEN", "error": "\\u001b]0;x\\u0007' + b"y" * 5000 + b'"}'
    with pytest.raises(Forbidden) as caught:
        judge(403, {}, body)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 200


def test_too_large_is_said_in_words_of_ours() -> None:
    with pytest.raises(Refused, match=r"^This is too long for the homeserver\.$"):
        judge(413, {}, b'{"errcode": "M_TOO_LARGE", "error": "event too large"}')


async def test_nio_sends_and_reads_through_our_overrides(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    for hook in ("send", "parse_body"):
        assert hook in vars(Client)
        assert inspect.iscoroutinefunction(getattr(nio.AsyncClient, hook))
        ours = getattr(Client, hook)

        async def recorded(self: Client, *args: Any, _hook: str = hook, _ours: Any = ours) -> Any:
            called.append(_hook)
            return await _ours(self, *args)

        monkeypatch.setattr(Client, hook, recorded)
    response = await client.room_create()
    assert isinstance(response, nio.RoomCreateResponse)
    assert called == ["send", "parse_body"]


def test_override_takes_the_arguments_nio_passes() -> None:
    theirs = inspect.signature(inspect.unwrap(nio.AsyncClient.send))
    assert list(theirs.parameters) == list(inspect.signature(Client.send).parameters)
    theirs = inspect.signature(nio.AsyncClient.parse_body)
    assert list(theirs.parameters) == list(inspect.signature(Client.parse_body).parameters)


async def test_event_id_of_the_message_is_returned_and_repeat_makes_no_second(
    client: Client, alice: Account, proxy: FaultProxy
) -> None:
    room_id = RoomId(alice.create_room(preset="private_chat"))
    _, content = written(said("once"))
    proxy.add(path="/send/", reset="after", times=2)  # the connection's own repeat is lost too
    with pytest.raises(Unreachable):
        await messages.send_plain(client, room_id, TransactionId("same"), content, MESSAGE)
    sent = await messages.send_plain(client, room_id, TransactionId("same"), content, MESSAGE)
    assert sent.startswith("$")
    assert alice.texts(room_id) == ["once"]
    await client.api("POST", path("rooms", room_id, "read_markers"), {"m.read": EventId(sent)})
