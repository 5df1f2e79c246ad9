"""What the homeserver is told of my presence while dmtui runs, and at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from dmtui.core.errors import NotFound
from dmtui.core.model import Availability, JsonObject, UserId
from dmtui.matrix.own_presence import OwnPresence
from dmtui.matrix.place import Way
from tests.matrix.test_sync_answers import sliding, syncing

ME = UserId("@me:x")


class PresenceServer:
    """Keeps what it is told of me; no request for it is answered while ``open`` is not set."""

    def __init__(self) -> None:
        self.said: list[tuple[object, object]] = []
        self.status: object = "old"
        self.asked = asyncio.Event()
        self.told = asyncio.Event()
        self.open = asyncio.Event()

    async def api(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        query: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> JsonObject:
        if path.endswith("/sync"):
            synced: JsonObject = sliding()
            return synced
        if not path.endswith("/presence/%40me%3Ax/status"):
            raise NotFound("no such thing", 404, "M_NOT_FOUND")
        answer: JsonObject = {"presence": "online", "status_msg": str(self.status)}
        self.asked.set()
        await self.open.wait()
        if method == "PUT" and body is not None:
            self.status = body["status_msg"]
            self.said.append((body["presence"], self.status))
            self.told.set()
        return answer


async def test_status_set_while_presence_is_renewed_stays() -> None:
    server = PresenceServer()
    presence = OwnPresence(server, ME)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        presence.renew(Availability.ONLINE)
        await server.asked.wait()
        tasks.create_task(presence.set(Availability.ONLINE, "new"))
        server.open.set()
    assert server.said[-1] == ("online", "new")


async def test_presence_left_to_my_other_devices_is_not_ended_when_dmtui_is() -> None:
    server = PresenceServer()
    server.open.set()
    sync = syncing(server, Way.SLIDING)
    async with asyncio.timeout(5):
        await sync.sync(None, frozenset(), 0.0, Availability.ONLINE)
        await server.told.wait()
        await sync.sync(None, frozenset(), 0.0, Availability.OFFLINE)
        await sync.close()
    assert server.said == [("online", "old")]


async def test_news_do_not_wait_for_presence_that_the_server_is_slow_with() -> None:
    server = PresenceServer()
    sync = syncing(server, Way.SLIDING)
    async with asyncio.timeout(5):
        for _ in range(2):
            await sync.sync(None, frozenset(), 0.0, Availability.ONLINE)
        await server.asked.wait()
        server.open.set()
        await sync.close()
    assert server.said == [("offline", "old")]  # and nothing of what was still to be said


async def test_invisible_is_the_last_word_beside_a_slow_renewal() -> None:
    server = PresenceServer()
    sync = syncing(server, Way.SLIDING)
    async with asyncio.timeout(5):
        await sync.sync(None, frozenset(), 0.0, Availability.ONLINE)
        await server.asked.wait()
        invisible = asyncio.create_task(sync.own_presence.set(Availability.OFFLINE, "old"))
        await sync.sync(None, frozenset(), 0.0, Availability.OFFLINE)
        server.open.set()
        await invisible
        await sync.close()
    assert server.said[-1] == ("offline", "old")
