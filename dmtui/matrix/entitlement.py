"""Which devices get room keys: those that their owner's identity confirms.

Spec: "Device verification", which since v1.18 (MSC4153) excludes devices that are not cross-signed.
The user can make an exception of a person whose app can't confirm devices.
"""

from __future__ import annotations

from dmtui.core.model import UserId
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import DeviceLists
from dmtui.matrix.devices import Device
from dmtui.matrix.identities import Identities

BLOCKED = "m.blacklisted"
UNCONFIRMED = "m.unverified"


class Entitlement:
    """Decides for one device of ours; ``me`` is its user."""

    def __init__(self, store: CryptoStore, identities: Identities, lists: DeviceLists, me: str):
        self._store = store
        self._identities = identities
        self._lists = lists
        self._me = me
        self._excepted = store.excepted()
        self._out_of_reach: tuple[int, frozenset[UserId]] | None = None

    def refusal(self, device: Device) -> str:
        """The code of ``m.room_key.withheld`` for the device; empty where it gets keys."""
        if device.blocked:
            return BLOCKED
        entitled = self._is_ours(device) if device.user_id == self._me else self._is_theirs(device)
        return "" if entitled else UNCONFIRMED

    def _is_theirs(self, device: Device) -> bool:
        return device.user_id in self._excepted or self._identities.is_signed(device) is True

    def _is_ours(self, device: Device) -> bool:
        """Without an identity there is nothing to confirm devices with.

        Before this device is part of one, the first that was seen holds.
        """
        known = self._identities.known(self._me)
        if known is None:
            return not self._identities.is_suspect(self._me)
        trusted = self._store.master_key(self._me) or known.pinned
        return known.master == trusted and self._identities.is_signed(device) is True

    def is_excepted(self, user_id: str) -> bool:
        """Whether the person's devices get keys without being confirmed."""
        return user_id in self._excepted

    def set_excepted(self, user_id: str, excepted: bool) -> None:
        """Make the exception of the person, or take it back."""
        self._store.set_excepted(user_id, excepted)
        self._excepted = self._store.excepted()
        self._out_of_reach = None

    def out_of_reach(self) -> frozenset[UserId]:
        """Everybody who has devices of which none gets keys: nobody could read a message there."""
        if self._out_of_reach is None or self._out_of_reach[0] != self._lists.generation:
            found = frozenset(
                UserId(user_id)
                for user_id, devices in self._lists.by_user()
                if user_id != self._me and devices and all(map(self.refusal, devices))
            )
            self._out_of_reach = (self._lists.generation, found)
        return self._out_of_reach[1]
