"""What we override in nio's Olm machine, and what of it we build on: one test per name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import vodozemac
from nio.crypto import InboundGroupSession, Olm
from nio.exceptions import EncryptionError, VerificationError
from nio.store import DefaultStore

from dmtui.core.errors import StoreTrouble
from dmtui.core.model import JsonObject, RoomId
from dmtui.matrix import machine
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.devices import Device
from dmtui.matrix.machine import HOOKS, Machine, WedgedError
from dmtui.matrix.room_keys import MEGOLM, RoomKey

ALICE, BOB = "@alice:localhost", "@bob:localhost"
ROOM = RoomId("!room")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CryptoStore]:
    opened = CryptoStore(tmp_path / "alice.db", ALICE, "A", "key")
    yield opened
    opened.close()


@pytest.fixture
def alice(store: CryptoStore) -> Machine:
    return Machine(ALICE, "A", store)


@pytest.fixture
def bob(tmp_path: Path) -> Iterator[Olm]:
    """nio's own machine, as it comes."""
    stock = DefaultStore(BOB, "B", str(tmp_path), "key", "bob.db")
    yield Olm(BOB, "B", stock)
    stock.database.close()


def device_of(olm: Olm) -> Device:
    keys = olm.account.identity_keys
    return Device(olm.user_id, olm.device_id, keys["ed25519"], keys["curve25519"])


def one_time_key(olm: Olm) -> str:
    olm.account.generate_one_time_keys(1)
    (key,) = olm.account.one_time_keys["curve25519"].values()
    olm.account.mark_keys_as_published()
    return key


def test_names_we_depend_on_are_named_and_missing_ones_stop_the_import(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    overridden = {name for name in vars(Machine) if callable(getattr(Olm, name, None))}
    assert overridden <= set(HOOKS)
    monkeypatch.delattr(Olm, "_olm_encrypt")
    with pytest.raises(ImportError, match="_olm_encrypt"):
        machine.assert_hooks()


def test_init_makes_an_account_once_and_saves_it(alice: Machine, store: CryptoStore) -> None:
    assert Machine(ALICE, "A", store).curve25519 == alice.curve25519


def test_load_reads_no_sessions(alice: Machine, store: CryptoStore, bob: Olm) -> None:
    alice.create_session(one_time_key(bob), device_of(bob).curve25519)
    again = Machine(ALICE, "A", store)
    assert list(again.session_store) == []
    assert again.session_with(device_of(bob)) is not None


def test_save_account_writes_what_reload_finds(alice: Machine) -> None:
    alice.account.shared = True
    alice.save_account()
    alice.account.shared = False
    alice.reload_account()
    assert alice.account.shared


def test_reload_without_an_account_is_trouble(alice: Machine, store: CryptoStore) -> None:
    store._do("DELETE FROM account")
    with pytest.raises(StoreTrouble):
        alice.reload_account()


def test_sign_json_makes_signatures_that_verify_json_accepts(alice: Machine) -> None:
    signed = alice.signed({"key": "value"})
    assert alice.verify_json(signed, alice.ed25519, ALICE, "A")
    assert not alice.verify_json({**signed, "key": "other"}, alice.ed25519, ALICE, "A")


@pytest.mark.parametrize(
    "bad",
    [
        None,
        [],
        {},
        {"signatures": None},
        {"signatures": {ALICE: 5}},
        {"signatures": {ALICE: {"ed25519:A": 5}}},
        {"signatures": {ALICE: {"ed25519:A": "short"}}},
        {"signatures": {ALICE: {"ed25519:A": "A" * 86}}, "text": "\ud800"},
    ],
)
def test_verify_json_refuses_what_is_malformed(alice: Machine, bad: object) -> None:
    assert not alice.verify_json(bad, alice.ed25519, ALICE, "A")
    assert not alice.verify_json(alice.signed({}), "no key", ALICE, "A")
    assert not alice.verify_json(alice.signed({}), None, ALICE, "A")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"sender": "@mallory:localhost"}, VerificationError),
        ({"recipient": "@mallory:localhost"}, VerificationError),
        ({"recipient_keys": {"ed25519": "other"}}, VerificationError),
        ({"recipient_keys": {}}, KeyError),
        ({"recipient_keys": 5}, TypeError),
    ],
)
def test_verify_olm_payload_refuses_other_addresses(
    alice: Machine, changes: dict[str, Any], error: type[Exception]
) -> None:
    payload = {"sender": BOB, "recipient": ALICE, "recipient_keys": {"ed25519": alice.ed25519}}
    alice._verify_olm_payload(BOB, payload)
    with pytest.raises(error):
        alice._verify_olm_payload(BOB, payload | changes)


def test_olm_encrypt_is_read_by_a_stock_machine(alice: Machine, bob: Olm) -> None:
    alice.create_session(one_time_key(bob), device_of(bob).curve25519)
    group = vodozemac.GroupSession()
    key: JsonObject = {
        "algorithm": MEGOLM,
        "room_id": ROOM,
        "session_id": group.session_id,
        "session_key": group.session_key.to_base64(),
    }
    sealed: Any = alice.seal(device_of(bob), "m.room_key", key)
    own = sealed["ciphertext"][device_of(bob).curve25519]
    message = vodozemac.PreKeyMessage.from_base64(own["body"])
    bob.decrypt(ALICE, alice.curve25519, message)
    assert bob.inbound_group_store.get(ROOM, alice.curve25519, group.session_id)


def test_create_session_is_stored(alice: Machine, store: CryptoStore, bob: Olm) -> None:
    assert alice.session_with(device_of(bob)) is None
    session = alice.create_session(one_time_key(bob), device_of(bob).curve25519)
    assert [kept.id for kept in store.olm_sessions(device_of(bob).curve25519)] == [session.id]
    with pytest.raises(ValueError, match="Curve25519"):
        alice.create_session("no key", device_of(bob).curve25519)


def test_create_group_session_is_stored_and_checked(alice: Machine, store: CryptoStore) -> None:
    group = vodozemac.GroupSession()
    key = group.session_key.to_base64()
    alice.create_group_session(alice.curve25519, alice.ed25519, ROOM, group.session_id, key)
    assert [kept.owner for kept in store.room_keys(ROOM, group.session_id)] == [ALICE]
    with pytest.raises(EncryptionError):
        alice.create_group_session(alice.curve25519, alice.ed25519, ROOM, "another", key)


# -- what nio's machine does otherwise --------------------------------------------------------


def conversation(alice: Machine, bob: Olm) -> JsonObject:
    """A message of Bob's that opens a session with Alice."""
    session = bob.create_session(one_time_key(alice), alice.curve25519)
    sealed: JsonObject = bob._olm_encrypt(session, device_of(alice), "m.dummy", {})  # type: ignore[no-untyped-call]
    return sealed


def test_message_is_opened_once(alice: Machine, bob: Olm) -> None:
    sealed = conversation(alice, bob)
    assert alice.open_message(BOB, sealed)["type"] == "m.dummy"
    with pytest.raises(WedgedError):
        alice.open_message(BOB, sealed)


def test_one_time_key_stays_used_after_a_restart(
    alice: Machine, store: CryptoStore, bob: Olm
) -> None:
    sealed = conversation(alice, bob)
    alice.open_message(BOB, sealed)
    store._do("DELETE FROM olm")
    with pytest.raises(WedgedError):
        Machine(ALICE, "A", store).open_message(BOB, sealed)


def test_failed_transaction_leaves_the_message_to_be_opened_again(
    alice: Machine, store: CryptoStore, bob: Olm
) -> None:
    sealed = conversation(alice, bob)
    alice.save_account()

    def cut_short() -> None:
        with store.transaction():
            alice.open_message(BOB, sealed)
            raise StoreTrouble("the disk is full")

    with pytest.raises(StoreTrouble):
        cut_short()
    alice.reload_account()
    assert alice.open_message(BOB, sealed)["type"] == "m.dummy"


def test_answer_goes_to_the_session_in_which_the_device_was_last_heard(
    alice: Machine, bob: Olm
) -> None:
    alice.open_message(BOB, conversation(alice, bob))
    own = alice.create_session(one_time_key(bob), device_of(bob).curve25519)
    session = alice.session_with(device_of(bob))
    assert session is not None
    assert session.id == own.id
    alice.open_message(BOB, conversation(alice, bob))
    heard = alice.session_with(device_of(bob))
    assert heard is not None
    assert heard.id != own.id


def test_spammed_sessions_of_one_device_do_not_pile_up(
    alice: Machine, store: CryptoStore, bob: Olm
) -> None:
    for _ in range(30):
        alice.open_message(BOB, conversation(alice, bob))
    assert len(store.olm_sessions(device_of(bob).curve25519)) == 20


def room_key(group: vodozemac.GroupSession, sender_key: str = "curve") -> RoomKey:
    session = InboundGroupSession(group.session_key.to_base64(), "ed", sender_key, ROOM)
    return RoomKey(session, BOB)


def test_room_key_that_reads_more_is_kept_whatever_the_order(
    alice: Machine, store: CryptoStore
) -> None:
    group = vodozemac.GroupSession()
    early = room_key(group)
    group.encrypt(b"first")
    late = room_key(group)
    assert alice.keep_room_key(late)
    assert alice.keep_room_key(early)
    assert not alice.keep_room_key(late)
    (kept,) = store.room_keys(ROOM, group.session_id)
    assert kept.session.first_known_index == 0


def test_forged_earlier_state_does_not_displace_a_room_key(alice: Machine) -> None:
    group, forged = vodozemac.GroupSession(), vodozemac.GroupSession()
    group.encrypt(b"first")
    genuine = room_key(group)
    alice.keep_room_key(genuine)
    exported = vodozemac.InboundGroupSession(forged.session_key).export_at(0)
    assert exported is not None
    bad = InboundGroupSession.import_session(exported.to_base64(), "ed", "curve", ROOM)
    bad._session = _renamed(bad._session, genuine.session.id)
    assert not alice.keep_room_key(RoomKey(bad, BOB))


def _renamed(session: vodozemac.InboundGroupSession, session_id: str) -> Any:
    """The session, claiming another's ID as an imported key can."""

    class Renamed:
        first_known_index = 0

        def __init__(self) -> None:
            self.session_id = session_id

        def export_at(self, index: int) -> vodozemac.ExportedSessionKey | None:
            return session.export_at(index)

    return Renamed()


def test_same_session_from_another_device_displaces_nobodys_key(
    alice: Machine, store: CryptoStore
) -> None:
    group = vodozemac.GroupSession()
    assert alice.keep_room_key(room_key(group, "mallory's"))
    assert alice.keep_room_key(room_key(group, "bob's"))
    keys = store.room_keys(ROOM, group.session_id)
    assert {key.session.sender_key for key in keys} == {"mallory's", "bob's"}
