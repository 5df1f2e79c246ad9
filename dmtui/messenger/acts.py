"""Which act carries out which intent."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from dmtui.core.errors import Unreachable
from dmtui.core.intents import (
    DELIVERY,
    Accept,
    ArrangeContact,
    BlockInvites,
    CreateGroup,
    CreateRoom,
    Decline,
    Deliver,
    EditDirect,
    Entry,
    ExamineDirect,
    FollowUpgrade,
    ForgetRoom,
    Ignore,
    InviteBack,
    LeaveRoom,
    MakeRoom,
    MarkRead,
    Outcome,
    RepairDirect,
    Report,
    RestoreDirect,
    StopIgnoring,
    TakeInviteBack,
    UndoRepair,
)
from dmtui.core.model import Invite, RoomId, SendState, TransactionId, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger import life
from dmtui.messenger.clock import Clock, milliseconds
from dmtui.messenger.contacts import arrange_contact
from dmtui.messenger.ignoring import Hearing
from dmtui.messenger.invites import Answers
from dmtui.messenger.journal import Journal, Settlement
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.results import Consent, Failed, InvitedAlready, Opened, PersonLeft, Waiting
from dmtui.messenger.rooms import RoomMaker, invite_back
from dmtui.messenger.start_chat import StartChat
from dmtui.messenger.survey import take_survey
from dmtui.messenger.upgrades import follow_upgrade
from dmtui.store.outbox import DISCARDED


class Acts:
    """Carries intents out against the homeserver; errors of core.errors pass through."""

    def __init__(
        self,
        me: UserId,
        homeserver: Homeserver,
        ledger: Ledger,
        clock: Clock,
        journal: Journal,
        start_chat: StartChat,
        message_queued: Callable[[], None],
    ):
        self._me = me
        self._homeserver = homeserver
        self._ledger = ledger
        self._clock = clock
        self._journal = journal
        self._start_chat = start_chat
        self._message_queued = message_queued
        self._answers = Answers(homeserver, ledger)
        self._hearing = Hearing(homeserver, ledger)
        self._rooms = RoomMaker(me, homeserver, ledger, clock)
        self._groups = life.GroupMaker(homeserver, ledger, clock)

    async def carry_out(self, entry: Entry) -> Settlement:
        """Do what the intent says; returns its outcome and what follows from it."""
        match entry.intent:
            case Accept() as intent:
                return await self._answers.accept(intent)
            case Decline() as intent:
                return await self._answers.decline(intent)
            case Ignore() as intent:
                return await self._hearing.ignore(entry, intent)
            case StopIgnoring() as intent:
                return await self._hearing.stop_ignoring(entry, intent)
            case Report() as intent:
                return await self._answers.report(intent)
            case BlockInvites() as intent:
                return await self._hearing.block(entry, intent)
            case CreateRoom() as intent:
                return await self._rooms.create(entry, intent)
            case CreateGroup() as intent:
                return await self._groups.create(entry, intent)
            case InviteBack() as intent:
                return await invite_back(intent, self._homeserver)
            case TakeInviteBack() as intent:
                return await life.take_invite_back(intent, self._homeserver, self._ledger)
            case LeaveRoom() as intent:
                return await life.leave_room(intent, self._homeserver, self._ledger)
            case ForgetRoom() as intent:
                return await life.forget_room(intent, self._homeserver, self._ledger)
            case MakeRoom() as intent:
                return await life.make_room(intent, self._ledger)
            case FollowUpgrade() as intent:
                return await follow_upgrade(intent, self._homeserver, self._ledger)
            case ArrangeContact() as intent:
                return await arrange_contact(intent, self._homeserver, self._ledger)
            case MarkRead(room_id, event_id):
                await self._homeserver.mark_read(room_id, event_id)
                return Outcome(ok=True), ()
            case Deliver() as intent:
                return await self._deliver(entry, intent)
            case ExamineDirect():
                await take_survey(self._homeserver, self._ledger, self._me)
                return Outcome(ok=True), ()
            case EditDirect() | RepairDirect() | UndoRepair() | RestoreDirect():
                raise AssertionError("edits of m.direct belong to the DirectWriter")
            case _:
                assert_never(entry.intent)

    async def _deliver(self, entry: Entry, intent: Deliver) -> Settlement:
        store = self._ledger.store
        transaction_id = TransactionId(f"{DELIVERY}{entry.number}")  # the same after a crash
        if store.message(transaction_id) is None:
            if not store.synced():
                raise Unreachable("Your chats are still being loaded.")
            room_id = await self._room_for(intent.user_id)
            if isinstance(room_id, Outcome):
                return room_id, ()
            await self._ledger.write(
                store.queue_message,
                intent.user_id,
                room_id,
                transaction_id,
                intent.text,
                milliseconds(self._clock),
                keep_draft=True,
            )
            self._message_queued()
        return await self._ledger.wait_until(lambda: self._sent(transaction_id)), ()

    def _sent(self, transaction_id: TransactionId) -> Outcome | None:
        """How the message ended; ``None`` while it is on its way."""
        message = self._ledger.store.message(transaction_id)
        if message is None:
            return DISCARDED
        match message.state:
            case SendState.SENT:
                return Outcome(ok=True, room_id=message.room_id, event_id=message.event_id)
            case SendState.FAILED:
                return Outcome(ok=False, message=message.failure)
            case _:
                return None

    async def _room_for(self, user_id: UserId) -> RoomId | Outcome:
        match await self._start_chat.start(user_id, Consent()):
            case Opened(_, room_id):
                return room_id
            case InvitedAlready(invite):
                return await self._accept(invite)
            case PersonLeft():
                why = f"{user_id} left the chat; invite back or start anew in dmtui."
                return Outcome(ok=False, message=why)
            case Waiting(_, why):
                raise Unreachable(why)
            case Failed(_, why):
                return Outcome(ok=False, message=why)
            case question:
                return Outcome(ok=False, message=f"{question.why} Start the chat in dmtui first.")

    async def _accept(self, invite: Invite) -> RoomId | Outcome:
        entry = await self._journal.add(Accept(invite.room_id, invite.inviter, direct=True))
        outcome = await self._journal.outcome(entry)
        if outcome is None:
            raise Unreachable("The homeserver does not answer.")
        await self._start_chat.shown(invite.inviter, outcome)
        return invite.room_id if outcome.ok else outcome
