"""The devices of our own account, as a homeserver may tell of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dmtui.core.errors import NotFound, PasswordNeeded, Refused
from dmtui.core.model import JsonObject
from dmtui.matrix.answers import Challenge
from dmtui.matrix.cross_signing import Seeds, SigningKey, key_object
from dmtui.matrix.crypto_store import CryptoStore
from dmtui.matrix.device_lists import DeviceLists
from dmtui.matrix.identities import Identities
from dmtui.matrix.machine import Machine
from dmtui.matrix.own_devices import OwnDevices

ME = "@me:s"
SEEDS = Seeds(*(f"seed {number}".encode().ljust(32) for number in range(3)))
Json = dict[str, Any]


class Server:
    """Lists devices; takes a sign-out for the password."""

    user_id = ME

    def __init__(self) -> None:
        self.keys: Json = {}
        self.listed: Json = {"devices": []}
        self.signed_out: list[str] = []
        self.metadata: Json | None = None  # of OAuth; then it signs nobody out

    async def api(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        content: Any = body
        match path.rpartition("/")[2]:
            case "query":
                return {"device_keys": {ME: self.keys}, **identity()}
            case "devices":
                return self.listed
            case "auth_metadata" if self.metadata:
                return self.metadata
            case "delete_devices" if self.metadata is None:
                auth = content.get("auth")
                if auth is None or auth.get("password") != "secret":
                    asked: Json = {"flows": [{"stages": ["m.login.password"]}], "session": "1"}
                    raise Challenge(asked)
                self.signed_out += content["devices"]
                return {}
            case _:
                raise NotFound("Unrecognized request", 404, "M_UNRECOGNIZED")


def identity() -> JsonObject:
    publics, master = SEEDS.identity(), SigningKey(SEEDS.master)
    answer: Json = {"master_keys": {ME: key_object(ME, "master", publics.master)}}
    lesser = {"self_signing": publics.self_signing, "user_signing": publics.user_signing}
    for role, public in lesser.items():
        answer[f"{role}_keys"] = {ME: master.signed(key_object(ME, role, public), ME)}
    return answer


class Desk:
    """This device and what its homeserver says of the others."""

    def __init__(self, store: CryptoStore, directory: Path):
        self.server, self.store, self._directory = Server(), store, directory
        self.machine = Machine(ME, "MINE", store)
        verify = self.machine.verify_json
        identities = Identities(store, verify, ME)
        self.lists = DeviceLists(self.server, store, verify, (ME, "MINE"), lambda: 0.0, identities)
        self.devices = OwnDevices(self.server, self.lists, identities, "MINE", self.machine.ed25519)
        self.server.keys["MINE"] = self.machine.device_keys()

    def add(self, name: str, *, signed: bool = False, **more: object) -> None:
        """Another device, whose keys say ``more``."""
        other = CryptoStore(self._directory / f"{name}.db", ME, name, "key")
        machine = Machine(ME, name, other)
        bare = {k: v for k, v in machine.device_keys().items() if k != "signatures"}
        keys: Json = machine.signed({**bare, **more})  # type: ignore[dict-item]
        other.close()
        if signed:
            theirs: Any = SigningKey(SEEDS.self_signing).signed({**keys, "signatures": {}}, ME)
            own = keys["signatures"][ME]
            keys["signatures"] = {ME: {**own, **theirs["signatures"][ME]}}
        self.server.keys[name] = keys

    def trust(self) -> None:
        """This device is part of the identity."""
        self.store.trust_master_key(ME, SEEDS.identity().master)

    async def known(self) -> dict[str, bool | None]:
        """Who is there, and whether they are confirmed."""
        self.lists.changed([ME])
        await self.lists.refresh()
        found = self.devices.known()
        assert found is not None
        return {one.device_id: one.confirmed for one in found}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = CryptoStore(tmp_path / "mine.db", ME, "MINE", "00" * 32)
    yield Desk(store, tmp_path)
    store.close()


async def test_nothing_is_said_while_the_list_may_be_an_old_one(desk: Desk) -> None:
    assert desk.devices.known() is None
    assert await desk.known() == {"MINE": None}
    desk.lists.changed([ME])
    assert desk.devices.known() is None


async def test_devices_are_confirmed_by_the_identity_that_this_one_trusts(desk: Desk) -> None:
    desk.add("PHONE", signed=True)
    desk.add("STRANGE")
    assert await desk.known() == {"MINE": None, "PHONE": None, "STRANGE": None}
    desk.trust()
    assert await desk.known() == {"MINE": False, "PHONE": True, "STRANGE": False}
    desk.store.trust_master_key(ME, "another")
    assert await desk.known() == {"MINE": False, "PHONE": False, "STRANGE": False}


async def test_dehydrated_device_is_hidden_only_once_it_is_confirmed(desk: Desk) -> None:
    desk.trust()
    desk.add("SLEEPING", signed=True, dehydrated=True)
    desk.add("HIDING", dehydrated=True)
    desk.add("ODD", signed=True, dehydrated="true")
    desk.server.listed = {"devices": [{"device_id": "SLEEPING"}]}
    assert await desk.known() == {"MINE": False, "HIDING": False, "ODD": True}
    assert "SLEEPING" not in {one.device_id for one in await desk.devices.all()}


async def test_nothing_is_hidden_before_there_is_an_identity(desk: Desk) -> None:
    desk.add("HIDING", dehydrated=True)
    assert await desk.known() == {"MINE": None, "HIDING": None}


async def test_devices_without_keys_are_listed_on_asking(desk: Desk) -> None:
    desk.add("PHONE", signed=True)
    desk.server.listed = {
        "devices": [
            {"device_id": "SCRIPT", "display_name": "curl\x1b[2J"},
            {"device_id": "PHONE", "display_name": "Renamed"},
            {"device_id": 5},
            {"device_id": ""},
            "PHONE",
        ]
    }
    found = {one.device_id: one for one in await desk.devices.all()}
    assert set(found) == {"MINE", "PHONE", "SCRIPT"}
    assert found["SCRIPT"].fingerprint == ""
    assert "\x1b" not in found["SCRIPT"].name
    assert found["PHONE"].name == "Renamed"
    assert [one.device_id for one in found.values() if one.this] == ["MINE"]


@pytest.mark.parametrize("answer", [{}, {"devices": None}, {"devices": {"a": 1}}])
async def test_list_that_can_not_be_read_leaves_those_with_keys(desk: Desk, answer: Json) -> None:
    desk.add("PHONE")
    desk.server.listed = answer
    assert {one.device_id for one in await desk.devices.all()} == {"MINE", "PHONE"}


async def test_other_keys_under_the_name_of_this_device_confirm_nothing(desk: Desk) -> None:
    desk.trust()
    desk.add("MINE", signed=True)
    assert await desk.known() == {"MINE": False}
    (this,) = desk.devices.known() or ()
    assert this.fingerprint == desk.machine.ed25519


async def test_device_is_signed_out_for_the_password_alone(desk: Desk) -> None:
    await desk.known()
    for password in ("", "wrong"):
        with pytest.raises(PasswordNeeded):
            await desk.devices.sign_out("PHONE", password)
    assert desk.server.signed_out == []
    await desk.devices.sign_out("PHONE", "secret")
    assert desk.server.signed_out == ["PHONE"]
    assert desk.devices.known() is None  # to be asked for anew


PAGE = "https://account.example.org/me"
OFFERS: dict[str, tuple[Json, str]] = {
    "an action": (
        {"account_management_actions_supported": ["org.matrix.device_delete"]},
        f"at {PAGE}?action=org.matrix.device_delete&device_id=PHONE.",
    ),
    "an older action": (
        {"account_management_actions_supported": ["org.matrix.session_end"]},
        f"at {PAGE}?action=org.matrix.session_end&device_id=PHONE.",
    ),
    "no action": ({}, f"at {PAGE}."),
    "malformed actions": ({"account_management_actions_supported": 5}, f"at {PAGE}."),
    "a script": ({"account_management_uri": "javascript:alert(1)"}, "on the web."),
    "no page": ({"account_management_uri": None}, "on the web."),
}


@pytest.mark.parametrize("offer", OFFERS)
async def test_account_that_is_managed_on_the_web_says_where(desk: Desk, offer: str) -> None:
    more, end = OFFERS[offer]
    desk.server.metadata = {"account_management_uri": PAGE, **more}
    with pytest.raises(Refused) as refusal:
        await desk.devices.sign_out("PHONE", "")
    assert str(refusal.value).endswith(end)
