"""This device's keys on the server: identity, one-time keys, fallback key (``/keys/upload``).

The account is on disk, with the keys marked as published, before the server hears of them: a
crash at any point costs some keys at most, and no key is ever offered twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from dmtui.core.errors import Refused
from dmtui.core.model import JsonObject
from dmtui.matrix.client import path
from dmtui.matrix.machine import Machine
from dmtui.matrix.requests import Requests
from dmtui.matrix.values import mapping, whole

log = logging.getLogger(__name__)

_ALGORITHM = "signed_curve25519"
_TRIES = 5
_FALLBACK_REST = 60.0
_COUNTING_REST = 300.0


class OwnKeys:
    """Keeps enough keys on the server; ``now`` is in seconds."""

    def __init__(self, requests: Requests, machine: Machine, now: Callable[[], float]) -> None:
        self._requests = requests
        self._machine = machine
        self._now = now
        self._count: int | None = None
        self._fallback_used = False
        self._fallback_made = -_FALLBACK_REST
        self._counted = -_COUNTING_REST
        self._waiting: JsonObject = {}

    def heard(self, counts: object, unused_fallbacks: object) -> None:
        """What sync says: ``device_one_time_keys_count``, ``device_unused_fallback_key_types``.

        Where it counts nothing, which may mean none or nothing new, the server is asked.
        """
        count = whole(mapping(counts).get(_ALGORITHM))
        if count is not None or self._now() - self._counted >= _COUNTING_REST:
            self._count = count
        if isinstance(unused_fallbacks, list):
            self._fallback_used = _ALGORITHM not in unused_fallbacks

    async def upload(self) -> None:
        """Upload what is missing; raises what the request raises."""
        for tries_left in reversed(range(_TRIES)):
            if self._machine.account.shared and self._count is None:
                self._counts(await self._requests.api("POST", path("keys", "upload"), {}))
            self._waiting = self._waiting or self._prepare()
            if not self._waiting:
                return
            try:
                answer = await self._requests.api("POST", path("keys", "upload"), self._waiting)
            except Refused as error:
                # An old copy of the database came back: the server has other keys of these names.
                self._waiting = {}
                if error.status != 400 or not tries_left:
                    raise
                log.warning("the server has other keys of these names: making new ones")
            else:
                self._done(answer)
                return

    def _prepare(self) -> JsonObject:
        """The body of the upload, empty if nothing is missing; the account is saved."""
        machine = self._machine
        account = machine.account
        first = not account.shared
        body: JsonObject = {"device_keys": machine.device_keys()} if first else {}
        missing = account.max_one_time_keys - (0 if first else self._count or 0)
        if missing > 0:
            account.generate_one_time_keys(missing)
            body["one_time_keys"] = {
                f"{_ALGORITHM}:{name}": machine.signed({"key": key})
                for name, key in account.one_time_keys["curve25519"].items()
            }
        if first or (self._fallback_used and self._now() - self._fallback_made >= _FALLBACK_REST):
            body["fallback_keys"] = self._make_fallback()
        if body:
            machine.mark_keys_as_published()
            machine.save_account()
        return body

    def _make_fallback(self) -> JsonObject:
        olm: Any = self._machine.account._account  # the stubs of vodozemac lack fallback keys
        olm.generate_fallback_key()
        return {
            f"{_ALGORITHM}:{name}": self._machine.signed({"key": key.to_base64(), "fallback": True})
            for name, key in olm.fallback_key.items()
        }

    def _counts(self, answer: JsonObject) -> None:
        self._count = whole(mapping(answer.get("one_time_key_counts")).get(_ALGORITHM)) or 0
        self._counted = self._now()

    def _done(self, answer: JsonObject) -> None:
        sent, self._waiting = self._waiting, {}
        self._counts(answer)
        if "fallback_keys" in sent:
            self._fallback_used = False
            self._fallback_made = self._now()
        if not self._machine.account.shared:
            self._machine.account.shared = True
            self._machine.save_account()
