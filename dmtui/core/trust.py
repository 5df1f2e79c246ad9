"""Trust: what the keys of a person and of their devices prove, and how to say it.

A person's identity is their master key of cross-signing (spec: "Cross-signing"). The first one seen
is pinned; comparing it with its owner's makes more of it. Decisions are functions of values.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dmtui.core.model import Doubt, Milliseconds, PersonDevice


class IdentityState(StrEnum):
    """How far a person's identity can be relied upon."""

    NONE = "none"
    """They have none: their app doesn't cross-sign."""
    FIRST_SEEN = "first seen"
    """The same as ever since it was first seen, and never compared."""
    CHANGED = "changed"
    """Another one than was first seen, which had never been compared."""
    VERIFIED = "verified"
    """Compared: our own identity vouches for it."""
    VIOLATED = "violated"
    """Another one than was compared."""

    @property
    def is_alarming(self) -> bool:
        """Whether somebody else may be behind it, so that the user has to decide."""
        return self in (IdentityState.CHANGED, IdentityState.VIOLATED)


@dataclass(frozen=True, slots=True)
class KnownIdentity:
    """What is remembered of a person's identity; master keys in unpadded base64.

    ``pinned`` is the one seen first, or accepted or compared since; ``pinned_at`` is when.
    ``was_verified``: the pinned one has been compared. ``vouched``: our own user-signing key, while
    this device trusts it, signs ``master``.
    """

    master: str
    pinned: str
    pinned_at: Milliseconds
    was_verified: bool = False
    vouched: bool = False


@dataclass(frozen=True, slots=True)
class Trust:
    """A person's identity and devices; ``since`` is when the pinned identity was seen first.

    ``excepted``: devices of theirs get keys without being confirmed by them.
    """

    identity: IdentityState
    since: Milliseconds = 0
    devices: tuple[PersonDevice, ...] = ()
    excepted: bool = False


def judge_identity(known: KnownIdentity | None) -> IdentityState:
    """The state of an identity. Only another master key than the compared one is a violation.

    Losing our signature alone, as when our own identity is made anew, changes nobody's key.
    """
    if known is None:
        return IdentityState.NONE
    if known.vouched:
        return IdentityState.VERIFIED
    if known.master == known.pinned:
        return IdentityState.FIRST_SEEN
    return IdentityState.VIOLATED if known.was_verified else IdentityState.CHANGED


def seen(
    known: KnownIdentity | None, master: str, vouched: bool, now: Milliseconds
) -> KnownIdentity:
    """What to remember once the homeserver has shown this whole identity."""
    if known is None:
        return KnownIdentity(master, master, now, vouched, vouched)
    if vouched and master != known.pinned:
        return KnownIdentity(master, master, now, True, True)
    was_verified = known.was_verified or vouched
    return KnownIdentity(master, known.pinned, known.pinned_at, was_verified, vouched)


def accepted(known: KnownIdentity, now: Milliseconds) -> KnownIdentity:
    """What to remember once the user has accepted the identity as it is now."""
    if known.master == known.pinned:
        return known
    return KnownIdentity(known.master, known.master, now, known.vouched, known.vouched)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the key of a message came from.

    ``direct``: from the sender's device, and not from a backup or file. ``known``: the sender has
    that device. ``signed``: the sender's identity confirms it; ``None`` without an identity.
    """

    direct: bool
    known: bool
    signed: bool | None
    identity: IdentityState


def judge_message(origin: Origin) -> Doubt:
    """The gravest reason to doubt that the sender wrote a message."""
    if not origin.known:
        return Doubt.UNKNOWN_DEVICE
    if origin.signed is False:
        return Doubt.UNSIGNED_DEVICE
    if origin.identity is IdentityState.VIOLATED:
        return Doubt.VIOLATED
    if not origin.direct:
        return Doubt.INDIRECT
    return Doubt.NO_IDENTITY if origin.signed is None else Doubt.NONE


# -- in words -------------------------------------------------------------------------------


def identity_words(state: IdentityState, day: str) -> str:
    """The state for the person's card; ``day`` is when the identity was first seen."""
    match state:
        case IdentityState.NONE:
            return "none: their app does not vouch for their devices"
        case IdentityState.FIRST_SEEN:
            return f"seen since {day}, not compared yet"
        case IdentityState.VERIFIED:
            return f"compared with them; seen since {day}"
        case IdentityState.CHANGED:
            return f"CHANGED since {day}"
        case IdentityState.VIOLATED:
            return "CHANGED after you had compared it with them"


EXCEPTION_ADVICE = (
    "Messages are encrypted for devices that their owner has confirmed: nobody else, the homeserver"
    " included, can add one and read along. Old apps and bots can't confirm devices. Write to all"
    " devices only where that matters little, or ask the person to set encryption up."
)
"""What to say before somebody's devices get keys without being confirmed."""


def identity_advice(state: IdentityState) -> str:
    """What to do about it; empty where there is nothing to be done."""
    match state:
        case IdentityState.CHANGED:
            return (
                "They may have set up encryption anew, or somebody else may be reading along."
                " Ask them in another way than by this chat before you write."
            )
        case IdentityState.VIOLATED:
            return (
                "You compared their identity, and it is another one now: somebody else may be"
                " reading along. Compare again, in person or by phone, before you write."
            )
        case _:
            return ""


_NOTES = {
    Doubt.UNKNOWN_DEVICE: "device not known",
    Doubt.UNSIGNED_DEVICE: "device not confirmed by its owner",
    Doubt.VIOLATED: "identity changed after you compared it",
    Doubt.INDIRECT: "key from a backup: sender not proved",
    Doubt.PLAIN: "NOT encrypted",
}
_DOUBTS = {
    Doubt.UNKNOWN_DEVICE: (
        "Written on a device that its sender does not have, or has no longer."
        " Nobody vouches for who wrote it."
    ),
    Doubt.UNSIGNED_DEVICE: (
        "Written on a device that its owner has not confirmed:"
        " somebody else may have added it to their account."
    ),
    Doubt.NO_IDENTITY: (
        "The sender's app does not vouch for their devices: that this one is theirs"
        " is what the homeserver says."
    ),
    Doubt.VIOLATED: (
        "The sender's identity is not the one that you compared: somebody else may have written it."
    ),
    Doubt.INDIRECT: (
        "Its key came from a backup, a file, another device of yours or whoever invited you,"
        " and not from the sender: who wrote it can't be proved."
    ),
    Doubt.PLAIN: (
        "It came without encryption into an encrypted chat:"
        " the homeserver can read it, and can have written it."
    ),
}


def doubt_note(doubt: Doubt) -> str:
    """A few words to stand by the message; empty where that would be too much said."""
    return _NOTES.get(doubt, "")


def doubt_words(doubt: Doubt) -> str:
    """The whole of it; empty without a doubt."""
    return _DOUBTS.get(doubt, "")


def device_words(signed: bool | None) -> str:
    """Whether the device's owner vouches for it; ``None`` where they have no identity to do so."""
    if signed is None:
        return "as the homeserver lists it"
    return "confirmed by its owner" if signed else "NOT confirmed by its owner"
