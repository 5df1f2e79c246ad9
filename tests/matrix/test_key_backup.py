"""Room keys on their way to the backup and back, and which of two keys is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import vodozemac
from hypothesis import given
from hypothesis import strategies as st
from nio.crypto import InboundGroupSession
from unpaddedbase64 import decode_base64, encode_base64

from dmtui.core.model import Json, JsonObject, RoomId
from dmtui.matrix.backup_cipher import Opener, public_key, read_entries, seal_keys
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.machine import Machine
from dmtui.matrix.room_keys import MEGOLM, RoomKey, Source, merged, portable
from dmtui.matrix.values import mapping, text

ALICE = "@alice:localhost"
ROOM = RoomId("!room:localhost")
SECRET = bytes(range(32))
OPENER = Opener(SECRET)
JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def key_of(
    group: vodozemac.GroupSession,
    source: Source = Source.OLM,
    backed_up_in: str = "",
    sender_key: str = "curve",
) -> RoomKey:
    """The key from the group's next message on."""
    session = InboundGroupSession(group.session_key.to_base64(), "ed", sender_key, ROOM)
    return RoomKey(session, ALICE if source is Source.OLM else "", source, backed_up_in)


def forged(known: RoomKey, source: Source) -> RoomKey:
    """A state that is not of the session, under its ID, as an exported key can have it."""
    good = decode_base64(known.session.export_session(known.reach))
    other = vodozemac.InboundGroupSession(vodozemac.GroupSession().session_key)
    exported = other.export_at(0)
    assert exported is not None
    bad = decode_base64(exported.to_base64())
    state = encode_base64(bad[:-32] + good[-32:])  # the ID is the signing key at the end
    session = InboundGroupSession.import_session(state, "ed", "curve", ROOM)
    assert session.id == known.session.id
    return RoomKey(session, "", source)


def entry_of(key: RoomKey) -> JsonObject:
    body = seal_keys(public_key(SECRET), [key])
    ((_, _, entry),) = read_entries(body)
    return entry


def sealed(plain: bytes, secret: bytes = SECRET) -> JsonObject:
    """Anything at all, sealed for the backup."""
    public = vodozemac.Curve25519SecretKey.from_bytes(secret).public_key()
    message = vodozemac.PkEncryption.from_key(public).encrypt(plain)
    return {
        "session_data": {
            "ciphertext": encode_base64(message.ciphertext),
            "mac": encode_base64(message.mac),
            "ephemeral": encode_base64(message.ephemeral_key),
        }
    }


# -- the cipher -------------------------------------------------------------------------------


def test_sealed_parts_stand_under_their_names() -> None:
    data = mapping(entry_of(key_of(vodozemac.GroupSession()))["session_data"])
    sizes = {name: len(decode_base64(text(part))) for name, part in data.items()}
    assert sizes["ephemeral"] == 32
    assert sizes["mac"] == 8
    assert sizes["ciphertext"] > 200
    assert sizes["ciphertext"] % 16 == 0
    named = (text(data[part]) for part in ("ciphertext", "mac", "ephemeral"))
    plain = vodozemac.PkDecryption.from_key(
        vodozemac.Curve25519SecretKey.from_bytes(SECRET)
    ).decrypt(vodozemac.Message.from_base64(*named))
    assert json.loads(plain)["algorithm"] == MEGOLM


def test_public_key_is_the_one_of_the_curve() -> None:
    # RFC 7748, section 6.1: Alice's keys
    secret = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    public = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    assert public_key(secret) == encode_base64(bytes.fromhex(public))


def test_key_comes_back_from_the_backup_as_it_went_up() -> None:
    group = vodozemac.GroupSession()
    group.encrypt(b"earlier")
    key = key_of(group)
    found = OPENER.open((ROOM, key.session.id, entry_of(key)), "7")
    assert found.session.export_session(1) == key.session.export_session(1)
    assert (found.reach, found.session.sender_key, found.session.ed25519) == (1, "curve", "ed")
    assert (found.source, found.owner, found.backed_up_in) == (Source.BACKUP, "", "7")


def test_padded_base64_of_other_clients_is_read() -> None:
    key = key_of(vodozemac.GroupSession())
    entry = entry_of(key)
    data = mapping(entry["session_data"])
    padded = {name: text(part) + "=" * (-len(text(part)) % 4) for name, part in data.items()}
    OPENER.open((ROOM, key.session.id, {"session_data": {**padded}}), "7")


@pytest.mark.parametrize(
    "change",
    [
        {"algorithm": "m.megolm.v2"},
        {"algorithm": None},
        {"sender_key": None},
        {"sender_key": "x" * 1000},
        {"sender_claimed_keys": []},
        {"sender_claimed_keys": {"ed25519": 5}},
        {"session_key": None},
        {"session_key": "AAAA"},
        {"session_key": "\ud800"},
    ],
)
def test_entry_with_a_bad_part_is_refused(change: JsonObject) -> None:
    key = key_of(vodozemac.GroupSession())
    good = sealed(json.dumps(portable(key)).encode())
    bad = sealed(json.dumps(portable(key) | change).encode())
    assert len(OPENER.open_all([(ROOM, key.session.id, good)], "7")) == 1
    assert OPENER.open_all([(ROOM, key.session.id, bad)], "7") == []


def test_entry_under_another_session_or_for_another_secret_is_refused() -> None:
    key = key_of(vodozemac.GroupSession())
    assert OPENER.open_all([(ROOM, "another", entry_of(key))], "7") == []
    foreign = sealed(json.dumps(portable(key)).encode(), b"\x05" * 32)
    assert OPENER.open_all([(ROOM, key.session.id, foreign)], "7") == []


@given(JSON)
def test_nonsense_under_one_session_does_not_spoil_the_others(nonsense: Json) -> None:
    key = key_of(vodozemac.GroupSession())
    sessions: JsonObject = {
        "bad": nonsense,
        "worse": {"session_data": nonsense},
        "worst": {"session_data": {"ciphertext": nonsense, "mac": "", "ephemeral": "A" * 43}},
        "plain": sealed(json.dumps(nonsense).encode()),
        key.session.id: entry_of(key),
    }
    rooms: JsonObject = {ROOM: {"sessions": sessions}, "no room": nonsense, "!r": nonsense}
    entries = read_entries({"rooms": rooms})
    assert [found.session.id for found in OPENER.open_all(entries, "7")] == [key.session.id]


@given(JSON)
def test_answer_of_any_shape_is_read(answer: Json) -> None:
    assert OPENER.open_all(read_entries({"rooms": answer}), "7") == []


@given(st.binary(max_size=300), st.binary(max_size=40), st.binary(max_size=40))
def test_garbage_for_ciphertext_is_refused(cipher: bytes, mac: bytes, ephemeral: bytes) -> None:
    data: JsonObject = {
        "ciphertext": encode_base64(cipher),
        "mac": encode_base64(mac),
        "ephemeral": encode_base64(ephemeral),
    }
    assert OPENER.open_all([(ROOM, "session", {"session_data": data})], "7") == []


# -- which key is kept ------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CryptoStore]:
    opened = CryptoStore(tmp_path / "alice.db", ALICE, "A", "00" * 32)
    yield opened
    opened.close()


@pytest.fixture
def machine(store: CryptoStore) -> Machine:
    return Machine(ALICE, "A", store)


def kept(store: CryptoStore, key: RoomKey) -> RoomKey:
    (found,) = store.room_keys(ROOM, key.session.id)
    return found


def test_key_that_was_sealed_for_us_keeps_its_author_and_gains_reach(
    machine: Machine, store: CryptoStore
) -> None:
    group = vodozemac.GroupSession()
    early = key_of(group, Source.BACKUP, "7")
    group.encrypt(b"first")
    late = key_of(group)
    assert machine.keep_room_key(late)
    assert machine.keep_room_key(early)
    found = kept(store, late)
    assert (found.reach, found.source, found.owner) == (0, Source.OLM, ALICE)
    assert found.backed_up_in == "7"


def test_key_from_the_backup_gains_its_author_once_it_is_sealed_for_us(
    machine: Machine, store: CryptoStore
) -> None:
    group = vodozemac.GroupSession()
    early = key_of(group, Source.BACKUP, "7")
    group.encrypt(b"first")
    machine.keep_room_key(early)
    assert machine.keep_room_key(key_of(group))
    found = kept(store, early)
    assert (found.reach, found.source, found.owner) == (0, Source.OLM, ALICE)
    assert found.backed_up_in == "7"


@pytest.mark.parametrize("shared", [True, False])
def test_whether_history_may_be_shared_travels_with_the_key(shared: bool) -> None:
    key = replace(key_of(vodozemac.GroupSession()), shared_history=shared)
    (found,) = OPENER.open_all([(ROOM, key.session.id, entry_of(key))], "7")
    assert found.shared_history is shared


@pytest.mark.parametrize("shared", [True, False])
def test_whether_history_may_be_shared_is_what_the_better_origin_says(
    machine: Machine, store: CryptoStore, shared: bool
) -> None:
    group = vodozemac.GroupSession()
    early = replace(key_of(group, Source.BACKUP, "7"), shared_history=not shared)
    group.encrypt(b"first")
    late = replace(key_of(group), shared_history=shared)
    for key in (early, late, early):
        machine.keep_room_key(key)
    assert (kept(store, late).reach, kept(store, late).shared_history) == (0, shared)


def test_the_names_are_those_that_the_better_origin_vouches_for() -> None:
    group = vodozemac.GroupSession()
    early = InboundGroupSession(group.session_key.to_base64(), "claimed", "curve", ROOM)
    group.encrypt(b"first")
    best = merged(key_of(group), RoomKey(early, "", Source.BACKUP))
    assert (best.reach, best.session.ed25519) == (0, "ed")


@pytest.mark.parametrize("source", [Source.BACKUP, Source.FILE])
def test_forged_state_never_displaces_what_was_sealed_for_us(
    machine: Machine, store: CryptoStore, source: Source
) -> None:
    group = vodozemac.GroupSession()
    group.encrypt(b"first")
    key = key_of(group)
    machine.keep_room_key(key)
    assert not machine.keep_room_key(forged(key, source))
    assert kept(store, key).session.export_session(1) == key.session.export_session(1)


@pytest.mark.parametrize("better", [Source.OLM, Source.FILE])
def test_forged_state_does_not_stand_in_the_way_of_a_better_origin(
    machine: Machine, store: CryptoStore, better: Source
) -> None:
    key = key_of(vodozemac.GroupSession(), better)
    assert machine.keep_room_key(forged(key, Source.BACKUP))
    assert machine.keep_room_key(key)
    found = kept(store, key)
    assert found.source is better
    assert found.session.export_session(0) == key.session.export_session(0)


def test_key_found_in_the_backup_as_well_is_marked_and_brought_nothing(
    machine: Machine, store: CryptoStore
) -> None:
    group = vodozemac.GroupSession()
    key, same = key_of(group), key_of(group, Source.BACKUP, "7")
    group.encrypt(b"first")
    worse = key_of(group, Source.BACKUP, "8")
    machine.keep_room_key(key)
    assert not machine.keep_room_key(same)
    assert kept(store, key).backed_up_in == "7"
    assert not machine.keep_room_key(worse)
    assert kept(store, key).backed_up_in == "7"


# -- what is still to be backed up ------------------------------------------------------------


def test_keys_are_due_for_each_version_until_marked(machine: Machine, store: CryptoStore) -> None:
    first, second = key_of(vodozemac.GroupSession()), key_of(vodozemac.GroupSession())
    machine.keep_room_key(first)
    machine.keep_room_key(second)
    assert store.count_to_back_up("1") == store.count_to_back_up(None) == 2
    (row,) = store.to_back_up("1", 1)
    store.backed_up("1", [row])
    assert store.count_to_back_up("1") == 1
    assert store.count_to_back_up("2") == 2
    assert store.count_to_back_up(None) == 2


def test_key_that_reads_more_by_now_is_due_again(machine: Machine, store: CryptoStore) -> None:
    group = vodozemac.GroupSession()
    early = key_of(group)
    group.encrypt(b"first")
    machine.keep_room_key(key_of(group))
    rows = store.to_back_up("1", 10)
    machine.keep_room_key(early)
    store.backed_up("1", rows)
    assert store.count_to_back_up("1") == 1


def test_same_name_for_another_backup_makes_everything_due(
    machine: Machine, store: CryptoStore
) -> None:
    machine.keep_room_key(key_of(vodozemac.GroupSession()))
    store.set_backup("1", "public")
    store.backed_up("1", store.to_back_up("1", 10))
    store.set_backup("1", "public")
    assert store.count_to_back_up("1") == 0
    store.set_backup("1", "other")
    assert store.backup() == ("1", "other")
    assert store.count_to_back_up("1") == 1
