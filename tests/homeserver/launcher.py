"""Imports Synapse once and forks a server per request, in a third of a second each.

:class:`Launcher` lives in the test process and speaks one JSON object per line with :func:`main`
in a child, which ends its servers and deletes their data when its standard input closes: nothing
outlives the test run, even after SIGKILL.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

from dmtui.demo.synapse import die_with_parent

Json = dict[str, Any]
Spawn = Callable[[str, str], int]


class LauncherError(Exception):
    """A server could not be started, stopped or asked after."""


class Launcher:
    """Owns the servers of one test process; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.homeserver.launcher"],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,  # Ctrl+C belongs to the test run
        )

    @property
    def version(self) -> str:
        """Synapse's version."""
        return version("matrix-synapse")

    def start(self, config: Path, log: Path, scratch: Path) -> int:
        """Start a server, returning its process ID; ``scratch`` is deleted with the launcher."""
        request = {"op": "start", "config": str(config), "log": str(log), "scratch": str(scratch)}
        return int(self._call(request)["pid"])

    def status(self, pid: int) -> int | None:
        """The server's exit status, or None while it runs."""
        status = self._call({"op": "poll", "pid": pid})["status"]
        return None if status is None else int(status)

    def stop(self, pid: int, signum: int = signal.SIGTERM, timeout: float = 10.0) -> None:
        """Signal the server and wait for its end; SIGKILL it after ``timeout`` seconds."""
        self._call({"op": "stop", "pid": pid, "signum": int(signum), "timeout": timeout})

    def close(self) -> None:
        """End every server, then the launcher."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def _call(self, request: Json) -> Json:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            try:
                self._process.stdin.write(json.dumps(request) + "\n")
                line = self._process.stdout.readline()
            except OSError:
                line = ""
        if not line:
            raise LauncherError("the Synapse launcher died; is matrix-synapse installed?")
        reply: Json = json.loads(line)
        if "error" in reply:
            raise LauncherError(reply["error"])
        return reply


class _Servers:
    """The Synapse processes, inside the launcher process."""

    def __init__(self, spawn: Spawn):
        self._spawn = spawn
        self._running: set[int] = set()
        self._statuses: dict[int, int] = {}
        self._scratch: set[str] = set()

    def start(self, config: str, log: str, scratch: str) -> int:
        self._scratch.add(scratch)
        pid = self._spawn(config, log)
        self._running.add(pid)
        return pid

    def poll(self, pid: int) -> int | None:
        if pid in self._running:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self._running.discard(pid)
                self._statuses[pid] = os.waitstatus_to_exitcode(status)
        return self._statuses.get(pid)

    def stop(self, pid: int, signum: int = signal.SIGTERM, timeout: float = 10.0) -> int:
        deadline = time.monotonic() + timeout
        if self.poll(pid) is None:
            os.kill(pid, signum)
        while (status := self.poll(pid)) is None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)
        return status

    def close(self) -> None:
        for pid in list(self._running):
            os.kill(pid, signal.SIGCONT)
            self.stop(pid)
        for directory in self._scratch:
            shutil.rmtree(directory, ignore_errors=True)


def main() -> None:
    """Serve requests, one JSON object per line, until standard input closes."""
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # stray prints must not corrupt the protocol
    servers = _Servers(_forker(replies.fileno()))
    for line in sys.stdin:
        request = json.loads(line)
        operation = request.pop("op")
        reply: Json
        try:
            if operation == "start":
                reply = {"pid": servers.start(**request)}
            elif operation == "poll":
                reply = {"status": servers.poll(**request)}
            else:
                reply = {"status": servers.stop(**request)}
        except (OSError, ValueError) as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply) + "\n")
    servers.close()


def _forker(reply_pipe: int) -> Spawn:
    """Import Synapse now; the returned function forks a server."""
    # Importing Synapse installs Twisted's global reactor, whose epoll handle forked children must
    # not share: Synapse's own stand-in is filled in by each child.
    stand_in = import_module("synapse.app.complement_fork_proxied_reactor").ProxiedReactor()
    import_module("twisted.internet.main").installReactor(stand_in)
    homeserver = import_module("synapse.app.homeserver")
    gc.collect()
    gc.freeze()  # keep the collector from un-sharing the inherited pages

    def spawn(config: str, log: str) -> int:
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            os.close(reply_pipe)
            die_with_parent()
            _redirect_output(log)
            stand_in._install_real_reactor(_new_reactor())
            sys.argv = ["synapse", "-c", config]
            homeserver.main()
            status = 0
        except BaseException:  # noqa: BLE001 - the log must say why the server is not there
            traceback.print_exc()
        finally:
            os._exit(status)

    return spawn


def _new_reactor() -> object:
    """The best reactor that survives being made after a fork: macOS has no epoll."""
    kind = "EPoll" if hasattr(select, "epoll") else "Select"
    module = import_module(f"twisted.internet.{kind.lower()}reactor")
    reactor: object = getattr(module, f"{kind}Reactor")()
    return reactor


def _redirect_output(log: str) -> None:
    with Path(os.devnull).open() as null, Path(log).open("ab") as output:
        os.dup2(null.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)


if __name__ == "__main__":
    main()
