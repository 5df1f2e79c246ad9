"""Two real homeservers that talk to each other over TLS on the loopback, and a stranger.

Servers are named ``localhost:<port>``: with a port in the name Synapse asks neither ``.well-known``
nor DNS, and connects straight to that TLS port. Clients use a plain port beside it, as everywhere.
"""

from __future__ import annotations

import json
import shutil
import ssl
import tempfile
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

from dmtui.core.model import Json, JsonObject
from dmtui.demo import synapse
from tests.homeserver.certificates import AUTHORITY, CERTIFICATE, KEY, make_certificates
from tests.homeserver.launcher import Launcher
from tests.homeserver.synapse import SynapseServer

ROOM_VERSIONS = ("10", "12")
"""Of the rooms that the two servers make."""

# Milliseconds. Left alone, Synapse tries a server that failed again after ten minutes.
_EAGER: JsonObject = {
    "client_timeout": 5000,
    "max_short_retries": 1,
    "max_short_retry_delay": 100,
    "max_long_retries": 1,
    "max_long_retry_delay": 100,
    "destination_min_retry_interval": 100,
    "destination_retry_multiplier": 1,
    "destination_max_retry_interval": 200,
}


class FederatedServer(SynapseServer):
    """A Synapse that federates with the ``members`` through the TLS port of its name."""

    def __init__(
        self,
        launcher: Launcher,
        port: int,
        members: list[str],
        directory: Path,
        room_version: str,
    ):
        super().__init__(launcher, server_name=_name(port))
        configuration = _configuration(self.site, port, members, directory)
        self._config = {**configuration, "default_room_version": room_version}


def _configuration(
    site: synapse.Site, port: int, members: list[str], directory: Path
) -> JsonObject:
    clients = synapse.configuration(site)["listeners"]
    assert isinstance(clients, list)
    servers: JsonObject = {
        "type": "http",
        "port": port,
        "tls": True,
        "bind_addresses": [synapse.HOST],
        "resources": [{"names": ["federation"]}],
    }
    return {
        "listeners": [*clients, servers],
        "tls_certificate_path": str(directory / CERTIFICATE),
        "tls_private_key_path": str(directory / KEY),
        "federation_custom_ca_list": [str(directory / AUTHORITY)],
        "federation_domain_whitelist": [*members],
        "ip_range_whitelist": [f"{synapse.HOST}/32"],
        "send_federation": True,
        "federation": _EAGER,
    }


class Stranger:
    """A server that answers whatever other servers ask with ``status`` and ``body``."""

    def __init__(self, port: int, directory: Path):
        self.server_name = _name(port)
        self.status = 404
        self.body: Json = {}
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer((synapse.HOST, port), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / CERTIFICATE, directory / KEY)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(stranger) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                stranger.asked.append(self.path)
                body = json.dumps(stranger.body).encode()
                self.send_response(stranger.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_POST = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class Federation:
    """``near`` and ``far``, and the :class:`Stranger` that ``near`` may also talk to.

    ``near`` makes rooms of an older version, whose IDs name the server.
    """

    def __init__(self, launcher: Launcher):
        self._stack = ExitStack()
        self._directory = Path(tempfile.mkdtemp(prefix="dmtui-federation-"))
        self._stack.callback(shutil.rmtree, self._directory, ignore_errors=True)
        make_certificates(self._directory)
        ports = _free_ports(3)
        members = [_name(port) for port in ports]
        self.near, self.far = (
            FederatedServer(launcher, port, members, self._directory, version)
            for port, version in zip(ports[:2], ROOM_VERSIONS, strict=True)
        )
        self._strange_port = ports[2]
        self.stranger: Stranger

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.callback(self._stack.close)
            self._stack.enter_context(self.near)
            self._stack.enter_context(self.far)
            self.stranger = Stranger(self._strange_port, self._directory)
            self._stack.callback(self.stranger.close)
            starting.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()


def _name(port: int) -> str:
    return f"localhost:{port}"


def _free_ports(count: int) -> list[int]:
    ports: dict[int, None] = {}
    while len(ports) < count:
        ports[synapse.free_port()] = None
    return list(ports)
