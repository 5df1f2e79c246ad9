"""Start Chat: find first, create last, ask where the user must decide."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from dmtui.core.direct import AcceptInvite, CreateNew, OpenRoom, PersonIsGone, look_up
from dmtui.core.errors import DmtuiError, NotFound, Recoverable, Refused
from dmtui.core.intents import (
    CreateRoom,
    DirectAction,
    EditDirect,
    Entry,
    InviteBack,
    Outcome,
    StopIgnoring,
)
from dmtui.core.model import Invite, Membership, RoomId, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.candidates import unmarked_room
from dmtui.messenger.clock import Clock
from dmtui.messenger.journal import Journal
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.results import (
    Consent,
    Failed,
    Ignored,
    InvitedAlready,
    Opened,
    PersonLeft,
    StartChatResult,
    Unencrypted,
    Unmarked,
    Unverified,
    Waiting,
)
from dmtui.messenger.rooms import seems_gone

SHOWN_SECONDS = 10.0
"""How long to wait for sync to show a room that was just made or joined."""

NEVER_SYNCED = "Your chats are still being loaded; it goes on when they are here."

STILL_IGNORED = "The homeserver does not answer; they are heard again as soon as it does."


class StartChat:
    """The ranked look-up, and one request per person at a time."""

    def __init__(
        self,
        me: UserId,
        homeserver: Callable[[], Awaitable[Homeserver]],
        ledger: Ledger,
        journal: Journal,
        clock: Clock,
    ):
        self._me = me
        self._homeserver = homeserver
        self._ledger = ledger
        self._journal = journal
        self._clock = clock
        self._running: dict[UserId, asyncio.Task[StartChatResult]] = {}

    async def start(self, user_id: UserId, consent: Consent) -> StartChatResult:
        """Find the conversation or make it; a second call meanwhile shares the first's result."""
        task = self._running.get(user_id)
        if task is None:
            task = asyncio.create_task(self._start(user_id, consent))
            self._running[user_id] = task
            task.add_done_callback(lambda _: self._running.pop(user_id, None))
        return await asyncio.shield(task)

    async def _start(self, user_id: UserId, consent: Consent) -> StartChatResult:
        if (entry := self._pending_creation(user_id)) is not None:
            return await self._created(user_id, entry)
        if (question := await self._hear_again(user_id, consent)) is not None:
            return question
        await self._load_members(user_id)
        match self._look_up(user_id):
            case OpenRoom(room_id):
                return Opened(user_id, room_id)
            case AcceptInvite(invite):
                return InvitedAlready(invite)
            case PersonIsGone(room_id):
                if consent.invite_back:
                    if not consent.unverified and await seems_gone(
                        await self._homeserver(), user_id
                    ):
                        return Unverified(user_id, f"The account of {user_id} seems to be gone.")
                    entry = await self._journal.add(InviteBack(user_id, room_id))
                    return self._result(user_id, await self._journal.outcome(entry))
                if not consent.anew:
                    return PersonLeft(user_id, room_id)
            case CreateNew():
                found = await self._unmarked(user_id, consent)
                return found or await self._create(user_id, consent)
        return await self._create(user_id, consent)

    async def _unmarked(self, user_id: UserId, consent: Consent) -> StartChatResult | None:
        """An old room of the two of us that no client ever marked: asked about, then recorded."""
        if consent.fresh or user_id == self._me or not self._ledger.store.synced():
            return None
        room_id = await unmarked_room(await self._homeserver(), self._ledger, self._me, user_id)
        if room_id is None:
            return None
        if not consent.adopt:
            return Unmarked(user_id, room_id, f"You and {user_id} are alone in an old room.")
        entry = await self._journal.add(EditDirect(DirectAction.ADD, user_id, room_id))
        outcome = await self._journal.outcome(entry)
        if outcome is not None and outcome.ok:
            outcome = await self.shown(user_id, Outcome(ok=True, room_id=room_id))
        return self._result(user_id, outcome)

    async def _hear_again(self, user_id: UserId, consent: Consent) -> Ignored | Failed | None:
        if not self._ledger.store.ignores(user_id):
            return None
        if not consent.stop_ignoring:
            return Ignored(user_id, f"You ignore {user_id}: an answer would never be shown.")
        outcome = await self._journal.outcome(await self._journal.add(StopIgnoring(user_id)))
        if outcome is None:
            return Failed(user_id, STILL_IGNORED)
        return None if outcome.ok else Failed(user_id, outcome.message)

    def _look_up(self, user_id: UserId) -> OpenRoom | AcceptInvite | PersonIsGone | CreateNew:
        store = self._ledger.store
        invite = self._invite_from(user_id)
        return look_up(user_id, store.candidates(user_id), invite, self._me)

    def _invite_from(self, user_id: UserId) -> Invite | None:
        invites = self._ledger.store.invites()
        return next((i for i in invites if i.inviter == user_id and i.direct), None)

    async def _load_members(self, user_id: UserId) -> None:
        """Rooms of the person in which nobody else is known yet may be theirs after all."""
        store = self._ledger.store
        for candidate in store.candidates(user_id):
            if candidate.mine is Membership.JOIN and candidate.peer is None:
                try:
                    members = await (await self._homeserver()).members(candidate.room_id)
                except DmtuiError:
                    continue
                await self._ledger.write(store.apply_members, candidate.room_id, members)

    def _pending_creation(self, user_id: UserId) -> Entry | None:
        for entry in self._ledger.store.pending_intents():
            if isinstance(entry.intent, CreateRoom) and entry.intent.user_id == user_id:
                return entry
        return None

    async def _create(self, user_id: UserId, consent: Consent) -> StartChatResult:
        if not self._ledger.store.synced():
            return Failed(user_id, NEVER_SYNCED)
        homeserver = await self._homeserver()
        encrypted = not consent.unencrypted
        if user_id != self._me:
            question = await self._question(homeserver, user_id, consent)
            if question is not None:
                return question
        nonce = secrets.token_urlsafe(16)
        entry = await self._journal.add(CreateRoom(user_id, nonce, encrypted))
        return await self._created(user_id, entry)

    async def _question(
        self, homeserver: Homeserver, user_id: UserId, consent: Consent
    ) -> Unverified | Unencrypted | None:
        if not consent.unverified:
            try:
                await homeserver.profile(user_id)
            except (Recoverable, Refused) as error:
                return Unverified(user_id, f"{user_id} cannot be verified: {_in_words(error)}")
        if not consent.unencrypted:
            try:
                has_keys = await homeserver.has_device_keys(user_id)
            except (Recoverable, Refused):
                has_keys = True  # nothing proves that the chat can't be encrypted
            if not has_keys:
                return Unencrypted(
                    user_id,
                    f"{user_id} has no device that can read encrypted messages yet.",
                )
        return None

    async def _created(self, user_id: UserId, entry: Entry) -> StartChatResult:
        return self._result(user_id, await self.shown(user_id, await self._journal.outcome(entry)))

    async def shown(self, user_id: UserId, outcome: Outcome | None) -> Outcome | None:
        """Pass the outcome on once sync has shown the conversation, or after a while."""
        if outcome is None or not outcome.ok or outcome.room_id is None:
            return outcome
        store, room_id = self._ledger.store, outcome.room_id

        def conversation() -> RoomId | None:
            return room_id if store.person_of(room_id) == user_id else None

        waits = {
            asyncio.ensure_future(self._ledger.wait_until(conversation)),
            asyncio.ensure_future(self._clock.sleep(SHOWN_SECONDS)),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return outcome

    @staticmethod
    def _result(user_id: UserId, outcome: Outcome | None) -> StartChatResult:
        if outcome is None:
            return Waiting(user_id, "The homeserver does not answer; the chat starts when it does.")
        if outcome.ok and outcome.room_id is not None:
            return Opened(user_id, outcome.room_id)
        return Failed(user_id, outcome.message)


def _in_words(error: DmtuiError) -> str:
    """Why a profile could not be read, which proves nothing about the person."""
    match error:
        case NotFound():
            return "the homeserver knows nobody of that name."
        case Refused():
            return "the homeserver does not tell."
        case _:
            return str(error)
