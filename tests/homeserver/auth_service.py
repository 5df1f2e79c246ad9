"""A Synapse that leaves sign-in to an authentication service, and a stand-in for that service.

Synapse asks it whose an access token is (OAuth 2.0 token introspection) and takes users, devices
and approvals from it, under ``/_synapse/mas``.
"""

from __future__ import annotations

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs

from dmtui.demo import synapse
from tests.homeserver.account import Account, Json, http_json
from tests.homeserver.launcher import Launcher
from tests.homeserver.synapse import SynapseServer

_SECRET = "known-to-both"
_API = "urn:matrix:client:api:*"
_DEVICE = "urn:matrix:client:device:"


class DelegatingServer:
    """The two of them; gone when closed."""

    def __init__(self, launcher: Launcher):
        self._active: dict[str, Json] = {}  # what is told of each access token
        self._service = ThreadingHTTPServer((synapse.HOST, 0), self._handler())
        self._synapse = SynapseServer(launcher, config=self._config())

    def __enter__(self) -> Self:
        threading.Thread(target=self._service.serve_forever, args=(0.05,), daemon=True).start()
        self._synapse.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._synapse.close()
        self._service.shutdown()
        self._service.server_close()

    @property
    def account_page(self) -> str:
        """Where the user would sign in to the service in a browser."""
        return f"{self._service_url}/account"

    # -- what the service does ----------------------------------------------------------------

    def register(self) -> Account:
        """A new user with a signed-in device."""
        localpart = f"u{secrets.token_hex(5)}"
        self._tell("provision_user", localpart)
        return self.login(localpart)

    def login(self, localpart: str) -> Account:
        """A further device of the user."""
        device_id, token = secrets.token_hex(5).upper(), f"mat_{secrets.token_urlsafe(16)}"
        self._tell("upsert_device", localpart, device_id=device_id)
        self._active[token] = {
            "active": True,
            "scope": f"{_API} {_DEVICE}{device_id}",
            "username": localpart,
            "device_id": device_id,
            "client_id": "dmtui",
            "expires_in": 3600,
        }
        user_id = f"@{localpart}:{self._synapse.server_name}"
        return Account(self._synapse.base_url, user_id, device_id, token)

    def approve_reset(self, localpart: str) -> None:
        """As after a visit of :attr:`account_page`: the identity may be replaced for a while."""
        self._tell("allow_cross_signing_reset", localpart)

    def _tell(self, what: str, localpart: str, **fields: str) -> None:
        url = f"{self._synapse.base_url}/_synapse/mas/{what}"
        http_json("POST", url, {"localpart": localpart, **fields}, _SECRET)

    # -- what it answers ----------------------------------------------------------------------

    @property
    def _service_url(self) -> str:
        return f"http://{synapse.HOST}:{self._service.server_port}"

    def _config(self) -> Json:
        return {
            "matrix_authentication_service": {
                "enabled": True,
                "endpoint": f"{self._service_url}/",
                "secret": _SECRET,
            },
            "password_config": {"enabled": False},
            "login_via_existing_session": {"enabled": False},
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                """``/.well-known/openid-configuration``."""
                issuer, page = f"{server._service_url}/", server.account_page
                self._answer({"issuer": issuer, "account_management_uri": page})

            def do_POST(self) -> None:
                """``/oauth2/introspect``."""
                length = int(self.headers["Content-Length"])
                (token,) = parse_qs(self.rfile.read(length).decode())["token"]
                self._answer(server._active.get(token, {"active": False}))

            def _answer(self, content: Json) -> None:
                body = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        return Handler
