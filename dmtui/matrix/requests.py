"""What the encryption asks of the HTTP session: one checked request at a time."""

from __future__ import annotations

from typing import Protocol

from dmtui.core.model import JsonObject


class Requests(Protocol):
    """Answers with the body of a success, or raises an error of :mod:`dmtui.core.errors`."""

    async def api(
        self, method: str, path: str, body: JsonObject | None = None, /
    ) -> JsonObject: ...
