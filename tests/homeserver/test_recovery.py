"""Recovery against a real homeserver: set-up, unlocking, and every place where they can break."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import vodozemac

from dmtui.core.errors import (
    ApprovalNeeded,
    BadContent,
    BadRecoveryKey,
    DmtuiError,
    IdentityExists,
    NotFound,
    PasswordNeeded,
    Recoverable,
    Refused,
    Unreachable,
    WrongIdentity,
)
from dmtui.core.model import JsonObject
from dmtui.core.recovery import Backup, Identity, read_recovery_key, recovery_key_text
from dmtui.matrix.backup_cipher import ALGORITHM
from dmtui.matrix.cross_signing import Seeds, SigningKey, key_object
from dmtui.matrix.crypto import Crypto
from tests.homeserver.account import Account, Json, MatrixError
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.synapse import PASSWORD, SynapseServer
from tests.homeserver.talker import Party, Talker
from tests.homeserver.test_key_backup import backed_up, names, planted, version_of

DEFAULT = "m.secret_storage.default_key"


def keys_of(account: Account) -> Json:
    """What the server tells the account of its own keys."""
    return account.api("POST", "v3/keys/query", {"device_keys": {account.user_id: []}})


def master_of(account: Account) -> Json:
    return dict(keys_of(account)["master_keys"][account.user_id])


def versions(account: Account, first: int = 1) -> list[str]:
    """The names of all backups on the server, oldest first, of which the first is not older."""
    newest = int(version_of(account)["version"])
    found = []
    for number in range(first, newest + 1):
        with contextlib.suppress(MatrixError):
            found.append(account.api("GET", f"v3/room_keys/version/{number}")["version"])
    return found


def put_into_backup(account: Account) -> tuple[str, str]:
    """A new session, its key in the account's backup and nowhere else."""
    room_id, group, version = "!old:localhost", vodozemac.GroupSession(), version_of(account)
    body = planted(version["auth_data"]["public_key"], room_id, group, "another's")
    account.api("PUT", "v3/room_keys/keys", body, version=version["version"])
    return room_id, group.session_id


def signers(account: Account, device_id: str) -> set[str]:
    """The names of the keys that signed a device."""
    device = keys_of(account)["device_keys"][account.user_id][device_id]
    return set(device["signatures"][account.user_id])


async def test_set_up_leaves_a_whole_identity_on_the_server(party: Party) -> None:
    alice = await party.guest(confirmed=False)
    before = await alice.crypto.identity.encryption()
    assert (before.identity, before.recovery, before.backup) == (
        Identity.NONE,
        False,
        Backup.NONE,
    )
    text = await alice.crypto.identity.set_up("", "")
    assert len(read_recovery_key(text)) == 32
    after = await alice.crypto.identity.encryption()
    assert (after.identity, after.recovery, after.passphrase, after.backup, after.unkept_key) == (
        Identity.OURS,
        True,
        False,
        Backup.ON,
        True,
    )
    me = alice.account
    default = me.account_data("m.secret_storage.default_key")
    assert default is not None
    for name in (
        "m.cross_signing.master",
        "m.cross_signing.self_signing",
        "m.cross_signing.user_signing",
        "m.megolm_backup.v1",
    ):
        kept = me.account_data(name)
        assert kept is not None
        assert list(kept["encrypted"]) == [default["key"]]
    assert me.account_data("m.key_backup") == {"enabled": True}
    (public,) = keys_of(me)["self_signing_keys"][me.user_id]["keys"]
    assert public in signers(me, me.device_id)
    version = me.api("GET", "v3/room_keys/version")
    (master,) = master_of(me)["keys"]
    assert set(version["auth_data"]["signatures"][me.user_id]) == {
        master,
        f"ed25519:{me.device_id}",
    }


async def test_a_second_device_unlocks_and_is_signed(party: Party, synapse: SynapseServer) -> None:
    alice = await party.guest(confirmed=False)
    text = await alice.crypto.identity.set_up("", "")
    other = await party.guest(synapse.login(alice.account.localpart), confirmed=False)
    locked = await other.crypto.identity.encryption()
    assert (locked.identity, locked.recovery, locked.backup) == (
        Identity.LOCKED,
        True,
        Backup.LOCKED,
    )
    await other.crypto.identity.unlock(text.replace(" ", "\t"))
    opened = await other.crypto.identity.encryption()
    assert (opened.identity, opened.backup, opened.unkept_key) == (
        Identity.OURS,
        Backup.ON,
        False,
    )
    me = other.account
    (public,) = keys_of(me)["self_signing_keys"][me.user_id]["keys"]
    assert signers(me, me.device_id) == {public, f"ed25519:{me.device_id}"}


async def test_identity_survives_a_restart_and_its_master_key_is_not_kept(party: Party) -> None:
    alice = await party.guest(confirmed=False)
    text = await alice.crypto.identity.set_up("", "")
    assert await alice.crypto.identity.set_up("", "") == text
    alice.crypto.identity.kept()
    await alice.restart()
    state = await alice.crypto.identity.encryption()
    assert (state.identity, state.backup, state.unkept_key) == (Identity.OURS, Backup.ON, False)
    with contextlib.closing(sqlite3.connect(alice.directory / "crypto.db")) as database:
        kept = {name for (name,) in database.execute("SELECT name FROM secret")}
    assert kept == {
        "m.cross_signing.self_signing",
        "m.cross_signing.user_signing",
        "m.megolm_backup.v1",
    }
    with pytest.raises(IdentityExists):
        await alice.crypto.identity.set_up("", "")


async def test_a_passphrase_opens_as_well_as_the_key(party: Party, synapse: SynapseServer) -> None:
    alice = await party.guest(confirmed=False)
    text = await alice.crypto.identity.set_up("correct horse", "")
    assert (await alice.crypto.identity.encryption()).passphrase
    for secret in ("correct horse", text):
        other = await party.guest(synapse.login(alice.account.localpart), confirmed=False)
        await other.crypto.identity.unlock(secret)
        assert (await other.crypto.identity.encryption()).identity is Identity.OURS
    with pytest.raises(BadRecoveryKey):
        await other.crypto.identity.unlock("incorrect horse")
    with pytest.raises(IdentityExists):
        await alice.crypto.identity.set_up("another one", "")


async def test_what_does_not_open_is_told_and_changes_nothing(
    party: Party, synapse: SynapseServer, proxy: FaultProxy
) -> None:
    alice = await party.guest(confirmed=False)
    with pytest.raises(NotFound):
        await alice.crypto.identity.unlock(recovery_key_text(bytes(32)))
    text = await alice.crypto.identity.set_up("", "")
    other = await party.guest(
        synapse.login(alice.account.localpart), proxy.base_url, confirmed=False
    )
    asked = len(proxy.requests())
    with pytest.raises(BadRecoveryKey, match="typo"):
        await other.crypto.identity.unlock(text[:-1] + ("1" if text[-1] != "1" else "2"))
    assert len(proxy.requests()) == asked
    for wrong in (recovery_key_text(bytes(32)), "a passphrase", ""):
        with pytest.raises(BadRecoveryKey):
            await other.crypto.identity.unlock(wrong)
    assert (await other.crypto.identity.encryption()).identity is Identity.LOCKED


async def test_an_identity_is_never_overwritten(party: Party, synapse: SynapseServer) -> None:
    alice = await party.guest(confirmed=False)
    await alice.crypto.identity.set_up("", "")
    before = (keys_of(alice.account)["master_keys"], alice.account.account_data(DEFAULT))
    other = await party.guest(synapse.login(alice.account.localpart), confirmed=False)
    with pytest.raises(IdentityExists):
        await other.crypto.identity.set_up("", PASSWORD)
    assert before == (keys_of(alice.account)["master_keys"], alice.account.account_data(DEFAULT))


class Breaking:
    """Requests that break off at one of them: before the server acts, or after."""

    def __init__(self, talker: Talker, breaks_at: int, acted: bool):
        self.user_id = talker.account.user_id
        self._client = talker.client
        self._left = breaks_at
        self._acted = acted

    @property
    def broke(self) -> bool:
        return self._left <= 0

    async def api(self, method: str, path: str, body: JsonObject | None = None, /) -> JsonObject:
        self._left -= 1
        if self._left:
            return await self._client.api(method, path, body)
        if self._acted:
            with contextlib.suppress(Refused):
                await self._client.api(method, path, body)
        raise Unreachable("cut off")


async def broken_off(talker: Talker, act: str, secret: str, breaks_at: int, acted: bool) -> bool:
    """Whether it broke off; the process is then gone, and started again."""
    talker.crypto.close()
    requests = Breaking(talker, breaks_at, acted)
    talker.crypto = Crypto.open(requests, talker.session, talker.directory)
    try:
        if act == "set_up":
            await talker.crypto.identity.set_up(secret, "")
        elif act == "reset":
            await talker.crypto.identity.set_up(secret, PASSWORD, replacing=True)
        else:
            await talker.crypto.identity.unlock(secret)
    except Unreachable:
        pass
    await talker.restart()
    return requests.broke


@pytest.mark.parametrize("acted", [False, True], ids=["not acted", "acted"])
async def test_a_set_up_broken_off_at_any_request_is_completed(
    party: Party, synapse: SynapseServer, acted: bool
) -> None:
    for breaks_at in itertools.count(1):
        alice = await party.guest(confirmed=False)
        if not await broken_off(alice, "set_up", "", breaks_at, acted):
            break
        state = await alice.crypto.identity.encryption()
        assert state.identity in (Identity.NONE, Identity.UNFINISHED)
        masters = keys_of(alice.account)["master_keys"]
        text = await alice.crypto.identity.set_up("", "")
        assert not masters or keys_of(alice.account)["master_keys"] == masters
        assert (await alice.crypto.identity.encryption()).identity is Identity.OURS
        assert alice.account.api("GET", "v3/room_keys/version")["version"] == "1"
        other = await party.guest(synapse.login(alice.account.localpart), confirmed=False)
        await other.crypto.identity.unlock(text)
        state = await other.crypto.identity.encryption()
        assert (state.identity, state.backup) == (Identity.OURS, Backup.ON)
    assert breaks_at > 12


@pytest.mark.parametrize("acted", [False, True], ids=["not acted", "acted"])
async def test_unlocking_broken_off_at_any_request_is_completed(
    party: Party, synapse: SynapseServer, acted: bool
) -> None:
    alice = await party.guest(confirmed=False)
    text = await alice.crypto.identity.set_up("", "")
    for breaks_at in itertools.count(1):
        other = await party.guest(synapse.login(alice.account.localpart), confirmed=False)
        if not await broken_off(other, "unlock", text, breaks_at, acted):
            break
        await other.crypto.identity.unlock(text)
        state = await other.crypto.identity.encryption()
        assert (state.identity, state.backup) == (Identity.OURS, Backup.ON)
    assert breaks_at > 7


async def test_resuming_with_another_passphrase_makes_that_one_right(
    party: Party, synapse: SynapseServer
) -> None:
    alice = await party.guest(confirmed=False)
    assert await broken_off(alice, "set_up", "", 8, acted=True)
    await alice.crypto.identity.set_up("correct horse", "")
    other = await party.guest(synapse.login(alice.account.localpart), confirmed=False)
    await other.crypto.identity.unlock("correct horse")
    assert (await other.crypto.identity.encryption()).identity is Identity.OURS


async def test_an_identity_made_elsewhere_meanwhile_ends_a_broken_set_up(
    party: Party, synapse: SynapseServer
) -> None:
    alice = await party.guest(confirmed=False)
    assert await broken_off(alice, "set_up", "", 5, acted=False)
    other = await party.guest(synapse.login(alice.account.localpart), confirmed=False)
    text = await other.crypto.identity.set_up("", "")
    with pytest.raises(IdentityExists):
        await alice.crypto.identity.set_up("", "")
    assert (await alice.crypto.identity.encryption()).identity is Identity.LOCKED
    await alice.crypto.identity.unlock(text)
    assert (await alice.crypto.identity.encryption()).identity is Identity.OURS


# -- proving who asks -----------------------------------------------------------------------

UPLOAD = "/keys/device_signing/upload"


def challenge(stage: str, **params: object) -> Json:
    return {"session": "abc", "flows": [{"stages": [stage]}], "params": {stage: params}}


async def test_a_password_is_asked_for_and_given_once(party: Party, proxy: FaultProxy) -> None:
    alice = await party.guest(url=proxy.base_url, confirmed=False)
    asks = challenge("m.login.password")
    proxy.add(UPLOAD, times=1, status=401, body=asks)
    with pytest.raises(PasswordNeeded):
        await alice.crypto.identity.set_up("", "")
    refusal = {**asks, "errcode": "M_FORBIDDEN", "error": "Invalid password"}
    proxy.add(UPLOAD, times=2, status=401, body=refusal)
    with pytest.raises(PasswordNeeded, match="not the password"):
        await alice.crypto.identity.set_up("", "wrong")
    proxy.clear()
    proxy.add(UPLOAD, times=1, status=401, body=asks)
    await alice.crypto.identity.set_up("", PASSWORD)
    auth = proxy.requests(UPLOAD)[-1].json["auth"]
    assert auth == {
        "type": "m.login.password",
        "session": "abc",
        "identifier": {"type": "m.id.user", "user": alice.account.user_id},
        "password": PASSWORD,
    }
    assert (await alice.crypto.identity.encryption()).identity is Identity.OURS


@pytest.mark.parametrize("stage", ["m.oauth", "org.matrix.cross_signing_reset"])
async def test_an_approval_is_asked_for_and_waited_for(
    party: Party, proxy: FaultProxy, stage: str
) -> None:
    alice = await party.guest(url=proxy.base_url, confirmed=False)
    url = "https://example.org/account?action=org.matrix.cross_signing_reset"
    proxy.add(UPLOAD, times=3, status=401, body=challenge(stage, url=url))
    for _ in range(2):
        with pytest.raises(ApprovalNeeded) as caught:
            await alice.crypto.identity.set_up("", "")
        assert caught.value.url == url
    with contextlib.suppress(ApprovalNeeded):
        await alice.crypto.identity.set_up("", "")
    await alice.crypto.identity.set_up("", "")
    assert proxy.requests(UPLOAD)[-1].json["auth"] == {"session": "abc"}
    assert (await alice.crypto.identity.encryption()).identity is Identity.OURS


@pytest.mark.parametrize(
    "body",
    [
        {"flows": [], "session": "abc"},
        challenge("m.login.terms"),
        challenge("m.oauth", url="javascript:alert(1)"),
        challenge("m.oauth", url=5),
        {"flows": [5, {"stages": 5}, {}], "params": [], "session": {}},
    ],
    ids=["no flow", "unknown", "script", "no url", "garbage"],
)
async def test_a_challenge_that_can_not_be_met_is_a_refusal(
    party: Party, proxy: FaultProxy, body: Json
) -> None:
    alice = await party.guest(url=proxy.base_url, confirmed=False)
    proxy.add(UPLOAD, status=401, body=body)
    with pytest.raises(Refused):
        await alice.crypto.identity.set_up("", PASSWORD)


# -- a homeserver that lies -----------------------------------------------------------------


class Lying:
    """Requests whose answers of one path are changed."""

    def __init__(self, talker: Talker, part: str, change: Callable[[Json], object]):
        self.user_id = talker.account.user_id
        self._client = talker.client
        self._part, self._change = part, change

    async def api(self, method: str, path: str, body: JsonObject | None = None, /) -> JsonObject:
        answer: Json = await self._client.api(method, path, body)
        if self._part in path and method in ("GET", "POST"):
            self._change(answer)
        return answer


def listen_to_lies(talker: Talker, part: str, change: Callable[[Json], object]) -> None:
    talker.crypto.close()
    lying = Lying(talker, part, change)
    talker.crypto = Crypto.open(lying, talker.session, talker.directory)


def mine(answer: Json, role: str) -> Json:
    return dict(next(iter(answer[f"{role}_keys"].values())))


def put(answer: Json, role: str, content: object) -> None:
    for user_id in answer[f"{role}_keys"]:
        answer[f"{role}_keys"][user_id] = content


def forged(answer: Json) -> None:
    """An identity whole in itself, of somebody else's making."""
    me = next(iter(answer["master_keys"]))
    seeds = Seeds(*(bytes([one]) * 32 for one in (1, 2, 3)))
    master, publics = SigningKey(seeds.master), seeds.identity()
    put(answer, "master", key_object(me, "master", publics.master))
    for role, public in (
        ("self_signing", publics.self_signing),
        ("user_signing", publics.user_signing),
    ):
        put(answer, role, master.signed(key_object(me, role, public), me))


ROLES = ("master", "self_signing", "user_signing")


def without_identity(answer: Json) -> None:
    for role in ROLES:
        del answer[f"{role}_keys"]


def of_nobody(answer: Json) -> None:
    for role in ROLES:
        answer[f"{role}_keys"] = {}


def swapped(answer: Json) -> None:
    put(answer, "self_signing", mine(answer, "user_signing"))


def one_for_all(answer: Json) -> None:
    for role in ROLES:
        put(answer, role, {**mine(answer, "master"), "usage": [role]})


def lies_about(role: str) -> dict[str, Callable[[Json], object]]:
    """What may be wrong with one of the keys."""

    def changed(**fields: object) -> Callable[[Json], object]:
        return lambda answer: put(answer, role, {**mine(answer, role), **fields})

    def replaced(content: object) -> Callable[[Json], object]:
        return lambda answer: put(answer, role, content)

    def doubled(answer: Json) -> None:
        key = mine(answer, role)
        put(answer, role, {**key, "keys": {**key["keys"], "ed25519:x": "x"}})

    def misnamed(answer: Json) -> None:
        key = mine(answer, role)
        (public,) = key["keys"].values()
        put(answer, role, {**key, "keys": {"ed25519:DEVICE": public}})

    lies = {
        "missing": lambda answer: answer.pop(f"{role}_keys"),
        "null": replaced(None),
        "text": replaced("key"),
        "all a list": lambda answer: answer.update({f"{role}_keys": []}),
        "without usage": changed(usage=[]),
        "of another use": changed(usage=[role, "master"]),
        "of another user": changed(user_id="@eve:localhost"),
        "two keys": doubled,
        "misnamed": misnamed,
        "no key": changed(keys={"ed25519:5": 5}),
    }
    if role != "master":
        lies |= {
            "unsigned": changed(signatures={}),
            "signed with garbage": changed(signatures={"@a:b": 5}),
            "changed after signing": changed(more=1),
        }
    return {f"{role} {name}": lie for name, lie in lies.items()}


LIES: dict[str, Callable[[Json], object]] = {
    "another identity": forged,
    "no identity": without_identity,
    "identity of nobody": of_nobody,
    "keys swapped": swapped,
    "master key for all": one_for_all,
    **lies_about("master"),
    **lies_about("self_signing"),
    **lies_about("user_signing"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_no_lie_about_the_identity_is_believed(
    liars: tuple[Talker, Talker, str], lie: str
) -> None:
    alice, other, text = liars
    listen_to_lies(other, "/keys/query", LIES[lie])
    with pytest.raises(WrongIdentity):
        await other.crypto.identity.unlock(text)
    state = await other.crypto.identity.encryption()
    assert state.identity in (Identity.LOCKED, Identity.NONE)
    me = other.account
    assert signers(me, me.device_id) == {f"ed25519:{me.device_id}"}
    listen_to_lies(alice, "/keys/query", LIES[lie])
    assert (await alice.crypto.identity.encryption()).identity is Identity.CHANGED


def scrambled(text: str) -> str:
    return ("B" if text[0] == "A" else "A") + text[1:]


def in_entry(change: Callable[[Json], object]) -> Callable[[Json], object]:
    def change_entry(answer: Json) -> None:
        for entry in answer["encrypted"].values():
            change(entry)

    return change_entry


STORED: dict[str, tuple[str, Callable[[Json], object], type[DmtuiError]]] = {
    "no default": ("default_key", lambda a: a.clear(), NotFound),
    "default of a wrong kind": ("default_key", lambda a: a.update(key=5), BadContent),
    "unknown algorithm": ("storage.key.", lambda a: a.update(algorithm="rot13"), BadContent),
    "no description": ("storage.key.", lambda a: a.clear(), BadContent),
    "short vector": ("storage.key.", lambda a: a.update(iv="YWI"), BadContent),
    "mac of a wrong kind": ("storage.key.", lambda a: a.update(mac=[]), BadContent),
    "wrong mac": ("storage.key.", lambda a: a.update(mac=scrambled(a["mac"])), BadRecoveryKey),
    "no secret": ("cross_signing.master", lambda a: a.clear(), NotFound),
    "secret under another key": (
        "cross_signing.self_signing",
        lambda a: a.update(encrypted={"other": {}}),
        NotFound,
    ),
    "secret damaged": (
        "cross_signing.user_signing",
        in_entry(lambda e: e.update(ciphertext=scrambled(e["ciphertext"]))),
        BadContent,
    ),
    "secret of a wrong kind": (
        "cross_signing.master",
        in_entry(lambda e: e.update(iv=5)),
        BadContent,
    ),
    "endless work for a passphrase": (
        "storage.key.",
        lambda a: a.update(
            passphrase={"algorithm": "m.pbkdf2", "salt": "s", "iterations": 10**12}, mac=None
        ),
        BadContent,
    ),
}


@pytest.mark.parametrize("lie", STORED)
async def test_no_lie_about_the_secrets_is_believed(
    liars: tuple[Talker, Talker, str], lie: str
) -> None:
    _, other, text = liars
    part, change, error = STORED[lie]
    listen_to_lies(other, part, change)
    with pytest.raises(error):
        await other.crypto.identity.unlock("phrase" if "work" in lie else text)
    assert (await other.crypto.identity.encryption()).identity is Identity.LOCKED


async def test_a_description_without_a_check_still_opens(
    party: Party, synapse: SynapseServer
) -> None:
    _, other, text = await two_devices(party, synapse)
    listen_to_lies(other, "storage.key.", lambda a: [a.pop("mac"), a.pop("iv")])
    with pytest.raises(BadContent):
        await other.crypto.identity.unlock(recovery_key_text(bytes(32)))
    await other.crypto.identity.unlock(text)
    assert (await other.crypto.identity.encryption()).identity is Identity.OURS


async def test_a_signature_that_the_server_does_not_take_is_told(
    party: Party, synapse: SynapseServer
) -> None:
    _, other, text = await two_devices(party, synapse)
    refusal = {"@me:localhost": {"DEVICE": {"errcode": "M_INVALID_SIGNATURE"}}}
    listen_to_lies(other, "/keys/signatures/upload", lambda a: a.update(failures=refusal))
    with pytest.raises(Recoverable):
        await other.crypto.identity.unlock(text)


async def test_a_device_whose_signature_the_server_hides_is_not_called_ours(
    party: Party,
) -> None:
    alice = await party.guest(confirmed=False)
    await alice.crypto.identity.set_up("", "")

    def hide(answer: Json) -> None:
        for device in answer["device_keys"][alice.account.user_id].values():
            device["signatures"] = {}

    listen_to_lies(alice, "/keys/query", hide)
    assert (await alice.crypto.identity.encryption()).identity is Identity.LOCKED


@pytest.fixture(scope="module")
def at_rest(
    synapse: SynapseServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Account, Account, str]:
    """A device with an identity, another one without, and the key; what they keep, to be copied."""
    directory = tmp_path_factory.mktemp("at-rest")

    async def made() -> tuple[Path, Account, Account, str]:
        async with AsyncExitStack() as stack:
            alice, other, text = await two_devices(Party(synapse, directory, stack), synapse)
            return directory, alice.account, other.account, text

    return asyncio.run(made())


async def two_devices(party: Party, synapse: SynapseServer) -> tuple[Talker, Talker, str]:
    """A device with an identity, another one without, and the key."""
    alice = await party.guest(confirmed=False)
    text = await alice.crypto.identity.set_up("", "")
    return alice, await party.guest(synapse.login(alice.account.localpart), confirmed=False), text


@pytest.fixture
async def liars(
    at_rest: tuple[Path, Account, Account, str], party: Party, tmp_path: Path
) -> tuple[Talker, Talker, str]:
    """Copies of two devices, and the key, for tests that change nothing on the server."""
    directory, alice, other, text = at_rest
    shutil.copytree(directory, tmp_path, dirs_exist_ok=True)
    return (
        await party.guest(alice, confirmed=False),
        await party.guest(other, confirmed=False),
        text,
    )


# -- giving an identity up ------------------------------------------------------------------


async def test_a_reset_makes_a_new_identity_once_the_password_is_given(
    party: Party, synapse: SynapseServer
) -> None:
    alice = await party.guest(confirmed=False)
    old = await alice.crypto.identity.set_up("", "")
    other = await party.guest(synapse.login(alice.account.localpart), confirmed=False)
    before = master_of(alice.account)
    for wrong in ("", "wrong"):
        with pytest.raises(PasswordNeeded):
            await other.crypto.identity.set_up("", wrong, replacing=True)
        assert master_of(alice.account) == before
        assert (await alice.crypto.identity.encryption()).identity is Identity.OURS
        third = await party.guest(synapse.login(alice.account.localpart), confirmed=False)
        await third.crypto.identity.unlock(old)
    new = await other.crypto.identity.set_up("", PASSWORD, replacing=True)
    assert new != old
    assert master_of(alice.account) != before
    state = await other.crypto.identity.encryption()
    assert (state.identity, state.backup) == (Identity.OURS, Backup.ON)
    kept = alice.account.account_data("m.cross_signing.master")
    default = alice.account.account_data(DEFAULT)
    assert kept is not None
    assert default is not None
    assert list(kept["encrypted"]) == [default["key"]]
    assert (await alice.crypto.identity.encryption()).identity is Identity.CHANGED
    with pytest.raises(BadRecoveryKey):
        await alice.crypto.identity.unlock(old)
    await alice.crypto.identity.unlock(new)
    state = await alice.crypto.identity.encryption()
    assert (state.identity, state.backup) == (Identity.OURS, Backup.ON)


async def test_a_reset_leaves_one_backup_and_all_keys_that_could_be_read_in_it(
    party: Party, synapse: SynapseServer
) -> None:
    alice, bob, room_id = await party.plain_pair()
    key = await alice.crypto.identity.set_up("", "")
    await bob.say(room_id, "from Bob")
    await alice.sync()
    lost = put_into_backup(alice.account)
    unreadable = vodozemac.Curve25519SecretKey().public_key().to_base64()
    for _ in range(2):
        body = {"algorithm": ALGORITHM, "auth_data": {"public_key": unreadable}}
        alice.account.api("POST", "v3/room_keys/version", body)
    assert len(versions(alice.account)) == 3
    new = await alice.crypto.identity.set_up("", PASSWORD, replacing=True)
    assert new != key
    version = version_of(alice.account)
    assert versions(alice.account) == [version["version"]]
    assert await alice.crypto.backup.upload() == 0
    held = names(backed_up(alice.account))
    assert held == set(alice.crypto._store.sessions())
    assert len(held) == 2
    assert lost in held
    newcomer = await party.guest(synapse.login(alice.account.localpart), confirmed=False)
    await newcomer.sync()
    await newcomer.crypto.identity.unlock(new)
    await newcomer.crypto.backup_upkeep.restore(lambda done, of: None)
    assert newcomer.read() == ["from Bob"]


async def test_a_reset_by_a_device_without_the_old_key_takes_its_own_keys_along(
    party: Party, synapse: SynapseServer
) -> None:
    alice, bob, room_id = await party.plain_pair()
    await alice.crypto.identity.set_up("", "")
    lost = put_into_backup(alice.account)
    other = await party.guest(synapse.login(alice.account.localpart), confirmed=False)
    await other.sync()
    other.crypto.entitlement.set_excepted(bob.account.user_id, True)
    await other.say(room_id, "from here")
    await other.crypto.identity.set_up("", PASSWORD, replacing=True)
    assert len(versions(alice.account)) == 1
    assert await other.crypto.backup.upload() == 0
    held = names(backed_up(alice.account))
    assert held == set(other.crypto._store.sessions())
    assert len(held) == 1
    assert lost not in held


async def test_key_that_nobody_has_kept_yet_is_shown_until_a_reset_is_through(
    party: Party,
) -> None:
    alice = await party.guest(confirmed=False)
    old = await alice.crypto.identity.set_up("", "")
    with pytest.raises(PasswordNeeded):
        await alice.crypto.identity.set_up("", "", replacing=True)
    assert await alice.crypto.identity.set_up("", "") == old
    assert (await alice.crypto.identity.encryption()).unkept_key
    new = await alice.crypto.identity.set_up("", PASSWORD, replacing=True)
    assert await alice.crypto.identity.set_up("", "") == new != old


async def test_new_backup_named_as_the_old_one_gets_all_keys(party: Party) -> None:
    alice, bob, room_id = await party.plain_pair()
    await alice.crypto.identity.set_up("", "")
    await bob.say(room_id, "from Bob")
    await alice.sync()
    assert await alice.crypto.backup.upload() == 0
    (name,) = versions(alice.account)
    alice.account.api("DELETE", f"v3/room_keys/version/{name}")
    assert await alice.crypto.backup.connect() is Backup.NONE
    listen_to_lies(alice, "/room_keys/version", lambda a: a.update(version=name))
    await alice.crypto.identity.set_up("", PASSWORD, replacing=True)
    assert alice.crypto.backup.missing() == 1


async def test_server_that_deletes_no_backup_is_not_asked_for_ever(
    party: Party, proxy: FaultProxy
) -> None:
    alice = await party.guest(url=proxy.base_url, confirmed=False)
    old = await alice.crypto.identity.set_up("", "")
    proxy.add(path="/room_keys/version/", method="DELETE", status=200, body={})
    with pytest.raises(Recoverable, match="does not delete"):
        await alice.crypto.identity.set_up("", PASSWORD, replacing=True)
    state = await alice.crypto.identity.encryption()
    assert (state.identity, state.unkept_key) == (Identity.UNFINISHED, False)
    proxy.clear()
    assert await alice.crypto.identity.set_up("", "") != old
    assert (await alice.crypto.identity.encryption()).identity is Identity.OURS
    assert len(versions(alice.account)) == 1


@pytest.mark.parametrize("acted", [False, True], ids=["not acted", "acted"])
async def test_a_reset_broken_off_at_any_request_leaves_the_old_or_completes_the_new(
    party: Party, synapse: SynapseServer, acted: bool
) -> None:
    alice = await party.guest(confirmed=False)
    key = await alice.crypto.identity.set_up("", "")
    other = await party.guest(synapse.login(alice.account.localpart), confirmed=False)
    await other.crypto.identity.unlock(key)
    saved: set[tuple[str, str]] = set()
    for breaks_at in itertools.count(1):
        before = master_of(alice.account)
        old_backup = int(version_of(alice.account)["version"])
        saved.add(put_into_backup(alice.account))
        if not await broken_off(other, "reset", "", breaks_at, acted):
            break
        if master_of(alice.account) == before:
            await alice.crypto.identity.unlock(key)
            assert (await alice.crypto.backup.state())[0] is Backup.ON
        else:
            state = await other.crypto.identity.encryption()
            assert state.identity is Identity.UNFINISHED
        made = master_of(alice.account)
        key = await other.crypto.identity.set_up("", PASSWORD, replacing=True)
        assert made in (before, master_of(alice.account))
        assert master_of(alice.account) != before
        await alice.crypto.identity.unlock(key)
        state = await alice.crypto.identity.encryption()
        assert (state.identity, state.backup) == (Identity.OURS, Backup.ON)
        assert await other.crypto.backup.upload() == 0
        assert names(backed_up(alice.account)) == saved
        assert versions(alice.account, old_backup) == [str(old_backup + 1)]
    assert breaks_at > 24
