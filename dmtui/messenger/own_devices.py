"""The devices of my own account: new ones to look at, all of them, and signing one out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from dmtui.core.own_devices import OwnDevice, in_order
from dmtui.core.ports import Homeserver
from dmtui.messenger.ledger import Ledger


class OwnDevices:
    """What asks the server raises what ``ports.Homeserver`` says of it."""

    def __init__(self, homeserver: Callable[[], Awaitable[Homeserver]], ledger: Ledger):
        self._homeserver = homeserver
        self._ledger = ledger

    def waiting(self) -> tuple[OwnDevice, ...]:
        """New ones that nothing vouches for, and that the user has not looked at."""
        return self._ledger.store.own_devices.waiting()

    def find(self, device_id: str) -> OwnDevice | None:
        """The one that was announced under this ID."""
        return self._ledger.store.own_devices.find(device_id)

    async def all(self) -> tuple[OwnDevice, ...]:
        """All that are signed in, those not confirmed first."""
        return in_order(await (await self._homeserver()).own_devices())

    async def looked(self, devices: Collection[OwnDevice]) -> None:
        """The user has seen these."""
        if not {one.device_id for one in self.waiting()}.isdisjoint(d.device_id for d in devices):
            await self._ledger.write(self._ledger.store.own_devices.looked, devices)

    async def sign_out(self, device_id: str, password: str = "") -> None:
        """End the session of another device; raises ``PasswordNeeded``, too."""
        await (await self._homeserver()).sign_out_device(device_id, password)
