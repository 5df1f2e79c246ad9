"""A device that talks through dmtui's encryption alone: raw sync in, plain bodies out."""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from dmtui.core.errors import Recoverable
from dmtui.core.events import Undecryptable
from dmtui.core.model import EventId, RoomId, Session, TransactionId, UserId
from dmtui.matrix.client import Client
from dmtui.matrix.crypto import Crypto
from tests.homeserver.account import Account, Json
from tests.homeserver.confirmed import confirm
from tests.homeserver.synapse import SynapseServer

ENCRYPTED: Json = {
    "type": "m.room.encryption",
    "state_key": "",
    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
}
ROOM_SETTINGS = ("m.room.member", "m.room.history_visibility")


class Talker:
    """``url`` is the homeserver, or a proxy before it; ``seen`` are all encrypted events synced.

    ``confirmed``: its user has an identity, which vouches for it.
    """

    def __init__(self, account: Account, directory: Path, url: str = "", *, confirmed: bool = True):
        self.confirmed = confirmed
        self.account = account
        self.directory = directory
        self.session = Session(
            UserId(account.user_id),
            account.device_id,
            account.access_token,
            url or account.base_url,
        )
        self.since = ""
        self.ahead = 0.0
        self.seen: list[tuple[RoomId, Json]] = []
        self.open()

    def open(self) -> None:
        """Start (again) with what is on disk."""
        self.client = Client(self.session)
        self.crypto = Crypto.open(self.client, self.session, self.directory, self.now)
        self.crypto.key_bundles.download = self.client.download

    def now(self) -> float:
        """Seconds, as far ``ahead`` of the clock as the test likes."""
        return time.monotonic() + self.ahead

    async def __aenter__(self) -> Self:
        await self.crypto.maintain()
        if self.confirmed:
            await asyncio.to_thread(confirm, self.account)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        self.crypto.close()
        await self.client.close()

    async def restart(self) -> None:
        """As after quitting and starting again; the sync position is kept."""
        await self.close()
        self.open()

    def fetch(self) -> Json:
        """The next sync answer, not yet taken in and asked for again by the next call."""
        return self.account.sync(self.since)

    async def take_in(self, answer: Json, *, commit: bool = True) -> tuple[tuple[RoomId, str], ...]:
        """Hand the answer to the encryption; the room keys that came."""
        arrived = await self.crypto.receive(
            answer.get("to_device", {}).get("events", []),
            answer.get("device_lists", {}) if self.since else None,
            answer.get("device_one_time_keys_count"),
            answer.get("device_unused_fallback_key_types"),
            answer["next_batch"],
        )
        for room_id, room in answer.get("rooms", {}).get("join", {}).items():
            events = room["timeline"]["events"]
            if any(event["type"] in ROOM_SETTINGS for event in events):
                self.crypto.members_changed(RoomId(room_id))
            self.seen += [
                (RoomId(room_id), event) for event in events if event["type"] == "m.room.encrypted"
            ]
        if commit:
            self.since = answer["next_batch"]
        return arrived

    async def sync(self) -> tuple[tuple[RoomId, str], ...]:
        """One turn of the loop: news, then upkeep as far as the network allows."""
        arrived = await self.take_in(self.fetch())
        with suppress(Recoverable):
            await self.crypto.maintain()
        return arrived

    def read(self) -> list[str]:
        """The bodies of everything seen, in order; the reason for what can't be decrypted."""
        bodies = []
        for room_id, event in self.seen:
            plain = self.crypto.decrypt(room_id, event)
            match plain:
                case Undecryptable():
                    bodies.append(plain.reason)
                case {"content": {"body": str(body)}}:
                    bodies.append(body)
        return bodies

    async def say(self, room_id: str, body: str, transaction_id: str = "") -> EventId:
        """Send a text message."""
        return await self.crypto.send(
            RoomId(room_id),
            TransactionId(transaction_id or uuid.uuid4().hex),
            "m.room.message",
            {"msgtype": "m.text", "body": body},
        )


def encrypted_room(creator: Account, *others: Account, **settings: object) -> str:
    """A direct room with encryption, the others joined; ``settings`` of ``m.room.encryption``."""
    event = {**ENCRYPTED, "content": {**ENCRYPTED["content"], **settings}}
    room_id = creator.create_dm(*others, record=False, initial_state=[event])
    for other in others:
        other.join(room_id)
    return room_id


async def _met(alice: Talker, bob: Talker) -> str:
    room_id = encrypted_room(alice.account, bob.account)
    await alice.sync()
    await bob.sync()
    return room_id


class Party:
    """Makes talkers of one server, to be closed with the stack."""

    def __init__(self, server: SynapseServer, directory: Path, stack: AsyncExitStack):
        self._server = server
        self._directory = directory
        self._stack = stack

    def register(self) -> Account:
        """A new user of the server."""
        return self._server.register()

    async def guest(
        self, account: Account | None = None, url: str = "", *, confirmed: bool = True
    ) -> Talker:
        """A talker of a new user, or of this device; its requests go to ``url``."""
        account = account or self._server.register()
        directory = self._directory / f"{account.localpart}-{account.device_id}"
        return await self._stack.enter_async_context(
            Talker(account, directory, url, confirmed=confirmed)
        )

    async def pair(self, url: str = "", *, confirmed: bool = True) -> tuple[Talker, Talker, str]:
        """Two talkers in an encrypted room; the first one's requests go to ``url``.

        ``confirmed`` says whether the second one's device is.
        """
        alice, bob = await self.guest(url=url), await self.guest(confirmed=confirmed)
        return alice, bob, await _met(alice, bob)

    async def plain_pair(self, url: str = "") -> tuple[Talker, Talker, str]:
        """The same without identities; they write to each other all the same."""
        alice, bob = await self.guest(url=url, confirmed=False), await self.guest(confirmed=False)
        alice.crypto.entitlement.set_excepted(bob.account.user_id, True)
        bob.crypto.entitlement.set_excepted(alice.account.user_id, True)
        return alice, bob, await _met(alice, bob)
