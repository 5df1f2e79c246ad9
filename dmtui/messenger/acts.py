"""Which act carries out which intent."""

from __future__ import annotations

from typing import assert_never

from dmtui.core.intents import (
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
    SetName,
    SetPicture,
    SetPresence,
    SetStatus,
    StopIgnoring,
    TakeInviteBack,
    UndoRepair,
)
from dmtui.core.model import UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger import endings
from dmtui.messenger.clock import Clock
from dmtui.messenger.contacts import arrange_contact
from dmtui.messenger.deliveries import Deliveries
from dmtui.messenger.groups import GroupMaker
from dmtui.messenger.ignoring import Hearing
from dmtui.messenger.introducing import Introducing
from dmtui.messenger.invites import Answers
from dmtui.messenger.journal import Settlement
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.rooms import RoomMaker, invite_back
from dmtui.messenger.survey import take_survey
from dmtui.messenger.upgrades import follow_upgrade

_DONE = Outcome(ok=True)


class Acts:
    """Carries intents out against the homeserver; errors of core.errors pass through."""

    def __init__(
        self,
        me: UserId,
        homeserver: Homeserver,
        ledger: Ledger,
        clock: Clock,
        deliveries: Deliveries,
        introducing: Introducing,
    ):
        self._me = me
        self._homeserver = homeserver
        self._ledger = ledger
        self._answers = Answers(homeserver, ledger)
        self._hearing = Hearing(homeserver, ledger)
        self._rooms = RoomMaker(me, homeserver, ledger, clock)
        self._groups = GroupMaker(homeserver, ledger, clock)
        self._deliveries = deliveries
        self._introducing = introducing

    async def carry_out(self, entry: Entry) -> Settlement:
        """Do what the intent says; returns its outcome and what follows from it."""
        match entry.intent:
            case Accept() | Decline() | Report() as intent:
                return await self._answer(intent)
            case Ignore() | StopIgnoring() | BlockInvites() as intent:
                return await self._hear(entry, intent)
            case CreateRoom() | CreateGroup() | InviteBack() | FollowUpgrade() as intent:
                return await self._bring_together(entry, intent)
            case TakeInviteBack() | LeaveRoom() | ForgetRoom() | MakeRoom() as intent:
                return await self._end(intent)
            case SetName() | SetStatus() | SetPicture() | SetPresence() as intent:
                return await self._introducing.introduce(entry, intent)
            case MarkRead() | ExamineDirect() | ArrangeContact() as intent:
                return await self._tell(intent)
            case Deliver() as intent:
                return await self._deliveries.deliver(entry, intent)
            case EditDirect() | RepairDirect() | UndoRepair() | RestoreDirect():
                raise AssertionError("edits of m.direct belong to the DirectWriter")
            case _:
                assert_never(entry.intent)

    async def _answer(self, intent: Accept | Decline | Report) -> Settlement:
        match intent:
            case Accept():
                return await self._answers.accept(intent)
            case Decline():
                return await self._answers.decline(intent)
            case Report():
                return await self._answers.report(intent)
            case _:
                assert_never(intent)

    async def _hear(self, entry: Entry, intent: Ignore | StopIgnoring | BlockInvites) -> Settlement:
        match intent:
            case Ignore():
                return await self._hearing.ignore(entry, intent)
            case StopIgnoring():
                return await self._hearing.stop_ignoring(entry, intent)
            case BlockInvites():
                return await self._hearing.block(entry, intent)
            case _:
                assert_never(intent)

    async def _bring_together(
        self, entry: Entry, intent: CreateRoom | CreateGroup | InviteBack | FollowUpgrade
    ) -> Settlement:
        match intent:
            case CreateRoom():
                return await self._rooms.create(entry, intent)
            case CreateGroup():
                return await self._groups.create(entry, intent)
            case InviteBack():
                return await invite_back(intent, self._homeserver, self._ledger)
            case FollowUpgrade():
                return await follow_upgrade(entry, self._homeserver, self._ledger)
            case _:
                assert_never(intent)

    async def _end(self, intent: TakeInviteBack | LeaveRoom | ForgetRoom | MakeRoom) -> Settlement:
        match intent:
            case TakeInviteBack():
                return await endings.take_invite_back(intent, self._homeserver, self._ledger)
            case LeaveRoom():
                return await endings.leave_room(intent, self._homeserver)
            case ForgetRoom():
                return await endings.forget_room(intent, self._homeserver, self._ledger)
            case MakeRoom():
                return await endings.make_room(intent, self._homeserver, self._ledger)
            case _:
                assert_never(intent)

    async def _tell(self, intent: MarkRead | ExamineDirect | ArrangeContact) -> Settlement:
        match intent:
            case MarkRead(room_id, event_id, private):
                await self._homeserver.mark_read(room_id, event_id, private)
                return _DONE, ()
            case ExamineDirect():
                await take_survey(self._homeserver, self._ledger, self._me)
                return _DONE, ()
            case ArrangeContact():
                return await arrange_contact(intent, self._homeserver, self._ledger)
            case _:
                assert_never(intent)
