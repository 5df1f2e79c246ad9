from __future__ import annotations

from dataclasses import replace

import pytest

from dmtui.core.invites import StrippedInvite, judge_invite
from dmtui.core.model import RoomId, Safe, UserId

ROOM = RoomId("!r")
FLAGGED = StrippedInvite(ROOM, UserId("@bob:x"), Safe("Bob"), flagged=True)


def test_flagged_bare_invite_is_direct() -> None:
    invite = judge_invite(FLAGGED, (), 7)

    assert invite.direct
    assert invite.warning == ""
    assert (invite.inviter, invite.inviter_name, invite.received) == ("@bob:x", "Bob", 7)


@pytest.mark.parametrize(
    ("trait", "word"),
    [
        ({"room_type": "m.space"}, "space"),
        ({"join_rule": "public"}, "others can join"),
        ({"join_rule": "knock"}, "others can join"),
        ({"join_rule": ""}, "others can join"),
        ({"name": Safe("Team")}, "name"),
        ({"has_topic": True}, "topic"),
        ({"has_alias": True}, "address"),
        ({"has_avatar": True}, "picture"),
    ],
)
def test_flagged_invite_dressed_as_a_room_is_none_and_says_why(
    trait: dict[str, object], word: str
) -> None:
    stripped = replace(FLAGGED, **trait)  # type: ignore[arg-type]  # one field each, of its type

    invite = judge_invite(stripped, (), 0)

    assert not invite.direct
    assert word in invite.warning
    assert not judge_invite(replace(stripped, flagged=False), (), 0).warning


def test_several_traits_are_all_named() -> None:
    warning = judge_invite(replace(FLAGGED, name=Safe("x"), has_avatar=True), (), 0).warning

    assert "a name and a picture" in warning


def test_unflagged_invite_is_direct_only_if_the_room_is_listed_already() -> None:
    plain = replace(FLAGGED, flagged=False)

    assert not judge_invite(plain, (), 0).direct
    assert judge_invite(plain, {ROOM}, 0).direct
    assert judge_invite(replace(plain, name=Safe("Us")), {ROOM}, 0).direct


def test_space_is_never_direct() -> None:
    assert not judge_invite(replace(FLAGGED, room_type="m.space"), {ROOM}, 0).direct


def test_invite_without_any_state_can_still_be_shown_and_declined() -> None:
    invite = judge_invite(StrippedInvite(ROOM), (), 0)

    assert (invite.room_id, invite.inviter, invite.direct) == (ROOM, "", False)
