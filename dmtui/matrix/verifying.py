"""One verification, by SAS or by a QR code of ours, over whatever carries its messages.

Every message that does not fit ends it (:class:`dmtui.matrix.sas.BreachError`), as the
specification wants. Calls must not overlap: :mod:`dmtui.matrix.verification` sees to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from dmtui.core.model import Json, JsonObject, RoomId, UserId
from dmtui.core.verification import OVER, Phase, Verification, reason_of
from dmtui.matrix.qr_code import RECIPROCATE, SHOW, Code, is_scanner
from dmtui.matrix.sas import (
    METHOD,
    Agreement,
    BreachError,
    Party,
    answer_to,
    check_answer,
    commitment,
    keeps,
    start_content,
)
from dmtui.matrix.values import LONGEST_ID, opaque, text
from dmtui.matrix.vouching import Frozen, Vouching

PREFIX = "m.key.verification."
METHODS = (METHOD, SHOW, RECIPROCATE)
"""What we announce where there is an identity, without which nobody can be verified."""

Send: TypeAlias = Callable[["Verifying", str, JsonObject], Awaitable[None]]
"""Sends ``(verification, type without prefix, dressed content)`` to the other side."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """``name`` is the transaction ID, in a room the event ID of the request."""

    name: str
    room_id: RoomId | None = None

    def dress(self, content: JsonObject) -> JsonObject:
        """The content with what says that it belongs here."""
        if self.room_id is None:
            return {**content, "transaction_id": self.name}
        relation: JsonObject = {"rel_type": "m.reference", "event_id": self.name}
        return {**content, "m.relates_to": relation}


@dataclass(eq=False, slots=True)
class Verifying:
    """``them`` has no device ID until one has answered; ``targets`` are the devices asked.

    ``scanner`` says whether the other side can scan a code of ours.
    """

    id: str
    transaction: Transaction
    me: Party
    them: Party
    incoming: bool
    vouching: Vouching
    send: Send
    targets: tuple[str, ...] = ()
    phase: Phase = Phase.ASKING
    scanner: bool = False
    reason: str = ""
    emoji: tuple[int, ...] = ()
    decimals: tuple[int, ...] = ()
    frozen: Frozen | None = None
    _agreement: Agreement | None = None
    _start: JsonObject | None = None  # the one that holds
    _started: bool = False  # by us
    _promised: str = ""
    _way: str = ""
    _their_key: str = ""
    _proved: frozenset[str] | None = None
    _mac_sent: bool = False
    _code: Code | None = None
    _heard: set[bytes] = field(default_factory=set)

    def shown(self) -> Verification:
        """As the rest of the program sees it."""
        return Verification(
            self.id,
            UserId(self.them.user_id),
            self.them.device_id,
            self.them.user_id == self.me.user_id,
            self.incoming,
            self.phase,
            self.transaction.room_id,
            () if self.over else self.emoji,
            () if self.over else self.decimals,
            self.reason,
            self._to_scan.data if self._to_scan else b"",
        )

    @property
    def over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.phase in OVER

    @property
    def _to_scan(self) -> Code | None:
        """The code, as long as it can be scanned."""
        return self._code if self.scanner and self.phase is Phase.READY else None

    # -- what the user does --
    async def accept(self) -> None:
        """The user wants it, too."""
        if self.phase is Phase.ASKED:
            await self._freeze()
            methods: list[Json] = [*METHODS] if self._code else [METHOD]
            await self._say("ready", {"from_device": self.me.device_id, "methods": methods})
            self.phase = Phase.READY

    async def start(self) -> None:
        """Begin to compare, unless somebody has begun."""
        if self.phase is Phase.READY:
            self._start = self.transaction.dress(start_content(self.me.device_id))
            await self.send(self, "start", self._start)
            self._started, self.phase = True, Phase.AGREEING

    async def confirm(self) -> None:
        """The user sees the same; may be called again after trouble with the network."""
        if self.phase is Phase.SCANNED and self._code is not None:
            await self._finish(self._code.proved)
        if self.phase is Phase.COMPARING and self._agreement is not None:
            if not self._mac_sent:
                keys = self.vouching.own_keys()
                macs = self._agreement.macs(self._way, self.me, self.them, keys)
                await self._say("mac", macs)
                self._mac_sent = True
            if self._proved is None:
                self.phase = Phase.CONFIRMED
            else:
                await self._finish(self._proved)

    async def mismatch(self) -> None:
        """The user sees something else."""
        scanned = self.phase is Phase.SCANNED
        await self.cancel("m.key_mismatch" if scanned else "m.mismatched_sas")

    async def cancel(self, code: str, words: str = "") -> None:
        """End it and say so; the words are for our user."""
        if not self.over:
            self.end(words or reason_of(code))
            await self._say("cancel", {"code": code, "reason": reason_of(code)})

    def end(self, reason: str) -> None:
        """Without telling the other side."""
        if not self.over:
            self.phase, self.reason = Phase.ENDED, reason

    # -- what the other side does --
    async def hear(self, kind: str, content: JsonObject) -> None:
        """Take in a message from the other user; ``kind`` is its type without the prefix.

        One that comes again is passed over. Raises ``BreachError`` and errors of requests.
        """
        if self.over or self._is_repeated(kind, content):
            return
        match kind:
            case "ready":
                await self._hear_ready(content)
            case "start":
                await self._hear_start(content)
            case "accept":
                await self._hear_accept(content)
            case "key":
                await self._hear_key(content)
            case "mac":
                await self._hear_mac(content)
            case "done" if self._is_our_turn:
                pass  # they are done before us
            case "cancel":
                self.end(reason_of(text(content.get("code"))))
            case _:
                raise BreachError("m.unexpected_message")

    @property
    def _is_our_turn(self) -> bool:
        """Whether the other side has nothing more to say."""
        return self.phase is Phase.SCANNED or (self._mac_sent and self._proved is not None)

    def _is_repeated(self, kind: str, content: JsonObject) -> bool:
        whole = json.dumps([kind, content], sort_keys=True)
        digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).digest()
        known = digest in self._heard
        self._heard.add(digest)
        return known

    async def _hear_ready(self, content: JsonObject) -> None:
        device, methods = opaque(content.get("from_device"), LONGEST_ID), content.get("methods")
        if self.phase is not Phase.ASKING and device != self.them.device_id:
            return  # a second device of theirs, which hears that it came too late
        if self.phase is not Phase.ASKING:
            raise BreachError("m.unexpected_message")
        if not device or not isinstance(methods, list):
            raise BreachError("m.invalid_message")
        self.them = Party(self.them.user_id, device)
        if METHOD not in methods:
            raise BreachError("m.unknown_method")
        await self._freeze()
        self.scanner = is_scanner(methods)
        self.phase = Phase.READY
        if self._to_scan is None:
            await self.start()

    async def _hear_start(self, content: JsonObject) -> None:
        theirs_wins = (self.them.user_id, self.them.device_id) < (
            self.me.user_id,
            self.me.device_id,
        )
        contested = self.phase is Phase.AGREEING and self._started and not self._agreement
        if not (self.phase is Phase.READY or contested):
            raise BreachError("m.unexpected_message")
        if content.get("from_device") != self.them.device_id:
            raise BreachError("m.invalid_message")
        if content.get("method") == RECIPROCATE:
            self._hear_scan(content)
            return
        if contested and not theirs_wins:
            return
        answer = answer_to(content)
        self._start, self._started = content, False
        self._agreement = Agreement(self.transaction.name)
        self._way = text(answer["message_authentication_code"])
        self.phase = Phase.AGREEING
        promise = commitment(self._agreement.public_key, content)
        await self._say("accept", {**answer, "commitment": promise})

    def _hear_scan(self, content: JsonObject) -> None:
        """Somebody has seen the code, or guesses. A start of ours has not been withdrawn."""
        if self._to_scan is None:
            raise BreachError("m.unexpected_message")
        if not self._to_scan.is_answered_by(content):
            raise BreachError("m.key_mismatch")
        self.phase = Phase.SCANNED

    async def _hear_accept(self, content: JsonObject) -> None:
        if not (self.phase is Phase.AGREEING and self._started and self._agreement is None):
            raise BreachError("m.unexpected_message")
        self._promised, self._way = check_answer(content)
        self._agreement = Agreement(self.transaction.name)
        await self._say("key", {"key": self._agreement.public_key})

    async def _hear_key(self, content: JsonObject) -> None:
        agreement, start = self._agreement, self._start
        if self.phase is not Phase.AGREEING or agreement is None or start is None:
            raise BreachError("m.unexpected_message")
        key = text(content.get("key"))
        if self._started and not keeps(self._promised, key, start):
            raise BreachError("m.mismatched_commitment")
        agreement.agree(key)
        if not self._started:
            await self._say("key", {"key": agreement.public_key})
        ours, theirs = (self.me, agreement.public_key), (self.them, key)
        first, second = (ours, theirs) if self._started else (theirs, ours)
        self.emoji, self.decimals = agreement.compared(*first, *second)
        self.phase = Phase.COMPARING

    async def _hear_mac(self, content: JsonObject) -> None:
        expected = self.phase in (Phase.COMPARING, Phase.CONFIRMED) and self._proved is None
        if not expected or self._agreement is None or self.frozen is None:
            raise BreachError("m.unexpected_message")
        self._proved = self._agreement.proved(
            self._way, self.them, self.me, content, self.frozen.keys
        )
        if f"ed25519:{self.them.device_id}" not in self._proved:
            raise BreachError("m.key_mismatch")
        if self.phase is Phase.CONFIRMED:
            await self._finish(self._proved)

    async def _finish(self, proved: frozenset[str]) -> None:
        if self.frozen is None:
            raise BreachError("m.unexpected_message")
        words = await self.vouching.vouch(self.frozen, proved)
        await self._say("done", {})
        self.phase, self.reason = Phase.DONE, words

    async def _freeze(self) -> None:
        self.frozen = await self.vouching.freeze(self.them.user_id, self.them.device_id)
        self._code = self.vouching.code(self.transaction.name, self.frozen)

    async def _say(self, kind: str, content: JsonObject) -> None:
        await self.send(self, kind, self.transaction.dress(content))
