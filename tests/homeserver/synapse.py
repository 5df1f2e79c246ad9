"""A real Synapse per test run, or per test, that can be stopped, killed and frozen."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from platformdirs import user_cache_path

from dmtui.core.model import JsonObject
from dmtui.demo import synapse
from tests.homeserver.account import Account, Json, http_json
from tests.homeserver.launcher import Launcher

PASSWORD = "correct horse battery staple"
_FIXED_SECRETS: JsonObject = {"macaroon_secret_key": "fixed", "form_secret": "fixed"}


class SynapseServer:
    """One Synapse on 127.0.0.1 with its own data, gone when closed.

    ``config`` is laid over the options of :func:`dmtui.demo.synapse.configuration`;
    ``blank`` makes the database from nothing rather than copying the cached empty one.
    """

    def __init__(
        self,
        launcher: Launcher,
        *,
        config: JsonObject | None = None,
        rate_limits: bool = False,
        server_name: str = synapse.SERVER_NAME,
        blank: bool = False,
    ):
        self._launcher = launcher
        self._config = config or {}
        self._rate_limits = rate_limits
        self._blank = blank
        self._pid: int | None = None
        self.site = synapse.Site(_scratch_path(), synapse.free_port(), server_name)

    def __enter__(self) -> SynapseServer:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def base_url(self) -> str:
        """The base URL of the client-server API; the same over restarts."""
        return self.site.base_url

    @property
    def server_name(self) -> str:
        """What stands behind the colon of this server's user IDs."""
        return self.site.server_name

    @property
    def pid(self) -> int:
        """The process ID while it runs."""
        if self._pid is None:
            raise synapse.SynapseTrouble("the homeserver is not running")
        return self._pid

    # -- lifetime -----------------------------------------------------------------------------

    def start(self) -> None:
        """Start, or start again on the same port and data, and wait until it answers."""
        if self._pid is not None:
            return
        if not self.site.directory.exists():
            self._create_data()
        for _ in range(3):
            pid = self._launcher.start(
                self.site.config_path, self.site.log_path, self.site.directory
            )
            if synapse.wait_until_ready(self.site, lambda: self._launcher.status(pid) is None):  # noqa: B023
                self._pid = pid
                return
            self._launcher.stop(pid, signal.SIGKILL)
            if "address already in use" not in self.site.log_tail().lower():
                break
        raise synapse.SynapseTrouble(f"Synapse did not start:\n{self.site.log_tail()}")

    def stop(self) -> None:
        """Stop cleanly, keeping the data."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Stop as a crash would, keeping the data."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start on the same port and data."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Accept connections and answer nothing, until :meth:`thaw`."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on answering."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Stop and delete the data."""
        self.stop()
        shutil.rmtree(self.site.directory, ignore_errors=True)

    def _end(self, signum: signal.Signals) -> None:
        if self._pid is not None:
            pid, self._pid = self._pid, None
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)  # a frozen process cannot stop
            self._launcher.stop(pid, signum)

    def _create_data(self) -> None:
        overlay = synapse.laid_over(_FIXED_SECRETS, self._config)
        synapse.prepare(self.site, rate_limits=self._rate_limits, overlay=overlay)
        if not self._blank:
            shutil.copy(empty_database(self._launcher), self.site.database_path)

    # -- users --------------------------------------------------------------------------------

    def register(
        self,
        localpart: str = "",
        password: str = PASSWORD,
        displayname: str | None = None,
        *,
        admin: bool = False,
    ) -> Account:
        """Create and sign in a user; without a localpart, one that nobody else has."""
        localpart = localpart or f"u{secrets.token_hex(5)}"
        answer: Json = synapse.register(self.site, localpart, password, displayname, admin)
        return self._account(answer, password)

    def login(self, localpart: str, password: str = PASSWORD, **extra: object) -> Account:
        """Sign in a further device; ``extra`` joins the request, e.g. ``device_id``."""
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": localpart},
            "password": password,
            **extra,
        }
        answer = http_json("POST", f"{self.base_url}/_matrix/client/v3/login", body)
        return self._account(answer, password)

    def _account(self, answer: Json, password: str) -> Account:
        return Account(
            base_url=self.base_url,
            user_id=answer["user_id"],
            device_id=answer["device_id"],
            access_token=answer["access_token"],
            password=password,
        )


def _scratch_path() -> Path:
    """A name for a directory of our own, in memory where the machine allows it."""
    memory = Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    return parent / f"dmtui-synapse-{secrets.token_hex(6)}"


def empty_database(launcher: Launcher) -> Path:
    """A migrated database without a user, made once per Synapse version and cached."""
    target = user_cache_path("dmtui-tests", ensure_exists=True) / f"empty-{launcher.version}.db"
    if not target.exists():
        with (
            SynapseServer(launcher, blank=True) as server,
            contextlib.closing(sqlite3.connect(server.site.database_path)) as database,
        ):
            _wait_for_background_updates(database)
            server.stop()
            with _made_whole(target) as copy:
                database.execute("VACUUM INTO ?", (str(copy),))
    return target


@contextlib.contextmanager
def _made_whole(target: Path) -> Iterator[Path]:
    """A file to write that becomes ``target`` once complete: concurrent runs may do the same."""
    staging = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        yield staging / target.name
        (staging / target.name).replace(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _wait_for_background_updates(database: sqlite3.Connection, timeout: float = 60.0) -> None:
    deadline = time.monotonic() + timeout
    while database.execute("SELECT count(*) FROM background_updates").fetchone()[0]:
        if time.monotonic() > deadline:
            raise synapse.SynapseTrouble("Synapse's background updates did not finish")
        time.sleep(0.05)
