"""Secrets for other devices of ours that ask for them (spec: "Sharing secrets").

The master key stays nowhere here, and is never handed out.
"""

from __future__ import annotations

from unpaddedbase64 import encode_base64

from dmtui.core.model import JsonObject
from dmtui.matrix.identity import SELF_SIGNING, USER_SIGNING
from dmtui.matrix.key_backup import KEY_BACKUP_SECRET
from dmtui.matrix.own_requests import OwnRequests

_HANDED_OUT = (SELF_SIGNING, USER_SIGNING, KEY_BACKUP_SECRET)


class SecretRequests(OwnRequests[str]):
    """Answers ``m.secret.request`` with ``m.secret.send``; what is asked for is a name."""

    most_waiting = 50
    answer_type = "m.secret.send"

    def read(self, content: JsonObject) -> str | None:
        """The secret's name."""
        match content.get("name"):
            case str(name) if name in _HANDED_OUT:
                return name
            case _:
                return None

    def find(self, asked: str, number: str) -> JsonObject | None:
        """The secret, if it is here."""
        secret = self._store.secret(asked)
        if secret is None:
            return None
        return {"request_id": number, "secret": encode_base64(secret)}
