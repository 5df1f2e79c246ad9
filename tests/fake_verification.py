"""Verifications of the fake homeserver: the other side is played by the test."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from dmtui.core.errors import NotFound
from dmtui.core.model import RoomId, UserId
from dmtui.core.verification import Phase, Verification, reason_of

EMOJI = (0, 1, 2, 3, 17, 27, 63)
DECIMALS = (1234, 5678, 9012)
QR = b"MATRIX\x02\x00" + bytes(range(118))
"""As long as that of a verification in a room."""


@dataclass
class FakeVerifications:
    """What the device knows; the methods are the other side's."""

    me: UserId
    known: dict[str, Verification] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    others: bool = True
    """Whether there is anybody to verify with."""
    scanner: bool = False
    """Whether they can scan codes."""

    def ask(self, user_id: UserId, room_id: RoomId | None = None) -> str:
        """Somebody asks to verify."""
        return self.begin(user_id, room_id, Phase.ASKED)

    def agree(self, identifier: str) -> None:
        """Both devices come to show something to compare."""
        self.change(identifier, Phase.COMPARING)

    def meet(self, identifier: str) -> None:
        """The other side wants it, too."""
        self.change(identifier, Phase.READY)

    def scan(self, identifier: str) -> None:
        """The other side has scanned the code."""
        self.change(identifier, Phase.SCANNED)

    def confirm(self, identifier: str) -> None:
        """The other side says that it is the same."""
        self.change(identifier, Phase.DONE, reason=f"{self.known[identifier].user_id} is verified.")

    def refuse(self, identifier: str, code: str = "m.user") -> None:
        """The other side cancels."""
        self.change(identifier, Phase.ENDED, reason=reason_of(code))

    def begin(self, user_id: UserId, room_id: RoomId | None, phase: Phase) -> str:
        """A new one."""
        identifier = f"verification-{len(self.known) + 1}"
        own, asked = user_id == self.me, phase is Phase.ASKED
        device = "THEIRS" if asked else ""
        one = Verification(identifier, user_id, device, own, asked, phase, room_id)
        self.known[identifier] = one
        self.changed.set()
        return identifier

    def change(self, identifier: str, phase: Phase, reason: str = "") -> None:
        """It goes on, unless it is over."""
        one = self.known.get(identifier)
        if one is None:
            raise NotFound("This verification is over.", 404, "M_NOT_FOUND")
        if one.over:
            return
        if one.phase is Phase.SCANNED and phase is Phase.CONFIRMED:
            phase, reason = Phase.DONE, f"{one.user_id} is verified."
        compared = phase in (Phase.COMPARING, Phase.CONFIRMED)
        self.known[identifier] = replace(
            one,
            phase=phase,
            device_id="THEIRS",
            emoji=EMOJI if compared else (),
            decimals=DECIMALS if compared else (),
            reason=reason,
            qr=QR if self.scanner and phase is Phase.READY else b"",
        )
        self.changed.set()
