"""Messages handed over by a command: Start Chat first, then sent in the order of their writing."""

from __future__ import annotations

from collections.abc import Callable

from dmtui.core.errors import Unreachable
from dmtui.core.events import Line
from dmtui.core.intents import DELIVERY, Accept, Deliver, Entry, Outcome
from dmtui.core.model import (
    Alarm,
    Invite,
    Kind,
    RoomId,
    Safe,
    SendState,
    TransactionId,
    UserId,
)
from dmtui.messenger.attaching import attaching
from dmtui.messenger.clock import Clock, milliseconds
from dmtui.messenger.journal import Journal, Settlement
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.results import Consent, Failed, InvitedAlready, Opened, PersonLeft, Waiting
from dmtui.messenger.start_chat import StartChat
from dmtui.store.outbox import DISCARDED

_ALARMS = {
    Alarm.IDENTITY: "The encryption identity of {} has changed",
    Alarm.DEVICES: "{} has confirmed no device that could read it",
}


class Deliveries:
    """Carries out :class:`Deliver`."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        journal: Journal,
        start_chat: StartChat,
        message_queued: Callable[[], None],
    ):
        self._ledger = ledger
        self._clock = clock
        self._journal = journal
        self._start_chat = start_chat
        self._message_queued = message_queued

    async def deliver(self, entry: Entry, intent: Deliver) -> Settlement:
        """Queue the message once, and wait until it is sent."""
        store = self._ledger.store
        transaction_id = _message(entry)
        if store.message(transaction_id) is None:
            await self._ledger.wait_until(lambda: self._is_next(entry, intent))
            if not store.synced():
                raise Unreachable("Your chats are still being loaded.")
            room_id = await self._room_for(intent.user_id)
            if isinstance(room_id, Outcome):
                return room_id, ()
            if store.alarms_of(intent.user_id):
                return self._to_be_decided(intent.user_id), ()
            await self._ledger.write(
                store.queue_message,
                intent.user_id,
                room_id,
                transaction_id,
                _line(intent),
                milliseconds(self._clock),
                keep_draft=True,
            )
            self._message_queued()
        sent = await self._ledger.wait_until(lambda: self._sent(transaction_id, intent.user_id))
        return sent, ()

    def _to_be_decided(self, user_id: UserId, waits: str = "") -> Outcome:
        who, alarm = next(iter(self._ledger.store.alarms_of(user_id).items()))
        why = _ALARMS[alarm].format(who)
        return Outcome(
            ok=False, message=f"{why}: open the chat in dmtui to decide about it.{waits}"
        )

    def _is_next(self, entry: Entry, intent: Deliver) -> bool | None:
        """True once what was written to the person before is queued or has ended.

        What holds that up holds this up: ``Unreachable`` after as many tries.
        """
        for earlier in self._ledger.store.pending_intents():
            if earlier.number >= entry.number:
                break
            if not isinstance(earlier.intent, Deliver) or earlier.intent.user_id != intent.user_id:
                continue
            if self._ledger.store.message(_message(earlier)) is None:
                if earlier.attempts > entry.attempts:
                    raise Unreachable(earlier.problem)
                return None
        return True

    def _sent(self, transaction_id: TransactionId, user_id: UserId) -> Outcome | None:
        """How the message ended; ``None`` while it is on its way."""
        message = self._ledger.store.message(transaction_id)
        if message is None:
            return DISCARDED
        match message.state:
            case SendState.SENT:
                return Outcome(ok=True, room_id=message.room_id, event_id=message.event_id)
            case SendState.FAILED:
                return Outcome(ok=False, message=message.failure)
            case SendState.QUEUED if self._ledger.store.alarms_of(user_id):
                return self._to_be_decided(user_id, " The message waits there.")
            case _:
                return None

    async def _room_for(self, user_id: UserId) -> RoomId | Outcome:
        match await self._start_chat.start(user_id, Consent(fresh=True)):
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


def _line(intent: Deliver) -> Line:
    return attaching(intent.attachment) if intent.attachment else Line(Kind.TEXT, Safe(intent.text))


def _message(entry: Entry) -> TransactionId:
    """The message's transaction ID: the same after a crash."""
    return TransactionId(f"{DELIVERY}{entry.number}")
