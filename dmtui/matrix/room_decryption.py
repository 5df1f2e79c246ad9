"""Room messages decrypted: the right session, its rightful owner, each index once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import vodozemac
from nio.crypto import InboundGroupSession

from dmtui.core.events import Undecryptable
from dmtui.core.model import Doubt, JsonObject, RoomId
from dmtui.core.trust import Origin, judge_message
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import DeviceLists
from dmtui.matrix.identities import Identities
from dmtui.matrix.plaintext import read_object
from dmtui.matrix.room_keys import MEGOLM, RoomKey, Source
from dmtui.matrix.translate import undecryptable
from dmtui.matrix.values import LONGEST_ID, event_id, mapping, opaque, text, user_id

NOT_YET = "No key for this message: it may still come, or it was sent before you signed in here."
_DAMAGED = "This message is damaged."
LOCKED = "No key for this message here: unlock your key backup with your recovery key (Encryption)."
TOO_LATE = "This message is older than the key that was shared with this device."
WITHHELD = {
    "m.blacklisted": "The sender has blocked this device from reading the message: ask them why.",
    "m.unverified": "The sender's app gives no keys to devices that are not confirmed:"
    " set up or unlock encryption here (Encryption), and ask them to write again.",
    "m.unauthorised": "The sender's app did not find this device entitled to the message.",
    "m.unavailable": "The sender's app no longer has the key for this message.",
    "m.no_olm": "The sender's app could not set up an encrypted channel to this device.",
    "m.history_not_shared": "The sender's app does not share the key for this older message.",
}
_FOR_GOOD = ("m.blacklisted", "m.unauthorised", "m.history_not_shared")
"""Codes that are the sender's will: a device that is only not confirmed yet may ask later."""

_GRAVITY = (
    Doubt.NONE,
    Doubt.NO_IDENTITY,
    Doubt.INDIRECT,
    Doubt.UNKNOWN_DEVICE,
    Doubt.UNSIGNED_DEVICE,
    Doubt.VIOLATED,
)
"""The least first: of several keys that open a message the best proof counts."""


class MissingKeys(Protocol):
    """Who looks for keys that are not in the store."""

    @property
    def is_locked(self) -> bool:
        """Whether the user's recovery key would let it look in more places."""

    def want(self, room_id: RoomId, session_id: str, refused: bool, /) -> None:
        """A message can't be read for want of this session's key.

        ``refused``: its sender does not want this device to have it.
        """


class RoomDecryption:
    """Decrypts events with the room keys in the store; has ``missing`` look for others."""

    def __init__(
        self,
        store: CryptoStore,
        lists: DeviceLists,
        missing: MissingKeys,
        identities: Identities,
        own_key: str,
    ) -> None:
        self._store = store
        self._lists = lists
        self._missing = missing
        self._identities = identities
        self._own_key = own_key

    def decrypt(self, room_id: RoomId, raw: JsonObject) -> JsonObject | Undecryptable:
        """The plaintext (``type``, ``content``, ``room_id``) of an ``m.room.encrypted`` event.

        Never raises for what is in the event. The session is found by room and session ID alone:
        ``sender_key`` and ``device_id`` are deprecated (MSC3700).
        """
        found = self._open(room_id, raw)
        return undecryptable(raw, found) if isinstance(found, str) else found

    def suspect(self, room_id: RoomId, raw: JsonObject) -> Doubt:
        """Why it can't be vouched for who wrote an event that could be decrypted.

        A key that came from the sender's device counts before one from a backup or a file.
        """
        sender = user_id(raw.get("sender"))
        session_id = opaque(mapping(raw.get("content")).get("session_id"), LONGEST_ID)
        if sender is None or session_id is None:
            return Doubt.UNKNOWN_DEVICE
        doubts = [
            self._judge(sender, sender_key, source)
            for sender_key, owner, source in self._store.key_origins(room_id, session_id)
            if owner == sender or source is not Source.OLM
        ]
        return min(doubts, key=_GRAVITY.index, default=Doubt.UNKNOWN_DEVICE)

    def _judge(self, sender: str, sender_key: str, source: Source) -> Doubt:
        direct = source is Source.OLM
        if direct and sender_key == self._own_key:
            return Doubt.NONE
        device = self._lists.device_with_key(sender, sender_key)
        signed = None if device is None else self._identities.is_signed(device)
        state = self._identities.state(sender)
        return judge_message(Origin(direct, device is not None, signed, state))

    def _open(self, room_id: RoomId, raw: JsonObject) -> JsonObject | str:
        content = mapping(raw.get("content"))
        sender, event = user_id(raw.get("sender")), event_id(raw.get("event_id"))
        session_id = opaque(content.get("session_id"), LONGEST_ID)
        ciphertext = text(content.get("ciphertext"))
        if content.get("algorithm") != MEGOLM:
            return "This message is encrypted in a way that dmtui does not know."
        if not (session_id and ciphertext and sender and event) or "state_key" in raw:
            return "This message is malformed."
        keys = self._store.room_keys(room_id, session_id)
        if not keys:
            return self._why_missing(room_id, session_id, sender)
        theirs = [key for key in keys if self._may_speak(key, sender)]
        if not theirs:
            return "The key of this message belongs to somebody other than its sender."
        return self._read(room_id, theirs, ciphertext, event)

    def _why_missing(self, room_id: RoomId, session_id: str, sender: str) -> str:
        code = self._store.withheld(room_id, session_id, sender)
        self._missing.want(room_id, session_id, code in _FOR_GOOD)
        code = code or self._store.withheld(room_id, session_id, "")
        if code is not None:
            return WITHHELD.get(code, "The sender withheld the key.")
        return LOCKED if self._missing.is_locked else NOT_YET

    def _may_speak(self, key: RoomKey, sender: str) -> bool:
        sender_key = key.session.sender_key
        owners = self._lists.owners(sender_key)
        device = self._lists.device_with_key(sender, sender_key)
        if device is not None and device.ed25519 != key.session.ed25519:
            return False
        theirs = key.owner == sender or key.source is not Source.OLM
        return theirs and (not owners or sender in owners)

    def _read(
        self, room_id: RoomId, keys: Sequence[RoomKey], ciphertext: str, event: str
    ) -> JsonObject | str:
        session_id = keys[0].session.id
        try:
            first = vodozemac.MegolmMessage.from_base64(ciphertext).message_index()
        except ValueError:
            return _DAMAGED
        reaching = [key.session for key in keys if key.reach <= first]
        if not reaching:
            self._missing.want(room_id, session_id, False)
            return TOO_LATE
        opened = next(_opened(reaching, ciphertext), None)
        if opened is None:
            return _DAMAGED
        plaintext, index = opened
        payload = read_object(plaintext)
        if payload is None or not isinstance(payload.get("content"), dict):
            return "This message is malformed."
        if payload.get("room_id") != room_id:
            return "This message was written for another room."
        if not isinstance(payload.get("type"), str) or "state_key" in payload:
            return "This message is malformed."
        if not self._store.first_use(room_id, session_id, index, event):
            return "This message repeats an earlier one."
        return payload


def _opened(sessions: Sequence[InboundGroupSession], ciphertext: str) -> Iterator[tuple[str, int]]:
    """The plaintext and index, by each session that can read the message."""
    for session in sessions:
        try:
            yield session.decrypt(ciphertext)
        except ValueError:
            continue
