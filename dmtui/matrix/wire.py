"""The body of an answer, within bounds, and what it means that no answer came."""

from __future__ import annotations

import aiohttp

from dmtui.core.errors import DmtuiError, ServerTrouble, Unreachable
from dmtui.core.model import Safe
from dmtui.core.names import clean_line


async def read_body(response: aiohttp.ClientResponse, largest: int) -> bytes:
    """The body, unpacked; raises ``ServerTrouble`` beyond ``largest`` bytes."""
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > largest:
                raise ServerTrouble("The homeserver's answer is too large.")
    except BaseException:
        response.close()
        raise
    response.release()
    return bytes(body)


def no_answer(error: Exception, homeserver: str) -> DmtuiError:
    """What a failed connection means, in one line."""
    host = host_of(homeserver)
    match error:
        case TimeoutError():
            return Unreachable(f"{host} did not answer in time.")
        case aiohttp.InvalidURL():
            return Unreachable(f"{host} is no address.")
        case aiohttp.ClientConnectorDNSError():
            return Unreachable(f"{host} was not found. Is the name right, and is there a network?")
        case aiohttp.ClientConnectorCertificateError():
            return Unreachable(f"The certificate of {host} is not trusted.")
        case aiohttp.ClientSSLError():
            return Unreachable(f"{host} does not answer over a secure connection.")
        case aiohttp.ClientConnectorError():
            return Unreachable(f"{host} can't be reached.")
        case aiohttp.ClientConnectionError() | aiohttp.ClientPayloadError() | OSError():
            return Unreachable(f"{host} broke off the connection.")
        case _:
            return ServerTrouble(f"{host} does not answer as a web server should.")


def host_of(url: str) -> Safe:
    """The host and port of a URL, to show."""
    return clean_line(url.partition("://")[2].partition("/")[0], 80)
