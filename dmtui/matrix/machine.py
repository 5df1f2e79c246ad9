"""nio's Olm machine with guards: messages between two devices, one at a time, ratchets saved first.

What nio does differently, and why it is overridden: it keeps every session in memory (seconds to
load), saves the account before the one-time key is consumed, lets malformed input raise out of
sync, and lets a room key replace a better one. See :data:`HOOKS`.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, cast

import vodozemac
from nio.crypto import InboundGroupSession, InboundSession, Olm, OutboundSession, Session
from nio.exceptions import EncryptionError, VerificationError
from unpaddedbase64 import decode_base64, encode_base64

from dmtui.core.errors import StoreTrouble
from dmtui.core.model import JsonObject, RoomId
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.devices import Device
from dmtui.matrix.plaintext import read_object
from dmtui.matrix.room_keys import MEGOLM, RoomKey, merged
from dmtui.matrix.values import mapping, room_id, text

if TYPE_CHECKING:
    from nio.store import MatrixStore

OLM = "m.olm.v1.curve25519-aes-sha2"
HOOKS = (
    "__init__",
    "load",
    "create_session",
    "create_group_session",
    "_olm_encrypt",
    "_verify_olm_payload",
    "save_account",
    "sign_json",
    "verify_json",
)
"""Every name of :class:`nio.crypto.Olm` that this module overrides or builds on."""

_UNWEDGING_INTERVAL = timedelta(hours=1)
OlmMessage: TypeAlias = "vodozemac.PreKeyMessage | vodozemac.AnyOlmMessage"


class WedgedError(EncryptionError):
    """No session with the device can read its message: a new one is needed."""


class Machine(Olm):
    """This device's identity and its sessions with other devices."""

    def __init__(self, user_id: str, device_id: str, store: CryptoStore) -> None:
        self._disk = store
        super().__init__(user_id, device_id, cast("MatrixStore", store))

    def load(self) -> None:
        """Load nothing: sessions are read from the store when they are needed."""

    def reload_account(self) -> None:
        """Go back to the account on disk after a transaction that failed."""
        account = self._disk.load_account()
        if account is None:
            raise StoreTrouble("The encryption keys are gone from their database.")
        self.account = account

    @property
    def curve25519(self) -> str:
        return str(self.account.identity_keys["curve25519"])

    @property
    def ed25519(self) -> str:
        return str(self.account.identity_keys["ed25519"])

    def device_keys(self) -> JsonObject:
        """The signed ``device_keys`` of ``POST /keys/upload``."""
        keys: JsonObject = {
            "algorithms": [OLM, MEGOLM],
            "device_id": self.device_id,
            "user_id": self.user_id,
            "keys": {
                f"curve25519:{self.device_id}": self.curve25519,
                f"ed25519:{self.device_id}": self.ed25519,
            },
        }
        return self.signed(keys)

    def signed(self, content: JsonObject) -> JsonObject:
        """The object with this device's signature."""
        signature = self.sign_json(content)
        return {**content, "signatures": {self.user_id: {f"ed25519:{self.device_id}": signature}}}

    def verify_json(self, json: object, user_key: object, user_id: str, device_id: str) -> bool:
        """Whether the device signed the object; false for anything malformed, never raises."""
        try:
            signed = dict(mapping(json))
            return bool(super().verify_json(signed, user_key, user_id, device_id))  # type: ignore[no-untyped-call]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return False

    # -- receiving --
    def open_message(self, sender: str, content: JsonObject) -> JsonObject:
        """The payload of an ``m.room.encrypted`` to-device event meant for this device.

        Raises ``EncryptionError`` (``WedgedError`` if a new session would help), or
        ``ValueError`` for what is malformed.
        """
        sender_key = text(content.get("sender_key"))
        own = mapping(mapping(content.get("ciphertext")).get(self.curve25519))
        body = text(own.get("body"))
        if content.get("algorithm") != OLM or not sender_key or not body:
            raise EncryptionError("not an Olm message for this device")
        message: OlmMessage
        match own.get("type"):
            case 0:
                message = vodozemac.PreKeyMessage.from_base64(body)
            case 1:
                message = vodozemac.AnyOlmMessage.normal(decode_base64(body))
            case _:
                raise EncryptionError("unknown kind of Olm message")
        return self._open(sender, sender_key, message)

    def _open(self, sender: str, sender_key: str, message: OlmMessage) -> JsonObject:
        """The checked payload; the ratchet is on disk before anybody sees it."""
        plaintext = self._decrypt_with_known(sender_key, message)
        if plaintext is None:
            plaintext = self._decrypt_with_new(sender_key, message)
        payload = read_object(plaintext)
        if payload is None:
            raise EncryptionError("the payload is no JSON object")
        try:
            self._verify_olm_payload(sender, payload)
        except (KeyError, TypeError, VerificationError) as error:
            raise EncryptionError("the payload is not addressed to this device") from error
        return payload

    def _decrypt_with_known(self, sender_key: str, message: OlmMessage) -> str | None:
        opening = message if isinstance(message, vodozemac.PreKeyMessage) else None
        for session in self._disk.olm_sessions(sender_key):
            if opening and not session.matches(opening):
                continue
            try:
                plaintext = str(session.decrypt(message))
            except ValueError as error:
                if opening:
                    raise WedgedError("the session can't read the message") from error
                continue
            self._disk.save_session(sender_key, session)
            return plaintext
        return None

    def _decrypt_with_new(self, sender_key: str, message: OlmMessage) -> str:
        if not isinstance(message, vodozemac.PreKeyMessage):
            raise WedgedError("no session can read the message")
        session = InboundSession(self.account, message, sender_key)
        try:
            plaintext = str(session.decrypt(message))
        except ValueError as error:
            raise WedgedError("the one-time key is unknown") from error
        with self._disk.transaction():
            self.save_account()
            self._disk.save_session(sender_key, session)
        return plaintext

    # -- sending --
    def session_with(self, device: Device) -> Session | None:
        """The session in which the device was last heard."""
        sessions = self._disk.olm_sessions(device.curve25519)
        return sessions[0] if sessions else None

    def recently_renewed(self, device: Device) -> bool:
        """Whether a session with the device was made within the hour: then no other is tried."""
        newest = max(
            (session.creation_time for session in self._disk.olm_sessions(device.curve25519)),
            default=datetime.min,
        )
        return newest > datetime.now() - _UNWEDGING_INTERVAL

    def create_session(self, one_time_key: str, curve_key: str) -> OutboundSession:
        """Begin a session with a claimed key. Raises ``ValueError`` for malformed keys."""
        session = OutboundSession(self.account, curve_key, one_time_key)
        self._disk.save_session(curve_key, session)
        return session

    def seal(self, device: Device, kind: str, content: JsonObject) -> JsonObject | None:
        """The message for the device alone; ``None`` without a session. The ratchet is saved."""
        session = self.session_with(device)
        return None if session is None else self._olm_encrypt(session, device, kind, content)

    def _olm_encrypt(
        self, session: Session, recipient_device: Device, message_type: str, content: JsonObject
    ) -> JsonObject:
        payload: JsonObject = {
            "sender": self.user_id,
            "sender_device": self.device_id,
            "keys": {"ed25519": self.ed25519},
            "recipient": recipient_device.user_id,
            "recipient_keys": {"ed25519": recipient_device.ed25519},
            "sender_device_keys": self.device_keys(),
            "type": message_type,
            "content": content,
        }
        heard = session.use_time.timestamp()
        kind, ciphertext = session.encrypt(json.dumps(payload)).to_parts()
        self._disk.save_session(recipient_device.curve25519, session, heard)
        return {
            "algorithm": OLM,
            "sender_key": self.curve25519,
            "ciphertext": {
                recipient_device.curve25519: {"type": kind, "body": encode_base64(ciphertext)}
            },
        }

    # -- room keys --
    def create_group_session(
        self,
        sender_key: str,
        sender_fp_key: str,
        room_id: str,
        session_id: str,
        session_key: str,
        shared_history: bool = False,
    ) -> None:
        """Store a room key of our own making."""
        session = InboundGroupSession(session_key, sender_fp_key, sender_key, room_id)
        if session.id != session_id:
            raise EncryptionError("the room key is of another session")
        self.keep_room_key(RoomKey(session, self.user_id, shared_history=shared_history))

    def accept_room_key(
        self, sender: str, sender_key: str, payload: JsonObject
    ) -> tuple[RoomId, str]:
        """Store the room key of an ``m.room_key`` payload; which session it is for.

        Raises ``EncryptionError`` or ``ValueError`` for one that is malformed.
        """
        content = mapping(payload.get("content"))
        fingerprint = text(mapping(payload.get("keys")).get("ed25519"))
        room, session_id = room_id(content.get("room_id")), text(content.get("session_id"))
        if content.get("algorithm") != MEGOLM or not (room and session_id and fingerprint):
            raise EncryptionError("not a room key")
        session = InboundGroupSession(
            text(content.get("session_key")), fingerprint, sender_key, room
        )
        if session.id != session_id:
            raise EncryptionError("the room key is of another session")
        shared = content.get("shared_history") is True
        self.keep_room_key(RoomKey(session, sender, shared_history=shared))
        return room, session_id

    def keep_room_key(self, key: RoomKey) -> bool:
        """Store the key unless the one we have is as good; whether it brought anything.

        Keys of one session from different devices stand side by side: nobody can displace
        another's key by being first. A key that only proves to be in the backup as well is
        marked so, and brought nothing.
        """
        new = key.session
        for known in self._disk.room_keys(RoomId(new.room_id), new.id):
            if known.session.sender_key == new.sender_key:
                best = merged(known, key)
                if best != known:
                    self._disk.save_room_key(best)
                return best.merit != known.merit
        self._disk.save_room_key(key)
        return True


def assert_hooks() -> None:
    """Fail at once if a new nio has lost a method that this module relies on."""
    for hook in HOOKS:
        if not callable(getattr(Olm, hook, None)):
            raise ImportError(f"matrix-nio no longer has Olm.{hook}")


assert_hooks()
