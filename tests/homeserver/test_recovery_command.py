"""``dmtui recovery`` as scripts and people use it, on a real homeserver."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from dmtui.core.recovery import read_recovery_key, recovery_key_text
from dmtui.profile import ProfilePaths
from tests.homeserver.account import Account
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.synapse import PASSWORD, SynapseServer
from tests.test_command_line import CommandLine, assert_fails_in_one_line

UPLOAD = "/keys/device_signing/upload"


@pytest.fixture
def dmtui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    return CommandLine(ProfilePaths.named())


def sign_in(dmtui: CommandLine, me: Account, url: str, profile: str = "default") -> None:
    done = dmtui(
        *("--profile", profile, "login", me.user_id, "--homeserver", url, "--password-stdin"),
        typed=f"{me.password}\n",
    )
    assert done.code == 0, done


def test_what_one_profile_sets_up_another_one_unlocks(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me = synapse.register()
    sign_in(dmtui, me, synapse.base_url)
    assert dmtui("recovery").out.startswith("There is no encryption identity")
    nothing = "There is no copy of a recovery key on this computer.\n"
    assert dmtui("recovery", "kept").out == nothing
    done = dmtui("recovery", "set-up")
    assert done.code == 0
    assert done.complaint.endswith("dmtui recovery kept destroys the copy here.\n")
    read_recovery_key(done.out)
    assert dmtui("recovery", "set-up").out == done.out
    assert "dmtui recovery set-up shows it" in dmtui("recovery", "status").out
    assert "is destroyed" in dmtui("recovery", "kept").out
    assert dmtui("recovery", "kept").out == nothing
    status = dmtui("recovery", "--json").json
    devices = status.pop("devices")
    this = [one for one in devices if one["this"]]
    assert [(one["confirmed"], len(one["fingerprint"])) for one in this] == [(True, 43)]
    assert status == {
        "identity": "ours",
        "recovery": True,
        "passphrase": False,
        "backup": "on",
        "to_back_up": 0,
        "unkept_key": False,
        "key_place": "file",
    }
    assert_fails_in_one_line(dmtui("recovery", "set-up"), "nothing to set up")
    sign_in(dmtui, me, synapse.base_url, "second")
    second = ("--profile", "second", "recovery")
    assert "dmtui recovery unlock joins it" in dmtui(*second).out
    wrong = recovery_key_text(bytes(32))
    assert_fails_in_one_line(dmtui(*second, "unlock", typed=wrong), "not the recovery key")
    assert_fails_in_one_line(dmtui(*second, "unlock", typed=done.out[:-3]), "has a typo")
    unlocked = dmtui(*second, "unlock", typed=done.out)
    assert unlocked.out == (
        "Unlocked: this device is part of your encryption identity.\n"
        "Message keys restored from the backup: 0.\n"
    )
    assert dmtui(*second, "--json").json["identity"] == "ours"


def test_devices_that_are_not_confirmed_are_named(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me = synapse.register()
    sign_in(dmtui, me, synapse.base_url)
    assert dmtui("recovery", "set-up").code == 0
    sign_in(dmtui, me, synapse.base_url, "second")
    assert dmtui("--profile", "second", "send", me.user_id, "hello").code == 0
    lines = dmtui("recovery").out.splitlines()
    (named,) = [line for line in lines if line.startswith("Signed in to your account and not")]
    devices = dmtui("recovery", "--json").json["devices"]
    strange = [one["device_id"] for one in devices if one["confirmed"] is False]
    assert len(strange) == 1
    assert strange[0] in named


def test_passphrase_and_password_come_from_standard_input(
    dmtui: CommandLine, synapse: SynapseServer, proxy: FaultProxy
) -> None:
    me = synapse.register()
    sign_in(dmtui, me, proxy.base_url)
    asks = {"session": "abc", "flows": [{"stages": ["m.login.password"]}]}
    proxy.add(UPLOAD, times=2, status=401, body=asks)
    done = dmtui("recovery", "set-up", "--passphrase", typed=f"correct horse\n{PASSWORD}\n")
    assert done.code == 0
    read_recovery_key(done.out)
    assert proxy.requests(UPLOAD)[-1].json["auth"]["password"] == PASSWORD
    sign_in(dmtui, me, proxy.base_url, "second")
    assert dmtui("--profile", "second", "recovery", "unlock", typed="correct horse\n").code == 0


def test_a_passphrase_that_could_be_tried_out_is_refused_before_anything_is_made(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    sign_in(dmtui, synapse.register(), synapse.base_url)
    done = dmtui("recovery", "set-up", "--passphrase", typed="elevensigns\n")
    assert_fails_in_one_line(done, "At least 12 letters: the homeserver could try out", code=2)
    assert dmtui("recovery", "--json").json["identity"] == "none"


def test_approval_is_one_line_with_the_page(
    dmtui: CommandLine, synapse: SynapseServer, proxy: FaultProxy
) -> None:
    sign_in(dmtui, synapse.register(), proxy.base_url)
    url = "https://example.org/approve"
    asks = {
        "session": "abc",
        "flows": [{"stages": ["m.oauth"]}],
        "params": {"m.oauth": {"url": url}},
    }
    proxy.add(UPLOAD, times=1, status=401, body=asks)
    assert_fails_in_one_line(dmtui("recovery", "set-up"), url)
    assert dmtui("recovery").out.startswith("The set-up was interrupted")
    assert dmtui("recovery", "set-up").code == 0


@pytest.mark.parametrize("right", [True, False])
def test_on_a_terminal_the_key_is_kept_once_its_end_is_typed(
    dmtui: CommandLine, synapse: SynapseServer, right: bool
) -> None:
    sign_in(dmtui, synapse.register(), synapse.base_url)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "dmtui", "recovery", "set-up"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = ""
        while "once it is kept: " not in shown:
            shown += os.read(ours, 4096).decode()
        key = shown.splitlines()[0]
        read_recovery_key(key)
        os.write(ours, f"{key[-4:] if right else 'oops'}\n".encode())
        assert process.wait(30) == (0 if right else 1)
        os.close(ours)
    assert dmtui("recovery", "--json").json["unkept_key"] is not right


def test_an_unreachable_homeserver_is_one_line(
    dmtui: CommandLine, synapse: SynapseServer, proxy: FaultProxy
) -> None:
    sign_in(dmtui, synapse.register(), proxy.base_url)
    proxy.refuse()
    for wanted in ("status", "set-up"):
        assert_fails_in_one_line(dmtui("recovery", wanted), "reached")


def test_a_reset_is_confirmed_says_what_it_costs_and_asks_for_the_password(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me = synapse.register()
    sign_in(dmtui, me, synapse.base_url)
    for arguments in ((), ("--yes",)):
        nothing = dmtui("recovery", "reset", *arguments)
        assert_fails_in_one_line(nothing, "no identity to give up: dmtui recovery set-up makes one")
    old = dmtui("recovery", "set-up").out
    refused = dmtui("recovery", "reset")
    assert (refused.code, refused.out) == (2, "")
    assert "recovery reset --yes" in refused.complaint
    assert dmtui("recovery", "set-up").out == old
    done = dmtui("recovery", "reset", "--yes", typed=f"{PASSWORD}\n")
    assert done.code == 0
    assert "the message keys in it go into the new one" in " ".join(done.complaint.split())
    read_recovery_key(done.out)
    assert done.out != old
    assert dmtui("recovery", "set-up").out == done.out
    sign_in(dmtui, me, synapse.base_url, "second")
    second = dmtui(*("--profile", "second", "recovery", "reset", "--yes"), typed=f"{PASSWORD}\n")
    assert second.code == 0
    assert "stay unreadable for good" in " ".join(second.complaint.split())
