"""What tests with Element have in common: the ways of syncing, the people, and how they meet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeAlias

import pytest

from dmtui.core.model import PeerState, RoomId
from dmtui.messenger.results import Opened
from tests.homeserver.account import Account
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.homeserver.synapse import SynapseServer
from tests.interop.peer import Element

OpenElement: TypeAlias = Callable[[Account], Awaitable[Element]]
OpenDmtui: TypeAlias = Callable[[Account], Awaitable[DmtuiAccount]]

on_one_worker = pytest.mark.xdist_group("interop")
"""The peer takes seconds to start: all tests with it share one."""


class Way(StrEnum):
    """How dmtui syncs."""

    SLIDING = "sliding"
    CLASSIC = "classic"


either_way = pytest.mark.parametrize("way", list(Way), indirect=True)


async def chat(dmtui: DmtuiAccount, bob: Element) -> RoomId:
    """An encrypted chat that dmtui started and Bob has accepted."""
    opened = await dmtui.messenger.start_chat(user(bob.account))
    assert isinstance(opened, Opened)
    assert await bob.accept(opened.room_id)
    await dmtui.until_peer(bob.account, PeerState.JOINED)
    return opened.room_id


both = pytest.mark.parametrize("encrypted", [True, False], ids=["encrypted", "plain"])


async def chat_as(dmtui: DmtuiAccount, bob: Element, encrypted: bool) -> RoomId:
    """A chat that both are in, encrypted or started by Bob without."""
    if encrypted:
        return await chat(dmtui, bob)
    room_id = RoomId(await bob.create_direct(dmtui.account, encrypted=False))
    await dmtui.accept(room_id)
    await dmtui.until_peer(bob.account, PeerState.JOINED)
    await bob.room(room_id, members={dmtui.me: "join"})
    return room_id


async def another_element(
    dmtui: DmtuiAccount, synapse: SynapseServer, open_element: OpenElement
) -> Element:
    """A new session of my account."""
    account = await asyncio.to_thread(synapse.login, dmtui.account.localpart)
    return await open_element(account)
