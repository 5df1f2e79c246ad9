"""dmtui itself, without its screens, signed in to a real homeserver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from dmtui.core.images import USUAL_LIMIT
from dmtui.core.model import (
    Conversation,
    Message,
    PeerState,
    Phase,
    RoomId,
    SendState,
    Session,
    UserId,
)
from dmtui.core.ports import Homeserver
from dmtui.matrix.homeserver import connect
from dmtui.messenger.messenger import Messenger
from dmtui.messenger.results import Consent, Opened
from dmtui.store.store import Store
from tests.homeserver.account import Account
from tests.homeserver.confirmed import confirm
from tests.new_store import open_store
from tests.waiting import PATIENCE


def user(account: Account) -> UserId:
    """The person that the account is."""
    return UserId(account.user_id)


class DmtuiAccount:
    """One signed-in dmtui; ``account`` is the same user driven by hand.

    ``base_url`` may be that of a proxy in front of the server.
    """

    def __init__(self, account: Account, directory: Path, base_url: str = ""):
        self.account = account
        self.me = user(account)
        self.directory = directory
        self.session = Session(
            self.me, account.device_id, account.access_token, base_url or account.base_url
        )
        self.store: Store
        self.messenger: Messenger

    async def start(self, *, online: bool = True) -> DmtuiAccount:
        """Start, and wait for the first answer of the server."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.store = open_store(self.directory / "store.db", self.me)

        async def connected() -> Homeserver:
            return await connect(self.session, self.directory / "keys")

        self.messenger = Messenger(
            self.me,
            self.store,
            connected,
            downloads=self.directory / "downloads",
            preview_limit=USUAL_LIMIT,
        )
        await self.messenger.start()
        if online:
            await self.until(self.store.synced)
            await self.until(lambda: self.messenger.connection.phase is Phase.ONLINE)
        return self

    async def stop(self) -> None:
        """Stop in the middle of whatever goes on."""
        await self.messenger.stop()
        self.store.close()

    async def confirm(self) -> None:
        """Have this device confirmed by an identity, so that others give it keys."""
        await asyncio.to_thread(confirm, self.account)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until the condition holds, looking after every change."""
        subscription = self.messenger.subscribe()
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    await subscription.next()
        finally:
            subscription.close()

    async def until_peer(self, person: Account, state: PeerState) -> Conversation:
        """Wait until the person stands so in the conversation, and give that."""
        await self.until(lambda: (c := self.conversation(person)) and c.peer is state)
        conversation = self.conversation(person)
        assert conversation is not None
        return conversation

    async def befriend(self, person: Account) -> RoomId:
        """A direct room made by the person, joined and recorded by both, and in the list."""

        def make() -> str:
            room_id = person.create_dm(self.account)
            self.account.join(room_id)
            self.account.record_direct(person, room_id)
            return room_id

        room_id = RoomId(await asyncio.to_thread(make))
        await self.until_peer(person, PeerState.JOINED)
        return room_id

    async def start_plain_chat(self, person: Account) -> Opened:
        """Start a chat with somebody whose devices have no keys."""
        result = await self.messenger.start_chat(user(person), Consent(unencrypted=True))
        assert isinstance(result, Opened)
        return result

    async def accept(self, room_id: str) -> None:
        """Accept an invite, once it is there; it must be possible at once."""
        room = RoomId(room_id)
        await self.until(lambda: room in {invite.room_id for invite in self.messenger.invites()})
        outcome = await self.messenger.accept(room)
        assert outcome is not None
        assert outcome.ok, outcome.message

    def conversation(self, person: Account) -> Conversation | None:
        return self._row(user(person))

    def group(self, room_id: str) -> Conversation | None:
        """The row of a room that is no direct chat."""
        return self._row(UserId(room_id))

    def _row(self, user_id: UserId) -> Conversation | None:
        found = self.messenger.conversations(frozenset({user_id}))
        return found[0] if found else None

    def messages(self, person: Account) -> tuple[Message, ...]:
        return self.messenger.messages(user(person)).messages

    def bodies(self, person: Account) -> list[str]:
        return [m.body for m in self.messages(person) if m.kind == "text"]

    def states(self, person: Account) -> list[SendState]:
        return [m.state for m in self.messages(person) if m.own and m.kind == "text"]

    async def direct_map(self) -> object:
        """``m.direct`` as the server has it."""
        return await asyncio.to_thread(self.account.account_data, "m.direct")

    async def until_recorded(self, expected: object) -> None:
        """Wait until the server's ``m.direct`` is as expected and nothing is pending."""
        await self.until(lambda: self.store.pending_intents() == ())
        found = await self.direct_map()
        assert found == expected
