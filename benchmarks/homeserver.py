"""A real Synapse where one account has a thousand direct rooms, made once and kept in the cache."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from platformdirs import user_cache_path

from dmtui.core.model import JsonObject
from dmtui.demo.seed import write_registration
from dmtui.demo.synapse import HOST, Site
from tests.homeserver.account import Account
from tests.homeserver.launcher import Launcher
from tests.homeserver.synapse import SynapseServer

ME = "crowded"
PEOPLE = 1000
MESSAGES = 5
GROUPS = 200
_TOKEN = "seeding-benchmarks"


def cache() -> Path:
    """Where what took long to make is kept."""
    return user_cache_path("dmtui-benchmarks", ensure_exists=True)


@contextlib.contextmanager
def crowded(
    launcher: Launcher, people: int, groups: int
) -> Iterator[tuple[SynapseServer, Account]]:
    """The homeserver, running, with a new device of the account that has all the rooms."""
    database = _database(launcher, people, groups)
    with _server(launcher) as server:
        server.stop()
        shutil.copy(database, server.site.database_path)
        server.start()
        yield server, server.login(ME)


@dataclass(frozen=True, slots=True)
class Chat:
    """Two people in a direct room in which ``bob`` has said hello."""

    server: SynapseServer
    me: Account
    bob: Account
    room_id: str


@contextlib.contextmanager
def chat() -> Iterator[Chat]:
    """A homeserver for the two alone."""
    with contextlib.closing(Launcher()) as launcher, SynapseServer(launcher) as server:
        me, bob = server.register(), server.register()
        room_id = bob.create_dm(me)
        me.join(room_id)
        me.record_direct(bob, room_id)
        bob.send_text(room_id, "hello")
        yield Chat(server, me, bob, room_id)


def _server(launcher: Launcher) -> SynapseServer:
    return SynapseServer(launcher, config=write_registration(Site(cache(), 0), _TOKEN))


def _database(launcher: Launcher, people: int, groups: int) -> Path:
    name = f"synapse-{launcher.version}-{people}-{groups}-{MESSAGES}.db"
    target = cache() / name
    if target.exists():
        return target
    with _server(launcher) as server:
        if groups:
            server.stop()
            shutil.copy(_database(launcher, people, 0), server.site.database_path)
            server.start()
        else:
            server.register(ME)
        with contextlib.closing(_Crowd(server)) as crowd:
            if groups:
                crowd.make_groups(groups)
            else:
                crowd.make_people(people)
        server.stop()
        partial = target.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(server.site.database_path)) as database:
            database.execute("VACUUM INTO ?", (str(partial),))
        partial.replace(target)
    return target


class _Crowd:
    """Acts as anybody over one connection; blocking."""

    def __init__(self, server: SynapseServer):
        self._connection = http.client.HTTPConnection(HOST, server.site.port, timeout=60)
        self._me = f"@{ME}:{server.server_name}"
        self._server_name = server.server_name

    def close(self) -> None:
        self._connection.close()

    def make_people(self, count: int) -> None:
        """Direct rooms, each with somebody new and a few messages."""
        direct: JsonObject = {}
        for number in range(count):
            person = self._register(f"person{number:04}")
            options: JsonObject = {
                "preset": "trusted_private_chat",
                "is_direct": True,
                "invite": [self._me],
            }
            room = self._room(person, options, self._me)
            for index in range(MESSAGES):
                self._say(person, room, f"{number}-{index}", f"message {index} of {number}")
            direct[person] = [room]
        self._act(self._me, "PUT", f"user/{quote(self._me)}/account_data/m.direct", direct)

    def make_groups(self, count: int) -> None:
        """Rooms of four that are nobody's direct room."""
        others = [self._register(f"group{number}") for number in range(3)]
        for number in range(count):
            options: JsonObject = {
                "preset": "private_chat",
                "name": f"Group {number}",
                "invite": [self._me, *others[1:]],
            }
            room = self._room(others[0], options, self._me, *others[1:])
            for index in range(MESSAGES):
                self._say(
                    others[index % 3], room, f"g{number}-{index}", f"to all of group {number}"
                )

    def _register(self, localpart: str) -> str:
        body: JsonObject = {
            "type": "m.login.application_service",
            "username": localpart,
            "inhibit_login": True,
        }
        self._act("", "POST", "register", body)
        return f"@{localpart}:{self._server_name}"

    def _room(self, owner: str, options: JsonObject, *members: str) -> str:
        room = str(self._act(owner, "POST", "createRoom", options)["room_id"])
        for member in members:
            self._act(member, "POST", f"rooms/{quote(room)}/join", {})
        return room

    def _say(self, sender: str, room: str, transaction: str, text: str) -> None:
        path = f"rooms/{quote(room)}/send/m.room.message/{transaction}"
        self._act(sender, "PUT", path, {"msgtype": "m.text", "body": text})

    def _act(self, user: str, method: str, path: str, body: JsonObject) -> JsonObject:
        target = f"/_matrix/client/v3/{path}" + (f"?user_id={quote(user)}" if user else "")
        headers = {"Authorization": f"Bearer {_TOKEN}", "Content-Type": "application/json"}
        self._connection.request(method, target, json.dumps(body), headers)
        response = self._connection.getresponse()
        raw = response.read()
        assert response.status == 200, f"{method} {path}: {response.status} {raw[:200]!r}"
        answer: JsonObject = json.loads(raw)
        return answer
