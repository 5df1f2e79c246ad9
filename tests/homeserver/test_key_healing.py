"""What could not be read is read once its key is found: dmtui itself, on two devices."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from dmtui.core.model import Doubt, Kind, RoomId
from dmtui.core.recovery import Backup
from dmtui.matrix.key_file import export_keys
from dmtui.matrix.room_decryption import LOCKED, NOT_YET
from dmtui.profile import ProfilePaths
from tests.homeserver.account import Account
from tests.homeserver.dmtui_account import DmtuiAccount
from tests.homeserver.synapse import SynapseServer
from tests.homeserver.talker import ENCRYPTED, Party, Talker
from tests.profiles import key_in_file, sign_in_offline
from tests.test_command_line import CommandLine, assert_fails_in_one_line
from tests.waiting import PATIENCE

PASSPHRASE = "some pass phrase"


def first_device(me: Account, bob: Talker) -> str:
    """An encrypted chat of the two; its room."""
    room_id = bob.account.create_dm(me, initial_state=[ENCRYPTED])
    me.join(room_id)
    me.record_direct(bob.account, room_id)
    return room_id


async def talked(party: Party, directory: Path) -> tuple[DmtuiAccount, Talker, str]:
    """My first device, with two messages of Bob's that it can read."""
    me, bob = party.register(), await party.guest()
    room_id = await asyncio.to_thread(first_device, me, bob)
    dmtui = await DmtuiAccount(me, directory / "first").start()
    await bob.sync()
    bob.crypto.entitlement.set_excepted(me.user_id, True)
    await bob.say(room_id, "one")
    await bob.say(room_id, "two")
    await dmtui.until(lambda: dmtui.bodies(bob.account) == ["one", "two"])
    return dmtui, bob, room_id


def reasons(dmtui: DmtuiAccount, person: Account) -> list[str]:
    return [m.body for m in dmtui.messages(person) if m.kind is Kind.UNDECRYPTABLE]


@pytest.mark.parametrize("at_once", [True, False], ids=["all keys", "as messages need them"])
async def test_messages_of_before_are_read_in_place_once_the_backup_is_unlocked(
    party: Party, synapse: SynapseServer, tmp_path: Path, at_once: bool
) -> None:
    first, bob, _ = await talked(party, tmp_path)
    text = await first.messenger.encryption.set_up("")
    await first.stop()  # which uploads what is not in the backup
    account = synapse.login(first.account.localpart)
    second = await DmtuiAccount(account, tmp_path / "second").start()
    await second.until(lambda: reasons(second, bob.account) == [LOCKED, LOCKED])
    if at_once:
        await second.messenger.encryption.unlock(text)
    else:
        await (await second.messenger.homeserver()).unlock(text)
    await second.until(lambda: second.bodies(bob.account) == ["one", "two"])
    assert reasons(second, bob.account) == []
    await second.stop()


def without_backup(me: Account) -> None:
    """No device of mine uses the backup any more (spec: ``m.key_backup``)."""
    target = f"v3/user/{me.user_id}/account_data/m.key_backup"
    me.api("PUT", target, {"enabled": False})


async def test_my_other_device_gives_the_keys_that_no_backup_has(
    party: Party, synapse: SynapseServer, tmp_path: Path
) -> None:
    first, bob, _ = await talked(party, tmp_path)
    text = await first.messenger.encryption.set_up("")
    await asyncio.to_thread(without_backup, first.account)
    account = await asyncio.to_thread(synapse.login, first.account.localpart)
    second = await DmtuiAccount(account, tmp_path / "second").start()
    await second.until(lambda: reasons(second, bob.account) == [NOT_YET, NOT_YET])
    await (await second.messenger.homeserver()).unlock(text)
    await second.until(lambda: second.bodies(bob.account) == ["one", "two"])
    assert reasons(second, bob.account) == []
    read = [m for m in second.messages(bob.account) if m.kind is Kind.TEXT]
    assert len(read) == 2
    assert Doubt.NONE not in {m.doubt for m in read}
    await second.stop()
    await first.stop()


async def test_new_messages_are_backed_up_while_the_app_runs(
    party: Party, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dmtui.matrix.backup_upkeep._LONGEST_DELAY", 0.1)
    first, bob, room_id = await talked(party, tmp_path)
    await first.messenger.encryption.set_up("")
    bob.crypto.new_session(RoomId(room_id))
    await bob.say(room_id, "three")
    await first.until(lambda: first.bodies(bob.account) == ["one", "two", "three"])
    homeserver = await first.messenger.homeserver()
    async with asyncio.timeout(PATIENCE):
        while (state := await homeserver.encryption()).to_back_up:
            await asyncio.to_thread(first.account.api, "GET", "v3/room_keys/version")
    assert state.backup is Backup.ON
    await first.stop()


@pytest.fixture
def dmtui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    return CommandLine(ProfilePaths.named())


async def test_key_file_takes_messages_to_another_device(
    party: Party, synapse: SynapseServer, tmp_path: Path, dmtui: CommandLine
) -> None:
    first, bob, _ = await talked(party, tmp_path)
    await first.stop()
    file = tmp_path / "keys.txt"
    text, count = await export_keys(first.session, tmp_path / "first" / "keys", PASSPHRASE)
    assert count == 1
    file.write_text(text)
    second = DmtuiAccount(synapse.login(first.account.localpart), tmp_path / "second")
    dmtui.sign_in(second.session).close()

    def run(*arguments: str, typed: str) -> str:
        done = dmtui("recovery", *arguments, typed=typed)
        assert done.code == 0, done
        return done.out

    told = await asyncio.to_thread(run, "import-keys", str(file), typed=f"{PASSPHRASE}\n")
    assert told == "New message keys: 1.\n"
    again = await asyncio.to_thread(run, "import-keys", str(file), typed=f"{PASSPHRASE}\n")
    assert again == "There is no new message key in the file.\n"
    copy = tmp_path / "copy.txt"
    await asyncio.to_thread(run, "export-keys", str(copy), typed="another\n")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    (tmp_path / "second").mkdir(mode=0o700)
    keys = dmtui.paths.encryption.rename(tmp_path / "second" / "keys")
    (keys / "crypto.key").write_text(key_in_file(dmtui.paths).open())
    await second.start()
    await second.until(lambda: second.bodies(bob.account) == ["one", "two"])
    await second.stop()


def test_key_files_refuse_what_they_can_not_do(
    dmtui: CommandLine, tmp_path: Path, synapse: SynapseServer
) -> None:
    me = synapse.register()
    sign_in_offline(dmtui.paths, DmtuiAccount(me, tmp_path).session)
    taken = tmp_path / "taken"
    taken.write_text("mine")
    done = dmtui("recovery", "export-keys", str(taken), typed=f"{PASSPHRASE}\n")
    assert_fails_in_one_line(done, "is there already")
    assert taken.read_text() == "mine"
    done = dmtui("recovery", "import-keys", str(taken), typed=f"{PASSPHRASE}\n")
    assert_fails_in_one_line(done, "not a file of message keys")
    done = dmtui("recovery", "import-keys", str(tmp_path / "nowhere"), typed=f"{PASSPHRASE}\n")
    assert_fails_in_one_line(done, "can't be read")
    done = dmtui("recovery", "export-keys", str(tmp_path / "no" / "where"), typed=PASSPHRASE)
    assert_fails_in_one_line(done, "can't be written")
    assert_fails_in_one_line(dmtui("recovery", "export-keys"), "missing", code=2)
    done = dmtui("recovery", "export-keys", str(tmp_path / "new"))
    assert_fails_in_one_line(done, "Nothing was given", code=2)
    assert not (tmp_path / "new").exists()
    assert dmtui("recovery", "export-keys", str(tmp_path / "new"), typed=PASSPHRASE).code == 0
    done = dmtui("recovery", "import-keys", str(tmp_path / "new"), typed="wrong")
    assert_fails_in_one_line(done, "not the passphrase")
