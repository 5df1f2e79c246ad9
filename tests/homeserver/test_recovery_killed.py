"""dmtui killed (SIGKILL) at each of its requests: the next start completes what it was about."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from dmtui.profile import ProfilePaths
from tests.homeserver.account import Account
from tests.homeserver.faultproxy import FaultProxy
from tests.homeserver.synapse import SynapseServer
from tests.test_command_line import CommandLine, until


@pytest.fixture
def dmtui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    return CommandLine(ProfilePaths.named())


def sign_in(dmtui: CommandLine, me: Account, proxy: FaultProxy, profile: str) -> None:
    options = ("login", me.user_id, "--homeserver", proxy.base_url, "--password-stdin")
    done = dmtui("--profile", profile, *options, typed=f"{me.password}\n")
    assert done.code == 0, done


def killed(
    dmtui: CommandLine, proxy: FaultProxy, number: int, *arguments: str, typed: str = ""
) -> bool:
    """Whether it came to the request of this number, which is then never answered."""
    before = len(proxy.log)
    proxy.add(hang=True, skip=number - 1)
    with dmtui.start(*arguments) as process:
        assert process.stdin is not None
        process.stdin.write(typed)
        process.stdin.close()
        until(lambda: process.poll() is not None or any(r.faulted for r in proxy.log[before:]))
        came = process.poll() is None
        process.kill()
    proxy.clear()
    return came


def test_set_up_and_unlocking_killed_at_each_request_are_completed_by_the_next_start(
    dmtui: CommandLine, synapse: SynapseServer, proxy: FaultProxy
) -> None:
    me = synapse.register()
    sign_in(dmtui, me, proxy, "default")
    sign_in(dmtui, me, proxy, "second")
    steps = itertools.takewhile(
        lambda number: killed(dmtui, proxy, number, "recovery", "set-up"), itertools.count(1)
    )
    assert len(list(steps)) > 10
    key = dmtui("recovery", "set-up").out
    state = dmtui("recovery", "--json").json
    assert (state["identity"], state["backup"]) == ("ours", "on")
    assert me.api("GET", "v3/room_keys/version")["version"] == "1"

    second = ("--profile", "second", "recovery")
    steps = itertools.takewhile(
        lambda number: killed(dmtui, proxy, number, *second, "unlock", typed=key),
        itertools.count(1),
    )
    assert len(list(steps)) > 5
    state = dmtui(*second, "--json").json
    assert (state["identity"], state["backup"]) == ("ours", "on")
