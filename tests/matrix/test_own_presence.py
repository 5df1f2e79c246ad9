"""What the homeserver is told of my presence while dmtui runs, and at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from dmtui.core.model import Availability, JsonObject, UserId
from dmtui.matrix.own_presence import OwnPresence

ME = UserId("@me:x")


class PresenceServer:
    """Keeps what it is told of me; no request for it is answered while ``open`` is not set."""

    def __init__(self) -> None:
        self.said: list[tuple[object, object]] = []
        self.status: object = "old"
        self.asked = asyncio.Event()
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
        assert path.endswith("/presence/%40me%3Ax/status")
        answer: JsonObject = {"presence": "online", "status_msg": str(self.status)}
        self.asked.set()
        await self.open.wait()
        if method == "PUT" and body is not None:
            self.status = body["status_msg"]
            self.said.append((body["presence"], self.status))
        return answer


async def test_status_set_while_presence_is_renewed_stays() -> None:
    server = PresenceServer()
    presence = OwnPresence(server, ME)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(presence.renew(Availability.ONLINE))
        await server.asked.wait()
        tasks.create_task(presence.set(Availability.ONLINE, "new"))
        server.open.set()
    assert server.said[-1] == ("online", "new")
