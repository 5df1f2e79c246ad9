"""The arithmetic of a SAS verification: commitment, what is compared, and the MACs of keys.

Spec: "Short Authentication String (SAS) verification". Nothing here waits or remembers a phase.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

import vodozemac
from unpaddedbase64 import encode_base64

from dmtui.core.model import Json, JsonObject
from dmtui.matrix.values import mapping

METHOD = "m.sas.v1"
AGREEMENT, HASH = "curve25519-hkdf-sha256", "sha256"
MAC_V2, MAC_LEGACY = "hkdf-hmac-sha256.v2", "hkdf-hmac-sha256"
DECIMAL, EMOJI = "decimal", "emoji"

OFFER: Mapping[str, list[str]] = {
    "key_agreement_protocols": [AGREEMENT],
    "hashes": [HASH],
    "message_authentication_codes": [MAC_V2, MAC_LEGACY],
    "short_authentication_string": [DECIMAL, EMOJI],
}
"""What a start of ours offers, the better first."""

_EMOJI_BYTES = 7


class BreachError(Exception):
    """The verification can't go on; ``code`` is that of ``m.key.verification.cancel``."""

    def __init__(self, code: str, words: str = ""):
        super().__init__(code)
        self.code = code
        self.words = words


@dataclass(frozen=True, slots=True)
class Party:
    """A side of the verification."""

    user_id: str
    device_id: str


def start_content(device_id: str) -> JsonObject:
    """The content of our ``m.key.verification.start``, without what names the transaction."""
    offer: JsonObject = {name: [*values] for name, values in OFFER.items()}
    return {"from_device": device_id, "method": METHOD, **offer}


def answer_to(start: JsonObject) -> JsonObject:
    """The choices of ``m.key.verification.accept``. Raises ``BreachError``."""
    if start.get("method") != METHOD:
        raise BreachError("m.unknown_method")
    ways: list[Json] = [*_common(start, "short_authentication_string")]
    return {
        "method": METHOD,
        "key_agreement_protocol": _common(start, "key_agreement_protocols")[0],
        "hash": _common(start, "hashes")[0],
        "message_authentication_code": _common(start, "message_authentication_codes")[0],
        "short_authentication_string": ways,
    }


def _common(start: JsonObject, name: str) -> list[str]:
    offered = start.get(name)
    if not isinstance(offered, list):
        raise BreachError("m.invalid_message")
    common = [one for one in OFFER[name] if one in offered]
    if not common:
        raise BreachError("m.unknown_method")
    return common


def check_answer(accept: JsonObject) -> tuple[str, str]:
    """The commitment and the way of MACs in an accept of our offer. Raises ``BreachError``."""
    mac, commitment = accept.get("message_authentication_code"), accept.get("commitment")
    ways = accept.get("short_authentication_string")
    if not isinstance(commitment, str) or not isinstance(mac, str) or not isinstance(ways, list):
        raise BreachError("m.invalid_message")
    chosen = (accept.get("key_agreement_protocol"), accept.get("hash"))
    if chosen != (AGREEMENT, HASH) or mac not in (MAC_V2, MAC_LEGACY) or DECIMAL not in ways:
        raise BreachError("m.unknown_method")
    return commitment, mac


def commitment(public_key: str, start: JsonObject) -> str:
    """What the side that accepts promises: its key, for this very start (content as received)."""
    canonical = json.dumps(start, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    whole = public_key.encode() + canonical.encode("utf-8", "surrogatepass")
    return encode_base64(hashlib.sha256(whole).digest())


def keeps(promised: str, public_key: str, start: JsonObject) -> bool:
    """Whether the key is the promised one."""
    expected = commitment(public_key, start)
    return hmac.compare_digest(promised.rstrip("=").encode(), expected.encode())


class Agreement:
    """Our key for one verification, and after :meth:`agree` what both sides have in common."""

    def __init__(self, transaction: str):
        self._transaction = transaction
        self._sas = vodozemac.Sas()
        self._common: vodozemac.EstablishedSas | None = None
        self.public_key = self._sas.public_key.to_base64()

    def agree(self, their_key: str) -> None:
        """Raises ``BreachError`` for what is no key."""
        try:
            key = vodozemac.Curve25519PublicKey.from_base64(their_key)
            self._common = self._sas.diffie_hellman(key)
        except ValueError as error:
            raise BreachError("m.invalid_message") from error

    def compared(
        self, starter: Party, starter_key: str, acceptor: Party, acceptor_key: str
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Seven numbers of emoji, and three decimals."""
        info = "|".join(
            (
                "MATRIX_KEY_VERIFICATION_SAS",
                *(starter.user_id, starter.device_id, starter_key),
                *(acceptor.user_id, acceptor.device_id, acceptor_key),
                self._transaction,
            )
        )
        found = self._established().bytes(info)
        return tuple(found.emoji_indices)[:_EMOJI_BYTES], tuple(found.decimals)

    def macs(self, way: str, sender: Party, receiver: Party, keys: Mapping[str, str]) -> JsonObject:
        """The content of the sender's ``m.key.verification.mac`` for keys by their IDs."""
        named = {name: self._mac(way, sender, receiver, name, key) for name, key in keys.items()}
        listed = self._mac(way, sender, receiver, "KEY_IDS", ",".join(sorted(keys)))
        return {"mac": {**named}, "keys": listed}

    def proved(
        self, way: str, sender: Party, receiver: Party, content: JsonObject, keys: Mapping[str, str]
    ) -> frozenset[str]:
        """Which of ``keys`` the sender has proved to see as we do; others it named don't matter.

        Raises ``BreachError`` where one differs.
        """
        macs, listed = mapping(content.get("mac")), content.get("keys")
        if not macs or not isinstance(listed, str):
            raise BreachError("m.invalid_message")
        expected = self._mac(way, sender, receiver, "KEY_IDS", ",".join(sorted(macs)))
        if not _same(expected, listed):
            raise BreachError("m.key_mismatch")
        known = {name: key for name, key in keys.items() if name in macs}
        for name, key in known.items():
            if not _same(self._mac(way, sender, receiver, name, key), macs[name]):
                raise BreachError("m.key_mismatch")
        return frozenset(known)

    def _mac(self, way: str, sender: Party, receiver: Party, name: str, value: str) -> str:
        info = "".join(
            (
                "MATRIX_KEY_VERIFICATION_MAC",
                *(sender.user_id, sender.device_id, receiver.user_id, receiver.device_id),
                self._transaction,
                name,
            )
        )
        common = self._established()
        if way == MAC_V2:
            return common.calculate_mac(value, info)
        return common.calculate_mac_invalid_base64(value, info)

    def _established(self) -> vodozemac.EstablishedSas:
        if self._common is None:
            raise BreachError("m.unexpected_message")
        return self._common


def _same(expected: str, got: object) -> bool:
    if not isinstance(got, str):
        return False
    return hmac.compare_digest(
        expected.rstrip("=").encode(), got.rstrip("=").encode("utf-8", "surrogatepass")
    )
