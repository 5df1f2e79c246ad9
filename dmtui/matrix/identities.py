"""People's identities: their cross-signing keys as ``/keys/query`` shows them, remembered.

What is malformed, not whole or hidden changes nothing: the keys known before go on to hold.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from dmtui.core.errors import WrongIdentity
from dmtui.core.model import JsonObject, UserId
from dmtui.core.trust import IdentityState, KnownIdentity, accepted, judge_identity, seen
from dmtui.matrix.cross_signing import ROLES, read_keys
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.devices import Device, IdentityRow, VerifySignature
from dmtui.matrix.values import mapping

log = logging.getLogger(__name__)

_LONGEST_KEY_OBJECT = 16_384
_OTHERS_ROLES = ROLES[:2]  # nobody is shown another's user-signing key


@dataclass(frozen=True, slots=True)
class _Published:
    """What the homeserver shows; ``raw`` is the master key's object with our signatures of it."""

    master: str
    self_signing: str
    user_signing: str
    raw: str


class Identities:
    """The identities of everybody whose devices were asked for; ``now`` is in seconds of 1970."""

    def __init__(
        self,
        store: CryptoStore,
        verify: VerifySignature,
        me: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._verify = verify
        self._me = me
        self._now = now
        self._rows = {row.user_id: row for row in store.identities()}
        self._signed: dict[tuple[str, str], tuple[str, str, bool]] = {}
        self._suspect: set[str] = set()

    def known(self, user_id: str) -> KnownIdentity | None:
        """What is remembered of the user's identity; ``None`` without one."""
        row = self._rows.get(user_id)
        if row is None:
            return None
        return KnownIdentity(
            row.master, row.pinned, row.pinned_at, row.was_verified, self._vouched(row)
        )

    def state(self, user_id: str) -> IdentityState:
        """How far the user's identity can be relied upon."""
        return judge_identity(self.known(user_id))

    def alarms(self) -> frozenset[UserId]:
        """All people whose identity is another one than was pinned; mine is judged elsewhere."""
        moved = (row for row in self._rows.values() if row.master != row.pinned)
        return frozenset(
            UserId(row.user_id)
            for row in moved
            if row.user_id != self._me and self.state(row.user_id).is_alarming
        )

    def is_suspect(self, user_id: str) -> bool:
        """Whether there should be an identity: one is trusted, or shown and not whole."""
        return user_id in self._suspect or self._store.master_key(user_id) is not None

    def verified(self) -> frozenset[UserId]:
        """All people whose identity was compared, and is the same since."""
        return frozenset(
            UserId(row.user_id)
            for row in self._rows.values()
            if row.was_verified and row.master == row.pinned and row.user_id != self._me
        )

    def accept(self, user_id: str) -> None:
        """Pin the user's identity as it is now."""
        row, known = self._rows.get(user_id), self.known(user_id)
        if row is None or known is None:
            return
        after = accepted(known, round(self._now() * 1000))
        row = replace(
            row, pinned=after.pinned, pinned_at=after.pinned_at, was_verified=after.was_verified
        )
        self._store.save_identity(row)
        self._rows[user_id] = row

    def is_signed(self, device: Device) -> bool | None:
        """Whether the device's owner vouches for it; ``None`` where they have no identity."""
        row = self._rows.get(device.user_id)
        if row is None:
            return None
        if device.device_id in (row.master, row.self_signing):
            return False  # its own signature would stand where the identity's stands
        if device.signed_by == row.self_signing:
            return True
        named = (device.user_id, device.device_id)
        judged = self._signed.get(named)
        if judged is None or judged[:2] != (row.self_signing, device.raw):
            verdict = self._signs(row.self_signing, device.user_id, device.raw)
            judged = self._signed[named] = (row.self_signing, device.raw, verdict)
        return judged[2]

    def signer(self, device: Device) -> str:
        """The self-signing key by which the device is confirmed; empty where it is not."""
        row = self._rows.get(device.user_id)
        return row.self_signing if row is not None and self.is_signed(device) else ""

    def confirms(self, device: Device) -> bool | None:
        """Whether my own identity vouches for the device; ``None`` while this one trusts none."""
        trusted = self._store.master_key(self._me)
        if trusted is None:
            return None
        mine = self._rows.get(self._me)
        if device.user_id != self._me or mine is None or mine.master != trusted:
            return False
        return self.is_signed(device) is True

    def confirmed(self, devices: Iterable[Device]) -> list[Device]:
        """Those of the devices that are mine, vouched for by my own identity and not blocked."""
        return [device for device in devices if not device.blocked and self.confirms(device)]

    def take(self, user_id: str, answer: JsonObject) -> None:
        """Take in what an answer of ``/keys/query`` says of the user's identity.

        Raises ``StoreTrouble`` alone, whatever is in the answer.
        """
        try:
            published = self._read(user_id, answer)
        except (WrongIdentity, ValueError, RecursionError):
            log.warning("%s: identity refused", user_id)
            self._suspect.add(user_id)
            return
        self._suspect.discard(user_id)
        if published is None:
            return
        before = self._rows.get(user_id)
        if before is not None and self._vouched(before):
            before = replace(before, was_verified=True)
        self._remember(user_id, before, published)

    def _remember(self, user_id: str, before: IdentityRow | None, new: _Published) -> None:
        known = None
        if before is not None:
            known = KnownIdentity(
                before.master, before.pinned, before.pinned_at, before.was_verified
            )
        vouched = self._is_vouched(user_id, new.master, new.raw)
        after = seen(known, new.master, vouched, round(self._now() * 1000))
        row = IdentityRow(
            after.pinned_at,
            after.was_verified,
            user_id,
            new.master,
            new.self_signing,
            new.user_signing,
            new.raw,
            after.pinned,
        )
        if row != self._rows.get(user_id):
            self._store.save_identity(row)
            self._rows[user_id] = row

    def _read(self, user_id: str, answer: JsonObject) -> _Published | None:
        """The identity if it is whole. Raises ``WrongIdentity``, ``ValueError``, RecursionError."""
        roles = ROLES if user_id == self._me else _OTHERS_ROLES
        publics = read_keys(answer, user_id, roles, self._verify)
        if publics is None:
            return None
        key = mapping(mapping(answer.get("master_keys")).get(user_id))
        ours = mapping(mapping(key.get("signatures")).get(self._me))
        kept = {name: value for name, value in key.items() if name != "unsigned"}
        raw = json.dumps({**kept, "signatures": {self._me: ours}})
        if len(raw) > _LONGEST_KEY_OBJECT:
            raise WrongIdentity("The homeserver publishes an identity of a senseless size.")
        return _Published(publics[0], publics[1], publics[2] if len(publics) > 2 else "", raw)

    def _vouched(self, row: IdentityRow) -> bool:
        return self._is_vouched(row.user_id, row.master, row.raw)

    def _is_vouched(self, user_id: str, master: str, raw: str) -> bool:
        """Whether our own identity, which this device trusts, signs the master key."""
        trusted = self._store.master_key(self._me)
        if trusted is None:
            return False
        if user_id == self._me:
            return master == trusted
        own = self._rows.get(self._me)
        if own is None or own.master != trusted:
            return False
        return self._signs(own.user_signing, self._me, raw)

    def _signs(self, key: str, user_id: str, raw: str) -> bool:
        """Whether the cross-signing key of the user signs the object."""
        try:
            return self._verify(json.loads(raw), key, user_id, key)
        except (ValueError, RecursionError):
            return False
