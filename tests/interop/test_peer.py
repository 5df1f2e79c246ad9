"""The peer itself: how it is installed, what it may talk to, and that it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.homeserver.synapse import SynapseServer
from tests.interop.install import MANIFEST, NODE, NotInstallable, install
from tests.interop.peer import Element, Peer, PeerError
from tests.interop.setting import on_one_worker
from tests.waiting import wait_until

pytestmark = on_one_worker

NPM_THAT_WORKS = f"""#!/bin/sh
echo called >> "$CALLS"
mkdir -p {NODE.parent}
printf '#!/bin/sh\\n' > {NODE}
chmod +x {NODE}
"""
NPM_THAT_FAILS = """#!/bin/sh
touch half
echo 'npm error code ENOTFOUND' >&2
exit 1
"""


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An npm of the test's own, first in the PATH; it has to be written."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    path = directory / "npm"
    path.touch(0o755)
    return path


def test_many_at_once_install_once(npm: Path, tmp_path: Path) -> None:
    npm.write_text(NPM_THAT_WORKS)
    cache = tmp_path / "cache"
    cache.mkdir()
    with ThreadPoolExecutor(4) as pool:
        places = set(pool.map(lambda _: install(MANIFEST, cache), range(4)))
    assert len(places) == 1
    assert (tmp_path / "calls").read_text() == "called\n"
    assert (places.pop() / NODE).exists()


def test_failed_installation_says_why_and_leaves_nothing(npm: Path, tmp_path: Path) -> None:
    npm.write_text(NPM_THAT_FAILS)
    cache = tmp_path / "cache"
    cache.mkdir()
    with pytest.raises(NotInstallable, match="npm failed: npm error code ENOTFOUND"):
        install(MANIFEST, cache)
    assert [path.name for path in cache.iterdir()] == ["lock"]


def test_without_npm_nothing_can_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotInstallable, match="npm is not on this machine"):
        install(MANIFEST, tmp_path)


async def test_peer_talks_to_this_machine_only(peer: Peer, synapse: SynapseServer) -> None:
    elsewhere = replace(synapse.register(), base_url="http://matrix")
    with pytest.raises(PeerError, match="matrix is not this machine"):
        await Element(peer, elsewhere).sign_in()


async def test_who_is_not_signed_in_is_told_so(peer: Peer, synapse: SynapseServer) -> None:
    with pytest.raises(PeerError, match=r"no device \w+ is signed in"):
        await Element(peer, synapse.register()).direct()


STARTER = """
import time
from tests.interop.install import install
from tests.interop.peer import Peer
print(Peer(install())._process.pid, flush=True)
time.sleep(60)
"""


def test_peer_ends_with_a_test_run_that_is_killed(peer: Peer) -> None:
    root = MANIFEST.parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", STARTER], cwd=root, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        os.kill(pid, 0)
        run.send_signal(signal.SIGKILL)

    def ended() -> bool:
        return subprocess.run(["ps", "-p", str(pid)], capture_output=True).returncode != 0

    assert wait_until(ended)
