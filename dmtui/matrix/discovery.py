"""From what the user typed to the base URL of a homeserver that answers as one.

Client-server API v1.18, "Server discovery". What the network says is followed with care: https
only, five redirects, 64 KiB, and no way into this machine or network unless the user typed it.
"""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from dmtui.core.errors import DmtuiError, NotMatrix
from dmtui.core.model import JsonObject
from dmtui.core.names import clean_line
from dmtui.matrix.address import Address, is_inner, split
from dmtui.matrix.answers import judge, parse
from dmtui.matrix.values import mapping, text
from dmtui.matrix.wire import host_of, no_answer, read_body

WELL_KNOWN = "/.well-known/matrix/client"
VERSIONS = "/_matrix/client/versions"
_LARGEST = 64 * 1024
PATIENCE = 15.0
_REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)


class Guard(AbstractResolver):
    """Looks names up and hides addresses that are not public, unless told that they are wanted.

    A name the user typed may be anywhere; once it is found on this machine or network, what it
    refers to may be there too.
    """

    def __init__(self, address: Address):
        parts = split(address.base_url)
        self._typed = parts.hostname if parts else None
        self._inner_allowed = address.trusted
        self._resolver = aiohttp.ThreadedResolver()

    def allows(self, host: str) -> bool:
        """Whether a host named by the network may be asked; names are judged when looked up."""
        return self._inner_allowed or host == self._typed or not is_inner(host)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses that may be used."""
        try:
            found = await self._resolver.resolve(host, port, family)
        except UnicodeError as error:  # a label that is empty or too long
            raise OSError(None, "no such name") from error
        inner = [one for one in found if is_inner(one["host"])]
        if host == self._typed and inner:
            self._inner_allowed = True
        if self._inner_allowed:
            return found
        allowed = [one for one in found if one not in inner]
        if not allowed:
            raise OSError(None, "no public address")
        return allowed

    async def close(self) -> None:
        """Nothing to let go of."""


class Discovery:
    """An HTTP session for questions before sign-in; close it after use."""

    def __init__(self, address: Address, trust: ssl.SSLContext | None = None):
        self._address = address
        self._guard = Guard(address)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=self._guard, ssl=True if trust is None else trust
            ),
            timeout=aiohttp.ClientTimeout(total=PATIENCE),
        )

    async def close(self) -> None:
        """End the connections."""
        await self._session.close()

    async def base_url(self) -> str:
        """The homeserver's base URL, checked by ``/versions``.

        Raises ``Unreachable``, ``ServerTrouble`` and ``NotMatrix``.
        """
        named = await self._well_known() if self._address.base_url.startswith("https:") else None
        base_url = named or self._address.base_url
        await self._check(base_url)
        return base_url

    async def ask(
        self, url: str, method: str = "GET", body: JsonObject | None = None
    ) -> JsonObject:
        """The JSON object of a success, not following redirects; raises as :func:`judge` does."""
        status, headers, answer = await self._request(method, url, body)
        return judge(status, headers, answer)

    async def _well_known(self) -> str | None:
        """The base URL that the server names; ``None`` where it names none and none is needed."""
        try:
            status, body = await self._follow(self._address.well_known_url + WELL_KNOWN)
            if status == 404:
                return None
            return self._named(status, body)
        except DmtuiError:
            if self._address.exact:
                return None
            raise

    def _named(self, status: int, body: bytes) -> str:
        host = host_of(self._address.base_url)
        document = parse(body) if status == 200 else None
        if document is None:
            raise NotMatrix(f"{host} does not say where its homeserver is. Type its address.")
        named = text(mapping(document.get("m.homeserver")).get("base_url")).rstrip("/")
        parts = split(named)
        if parts is None:
            raise NotMatrix(f"{host} names no usable homeserver. Type its address.")
        if parts.scheme != "https" or not self._guard.allows(parts.hostname or ""):
            shown = clean_line(named, 80)
            raise NotMatrix(
                f"{host} refers to {shown}, which is not safe. Type it if you trust it."
            )
        return named

    async def _follow(self, url: str) -> tuple[int, bytes]:
        for _ in range(_REDIRECTS + 1):
            status, headers, body = await self._request("GET", url)
            if status not in _MOVED:
                return status, body
            url = urljoin(url, headers.get("Location", ""))
            parts = split(url)
            if parts is None or parts.scheme != "https":
                break
            if not self._guard.allows(parts.hostname or ""):
                break
        raise NotMatrix(f"{host_of(self._address.base_url)} redirects to where dmtui does not go.")

    async def _check(self, base_url: str) -> None:
        """Raise unless ``/versions`` lists versions."""
        status, headers, body = await self._request("GET", base_url + VERSIONS)
        if status == 429 or status >= 500:
            judge(status, headers, body)
        versions = (parse(body) or {}).get("versions") if status == 200 else None
        if not isinstance(versions, list) or not all(isinstance(one, str) for one in versions):
            raise NotMatrix(f"{host_of(base_url)} is no Matrix homeserver.")

    async def _request(
        self, method: str, url: str, body: JsonObject | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        try:
            response = await self._session.request(method, url, json=body, allow_redirects=False)
            answer = await read_body(response, _LARGEST)
        except aiohttp.ClientResponseError as error:  # whatever it speaks, it is not HTTP
            raise NotMatrix(f"{host_of(url)} is no Matrix homeserver.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise no_answer(error, url) from error
        return response.status, dict(response.headers), answer
