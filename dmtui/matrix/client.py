"""The HTTP session with the homeserver: nio's client, with every answer judged.

nio takes any body that fits a schema for success, whatever the status, and retries for ever.
Here each request goes out once and ends in a JSON object or an error of :mod:`dmtui.core.errors`,
nio's own calls (``room_create``, ``keys_upload``, ...) included.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import nio

from dmtui.core.errors import Refused, ServerTrouble
from dmtui.core.model import JsonObject, Session
from dmtui.matrix.answers import judge
from dmtui.matrix.wire import no_answer, read_body

LARGEST_BODY = 64 * 1024 * 1024
PATIENCE = 30.0
_CONNECT_PATIENCE = 15.0


def path(*parts: str, version: str = "v3") -> str:
    """``/_matrix/client/{version}/{parts}``, each part quoted."""
    return f"/_matrix/client/{version}/" + "/".join(quote(part, safe="") for part in parts)


def patient(**options: Any) -> nio.AsyncClientConfig:
    """nio's settings: no retries, no token store; ``options`` override or add."""
    settings: dict[str, Any] = {
        "max_limit_exceeded": 0,
        "max_timeouts": 0,
        "request_timeout": PATIENCE,
        "store_sync_tokens": False,
    }
    return nio.AsyncClientConfig(**(settings | options))


class Client(nio.AsyncClient):
    """A signed-in HTTP session; nothing is retried inside, and nio's own store is not opened."""

    def __init__(self, session: Session, config: nio.AsyncClientConfig | None = None):
        super().__init__(
            session.homeserver.rstrip("/"),
            session.user_id,
            session.device_id,
            config=config or patient(),
        )
        self.user_id = session.user_id
        self.device_id = session.device_id
        self.access_token = session.access_token

    async def api(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        query: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> JsonObject:
        """One authorised request; ``timeout`` in seconds covers everything, the body included.

        Without it the configuration's ``request_timeout`` holds. Nothing is asked twice, but what
        HTTP calls idempotent (GET, PUT), and that once, when a kept connection turns out dead.

        Raises ``Unreachable``, ``ServerTrouble``, ``RateLimited``, or ``Refused`` and its kinds.
        """
        if body is None and method != "GET":
            body = {}
        response = await self.send(
            method,
            f"{path}?{urlencode(query)}" if query else path,
            None if body is None else json.dumps(body),
            {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self.access_token}",
            },
            timeout=timeout,
        )
        return await self.parse_body(response)

    async def download(self, path: str, longest: int) -> bytes:
        """The body of one authorised GET. Raises as :meth:`api`, ``Refused`` beyond ``longest``."""
        response = await self.send(
            "GET", path, headers={"Authorization": f"Bearer {self.access_token}"}
        )
        try:
            body = await read_body(response, longest)
        except ServerTrouble as error:
            raise Refused("This is too large.", response.status, "M_TOO_LARGE") from error
        except (aiohttp.ClientError, OSError) as error:
            raise no_answer(error, self.homeserver) from error
        if response.status != HTTPStatus.OK:
            judge(response.status, response.headers, body)
        return body

    async def send(
        self,
        method: str,
        path: str,
        data: Any = None,
        headers: dict[str, str] | None = None,
        trace_context: Any = None,
        timeout: float | None = None,
    ) -> aiohttp.ClientResponse:
        """nio's one way out: every request of ours and of nio passes here, once."""
        if self.client_session is None:
            self.client_session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self.config.request_timeout)
            )
        total = self.config.request_timeout if timeout is None else timeout
        try:
            return await self.client_session.request(
                method,
                self.homeserver + path,
                data=data,
                headers=headers,
                allow_redirects=False,  # a redirected POST turns into a GET
                timeout=aiohttp.ClientTimeout(total=total, sock_connect=_CONNECT_PATIENCE),
            )
        except (aiohttp.ClientError, OSError) as error:
            raise no_answer(error, self.homeserver) from error

    async def flow(
        self,
        method: str,
        path: str,
        *,
        data: AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        total: float | None = None,
    ) -> aiohttp.ClientResponse:
        """One authorised request whose body or whose answer is a file; the caller reads it.

        ``total`` seconds cover the request's body as well; without it only a pause of
        ``PATIENCE`` seconds ends the answer. Raises ``Unreachable``.
        """
        if self.client_session is None:
            self.client_session = aiohttp.ClientSession()
        try:
            return await self.client_session.request(
                method,
                self.homeserver + path,
                data=data,
                headers={**headers, "Authorization": f"Bearer {self.access_token}"},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=total,
                    sock_connect=_CONNECT_PATIENCE,
                    sock_read=None if total else PATIENCE,
                ),
            )
        except (aiohttp.ClientError, OSError) as error:
            raise no_answer(error, self.homeserver) from error

    async def parse_body(self, transport_response: aiohttp.ClientResponse) -> JsonObject:
        """nio's one way in: the body, if and only if the answer is a success."""
        try:
            body = await read_body(transport_response, LARGEST_BODY)
        except (aiohttp.ClientError, OSError) as error:
            raise no_answer(error, self.homeserver) from error
        return judge(transport_response.status, transport_response.headers, body)

    async def close(self) -> None:
        """End the connections."""
        session, self.client_session = self.client_session, None
        if session is not None:
            await session.close()


def assert_hooks() -> None:
    """Fail at once if a new nio has lost a method that this module overrides."""
    for hook in ("send", "parse_body", "_send", "create_matrix_response", "room_create"):
        if not callable(getattr(nio.AsyncClient, hook, None)):
            raise ImportError(f"matrix-nio no longer has AsyncClient.{hook}")


assert_hooks()
