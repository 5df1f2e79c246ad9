"""Signing in with a password: find the homeserver, see that it takes passwords, open a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.errors import Forbidden, Refused, ServerTrouble
from dmtui.core.model import JsonObject, Session, UserId
from dmtui.core.names import is_user_id
from dmtui.matrix.address import Address, read_address, read_user
from dmtui.matrix.thread import NetworkThread
from dmtui.matrix.values import mappings, opaque, text

if TYPE_CHECKING:
    from dmtui.matrix.discovery import Discovery

PASSWORD = "m.login.password"  # noqa: S105 - the name of a login flow
DEVICE_NAME = "dmtui"
_LOGIN = "/_matrix/client/v3/login"


async def sign_in_with_password(user: str, password: str, homeserver: str) -> Session:
    """``ports.SignIn``: a new device of the account; ``homeserver`` may be empty for a user ID.

    Raises ``InvalidUserId`` before any request, ``NotMatrix``, ``Unreachable``, ``ServerTrouble``,
    ``RateLimited``, and ``Refused`` where the homeserver will not have us.
    """
    name = read_user(user, homeserver)
    address = read_address(name, homeserver)
    thread = NetworkThread("sign-in")
    try:
        return await thread.run(lambda: _sign_in(address, name, password))
    finally:
        await thread.close()


async def _sign_in(address: Address, user: str, password: str) -> Session:
    from dmtui.matrix.discovery import Discovery  # here, in the thread: aiohttp is slow to import

    discovery = Discovery(address)
    try:
        base_url = await discovery.base_url()
        await _require_password_flow(discovery, base_url)
        return _session(base_url, await _log_in(discovery, base_url, user, password))
    finally:
        await discovery.close()


async def _require_password_flow(discovery: Discovery, base_url: str) -> None:
    flows = (await discovery.ask(base_url + _LOGIN)).get("flows")
    if not any(flow.get("type") == PASSWORD for flow in mappings(flows)):
        raise Refused("This homeserver does not offer to sign in with a password.")


async def _log_in(discovery: Discovery, base_url: str, user: str, password: str) -> JsonObject:
    body: JsonObject = {
        "type": PASSWORD,
        "identifier": {"type": "m.id.user", "user": user},
        "password": password,
        "initial_device_display_name": DEVICE_NAME,
    }
    try:
        return await discovery.ask(base_url + _LOGIN, "POST", body)
    except Forbidden as error:
        if error.errcode == "M_USER_DEACTIVATED":
            raise Forbidden("This account was deactivated.", 403, error.errcode) from error
        raise Forbidden("Wrong user name or password.", 403, error.errcode) from error


def _session(base_url: str, answer: JsonObject) -> Session:
    user_id = text(answer.get("user_id"))
    device_id, token = opaque(answer.get("device_id")), opaque(answer.get("access_token"))
    if not (is_user_id(user_id) and device_id and token):
        raise ServerTrouble("The homeserver's answer to the sign-in can't be read.")
    return Session(UserId(user_id), device_id, token, base_url)
