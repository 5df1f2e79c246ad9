"""The façade of the application service: plain values in, plain values and keys of changes out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import tzinfo
from pathlib import Path

from dmtui.core.errors import DmtuiError, StoreTrouble
from dmtui.core.events import Change, ConnectionChanged, ConversationsChanged, IntentsChanged
from dmtui.core.export import Format
from dmtui.core.intents import Deliver, Entry, Intent, Outcome
from dmtui.core.model import (
    NO_AIM,
    Aim,
    Alarm,
    Connection,
    Conversation,
    Cursor,
    DirectRoom,
    EventId,
    Invite,
    Milliseconds,
    Page,
    PeerState,
    Profile,
    RoomId,
    Safe,
    TransactionId,
    UserId,
)
from dmtui.core.names import valid_user_id
from dmtui.core.notify import News
from dmtui.core.ports import Homeserver
from dmtui.core.privacy import OPEN, Privacy, Receipts
from dmtui.core.slash import Said
from dmtui.messenger.acts import Acts
from dmtui.messenger.attaching import Attaching, Offer
from dmtui.messenger.cards import Cards
from dmtui.messenger.care import DirectCare
from dmtui.messenger.clock import Clock, SystemClock, back_off, milliseconds
from dmtui.messenger.contacts import Contacts
from dmtui.messenger.deliveries import Deliveries
from dmtui.messenger.directs import DirectWriter
from dmtui.messenger.encryption import EncryptionCare
from dmtui.messenger.export import export_to
from dmtui.messenger.faces import Faces
from dmtui.messenger.introducing import Introducing
from dmtui.messenger.journal import Journal
from dmtui.messenger.ledger import Ledger, Subscription
from dmtui.messenger.life import Life
from dmtui.messenger.line import Line
from dmtui.messenger.outbox import Outbox
from dmtui.messenger.outgoing_files import OutgoingFiles
from dmtui.messenger.own_devices import OwnDevices
from dmtui.messenger.own_profile import OwnProfile
from dmtui.messenger.pending import describe
from dmtui.messenger.previews import Previews
from dmtui.messenger.recovery import Recovery
from dmtui.messenger.relations import Relations, new_transaction, typed
from dmtui.messenger.requests import Requests
from dmtui.messenger.results import Consent, StartChatResult
from dmtui.messenger.saving import Saving
from dmtui.messenger.search import Search
from dmtui.messenger.start_chat import StartChat
from dmtui.messenger.syncing import Syncing
from dmtui.messenger.transfers import Transfers
from dmtui.messenger.typing import TypingNotices
from dmtui.messenger.upgrades import Upgrades
from dmtui.messenger.verification import VerificationDesk
from dmtui.store.store import Store

PAGES_AT_ONCE = 20
"""How many pages of history to fetch before asking whether the user still wants older messages."""

FOUND_PEOPLE = 20
"""How many people to ask the user directory for."""


class Messenger:
    """Everything dmtui can do with an account. Lives on one asyncio loop.

    Reads are quick (SQLite, well under a frame) and never wait for the network; acts write their
    intent down first and raise only ``StoreTrouble`` unless said otherwise.
    """

    def __init__(
        self,
        me: UserId,
        store: Store,
        connect: Callable[[], Awaitable[Homeserver]],
        clock: Clock | None = None,
        downloads: Path = Path("~/Downloads"),
        preview_limit: int = 0,
        privacy: Privacy = OPEN,
    ):
        self.me = me
        self.privacy = privacy
        self._store = store
        self._connect = connect
        self._clock = clock or SystemClock()
        self._ledger = Ledger(store)
        self._line = Line(self._ledger, self._clock)
        self.transfers = Transfers(self._ledger, self._clock)
        self._files = OutgoingFiles(store.outgoing_files)
        self.faces = Faces(self.homeserver)
        self.attaching = Attaching(
            self._ledger,
            self._clock,
            self._files,
            self.transfers,
            lambda: self._outbox.wake(),
        )
        self.previews = Previews(self._ledger, self._clock, self._files, preview_limit)
        self.saving = Saving(self.homeserver, self.transfers, downloads.expanduser())
        self._outbox = Outbox(self._ledger, self._line, self.attaching)
        self.relations = Relations(self._ledger, self._clock, self._outbox.wake)
        self._journal = Journal(self._ledger, self._line)
        self.care = DirectCare(self._ledger, self._journal)
        self.contacts = Contacts(self._ledger, self._journal, self._clock)
        self.life = Life(me, self.homeserver, self._ledger, self._journal)
        self.cards = Cards(me, self.homeserver, self._ledger, self.faces)
        self.recovery = Recovery(self.homeserver)
        self.own_devices = OwnDevices(self.homeserver, self._ledger)
        self.search = Search(self._ledger, self._clock)
        self._upgrades = Upgrades(self._ledger, self._journal)
        self._directs = DirectWriter(self._ledger, self._line, self._clock)
        self._syncing = Syncing(self._ledger, self._line, self._clock, self._directs.seen)
        self.encryption = EncryptionCare(
            self.recovery, self._ledger, self._line, self._syncing.heal_all
        )
        self.verification = VerificationDesk(me, self.homeserver, self._ledger, self.encryption)
        self._start_chat = StartChat(me, self.homeserver, self._ledger, self._journal, self._clock)
        self.own_profile = OwnProfile(me, self.homeserver, self._ledger, self._journal, self._files)
        self.requests = Requests(self._ledger, self._journal, self._line, self._start_chat.shown)
        self._typing = TypingNotices(self._clock)
        self._homeserver: Homeserver | None = None
        self._connected = asyncio.Event()  # or it is known that there will be no connection
        self._failure = DmtuiError()
        self._running: asyncio.Task[None] | None = None

    # -- lifetime --

    async def start(self) -> None:
        """Begin syncing, sending and carrying out intents, in the background."""
        version = self._store.data_version()
        self._running = asyncio.create_task(self._run(version))
        self._running.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Stop everything; nothing is lost. Raises what ended the background work, if anything."""
        try:
            if self._running is not None:
                self._running.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._running
        finally:
            self._ledger.close()

    async def homeserver(self) -> Homeserver:
        """The homeserver, once its encryption store is open; ``DmtuiError`` if that failed."""
        await self._connected.wait()
        if self._homeserver is None:
            raise self._failure
        return self._homeserver

    async def _run(self, version: int) -> None:
        homeserver = await self._connect()
        try:
            self._homeserver = homeserver
            self._connected.set()
            deliveries = Deliveries(
                self._ledger, self._clock, self._journal, self._start_chat, self._outbox.wake
            )
            introducing = Introducing(
                self.me, homeserver, self._ledger, self._files, self._syncing.end_former_presence
            )
            acts = Acts(self.me, homeserver, self._ledger, self._clock, deliveries, introducing)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._wake_on_changes())
                tasks.create_task(self._keep(self.attaching.sweep))
                tasks.create_task(self._keep(lambda: self._journal.watch(self._clock, version)))
                tasks.create_task(self._keep(lambda: self._syncing.run(homeserver)))
                tasks.create_task(self._keep(lambda: self._outbox.run(homeserver)))
                tasks.create_task(self._keep(lambda: self._journal.run(acts.carry_out)))
                tasks.create_task(self._keep(lambda: self._directs.run(homeserver)))
                tasks.create_task(self._keep(lambda: self.requests.run(homeserver)))
                tasks.create_task(self._keep(lambda: self.encryption.run(homeserver)))
                tasks.create_task(self._keep(lambda: self.previews.run(homeserver)))
                tasks.create_task(self._keep(self.contacts.run))
                tasks.create_task(self._keep(self.search.run))
                tasks.create_task(self._keep(self._upgrades.run))
                tasks.create_task(self._keep(lambda: self.verification.run(homeserver)))
                tasks.create_task(self._typing.run(homeserver))
        finally:
            await homeserver.close()

    async def _keep(self, service: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run a service again after trouble with the disk, which the user can mend meanwhile."""
        attempts = 0
        while True:
            try:
                await service()
                return
            except* StoreTrouble as trouble:
                attempts += 1
                reason = str(_first(trouble))
            delay = back_off(attempts)
            self._line.offline(reason, delay)
            await self._clock.sleep(delay)

    def _ended(self, running: asyncio.Task[None]) -> None:
        if not running.cancelled() and (error := running.exception()) is not None:
            first = _first(error)
            reason = str(first) if isinstance(first, DmtuiError) else f"stopped by {first!r}"
            self._line.stopped(reason)
            self._failure = first if isinstance(first, DmtuiError) else DmtuiError(reason)
            self._connected.set()

    async def _wake_on_changes(self) -> None:
        subscription = self.subscribe()
        try:
            while True:
                for change in await subscription.next():
                    if isinstance(
                        change, IntentsChanged | ConnectionChanged | ConversationsChanged
                    ):
                        self._journal.wake()
                        self._directs.wake()
                        self._outbox.wake()
                        self._syncing.refollow()
                        break
        finally:
            subscription.close()

    # -- reading --

    def subscribe(self) -> Subscription:
        """A reader of changes from now on."""
        return self._ledger.subscribe()

    @property
    def connection(self) -> Connection:
        """The connection's state."""
        return self._line.connection

    @property
    def synced(self) -> bool:
        """Whether the account was ever completely synced into the store."""
        return self._store.synced()

    def people(self, limit: int | None = None) -> tuple[Conversation, ...]:
        """All conversations, or the first ``limit``: pinned, then newest first, archived last."""
        return self._store.people(limit)

    def conversations(self, user_ids: frozenset[UserId]) -> tuple[Conversation, ...]:
        """Those of the given people that exist."""
        return self._store.conversations(user_ids)

    def rooms_of(self, user_id: UserId) -> tuple[DirectRoom, ...]:
        """The rooms behind the conversation, those that I left included, oldest first."""
        return self._store.rooms_of(user_id)

    def person_of(self, room_id: RoomId) -> UserId | None:
        """Whose conversation the room belongs to; a group's key is its room ID."""
        return self._store.person_of(room_id)

    def messages(
        self,
        user_id: UserId,
        before: Cursor | None = None,
        limit: int = 50,
        across: bool = False,
    ) -> Page:
        """The newest ``limit`` messages before the cursor, oldest first.

        They end where some are missing that the server has, unless ``across`` is set.
        """
        return self.transfers.shown(self._store.messages(user_id, before, limit, across))

    def messages_from(self, user_id: UserId, first: Cursor, last: Cursor | None = None) -> Page:
        """All messages from the one cursor to the other: to refresh what is on screen."""
        return self.transfers.shown(self._store.messages_from(user_id, first, last))

    def messages_after(self, user_id: UserId, after: Cursor, limit: int = 50) -> Page:
        """The oldest ``limit`` messages after the cursor; ``more`` and ``complete`` are void."""
        return self.transfers.shown(self._store.messages_after(user_id, after, limit))

    def cursor_at(self, at: Milliseconds) -> Cursor:
        """The place just before the messages of that moment."""
        return self._store.cursor_at(at)

    def around(self, user_id: UserId, key: str, limit: int = 50) -> Page | None:
        """The message of this key and up to ``limit`` on each side; ``None`` if it is not stored.

        What is stored is shown, also where something is missing between.
        """
        page = self._store.around(user_id, key, limit)
        return None if page is None else self.transfers.shown(page)

    def key_of(self, user_id: UserId, event_id: EventId) -> str | None:
        """The key, for :meth:`around`, of the message in the conversation that is this event."""
        return self._store.key_of(user_id, event_id)

    def invites(self) -> tuple[Invite, ...]:
        """Invites not answered yet: direct ones first, by standing, then newest first."""
        return self.requests.invites()

    def typing(self) -> Mapping[UserId, tuple[Safe, ...]]:
        """The names of those who are typing to me, by conversation."""
        return self._syncing.typists.now()

    def pending(self) -> tuple[str, ...]:
        """What waits for the server, one line each."""
        return describe(self._store)

    async def export(self, person: Conversation, path: Path, style: Format, zone: tzinfo) -> bool:
        """Write the conversation's history to a new file; false if older messages are not stored.

        Raises ``OSError`` and ``StoreTrouble``; nothing is left of a file half written.
        """
        now = milliseconds(self._clock)
        return await asyncio.to_thread(export_to, path, self._store, person, style, now, zone)

    # -- telling the user --

    @property
    def clock(self) -> Clock:
        """The time that everything here goes by."""
        return self._clock

    @property
    def caught_up(self) -> bool:
        """Whether what came while dmtui was off, or cut off, is in the store."""
        return self._syncing.caught_up

    def news(self) -> News:
        """What came in and the user was not told of; invites that are answered are left out."""
        return self.requests.unanswered(self._store.told.news())

    async def mark_told(self, news: News) -> None:
        """The user was told of these, or need not be."""
        if news:
            await self._ledger.write(self._store.told.mark, news)

    def unread(self) -> int:
        """Unread messages of all people together, the muted left out."""
        return self._store.told.unread()

    # -- talking --

    async def send(self, user_id: UserId, text: str | Said, answers: str = "") -> TransactionId:
        """Queue what was typed, which may be Markdown; returns once it is on disk.

        ``answers`` is the key of the message that it is a reply to. Raises ``LookupError`` where
        there is no conversation with the person.
        """
        transaction_id = new_transaction()
        room_id = self._room(user_id)
        if room_id is None:
            raise LookupError(user_id)
        now = milliseconds(self._clock)

        def queue() -> frozenset[Change]:
            line = typed(text, self._store, room_id)
            return self._store.queue_message(
                user_id, room_id, transaction_id, line, now, answers=answers
            )

        await self._ledger.write(queue)
        self._outbox.wake()
        self._typing.stopped(room_id)
        return transaction_id

    async def attach(
        self, user_id: UserId, offer: Offer, caption: str, answers: str = ""
    ) -> TransactionId:
        """Queue a file to the conversation's room; returns once a copy of it is on disk.

        ``answers`` is the key of the message that it is a reply to. Raises ``FileTrouble``, and
        ``LookupError`` where there is no conversation.
        """
        room_id = self._room(user_id)
        if room_id is None:
            raise LookupError(user_id)
        return await self.attaching.send(user_id, room_id, offer, caption, answers)

    def alarms_of(self, user_id: UserId) -> Mapping[UserId, Alarm]:
        """About whom the user has to decide before anything is sent to the conversation."""
        return self._store.alarms_of(user_id)

    async def accept_identity(self, user_id: UserId) -> None:
        """Rely on the person's identity as it is now, and send what waited for it.

        Raises ``DmtuiError`` where the encryption can't be opened.
        """
        homeserver = await self.homeserver()
        await homeserver.accept_identity(user_id)
        await self._ledger.write(self._store.end_alarm, user_id)
        self._outbox.wake()

    async def except_devices(self, user_id: UserId, excepted: bool) -> None:
        """Let the person's devices read that nobody confirms, too; what waited for it is sent.

        ``excepted`` false: from now on confirmed devices only. Raises ``DmtuiError`` as above.
        """
        homeserver = await self.homeserver()
        await homeserver.except_devices(user_id, excepted)
        if excepted:
            await self._ledger.write(self._store.end_alarm, user_id)
            self._outbox.wake()

    async def retry(self, transaction_id: TransactionId) -> None:
        """Queue a failed message again."""
        await self._ledger.write(self._store.send_again, transaction_id)
        self._outbox.wake()

    async def discard(self, transaction_id: TransactionId) -> str:
        """Remove a failed or queued message and return its text; empty if it is too late."""
        message = self._store.message(transaction_id)
        await self._ledger.write(self._store.discard, transaction_id)
        if message is None or self._store.message(transaction_id) is not None:
            return ""  # it is on its way, or was sent
        await self.attaching.drop(message.attachment)
        return message.body

    async def load_older(self, user_id: UserId, before: Cursor | None) -> bool:
        """Fetch older messages from the server; false at the beginning. Raises ``DmtuiError``.

        Goes on while there is nothing to show: a page may be of another room's newer messages.
        """
        for page in range(PAGES_AT_ONCE):
            gap = self._store.gap_before(user_id, before)
            if gap is None:
                return page > 0
            await self._syncing.page_back(await self.homeserver(), gap)
            if self._store.messages(user_id, before, 1).messages:
                break
        return True

    async def save_draft(
        self, user_id: UserId, text: str, meant_for: UserId | None = None, aim: Aim = NO_AIM
    ) -> None:
        """Keep what was typed and not sent; ``meant_for``: to this person alone, not the group."""
        await self._ledger.write(self._store.set_draft, user_id, text, meant_for, aim)

    def aim(self, user_id: UserId) -> Aim:
        """What the draft to the person is about."""
        return self._store.aim(user_id)

    async def mark_read(self, user_id: UserId) -> None:
        """The user has seen the newest message of the conversation, or says so."""
        private = self.privacy.receipts is Receipts.PRIVATE
        await self._ledger.write(self._store.mark_read_here, user_id, private)

    def set_typing(self, user_id: UserId, typing: bool) -> None:
        """Tell whoever is there that I am typing, or no longer (rate limited inside).

        Nobody is told where the settings say so.
        """
        (here,) = self._store.conversations([user_id]) or (None,)
        if here is None:
            return
        if not typing:
            self._typing.stopped(here.room_id)
        elif self.privacy.typing and here.peer in (PeerState.JOINED, PeerState.GROUP):
            self._typing.started(here.room_id)

    def _room(self, user_id: UserId) -> RoomId | None:
        found = self._store.conversations([user_id])
        return found[0].room_id if found else None

    # -- direct messages --

    async def start_chat(self, user_id: UserId, consent: Consent | None = None) -> StartChatResult:
        """Find the conversation or make it; asks for consent by its result. ``InvalidUserId``."""
        return await self._start_chat.start(valid_user_id(user_id), consent or Consent())

    async def accept(self, room_id: RoomId, direct: bool = True) -> Outcome | None:
        """Accept a pending invite; ``None`` when it waits for the server."""
        return await self.requests.accept(room_id, direct)

    async def deliver(self, user_id: UserId, text: str) -> Outcome | None:
        """Start Chat semantics, then one message; ``None`` when it waits for the server."""
        return await self.outcome(await self._journal.add(Deliver(valid_user_id(user_id), text)))

    async def write_down(self, intent: Intent) -> Entry:
        """Have an intent carried out in the background; an identical pending one is the same."""
        return await self._journal.add(intent)

    async def outcome(self, entry: Entry) -> Outcome | None:
        """How an intent ended; ``None`` as soon as one more try did not get through."""
        return await self._journal.outcome(entry)

    async def search_people(self, term: str) -> tuple[Profile, ...]:
        """People in the homeserver's user directory. Raises ``DmtuiError``."""
        homeserver = await self.homeserver()
        found = await homeserver.search_people(term, FOUND_PEOPLE)
        return tuple(profile for profile in found if profile.user_id != self.me)

    async def logout(self) -> None:
        """End the session on the server. Raises ``DmtuiError``."""
        await (await self.homeserver()).logout()


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
