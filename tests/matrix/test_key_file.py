from __future__ import annotations

import json
from pathlib import Path

import pytest
import vodozemac
from hypothesis import given
from hypothesis import strategies as st
from nio.crypto import InboundGroupSession
from nio.crypto.key_export import decrypt_and_read, encrypt_and_save

from dmtui.core.errors import BadContent
from dmtui.core.model import Session, UserId
from dmtui.matrix.key_file import import_keys, open_file, read_keys, seal_file, write_keys
from dmtui.matrix.room_keys import RoomKey, Source
from tests.matrix.own_device import ROOM, reaching

ROUNDS = 100

# The test vectors of Element's own exporter (matrix-react-sdk, MegolmExportEncryption).
VECTORS = (
    (
        "plain",
        "password",
        "-----BEGIN MEGOLM SESSION DATA-----\n"
        "AXNhbHRzYWx0c2FsdHNhbHSIiIiIiIiIiIiIiIiIiIiIAAAACmIRUW2OjZ3L2l6j9h0lHlV3M2dx\n"
        "cissyYBxjsfsAndErh065A8=\n"
        "-----END MEGOLM SESSION DATA-----",
    ),
    (
        "Hello, World",
        "betterpassword",
        "-----BEGIN MEGOLM SESSION DATA-----\n"
        "AW1vcmVzYWx0bW9yZXNhbHT//////////wAAAAAAAAAAAAAD6KyBpe1Niv5M5NPm4ZATsJo5nghk\n"
        "KYu63a0YQ5DRhUWEKk7CcMkrKnAUiZny\n"
        "-----END MEGOLM SESSION DATA-----",
    ),
    (
        "alphanumericallyalphanumericallyalphanumericallyalphanumerically",
        "SWORDFISH",
        "-----BEGIN MEGOLM SESSION DATA-----\n"
        "AXllc3NhbHR5Z29vZG5lc3P//////////wAAAAAAAAAAAAAD6OIW+Je7gwvjd4kYrb+49gKCfExw\n"
        "MgJBMD4mrhLkmgAngwR1pHjbWXaoGybtiAYr0moQ93GrBQsCzPbvl82rZhaXO3iH5uHo/RCEpOqp\n"
        "Pgg29363BGR+/Ripq/VCLKGNbw==\n"
        "-----END MEGOLM SESSION DATA-----",
    ),
)


def some_key(room_id: str = "!room") -> RoomKey:
    group = vodozemac.GroupSession()
    session = InboundGroupSession(group.session_key.to_base64(), "ed", "curve", room_id)
    return RoomKey(session, "@bob:localhost")


async def test_keys_that_are_better_than_known_ones_do_not_count_as_new(tmp_path: Path) -> None:
    session = Session(UserId("@me:x"), "DEVICE", "token", "http://127.0.0.1:1")
    whole, other = some_key(ROOM), some_key(ROOM)

    async def take(*keys: RoomKey) -> tuple[int, int, int]:
        text = seal_file(write_keys(keys), "pass", ROUNDS)
        return await import_keys(session, tmp_path / "keys", text, "pass")

    assert await take(reaching(whole, 5)) == (1, 0, 0)
    assert await take(whole, other) == (1, 1, 0)
    assert await take(whole, other) == (0, 0, 0)


@pytest.mark.parametrize(("plain", "passphrase", "text"), VECTORS)
def test_files_of_element_are_read(plain: str, passphrase: str, text: str) -> None:
    assert open_file(text, passphrase) == plain.encode()
    assert open_file(text.replace("\n", "\r\n"), passphrase) == plain.encode()


def test_another_implementation_reads_our_files_and_we_read_its(tmp_path: Path) -> None:
    file = tmp_path / "ours"
    file.write_text(seal_file(b"some keys", "pass", ROUNDS))
    assert decrypt_and_read(str(file), "pass") == b"some keys"
    encrypt_and_save(b"other keys", str(tmp_path / "theirs"), "pass", ROUNDS)
    assert open_file((tmp_path / "theirs").read_text(), "pass") == b"other keys"


def test_wrong_passphrase_and_every_damage_are_noticed() -> None:
    text = seal_file(b"some keys", "pass", ROUNDS)
    with pytest.raises(BadContent, match="passphrase"):
        open_file(text, "other")
    head, *lines, foot = text.splitlines()
    body = "".join(lines)
    for at in (0, 10, 30, *range(52, len(body) - 2)):
        changed = "A" if body[at] != "A" else "B"
        with pytest.raises(BadContent):
            open_file("\n".join((head, body[:at] + changed + body[at + 1 :], foot)), "pass")


@given(st.text() | st.binary().map(lambda data: f"{VECTORS[0][2][:36]}{data.hex()}\n-----END"))
def test_any_other_file_is_refused(text: str) -> None:
    with pytest.raises(BadContent):
        open_file(text, "password")


def test_keys_come_back_as_they_went_and_lose_their_owner() -> None:
    keys = [some_key(), some_key("!other")]
    found, unusable = read_keys(write_keys(keys))
    assert unusable == 0
    for before, after in zip(keys, found, strict=True):
        assert after.session.id == before.session.id
        assert after.session.room_id == before.session.room_id
        assert after.session.sender_key == "curve"
        assert (after.source, after.owner, after.reach) == (Source.FILE, "", 0)


def test_unusable_entries_do_not_spoil_the_others() -> None:
    listed = json.loads(write_keys([some_key(), some_key()]))
    listed[0]["session_id"] = listed[1]["session_id"]
    found, unusable = read_keys(json.dumps([None, 5, *listed, {}]).encode())
    assert len(found) == 1
    assert unusable == 4
    for nonsense in (b"", b"{}", b"[" * 100_000, b"\xff"):
        with pytest.raises(BadContent):
            read_keys(nonsense)
