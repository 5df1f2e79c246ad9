"""Giving an identity up on a homeserver that leaves sign-in to an authentication service."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from dmtui.core.errors import ApprovalNeeded
from dmtui.core.model import Session, UserId
from dmtui.core.recovery import Backup, Identity, read_recovery_key
from dmtui.profile import ProfilePaths
from tests.homeserver.auth_service import DelegatingServer
from tests.homeserver.launcher import Launcher
from tests.homeserver.talker import Talker
from tests.profiles import sign_in_offline
from tests.test_command_line import CommandLine


@pytest.fixture(scope="module")
def server(launcher: Launcher) -> Iterator[DelegatingServer]:
    with DelegatingServer(launcher) as running:
        yield running


def page_of(server: DelegatingServer) -> str:
    """What Synapse tells the user to open."""
    return f"{server.account_page}?action=org.matrix.cross_signing_reset"


async def test_a_reset_waits_for_the_approval_on_the_page_that_the_homeserver_names(
    server: DelegatingServer, tmp_path: Path
) -> None:
    me = server.register()
    async with AsyncExitStack() as stack:
        alice = await stack.enter_async_context(Talker(me, tmp_path / "alice", confirmed=False))
        old = await alice.crypto.identity.set_up("", "")  # the first one needs no approval
        assert (await alice.crypto.identity.encryption()).identity is Identity.OURS
        for _ in range(2):
            with pytest.raises(ApprovalNeeded) as caught:
                await alice.crypto.identity.set_up("", "", replacing=True)
            assert caught.value.url == page_of(server)
            assert (await alice.crypto.identity.encryption()).identity is Identity.OURS
        await alice.restart()
        server.approve_reset(me.localpart)
        new = await alice.crypto.identity.set_up("", "", replacing=True)
        assert new != old
        other = Talker(server.login(me.localpart), tmp_path / "other", confirmed=False)
        other = await stack.enter_async_context(other)
        await other.crypto.identity.unlock(new)
        state = await other.crypto.identity.encryption()
        assert (state.identity, state.backup) == (Identity.OURS, Backup.ON)


@pytest.fixture
def dmtui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    return CommandLine(ProfilePaths.named())


def shown_until(terminal: int, words: str) -> list[str]:
    """The lines that the terminal shows from now until these words."""
    shown = ""
    while words not in shown:
        shown += os.read(terminal, 4096).decode()
    return shown.splitlines()


def test_on_a_terminal_a_reset_shows_the_page_until_it_is_approved_there(
    server: DelegatingServer, dmtui: CommandLine
) -> None:
    me = server.register()
    session = Session(UserId(me.user_id), me.device_id, me.access_token, me.base_url)
    sign_in_offline(dmtui.paths, session)
    old = dmtui("recovery", "set-up").out
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "dmtui", "recovery", "reset"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown_until(ours, "Type RESET")
        os.write(ours, b"RESET\n")
        assert page_of(server) in shown_until(ours, "once it is approved.")
        os.write(ours, b"\n")
        again = shown_until(ours, "once it is approved.")
        assert page_of(server) in again
        assert "The homeserver does not know of it yet." in again
        server.approve_reset(me.localpart)
        os.write(ours, b"\n")
        key = next(filter(None, shown_until(ours, "once it is kept: ")))
        read_recovery_key(key)
        os.write(ours, f"{key[-4:]}\n".encode())
        assert process.wait(30) == 0
        os.close(ours)
    assert key != old
    assert dmtui("recovery").out.startswith("This device is part of your encryption identity")
