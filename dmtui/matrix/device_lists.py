"""Whose devices we follow, and which devices they have (spec: "Tracking the device list")."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from dmtui.core.errors import ServerTrouble
from dmtui.core.model import Json, JsonObject
from dmtui.matrix.client import path
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.devices import Device, VerifySignature, parse_device
from dmtui.matrix.identities import Identities
from dmtui.matrix.requests import Requests
from dmtui.matrix.values import mapping

log = logging.getLogger(__name__)

REMOTE_PATIENCE = 10_000
"""Milliseconds that our homeserver waits for others on our behalf."""
_USERS_PER_QUERY = 100
_DOWN_FOR = 60.0


class DeviceLists:
    """The devices of tracked users, in memory and in the store; ``now`` is in seconds."""

    def __init__(
        self,
        requests: Requests,
        store: CryptoStore,
        verify: VerifySignature,
        own: tuple[str, str],
        now: Callable[[], float],
        identities: Identities,
    ) -> None:
        self._identities = identities
        self._requests = requests
        self._store = store
        self._verify = verify
        self._own = own
        self._now = now
        self._querying = asyncio.Lock()
        self._news: dict[str, int] = {}  # counts what was heard, so that an old answer is known
        self._down: dict[str, float] = {}
        self._outdated = store.tracked()
        self._devices: dict[str, dict[str, Device]] = {}
        for device in store.devices():
            self._devices.setdefault(device.user_id, {})[device.device_id] = device
        self._owners = self._index()
        self.generation = 0
        if own[0] not in self._outdated:
            self.changed([own[0]], begin=True)

    # -- reading --
    def devices_of(self, users: Iterable[str]) -> list[Device]:
        """The devices of these users that have keys, less this very device."""
        return [
            device
            for user_id in users
            for device in self._devices.get(user_id, {}).values()
            if (user_id, device.device_id) != self._own
        ]

    def by_user(self) -> Iterable[tuple[str, Collection[Device]]]:
        """Everybody's devices; ``generation`` counts how often they became different."""
        return ((user_id, found.values()) for user_id, found in self._devices.items())

    def all_of(self, user_id: str) -> list[Device]:
        """The user's devices that have keys; among my own, this very device, too."""
        return list(self._devices.get(user_id, {}).values())

    def device_with_key(self, user_id: str, curve25519: str) -> Device | None:
        """The user's device that has this key."""
        found = self._devices.get(user_id, {}).values()
        return next((device for device in found if device.curve25519 == curve25519), None)

    def owners(self, curve25519: str) -> frozenset[str]:
        """Users who list a device with this key; normally one, or none if it is not known."""
        return self._owners.get(curve25519, frozenset())

    def tracked(self, users: Iterable[str]) -> set[str]:
        """Those of the users whose devices are followed."""
        return {user_id for user_id in users if user_id in self._outdated}

    def unwatched(self, users: Iterable[str]) -> set[str]:
        """Those of the users of whose changes the server does not tell."""
        return {user_id for user_id in users if user_id not in self._outdated}

    def is_fresh(self, user_id: str) -> bool:
        """Whether the user's devices are known as of the last news."""
        return self._outdated.get(user_id) is False

    def block(self, device: Device, blocked: bool = True) -> None:
        """Give the device no more keys, or give it keys again."""
        known = self._devices[device.user_id]
        known[device.device_id] = replace(known[device.device_id], blocked=blocked)
        self._store.replace_devices(device.user_id, known.values())
        self.generation += 1

    # -- news from sync --
    def changed(self, users: Iterable[str], begin: bool = False) -> None:
        """These users' devices changed; those we do not track are passed over.

        ``begin`` starts to track them.
        """
        outdated = [user for user in users if begin or user in self._outdated]
        for user_id in outdated:
            self._outdated[user_id] = True
            self._news[user_id] = self._news.get(user_id, 0) + 1
        self._store.track(outdated, outdated=True)

    def left(self, users: Iterable[str]) -> None:
        """We share no encrypted room with these users any more: the server tells no changes."""
        gone = [user for user in users if user in self._outdated and user != self._own[0]]
        for user_id in gone:
            del self._outdated[user_id]
            self._news[user_id] = self._news.get(user_id, 0) + 1
        self._store.untrack(gone)

    def lost(self) -> None:
        """Changes may have been missed: every list has to be fetched again."""
        self.changed(list(self._outdated))

    # -- asking --
    async def ensure(self, users: Iterable[str], unwatched: Collection[str] = ()) -> None:
        """Have fresh lists of these users, from now on tracked; raises what the request raises.

        Of the ``unwatched`` ones the server tells no changes: they are asked for every time.
        A user whose homeserver does not answer keeps the old list and is asked again later.
        """
        self.left(unwatched)
        try:
            await self._ensure(frozenset(users))
        finally:
            self.left(unwatched)

    async def _ensure(self, wanted: frozenset[str]) -> None:
        if not any(self._outdated.get(user_id, True) for user_id in wanted):
            return
        self.changed([user for user in wanted if user not in self._outdated], begin=True)
        await self._refresh(wanted)

    async def refresh(self) -> None:
        """Fetch every outdated list."""
        await self._refresh(frozenset(self._outdated))

    async def _refresh(self, users: frozenset[str]) -> None:
        async with self._querying:  # one at a time: an older answer must not come last
            due = [user_id for user_id in sorted(users) if self._is_due(user_id)]
            for first in range(0, len(due), _USERS_PER_QUERY):
                await self._query(due[first : first + _USERS_PER_QUERY])

    def _is_due(self, user_id: str) -> bool:
        server = user_id.partition(":")[2]
        return self._outdated.get(user_id, False) and self._down.get(server, 0.0) <= self._now()

    async def _query(self, users: list[str]) -> None:
        heard = {user_id: self._news.get(user_id, 0) for user_id in users}
        wanted: dict[str, Json] = {user_id: [] for user_id in users}
        body: JsonObject = {"device_keys": wanted, "timeout": REMOTE_PATIENCE}
        answer = await self._requests.api("POST", path("keys", "query"), body)
        claimed = answer.get("device_keys")
        if not isinstance(claimed, dict):
            raise ServerTrouble("The homeserver's answer names no devices.")
        failed = mapping(answer.get("failures"))
        self._down |= dict.fromkeys(failed, self._now() + _DOWN_FOR)
        answered = [user for user in users if self._is_answered(user, claimed, failed)]
        with self._store.transaction():
            for user_id in answered:
                self._identities.take(user_id, answer)
                self._ingest(user_id, mapping(claimed.get(user_id)))
                if self._news.get(user_id, 0) == heard[user_id]:
                    self._outdated[user_id] = False
                    self._store.track([user_id], outdated=False)
        self._owners = self._index()

    def _is_answered(self, user_id: str, claimed: JsonObject, failed: JsonObject) -> bool:
        """Silence about a user is an answer only where no devices were known."""
        if user_id in claimed:
            return isinstance(claimed[user_id], dict)
        return user_id.partition(":")[2] not in failed and not self._devices.get(user_id)

    def _ingest(self, user_id: str, claimed: JsonObject) -> None:
        known = self._devices.get(user_id, {})
        found = {}
        for device_id, raw in claimed.items():
            device = parse_device(user_id, device_id, raw, self._verify)
            before = known.get(device_id)
            if device is None or (before is not None and before != device):
                log.warning("%s: keys of device %s refused", user_id, device_id)
                device = before  # a device never changes its keys: the first ones stand
            if device is not None:
                blocked = before is not None and before.blocked
                signer = self._identities.signer(device)
                found[device_id] = replace(device, blocked=blocked, signed_by=signer)
        self._store.replace_devices(user_id, found.values())
        self._devices[user_id] = found
        self.generation += 1

    def _index(self) -> dict[str, frozenset[str]]:
        owners: dict[str, frozenset[str]] = {}
        for user_id, devices in self._devices.items():
            for device in devices.values():
                owners[device.curve25519] = owners.get(device.curve25519, frozenset()) | {user_id}
        return owners
