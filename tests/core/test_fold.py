from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.events import MembershipChange
from dmtui.core.fold import (
    Company,
    Weight,
    company,
    edit_applies,
    furthest,
    group_name,
    is_group,
    is_snapshot,
    membership_line,
    merged_member,
    peer_state,
    preview,
    weight,
)
from dmtui.core.model import Kind, Member, Membership, PeerState, Safe, UserId

ME = UserId("@me:x")
BOB = UserId("@bob:x")
CAROL = UserId("@carol:x")
BOT = UserId("@bot:x")
JOIN, INVITE, LEAVE, BAN = Membership.JOIN, Membership.INVITE, Membership.LEAVE, Membership.BAN


@pytest.mark.parametrize(
    ("kind", "own", "expected"),
    [
        (Kind.TEXT, False, Weight.COUNTED),
        (Kind.NOTICE, False, Weight.COUNTED),
        (Kind.UNDECRYPTABLE, False, Weight.COUNTED),
        (Kind.TEXT, True, Weight.MESSAGE),
        (Kind.REDACTED, False, Weight.MESSAGE),
        (Kind.OTHER, False, Weight.STATE),
        (Kind.MEMBERSHIP, False, Weight.HIDDEN),
        (None, False, Weight.HIDDEN),
    ],
)
def test_what_counts(kind: Kind | None, own: bool, expected: Weight) -> None:
    assert weight(kind, own) is expected


@pytest.mark.parametrize(
    ("now", "before", "sender", "words"),
    [
        (JOIN, None, BOB, "Bob joined"),
        (JOIN, JOIN, BOB, ""),
        (INVITE, None, ME, "Me invited Bob"),
        (LEAVE, INVITE, BOB, "Bob declined the invite"),
        (LEAVE, INVITE, ME, "Me took the invite back"),
        (LEAVE, JOIN, BOB, "Bob left"),
        (LEAVE, JOIN, ME, "Me removed Bob"),
        (BAN, JOIN, ME, "Me banned Bob"),
        (LEAVE, BAN, ME, "Me unbanned Bob"),
    ],
)
def test_membership_in_words(
    now: Membership, before: Membership | None, sender: UserId, words: str
) -> None:
    change = MembershipChange(Member(BOB, now), before)
    name = Safe("Me") if sender == ME else Safe("Bob")
    assert membership_line(change, sender, name, Safe("Bob")) == words


def test_preview_is_one_short_line() -> None:
    assert preview(Kind.TEXT, "a\n\nb", False, Safe("")) == "a b"
    assert preview(Kind.TEXT, "a", True, Safe("")) == "You: a"
    assert len(preview(Kind.TEXT, "x" * 10_000, True, Safe(""))) <= 120
    assert preview(Kind.REDACTED, "", True, Safe("")) == "You: Message deleted"


def test_edit_applies_to_the_senders_own_words_alone() -> None:
    assert edit_applies(Kind.TEXT, BOB, False, BOB, False)
    assert not edit_applies(Kind.TEXT, BOB, False, ME, False)
    assert not edit_applies(Kind.TEXT, BOB, True, BOB, False)
    assert not edit_applies(Kind.MEMBERSHIP, BOB, False, BOB, False)


def test_leave_keeps_the_name_and_a_join_the_flag() -> None:
    invited = Member(BOB, INVITE, Safe("Bob"), is_direct=True)
    joined = merged_member(invited, Member(BOB, JOIN, Safe("Bobby")))
    assert (joined.name, joined.is_direct) == ("Bobby", True)
    assert merged_member(joined, Member(BOB, LEAVE)).name == "Bobby"
    assert merged_member(joined, Member(BOB, JOIN)).name == ""


def test_lazily_loaded_members_are_no_snapshot() -> None:
    one = (Member(BOB, JOIN),)
    assert is_snapshot(one, 1, 0)
    assert is_snapshot(one, None, None)
    assert not is_snapshot(one, 2, 0)
    assert not is_snapshot((), None, None)


def test_company_leaves_out_me_and_service_members() -> None:
    there = [(ME, JOIN), (BOB, JOIN), (BOT, JOIN), (UserId("@gone:x"), LEAVE)]
    assert company(there, ME, {BOT}).known == {BOB}
    assert company(there, ME, {BOT}, 3, 0).count == 1
    assert company(there, ME, {BOT}, 4, 1).count == 3


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        (Member(BOB, JOIN), PeerState.JOINED),
        (Member(BOB, INVITE), PeerState.INVITED),
        (Member(BOB, LEAVE, sender=BOB), PeerState.LEFT),
        (Member(BOB, LEAVE, sender=BOB, never_in=True), PeerState.DECLINED),
        (Member(BOB, LEAVE, never_in=True), PeerState.DECLINED),
        (Member(BOB, LEAVE, sender=ME, never_in=True), PeerState.LEFT),
        (Member(BOB, BAN, sender=ME), PeerState.BANNED),
        (None, PeerState.LEFT),
    ],
)
def test_where_the_peer_stands(peer: Member | None, expected: PeerState) -> None:
    assert peer_state(peer, ME, BOB) is expected


def test_nobody_is_awaited_in_my_notes() -> None:
    assert peer_state(None, ME, ME) is PeerState.JOINED


@pytest.mark.parametrize(
    ("known", "count", "expected"),
    [
        ({BOB}, 1, False),
        (set(), 1, False),  # somebody whose name is not loaded yet
        ({CAROL}, 1, True),
        ({BOB, CAROL}, 2, True),
        ({BOB}, 2, True),
    ],
)
def test_what_makes_a_group(known: set[UserId], count: int, expected: bool) -> None:
    assert is_group(BOB, Company(frozenset(known), count)) is expected


@pytest.mark.parametrize(
    ("story", "never_in"),
    [
        ([INVITE], True),
        ([INVITE, LEAVE], True),
        ([INVITE, LEAVE, INVITE, LEAVE], True),
        ([INVITE, JOIN, LEAVE], False),
        ([JOIN, LEAVE], False),
        ([INVITE, JOIN, LEAVE, INVITE, LEAVE], False),
        ([LEAVE], False),
    ],
)
def test_whether_somebody_was_ever_in_the_room(story: list[Membership], never_in: bool) -> None:
    member: Member | None = None
    for membership in story:
        member = merged_member(member, Member(BOB, membership))
    assert member is not None
    assert member.never_in is never_in


def test_decline_is_told_by_what_was_before_it() -> None:
    assert merged_member(None, Member(BOB, LEAVE), INVITE).never_in
    assert not merged_member(None, Member(BOB, LEAVE), JOIN).never_in


@pytest.mark.parametrize(
    ("room", "members", "shown"),
    [
        ("Trip", ["Bob", "Carol"], "Trip"),
        ("", ["Bob", "Carol"], "Bob and Carol"),
        ("", ["Bob", "Carol", "Dan"], "Bob, Carol and Dan"),
        ("", ["Bob", "Carol", "Dan", "Eve"], "Bob, Carol, Dan and 1 more"),
        ("", ["Bob"], "Bob"),
        ("", [], "Empty room"),
    ],
)
def test_group_is_named_after_its_members(room: str, members: list[str], shown: str) -> None:
    assert group_name(Safe(room), [Safe(name) for name in members]) == shown


@given(st.lists(st.one_of(st.none(), st.integers())))
def test_receipts_in_any_order_end_at_the_furthest(places: list[int | None]) -> None:
    end = None
    for place in places:
        end = furthest(end, place)
    assert end == max((p for p in places if p is not None), default=None)
