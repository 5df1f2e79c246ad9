"""Recovery of the encryption identity: what the user asks for, at once or not at all.

Nothing here is journalled: secrets belong to the moment, and what is under way is kept with the
encryption keys.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from dmtui.core.ports import Homeserver
from dmtui.core.recovery import Encryption


class Recovery:
    """Every call asks the server and raises what ``ports.Homeserver`` says of it."""

    def __init__(self, homeserver: Callable[[], Awaitable[Homeserver]]):
        self._homeserver = homeserver

    async def state(self) -> Encryption:
        """Where it stands."""
        return await (await self._homeserver()).encryption()

    async def set_up(self, passphrase: str = "", password: str = "") -> str:
        """Make the identity, or complete it; the recovery key's text, until it is kept.

        Raises ``PasswordNeeded``, ``ApprovalNeeded`` and ``IdentityExists``.
        """
        return await (await self._homeserver()).set_up_recovery(passphrase, password)

    async def reset(self, passphrase: str = "", password: str = "") -> str:
        """Give the identity up for a new one: ask the user twice, see ``ports.Homeserver``.

        Raises ``PasswordNeeded`` and ``ApprovalNeeded``.
        """
        return await (await self._homeserver()).reset_identity(passphrase, password)

    async def kept(self) -> None:
        """The user has the recovery key: it can't be shown again."""
        await (await self._homeserver()).recovery_key_kept()

    async def unlock(self, secret: str) -> None:
        """Join the identity by recovery key or passphrase.

        Raises ``BadRecoveryKey``, ``NotFound``, ``BadContent`` and ``WrongIdentity``.
        """
        await (await self._homeserver()).unlock(secret)

    async def restore(self, progress: Callable[[int, int], None]) -> int:
        """Take in the room keys of the backup; how many were new."""
        return await (await self._homeserver()).restore_keys(progress)

    async def back_up(self) -> int:
        """Upload what is not in the backup; how many room keys remain."""
        return await (await self._homeserver()).back_up()
