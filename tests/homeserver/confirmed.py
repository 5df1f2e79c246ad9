"""An identity that confirms a device, without the rest of what recovery sets up."""

from __future__ import annotations

import hashlib
from typing import Any

from dmtui.matrix.cross_signing import Seeds, SigningKey, key_object
from tests.homeserver.account import Account, Json
from tests.homeserver.synapse import PASSWORD
from tests.waiting import wait_until


def seeds_of(user_id: str) -> Seeds:
    """The same for all devices of the user, so that each of them can be confirmed."""
    roles = ("master", "self_signing", "user_signing")
    return Seeds(*(hashlib.sha256(f"{role} {user_id}".encode()).digest() for role in roles))


def publish(account: Account, seeds: Seeds) -> None:
    """``POST /keys/device_signing/upload``; another identity than before needs the password."""
    me, publics, master = account.user_id, seeds.identity(), SigningKey(seeds.master)
    identifier = {"type": "m.id.user", "user": me}
    body: Json = {
        "master_key": key_object(me, "master", publics.master),
        "self_signing_key": master.signed(key_object(me, "self_signing", publics.self_signing), me),
        "user_signing_key": master.signed(key_object(me, "user_signing", publics.user_signing), me),
        "auth": {"type": "m.login.password", "identifier": identifier, "password": PASSWORD},
    }
    account.api("POST", "v3/keys/device_signing/upload", body)


def _keys(account: Account) -> Any:
    answer = account.api("POST", "v3/keys/query", {"device_keys": {account.user_id: []}})
    return answer["device_keys"].get(account.user_id, {}).get(account.device_id)


def confirm(account: Account, seeds: Seeds | None = None) -> None:
    """Have the account's device signed by an identity, once its keys are on the server."""
    me = account.user_id
    seeds = seeds or seeds_of(me)
    publish(account, seeds)
    assert wait_until(lambda: bool(_keys(account)))
    keys = _keys(account)
    bare = {name: value for name, value in keys.items() if name not in ("signatures", "unsigned")}
    signed = SigningKey(seeds.self_signing).signed(bare, me)
    answer = account.api("POST", "v3/keys/signatures/upload", {me: {account.device_id: signed}})
    assert answer["failures"] == {}
