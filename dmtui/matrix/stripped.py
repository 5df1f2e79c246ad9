"""Stripped state of an invite: from a stranger's server, and perhaps missing in part or whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dmtui.core.invites import StrippedInvite
from dmtui.core.model import JsonObject, RoomId, UserId
from dmtui.core.names import clean_line
from dmtui.matrix.translate import member
from dmtui.matrix.values import mapping, text, user_id

_LONGEST_WORD = 64


def stripped_invite(room: RoomId, events: Iterable[JsonObject], me: UserId) -> StrippedInvite:
    """The invite as far as it can be understood; without my member event nobody is the inviter."""
    invite = StrippedInvite(room)
    people: dict[UserId, JsonObject] = {}
    for event in events:
        if event.get("type") == "m.room.member":
            if (subject := user_id(event.get("state_key"))) is not None:
                people[subject] = event
        elif event.get("state_key") == "":
            invite = _with_state(invite, event)
    return _with_people(invite, people, me)


def _with_people(
    invite: StrippedInvite, people: dict[UserId, JsonObject], me: UserId
) -> StrippedInvite:
    mine = people.get(me)
    if mine is None:
        return invite
    content, inviter = mapping(mine.get("content")), user_id(mine.get("sender")) or UserId("")
    theirs = member(people[inviter]) if inviter in people else None
    return replace(
        invite,
        inviter=inviter,
        inviter_name=theirs.name if theirs else clean_line(""),
        reason=clean_line(text(content.get("reason"))),
        flagged=content.get("is_direct") is True,
    )


def _with_state(invite: StrippedInvite, event: JsonObject) -> StrippedInvite:
    content = mapping(event.get("content"))
    match event.get("type"):
        case "m.room.create":
            return replace(invite, room_type=text(content.get("type"))[:_LONGEST_WORD])
        case "m.room.join_rules":
            return replace(invite, join_rule=text(content.get("join_rule"))[:_LONGEST_WORD])
        case "m.room.name":
            return replace(invite, name=clean_line(text(content.get("name"))))
        case "m.room.topic":
            return replace(invite, has_topic=bool(content.get("topic")))
        case "m.room.canonical_alias":
            alias = content.get("alias") or content.get("alt_aliases")
            return replace(invite, has_alias=bool(alias))
        case "m.room.avatar":
            return replace(invite, has_avatar=bool(content.get("url")))
        case "m.room.encryption":
            return replace(invite, encrypted=True)
        case _:
            return invite
