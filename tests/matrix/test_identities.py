"""What a homeserver may claim about people's identities, and what of it is believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dmtui.core.trust import IdentityState
from dmtui.matrix.cross_signing import Seeds, SigningKey, key_object
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.devices import Device, parse_device
from dmtui.matrix.identities import Identities
from dmtui.matrix.machine import Machine

ME, BOB = "@me:localhost", "@bob:localhost"
Json = dict[str, Any]


def seeds(number: int) -> Seeds:
    return Seeds(*(bytes([number + part]) * 32 for part in (1, 2, 3)))


MINE, BOBS, ANOTHER, THIRD = seeds(0), seeds(10), seeds(20), seeds(30)


def published(user: str, of: Seeds, *signers: SigningKey) -> Json:
    """The answer of ``/keys/query`` about the identity, its master key signed by me as well."""
    publics, master = of.identity(), SigningKey(of.master)
    top: Any = key_object(user, "master", publics.master)
    for signer in signers:
        top = signer.signed(top, ME)
    lesser = key_object(user, "self_signing", publics.self_signing)
    answer: Json = {
        "device_keys": {user: {}},
        "master_keys": {user: top},
        "self_signing_keys": {user: master.signed(lesser, user)},
    }
    if user == ME:
        lesser = key_object(user, "user_signing", publics.user_signing)
        answer["user_signing_keys"] = {user: master.signed(lesser, user)}
    return answer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CryptoStore]:
    opened = CryptoStore(tmp_path / "me.db", ME, "MINE", "key")
    yield opened
    opened.close()


@pytest.fixture
def machine(store: CryptoStore) -> Machine:
    return Machine(ME, "MINE", store)


@pytest.fixture
def identities(store: CryptoStore, machine: Machine) -> Identities:
    return opened(store, machine)


def opened(store: CryptoStore, machine: Machine) -> Identities:
    return Identities(store, machine.verify_json, ME, lambda: 7.0)


def trust_my_own(identities: Identities, store: CryptoStore, mine: Seeds = MINE) -> None:
    identities.take(ME, published(ME, mine))
    store.trust_master_key(ME, mine.identity().master)


def device(tmp_path: Path, machine: Machine, name: str, *signers: SigningKey) -> Device:
    store = CryptoStore(tmp_path / "bob.db", BOB, name, "key")
    keys: Any = Machine(BOB, name, store).device_keys()
    store.close()
    (tmp_path / "bob.db").unlink()
    for signer in signers:
        keys = signer.signed(keys, BOB)
    found = parse_device(BOB, name, keys, machine.verify_json)
    assert found is not None
    return found


# -- whose identity it is -----------------------------------------------------------------------


def test_first_identity_is_pinned_and_another_one_is_a_change(identities: Identities) -> None:
    assert identities.state(BOB) is IdentityState.NONE
    identities.take(BOB, published(BOB, BOBS))
    assert identities.state(BOB) is IdentityState.FIRST_SEEN
    identities.take(BOB, published(BOB, ANOTHER))
    assert identities.state(BOB) is IdentityState.CHANGED
    known = identities.known(BOB)
    assert known is not None
    assert (known.pinned, known.pinned_at) == (BOBS.identity().master, 7000)


def test_pins_survive_a_restart(
    identities: Identities, store: CryptoStore, machine: Machine
) -> None:
    identities.take(BOB, published(BOB, BOBS))
    again = opened(store, machine)
    assert again.known(BOB) == identities.known(BOB)
    again.take(BOB, published(BOB, ANOTHER))
    assert opened(store, machine).state(BOB) is IdentityState.CHANGED


def test_identity_signed_by_mine_is_verified_while_mine_is_trusted(
    identities: Identities, store: CryptoStore
) -> None:
    identities.take(BOB, published(BOB, BOBS, SigningKey(MINE.user_signing)))
    identities.take(ME, published(ME, MINE))
    assert identities.state(BOB) is IdentityState.FIRST_SEEN
    store.trust_master_key(ME, MINE.identity().master)
    assert identities.state(BOB) is IdentityState.VERIFIED
    identities.take(ME, published(ME, ANOTHER))
    assert identities.state(BOB) is IdentityState.FIRST_SEEN


def test_another_identity_than_the_verified_one_is_a_violation_also_after_a_restart(
    identities: Identities, store: CryptoStore, machine: Machine
) -> None:
    identities.take(BOB, published(BOB, BOBS, SigningKey(MINE.user_signing)))
    trust_my_own(identities, store)
    identities.take(BOB, published(BOB, ANOTHER))
    assert identities.state(BOB) is IdentityState.VIOLATED
    assert opened(store, machine).state(BOB) is IdentityState.VIOLATED


@pytest.mark.parametrize("signer", [MINE.master, MINE.self_signing, BOBS.user_signing])
def test_only_my_user_signing_key_verifies(
    identities: Identities, store: CryptoStore, signer: bytes
) -> None:
    trust_my_own(identities, store)
    identities.take(BOB, published(BOB, BOBS, SigningKey(signer)))
    assert identities.state(BOB) is IdentityState.FIRST_SEEN


def test_signature_of_another_identity_does_not_verify(
    identities: Identities, store: CryptoStore
) -> None:
    trust_my_own(identities, store)
    answer = published(BOB, BOBS, SigningKey(MINE.user_signing))
    forged = published(BOB, ANOTHER)
    forged["master_keys"][BOB]["signatures"] = answer["master_keys"][BOB]["signatures"]
    identities.take(BOB, forged)
    assert identities.state(BOB) is IdentityState.FIRST_SEEN


# -- what is malformed --------------------------------------------------------------------------


def role(answer: Json, name: str) -> Json:
    found: Json = answer[f"{name}_keys"][BOB]
    return found


def deep(levels: int = 100_000) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def _resigned(answer: Json, by: bytes) -> None:
    key = role(answer, "self_signing")
    key["signatures"] = SigningKey(by).signed({**key, "signatures": {}}, BOB)["signatures"]


HOSTILE: dict[str, Callable[[Json], object]] = {
    "nothing": lambda a: a.clear(),
    "only devices": lambda a: (a.pop("master_keys"), a.pop("self_signing_keys")),
    "no master": lambda a: a.pop("master_keys"),
    "no self-signing": lambda a: a.pop("self_signing_keys"),
    "master keys a list": lambda a: a.update(master_keys=[1]),
    "master keys a text": lambda a: a.update(master_keys="x"),
    "self-signing keys a number": lambda a: a.update(self_signing_keys=5),
    "master null": lambda a: a["master_keys"].update({BOB: None}),
    "master a list": lambda a: a["master_keys"].update({BOB: []}),
    "master of mine": lambda a: role(a, "master").update(user_id=ME),
    "master without user": lambda a: role(a, "master").pop("user_id"),
    "master of no use": lambda a: role(a, "master").update(usage=[]),
    "master of another use": lambda a: role(a, "master").update(usage=["self_signing"]),
    "master of two uses": lambda a: role(a, "master").update(usage=["master", "self_signing"]),
    "usage a text": lambda a: role(a, "master").update(usage="master"),
    "no keys": lambda a: role(a, "master").update(keys={}),
    "keys a list": lambda a: role(a, "master").update(keys=[1]),
    "two keys": lambda a: role(a, "master")["keys"].update({"ed25519:x": "A" * 43}),
    "key under another name": lambda a: role(a, "master").update(
        keys={"ed25519:x": BOBS.identity().master}
    ),
    "key of another algorithm": lambda a: role(a, "master").update(
        keys={f"curve25519:{'A' * 43}": "A" * 43}
    ),
    "key a number": lambda a: role(a, "master").update(keys={"ed25519:5": 5}),
    "key too short": lambda a: role(a, "master").update(keys={"ed25519:AA": "AA"}),
    "key no base64": lambda a: role(a, "master").update(keys={f"ed25519:{'!' * 43}": "!" * 43}),
    "key with surrogates": lambda a: role(a, "master").update(
        keys={f"ed25519:{chr(0xD800) * 43}": chr(0xD800) * 43}
    ),
    "swapped master": lambda a: a["master_keys"].update(
        {BOB: key_object(BOB, "master", THIRD.identity().master)}
    ),
    "swapped self-signing": lambda a: a.update(
        self_signing_keys=published(BOB, THIRD)["self_signing_keys"]
    ),
    "self-signing not signed": lambda a: role(a, "self_signing").update(signatures={}),
    "self-signing signed by itself": lambda a: _resigned(a, THIRD.self_signing),
    "self-signing signed by me": lambda a: _resigned(a, MINE.master),
    "garbage signature": lambda a: role(a, "self_signing").update(
        signatures={BOB: {f"ed25519:{BOBS.identity().master}": "A" * 86}}
    ),
    "signatures a list": lambda a: role(a, "self_signing").update(signatures=[BOB]),
    "one key for both": lambda a: role(a, "self_signing").update(
        keys=dict(role(a, "master")["keys"])
    ),
    "nested beyond reason": lambda a: role(a, "master").update(more=deep()),
    "beyond all size": lambda a: role(a, "master").update(more="x" * 20_000),
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_malformed_identity_is_none(identities: Identities, shape: str) -> None:
    answer = published(BOB, BOBS)
    HOSTILE[shape](answer)
    identities.take(BOB, answer)
    assert identities.state(BOB) is IdentityState.NONE


@pytest.mark.parametrize("shape", HOSTILE)
def test_malformed_identity_displaces_no_other(
    identities: Identities, machine: Machine, tmp_path: Path, shape: str
) -> None:
    identities.take(BOB, published(BOB, BOBS))
    before = identities.known(BOB)
    answer = published(BOB, ANOTHER)
    HOSTILE[shape](answer)
    identities.take(BOB, answer)
    assert identities.known(BOB) == before
    signed = device(tmp_path, machine, "PHONE", SigningKey(BOBS.self_signing))
    assert identities.is_signed(signed) is True


# -- devices ------------------------------------------------------------------------------------


def test_device_is_signed_by_its_owners_self_signing_key_alone(
    identities: Identities, machine: Machine, tmp_path: Path
) -> None:
    phone = device(tmp_path, machine, "PHONE", SigningKey(BOBS.self_signing))
    assert identities.is_signed(phone) is None
    identities.take(BOB, published(BOB, BOBS))
    assert identities.is_signed(phone) is True
    for signer in (BOBS.master, BOBS.user_signing, ANOTHER.self_signing, MINE.self_signing):
        other = device(tmp_path, machine, "OTHER", SigningKey(signer))
        assert identities.is_signed(other) is False
    assert identities.is_signed(device(tmp_path, machine, "PLAIN")) is False


def test_devices_of_a_former_identity_are_not_signed(
    identities: Identities, machine: Machine, tmp_path: Path
) -> None:
    phone = device(tmp_path, machine, "PHONE", SigningKey(BOBS.self_signing))
    identities.take(BOB, published(BOB, BOBS))
    assert identities.is_signed(phone) is True
    identities.take(BOB, published(BOB, ANOTHER))
    assert identities.is_signed(phone) is False


@pytest.mark.parametrize("named", ["master", "self_signing"])
def test_device_named_like_a_key_of_the_identity_is_not_signed(
    identities: Identities, machine: Machine, tmp_path: Path, named: str
) -> None:
    identities.take(BOB, published(BOB, BOBS))
    name = getattr(BOBS.identity(), named)
    assert identities.is_signed(device(tmp_path, machine, name)) is False
