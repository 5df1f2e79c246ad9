"""What a verification is about and comes to: the keys of both sides, frozen, and signatures.

Spec: "Cross-signing" and "Device verification". A person's master key is signed with our
user-signing key, another device of ours with our self-signing key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dmtui.core.errors import ServerTrouble, WrongIdentity
from dmtui.core.model import Json, JsonObject
from dmtui.matrix.client import path
from dmtui.matrix.cross_signing import PublicIdentity, SigningKey, read_identity, read_keys
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import REMOTE_PATIENCE
from dmtui.matrix.devices import parse_device
from dmtui.matrix.identity import SELF_SIGNING, USER_SIGNING
from dmtui.matrix.machine import Machine
from dmtui.matrix.qr_code import Code, Mode, code
from dmtui.matrix.requests import Requests
from dmtui.matrix.sas import BreachError
from dmtui.matrix.values import mapping

NOT_SET_UP = "Unlock this device, or set encryption up, before you verify people."


@dataclass(frozen=True, slots=True)
class Frozen:
    """The other side's keys as they were when both agreed to verify.

    ``keys`` are the ones it has to prove, by key ID; ``master`` is empty without an identity.
    ``device`` and ``master_object`` are the signed JSON.
    """

    user_id: str
    device_id: str
    ed25519: str
    master: str
    device: str
    master_object: str

    @property
    def keys(self) -> dict[str, str]:
        """By key ID."""
        found = {f"ed25519:{self.device_id}": self.ed25519}
        return {**found, f"ed25519:{self.master}": self.master} if self.master else found

    @property
    def essence(self) -> tuple[str, str]:
        """What must not change while the verification goes on."""
        return self.ed25519, self.master


class Vouching:
    """Reads keys afresh from the server, and signs what was proved.

    ``changed`` is told of users whose keys have to be looked at again.
    """

    def __init__(
        self,
        requests: Requests,
        machine: Machine,
        store: CryptoStore,
        changed: Callable[[Iterable[str]], None],
    ):
        self._requests = requests
        self._changed = changed
        self._machine = machine
        self._store = store

    def own_keys(self) -> dict[str, str]:
        """What we prove: this device's key, and the account's master key if this device has it."""
        machine = self._machine
        keys = {f"ed25519:{machine.device_id}": machine.ed25519}
        master = self._store.master_key(machine.user_id)
        return {**keys, f"ed25519:{master}": master} if master else keys

    def ready_for_people(self) -> bool:
        """Whether we could sign another person's master key."""
        trusted = self._store.master_key(self._machine.user_id)
        return trusted is not None and self._store.secret(USER_SIGNING) is not None

    async def devices(self, user_id: str) -> tuple[str, ...]:
        """The user's devices that can take part, this one left out."""
        claimed = mapping(mapping((await self._query(user_id)).get("device_keys")).get(user_id))
        me = (self._machine.user_id, self._machine.device_id)
        return tuple(
            device_id
            for device_id, one in claimed.items()
            if (user_id, device_id) != me
            and mapping(one).get("dehydrated") is not True
            and parse_device(user_id, device_id, one, self._machine.verify_json)
        )

    async def freeze(self, user_id: str, device_id: str) -> Frozen:
        """The keys as the server has them now. Raises ``BreachError`` if they are of no use."""
        answer = await self._query(user_id)
        own = user_id == self._machine.user_id
        if own and device_id == self._machine.device_id:
            raise BreachError("m.invalid_message")
        claimed = mapping(mapping(answer.get("device_keys")).get(user_id)).get(device_id)
        device = parse_device(user_id, device_id, claimed, self._machine.verify_json)
        if device is None:
            raise BreachError("m.key_mismatch", "The homeserver does not know the device's keys.")
        master = self._master(answer, user_id)
        if not own and not master:
            raise BreachError(
                "m.user", f"{user_id} has not set up encryption that can be verified."
            )
        if device_id in self._names(answer, user_id, master):
            raise BreachError("m.key_mismatch")  # one name for two keys
        published = mapping(mapping(answer.get("master_keys")).get(user_id)) if master else {}
        bare = {k: v for k, v in published.items() if k not in ("signatures", "unsigned")}
        return Frozen(
            user_id, device_id, device.ed25519, master, device.raw, json.dumps(bare, sort_keys=True)
        )

    def _master(self, answer: JsonObject, user_id: str) -> str:
        try:
            verify = self._machine.verify_json
            found = read_keys(answer, user_id, ("master", "self_signing"), verify)
        except WrongIdentity as error:
            raise BreachError("m.key_mismatch", str(error)) from error
        master = found[0] if found else ""
        trusted = self._store.master_key(user_id) if user_id == self._machine.user_id else None
        if trusted is not None and trusted != master:
            raise BreachError("m.key_mismatch", "Your encryption identity was changed elsewhere.")
        return master

    def _names(self, answer: JsonObject, user_id: str, master: str) -> set[str]:
        lesser = mapping(mapping(answer.get("self_signing_keys")).get(user_id)).get("keys")
        return {master, *(name.removeprefix("ed25519:") for name in mapping(lesser))}

    def code(self, transaction: str, frozen: Frozen) -> Code | None:
        """A code for the other side to scan; ``None`` where no identity is there to be verified."""
        machine = self._machine
        own, mine = frozen.user_id == machine.user_id, self._store.master_key(machine.user_id)
        device, master = f"ed25519:{frozen.device_id}", f"ed25519:{frozen.master}"
        if own and mine is not None:
            return code(Mode.TRUSTING, transaction, (mine, frozen.ed25519), device)
        if own and frozen.master:
            return code(Mode.NOT_TRUSTING, transaction, (machine.ed25519, frozen.master), master)
        if not own and mine is not None:
            return code(Mode.OTHER_USER, transaction, (mine, frozen.master), master)
        return None

    async def vouch(self, frozen: Frozen, proved: frozenset[str]) -> str:
        """Make the proof last; what came of it, in words. Raises ``BreachError`` and others.

        Nothing is signed if the server shows other keys by now.
        """
        again = await self.freeze(frozen.user_id, frozen.device_id)
        if again.essence != frozen.essence:
            raise BreachError("m.key_mismatch")
        device = f"ed25519:{frozen.device_id}" in proved
        whole = bool(frozen.master) and f"ed25519:{frozen.master}" in proved
        if frozen.user_id == self._machine.user_id:
            return await self._vouch_for_own(frozen, device, whole)
        if not whole:
            raise BreachError("m.key_mismatch", "The other side did not prove its identity.")
        mine = await self._own_identity()
        seed = self._store.secret(USER_SIGNING)
        if seed is None or mine is None or SigningKey(seed).public != mine.user_signing:
            raise BreachError("m.user", NOT_SET_UP)
        await self._sign(frozen.user_id, frozen.master, frozen.master_object, seed)
        return f"{frozen.user_id} is verified."

    async def _vouch_for_own(self, frozen: Frozen, device: bool, whole: bool) -> str:
        me = self._machine.user_id
        if self._store.master_key(me) is None:
            if not whole:
                raise BreachError("m.key_mismatch", "Neither device has the account's identity.")
            self._store.trust_master_key(me, frozen.master)
            return "Your other device vouches for this one, and this one for your identity."
        seed, mine = self._store.secret(SELF_SIGNING), await self._own_identity()
        if not device or seed is None or mine is None:
            return "Both devices have the same identity."
        if SigningKey(seed).public != mine.self_signing:
            return "Both devices have the same identity."
        await self._sign(me, frozen.device_id, frozen.device, seed)
        return f"Your device {frozen.device_id} is verified."

    async def _sign(self, user_id: str, name: str, raw: str, seed: bytes) -> None:
        content: JsonObject = {**json.loads(raw), "signatures": {}}
        signed = SigningKey(seed).signed(content, self._machine.user_id)
        body: JsonObject = {user_id: {name: signed}}
        answer = await self._requests.api("POST", path("keys", "signatures", "upload"), body)
        if answer.get("failures"):
            raise ServerTrouble("The homeserver did not take the signature.")
        self._changed([user_id])

    async def _own_identity(self) -> PublicIdentity | None:
        """The published identity if it is the trusted one."""
        me = self._machine.user_id
        try:
            mine = read_identity(await self._query(me), me, self._machine.verify_json)
        except WrongIdentity:
            return None
        return mine if mine and mine.master == self._store.master_key(me) else None

    async def _query(self, user_id: str) -> JsonObject:
        wanted: dict[str, Json] = {user_id: []}
        body: JsonObject = {"device_keys": wanted, "timeout": REMOTE_PATIENCE}
        return await self._requests.api("POST", path("keys", "query"), body)
