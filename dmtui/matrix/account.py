"""What we ask about accounts: our own data, and the profiles of people."""

from __future__ import annotations

from typing import Protocol

from dmtui.core.errors import NotFound, ServerTrouble
from dmtui.core.model import JsonObject, Profile, UserId
from dmtui.core.names import clean_line
from dmtui.matrix.client import Client, path
from dmtui.matrix.described import media_uri
from dmtui.matrix.requests import Requests
from dmtui.matrix.values import mappings, text, user_id


class Owner(Requests, Protocol):
    """Requests of a signed-in user."""

    user_id: str


async def account_data(client: Owner, kind: str) -> JsonObject | None:
    """Fresh global account data; ``None`` only where the server says that it was never set."""
    try:
        return await client.api("GET", path("user", client.user_id, "account_data", kind))
    except NotFound as error:
        if error.errcode == "M_UNRECOGNIZED":
            raise ServerTrouble("The homeserver does not know account data.") from error
        return None


async def set_account_data(client: Owner, kind: str, content: JsonObject) -> None:
    """``PUT /user/{userId}/account_data/{type}``."""
    await client.api("PUT", path("user", client.user_id, "account_data", kind), content)


async def search_people(client: Client, term: str, limit: int) -> tuple[Profile, ...]:
    """``POST /user_directory/search``; malformed results are left out."""
    answer = await client.api(
        "POST", path("user_directory", "search"), {"search_term": term, "limit": limit}
    )
    results = answer.get("results")
    if not isinstance(results, list):
        raise ServerTrouble("The homeserver's search result can't be read.")
    found = ((user_id(one.get("user_id")), one) for one in mappings(results))
    return tuple(
        _profile(user, one.get("display_name"), one.get("avatar_url"))
        for user, one in found
        if user
    )


async def profile(client: Client, user: UserId) -> Profile:
    """``GET /profile/{userId}``."""
    answer = await client.api("GET", path("profile", user))
    return _profile(user, answer.get("displayname"), answer.get("avatar_url"))


async def set_display_name(client: Client, me: str, name: str) -> None:
    """``PUT /profile/{userId}/displayname``."""
    await client.api("PUT", path("profile", me, "displayname"), {"displayname": name})


async def set_avatar(client: Client, me: str, uri: str) -> None:
    """``PUT /profile/{userId}/avatar_url``."""
    await client.api("PUT", path("profile", me, "avatar_url"), {"avatar_url": uri})


def _profile(user: UserId, name: object, avatar: object) -> Profile:
    return Profile(user, clean_line(text(name)), media_uri(avatar))
