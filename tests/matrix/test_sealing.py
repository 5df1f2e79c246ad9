from __future__ import annotations

import pytest

from dmtui.matrix.sealing import Sealed, seal, unseal

KEY = bytes(range(32))
EXPECTED = (
    "7cca52c9705e",
    "559b38f5e882cb1c63037b9f3219d3d1f54135d80c7d8f6b7f32dc3fbceddd97",
)
"""As OpenSSL derives, encrypts and authenticates them."""


def test_a_sealed_secret_opens_with_its_key_and_name() -> None:
    assert unseal(KEY, "name", seal(KEY, "name", b"secret")) == b"secret"


def test_a_secret_opens_by_no_other_key_and_no_other_name() -> None:
    sealed = seal(KEY, "name", b"secret")
    for key, name in ((bytes(32), "name"), (KEY, "other"), (KEY, "")):
        with pytest.raises(ValueError, match="not sealed"):
            unseal(key, name, sealed)


def test_a_damaged_secret_does_not_open() -> None:
    sealed = seal(KEY, "name", b"secret")
    damaged = [
        Sealed(sealed.iv, b"x" + sealed.ciphertext[1:], sealed.mac),
        Sealed(sealed.iv, sealed.ciphertext, sealed.mac[:-1]),
        Sealed(b"", sealed.ciphertext, sealed.mac),
    ]
    for one in damaged:
        with pytest.raises(ValueError, match=r"not sealed|initialisation"):
            unseal(KEY, "name", one)


def test_each_seal_differs_and_leaves_the_counter_room() -> None:
    sealed = [seal(KEY, "name", b"secret") for _ in range(20)]
    assert len({one.ciphertext for one in sealed}) == 20
    assert all(one.iv[8] < 0x80 for one in sealed)


def test_the_cipher_is_the_one_of_the_standards() -> None:
    sealed = seal(KEY, "m.cross_signing.master", b"secret", iv=bytes(16))
    assert (sealed.ciphertext.hex(), sealed.mac.hex()) == EXPECTED


def test_packing_keeps_a_sealed_secret() -> None:
    sealed = seal(KEY, "name", b"secret")
    assert Sealed.unpacked(sealed.packed()) == sealed
