"""Proving that it is the user who asks, where the proof of an earlier request is of no use."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dmtui.core.errors import ApprovalNeeded, Forbidden
from dmtui.core.model import JsonObject
from dmtui.matrix.answers import Challenge
from dmtui.matrix.challenge import Proof
from dmtui.matrix.values import mapping

APPROVAL: JsonObject = {
    "flows": [{"stages": ["m.oauth"]}],
    "params": {"m.oauth": {"url": "https://approve.example"}},
}


class Server:
    """Wants every request approved, in a session of its own; ``approved`` are those that are."""

    user_id = "@me:x"

    def __init__(self) -> None:
        self.sessions: dict[str, object] = {}
        self.approved: set[str] = set()

    async def api(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        query: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> JsonObject:
        asked = {name: value for name, value in (body or {}).items() if name != "auth"}
        session = str(mapping((body or {}).get("auth")).get("session", ""))
        if session and self.sessions[session] != asked:
            raise Forbidden("The operation has changed.", 403, "M_UNKNOWN")
        if session in self.approved:
            return {"done": asked}
        if not session:
            session = f"session-{len(self.sessions)}"
            self.sessions[session] = asked
        raise Challenge({**APPROVAL, "session": session})


async def test_approval_is_asked_for_once_and_then_used() -> None:
    server = Server()
    proof = Proof(server, "@me:x")
    with pytest.raises(ApprovalNeeded):
        await proof.post("delete", {"device": "A"}, "")
    with pytest.raises(ApprovalNeeded):
        await proof.post("delete", {"device": "A"}, "")
    assert server.sessions.keys() == {"session-0"}
    server.approved.add("session-0")
    assert await proof.post("delete", {"device": "A"}, "") == {"done": {"device": "A"}}


async def test_another_request_is_not_tried_with_the_session_of_the_one_before() -> None:
    server = Server()
    proof = Proof(server, "@me:x")
    for device in ("A", "B"):
        with pytest.raises(ApprovalNeeded):
            await proof.post("delete", {"device": device}, "")
    server.approved.add("session-1")
    assert await proof.post("delete", {"device": "B"}, "") == {"done": {"device": "B"}}
