"""What a friend's other client does to a conversation of dmtui's, on a real homeserver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dmtui.core.model import Kind, PeerState, RoomId, SendState, UserId
from dmtui.matrix.room_decryption import NOT_YET, WITHHELD
from dmtui.messenger.results import Opened
from tests.homeserver.dmtui_account import DmtuiAccount
from tests.homeserver.synapse import SynapseServer
from tests.homeserver.talker import ENCRYPTED, Party, Talker


@pytest.fixture
async def dmtui(synapse: SynapseServer, tmp_path: Path) -> AsyncIterator[DmtuiAccount]:
    running = await DmtuiAccount(synapse.register(), tmp_path / "dmtui").start()
    yield running
    await running.stop()


async def started(dmtui: DmtuiAccount, friend: Talker) -> RoomId:
    """A chat that the friend has been invited to, with a message in it."""
    person = UserId(friend.account.user_id)
    opened = await dmtui.messenger.start_chat(person)
    assert isinstance(opened, Opened)
    await dmtui.messenger.send(person, "come in")
    await dmtui.until(lambda: dmtui.states(friend.account) == [SendState.SENT])
    return opened.room_id


def _peer(dmtui: DmtuiAccount, friend: Talker) -> PeerState | None:
    conversation = dmtui.conversation(friend.account)
    return conversation.peer if conversation else None


async def test_device_that_signed_in_while_invited_reads_what_is_said_after_joining(
    dmtui: DmtuiAccount, party: Party, synapse: SynapseServer
) -> None:
    desk = await party.guest()
    room_id = await started(dmtui, desk)
    phone = await party.guest(synapse.login(desk.account.localpart))
    await asyncio.to_thread(phone.account.join, room_id)
    await dmtui.until(lambda: _peer(dmtui, desk) is PeerState.JOINED)
    await dmtui.messenger.send(UserId(desk.account.user_id), "welcome")
    await dmtui.until(lambda: dmtui.states(desk.account) == [SendState.SENT] * 2)
    await phone.sync()
    assert phone.read()[-1] == "welcome"


async def test_refusal_that_comes_after_the_message_is_told_in_words(
    dmtui: DmtuiAccount, synapse: SynapseServer
) -> None:
    friend = synapse.register()
    person = UserId(friend.user_id)
    room_id = await asyncio.to_thread(friend.create_dm, dmtui.account, initial_state=[ENCRYPTED])
    await dmtui.until(dmtui.messenger.invites)
    await dmtui.messenger.accept(RoomId(room_id))
    sealed = {
        "algorithm": ENCRYPTED["content"]["algorithm"],
        "session_id": "session",
        "ciphertext": "ciphertext",
    }
    await asyncio.to_thread(friend.send, room_id, "m.room.encrypted", sealed)

    def told() -> list[str]:
        lines = dmtui.messenger.messages(person).messages
        return [line.body for line in lines if line.kind is Kind.UNDECRYPTABLE]

    await dmtui.until(told)
    assert told() == [NOT_YET]
    refusal = {"room_id": room_id, "code": "m.unverified", **sealed}
    to = {dmtui.me: {dmtui.account.device_id: refusal}}
    await asyncio.to_thread(
        friend.api, "PUT", "v3/sendToDevice/m.room_key.withheld/1", {"messages": to}
    )
    await dmtui.until(lambda: told() == [WITHHELD["m.unverified"]])
