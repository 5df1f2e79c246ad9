"""What an invite is: a direct message or not, and how close to me whoever sent it stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from dmtui.core.model import Invite, Milliseconds, RoomId, Safe, Standing, UserId
from dmtui.core.names import clean_line, display_name

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


# -- who asks -------------------------------------------------------------------------------

CLOSENESS = tuple(Standing)
"""Closest first."""


def standing_of(
    inviter: UserId, me: UserId, known: bool, verified: bool, shared_rooms: int | None
) -> Standing:
    """``known``: there is a conversation with the inviter, or they have a petname."""
    if known:
        return Standing.CONTACT
    if verified:
        return Standing.VERIFIED
    if shared_rooms:
        return Standing.SHARES_ROOMS
    if server_of(inviter) and server_of(inviter) == server_of(me):
        return Standing.SAME_SERVER
    return Standing.STRANGER


def server_of(user_id: UserId) -> str:
    """The server name in a user ID; empty where it has none."""
    return user_id.partition(":")[2]


def ranked(invites: Iterable[Invite]) -> tuple[Invite, ...]:
    """Direct ones first, then by standing, then newest first."""

    def place(invite: Invite) -> tuple[bool, int, Milliseconds, RoomId]:
        closeness = CLOSENESS.index(invite.standing)
        return not invite.direct, closeness, -invite.received, invite.room_id

    return tuple(sorted(invites, key=place))


def is_stranger(invite: Invite) -> bool:
    """Whether nothing speaks for the inviter, so that what they wrote stays hidden at first."""
    return invite.standing in (Standing.SAME_SERVER, Standing.STRANGER)


def shown_name(invite: Invite) -> Safe:
    """What to call the inviter before anybody has asked for what they wrote."""
    if is_stranger(invite):
        return clean_line(invite.inviter) or Safe("somebody")
    return display_name(invite.inviter, invite.inviter_name)


def common_ground(invite: Invite) -> str:
    """What I have in common with the inviter, in a few words."""
    count = invite.shared_rooms or 0
    rooms = f"{count} {'room' if count == 1 else 'rooms'} in common" if count else ""
    match invite.standing:
        case Standing.CONTACT:
            return ", ".join(filter(None, ("one of your people", rooms)))
        case Standing.VERIFIED:
            return ", ".join(filter(None, ("verified by you", rooms)))
        case Standing.SHARES_ROOMS:
            return rooms
        case Standing.SAME_SERVER:
            return "same server"
        case Standing.STRANGER:
            return "nobody you know"
