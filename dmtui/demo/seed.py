"""Gives the demo a past: rooms, ``m.direct`` and messages with the times they should have.

Synapse lets nobody but an application service date messages back, so the demo registers one.
"""

from __future__ import annotations

import http.client
import json
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from dmtui.core.model import JsonObject, RoomId, Session, UserId
from dmtui.demo.cast import GUEST, GUEST_NAME, Character, Role
from dmtui.demo.synapse import HOST, Site, SynapseTrouble, register

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

_MINUTE_MS = 60_000


def write_registration(site: Site, token: str) -> JsonObject:
    """Write the application service's registration; returns the option that names it."""
    site.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = site.directory / "seeding.json"
    registration: JsonObject = {
        "id": "seeding",
        "url": None,
        "as_token": token,
        "hs_token": secrets.token_hex(16),
        "sender_localpart": "seeding",
        "namespaces": {"users": [{"regex": "@.*", "exclusive": False}]},
    }
    path.write_text(json.dumps(registration))
    return {"app_service_config_files": [str(path)]}


def register_everybody(site: Site, cast: Sequence[Character]) -> tuple[Session, dict[str, Session]]:
    """Create the guest and the contacts; the contacts' sessions are by localpart."""
    guest = _registered(site, GUEST, GUEST_NAME)
    return guest, {each.localpart: _registered(site, each.localpart, each.name) for each in cast}


def _registered(site: Site, localpart: str, name: str) -> Session:
    answer = register(site, localpart, secrets.token_urlsafe(16), name)
    return Session(
        UserId(str(answer["user_id"])),
        str(answer["device_id"]),
        str(answer["access_token"]),
        site.base_url,
    )


def seed(
    site: Site, token: str, guest: UserId, cast: Sequence[Character], ids: Mapping[str, UserId]
) -> None:
    """Open the rooms that exist already, the quietest first, and say what was said in them."""
    known = [each for each in cast if each.role in (Role.FRIEND, Role.CONFIDANT)]
    known.sort(key=lambda each: -min((line.minutes_ago for line in each.history), default=0))
    with Seeder(site, token) as seeder:
        direct: JsonObject = {}
        for each in known:
            room_id = seeder.open_room(ids[each.localpart], guest, each.role is Role.CONFIDANT)
            seeder.set_direct(ids[each.localpart], {guest: [room_id]})
            seeder.tell(room_id, ids[each.localpart], guest, each)
            direct[ids[each.localpart]] = [room_id]
        seeder.set_direct(guest, direct)


class Seeder:
    """Acts as any user, at any time, over one connection; blocking."""

    def __init__(self, site: Site, token: str):
        self._token = token
        self._connection = http.client.HTTPConnection(HOST, site.port, timeout=30)
        self._now = int(time.time() * 1000)

    def __enter__(self) -> Seeder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def open_room(self, owner: UserId, guest: UserId, encrypted: bool) -> RoomId:
        """A direct room that both have joined."""
        options: JsonObject = {
            "preset": "trusted_private_chat",
            "is_direct": True,
            "invite": [guest],
        }
        if encrypted:
            content: JsonObject = {"algorithm": "m.megolm.v1.aes-sha2"}
            options["initial_state"] = [{"type": "m.room.encryption", "content": content}]
        room_id = RoomId(str(self._act(owner, "POST", "createRoom", options)["room_id"]))
        self._act(guest, "POST", f"rooms/{quote(room_id)}/join", {})
        return room_id

    def tell(self, room_id: RoomId, owner: UserId, guest: UserId, character: Character) -> None:
        """Say the character's history and leave its newest lines unread."""
        read_up_to = len(character.history) - character.unread
        for index, line in enumerate(character.history):
            sender = guest if line.mine else owner
            path = f"rooms/{quote(room_id)}/send/m.room.message/{index}"
            content: JsonObject = {"msgtype": "m.text", "body": line.text}
            sent_at = self._now - line.minutes_ago * _MINUTE_MS
            event_id = self._act(sender, "PUT", path, content, ts=sent_at)["event_id"]
            if line.mine:
                self._mark_read(owner, room_id, str(event_id))
            elif index < read_up_to:
                self._mark_read(guest, room_id, str(event_id))

    def set_direct(self, user_id: UserId, content: JsonObject) -> None:
        """Replace the user's ``m.direct``."""
        self._act(user_id, "PUT", f"user/{quote(user_id)}/account_data/m.direct", content)

    def _mark_read(self, user_id: UserId, room_id: RoomId, event_id: str) -> None:
        body: JsonObject = {"m.read": event_id, "m.fully_read": event_id}
        self._act(user_id, "POST", f"rooms/{quote(room_id)}/read_markers", body)

    def _act(
        self, user_id: UserId, method: str, path: str, body: JsonObject, **query: int
    ) -> JsonObject:
        target = f"/_matrix/client/v3/{path}?{urlencode({'user_id': user_id, **query})}"
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        self._connection.request(method, target, json.dumps(body), headers)
        response = self._connection.getresponse()
        raw = response.read()
        if response.status != 200:
            raise SynapseTrouble(f"{method} {path}: {response.status} {raw[:200]!r}")
        answer: JsonObject = json.loads(raw)
        return answer
