"""The QR code of a verification: what it says, and the secret that whoever scans it sends back.

Client-server API v1.18, "QR codes". Nothing here waits or remembers a phase.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from enum import IntEnum

from unpaddedbase64 import decode_base64, encode_base64

from dmtui.core.model import JsonObject
from dmtui.matrix.values import text

SCAN, SHOW = "m.qr_code.scan.v1", "m.qr_code.show.v1"
RECIPROCATE = "m.reciprocate.v1"

_HEADER = b"MATRIX\x02"
_SECRET_BYTES = 8  # one guess per verification, and 41 modules are enough for the code


class Mode(IntEnum):
    """Who verifies whom."""

    OTHER_USER = 0
    TRUSTING = 1
    """An own device; the one that shows the code trusts the master key."""
    NOT_TRUSTING = 2
    """An own device; the one that shows the code does not trust the master key yet."""


@dataclass(frozen=True, slots=True)
class Code:
    """``proved`` are IDs of the other side's keys that are proved once it says that all is well."""

    data: bytes = field(repr=False)
    secret: str = field(repr=False)
    proved: frozenset[str]

    def is_answered_by(self, start: JsonObject) -> bool:
        """Whether the content of a start has the secret: its sender has seen the code."""
        given = text(start.get("secret")).rstrip("=").encode("utf-8", "surrogatepass")
        return hmac.compare_digest(self.secret.encode(), given)


def code(mode: Mode, transaction: str, keys: tuple[str, str], proved: str) -> Code:
    """A new code: our key and theirs in unpadded base64, and the ID of the key that is proved."""
    secret, name = secrets.token_bytes(_SECRET_BYTES), transaction.encode()
    parts = (
        _HEADER,
        bytes([mode]),
        len(name).to_bytes(2, "big"),
        name,
        *map(decode_base64, keys),
        secret,
    )
    return Code(b"".join(parts), encode_base64(secret), frozenset({proved}))


def is_scanner(methods: object) -> bool:
    """Whether the methods that a side has announced let it scan a code of ours."""
    return isinstance(methods, list) and SCAN in methods and RECIPROCATE in methods
