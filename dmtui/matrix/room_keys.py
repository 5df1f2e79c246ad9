"""Room keys: where one came from, which of two is the better one, and how they travel.

Spec: "Key export format", ``m.megolm_backup.v1.curve25519-aes-sha2`` and ``m.forwarded_room_key``,
whose entries are alike.
What travels without a signature of its sender is good for reading, and proves nobody's authorship.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from nio.crypto import InboundGroupSession

from dmtui.core.model import JsonObject
from dmtui.matrix.values import LONGEST_ID, mapping, opaque, text

MEGOLM = "m.megolm.v1.aes-sha2"
_ED25519 = "ed25519"


class Source(StrEnum):
    """Where a room key came from; as it stands in the encryption database."""

    OLM = ""
    """Sealed by its sender for this device, or made here."""
    FILE = "file"
    """A key file that the user chose."""
    FORWARD = "forward"
    """Another device of ours, which was asked for it."""
    BUNDLE = "bundle"
    """Whoever invited us, as the key to what was written before."""
    BACKUP = "backup"
    """The key backup: anybody who knows its public key can have put it there."""


_TRUST = {
    Source.BUNDLE: 0,
    Source.BACKUP: 1,
    Source.FORWARD: 2,
    Source.FILE: 3,
    Source.OLM: 4,
}


@dataclass(frozen=True, slots=True)
class RoomKey:
    """An inbound Megolm session.

    ``owner`` is the user who sent it to us over Olm or in a bundle, else empty; ``backed_up_in`` is
    the version of the key backup that holds it, if any. ``shared_history``: whoever made the
    session lets people who are invited later have it, as far as we were told.
    """

    session: InboundGroupSession
    owner: str
    source: Source = Source.OLM
    backed_up_in: str = ""
    shared_history: bool = False

    @property
    def reach(self) -> int:
        """The index of the first message that the key can read."""
        return int(self.session.first_known_index)

    @property
    def merit(self) -> tuple[int, int]:
        """The greater, the rather it is the key to use."""
        return _TRUST[self.source], -self.reach


def merged(known: RoomKey, new: RoomKey) -> RoomKey:
    """The best of two keys of one session and sender: origin of the one, reach of the other.

    A state that does not lead to the other is forged: then the better origin wins, and the one
    that was there first among equals.
    """
    rises = _TRUST[new.source] > _TRUST[known.source]
    if not _are_one(known, new):
        return new if rises else known
    origin = new if rises else known
    backed_up_in = new.backed_up_in or known.backed_up_in
    if new.reach < known.reach:
        return replace(origin, session=_relabelled(new, origin), backed_up_in=new.backed_up_in)
    if new.reach > known.reach:
        backed_up_in = known.backed_up_in
    return replace(origin, session=_relabelled(known, origin), backed_up_in=backed_up_in)


def _are_one(first: RoomKey, second: RoomKey) -> bool:
    """Whether the earlier state leads to the later one; a forged state does not."""
    index = max(first.reach, second.reach)
    return bool(first.session.export_session(index) == second.session.export_session(index))


def _relabelled(key: RoomKey, origin: RoomKey) -> InboundGroupSession:
    """The key's session under the names that the other one's origin vouches for."""
    session, names = key.session, origin.session
    if session.ed25519 == names.ed25519:
        return session
    state = session.export_session(key.reach)
    return InboundGroupSession.import_session(state, names.ed25519, names.sender_key, names.room_id)


def portable(key: RoomKey) -> JsonObject:
    """The key for a backup or a file, from the first message that it reads."""
    session = key.session
    return {
        "algorithm": MEGOLM,
        "forwarding_curve25519_key_chain": [],
        "sender_key": session.sender_key,
        "sender_claimed_keys": {_ED25519: session.ed25519},
        "session_key": session.export_session(key.reach),
        "shared_history": key.shared_history,
    }


def forwarded(key: RoomKey) -> JsonObject:
    """The content of ``m.forwarded_room_key``, from the first message that the key reads."""
    content = portable(key)
    del content["sender_claimed_keys"]
    return {
        **content,
        "room_id": key.session.room_id,
        "session_id": key.session.id,
        "sender_claimed_ed25519_key": key.session.ed25519,
    }


def read_forwarded(content: JsonObject, room_id: str, session_id: str) -> RoomKey:
    """The key of this session. Raises ``ValueError`` for anything malformed or mislabelled."""
    if not isinstance(content.get("forwarding_curve25519_key_chain"), list):
        raise ValueError("the room key does not say by whom it was forwarded")
    claimed: JsonObject = {_ED25519: content.get("sender_claimed_ed25519_key")}
    portable_ = {**content, "sender_claimed_keys": claimed}
    return read_portable(portable_, room_id, session_id, Source.FORWARD)


def read_portable(
    content: JsonObject, room_id: str, session_id: str, source: Source, backed_up_in: str = ""
) -> RoomKey:
    """The key of this session. Raises ``ValueError`` for anything malformed or mislabelled."""
    if content.get("algorithm") != MEGOLM:
        raise ValueError("not a room key")
    sender_key = opaque(content.get("sender_key"), LONGEST_ID)
    claimed = opaque(mapping(content.get("sender_claimed_keys")).get(_ED25519), LONGEST_ID)
    if sender_key is None or claimed is None:
        raise ValueError("nobody is named as the sender of the room key")
    session_key = text(content.get("session_key"))
    session = InboundGroupSession.import_session(session_key, claimed, sender_key, room_id)
    if session.id != session_id:
        raise ValueError("the room key is of another session")
    return RoomKey(session, "", source, backed_up_in, content.get("shared_history") is True)
