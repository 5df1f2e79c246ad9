"""The local database: writes rows, returns frozen snapshots and the keys of what changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Self

from dmtui.core.direct import Candidate, apply_edits
from dmtui.core.errors import StoreTrouble
from dmtui.core.events import (
    Change,
    ConversationsChanged,
    History,
    Line,
    RoomUpdate,
    SyncBatch,
    TimelineEvent,
)
from dmtui.core.intents import (
    Accept,
    ArrangeContact,
    BlockInvites,
    CreateGroup,
    CreateRoom,
    EditDirect,
    Entry,
    FollowUpgrade,
    ForgetRoom,
    Ignore,
    Intent,
    LeaveRoom,
    MakeRoom,
    Outcome,
    RestoreDirect,
    SetPresence,
    StopIgnoring,
    UndoRepair,
)
from dmtui.core.model import (
    NO_AIM,
    Aim,
    Alarm,
    Attachment,
    Availability,
    Conversation,
    Cursor,
    DirectRoom,
    EventId,
    Invite,
    JsonObject,
    Member,
    Message,
    Milliseconds,
    Page,
    Pixels,
    RoomId,
    SendState,
    TransactionId,
    UserId,
)
from dmtui.store import (
    account,
    alarms,
    attachments,
    contacts,
    directs,
    intents,
    invites,
    life,
    outbox,
    own_devices,
    people,
    previews,
    reading,
    relating,
    requests,
    rooms,
    timeline,
    upgrades,
)
from dmtui.store.database import Database, text
from dmtui.store.events import heal
from dmtui.store.evidence import EvidenceRecords
from dmtui.store.exporting import ExportRecords
from dmtui.store.forgotten import is_forgotten
from dmtui.store.outbox import Outgoing
from dmtui.store.positions import stamp
from dmtui.store.recovery import RecoveryRecords
from dmtui.store.requests import RequestRecords
from dmtui.store.search import SearchRecords
from dmtui.store.search_index import settle
from dmtui.store.timeline import Gap
from dmtui.store.told import Told
from dmtui.store.work import Work

__all__ = ["Gap", "Outgoing", "Store"]

CHUNK_SECONDS = 0.02
OUTGOING = "outgoing"


class Store:
    """One account's database. Writes may come from a worker thread, reads from the UI's.

    Every write is one transaction and returns what it changed; ``apply`` is several. All methods
    raise ``StoreTrouble`` when the disk does not do its part; nothing is half written then.
    """

    def __init__(self, database: Database, me: UserId):
        self._database = database
        self._me = me
        self.told = Told(database, self._write, me)
        self._untold: frozenset[Change] = frozenset()  # of a batch that was cut short
        self._verified: frozenset[UserId] | None = None  # as last written; only syncing writes it
        self.directs = directs.DirectRecords(database, self._write, me)
        self.upgrades = upgrades.UpgradeRecords(database, me)
        self.life = life.Life(database, me)
        self.contacts = contacts.ContactRecords(database, self._write)
        self.evidence = EvidenceRecords(database, me)
        self.requests = RequestRecords(database, self._write)
        self.recovery = RecoveryRecords(database, self._write)
        self.own_devices = own_devices.OwnDeviceRecords(database, self._write)
        self.search = SearchRecords(database, self._write, me)
        self.exporting = ExportRecords(database, me)
        self.relations = relating.RelationRecords(database, self._write, me)

    @property
    def me(self) -> UserId:
        """Whose account it is."""
        return self._me

    @property
    def outgoing_files(self) -> Path:
        """The directory, beside the database, for copies of files that are to be sent."""
        return self._database.path.with_name(OUTGOING)

    @classmethod
    def open(cls, path: Path, me: UserId) -> Self:
        """Open or create; ``StoreTrouble``: unreadable, newer than this dmtui, other account."""
        database = Database(path)
        store = cls(database, me)
        try:
            with store._write() as work:
                owner = text(work.connection, "SELECT value FROM meta WHERE name = 'me'")
                if owner is None:
                    invites.set_meta(work, "me", me)
                elif owner != me:
                    raise StoreTrouble(
                        f"The messages here are {owner}'s: use --profile for another account."
                    )
                intents.drop_malformed(work)
        except BaseException:
            database.close()
            raise
        return store

    def close(self) -> None:
        self._database.close()

    def data_version(self) -> int:
        """Changes when another process has written (``PRAGMA data_version``)."""
        return self._database.version()

    @contextmanager
    def _write(self) -> Iterator[Work]:
        """One transaction; its changes are in ``work.done`` once it is committed."""
        with self._database.write() as connection:
            work = Work(connection, self._me)
            yield work
            work.done = people.refresh(work)
            settle(connection)

    # -- the server's side --------------------------------------------------------------------

    def token(self) -> str | None:
        """The sync token to resume from."""
        with self._database.read() as connection:
            return account.meta(connection, "token")

    def synced(self) -> bool:
        """Whether the whole account was once in the store (a ``complete`` batch was applied)."""
        with self._database.read() as connection:
            return account.meta(connection, "synced") is not None

    def apply(self, batch: SyncBatch) -> frozenset[Change]:
        """Commit a batch; applying it again changes nothing.

        A batch of many rooms is committed in several transactions, so that other writers get
        their turn every 20 ms; the token goes with the last one. A crash between two of them
        means that the batch comes again.
        """
        waiting = list(reversed(batch.rooms))
        first, last = True, False
        while not last:
            with self._write() as work:
                if first:
                    _begin(work, batch)
                _apply_some(work, waiting)
                first, last = False, not waiting
                if last:
                    if batch.verified is not None and batch.verified != self._verified:
                        requests.set_verified(work, batch.verified)
                    _finish(work, batch)
            self._untold |= work.done
        self._verified = batch.verified
        changes, self._untold = self._untold, frozenset()
        return _together(changes)

    def apply_history(self, gap: Gap, history: History) -> frozenset[Change]:
        """Put older events before what follows the gap; closes it when it meets stored events."""
        with self._write() as work:
            room = work.room(gap.room_id)
            if room is not None and not is_forgotten(work, room):
                rooms.learn_members(work, room, history.members)
                timeline.fill_gap(work, room, gap.before, history)
                rooms.read_if_left(work, room)
        return work.done

    def apply_decrypted(
        self, room_id: RoomId, events: Sequence[TimelineEvent]
    ) -> frozenset[Change]:
        """Heal undecryptable messages in place."""
        with self._write() as work:
            room = work.room(room_id)
            if room is not None:
                for event in events:
                    heal(work, room, event)
        return work.done

    def undecryptable(
        self, sessions: Collection[tuple[RoomId, str]] | None
    ) -> dict[RoomId, list[str]]:
        """Raw events per room waiting for these sessions (``None``: for any)."""
        with self._database.read() as connection:
            wanted = None if sessions is None else set(sessions)
            return account.waiting_events(connection, wanted)

    def hold(self, room_id: RoomId, people: Collection[UserId]) -> alarms.Hold:
        """What holds the room up: once it is different, sending is worth another try."""
        with self._database.read() as connection:
            return alarms.hold(connection, room_id, people, self._me)

    def alarms_of(self, user_id: UserId) -> Mapping[UserId, Alarm]:
        """Those of them who hold up what is written in the conversation."""
        with self._database.read() as connection:
            return alarms.alarms_of(connection, user_id, self._me)

    def raise_alarms(self, found: Mapping[UserId, Alarm]) -> frozenset[Change]:
        """Nothing is to be sent to these people for now."""
        with self._write() as work:
            alarms.raise_alarms(work, found)
        return work.done

    def end_alarm(self, user_id: UserId) -> frozenset[Change]:
        """The user has decided about the person."""
        with self._write() as work:
            alarms.end_alarm(work, user_id)
        return work.done

    def apply_members(self, room_id: RoomId, members: Sequence[Member]) -> frozenset[Change]:
        """Replace what is known of the room's members."""
        with self._write() as work:
            room = rooms.ensure_room(work, room_id)
            rooms.replace_members(work, room, members)
            rooms.forget_counts(work, room)
        return work.done

    def gap_before(self, user_id: UserId, cursor: Cursor | None) -> Gap | None:
        """The nearest gap at or above the cursor (``None``: from the newest)."""
        with self._database.read() as connection:
            return reading.gap_before(connection, user_id, cursor)

    def holes(self) -> tuple[Gap, ...]:
        """Gaps between stored stretches, of limited timelines, newest rooms first."""
        with self._database.read() as connection:
            return reading.holes(connection)

    def direct(self) -> JsonObject | None:
        """``m.direct`` as last seen; ``None`` before the first sync named it."""
        with self._database.read() as connection:
            return account.direct(connection)

    def followed_rooms(self) -> frozenset[RoomId]:
        """Rooms to follow in sync: in ``m.direct``, or in a pending ``EditDirect``/``Accept``."""
        with self._database.read() as connection:
            return account.followed_rooms(connection)

    def room_of_nonce(self, nonce: str) -> RoomId | None:
        """The room that our own createRoom with this nonce made, once sync has shown it."""
        with self._database.read() as connection:
            return account.room_of_nonce(connection, nonce)

    # -- reading ------------------------------------------------------------------------------

    def people(self, limit: int | None = None) -> tuple[Conversation, ...]:
        """All conversations, or the first ``limit``: pinned, then newest first, archived last."""
        with self._database.read() as connection:
            return people.newest_people(connection, limit)

    def conversations(self, user_ids: Collection[UserId]) -> tuple[Conversation, ...]:
        """Those of the given people that exist."""
        with self._database.read() as connection:
            found = (people.person(connection, user_id) for user_id in user_ids)
            return tuple(conversation for conversation in found if conversation is not None)

    def rooms_of(self, user_id: UserId) -> tuple[DirectRoom, ...]:
        """The rooms behind the conversation, those that I left included, oldest first."""
        with self._database.read() as connection:
            return reading.rooms_of(connection, self._me, user_id)

    def messages(
        self, user_id: UserId, before: Cursor | None, limit: int, across: bool = False
    ) -> Page:
        """The newest ``limit`` messages before the cursor, oldest first.

        They end where events of one of the rooms are missing, unless ``across`` is set.
        """
        with self._database.read() as connection:
            return reading.page_before(connection, self._me, user_id, before, limit, across)

    def messages_from(self, user_id: UserId, first: Cursor, last: Cursor | None = None) -> Page:
        """All messages from the one cursor to the other: to refresh what is on screen."""
        with self._database.read() as connection:
            return reading.page_from(connection, self._me, user_id, first, last)

    def messages_after(self, user_id: UserId, after: Cursor, limit: int) -> Page:
        """The oldest ``limit`` messages after the cursor; ``more`` and ``complete`` are void."""
        with self._database.read() as connection:
            return reading.page_after(connection, self._me, user_id, after, limit)

    def cursor_at(self, at: Milliseconds) -> Cursor:
        """The place just before the messages of that moment."""
        return Cursor(stamp(at, 0) - 1)

    def around(self, user_id: UserId, key: str, limit: int) -> Page | None:
        """The message of this key and up to ``limit`` on each side; ``None`` if it is not there."""
        with self._database.read() as connection:
            return reading.page_around(connection, self._me, user_id, key, limit)

    def key_of(self, user_id: UserId, event_id: EventId) -> str | None:
        """The key of the message in the conversation that is this event."""
        with self._database.read() as connection:
            return reading.key_of(connection, user_id, event_id)

    def message(self, transaction_id: TransactionId) -> Message | None:
        """Our message with this transaction ID."""
        with self._database.read() as connection:
            return reading.message_of(connection, self._me, transaction_id)

    def invites(self) -> tuple[Invite, ...]:
        """Pending invites: direct ones first, then by standing, then newest first."""
        with self._database.read() as connection:
            return account.invites(connection, self._me)

    def ignores(self, user_id: UserId) -> bool:
        """Whether the person is on my list of ignored people, as last seen."""
        with self._database.read() as connection:
            return account.ignores(connection, user_id)

    def candidates(self, user_id: UserId) -> tuple[Candidate, ...]:
        """Rooms that could be the conversation with this person, unranked."""
        with self._database.read() as connection:
            return account.candidates(connection, self._me, user_id)

    def person_of(self, room_id: RoomId) -> UserId | None:
        """The person whose conversation the room belongs to."""
        with self._database.read() as connection:
            return account.person_of(connection, room_id)

    def newest_event(self, user_id: UserId) -> tuple[RoomId, EventId] | None:
        """The newest event of the conversation that has an event ID: what a receipt points at."""
        with self._database.read() as connection:
            return reading.newest_event(connection, self._me, user_id)

    # -- the user's side ----------------------------------------------------------------------

    def set_draft(
        self, user_id: UserId, text: str, meant_for: UserId | None = None, aim: Aim = NO_AIM
    ) -> frozenset[Change]:
        """Keep what is typed but not sent, and what it is about; neither forgets it.

        ``meant_for``: it was typed to this person alone, and ``user_id`` is a group.
        """
        with self._write() as work:
            if outbox.set_draft(work, user_id, text, meant_for, aim):
                work.changes.add(ConversationsChanged(frozenset({user_id})))
        return work.done

    def aim(self, user_id: UserId) -> Aim:
        """What the draft to the person is about."""
        with self._database.read() as connection:
            return outbox.aim_of(connection, user_id)

    def queue_message(
        self,
        user_id: UserId,
        room_id: RoomId,
        transaction_id: TransactionId,
        line: Line,
        at: Milliseconds,
        *,
        answers: str = "",
        keep_draft: bool = False,
    ) -> frozenset[Change]:
        """Insert the local echo; the draft and a mark of unread go in the same transaction.

        ``answers`` is the key of the message that it replies to; one in another room has no part
        in it. ``keep_draft``: the message was not typed as that draft.
        """
        with self._write() as work:
            outbox.queue(work, user_id, room_id, transaction_id, line, at, answers, keep_draft)
            contacts.end_mark(work, user_id)
        return work.done

    def next_outgoing(self, busy: Collection[RoomId]) -> Outgoing | None:
        """The oldest queued for a room that is not busy."""
        with self._database.read() as connection:
            return outbox.next_outgoing(connection, busy)

    def being_sent(self, transaction_id: TransactionId) -> Outgoing | None:
        """What is to be sent as marked by :meth:`mark_sending`, unless it was taken back."""
        with self._database.read() as connection:
            return outbox.being_sent(connection, transaction_id)

    def mark_uploaded(
        self, transaction_id: TransactionId, attachment: Attachment
    ) -> frozenset[Change]:
        """The file of the message is in the media repository, as told."""
        with self._write() as work:
            attachments.note_uploaded(work, transaction_id, attachment)
        return work.done

    def keep_preview(self, key: str, attachment: Attachment, pixels: Pixels) -> frozenset[Change]:
        """What the message's image looks like; no larger than ``PREVIEW``."""
        with self._write() as work:
            previews.keep(work, key, attachment, pixels)
        return work.done

    def presence(self) -> Availability | None:
        """How I wish to be seen while dmtui runs; ``None``: it is to say nothing."""
        with self._database.read() as connection:
            return account.presence(connection)

    def copies(self) -> frozenset[str]:
        """The names of our copies of files that are still to be sent."""
        with self._database.read() as connection:
            return attachments.copies(connection)

    def former_pictures(self) -> frozenset[str]:
        """The names of our copies of pictures of mine that are set, or wished for no more."""
        with self._database.read() as connection:
            return attachments.pictures(connection, over=True)

    def mark_sending(self, transaction_id: TransactionId) -> frozenset[Change]:
        """The request is about to be made."""
        return self._set_state(transaction_id, SendState.SENDING)

    def mark_queued(self, transaction_id: TransactionId) -> frozenset[Change]:
        """It is to be tried again, with the same transaction ID."""
        return self._set_state(transaction_id, SendState.QUEUED)

    def send_again(self, transaction_id: TransactionId) -> frozenset[Change]:
        """The user wants a failed message sent, also to a chat that has become a group since."""
        with self._write() as work:
            outbox.send_again(work, transaction_id)
        return work.done

    def mark_refused(self, transaction_id: TransactionId, reason: str) -> frozenset[Change]:
        """I may not write there: it fails, or goes to the new room if the old was upgraded."""
        with self._write() as work:
            outbox.refused(work, transaction_id, reason)
            relating.settle_upon(work, transaction_id)
        return work.done

    def mark_failed(self, transaction_id: TransactionId, reason: str) -> frozenset[Change]:
        """It is not tried again by itself; ``reason`` is one line."""
        return self._set_state(transaction_id, SendState.FAILED, reason)

    def _set_state(
        self, transaction_id: TransactionId, state: SendState, failure: str = ""
    ) -> frozenset[Change]:
        with self._write() as work:
            outbox.set_state(work, transaction_id, state, failure)
            relating.settle_upon(work, transaction_id)
        return work.done

    def mark_sent(self, transaction_id: TransactionId, event_id: EventId) -> frozenset[Change]:
        """The server took it as this event."""
        with self._write() as work:
            outbox.sent(work, transaction_id, event_id)
        return work.done

    def discard(self, transaction_id: TransactionId) -> frozenset[Change]:
        """Remove a message of ours that was not sent and is not being sent."""
        with self._write() as work:
            outbox.discard(work, transaction_id)
        return work.done

    def requeue_interrupted(self) -> frozenset[Change]:
        """At start: messages in ``sending`` go back to ``queued`` (same transaction ID)."""
        with self._write() as work:
            outbox.requeue(work)
        return work.done

    def mark_read_here(self, user_id: UserId, private: bool = False) -> frozenset[Change]:
        """Everything is read: unread becomes 0 and stays so until something newer arrives.

        Journals ``MarkRead`` for each room concerned, in place of an older pending one, and takes
        a mark of unread away.
        """
        with self._write() as work:
            outbox.read_here(work, user_id, private)
            contacts.end_mark(work, user_id)
        return work.done

    def drop_invite(self, room_id: RoomId) -> frozenset[Change]:
        """Forget a dead or declined invite, also if the server goes on telling of it."""
        with self._write() as work:
            invites.hide_invite(work, room_id)
        return work.done

    # -- intents ------------------------------------------------------------------------------

    def add_intent(self, intent: Intent) -> int:
        """Write it down; an identical pending one is not written twice: its number is returned."""
        return self.add_intents((intent,))[0][0]

    def add_intents(self, wishes: Sequence[Intent]) -> tuple[tuple[int, ...], frozenset[Change]]:
        """:meth:`add_intent` for several in one transaction, with what they change."""
        with self._write() as work:
            numbers = tuple(_journal(work, intent) for intent in wishes)
        return numbers, work.done

    def pending_intents(self) -> tuple[Entry, ...]:
        """In the order they were written."""
        with self._database.read() as connection:
            return intents.pending(connection)

    def intent(self, number: int) -> Entry | None:
        """One entry of the journal, settled ones too."""
        with self._database.read() as connection:
            return intents.entry(connection, number)

    def replace_intent(self, number: int, intent: Intent) -> None:
        """Record progress of a pending intent (``CreateRoom.posted``)."""
        with self._write() as work:
            intents.rewrite(work, number, intent)

    def postpone_intent(self, number: int, problem: str) -> frozenset[Change]:
        """A try did not get through: counts it and keeps the reason."""
        with self._write() as work:
            intents.postpone(work, number, problem)
        return work.done

    def settle_intent(
        self, number: int, outcome: Outcome, then: Sequence[Intent] = ()
    ) -> frozenset[Change]:
        """End it and write down what follows from it, in one transaction.

        Settling it again does nothing. The room that an ended ``CreateRoom`` or ``Accept`` names
        is known from then on, so that it can be talked in before sync has shown it.
        """
        with self._write() as work:
            entry = intents.entry(work.connection, number)
            if intents.settle(work, number, outcome):
                if entry is not None and outcome.ok:
                    _enter(work, entry.intent, outcome)
                for intent in then:
                    _journal(work, intent)
                if entry is not None:
                    _wrote(work, entry.intent, outcome)
                    if outcome.ok:
                        _ended(work, entry)
        return work.done


def _begin(work: Work, batch: SyncBatch) -> None:
    if batch.direct is not None:
        invites.set_direct(work, batch.direct)
    if batch.ignored is not None:
        invites.set_ignored(work, batch.ignored)
    if batch.muted is not None:
        contacts.set_muted(work, batch.muted)
    if batch.contacts is not None:
        contacts.set_contacts(work, batch.contacts)
    if batch.invites_blocked is not None:
        invites.set_blocked(work, batch.invites_blocked)


def _apply_some(work: Work, waiting: list[RoomUpdate]) -> None:
    """Apply updates from the end of the list for a while."""
    end = perf_counter() + CHUNK_SECONDS
    while waiting:
        rooms.apply_room(work, waiting.pop())
        if perf_counter() > end:
            return


def _finish(work: Work, batch: SyncBatch) -> None:
    for invite in batch.invites:
        invites.put_invite(work, invite)
    if batch.all_invites is not None:
        invites.keep_invites(work, batch.all_invites)
    for room_id in batch.gone:
        rooms.leave_room(work, room_id)
    if batch.alarms is not None:
        alarms.set_alarms(work, batch.alarms)
    if batch.own_devices is not None:
        own_devices.put_own_devices(work, batch.own_devices)
    if batch.complete:
        invites.set_meta(work, "synced", "yes")
        if account.meta(work.connection, invites.UNSEEN) is not None:
            rooms.list_unseen(work)
            work.connection.execute("DELETE FROM meta WHERE name = ?", (invites.UNSEEN,))
    invites.set_meta(work, "token", batch.token)


def _together(changes: frozenset[Change]) -> frozenset[Change]:
    """One :class:`ConversationsChanged` for all."""
    people_changed = [c.user_ids for c in changes if isinstance(c, ConversationsChanged)]
    others = frozenset(c for c in changes if not isinstance(c, ConversationsChanged))
    if not people_changed:
        return others
    return others | {ConversationsChanged(frozenset(chain.from_iterable(people_changed)))}


def _journal(work: Work, intent: Intent) -> int:
    number = intents.add(work, intent)
    match intent:
        case EditDirect(room_id=room_id):
            rooms.ensure_room(work, room_id)
            _touch_room(work, room_id)
        case SetPresence(availability):
            invites.set_meta(work, account.PRESENCE, availability or "")
        case _:
            pass
    return number


def _enter(work: Work, intent: Intent, outcome: Outcome) -> None:
    """I am in the room now."""
    match intent:
        case CreateRoom(user_id, nonce, encrypted) if outcome.room_id is not None:
            room = rooms.ensure_room(work, outcome.room_id)
            rooms.created(work, room, user_id, nonce, encrypted)
        case Accept(room_id, direct=direct):
            room = rooms.ensure_room(work, room_id)
            rooms.accepted(work, room, room_id)
            if not direct:
                rooms.keep(work, room)
        case CreateGroup() if outcome.room_id is not None:
            life.made_group(work, outcome.room_id, intent)
        case _:
            pass


def _ended(work: Work, entry: Entry) -> None:
    """A chat has come to an end, or to be something else."""
    match entry.intent:
        case LeaveRoom(room_id=room_id):
            rooms.leave_room(work, room_id)
        case ForgetRoom() as intent:
            life.forget(work, entry.number, intent)
        case MakeRoom(room_id):
            rooms.keep(work, rooms.ensure_room(work, room_id))
        case _:
            pass


def _wrote(work: Work, intent: Intent, outcome: Outcome) -> None:
    """What was to be done has been done, as far as it could be."""
    match intent:
        case EditDirect(room_id=room_id):
            if outcome.ok:  # sync may be late to tell
                known = account.direct(work.connection) or {}
                invites.set_direct(work, apply_edits(known, (intent,)))
            else:
                directs.note_conflict(work, intent)
            _touch_room(work, room_id)
        case Ignore(user_id) if outcome.ok:
            invites.set_ignored(work, invites.ignored(work) | {user_id})
        case StopIgnoring(user_id) if outcome.ok:
            invites.set_ignored(work, invites.ignored(work) - {user_id})
        case BlockInvites(blocked) if outcome.ok:
            invites.set_blocked(work, blocked)
        case UndoRepair() if outcome.ok:
            directs.forget_repair(work)
        case RestoreDirect() if outcome.ok:
            directs.dismiss_losses(work)
        case FollowUpgrade() as intent:
            upgrades.settled(work, intent, outcome)
        case ArrangeContact(user_id) if contacts.is_waiting(work, user_id):
            _journal(work, intent)  # something else was wished while this was under way
        case _:
            pass


def _touch_room(work: Work, room_id: RoomId) -> None:
    room = work.room(room_id)
    if room is not None:
        work.touch(room)
