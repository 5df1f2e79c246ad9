from __future__ import annotations

from dataclasses import replace

import pytest

from dmtui.core.invites import (
    StrippedInvite,
    common_ground,
    is_stranger,
    judge_invite,
    ranked,
    shown_name,
    standing_of,
)
from dmtui.core.model import Invite, RoomId, Safe, Standing, UserId

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


# -- who asks -------------------------------------------------------------------------------

ME = UserId("@me:home")
NEAR = UserId("@near:home")
FAR = UserId("@far:away")


@pytest.mark.parametrize(
    ("inviter", "known", "verified", "shared", "standing"),
    [
        (FAR, True, False, None, Standing.CONTACT),
        (FAR, True, False, 0, Standing.CONTACT),
        (FAR, True, True, 1, Standing.CONTACT),
        (FAR, False, True, 1, Standing.VERIFIED),
        (FAR, False, False, 1, Standing.SHARES_ROOMS),
        (NEAR, False, False, 2, Standing.SHARES_ROOMS),
        (NEAR, False, False, 0, Standing.SAME_SERVER),
        (NEAR, False, False, None, Standing.SAME_SERVER),
        (FAR, False, False, 0, Standing.STRANGER),
        (FAR, False, False, None, Standing.STRANGER),
        (UserId("@x:home:8448"), False, False, None, Standing.STRANGER),
        (UserId(""), False, False, None, Standing.STRANGER),
    ],
)
def test_standing_is_the_closest_that_holds(
    inviter: UserId, known: bool, verified: bool, shared: int | None, standing: Standing
) -> None:
    assert standing_of(inviter, ME, known, verified, shared) is standing


def ask(room: str, standing: Standing, at: int = 0, direct: bool = True) -> Invite:
    return Invite(
        RoomId(room), FAR, Safe("Your Bank"), direct, at, reason=Safe("hi"), standing=standing
    )


def test_people_come_before_rooms_then_the_closest_then_the_newest() -> None:
    wanted = [
        ask("!1", Standing.CONTACT, 1),
        ask("!v", Standing.VERIFIED, 1),
        ask("!2", Standing.SHARES_ROOMS, 1),
        ask("!3", Standing.SAME_SERVER, 9),
        ask("!4", Standing.STRANGER, 8),
        ask("!5", Standing.STRANGER, 7),
        ask("!6", Standing.STRANGER, 7),
        ask("!7", Standing.CONTACT, 99, direct=False),
    ]
    assert list(ranked(reversed(wanted))) == wanted


@pytest.mark.parametrize("standing", Standing)
def test_name_is_shown_of_those_alone_who_are_no_strangers(standing: Standing) -> None:
    invite = ask("!1", standing)
    known = standing in (Standing.CONTACT, Standing.VERIFIED, Standing.SHARES_ROOMS)
    assert is_stranger(invite) is not known
    assert shown_name(invite) == ("Your Bank" if known else FAR)


def test_invite_without_an_inviter_has_somebody_to_show() -> None:
    assert shown_name(judge_invite(StrippedInvite(ROOM), (), 0)) == "somebody"


@pytest.mark.parametrize(
    ("standing", "shared", "words"),
    [
        (Standing.CONTACT, None, "one of your people"),
        (Standing.CONTACT, 2, "one of your people, 2 rooms in common"),
        (Standing.VERIFIED, 0, "verified by you"),
        (Standing.VERIFIED, 1, "verified by you, 1 room in common"),
        (Standing.SHARES_ROOMS, 1, "1 room in common"),
        (Standing.SHARES_ROOMS, 3, "3 rooms in common"),
        (Standing.SAME_SERVER, 0, "same server"),
        (Standing.STRANGER, None, "nobody you know"),
    ],
)
def test_common_ground_is_said_in_words(standing: Standing, shared: int | None, words: str) -> None:
    assert common_ground(replace(ask("!1", standing), shared_rooms=shared)) == words
