"""The demo's contacts at work: each reads, types and answers over a homeserver port of its own."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING

from dmtui.core.direct import apply_edits
from dmtui.core.errors import DmtuiError, Recoverable
from dmtui.core.events import Line, RoomUpdate, SyncBatch, TimelineEvent, Undecryptable
from dmtui.core.intents import DirectAction, EditDirect
from dmtui.core.model import (
    EventId,
    Kind,
    Membership,
    Milliseconds,
    RoomId,
    Safe,
    TransactionId,
    UserId,
)
from dmtui.core.verification import EMOJI, Phase, Verification
from dmtui.demo.cast import COMPARED, Character, Role, reply

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from dmtui.core.ports import Homeserver

SYNC_TIMEOUT = 25.0
RETRY_AFTER = 1.0
KEYS_EVERY = 1.0

log = logging.getLogger(__name__)


class Contact:
    """One character, signed in as ``user_id``; ``pace`` scales the time it takes, 0 is at once.

    What the guest said before ``since`` is history and not answered.
    """

    def __init__(
        self,
        character: Character,
        user_id: UserId,
        homeserver: Homeserver,
        guest: UserId,
        pace: float,
        since: Milliseconds,
    ):
        self._character = character
        self._me = user_id
        self._homeserver = homeserver
        self._guest = guest
        self._pace = pace
        self._since = since
        self._turns = 0
        self._heard: set[EventId] = set()
        self._encrypted: dict[RoomId, bool] = {}
        self._locked: dict[tuple[RoomId, str], list[str]] = {}
        self._turn_taking: dict[RoomId, asyncio.Lock] = {}
        self._invited_to: RoomId | None = None

    async def live(self) -> None:
        """Follow the news and answer, until cancelled; raises ``Refused`` once signed out."""
        token = None
        await self._attempt(self._vouch())
        async with asyncio.TaskGroup() as deeds:
            deeds.create_task(self._compare(deeds))
            while True:
                try:
                    rooms = frozenset(self._encrypted)
                    batch = await self._homeserver.sync(token, rooms, SYNC_TIMEOUT)
                except Recoverable as trouble:
                    log.info("%s: %s", self._me, trouble)
                    await asyncio.sleep(RETRY_AFTER)
                    continue
                if token is None and self._character.role is Role.CONFIDANT:
                    for update in batch.rooms:
                        deeds.create_task(self._attempt(self._confide(update.room_id)))
                token = batch.token
                await self._react(batch, deeds)

    async def invite_guest(self) -> None:
        """Ask the guest for a direct chat and record the room."""
        room_id = await self._homeserver.create_direct_room(
            self._guest, secrets.token_hex(8), encrypted=False
        )
        self._invited_to = room_id
        self._encrypted.setdefault(room_id, False)
        await self._record(self._guest, room_id)

    # -- hearing ------------------------------------------------------------------------------

    async def _react(self, batch: SyncBatch, deeds: asyncio.TaskGroup) -> None:
        for invite in batch.invites:
            if invite.direct:
                deeds.create_task(self._attempt(self._accept(invite.inviter, invite.room_id)))
        for update in batch.rooms:
            self._encrypted[update.room_id] = (
                self._encrypted.get(update.room_id, False) or update.encrypted
            )
            if self._is_let_in(update):
                self._invited_to = None
                deeds.create_task(self._attempt(self._say(update.room_id, self._character.opening)))
            self._hear(update.room_id, update.timeline, deeds)
        for room_id, session_id in batch.room_keys:
            raw = self._locked.pop((room_id, session_id), [])
            if raw:
                self._hear(room_id, await self._homeserver.decrypt(room_id, raw), deeds)

    def _is_let_in(self, update: RoomUpdate) -> bool:
        return update.room_id == self._invited_to and any(
            member.user_id == self._guest and member.membership is Membership.JOIN
            for member in update.members
        )

    def _hear(
        self, room_id: RoomId, events: tuple[TimelineEvent, ...], deeds: asyncio.TaskGroup
    ) -> None:
        """Answer the newest new line; a burst gets one answer."""
        newest: tuple[EventId, str] | None = None
        for event in events:
            if event.sender != self._guest or event.sent_at < self._since:
                continue
            match event.content:
                case Undecryptable(session_id=session_id, raw=raw):
                    self._locked.setdefault((room_id, session_id), []).append(raw)
                case Line(kind=Kind.TEXT | Kind.EMOTE, body=body):
                    if event.event_id not in self._heard:
                        self._heard.add(event.event_id)
                        newest = event.event_id, body
        if newest is not None:
            deeds.create_task(self._attempt(self._answer(room_id, *newest)))

    async def _compare(self, deeds: asyncio.TaskGroup) -> None:
        """Verify with the guest, taking their word; what is to be compared is said in the chat."""
        met: set[tuple[str, Phase]] = set()
        while True:
            for one in await self._homeserver.verification_news():
                if one.user_id != self._guest or (one.id, one.phase) in met:
                    continue
                met.add((one.id, one.phase))
                if one.phase is Phase.ASKED:
                    deeds.create_task(self._attempt(self._homeserver.accept_verification(one.id)))
                elif one.phase is Phase.COMPARING:
                    deeds.create_task(self._attempt(self._confirm(one)))

    # -- acting -------------------------------------------------------------------------------

    async def _answer(self, room_id: RoomId, event_id: EventId, said: str) -> None:
        await asyncio.sleep(0.5 * self._pace)
        await self._homeserver.mark_read(room_id, event_id)
        turn, self._turns = self._turns, self._turns + 1
        await self._say(room_id, reply(self._character, said, turn))

    async def _say(self, room_id: RoomId, text: str) -> None:
        """Type for as long as the text takes, then send it; one text at a time in a room."""
        async with self._turn_taking.setdefault(room_id, asyncio.Lock()):
            await self._homeserver.set_typing(room_id, True)
            await asyncio.sleep(self._pace * min(3.0, 0.8 + len(text) / 60))
            transaction_id = TransactionId(secrets.token_hex(8))
            encrypted = self._encrypted.get(room_id, False)
            line = Line(Kind.TEXT, Safe(text))
            await self._homeserver.send(room_id, transaction_id, line, encrypted)
            await self._homeserver.set_typing(room_id, False)

    async def _vouch(self) -> None:
        """Have an identity that signs this device, so that nothing said needs a warning.

        The guest comes without one, and is written to all the same.
        """
        await self._homeserver.except_devices(self._guest, True)
        await self._homeserver.set_up_recovery("")
        await self._homeserver.recovery_key_kept()

    async def _confirm(self, one: Verification) -> None:
        await self._homeserver.confirm_verification(one.id)
        if one.room_id is not None:
            names = ", ".join(EMOJI[index][1] for index in one.emoji)
            await self._say(one.room_id, f"{COMPARED} {names}.")

    async def _accept(self, inviter: UserId, room_id: RoomId) -> None:
        await self._homeserver.join(room_id)
        self._encrypted.setdefault(room_id, False)
        await self._record(inviter, room_id)

    async def _record(self, user_id: UserId, room_id: RoomId) -> None:
        direct = await self._homeserver.account_data("m.direct") or {}
        edit = EditDirect(DirectAction.ADD, user_id, room_id)
        await self._homeserver.set_account_data("m.direct", apply_edits(direct, [edit]))

    async def _confide(self, room_id: RoomId) -> None:
        """Open the encrypted conversation as soon as the guest's device has keys to encrypt for."""
        while not await self._homeserver.has_device_keys(self._guest):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(KEYS_EVERY)
        await self._say(room_id, self._character.opening)

    async def _attempt(self, deed: Coroutine[None, None, None]) -> None:
        try:
            await deed
        except DmtuiError as trouble:
            log.warning("%s: %s", self._me, trouble)
