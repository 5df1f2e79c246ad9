"""Key files as Element and others write and read them (spec: "Key export format")."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from pathlib import Path

from Crypto.Cipher import AES

from dmtui.core.errors import BadContent
from dmtui.core.model import JsonObject, Session
from dmtui.matrix.client import Client
from dmtui.matrix.crypto import Crypto
from dmtui.matrix.room_keys import RoomKey, Source, portable, read_portable
from dmtui.matrix.values import LONGEST_ID, mappings, opaque, room_id

HEADER = "-----BEGIN MEGOLM SESSION DATA-----"
FOOTER = "-----END MEGOLM SESSION DATA-----"
ROUNDS = 500_000
"""Of PBKDF2, as Element has it: some seconds of a slow core."""
_MOST_ROUNDS = 10_000_000
_VERSION = b"\x01"
_LINE = 96
_FRAME = 1 + 16 + 16 + 4 + 32  # version, salt, IV, rounds; MAC at the end


def seal_file(data: bytes, passphrase: str, rounds: int = ROUNDS) -> str:
    """The text of a key file. Takes seconds."""
    salt, iv = secrets.token_bytes(16), bytearray(secrets.token_bytes(16))
    iv[8] &= 0x7F  # some implementations count in 64 bits
    aes_key, mac_key = _keys(passphrase, salt, rounds)
    cipher = AES.new(aes_key, AES.MODE_CTR, nonce=b"", initial_value=bytes(iv))
    body = _VERSION + salt + bytes(iv) + rounds.to_bytes(4, "big") + cipher.encrypt(data)
    text = base64.b64encode(body + hmac.digest(mac_key, body, "sha256")).decode()
    lines = (text[at : at + _LINE] for at in range(0, len(text), _LINE))
    return "\n".join((HEADER, *lines, FOOTER, ""))


def open_file(text: str, passphrase: str) -> bytes:
    """What is in the file. Takes seconds.

    Raises ``BadContent`` for no key file, a wrong passphrase, or too many rounds.
    """
    sealed = _unwrapped(text)
    body, mac = sealed[:-32], sealed[-32:]
    salt, iv, rounds = body[1:17], body[17:33], int.from_bytes(body[33:37], "big")
    if not 0 < rounds <= _MOST_ROUNDS:
        raise BadContent("The key file asks for too much work to be opened.")
    aes_key, mac_key = _keys(passphrase, salt, rounds)
    if not hmac.compare_digest(hmac.digest(mac_key, body, "sha256"), mac):
        raise BadContent("This is not the passphrase of the key file, or the file is damaged.")
    cipher = AES.new(aes_key, AES.MODE_CTR, nonce=b"", initial_value=iv)
    return bytes(cipher.decrypt(body[37:]))


def write_keys(keys: Iterable[RoomKey]) -> bytes:
    """The keys as JSON, to be sealed."""
    listed = [
        {**portable(key), "room_id": key.session.room_id, "session_id": key.session.id}
        for key in keys
    ]
    return json.dumps(listed).encode()


def read_keys(data: bytes) -> tuple[list[RoomKey], int]:
    """The usable keys, and how many others there are. Raises ``BadContent``."""
    try:
        listed = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadContent("The key file does not hold room keys.") from error
    if not isinstance(listed, list):
        raise BadContent("The key file does not hold room keys.")
    keys = [key for one in mappings(listed) if (key := _key(one)) is not None]
    return keys, len(listed) - len(keys)


async def export_keys(
    session: Session, directory: Path, passphrase: str, key: str = ""
) -> tuple[str, int]:
    """The text of a key file with every room key of the device, and how many these are.

    ``directory`` is that of the encryption, encrypted with ``key`` (see ``Crypto.open``); raises
    ``ProfileInUse`` while it is open elsewhere.
    """
    client = Client(session)
    try:
        crypto = Crypto.open(client, session, directory, key=key)
        try:
            keys = crypto.room_keys()
        finally:
            crypto.close()
    finally:
        await client.close()
    return seal_file(write_keys(keys), passphrase), len(keys)


async def import_keys(
    session: Session, directory: Path, text: str, passphrase: str, key: str = ""
) -> tuple[int, int, int]:
    """Take in the keys of a file: how many are new, better than known ones, and unusable.

    Raises ``BadContent``, and ``ProfileInUse`` as :func:`export_keys`.
    """
    keys, unusable = read_keys(open_file(text, passphrase))
    client = Client(session)
    try:
        crypto = Crypto.open(client, session, directory, key=key)
        try:
            return *crypto.keep_room_keys(keys), unusable
        finally:
            crypto.close()
    finally:
        await client.close()


def _key(listed: JsonObject) -> RoomKey | None:
    room, session_id = room_id(listed.get("room_id")), opaque(listed.get("session_id"), LONGEST_ID)
    if room is None or session_id is None:
        return None
    try:
        return read_portable(listed, room, session_id, Source.FILE)
    except ValueError:
        return None


def _unwrapped(text: str) -> bytes:
    lines = [line.strip() for line in text.splitlines()]
    try:
        inside = lines[lines.index(HEADER) + 1 : lines.index(FOOTER)]
        sealed = base64.b64decode("".join(inside).rstrip("=") + "==", validate=False)
    except ValueError as error:
        raise BadContent("This is not a file of message keys.") from error
    if len(sealed) < _FRAME or not sealed.startswith(_VERSION):
        raise BadContent("This is not a file of message keys that dmtui can read.")
    return sealed


def _keys(passphrase: str, salt: bytes, rounds: int) -> tuple[bytes, bytes]:
    derived = hashlib.pbkdf2_hmac("sha512", passphrase.encode(), salt, rounds, 64)
    return derived[:32], derived[32:]
