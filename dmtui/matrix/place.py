"""Where the next sync resumes: the content of ``SyncBatch.token``, good for either way."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from dmtui.core.model import RoomId
from dmtui.matrix.values import mapping, opaque, room_id, whole

LONGEST_POSITION = 65_536


class Way(StrEnum):
    """How the homeserver is asked for news."""

    SLIDING = "sliding"  # MSC4186, at its unstable path
    CLASSIC = "classic"  # GET /v3/sync


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the account's news.

    ``position`` is the server's: ``None`` asks for everything. Sliding: ``to_device`` is the
    position in the to-device messages, kept when the connection starts anew, so that no room key
    is lost; ``window`` is how many rooms of a list are asked for; ``extras`` are rooms in no list
    that this connection has told of and must go on telling of, or their news would be lost.
    ``complete`` once the windows covered everything.
    Classic: ``covered`` holds a digest of every room that the position has told of; ``extras``
    are rooms with a pending invite, whose end a filter without them would hide.
    """

    way: Way
    position: str | None = None
    to_device: str | None = None
    window: int = 0
    complete: bool = False
    extras: tuple[RoomId, ...] = ()
    covered: tuple[str, ...] = ()

    def token(self) -> str:
        """As text, to be read by :func:`place_of`."""
        fields = {key: value for key, value in asdict(self).items() if value}
        return json.dumps(fields, separators=(",", ":"))

    def anew(self) -> Place:
        """From the start, with what must outlive the position."""
        return Place(self.way, to_device=self.to_device)


def place_of(token: str | None, way: Way) -> Place:
    """The place that the token names; the other way's position is of no use and is left out."""
    try:
        fields = mapping(json.loads(token or "{}"))
    except (ValueError, RecursionError):
        fields = {}
    place = Place(way, to_device=opaque(fields.get("to_device")))
    if fields.get("way") != way:
        return place
    extras, covered = fields.get("extras"), fields.get("covered")
    rooms = [room_id(value) for value in extras] if isinstance(extras, list) else []
    digests = [opaque(value, 16) for value in covered] if isinstance(covered, list) else []
    return replace(
        place,
        position=opaque(fields.get("position"), LONGEST_POSITION),
        window=whole(fields.get("window")) or 0,
        complete=fields.get("complete") is True,
        extras=tuple(one for one in rooms if one is not None),
        covered=tuple(one for one in digests if one is not None),
    )
