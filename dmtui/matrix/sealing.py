"""Small secrets under a name and a key: AES-CTR and HMAC, as secret storage has it.

Spec: ``m.secret_storage.v1.aes-hmac-sha2``. The key pair for each name comes from HKDF, so that
no secret can be passed off as another.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Self

from Crypto.Cipher import AES
from Crypto.Cipher._mode_ctr import CtrMode
from Crypto.Hash import SHA256
from Crypto.Protocol.KDF import HKDF

_IV_BYTES = 16
_MAC_BYTES = 32


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted secret; ``mac`` covers the ciphertext."""

    iv: bytes
    ciphertext: bytes
    mac: bytes

    def packed(self) -> bytes:
        """All in one, for a column of a database."""
        return self.iv + self.mac + self.ciphertext

    @classmethod
    def unpacked(cls, data: bytes) -> Self:
        """The reverse of :meth:`packed`."""
        body = _IV_BYTES + _MAC_BYTES
        return cls(data[:_IV_BYTES], data[body:], data[_IV_BYTES:body])


def seal(key: bytes, name: str, plaintext: bytes, iv: bytes | None = None) -> Sealed:
    """Encrypt under the key and the name; ``iv`` is random unless it is given."""
    if iv is None:
        drawn = bytearray(secrets.token_bytes(_IV_BYTES))
        drawn[8] &= 0x7F  # some implementations count in 64 bits
        iv = bytes(drawn)
    aes_key, mac_key = _keys(key, name)
    ciphertext = _cipher(aes_key, iv).encrypt(plaintext)
    return Sealed(iv, ciphertext, hmac.digest(mac_key, ciphertext, hashlib.sha256))


def unseal(key: bytes, name: str, sealed: Sealed) -> bytes:
    """The plaintext. Raises ``ValueError`` for another key, another name, or damage."""
    if len(sealed.iv) != _IV_BYTES:
        raise ValueError("not an initialisation vector")
    aes_key, mac_key = _keys(key, name)
    expected = hmac.digest(mac_key, sealed.ciphertext, hashlib.sha256)
    if not hmac.compare_digest(expected, sealed.mac):
        raise ValueError("the secret is not sealed with this key")
    return bytes(_cipher(aes_key, sealed.iv).decrypt(sealed.ciphertext))


def _keys(key: bytes, name: str) -> tuple[bytes, bytes]:
    derived = HKDF(key, 64, b"\x00" * 32, SHA256, context=name.encode())
    return derived[:32], derived[32:]


def _cipher(aes_key: bytes, iv: bytes) -> CtrMode:
    return AES.new(aes_key, AES.MODE_CTR, nonce=b"", initial_value=iv)
