"""Whether an invite is a direct message, decided from the stripped state that comes with it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dmtui.core.model import Invite, Milliseconds, RoomId, Safe, UserId

_INVITE_ONLY = "invite"
_SPACE = "m.space"
_NOBODY = UserId("")
_NOTHING = Safe("")


@dataclass(frozen=True, slots=True)
class StrippedInvite:
    """What the stripped state of a pending invite says; any of it may be missing or a lie.

    ``inviter`` is empty where my own member event is missing; ``flagged`` means that it carried
    ``is_direct: true``. An absent ``join_rule`` counts as ``invite``, the default of the
    authorization rules.
    """

    room_id: RoomId
    inviter: UserId = _NOBODY
    inviter_name: Safe = _NOTHING
    reason: Safe = _NOTHING
    flagged: bool = False
    join_rule: str = _INVITE_ONLY
    room_type: str = ""
    name: Safe = _NOTHING
    has_topic: bool = False
    has_alias: bool = False
    has_avatar: bool = False
    encrypted: bool = False


def judge_invite(
    stripped: StrippedInvite, direct_rooms: Collection[RoomId], received: Milliseconds
) -> Invite:
    """The invite as it is shown; ``direct_rooms`` are those that ``m.direct`` lists already.

    Direct if flagged and neither a space nor dressed up as a room, or if already listed.
    A flagged invite that fails this carries a ``warning`` saying why.
    """
    doubt = _doubt(stripped)
    known = stripped.room_id in direct_rooms and stripped.room_type != _SPACE
    direct = known or (stripped.flagged and not doubt)
    return Invite(
        stripped.room_id,
        stripped.inviter,
        stripped.inviter_name,
        direct,
        received,
        room_name=stripped.name,
        reason=stripped.reason,
        encrypted=stripped.encrypted,
        warning=doubt if stripped.flagged and not direct else "",
    )


def _doubt(stripped: StrippedInvite) -> str:
    """Why a flagged invite is no direct message, in words; empty where it can be one."""
    if stripped.room_type == _SPACE:
        return "Says it is a direct message, but is a space."
    if stripped.join_rule != _INVITE_ONLY:
        return "Says it is a direct message, but others can join."
    traits = {
        "name": bool(stripped.name),
        "topic": stripped.has_topic,
        "address": stripped.has_alias,
        "picture": stripped.has_avatar,
    }
    found = [trait for trait, present in traits.items() if present]
    if found:
        return f"Says it is a direct message, but is a room with a {' and a '.join(found)}."
    return ""
