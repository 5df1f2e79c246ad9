"""People's devices and identities as ``/keys/query`` has them, checked before they are believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import vodozemac

from dmtui.matrix.values import LONGEST_ID, mapping, opaque

VerifySignature: TypeAlias = Callable[[dict[str, object], str, str, str], bool]
"""``(signed object, ed25519 key, user, device)``; never raises."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device with keys. ``raw`` is the signed JSON; ``blocked`` is the user's own verdict.

    ``signed_by`` is the self-signing key of its owner that was seen to sign it, if any was.
    """

    user_id: str
    device_id: str
    ed25519: str
    curve25519: str
    name: str = field(default="", compare=False)
    raw: str = field(default="", compare=False, repr=False)
    blocked: bool = field(default=False, compare=False)
    signed_by: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """A user's public identity as last shown; ``raw`` is the object of its master key.

    ``pinned`` is the master key to compare with, since ``pinned_at``; ``was_verified`` says that
    our own identity has vouched for it.
    """

    pinned_at: int
    was_verified: bool
    user_id: str
    master: str
    self_signing: str
    user_signing: str
    raw: str
    pinned: str


def parse_device(
    user_id: str, device_id: str, claimed: object, verify: VerifySignature
) -> Device | None:
    """A device of a ``/keys/query`` answer; ``None`` unless it is whole and signed by itself."""
    if not isinstance(claimed, dict) or opaque(device_id, LONGEST_ID) is None:
        return None
    keys = claimed.get("keys")
    if claimed.get("user_id") != user_id or claimed.get("device_id") != device_id:
        return None
    if not isinstance(keys, dict):
        return None
    ed25519 = keys.get(f"ed25519:{device_id}")
    curve25519 = keys.get(f"curve25519:{device_id}")
    if not isinstance(ed25519, str) or not isinstance(curve25519, str):
        return None
    if not verify(dict(claimed), ed25519, user_id, device_id):
        return None
    try:
        vodozemac.Curve25519PublicKey.from_base64(curve25519)
    except ValueError:
        return None
    name = opaque(mapping(claimed.get("unsigned")).get("device_display_name"), LONGEST_ID)
    signed = {key: value for key, value in claimed.items() if key != "unsigned"}
    return Device(
        user_id,
        device_id,
        ed25519,
        curve25519,
        name or "",
        json.dumps(signed),
    )
