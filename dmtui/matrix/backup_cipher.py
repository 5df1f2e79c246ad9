"""Room keys sealed for the backup: anybody can seal, the holder of the secret can open.

Spec: ``m.megolm_backup.v1.curve25519-aes-sha2``. Its MAC protects nothing, so that what opens
may come from anybody who knows the public key.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias

import vodozemac
from unpaddedbase64 import decode_base64, encode_base64

from dmtui.core.model import JsonObject, RoomId
from dmtui.matrix.plaintext import read_object
from dmtui.matrix.room_keys import RoomKey, Source, portable, read_portable
from dmtui.matrix.values import LONGEST_ID, mapping, opaque, room_id, text

ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2"

Entry: TypeAlias = tuple[RoomId, str, JsonObject]
"""Room, session ID, and what the server has under them."""


def public_key(secret: bytes) -> str:
    """The public part of a backup's 32 bytes, in unpadded base64."""
    return vodozemac.Curve25519SecretKey.from_bytes(secret).public_key().to_base64()


def seal_keys(public: str, keys: Sequence[RoomKey]) -> JsonObject:
    """The body of ``PUT /room_keys/keys``. Raises ``ValueError`` for a bad public key."""
    cipher = vodozemac.PkEncryption.from_key(vodozemac.Curve25519PublicKey.from_base64(public))
    rooms: JsonObject = {}
    for key in keys:
        sealed = cipher.encrypt(json.dumps(portable(key)).encode())
        room = mapping(rooms.setdefault(key.session.room_id, {"sessions": {}}))
        mapping(room["sessions"])[key.session.id] = {
            "first_message_index": key.reach,
            "forwarded_count": 0,
            "is_verified": False,
            # by name: the tuple of Message.to_base64 is not in the order of from_base64
            "session_data": {
                "ephemeral": encode_base64(sealed.ephemeral_key),
                "ciphertext": encode_base64(sealed.ciphertext),
                "mac": encode_base64(sealed.mac),
            },
        }
    return {"rooms": rooms}


class Opener:
    """Opens entries of the backup with its secret of 32 bytes."""

    def __init__(self, secret: bytes):
        self._cipher = vodozemac.PkDecryption.from_key(
            vodozemac.Curve25519SecretKey.from_bytes(secret)
        )

    def open(self, entry: Entry, version: str) -> RoomKey:
        """The key in this version of the backup. Raises ``ValueError`` for anything but one."""
        room, session_id, content = entry
        data = mapping(content.get("session_data"))
        parts = (decode_base64(text(data.get(part))) for part in ("ciphertext", "mac", "ephemeral"))
        plain = read_object(self._cipher.decrypt(vodozemac.Message(*parts)))
        if plain is None:
            raise ValueError("not a room key")
        return read_portable(plain, room, session_id, Source.BACKUP, version)

    def open_all(self, entries: Sequence[Entry], version: str) -> list[RoomKey]:
        """The keys of those that are some."""
        keys = []
        for entry in entries:
            try:
                keys.append(self.open(entry, version))
            except ValueError:
                continue
        return keys


def read_entries(answer: JsonObject) -> list[Entry]:
    """Those of ``GET /room_keys/keys`` that look like entries."""
    found: list[Entry] = []
    for name, held in mapping(answer.get("rooms")).items():
        room = room_id(name)
        if room is None:
            continue
        for session, content in mapping(mapping(held).get("sessions")).items():
            session_id = opaque(session, LONGEST_ID)
            if session_id is not None and isinstance(content, dict):
                found.append((room, session_id, content))
    return found
