"""Proving to the homeserver that it is the user who asks (spec: "User-Interactive Authentication").

A password is sent where one is asked for; elsewhere the user approves on a web page.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from dmtui.core.errors import ApprovalNeeded, PasswordNeeded, Refused
from dmtui.core.model import JsonObject
from dmtui.matrix.answers import Challenge
from dmtui.matrix.requests import Requests
from dmtui.matrix.values import mapping, mappings, opaque

_PASSWORD = "m.login.password"  # noqa: S105 - the name of a stage
_DUMMY = "m.login.dummy"
_APPROVALS = ("m.oauth", "org.matrix.cross_signing_reset")


class Proof:
    """Makes one request of a user, proving who it is where the homeserver wants to know."""

    def __init__(self, requests: Requests, user_id: str):
        self._requests = requests
        self._user_id = user_id
        self._approving = ""  # the session that the user was sent to a web page for

    async def post(self, path: str, body: JsonObject, password: str) -> JsonObject:
        """``POST``; raises ``PasswordNeeded`` and ``ApprovalNeeded``, too."""
        try:
            if self._approving:
                try:
                    return await self._try(path, body, {"session": self._approving})
                except Challenge:
                    raise
                except Refused:
                    self._approving = ""  # it was of another request
            return await self._try(path, body, {})
        except Challenge as challenge:
            self._approving = ""
            return await self._answer(path, body, challenge, password)

    async def _answer(
        self, path: str, body: JsonObject, challenge: Challenge, password: str
    ) -> JsonObject:
        session = opaque(challenge.body.get("session")) or ""
        stage = _stage(challenge)
        auth: JsonObject = {"type": stage, "session": session}
        if stage in _APPROVALS:
            self._approving = session
            raise ApprovalNeeded(
                "The homeserver wants you to approve this in a browser.",
                _page(challenge, stage),
            )
        if stage == _PASSWORD:
            if not password:
                raise PasswordNeeded("The homeserver asks for the password of your account.")
            auth["identifier"] = {"type": "m.id.user", "user": self._user_id}
            auth["password"] = password
        try:
            return await self._try(path, body, auth)
        except Challenge as again:
            if stage == _PASSWORD and _PASSWORD not in _done(again):
                raise PasswordNeeded("This is not the password of your account.") from again
            raise Refused(
                "The homeserver wants more than one proof that it is you.", 401
            ) from again

    async def _try(self, path: str, body: JsonObject, auth: JsonObject) -> JsonObject:
        whole: JsonObject = {**body, "auth": auth} if auth else body
        return await self._requests.api("POST", path, whole)


def _stage(challenge: Challenge) -> str:
    """The one stage that would do, of those that we know."""
    flows = [flow.get("stages") for flow in mappings(challenge.body.get("flows"))]
    for stage in (_DUMMY, _PASSWORD, *_APPROVALS):
        if [stage] in flows:
            return stage
    raise Refused("The homeserver wants a proof that it is you which dmtui can't give.", 401)


def _done(challenge: Challenge) -> list[object]:
    completed = challenge.body.get("completed")
    return list(completed) if isinstance(completed, list) else []


def _page(challenge: Challenge, stage: str) -> str:
    url = opaque(mapping(mapping(challenge.body.get("params")).get(stage)).get("url")) or ""
    if urlsplit(url).scheme not in ("http", "https"):
        raise Refused("The homeserver wants an approval and does not say where to give it.", 401)
    return url
