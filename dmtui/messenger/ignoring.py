"""``m.ignored_user_list``: changed from a fresh read, and only where it names the person."""

from __future__ import annotations

from dmtui.core.errors import BadContent
from dmtui.core.model import JsonObject, UserId
from dmtui.core.ports import Homeserver

M_IGNORED_USER_LIST = "m.ignored_user_list"


async def ignore(user_id: UserId, homeserver: Homeserver) -> None:
    """See nothing of the person any more. Raises ``BadContent`` and what the port raises."""
    content, ignored = await _read(homeserver)
    if user_id not in ignored:
        await _write(homeserver, content, {**ignored, user_id: {}})


async def stop_ignoring(user_id: UserId, homeserver: Homeserver) -> None:
    """See the person again. Raises ``BadContent`` and what the port raises."""
    content, ignored = await _read(homeserver)
    if user_id in ignored:
        rest = {name: value for name, value in ignored.items() if name != user_id}
        await _write(homeserver, content, rest)


async def _read(homeserver: Homeserver) -> tuple[JsonObject, JsonObject]:
    content = await homeserver.account_data(M_IGNORED_USER_LIST) or {}
    ignored = content.get("ignored_users", {})
    if not isinstance(ignored, dict):
        raise BadContent(
            "The list of ignored people on the server is malformed; it was left as it is."
        )
    return content, ignored


async def _write(homeserver: Homeserver, content: JsonObject, ignored: JsonObject) -> None:
    await homeserver.set_account_data(M_IGNORED_USER_LIST, {**content, "ignored_users": ignored})
