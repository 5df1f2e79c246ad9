"""How people are arranged for me alone: petnames and timed mutes, in my own account data.

The type is :data:`PEOPLE`, its content ``{"people": {"@user:server": {"petname": "…",
"muted_until": 1790000000000}}}``; both parts may be missing, and whatever else there is stays.
Pins, archived chats, mutes themselves and marks of unread are where Matrix has them: in room tags,
push rules and a room's account data.
A group has its room ID for a key, and no petname.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntFlag

from dmtui.core.errors import BadContent
from dmtui.core.model import Contact, Json, JsonObject, Milliseconds, RoomId, Safe, UserId
from dmtui.core.names import clean_line, is_user_id

PEOPLE = "io.github.dmtui.people"
FAVOURITE = "m.favourite"
LOW_PRIORITY = "m.lowpriority"

PETNAME_LENGTH = 80
LATEST = 1 << 53
"""A time at or past this is nobody's: JSON numbers are exact below it."""


class Part(IntFlag):
    """What of a person's arrangement is wished to be different on the server."""

    NAME = 1
    PIN = 2
    ARCHIVE = 4
    MUTE = 8
    UNREAD = 16


NOTHING = Part(0)


@dataclass(frozen=True, slots=True)
class TaggedRoom:
    """A joined room of a person, as the server is known to have it arranged.

    ``serving`` is the one that messages go to.
    """

    room_id: RoomId
    tags: frozenset[str] = frozenset()
    muted: bool = False
    marked_unread: bool = False
    serving: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be published of a person: these parts of the contact, in these rooms.

    ``version`` tells whether something else has been wished since.
    """

    contact: Contact
    parts: Part
    version: int
    rooms: tuple[TaggedRoom, ...] = ()

    def marks(self, room: TaggedRoom) -> bool:
        """Whether the room is to be marked as unread: only the serving one of a person's."""
        return room.serving and self.contact.marked_unread


def petname(text: str) -> Safe:
    """What the user typed, as a petname: one clean line, empty for none."""
    return clean_line(text, PETNAME_LENGTH)


def arranged(stored: Contact, wished: Part, rooms: Collection[TaggedRoom]) -> Contact:
    """How a person stands: what is wished, and else what the server has said of the rooms.

    One room with the tag pins or archives a person, or marks them as unread; muted is who is muted
    in every room.
    """
    tags = frozenset[str]().union(*(room.tags for room in rooms))
    muted = bool(rooms) and all(room.muted for room in rooms)
    if Part.MUTE in wished:
        muted = stored.muted
    marked = any(room.marked_unread for room in rooms)
    return Contact(
        stored.user_id,
        stored.petname,
        stored.pinned if Part.PIN in wished else FAVOURITE in tags,
        stored.archived if Part.ARCHIVE in wished else LOW_PRIORITY in tags,
        muted,
        stored.muted_until if muted else 0,
        stored.marked_unread if Part.UNREAD in wished else marked,
    )


def lacking(contact: Contact, room: TaggedRoom) -> Part:
    """What a room that has come to a person is to be given, so that nothing changes by it."""
    parts = NOTHING
    if contact.pinned and FAVOURITE not in room.tags:
        parts |= Part.PIN
    if contact.archived and LOW_PRIORITY not in room.tags:
        parts |= Part.ARCHIVE
    if contact.muted and not room.muted:
        parts |= Part.MUTE
    return parts


# -- account data ---------------------------------------------------------------------------


def is_readable(content: JsonObject) -> bool:
    """Whether the content has the shape that :func:`with_contact` can change."""
    return isinstance(content.get("people", {}), dict)


def read_people(content: JsonObject) -> Mapping[UserId, Contact]:
    """Petnames and ends of mutes that can be made sense of; the rest is passed over."""
    people = content.get("people")
    if not isinstance(people, dict):
        return {}
    found = (_read(key, entry) for key, entry in people.items())
    return {contact.user_id: contact for contact in found if contact is not None}


def _read(key: str, entry: Json) -> Contact | None:
    if not isinstance(entry, dict) or not (key.startswith("!") or is_user_id(key)):
        return None
    name, until = entry.get("petname"), _time(entry.get("muted_until"))
    called = petname(name) if isinstance(name, str) and key.startswith("@") else Safe("")
    return Contact(UserId(key), called, muted_until=until) if called or until else None


def _time(value: Json) -> Milliseconds:
    """A moment, 0 for whatever else it is."""
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 0 < value < LATEST else 0


def with_contact(content: JsonObject, contact: Contact, parts: Part) -> JsonObject:
    """A copy in which these parts of the person are as given, everything else being verbatim.

    Raises ``BadContent`` where there is something else in their place.
    """
    people = content.get("people", {})
    entry = people.get(contact.user_id, {}) if isinstance(people, dict) else None
    if not isinstance(people, dict) or not isinstance(entry, dict):
        raise BadContent("Your petnames on the server are malformed; they were left as they are.")
    fields: dict[str, Json] = {}
    if Part.NAME in parts:
        fields["petname"] = str(contact.petname)
    if Part.MUTE in parts:
        fields["muted_until"] = contact.muted_until if contact.muted else 0
    now = {name: value for name, value in entry.items() if fields.get(name, True)}
    now |= {name: value for name, value in fields.items() if value}
    if now == entry:
        return content
    rest = {key: value for key, value in people.items() if now or key != contact.user_id}
    return {**content, "people": rest | ({contact.user_id: now} if now else {})}
