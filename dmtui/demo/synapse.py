"""How to configure and run a Synapse homeserver that talks to nobody but this machine.

Run as ``python -m dmtui.demo.synapse CONFIG`` it becomes a Synapse that ends with its parent.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import hmac
import http.client
import json
import os
import runpy
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from dmtui.core.model import Json, JsonObject

HOST = "127.0.0.1"
SERVER_NAME = "localhost"
BOOT_TIMEOUT = 60.0

_UNLIMITED: JsonObject = {"per_second": 1_000_000, "burst_count": 1_000_000}


class SynapseTrouble(Exception):
    """Synapse could not be started or did not do as it was told."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where one Synapse lives: its directory, its port on the loopback and its secrets."""

    directory: Path
    port: int
    server_name: str = SERVER_NAME
    registration_secret: str = "registration of local test users"  # noqa: S105 - loopback only

    @property
    def base_url(self) -> str:
        """The base URL of the client-server API."""
        return f"http://{HOST}:{self.port}"

    @property
    def config_path(self) -> Path:
        """The configuration file, JSON, which is YAML."""
        return self.directory / "homeserver.json"

    @property
    def database_path(self) -> Path:
        """The SQLite database."""
        return self.directory / "homeserver.db"

    @property
    def log_path(self) -> Path:
        """Everything Synapse says."""
        return self.directory / "synapse.log"

    def log_tail(self, lines: int = 15) -> str:
        """The end of the log, for error messages."""
        if not self.log_path.exists():
            return "(no log)"
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])


def is_installed() -> bool:
    """Whether this interpreter has Synapse."""
    return find_spec("synapse") is not None


def free_port() -> int:
    """A loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def prepare(site: Site, *, rate_limits: bool = False, overlay: JsonObject | None = None) -> None:
    """Write directory, signing key and configuration; ``overlay`` is laid over the options."""
    site.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = site.directory / "signing.key"
    if not key.exists():
        seed = base64.b64encode(os.urandom(32)).decode().rstrip("=")
        key.write_text(f"ed25519 a_{secrets.token_hex(2)} {seed}\n")
    options = configuration(site) if rate_limits else configuration(site) | no_rate_limits()
    site.config_path.write_text(json.dumps(laid_over(options, overlay or {}), indent=1))


def configuration(site: Site) -> JsonObject:
    """Synapse's options for a homeserver without federation, mail, media or statistics."""
    where = site.directory
    return {
        "server_name": site.server_name,
        "public_baseurl": f"{site.base_url}/",
        "pid_file": str(where / "synapse.pid"),
        "signing_key_path": str(where / "signing.key"),
        "media_store_path": str(where / "media_store"),
        "database": {"name": "sqlite3", "args": {"database": str(site.database_path)}},
        "listeners": [
            {
                "type": "http",
                "port": site.port,
                "bind_addresses": [HOST],
                "resources": [{"names": ["client"]}],
            }
        ],
        "registration_shared_secret": site.registration_secret,
        "macaroon_secret_key": secrets.token_hex(16),
        "form_secret": secrets.token_hex(16),
        "bcrypt_rounds": 4,  # the usual 12 cost 0.4 s of CPU a user
        "report_stats": False,
        "trusted_key_servers": [],
        "federation_domain_whitelist": [],
        "send_federation": False,
        "url_preview_enabled": False,
        "user_directory": {"enabled": True, "search_all_users": True},
        "login_via_existing_session": {"enabled": True, "require_ui_auth": False},
        # A repeated first sync would be answered from a cache that is two minutes old.
        "caches": {"sync_response_cache_duration": "0s"},
        "enable_metrics": False,
        "stats": {"enabled": False},
        "background_updates": {"sleep_enabled": False},
    }


def no_rate_limits() -> JsonObject:
    """The options that lift every rate limit."""
    flat = (
        "message registration registration_token_validity admin_redaction joins_per_room"
        " key_requests 3pid_validation third_party_invite media_create delayed_event_mgmt"
        " room_creation reports user_directory profile"
    )
    nested = {
        "login": "address account failed_attempts",
        "joins": "local remote",
        "invites": "per_room per_user per_issuer",
        "presence": "per_user",
    }
    limits: JsonObject = {f"rc_{name}": _UNLIMITED for name in flat.split()}
    for name, parts in nested.items():
        limits[f"rc_{name}"] = dict.fromkeys(parts.split(), _UNLIMITED)
    return limits


def laid_over(base: JsonObject, extra: JsonObject) -> JsonObject:
    """``base`` with ``extra`` over it, mapping by mapping."""
    result = dict(base)
    for key, value in extra.items():
        below = result.get(key)
        both = isinstance(value, dict) and isinstance(below, dict)
        result[key] = laid_over(below, value) if both else value  # type: ignore[arg-type]
    return result


# -- asking it --------------------------------------------------------------------------------


def request(site: Site, method: str, path: str, body: Json = None, timeout: float = 30) -> Json:
    """One JSON request without a token; raises OSError or :class:`SynapseTrouble`."""
    connection = http.client.HTTPConnection(HOST, site.port, timeout=timeout)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json"})
        response = connection.getresponse()
        raw = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise SynapseTrouble(f"{method} {path}: {response.status} {raw[:200]!r}")
    answer: Json = json.loads(raw) if raw.startswith(b"{") else None
    return answer


def register(
    site: Site, localpart: str, password: str, name: str | None = None, admin: bool = False
) -> JsonObject:
    """Create a user with the shared secret; the answer is that of a login."""
    path = "/_synapse/admin/v1/register"
    asked = request(site, "GET", path)
    assert isinstance(asked, dict)  # noqa: S101 - narrows the type
    nonce = str(asked["nonce"])
    signed = "\0".join([nonce, localpart, password, "admin" if admin else "notadmin"])
    mac = hmac.new(site.registration_secret.encode(), signed.encode(), "sha1").hexdigest()
    body: JsonObject = {
        "nonce": nonce,
        "username": localpart,
        "password": password,
        "admin": admin,
        "mac": mac,
    }
    if name is not None:
        body["displayname"] = name
    answer = request(site, "POST", path, body)
    assert isinstance(answer, dict)  # noqa: S101 - narrows the type
    return answer


def wait_until_ready(
    site: Site, is_running: Callable[[], bool], timeout: float = BOOT_TIMEOUT
) -> bool:
    """Wait for the health check; false once ``is_running`` says no or ``timeout`` has passed."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, SynapseTrouble, http.client.HTTPException):
            request(site, "GET", "/health", timeout=5)
            return True
        if not is_running():
            return False
        time.sleep(0.005)
    return False


# -- running it -------------------------------------------------------------------------------


def start(site: Site) -> subprocess.Popen[bytes]:
    """Start Synapse as a child that ends when this process does, by whatever way."""
    with site.log_path.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "dmtui.demo.synapse", str(site.config_path)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl+C belongs to the app
        )


def stop(process: subprocess.Popen[bytes], timeout: float = 5.0) -> None:
    """End Synapse, at first politely."""
    process.terminate()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()


def die_with_parent() -> None:
    """Linux: be killed when the thread that started us ends; elsewhere this does nothing."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: Iterable[str]) -> None:
    """Become Synapse; end when standard input closes, which needs no help from the parent."""
    die_with_parent()
    threading.Thread(target=_end_with_input, daemon=True).start()
    sys.argv = ["synapse", "-c", *arguments]
    runpy.run_module("synapse.app.homeserver", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
