from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.homeserver.account import MatrixError, http_json
from tests.homeserver.faultproxy import BAD_GATEWAY_PAGE, RATE_LIMITED, FaultProxy
from tests.homeserver.launcher import Launcher
from tests.homeserver.synapse import SynapseServer
from tests.waiting import wait_until

ORPHANED_RUN = """
import sys
from tests.homeserver.launcher import Launcher
from tests.homeserver.synapse import SynapseServer
server = SynapseServer(Launcher())
server.start()
print(server.pid, server.site.directory, flush=True)
sys.stdin.read()
"""


def test_direct_invite_carries_the_flag_and_the_message_arrives(synapse: SynapseServer) -> None:
    alice, bob = synapse.register(), synapse.register()
    room_id = alice.create_dm(bob)
    found, member = bob.wait_for_invite()
    assert (found, member["is_direct"]) == (room_id, True)
    bob.join(room_id)
    alice.send_text(room_id, "hello")
    assert bob.wait_for_text(room_id, "hello")["sender"] == alice.user_id
    assert alice.account_data("m.direct") == {bob.user_id: [room_id]}


def test_restart_and_crash_keep_users_and_address(private_synapse: SynapseServer) -> None:
    carol = private_synapse.register("carol")
    private_synapse.stop()
    with pytest.raises(ConnectionRefusedError):
        carol.sync()
    private_synapse.start()
    carol.set_account_data("org.example", {"kept": True})
    private_synapse.kill()
    private_synapse.start()
    assert carol.account_data("org.example") == {"kept": True}


def test_frozen_server_takes_connections_and_does_not_answer(
    private_synapse: SynapseServer,
) -> None:
    dave = private_synapse.register("dave")
    private_synapse.freeze()
    with pytest.raises(TimeoutError):
        http_json("GET", f"{private_synapse.base_url}/_matrix/client/versions", timeout=0.2)
    private_synapse.thaw()
    assert dave.sync()["next_batch"]


def sign_in_too_often(server: SynapseServer, localpart: str) -> None:
    for _ in range(30):
        server.login(localpart)


def test_real_rate_limits_can_be_had(launcher: Launcher) -> None:
    with SynapseServer(launcher, rate_limits=True) as server:
        server.register("grace")
        with pytest.raises(MatrixError) as caught:
            sign_in_too_often(server, "grace")
    assert caught.value.status == 429
    assert caught.value.body["retry_after_ms"] > 0


def test_killed_test_run_leaves_no_server_and_no_data() -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", ORPHANED_RUN],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with run:
        assert run.stdout is not None
        pid, directory = run.stdout.readline().split()
        run.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not is_running(int(pid)))
    assert wait_until(lambda: not Path(directory).exists())


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_made_up_answers_come_instead_of_the_servers(proxy: FaultProxy) -> None:
    proxy.add(status=429, body=RATE_LIMITED, times=1)
    proxy.add(status=502, body=BAD_GATEWAY_PAGE, times=1)
    seen = []
    for _ in range(2):
        with pytest.raises(MatrixError) as caught:
            http_json("GET", f"{proxy.base_url}/_matrix/client/versions")
        seen.append(caught.value)
    assert [error.status for error in seen] == [429, 502]
    assert seen[0].body["retry_after_ms"] == 500
    assert http_json("GET", f"{proxy.base_url}/_matrix/client/versions")["versions"]
    assert [exchange.status for exchange in proxy.log] == [429, 502, 200]


@pytest.mark.parametrize(("when", "arrives"), [("before", False), ("after", True)])
def test_reset_loses_the_request_or_only_the_answer(
    synapse: SynapseServer, proxy: FaultProxy, when: str, arrives: bool
) -> None:
    direct = synapse.register()
    account = replace(direct, base_url=proxy.base_url)
    room_id = account.create_dm()
    proxy.add("/send/", reset=when, times=1)
    with pytest.raises(ConnectionResetError):
        account.send_text(room_id, "reset")
    assert direct.texts(room_id) == (["reset"] if arrives else [])


def test_truncated_and_malformed_bodies_do_not_parse(proxy: FaultProxy) -> None:
    url = f"{proxy.base_url}/_matrix/client/versions"
    proxy.add(keep=10, times=1)
    with pytest.raises(Exception, match="IncompleteRead"):
        http_json("GET", url)
    proxy.add(garble=True, times=1)
    assert "versions" not in http_json("GET", url)


def test_hanging_request_is_seen_and_never_answered(proxy: FaultProxy) -> None:
    proxy.add("/versions", hang=True)
    url = f"{proxy.base_url}/_matrix/client/versions"
    with pytest.raises(TimeoutError):
        http_json("GET", url, timeout=0.2)
    assert [exchange.status for exchange in proxy.wait_for_request("/versions")] == [None]


def test_refusing_proxy_accepts_again_on_the_same_port(proxy: FaultProxy) -> None:
    url = f"{proxy.base_url}/_matrix/client/versions"
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        http_json("GET", url)
    proxy.accept()
    assert http_json("GET", url)["versions"]
