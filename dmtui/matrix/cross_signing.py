"""Cross-signing: the three keys of an account's identity, and what they vouch for.

Spec: "Cross-signing". The master key signs the self-signing key, which signs the account's
devices, and the user-signing key, which signs other people's master keys.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa
from unpaddedbase64 import encode_base64

from dmtui.core.errors import ServerTrouble, WrongIdentity
from dmtui.core.model import JsonObject
from dmtui.matrix.devices import VerifySignature
from dmtui.matrix.values import mapping

SEED_BYTES = 32
_PUBLIC_LENGTH = 43  # of 32 bytes in unpadded base64
ROLES = ("master", "self_signing", "user_signing")


class SigningKey:
    """An Ed25519 key; as a key of cross-signing its public part is its name as well."""

    def __init__(self, seed: bytes):
        key = ECC.construct(curve="Ed25519", seed=seed)
        self._signer = eddsa.new(key, "rfc8032")
        self.public = encode_base64(key.public_key().export_key(format="raw"))

    def signature(self, content: JsonObject) -> str:
        """The signature of the object, less what is signed by nobody."""
        return encode_base64(self._signer.sign(canonical(content)))

    def signed(self, content: JsonObject, user_id: str) -> JsonObject:
        """The object with this key's signature beside those it has."""
        signatures = mapping(content.get("signatures"))
        own = {
            **mapping(signatures.get(user_id)),
            f"ed25519:{self.public}": self.signature(content),
        }
        return {**content, "signatures": {**signatures, user_id: own}}


@dataclass(frozen=True, slots=True)
class Seeds:
    """The private keys of an identity, 32 bytes each."""

    master: bytes = field(repr=False)
    self_signing: bytes = field(repr=False)
    user_signing: bytes = field(repr=False)

    def identity(self) -> PublicIdentity:
        """Their public keys."""
        seeds = (self.master, self.self_signing, self.user_signing)
        return PublicIdentity(*(SigningKey(seed).public for seed in seeds))


@dataclass(frozen=True, slots=True)
class PublicIdentity:
    """The public keys of an identity, in unpadded base64."""

    master: str
    self_signing: str
    user_signing: str


def canonical(content: JsonObject) -> bytes:
    """What is signed of an object (spec: "Canonical JSON" and "Signing details")."""
    kept = {key: value for key, value in content.items() if key not in ("signatures", "unsigned")}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def key_object(user_id: str, role: str, public: str) -> JsonObject:
    """A cross-signing key as ``/keys/device_signing/upload`` wants it, not signed yet."""
    return {"user_id": user_id, "usage": [role], "keys": {f"ed25519:{public}": public}}


def read_identity(
    answer: JsonObject, user_id: str, verify: VerifySignature
) -> PublicIdentity | None:
    """My identity in an answer of ``/keys/query``; ``None`` if the server has none.

    Raises ``ServerTrouble`` for no answer, ``WrongIdentity`` unless the identity is whole: each
    key of the right shape and use, and both lesser keys signed by the master key.
    """
    if not isinstance(answer.get("device_keys"), dict):
        raise ServerTrouble("The homeserver's answer about keys can't be read.")
    publics = read_keys(answer, user_id, ROLES, verify)
    return None if publics is None else PublicIdentity(*publics)


def read_keys(
    answer: JsonObject, user_id: str, roles: Sequence[str], verify: VerifySignature
) -> tuple[str, ...] | None:
    """The public keys of the user in an answer of ``/keys/query``, the master key's first.

    ``None`` if the server has none of them; raises ``WrongIdentity`` as above.
    """
    claimed = [_of_user(answer.get(f"{role}_keys"), user_id) for role in roles]
    if all(one is None for one in claimed):
        return None
    publics = [_public(one, user_id, role) for one, role in zip(claimed, roles, strict=True)]
    if len(set(publics)) != len(publics):
        raise WrongIdentity("The homeserver publishes an encryption identity that makes no sense.")
    for one in claimed[1:]:
        if not verify(dict(mapping(one)), publics[0], user_id, publics[0]):
            raise WrongIdentity(
                "The homeserver publishes an encryption identity whose signatures are wrong."
            )
    return tuple(publics)


def _of_user(keys: object, user_id: str) -> object:
    """What is claimed of the user; ``None`` only where nothing is."""
    if keys is None:
        return None
    return keys.get(user_id) if isinstance(keys, dict) else keys


def _public(claimed: object, user_id: str, role: str) -> str:
    content = mapping(claimed)
    usage, keys = content.get("usage"), mapping(content.get("keys"))
    named = list(keys.items())
    if content.get("user_id") == user_id and usage == [role] and len(named) == 1:
        name, public = named[0]
        if (
            isinstance(public, str)
            and len(public) == _PUBLIC_LENGTH
            and name == f"ed25519:{public}"
        ):
            return public
    raise WrongIdentity("The homeserver publishes an encryption identity that is not whole.")
