"""Encrypted attachments against the vectors of another implementation."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.model import FileKey
from dmtui.matrix.file_cipher import Opening, Sealing

VECTORS = [
    (
        "",
        FileKey(
            "A" * 43,
            "A" * 22,
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        ),
        b"",
    ),
    (
        "5xJZTt5cQicm+9f4",
        FileKey(
            "_" * 43,
            "//////////8AAAAAAAAAAA",
            "YzF08lARDdOCzJpzuSwsjTNlQc4pHxpdHcXiD/wpK6k",
        ),
        b"Hello, World",
    ),
]
"""Ciphertext in base64, key and plaintext: the vectors of matrix-encrypt-attachment."""


def test_files_of_another_implementation_are_opened() -> None:
    for ciphertext, key, plaintext in VECTORS:
        opening = Opening(key)
        assert opening.open(base64.b64decode(ciphertext)) == plaintext
        assert opening.genuine


@given(st.lists(st.binary(max_size=100), max_size=10))
def test_what_was_sealed_in_pieces_opens_in_others(pieces: list[bytes]) -> None:
    sealing = Sealing()
    sealed = b"".join(sealing.seal(piece) for piece in pieces)
    opening = Opening(sealing.key)
    assert b"".join(opening.open(bytes([byte])) for byte in sealed) == b"".join(pieces)
    assert opening.genuine


def test_single_changed_bit_is_noticed() -> None:
    sealing = Sealing()
    sealed = bytearray(sealing.seal(b"some text"))
    sealed[3] ^= 1
    opening = Opening(sealing.key)
    opening.open(bytes(sealed))
    assert not opening.genuine


def test_counter_starts_where_no_implementation_overflows() -> None:
    assert base64.b64decode(Sealing().key.iv + "==")[8:] == bytes(8)
