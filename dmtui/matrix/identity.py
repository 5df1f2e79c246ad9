"""The account's encryption identity on this device: setting it up, unlocking it, judging it.

Every step is kept on the disk before its request and can be done again: a set-up that breaks off
anywhere is completed by the next one, with the same keys. The master key stays nowhere here.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from unpaddedbase64 import decode_base64, encode_base64

from dmtui.core.errors import (
    BadContent,
    IdentityExists,
    NotFound,
    ServerTrouble,
    WrongIdentity,
)
from dmtui.core.model import JsonObject
from dmtui.core.recovery import (
    Encryption,
    Identity,
    is_meant_as_key,
    read_recovery_key,
    recovery_key_text,
)
from dmtui.matrix.account import Owner, set_account_data
from dmtui.matrix.challenge import Proof
from dmtui.matrix.client import path
from dmtui.matrix.cross_signing import (
    SEED_BYTES,
    PublicIdentity,
    Seeds,
    SigningKey,
    key_object,
    read_identity,
)
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.key_backup import KEY_BACKUP_SECRET, KeyBackup
from dmtui.matrix.machine import Machine
from dmtui.matrix.own_keys import OwnKeys
from dmtui.matrix.secret_storage import SecretStorage, StorageKey
from dmtui.matrix.set_up import SetUp, new_key, opens, read_key, write_key
from dmtui.matrix.values import mapping

MASTER = "m.cross_signing.master"
SELF_SIGNING = "m.cross_signing.self_signing"
USER_SIGNING = "m.cross_signing.user_signing"
_SET_UP = "set-up"
_RECOVERY_KEY = "recovery-key"
_KEY_BACKUP = "m.key_backup"
_JOINED = "This device is part of the account's encryption identity: there is nothing to set up."
_EXISTS = "This account has an encryption identity already: unlock it with its recovery key."


class OwnIdentity:
    """The identity of the account that this device belongs to."""

    def __init__(
        self,
        owner: Owner,
        machine: Machine,
        store: CryptoStore,
        own_keys: OwnKeys,
        backup: KeyBackup,
    ) -> None:
        self._owner = owner
        self._machine = machine
        self._store = store
        self._own_keys = own_keys
        self._backup = backup
        self._storage = SecretStorage(owner)
        self._proof = Proof(owner, owner.user_id)
        self._busy = asyncio.Lock()

    # -- where it stands --
    async def encryption(self) -> Encryption:
        """See ``ports.Homeserver``."""
        answer = await self._query()
        try:
            described, recovery = await self._storage.described(), True
        except BadContent:
            described, recovery = None, False
        backup, to_back_up = await self._backup.state()
        identity = self._judge(answer)
        unkept = self._store.secret(_RECOVERY_KEY) is not None
        return Encryption(
            identity=identity,
            recovery=recovery and described is not None,
            passphrase=described is not None and described.passphrase is not None,
            backup=backup,
            to_back_up=to_back_up,
            unkept_key=unkept and identity is not Identity.UNFINISHED,
        )

    def _judge(self, answer: JsonObject) -> Identity:
        trusted = self._store.master_key(self._machine.user_id)
        try:
            published = read_identity(answer, self._machine.user_id, self._machine.verify_json)
        except WrongIdentity:
            return Identity.LOCKED if trusted is None else Identity.CHANGED
        begun = self._begun()
        if begun and (published is None or published == begun.seeds.identity()):
            return Identity.UNFINISHED
        if published is None:
            return Identity.NONE if trusted is None else Identity.CHANGED
        if trusted is None:
            return Identity.LOCKED
        if trusted != published.master:
            return Identity.CHANGED
        return Identity.OURS if self._is_signed(answer, published) else Identity.LOCKED

    def _is_signed(self, answer: JsonObject, published: PublicIdentity) -> bool:
        """Whether we hold the self-signing key and the server shows its signature of this device.

        The server's copy of the device's keys is not looked at: the signature must fit ours.
        """
        kept, me = self._store.secret(SELF_SIGNING), self._machine.user_id
        if kept is None or SigningKey(kept).public != published.self_signing:
            return False
        shown = mapping(mapping(mapping(answer.get("device_keys")).get(me)))
        signatures = mapping(shown.get(self._machine.device_id)).get("signatures")
        signed: dict[str, object] = {**self._machine.device_keys(), "signatures": signatures}
        public = published.self_signing
        return self._machine.verify_json(signed, public, me, public)

    async def _query(self) -> JsonObject:
        body: JsonObject = {"device_keys": {self._machine.user_id: []}}
        return await self._owner.api("POST", path("keys", "query"), body)

    async def _published(self) -> PublicIdentity | None:
        me = self._machine.user_id
        return read_identity(await self._query(), me, self._machine.verify_json)

    # -- setting it up --
    async def set_up(self, passphrase: str, password: str, *, replacing: bool = False) -> str:
        """See ``ports.Homeserver.set_up_recovery``; with ``replacing``, ``reset_identity``."""
        async with self._busy:
            done = None if replacing else self._store.secret(_RECOVERY_KEY)
            if done is not None and not await self._is_superseded():
                return await self._again(read_key(mapping(json.loads(done))), passphrase)
            await self._own_keys.upload()
            published = await self._published()
            begun = self._to_go_on(published, replacing)
            replaces = self._given_up(published) if replacing else ""
            begun = await self._begin(begun, passphrase, replaces)
            await self._carry_out(begun, published == begun.seeds.identity(), password)
            return recovery_key_text(begun.key.secret)

    async def _is_superseded(self) -> bool:
        """Whether a reset that broke off has put another identity in the place of the kept one."""
        begun = self._begun()
        return begun is not None and await self._published() == begun.seeds.identity()

    async def _again(self, key: StorageKey, passphrase: str) -> str:
        if passphrase and not await opens(key, passphrase):
            raise IdentityExists("Recovery is set up already, with another passphrase.")
        return recovery_key_text(key.secret)

    def _to_go_on(self, published: PublicIdentity | None, replacing: bool) -> SetUp | None:
        """The set-up that was begun and may go on, if any.

        Raises ``IdentityExists`` where it would overwrite what the user has not given up.
        """
        begun = self._begun()
        if published is None:
            trusted = self._store.master_key(self._machine.user_id)
            if begun is None and trusted is not None and not replacing:
                raise IdentityExists("The homeserver hides the identity that this device trusts.")
            return begun
        if begun is not None and published == begun.seeds.identity():
            return begun
        if not replacing:
            self._store.forget_secret(_SET_UP)
            ours = self._store.master_key(self._machine.user_id) == published.master
            raise IdentityExists(_JOINED if ours else _EXISTS)
        return begun if begun is not None and begun.replaces == published.master else None

    def _given_up(self, published: PublicIdentity | None) -> str:
        """The master key that a reset is the end of; empty without one."""
        if published is not None:
            return published.master
        return self._store.master_key(self._machine.user_id) or ""

    def _begun(self) -> SetUp | None:
        kept = self._store.secret(_SET_UP)
        return None if kept is None else SetUp.read(kept)

    async def _begin(self, begun: SetUp | None, passphrase: str, replaces: str) -> SetUp:
        """What is to be set up, on the disk; another passphrase makes another storage key."""
        if begun is None:
            begun = SetUp.new(await new_key(passphrase), replaces)
        elif not await opens(begun.key, passphrase):
            begun = replace(begun, key=await new_key(passphrase))
        self._store.save_secret(_SET_UP, begun.write())
        return begun

    async def _carry_out(self, begun: SetUp, published: bool, password: str) -> None:
        """Secrets go up before their public keys, and nobody is pointed to them before the end.

        Those of an identity that is given up stay beside them until then; its key backup goes
        once the identity is gone.
        """
        seeds, key, storage = begun.seeds, begun.key, self._storage
        await storage.describe(key)
        await self._write_secrets(begun, beside=bool(begun.replaces))
        if not published:
            await self._publish(seeds, password)
        await self._sign_device(SigningKey(seeds.self_signing))
        if begun.replaces:
            await self._backup.clear(begun.backup)
        version = await self._backup.create(begun.backup, SigningKey(seeds.master))
        await storage.make_default(key)
        if begun.replaces:
            await self._write_secrets(begun, beside=False)
        await set_account_data(self._owner, _KEY_BACKUP, {"enabled": True})
        with self._store.transaction():
            self._keep(seeds, begun.backup)
            self._backup.use(version, begun.backup)
            self._store.save_secret(_RECOVERY_KEY, json.dumps(write_key(key)).encode())

    async def _write_secrets(self, begun: SetUp, beside: bool) -> None:
        for name, secret in (
            (MASTER, begun.seeds.master),
            (SELF_SIGNING, begun.seeds.self_signing),
            (USER_SIGNING, begun.seeds.user_signing),
            (KEY_BACKUP_SECRET, begun.backup),
        ):
            written = encode_base64(secret).encode()
            await self._storage.write(begun.key, name, written, beside=beside)

    def _keep(self, seeds: Seeds, backup: bytes | None) -> None:
        """Trust the identity and keep all but its master key."""
        with self._store.transaction():
            self._store.trust_master_key(self._machine.user_id, seeds.identity().master)
            self._store.save_secret(SELF_SIGNING, seeds.self_signing)
            self._store.save_secret(USER_SIGNING, seeds.user_signing)
            if backup is not None:
                self._store.save_secret(KEY_BACKUP_SECRET, backup)
            self._store.forget_secret(_SET_UP)

    async def _publish(self, seeds: Seeds, password: str) -> None:
        me, master, publics = self._machine.user_id, SigningKey(seeds.master), seeds.identity()
        body: JsonObject = {
            "master_key": self._machine.signed(key_object(me, "master", publics.master)),
            "self_signing_key": master.signed(
                key_object(me, "self_signing", publics.self_signing), me
            ),
            "user_signing_key": master.signed(
                key_object(me, "user_signing", publics.user_signing), me
            ),
        }
        await self._proof.post(path("keys", "device_signing", "upload"), body, password)

    async def _sign_device(self, key: SigningKey) -> None:
        """Sign our own copy of this device's keys, never the server's."""
        me, device_id = self._machine.user_id, self._machine.device_id
        unsigned: JsonObject = {**self._machine.device_keys(), "signatures": {}}
        body: JsonObject = {me: {device_id: key.signed(unsigned, me)}}
        answer = await self._owner.api("POST", path("keys", "signatures", "upload"), body)
        if answer.get("failures"):
            raise ServerTrouble("The homeserver did not take the signature of this device.")

    def kept(self) -> bool:
        """See ``ports.Homeserver.recovery_key_kept``."""
        there = self._store.secret(_RECOVERY_KEY) is not None
        self._store.forget_secret(_RECOVERY_KEY)
        return there

    # -- unlocking it --
    async def unlock(self, secret: str) -> None:
        """See ``ports.Homeserver``."""
        if is_meant_as_key(secret):
            read_recovery_key(secret)
        async with self._busy:
            key = await self._storage.open(secret)
            seeds = Seeds(
                await self._seed(key, MASTER),
                await self._seed(key, SELF_SIGNING),
                await self._seed(key, USER_SIGNING),
            )
            backup = await self._backup_secret(key)
            await self._own_keys.upload()
            if await self._published() != seeds.identity():
                raise WrongIdentity(
                    "The homeserver publishes another identity than the recovery key opens."
                )
            self._keep(seeds, backup)
            await self._sign_device(SigningKey(seeds.self_signing))
            await self._backup.connect()

    async def _seed(self, key: StorageKey, name: str) -> bytes:
        kept = await self._storage.read(key, name)
        if kept is None:
            raise NotFound("The recovery data does not hold the identity.", 404, "M_NOT_FOUND")
        return seed_of(kept)

    async def _backup_secret(self, key: StorageKey) -> bytes | None:
        """The identity is of use without its backup: what can't be read is as good as none."""
        try:
            kept = await self._storage.read(key, KEY_BACKUP_SECRET)
            return None if kept is None else seed_of(kept)
        except BadContent:
            return None


def seed_of(kept: bytes) -> bytes:
    """The 32 bytes of a secret as it is written: in base64. Raises ``BadContent``."""
    try:
        seed = bytes(decode_base64(kept.decode("ascii").strip().rstrip("=")))
    except ValueError as error:
        raise BadContent("The recovery data on the homeserver is malformed.") from error
    if len(seed) != SEED_BYTES:
        raise BadContent("The recovery data on the homeserver is malformed.")
    return seed
