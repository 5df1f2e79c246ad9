"""Files encrypted as attachments are: AES-CTR, chunk by chunk, and a hash of the ciphertext.

Client-server API v1.18, "Sending encrypted attachments" (``EncryptedFile``, version ``v2``).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Self

from Crypto.Cipher import AES

from dmtui.core.model import FileKey

_KEY_BYTES = 32
_COUNTER = bytes(8)
"""The lower half of the initial counter is zero: some implementations count in 64 bits."""


class Sealing:
    """Encrypts a file once; :attr:`key` is what opens it, once all of it went through."""

    def __init__(self) -> None:
        self._key, self._iv = secrets.token_bytes(_KEY_BYTES), secrets.token_bytes(8) + _COUNTER
        self._cipher = AES.new(self._key, AES.MODE_CTR, nonce=b"", initial_value=self._iv)
        self._hash = hashlib.sha256()

    def seal(self, chunk: bytes) -> bytes:
        """The next part of the ciphertext, as long as the chunk."""
        sealed = bytes(self._cipher.encrypt(chunk))
        self._hash.update(sealed)
        return sealed

    @property
    def key(self) -> FileKey:
        """What opens all that was sealed so far."""
        key = base64.urlsafe_b64encode(self._key)
        return FileKey(_text(key), _packed(self._iv), _packed(self._hash.digest()))


class Opening:
    """Decrypts a file; what comes out is to be believed only once it is :attr:`genuine`."""

    def __init__(self, key: FileKey):
        self._expected = _unpacked(key.sha256)
        self._hash = hashlib.sha256()
        self._cipher = AES.new(
            _unpacked(key.key), AES.MODE_CTR, nonce=b"", initial_value=_unpacked(key.iv)
        )

    @classmethod
    def of(cls, key: FileKey | None) -> Self | None:
        """``None`` for a file that is not encrypted."""
        return None if key is None else cls(key)

    def open(self, chunk: bytes) -> bytes:
        """The next part of the plaintext."""
        self._hash.update(chunk)
        return bytes(self._cipher.decrypt(chunk))

    @property
    def genuine(self) -> bool:
        """Whether all that was opened is what was sealed."""
        return hmac.compare_digest(self._hash.digest(), self._expected)


def _text(data: bytes) -> str:
    return data.decode().rstrip("=")


def _packed(data: bytes) -> str:
    return _text(base64.b64encode(data))


def _unpacked(text: str) -> bytes:
    """From either alphabet; some clients mix them up."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=None if _plain(text) else b"-_")


def _plain(text: str) -> bool:
    return "-" not in text and "_" not in text
