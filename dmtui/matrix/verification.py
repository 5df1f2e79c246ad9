"""The verifications of this device: who asks, which message is whose, what is sent where.

Between own devices the messages go as to-device messages, between people as events of their
chat. Messages are taken in one after the other, beside sync. Nothing is kept on the disk: after
a restart the other side is told that we know nothing of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from dmtui.core.errors import DmtuiError, NotFound, Recoverable
from dmtui.core.model import EventId, Json, JsonObject, RoomId, UserId
from dmtui.core.verification import Phase, Verification, reason_of
from dmtui.matrix.client import path
from dmtui.matrix.qr_code import is_scanner
from dmtui.matrix.requests import Requests
from dmtui.matrix.sas import METHOD, BreachError, Party
from dmtui.matrix.values import LONGEST_ID, event_id, mapping, milliseconds, opaque, text, user_id
from dmtui.matrix.verifying import METHODS, PREFIX, Transaction, Verifying
from dmtui.matrix.vouching import NOT_SET_UP, Frozen, Vouching

log = logging.getLogger(__name__)

PATIENCE = 600.0
"""Seconds that a verification may take, as the specification has it."""
REQUEST = f"{PREFIX}request"
_AHEAD = 300.0  # seconds that another clock may be fast
_MOST, _MOST_OF_ONE, _MOST_WAITING = 20, 3, 200
_NEVER_ANSWERED = ("cancel", "done", "request", "ready")

SendInRoom: TypeAlias = Callable[[RoomId, str, JsonObject], Awaitable[EventId]]
"""``(room, type, content)``, encrypted where the room is."""
FollowUp: TypeAlias = Callable[[Frozen], Awaitable[None]]
"""What is done once a device of ours is verified; may raise errors of requests."""


@dataclass(frozen=True, slots=True)
class _Heard:
    sender: str
    kind: str  # without the prefix
    content: JsonObject
    room_id: RoomId | None = None
    event_id: str = ""


class Verifications:
    """Lives on one event loop; ``now`` is in seconds since 1970."""

    def __init__(
        self,
        requests: Requests,
        me: Party,
        vouching: Vouching,
        send_in_room: SendInRoom,
        now: Callable[[], float] = time.time,
    ):
        self._requests = requests
        self._me = me
        self._vouching = vouching
        self._send_in_room = send_in_room
        self.follow_up: FollowUp = _nothing
        self._now = now
        self._known: dict[str, Verifying] = {}
        self._waiting: deque[_Heard] = deque(maxlen=_MOST_WAITING)
        self._past: deque[Transaction] = deque(maxlen=_MOST_WAITING)
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._expiring: set[asyncio.Task[None]] = set()
        self._count = 0

    # -- for the user --
    async def news(self) -> tuple[Verification, ...]:
        """Wait for a change, then tell all, the oldest first. For one reader."""
        await self._changed.wait()
        self._changed.clear()
        return tuple(one.shown() for one in self._known.values())

    async def request(self, user: UserId, room_id: RoomId | None) -> str:
        """Ask the user to verify, in the room, else on all their devices; the ID.

        Raises ``NotFound`` where nobody could answer, and errors of requests.
        """
        own = user == self._me.user_id
        if not own and not self._vouching.ready_for_people():
            raise NotFound(NOT_SET_UP, 404, "M_NOT_FOUND")
        content: JsonObject = {"from_device": self._me.device_id, "methods": [*METHODS]}
        async with self._turn:
            targets = await self._vouching.devices(user)
            if not targets:
                raise NotFound(f"{user} has no other device to verify with.", 404, "M_NOT_FOUND")
            if room_id is None:
                one = self._begin(user, Transaction(uuid.uuid4().hex), False, targets=targets)
                dated = {**content, "timestamp": int(self._now() * 1000)}
                await self._ended_on_trouble(one, self._ask_devices(one, dated))
            else:
                body = "asks to verify: your app does not know how"
                asked: JsonObject = {"msgtype": REQUEST, "to": user, "body": body, **content}
                sent = await self._send_in_room(room_id, "m.room.message", asked)
                one = self._begin(user, Transaction(sent, room_id), False)
        return one.id

    async def _ask_devices(self, one: Verifying, content: JsonObject) -> None:
        await self._to_devices(
            one.them.user_id, one.targets, "request", one.transaction.dress(content)
        )

    async def accept(self, identifier: str) -> None:
        """Take part in what the other side asks for. Raises ``NotFound`` and request errors."""
        one = self._find(identifier)
        if one.them.user_id != self._me.user_id and not self._vouching.ready_for_people():
            raise NotFound(NOT_SET_UP, 404, "M_NOT_FOUND")
        await self._do(one, one.accept)

    async def start(self, identifier: str) -> None:
        """Begin to compare, rather than wait for the other side to do so."""
        one = self._find(identifier)
        await self._do(one, one.start)

    async def confirm(self, identifier: str) -> None:
        """Both sides show the same, or the other one that its scan worked."""
        one = self._find(identifier)
        await self._do(one, one.confirm)

    async def mismatch(self, identifier: str) -> None:
        """They do not."""
        one = self._find(identifier)
        await self._do(one, one.mismatch)

    async def cancel(self, identifier: str) -> None:
        """The user does not want it."""
        one = self._find(identifier)
        await self._do(one, partial(one.cancel, "m.user"))

    def _find(self, identifier: str) -> Verifying:
        one = self._known.get(identifier)
        if one is None:
            raise NotFound("This verification is over.", 404, "M_NOT_FOUND")
        return one

    async def _do(self, one: Verifying, act: Callable[[], Awaitable[None]]) -> None:
        async with self._turn:
            try:
                await act()
            except BreachError as breach:
                await self._break(one, breach)
            finally:
                self._changed.set()
            await self._follow_up(one)

    async def _ended_on_trouble(self, one: Verifying, act: Awaitable[None]) -> None:
        try:
            await act
        except DmtuiError as error:
            one.end(str(error))
            raise
        finally:
            self._changed.set()

    def stir(self) -> None:
        """Tell all anew: something came of one that is over."""
        self._changed.set()

    # -- from sync --
    def hear_to_device(self, sender: UserId, kind: str, content: JsonObject) -> None:
        """A to-device message whose type begins with :data:`PREFIX`; never raises."""
        self._hear(_Heard(sender, kind.removeprefix(PREFIX), content))

    def hear_in_room(
        self, room_id: RoomId, raw: JsonObject, kind: str, content: JsonObject
    ) -> None:
        """Any event of a room, decrypted (``kind``, ``content``); never raises."""
        asks = kind == "m.room.message" and content.get("msgtype") == REQUEST
        if not asks and not kind.startswith(PREFIX):
            return
        sender, identifier = user_id(raw.get("sender")), event_id(raw.get("event_id"))
        sent_at = milliseconds(raw.get("origin_server_ts"))
        if sender is None or identifier is None or not self._is_recent(sent_at):
            return
        outer = mapping(raw.get("content"))
        if "m.relates_to" in outer and "m.relates_to" not in content:
            content = {**content, "m.relates_to": outer["m.relates_to"]}
        step = "request" if asks else kind.removeprefix(PREFIX)
        self._hear(_Heard(sender, step, content, room_id, identifier))

    def _is_recent(self, sent_at: float) -> bool:
        age = self._now() - sent_at / 1000
        return -_AHEAD < age < PATIENCE

    def _hear(self, heard: _Heard) -> None:
        self._waiting.append(heard)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())

    async def settle(self) -> None:
        """Wait until all that was heard is taken in."""
        while self._worker is not None and not self._worker.done():
            await asyncio.shield(self._worker)

    async def close(self) -> None:
        """Forget everything."""
        for timer in self._timers.values():
            timer.cancel()
        tasks = [*self._expiring, *([self._worker] if self._worker else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self) -> None:
        while self._waiting:
            async with self._turn:
                heard = self._waiting.popleft()
                try:
                    await self._take(heard)
                except (ValueError, TypeError, RecursionError) as error:
                    log.warning("verification message dropped: %s", type(error).__name__)
                except DmtuiError as error:
                    log.info("verification message without an answer: %s", type(error).__name__)

    async def _take(self, heard: _Heard) -> None:
        if heard.kind == "request":
            self._take_request(heard)
            return
        transaction = _transaction(heard)
        one = next((o for o in self._known.values() if o.transaction == transaction), None)
        if one is None:
            if heard.room_id is None and heard.kind not in _NEVER_ANSWERED:
                await self._deny(heard, transaction)
            elif transaction is not None and heard.room_id is not None:
                self._past.append(transaction)  # of which the request may yet come to be seen
            return
        if self._is_by_own_device(one, heard):
            self._note_own(one, heard)
        elif heard.sender == one.them.user_id:
            await self._hand_over(one, heard)

    def _take_request(self, heard: _Heard) -> None:
        content, device = heard.content, opaque(heard.content.get("from_device"), LONGEST_ID)
        methods = content.get("methods")
        name = heard.event_id or opaque(content.get("transaction_id"), LONGEST_ID)
        mine = heard.sender == self._me.user_id
        if not device or not name or not isinstance(methods, list) or METHOD not in methods:
            return
        if heard.room_id is None:
            addressed = self._is_recent(milliseconds(content.get("timestamp")))
        else:
            addressed = content.get("to") == self._me.user_id and not mine
        transaction = Transaction(name, heard.room_id)
        known = transaction in self._past or any(
            one.transaction == transaction for one in self._known.values()
        )
        if known or not addressed or (mine and device == self._me.device_id):
            return
        if self._has_room_for(heard.sender):
            one = self._begin(heard.sender, transaction, True, device)
            one.scanner = is_scanner(methods)

    def _has_room_for(self, sender: str) -> bool:
        open_ = [one for one in self._known.values() if not one.over]
        of_one = sum(one.them.user_id == sender for one in open_)
        return len(open_) < _MOST and of_one < _MOST_OF_ONE

    def _begin(
        self,
        user: str,
        transaction: Transaction,
        incoming: bool,
        device: str = "",
        targets: tuple[str, ...] = (),
    ) -> Verifying:
        self._count += 1
        identifier = f"verification-{self._count}"
        one = Verifying(
            identifier,
            transaction,
            self._me,
            Party(user, device),
            incoming,
            self._vouching,
            self._send,
            targets,
            Phase.ASKED if incoming else Phase.ASKING,
        )
        over = [name for name, old in self._known.items() if old.over]
        for name in over[: max(0, len(self._known) - _MOST)]:
            del self._known[name]
        self._known[identifier] = one
        loop = asyncio.get_running_loop()
        self._timers[identifier] = loop.call_later(PATIENCE, self._expire, one)
        self._changed.set()
        return one

    def _expire(self, one: Verifying) -> None:
        self._timers.pop(one.id, None)
        if not one.over:
            task = asyncio.ensure_future(self._run_out(one))
            self._expiring.add(task)
            task.add_done_callback(self._expiring.discard)

    async def _run_out(self, one: Verifying) -> None:
        try:
            await self._do(one, partial(one.cancel, "m.timeout"))
        except DmtuiError as error:
            log.info("could not tell that time is up: %s", type(error).__name__)

    def _is_by_own_device(self, one: Verifying, heard: _Heard) -> bool:
        """In a room all of mine is seen by all of my devices."""
        return heard.room_id is not None and heard.sender == self._me.user_id

    def _note_own(self, one: Verifying, heard: _Heard) -> None:
        """Another device of mine has answered, or I see what I sent myself."""
        if one.phase is Phase.ASKED and heard.kind in ("ready", "cancel"):
            one.end(reason_of("m.accepted" if heard.kind == "ready" else "m.user"))
            self._changed.set()

    async def _hand_over(self, one: Verifying, heard: _Heard) -> None:
        waiting = one.phase is Phase.ASKING
        try:
            await one.hear(heard.kind, heard.content)
        except BreachError as breach:
            await self._break(one, breach)
        except DmtuiError as error:
            await self._give_up(one, error)
        finally:
            self._changed.set()
        await self._follow_up(one)
        if waiting and one.them.device_id and one.targets:
            others = tuple(name for name in one.targets if name != one.them.device_id)
            await self._tell_others(one, others)

    async def _follow_up(self, one: Verifying) -> None:
        own = one.them.user_id == self._me.user_id
        if own and one.phase is Phase.DONE and one.frozen is not None:
            try:
                await self.follow_up(one.frozen)
            except DmtuiError as error:
                log.info("nothing followed the verification: %s", type(error).__name__)

    async def _break(self, one: Verifying, breach: BreachError) -> None:
        log.warning("%s: verification ended: %s", one.them.user_id, breach.code)
        await one.cancel(breach.code, breach.words)

    async def _give_up(self, one: Verifying, error: DmtuiError) -> None:
        """Trouble with the network in the middle of it: to begin again is safest."""
        words = str(error)
        try:
            await one.cancel("m.user", words)
        except Recoverable:
            one.end(words)

    async def _tell_others(self, one: Verifying, others: tuple[str, ...]) -> None:
        """The devices that were asked as well need not answer any more."""
        content: JsonObject = {"code": "m.accepted", "reason": reason_of("m.accepted")}
        await self._to_devices(one.them.user_id, others, "cancel", one.transaction.dress(content))

    async def _deny(self, heard: _Heard, transaction: Transaction | None) -> None:
        """We know nothing of it: since a restart, say."""
        device = opaque(heard.content.get("from_device"), LONGEST_ID)
        if transaction is not None and device:
            code = "m.unknown_transaction"
            content = transaction.dress({"code": code, "reason": reason_of(code)})
            await self._to_devices(heard.sender, (device,), "cancel", content)

    # -- sending --
    async def _send(self, one: Verifying, kind: str, content: JsonObject) -> None:
        if one.transaction.room_id is not None:
            await self._send_in_room(one.transaction.room_id, PREFIX + kind, content)
            return
        devices = (one.them.device_id,) if one.them.device_id else one.targets
        await self._to_devices(one.them.user_id, devices, kind, content)

    async def _to_devices(
        self, user: str, devices: tuple[str, ...], kind: str, content: JsonObject
    ) -> None:
        if devices:
            messages: dict[str, Json] = dict.fromkeys(devices, content)
            body: JsonObject = {"messages": {user: messages}}
            target = path("sendToDevice", PREFIX + kind, uuid.uuid4().hex)
            await self._requests.api("PUT", target, body)


def _transaction(heard: _Heard) -> Transaction | None:
    if heard.room_id is None:
        name = opaque(heard.content.get("transaction_id"), LONGEST_ID)
        return Transaction(name) if name else None
    relation = mapping(heard.content.get("m.relates_to"))
    reference = text(relation.get("event_id"))
    if relation.get("rel_type") != "m.reference" or not reference:
        return None
    return Transaction(reference, heard.room_id)


async def _nothing(frozen: Frozen) -> None:
    """Without anybody to follow up."""
