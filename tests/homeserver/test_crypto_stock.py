"""Encrypted conversations with a stock matrix-nio client, which shares none of our guards."""

from __future__ import annotations

from pathlib import Path

import nio

from dmtui.core.model import RoomId
from tests.homeserver.account import Account
from tests.homeserver.talker import Party, encrypted_room


def stock_client(account: Account, directory: Path) -> nio.AsyncClient:
    directory.mkdir()
    config = nio.AsyncClientConfig(encryption_enabled=True, max_timeouts=1)
    client = nio.AsyncClient(
        account.base_url, account.user_id, account.device_id, str(directory), config
    )
    client.restore_login(account.user_id, account.device_id, account.access_token)
    return client


async def turn(client: nio.AsyncClient) -> list[str]:
    """One sync with the upkeep that nio wants; the others' bodies that could be read."""
    bodies: list[str] = []
    answer = await client.sync(timeout=0)
    assert isinstance(answer, nio.SyncResponse)
    if client.should_upload_keys:
        await client.keys_upload()
    if client.should_query_keys:
        await client.keys_query()
    for room in answer.rooms.join.values():
        bodies += [
            event.body
            for event in room.timeline.events
            if isinstance(event, nio.RoomMessageText) and event.sender != client.user_id
        ]
    return bodies


async def test_stock_client_and_dmtui_read_each_other(party: Party, tmp_path: Path) -> None:
    alice = await party.guest()
    friend = party.register()
    alice.crypto.entitlement.set_excepted(friend.user_id, True)
    stock = stock_client(friend, tmp_path / "stock")
    try:
        await turn(stock)
        room_id = encrypted_room(alice.account, friend)
        await turn(stock)
        await alice.sync()
        for number in range(3):
            await alice.say(room_id, f"from dmtui {number}")
            assert await turn(stock) == [f"from dmtui {number}"]
            answer = await stock.room_send(
                room_id,
                "m.room.message",
                {"msgtype": "m.text", "body": f"from nio {number}"},
                ignore_unverified_devices=True,
            )
            assert isinstance(answer, nio.RoomSendResponse)
            await alice.sync()
        assert alice.read() == [
            body for number in range(3) for body in (f"from dmtui {number}", f"from nio {number}")
        ]
        alice.crypto.new_session(RoomId(room_id))
        await alice.say(room_id, "on a new session")
        assert await turn(stock) == ["on a new session"]
    finally:
        await stock.close()  # type: ignore[no-untyped-call]


async def test_stock_client_that_sends_first_is_read(party: Party, tmp_path: Path) -> None:
    alice = await party.guest()
    friend = party.register()
    alice.crypto.entitlement.set_excepted(friend.user_id, True)
    stock = stock_client(friend, tmp_path / "stock")
    try:
        await turn(stock)
        room_id = encrypted_room(friend, alice.account)
        await turn(stock)
        await stock.room_send(
            room_id,
            "m.room.message",
            {"msgtype": "m.text", "body": "me first"},
            ignore_unverified_devices=True,
        )
        await alice.sync()
        assert alice.read() == ["me first"]
        await alice.say(room_id, "and you?")
        assert await turn(stock) == ["and you?"]
    finally:
        await stock.close()  # type: ignore[no-untyped-call]
