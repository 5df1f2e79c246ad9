"""Verifying each other: where a verification stands, what is compared, and what is scanned.

Client-server API v1.18, "Short Authentication String (SAS) verification" and "QR codes".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from dmtui.core.model import RoomId, UserId


class Phase(StrEnum):
    """What a verification waits for."""

    ASKED = "asked"
    """The other side asks; it is for me to accept."""
    ASKING = "asking"
    """I asked; it is for the other side to accept."""
    READY = "ready"
    """Both want it; somebody has to begin."""
    AGREEING = "agreeing"
    """The devices agree on what to compare."""
    COMPARING = "comparing"
    """It is for me to say whether both see the same."""
    CONFIRMED = "confirmed"
    """I said so; the other side has not yet."""
    SCANNED = "scanned"
    """My code was scanned; it is for me to say whether the other device shows that it worked."""
    DONE = "done"
    ENDED = "ended"
    """Without a result, for a reason."""


OVER = frozenset({Phase.DONE, Phase.ENDED})


@dataclass(frozen=True, slots=True)
class Verification:
    """One verification. ``id`` is this process's own name for it.

    ``device_id`` is empty until a device of theirs has answered. ``room_id`` is where it goes
    on, ``None`` if between devices. ``emoji`` are seven numbers into :data:`EMOJI`, ``decimals``
    three numbers, both empty before there is something to compare. ``qr`` are the bytes of the code
    that the other side can scan while it is ready, empty where it can't. ``reason`` says why it
    ended.
    """

    id: str
    user_id: UserId
    device_id: str
    own: bool
    incoming: bool
    phase: Phase
    room_id: RoomId | None = None
    emoji: tuple[int, ...] = ()
    decimals: tuple[int, ...] = ()
    reason: str = ""
    qr: bytes = field(default=b"", repr=False)

    @property
    def over(self) -> bool:
        """Whether nothing can come of it any more."""
        return self.phase in OVER


_REASONS = {
    "m.user": "It was cancelled.",
    "m.timeout": "It took too long.",
    "m.unknown_transaction": "The other device does not know of this verification.",
    "m.unknown_method": "The two devices know no common way to verify.",
    "m.unexpected_message": "The other device sent what it should not have sent then.",
    "m.key_mismatch": "The keys are not what they should be: somebody may be in between.",
    "m.user_mismatch": "It was with another user than expected.",
    "m.invalid_message": "The other device sent what can't be read.",
    "m.accepted": "It goes on at another device.",
    "m.mismatched_commitment": "The other device changed its key on the way.",
    "m.mismatched_sas": "The two sides did not see the same: somebody may be in between.",
}
ALARMING = frozenset({"m.key_mismatch", "m.mismatched_commitment", "m.mismatched_sas"})


def reason_of(code: str) -> str:
    """Why a verification ended, in words, by the code of ``m.key.verification.cancel``."""
    return _REASONS.get(code, "The other side cancelled it.")


EMOJI: tuple[tuple[str, str], ...] = (
    ("🐶", "Dog"),
    ("🐱", "Cat"),
    ("🦁", "Lion"),
    ("🐎", "Horse"),
    ("🦄", "Unicorn"),
    ("🐷", "Pig"),
    ("🐘", "Elephant"),
    ("🐰", "Rabbit"),
    ("🐼", "Panda"),
    ("🐓", "Rooster"),
    ("🐧", "Penguin"),
    ("🐢", "Turtle"),
    ("🐟", "Fish"),
    ("🐙", "Octopus"),
    ("🦋", "Butterfly"),
    ("🌷", "Flower"),
    ("🌳", "Tree"),
    ("🌵", "Cactus"),
    ("🍄", "Mushroom"),
    ("🌏", "Globe"),
    ("🌙", "Moon"),
    ("☁️", "Cloud"),
    ("🔥", "Fire"),
    ("🍌", "Banana"),
    ("🍎", "Apple"),
    ("🍓", "Strawberry"),
    ("🌽", "Corn"),
    ("🍕", "Pizza"),
    ("🎂", "Cake"),
    ("❤️", "Heart"),
    ("😀", "Smiley"),
    ("🤖", "Robot"),
    ("🎩", "Hat"),
    ("👓", "Glasses"),
    ("🔧", "Spanner"),
    ("🎅", "Santa"),
    ("👍", "Thumbs Up"),
    ("☂️", "Umbrella"),
    ("⌛", "Hourglass"),
    ("⏰", "Clock"),
    ("🎁", "Gift"),
    ("💡", "Light Bulb"),
    ("📕", "Book"),
    ("✏️", "Pencil"),
    ("📎", "Paperclip"),
    ("✂️", "Scissors"),
    ("🔒", "Lock"),
    ("🔑", "Key"),
    ("🔨", "Hammer"),
    ("☎️", "Telephone"),
    ("🏁", "Flag"),
    ("🚂", "Train"),
    ("🚲", "Bicycle"),
    ("✈️", "Aeroplane"),
    ("🚀", "Rocket"),
    ("🏆", "Trophy"),
    ("⚽", "Ball"),
    ("🎸", "Guitar"),
    ("🎺", "Trumpet"),
    ("🔔", "Bell"),
    ("⚓", "Anchor"),
    ("🎧", "Headphones"),
    ("📁", "Folder"),
    ("📌", "Pin"),
)
"""The 64 things to compare, each as sign and name, in the order of the specification."""
