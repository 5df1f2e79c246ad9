"""One answer of the server, the same shape for either way of asking; contents still raw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from dmtui.core.model import JsonObject, RoomId
from dmtui.matrix.place import Place
from dmtui.matrix.room_news import RawRoom


class Api(Protocol):
    """The one request function of :class:`dmtui.matrix.client.Client`."""

    async def api(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        query: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> JsonObject:
        """One authorised request; raises errors of core.errors."""


@dataclass(frozen=True, slots=True)
class KeyNews:
    """What concerns encryption; ``device_lists`` is ``None`` where changes may have been missed.

    ``next_batch`` names the to-device messages: the same name, the same messages.
    """

    next_batch: str
    to_device: list[JsonObject] = field(default_factory=list)
    device_lists: JsonObject | None = None
    one_time_keys: JsonObject | None = None
    fallback_types: list[str] | None = None


@dataclass(frozen=True, slots=True)
class News:
    """``place`` resumes after this answer; ``invites`` are raw stripped state events per room.

    ``settled``: with this answer everything has been told from the start, but for what has ended.
    """

    place: Place
    keys: KeyNews | None = None
    rooms: tuple[RawRoom, ...] = ()
    invites: Mapping[RoomId, list[JsonObject]] = field(default_factory=dict)
    all_invites: frozenset[RoomId] | None = None
    gone: tuple[RoomId, ...] = ()
    account_data: Mapping[str, JsonObject] = field(default_factory=dict)
    complete: bool = True
    settled: bool = False
