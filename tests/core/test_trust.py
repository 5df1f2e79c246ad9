"""What follows from the keys that were seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.model import Doubt
from dmtui.core.trust import (
    IdentityState,
    KnownIdentity,
    Origin,
    accepted,
    device_words,
    doubt_note,
    doubt_words,
    identity_advice,
    identity_words,
    judge_identity,
    judge_message,
    seen,
)

MASTERS = st.sampled_from(["A", "B", "C"])
SIGHTS = st.lists(st.tuples(MASTERS, st.booleans()), min_size=1, max_size=8)


def after(*sights: tuple[str, bool]) -> KnownIdentity:
    """What is remembered after these master keys were shown, vouched for or not."""
    known = None
    for at, (master, vouched) in enumerate(sights, 1):
        known = seen(known, master, vouched, at)
    assert known is not None
    return known


def test_nobody_known_has_no_identity() -> None:
    assert judge_identity(None) is IdentityState.NONE


@pytest.mark.parametrize(
    ("sights", "state"),
    [
        ([("A", False)], IdentityState.FIRST_SEEN),
        ([("A", False), ("A", False)], IdentityState.FIRST_SEEN),
        ([("A", False), ("B", False)], IdentityState.CHANGED),
        ([("A", False), ("B", False), ("A", False)], IdentityState.FIRST_SEEN),
        ([("A", True)], IdentityState.VERIFIED),
        ([("A", True), ("B", False)], IdentityState.VIOLATED),
        ([("A", True), ("B", False), ("B", True)], IdentityState.VERIFIED),
        ([("A", True), ("B", True), ("A", False)], IdentityState.VIOLATED),
        ([("A", True), ("A", False)], IdentityState.FIRST_SEEN),
        ([("A", True), ("A", False), ("B", False)], IdentityState.VIOLATED),
    ],
)
def test_state_follows_from_what_was_shown(
    sights: list[tuple[str, bool]], state: IdentityState
) -> None:
    assert judge_identity(after(*sights)) is state


@given(SIGHTS)
def test_another_key_than_the_first_is_never_quiet_unless_compared(
    sights: list[tuple[str, bool]],
) -> None:
    known = after(*sights)
    state = judge_identity(known)
    compared = {master for master, vouched in sights if vouched}
    if known.master != sights[0][0] and known.master not in compared:
        assert state.is_alarming
    if any(vouched for _, vouched in sights) and known.master not in compared:
        assert state in (IdentityState.VIOLATED, IdentityState.FIRST_SEEN)
    assert (state is IdentityState.VERIFIED) == sights[-1][1]


@given(SIGHTS)
def test_accepting_ends_every_alarm_and_vouches_for_nothing(
    sights: list[tuple[str, bool]],
) -> None:
    known = accepted(after(*sights), 99)
    state = judge_identity(known)
    assert not state.is_alarming
    assert (state is IdentityState.VERIFIED) == sights[-1][1]
    assert judge_identity(seen(known, "D", False, 100)).is_alarming


@given(SIGHTS)
def test_same_sight_again_changes_nothing(sights: list[tuple[str, bool]]) -> None:
    assert after(*sights, sights[-1]) == after(*sights)


def test_pin_keeps_its_day_until_another_key_takes_its_place() -> None:
    assert after(("A", False), ("A", True), ("B", False)).pinned_at == 1
    assert after(("A", False), ("B", True)).pinned_at == 2
    assert accepted(after(("A", False), ("B", False)), 7).pinned_at == 7


@pytest.mark.parametrize("state", list(IdentityState))
def test_every_state_has_words_and_every_alarm_advice(state: IdentityState) -> None:
    assert identity_words(state, "3 May 2026")
    assert bool(identity_advice(state)) is state.is_alarming


@pytest.mark.parametrize(
    ("direct", "known", "signed", "identity", "doubt"),
    [
        (True, True, True, IdentityState.FIRST_SEEN, Doubt.NONE),
        (True, True, True, IdentityState.VERIFIED, Doubt.NONE),
        (True, True, True, IdentityState.CHANGED, Doubt.NONE),
        (True, True, True, IdentityState.VIOLATED, Doubt.VIOLATED),
        (True, True, False, IdentityState.VERIFIED, Doubt.UNSIGNED_DEVICE),
        (True, True, None, IdentityState.NONE, Doubt.NO_IDENTITY),
        (True, False, None, IdentityState.VERIFIED, Doubt.UNKNOWN_DEVICE),
        (False, True, True, IdentityState.VERIFIED, Doubt.INDIRECT),
        (False, True, False, IdentityState.VERIFIED, Doubt.UNSIGNED_DEVICE),
        (False, True, None, IdentityState.NONE, Doubt.INDIRECT),
        (False, False, None, IdentityState.NONE, Doubt.UNKNOWN_DEVICE),
    ],
)
def test_gravest_reason_to_doubt_a_message_is_told(
    direct: bool, known: bool, signed: bool | None, identity: IdentityState, doubt: Doubt
) -> None:
    assert judge_message(Origin(direct, known, signed, identity)) is doubt


@pytest.mark.parametrize("doubt", [one for one in Doubt if one is not Doubt.NONE])
def test_every_doubt_has_words_and_all_but_the_mildest_stand_by_the_message(doubt: Doubt) -> None:
    assert doubt_words(doubt).endswith(".")
    assert bool(doubt_note(doubt)) is (doubt is not Doubt.NO_IDENTITY)


def test_no_doubt_needs_no_words() -> None:
    assert (doubt_note(Doubt.NONE), doubt_words(Doubt.NONE)) == ("", "")


def test_devices_differ_in_words_not_in_colour() -> None:
    assert len({device_words(signed) for signed in (None, True, False)}) == 3
