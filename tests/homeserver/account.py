"""A minimal blocking Matrix client that plays the other person.

It shares nothing with the client under test. JSON stays ``Any`` here: tests index into it.
"""

from __future__ import annotations

import http.client
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from tests.waiting import PATIENCE

Json = dict[str, Any]
T = TypeVar("T")
_POLL = 20.0
"""Seconds that one ``/sync`` waits at most."""


class MatrixError(Exception):
    """The homeserver answered with an error status."""

    def __init__(self, status: int, body: Json):
        super().__init__(f"{status} {body.get('errcode')}: {body.get('error')}")
        self.status = status
        self.errcode = body.get("errcode")
        self.body = body


def http_json(
    method: str, url: str, body: object = None, token: str = "", timeout: float = 60.0
) -> Json:
    """One JSON request; raises OSError, or :class:`MatrixError` on an error status."""
    parts = urlsplit(url)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = body if isinstance(body, bytes) or body is None else json.dumps(body)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", data, headers)
        response = connection.getresponse()
        raw = response.read()
    finally:
        connection.close()
    answer = _parsed(raw)
    if response.status >= 400:
        raise MatrixError(response.status, answer)
    return answer


def _parsed(raw: bytes) -> Json:
    try:
        answer = json.loads(raw or b"{}")
    except ValueError:
        answer = None
    return answer if isinstance(answer, dict) else {"error": raw[:200].decode("utf-8", "replace")}


@dataclass
class Account:
    """A signed-in device of a user, driven through the client-server API."""

    base_url: str
    user_id: str
    device_id: str
    access_token: str
    password: str = ""

    @property
    def localpart(self) -> str:
        """``alice`` of ``@alice:localhost``."""
        return self.user_id[1:].split(":", 1)[0]

    def api(self, method: str, path: str, body: object = None, **query: object) -> Json:
        """Call ``/_matrix/client/<path>``."""
        url = f"{self.base_url}/_matrix/client/{path}?{urlencode(query)}"
        if body is None and method in ("POST", "PUT"):
            body = {}
        return http_json(method, url, body, self.access_token)

    def room_api(
        self, method: str, room_id: str, path: str, body: object = None, **query: object
    ) -> Json:
        """Call ``/_matrix/client/v3/rooms/{room_id}/<path>``."""
        return self.api(method, f"v3/rooms/{quote(room_id)}/{path}", body, **query)

    # -- rooms --------------------------------------------------------------------------------

    def create_room(self, **options: object) -> str:
        """``POST /createRoom`` with exactly these options; the room's ID."""
        return str(self.api("POST", "v3/createRoom", options)["room_id"])

    def create_dm(self, *others: Account | str, record: bool = True, **options: object) -> str:
        """Open a direct room as a well-behaved client would; ``record`` writes ``m.direct``."""
        invited = [_user_id(other) for other in others]
        room_id = self.create_room(
            **({"preset": "trusted_private_chat", "is_direct": True, "invite": invited} | options)
        )
        if record:
            for user_id in invited:
                self.record_direct(user_id, room_id)
        return room_id

    def record_direct(self, other: Account | str, room_id: str) -> None:
        """Add the room to ``m.direct``."""
        direct = self.account_data("m.direct") or {}
        direct.setdefault(_user_id(other), []).append(room_id)
        self.set_account_data("m.direct", direct)

    def invite(self, room_id: str, other: Account | str, *, is_direct: bool = True) -> str:
        """Invite by a member event, which unlike ``/invite`` can carry the flag."""
        content: Json = {"membership": "invite"}
        if is_direct:
            content["is_direct"] = True
        return self.set_state(room_id, "m.room.member", content, _user_id(other))

    def join(self, room_id: str) -> None:
        self.room_api("POST", room_id, "join")

    def leave(self, room_id: str) -> None:
        self.room_api("POST", room_id, "leave")

    def forget(self, room_id: str) -> None:
        self.room_api("POST", room_id, "forget")

    def kick(self, room_id: str, other: Account | str) -> None:
        self.room_api("POST", room_id, "kick", {"user_id": _user_id(other)})

    def ban(self, room_id: str, other: Account | str) -> None:
        self.room_api("POST", room_id, "ban", {"user_id": _user_id(other)})

    def state(self, room_id: str, kind: str, key: str = "") -> Json | None:
        """The content of a state event; ``None`` where there is none."""
        path = f"state/{quote(kind)}/{quote(key)}"
        return self._unless_missing(lambda: self.room_api("GET", room_id, path))

    def set_state(self, room_id: str, kind: str, content: Json, key: str = "") -> str:
        path = f"state/{quote(kind)}/{quote(key)}"
        return str(self.room_api("PUT", room_id, path, content)["event_id"])

    def members(self, room_id: str) -> dict[str, Json]:
        """User ID to the content of its member event, everybody who ever was in it included."""
        chunk = self.room_api("GET", room_id, "members")["chunk"]
        return {event["state_key"]: event["content"] for event in chunk}

    def joined_rooms(self) -> set[str]:
        return set(self.api("GET", "v3/joined_rooms")["joined_rooms"])

    # -- messages -----------------------------------------------------------------------------

    def send(self, room_id: str, kind: str, content: Json, transaction_id: str = "") -> str:
        path = f"send/{kind}/{transaction_id or uuid.uuid4().hex}"
        return str(self.room_api("PUT", room_id, path, content)["event_id"])

    def send_text(self, room_id: str, text: str, **content: object) -> str:
        """Send ``m.text``; ``content`` adds or replaces keys, e.g. ``msgtype``."""
        return self.send(room_id, "m.room.message", {"msgtype": "m.text", "body": text, **content})

    def send_edit(self, room_id: str, event_id: str, text: str) -> str:
        relation = {"rel_type": "m.replace", "event_id": event_id}
        new = {"msgtype": "m.text", "body": text}
        content = {"m.new_content": new, "m.relates_to": relation}
        return self.send_text(room_id, f"* {text}", **content)

    def react(self, room_id: str, event_id: str, key: str) -> str:
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
        return self.send(room_id, "m.reaction", {"m.relates_to": relation})

    def redact(self, room_id: str, event_id: str) -> str:
        path = f"redact/{quote(event_id)}/{uuid.uuid4().hex}"
        return str(self.room_api("PUT", room_id, path)["event_id"])

    def mark_read(self, room_id: str, event_id: str) -> None:
        content = {"m.read": event_id, "m.fully_read": event_id}
        self.room_api("POST", room_id, "read_markers", content)

    def set_typing(self, room_id: str, typing: bool = True) -> None:
        content: Json = {"typing": typing}
        if typing:
            content["timeout"] = 30_000
        self.room_api("PUT", room_id, f"typing/{quote(self.user_id)}", content)

    def events(self, room_id: str, limit: int = 100) -> list[Json]:
        """The newest events, oldest first."""
        chunk = self.room_api("GET", room_id, "messages", dir="b", limit=limit)["chunk"]
        return list(reversed(chunk))

    def texts(self, room_id: str, limit: int = 100) -> list[str]:
        """The bodies of the newest messages, oldest first."""
        return [
            event["content"].get("body", "")
            for event in self.events(room_id, limit)
            if event["type"] == "m.room.message"
        ]

    # -- account ------------------------------------------------------------------------------

    def account_data(self, kind: str) -> Json | None:
        """Global account data; ``None`` where it was never set."""
        return self._unless_missing(lambda: self.api("GET", self._account_data_path(kind)))

    def set_account_data(self, kind: str, content: Json) -> None:
        self.api("PUT", self._account_data_path(kind), content)

    def set_name(self, name: str) -> None:
        self.api("PUT", f"v3/profile/{quote(self.user_id)}/displayname", {"displayname": name})

    def logout(self) -> None:
        self.api("POST", "v3/logout")

    def deactivate(self, *, erase: bool = False) -> None:
        """Close the account for good; without ``erase`` the server goes on telling its name."""
        who = {"type": "m.id.user", "user": self.user_id}
        auth = {"type": "m.login.password", "identifier": who, "password": self.password}
        self.api("POST", "v3/account/deactivate", {"auth": auth, "erase": erase})

    # -- news ---------------------------------------------------------------------------------

    def sync(self, since: str = "", timeout: float = 0.0, **query: object) -> Json:
        """``GET /sync``, waiting up to ``timeout`` seconds; everything without ``since``."""
        if since:
            query["since"] = since
        return self.api("GET", "v3/sync", timeout=int(timeout * 1000), **query)

    def wait_for(self, predicate: Callable[[Json], T | None], timeout: float = PATIENCE) -> T:
        """The first true value of ``predicate`` for an answer of ``/sync``.

        It is asked about the whole state first, then about each piece of news.
        """
        deadline = time.monotonic() + timeout
        since = ""
        while True:
            left = deadline - time.monotonic()
            answer = self.sync(since, min(_POLL, max(0.0, left)) if since else 0.0)
            if found := predicate(answer):
                return found
            since = answer["next_batch"]
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{self.user_id} saw nothing of the kind in {timeout} s")

    def wait_for_event(
        self, room_id: str, wanted: Callable[[Json], bool], timeout: float = PATIENCE
    ) -> Json:
        """The first timeline event of a joined room that is wanted."""

        def search(answer: Json) -> Json | None:
            room = answer.get("rooms", {}).get("join", {}).get(room_id, {})
            return next(filter(wanted, room.get("timeline", {}).get("events", [])), None)

        return self.wait_for(search, timeout)

    def wait_for_text(self, room_id: str, text: str, timeout: float = PATIENCE) -> Json:
        """The first message event of a joined room with this body."""
        return self.wait_for_event(
            room_id, lambda event: event["content"].get("body") == text, timeout
        )

    def wait_for_ephemeral(
        self, room_id: str, kind: str, naming: str, timeout: float = PATIENCE
    ) -> Json:
        """The first content of this type in a joined room that names a user or an event."""

        def search(answer: Json) -> Json | None:
            room = answer.get("rooms", {}).get("join", {}).get(room_id, {})
            for event in room.get("ephemeral", {}).get("events", []):
                if event["type"] == kind and json.dumps(naming) in json.dumps(event["content"]):
                    return dict(event["content"])
            return None

        return self.wait_for(search, timeout)

    def wait_for_invite(self, room_id: str = "", timeout: float = PATIENCE) -> tuple[str, Json]:
        """Room ID and content of my member event of a pending invite (of that room)."""

        def search(answer: Json) -> tuple[str, Json] | None:
            for found, room in answer.get("rooms", {}).get("invite", {}).items():
                for event in room["invite_state"]["events"]:
                    if event.get("state_key") == self.user_id and found == (room_id or found):
                        return found, event["content"]
            return None

        return self.wait_for(search, timeout)

    def wait_for_member(
        self, room_id: str, other: Account | str, membership: str, timeout: float = PATIENCE
    ) -> None:
        """Wait until the other person is in this state of membership."""

        def reached(_: Json) -> bool:
            return self.members(room_id).get(_user_id(other), {}).get("membership") == membership

        self.wait_for(reached, timeout)

    def _account_data_path(self, kind: str) -> str:
        return f"v3/user/{quote(self.user_id)}/account_data/{quote(kind)}"

    def _unless_missing(self, ask: Callable[[], Json]) -> Json | None:
        try:
            return ask()
        except MatrixError as error:
            if error.status == 404:
                return None
            raise


def _user_id(other: Account | str) -> str:
    return other if isinstance(other, str) else other.user_id
