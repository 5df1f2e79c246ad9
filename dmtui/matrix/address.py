"""The typed words of the sign-in screen, understood: who, and where to look for the homeserver."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from dmtui.core.errors import InvalidUserId, NotMatrix
from dmtui.core.names import clean_line, valid_user_id


@dataclass(frozen=True, slots=True)
class Address:
    """Where the user said to look: ``base_url`` ends without a slash.

    ``url``: a whole URL was typed; ``exact``: that or a port, so this is the homeserver unless
    ``.well-known`` names another; ``trusted``: what was typed is plain http, or an address of this
    machine or network, and so what it refers to may be there too.
    """

    base_url: str
    url: bool
    exact: bool
    trusted: bool

    @property
    def well_known_url(self) -> str:
        """Whom to ask for ``.well-known``: the port of a server name is of no matter there."""
        parts = urlsplit(self.base_url)
        host = parts.netloc if self.url else parts.netloc.removesuffix(f":{parts.port}")
        return f"{parts.scheme}://{host}"


def read_user(typed: str, homeserver: str) -> str:
    """The user ID, or the localpart where ``homeserver`` is given; raises ``InvalidUserId``."""
    user = typed.strip()
    if user.startswith("@") or ":" in user or not homeserver.strip():
        return valid_user_id(user)
    if not user or not user.isprintable() or any(char.isspace() for char in user):
        raise InvalidUserId(f"“{clean_line(user, 60)}” is no user ID. It looks like @name:server.")
    return user


def read_address(user: str, homeserver: str) -> Address:
    """Where to look, from a URL or server name, or else from the user ID's server.

    Raises ``NotMatrix`` for what can't be the address of a homeserver.
    """
    typed = homeserver.strip() or user.partition(":")[2]
    url = "://" in typed
    parts = split(typed if url else f"https://{typed}")
    if parts is None:
        raise NotMatrix(f"“{clean_line(typed, 80)}” is no address of a homeserver.")
    trusted = parts.scheme == "http" or is_inner(parts.hostname or "")
    exact = url or parts.port is not None
    return Address(parts.geturl().rstrip("/"), url, exact, trusted)


def split(url: str) -> SplitResult | None:
    """The parts of an http or https URL without user info, query and fragment, or ``None``."""
    try:
        parts = urlsplit(url)
        well_formed = parts.port is None or parts.port > 0
    except ValueError:
        return None
    if not (well_formed and parts.scheme in ("http", "https") and parts.hostname):
        return None
    if "@" in parts.netloc or parts.query or parts.fragment or not url.isascii():
        return None
    return parts if url.isprintable() and " " not in url else None


def is_inner(host: str) -> bool:
    """Whether the host names this machine or, as an IP address, one that is not public."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return not address.is_global
