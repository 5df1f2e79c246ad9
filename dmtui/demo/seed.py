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
from dmtui.demo.cast import CAST, GROUP, GUEST, GUEST_NAME, Character, Group, Role, Spoken
from dmtui.demo.coast import SIZE, coast
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


def seed(site: Site, token: str, guest: Session, others: Mapping[str, Session]) -> None:
    """Name the devices, open the rooms that exist already and say what was said there."""
    ids = {localpart: session.user_id for localpart, session in others.items()}
    known = [each for each in CAST if each.role in (Role.FRIEND, Role.CONFIDANT)]
    with Seeder(site, token, guest.user_id) as seeder:
        seeder.name_device(guest, "This demo")
        for each in CAST:
            seeder.name_device(others[each.localpart], f"{each.name}'s computer")
        direct = {ids[GROUP.owner]: [seeder.open_group(GROUP, ids)]}
        for each in known:
            user_id = ids[each.localpart]
            rooms = seeder.open_chat(each, user_id)
            seeder.set_direct(user_id, {guest.user_id: [*rooms]})
            direct[user_id] = [*rooms, *direct.get(user_id, ())]
        seeder.set_direct(guest.user_id, {user_id: [*rooms] for user_id, rooms in direct.items()})


class Seeder:
    """Acts as any user, at any time, over one connection; blocking."""

    def __init__(self, site: Site, token: str, guest: UserId):
        self._token = token
        self._guest = guest
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

    def open_chat(self, character: Character, user_id: UserId) -> list[RoomId]:
        """The character's rooms with the guest, with all that was said there; the newest first."""
        before = None
        if character.earlier:
            before = self.open_room(user_id)
            self.tell(before, user_id, character.earlier)
        room_id = self.open_room(user_id, character.role is Role.CONFIDANT, before)
        self.tell(room_id, user_id, character.history, character.unread)
        if character.pinned:
            path = f"user/{quote(self._guest)}/rooms/{quote(room_id)}/tags/m.favourite"
            self._act(self._guest, "PUT", path, {})
        if character.muted:
            condition: JsonObject = {"kind": "event_match", "key": "room_id", "pattern": room_id}
            rule: JsonObject = {"conditions": [condition], "actions": []}
            path = f"pushrules/global/override/{quote(room_id)}"
            self._act(self._guest, "PUT", path, rule)
        if character.gone:
            self._act(user_id, "POST", f"rooms/{quote(room_id)}/leave", {})
        return [room_id] if before is None else [room_id, before]

    def open_group(self, group: Group, ids: Mapping[str, UserId]) -> RoomId:
        """The room, with everybody in it."""
        others = [ids[each] for each in group.others]
        room_id = self.open_room(ids[group.owner], others=others, name=group.name)
        for speaker, line in group.history:
            self.tell(room_id, ids[speaker], (line,))
        return room_id

    def open_room(
        self,
        owner: UserId,
        encrypted: bool = False,
        before: RoomId | None = None,
        others: Sequence[UserId] = (),
        name: str = "",
    ) -> RoomId:
        """A direct room that the guest and ``others`` have joined; ``before`` is upgraded to it."""
        options: JsonObject = {
            "preset": "trusted_private_chat",
            "is_direct": True,
            "invite": [self._guest, *others],
        }
        if name:
            options["name"] = name
        if before is not None:
            options["creation_content"] = {"predecessor": {"room_id": before}}
        if encrypted:
            content: JsonObject = {"algorithm": "m.megolm.v1.aes-sha2"}
            options["initial_state"] = [{"type": "m.room.encryption", "content": content}]
        room_id = RoomId(str(self._act(owner, "POST", "createRoom", options)["room_id"]))
        for member in (self._guest, *others):
            self._act(member, "POST", f"rooms/{quote(room_id)}/join", {})
        if before is not None:
            body: JsonObject = {"body": "", "replacement_room": room_id}
            self._act(owner, "PUT", f"rooms/{quote(before)}/state/m.room.tombstone", body)
        return room_id

    def tell(
        self, room_id: RoomId, owner: UserId, history: Sequence[Spoken], unread: int = 0
    ) -> None:
        """Say it, and leave the newest lines unread."""
        read_up_to = len(history) - unread
        for index, line in enumerate(history):
            sender = self._guest if line.mine else owner
            path = f"rooms/{quote(room_id)}/send/m.room.message/{line.minutes_ago}"
            content: JsonObject = {"msgtype": "m.text", "body": line.text}
            if line.picture:
                content = self._picture(sender, line)
            sent_at = self._now - line.minutes_ago * _MINUTE_MS
            event_id = self._act(sender, "PUT", path, content, ts=sent_at)["event_id"]
            if line.mine:
                self._mark_read(owner, room_id, str(event_id))
            elif index < read_up_to:
                self._mark_read(self._guest, room_id, str(event_id))

    def _picture(self, sender: UserId, line: Spoken) -> JsonObject:
        """The content of a message with the demo's picture, which is uploaded."""
        picture = coast()
        target = f"/_matrix/media/v3/upload?{urlencode({'user_id': sender})}"
        info: JsonObject = {"w": SIZE[0], "h": SIZE[1], "size": len(picture)}
        return {
            "msgtype": "m.image",
            "body": line.text,
            "filename": line.picture,
            "url": self._request("POST", target, picture, "image/jpeg")["content_uri"],
            "info": {**info, "mimetype": "image/jpeg"},
        }

    def name_device(self, session: Session, name: str) -> None:
        """Give the session's device a name, which people see beside its fingerprint."""
        path = f"devices/{quote(session.device_id)}"
        self._act(session.user_id, "PUT", path, {"display_name": name})

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
        return self._request(method, target, json.dumps(body).encode(), "application/json")

    def _request(self, method: str, target: str, body: bytes, kind: str) -> JsonObject:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind}
        self._connection.request(method, target, body, headers)
        response = self._connection.getresponse()
        raw = response.read()
        if response.status != 200:
            raise SynapseTrouble(f"{method} {target}: {response.status} {raw[:200]!r}")
        answer: JsonObject = json.loads(raw)
        return answer
