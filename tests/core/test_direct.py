from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.direct import (
    AcceptInvite,
    Candidate,
    CreateNew,
    OpenRoom,
    PersonIsGone,
    apply_edits,
    crossed,
    holds,
    look_up,
    losses,
    rank,
    read_direct,
    room_person,
)
from dmtui.core.intents import DirectAction, EditDirect
from dmtui.core.model import Invite, Json, JsonObject, Membership, RoomId, Safe, UserId

ME = UserId("@me:x")
BOB = UserId("@bob:x")
CAROL = UserId("@carol:x")
R1, R2, R3 = RoomId("!r1:x"), RoomId("!r2"), RoomId("!r3:x")

JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["!r1:x", "!r2"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["@bob:x", "@carol:x", "@me:x", "[object Object]", "bob@mail.x"]) | st.text()
MAPS: st.SearchStrategy[JsonObject] = st.dictionaries(KEYS, JSON, max_size=6)
EDITS = st.builds(
    EditDirect,
    st.sampled_from(DirectAction),
    st.sampled_from([BOB, CAROL]),
    st.sampled_from([R1, R2]),
)


def add(user_id: UserId, room_id: RoomId) -> EditDirect:
    return EditDirect(DirectAction.ADD, user_id, room_id)


def remove(user_id: UserId, room_id: RoomId) -> EditDirect:
    return EditDirect(DirectAction.REMOVE, user_id, room_id)


def move(user_id: UserId, room_id: RoomId) -> EditDirect:
    return EditDirect(DirectAction.MOVE, user_id, room_id)


# -- reading --------------------------------------------------------------------------------


def test_one_malformed_entry_costs_no_other() -> None:
    content: JsonObject = {
        "@a:x": None,
        "[object Object]": ["!z"],
        "b@mail.x": ["!m:x"],
        "@b:y": ["!r", "!r", 5, "#alias:x", "!"],
        "@c:y": "!string",
        "@d:y": [],
        "@e:y": ["!one:x", "!two"],
    }
    assert read_direct(content) == {"@b:y": ("!r",), "@e:y": ("!one:x", "!two")}


@given(MAPS)
def test_any_map_is_read(content: JsonObject) -> None:
    before = deepcopy(content)
    for rooms in read_direct(content).values():
        assert rooms
        assert len(set(rooms)) == len(rooms)
    assert content == before


def test_a_room_under_several_users_belongs_to_the_member_who_is_not_me() -> None:
    assert room_person([ME, CAROL, BOB], ME, {BOB}) == BOB


def test_the_inviter_is_preferred_among_several() -> None:
    assert room_person([BOB, CAROL], ME, {BOB, CAROL}, inviter=CAROL) == CAROL
    assert room_person([BOB, CAROL], ME, {BOB}, inviter=CAROL) == BOB


def test_a_room_whose_person_left_keeps_its_person() -> None:
    assert room_person([BOB], ME, ()) == BOB
    assert room_person([BOB, CAROL], ME, (), inviter=CAROL) == CAROL


def test_a_room_under_my_own_id_is_mine_while_i_am_alone() -> None:
    assert room_person([ME], ME, ()) == ME
    assert room_person([ME], ME, {BOB}) == BOB
    assert room_person([ME], ME, {BOB, CAROL}) is None
    assert room_person([], ME, {BOB}) is None


@given(st.permutations([BOB, CAROL, ME]))
def test_the_choice_of_person_does_not_depend_on_the_maps_order(listed: list[UserId]) -> None:
    assert room_person(listed, ME, {BOB, CAROL}) == BOB


# -- editing --------------------------------------------------------------------------------


def test_adding_keeps_foreign_and_malformed_entries_verbatim() -> None:
    content: JsonObject = {"@a:x": None, "[object Object]": ["!z"], "@b:y": ["!r", "!r", 5]}
    assert apply_edits(content, [add(BOB, R1)]) == {**content, BOB: [R1]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, [R1]),
        ([], [R1]),
        (R1, [R1]),
        ("!other:x", ["!other:x", R1]),
        (7, [7, R1]),
        ({"a": 1}, [{"a": 1}, R1]),
        (["!r", "!r", None], ["!r", "!r", None, R1]),
        (["!r", R1, R1], ["!r", R1, R1]),
    ],
)
def test_adding_to_any_value_loses_nothing_it_said(value: Json, expected: Json) -> None:
    assert apply_edits({BOB: value}, [add(BOB, R1)]) == {BOB: expected}


def test_removing_takes_every_copy_and_leaves_the_rest() -> None:
    content: JsonObject = {BOB: [R1, 5, R1, R2], CAROL: [R1]}
    assert apply_edits(content, [remove(BOB, R1)]) == {BOB: [5, R2], CAROL: [R1]}


def test_a_list_emptied_by_removal_goes_with_its_key() -> None:
    assert apply_edits({BOB: [R1], CAROL: []}, [remove(BOB, R1)]) == {CAROL: []}


def test_moving_leaves_the_room_under_one_user() -> None:
    content: JsonObject = {ME: [R1], "odd": [R1, 5], "text": R1, CAROL: None}
    assert apply_edits(content, [move(BOB, R1)]) == {"odd": [5], CAROL: None, BOB: [R1]}


@given(MAPS, st.lists(EDITS, max_size=4))
def test_the_original_is_never_touched(content: JsonObject, edits: list[EditDirect]) -> None:
    before = deepcopy(content)
    apply_edits(content, edits)
    assert content == before


@given(MAPS, EDITS)
def test_an_edit_holds_once_applied(content: JsonObject, edit: EditDirect) -> None:
    edited = apply_edits(content, [edit])
    assert holds(edited, edit)
    assert holds(content, edit) == (edited == content)


@given(MAPS, EDITS)
def test_only_the_named_lists_change(content: JsonObject, edit: EditDirect) -> None:
    edited = apply_edits(content, [edit])
    for key, value in content.items():
        mentioned = value == edit.room_id or (isinstance(value, list) and edit.room_id in value)
        moved = edit.action is DirectAction.MOVE and mentioned
        if key != edit.user_id and not moved:
            assert edited[key] == value


@given(MAPS, EDITS)
def test_an_added_room_is_read_back(content: JsonObject, edit: EditDirect) -> None:
    rooms = read_direct(apply_edits(content, [edit])).get(edit.user_id, ())
    assert (edit.room_id in rooms) == (edit.action is not DirectAction.REMOVE)


def listing(count: int) -> JsonObject:
    return {f"@u{n}:x": [f"!r{n}"] for n in range(count)}


def test_losing_most_joined_rooms_is_reported() -> None:
    joined = {RoomId(f"!r{n}") for n in range(40)}
    assert losses(listing(40), listing(1), joined) == joined - {"!r0"}


def test_losing_more_than_three_of_many_is_reported() -> None:
    joined = {RoomId(f"!r{n}") for n in range(40)}
    assert len(losses(listing(40), listing(36), joined)) == 4
    assert losses(listing(40), listing(37), joined) == frozenset()


def test_losing_more_than_a_third_of_few_is_reported() -> None:
    joined = {RoomId(f"!r{n}") for n in range(5)}
    assert len(losses(listing(5), listing(3), joined)) == 2
    assert losses(listing(5), listing(4), joined) == frozenset()


def test_rooms_that_i_left_are_no_loss() -> None:
    assert losses(listing(40), {}, {RoomId("!elsewhere")}) == frozenset()


def test_a_room_moved_to_another_person_is_no_loss() -> None:
    assert losses({BOB: [R1]}, {CAROL: [R1]}, {R1}) == frozenset()


def test_what_came_between_reading_and_writing_is_noticed() -> None:
    before: JsonObject = {BOB: [R1]}
    ours: JsonObject = {BOB: [R1], CAROL: [R2]}
    assert crossed(before, ours, [{BOB: [R1, R3], "junk": [5]}]) == [add(BOB, R3)]


def test_what_our_write_moved_or_kept_did_not_come_between() -> None:
    before: JsonObject = {BOB: [R1, R2]}
    ours: JsonObject = {BOB: [R2], CAROL: [R1, R3]}
    assert crossed(before, ours, [before, ours, {BOB: [R1, R3]}]) == []


@given(MAPS, MAPS, st.lists(MAPS, max_size=3))
def test_nothing_that_came_between_is_missing_afterwards(
    before: JsonObject, ours: JsonObject, theirs: list[JsonObject]
) -> None:
    result = read_direct(apply_edits(ours, crossed(before, ours, theirs)))
    known = {r for one in (before, ours) for rooms in read_direct(one).values() for r in rooms}
    for version in theirs:
        for user_id, rooms in read_direct(version).items():
            assert set(rooms) - known <= set(result.get(user_id, ()))


# -- Start Chat -----------------------------------------------------------------------------

JOINED = Candidate(R1, Membership.JOIN, Membership.JOIN, humans=1, flagged=True)
INVITED = replace(JOINED, room_id=R2, peer=Membership.INVITE)
LEFT = replace(JOINED, room_id=R3, peer=Membership.LEAVE, humans=0)
INVITE = Invite(R2, BOB, Safe("Bob"), direct=True, received=1)


def test_no_room_and_no_invite_makes_a_new_room() -> None:
    assert look_up(BOB, (), None) == CreateNew()


def test_a_shared_room_is_opened_before_anything_else() -> None:
    assert look_up(BOB, (LEFT, INVITED, JOINED), INVITE) == OpenRoom(R1, invite_pending=False)


def test_a_room_to_which_the_person_is_invited_is_opened() -> None:
    assert look_up(BOB, (LEFT, INVITED), INVITE) == OpenRoom(R2, invite_pending=True)


def test_a_pending_direct_invite_is_accepted_instead_of_creating() -> None:
    assert look_up(BOB, (LEFT,), INVITE) == AcceptInvite(INVITE)
    assert look_up(BOB, (), INVITE) == AcceptInvite(INVITE)


def test_an_invite_to_a_room_or_by_another_is_not_accepted() -> None:
    assert look_up(BOB, (), replace(INVITE, direct=False)) == CreateNew()
    assert look_up(BOB, (), replace(INVITE, inviter=CAROL)) == CreateNew()


@pytest.mark.parametrize("peer", [Membership.LEAVE, None])
def test_a_room_that_the_person_is_not_in_is_offered_for_inviting_back(
    peer: Membership | None,
) -> None:
    assert look_up(BOB, (replace(LEFT, peer=peer),), None) == PersonIsGone(R3)


@pytest.mark.parametrize(
    "unfit",
    [
        replace(JOINED, humans=2),
        replace(INVITED, humans=2),
        replace(LEFT, humans=1),
        replace(LEFT, peer=Membership.BAN),
        replace(JOINED, flagged=False),
        replace(JOINED, space=True),
        replace(JOINED, mine=Membership.INVITE),
        replace(JOINED, mine=Membership.LEAVE),
    ],
)
def test_a_room_that_is_not_ours_alone_is_never_reused(unfit: Candidate) -> None:
    assert look_up(BOB, (unfit,), None) == CreateNew()


def test_an_upgraded_room_gives_way_to_its_joined_successor() -> None:
    old = replace(JOINED, successor=R2, encrypted=True, last_message=99)
    new = replace(JOINED, room_id=R2)
    assert look_up(BOB, (old, new), None) == OpenRoom(R2, invite_pending=False)
    assert look_up(BOB, (old, replace(new, mine=Membership.LEAVE)), None) == OpenRoom(R1, False)


def test_a_chain_of_upgrades_is_followed_to_its_end() -> None:
    old = replace(JOINED, successor=R2)
    middle = replace(JOINED, room_id=R2, mine=Membership.LEAVE, successor=R3)
    newest = replace(JOINED, room_id=R3)
    assert [c.room_id for c in rank((old, middle, newest))] == [R3]


def test_a_ring_of_upgrades_does_not_hang() -> None:
    one = replace(JOINED, successor=R2, mine=Membership.LEAVE)
    other = replace(JOINED, room_id=R2, successor=R1)
    assert [c.room_id for c in rank((one, other))] == [R2]


def test_within_a_rank_encryption_then_recency_then_age_decide() -> None:
    plain_newest = replace(JOINED, room_id=RoomId("!a"), last_message=9)
    encrypted_old = replace(JOINED, room_id=RoomId("!b"), encrypted=True, created_at=5)
    encrypted_older = replace(JOINED, room_id=RoomId("!d"), encrypted=True, created_at=4)
    encrypted_unknown = replace(JOINED, room_id=RoomId("!c"), encrypted=True)
    encrypted_active = replace(JOINED, room_id=RoomId("!e"), encrypted=True, last_message=3)
    ranked = rank(
        (plain_newest, encrypted_unknown, encrypted_old, encrypted_older, encrypted_active)
    )
    assert "".join(c.room_id for c in ranked) == "!e!d!b!c!a"


CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.sampled_from([R1, R2, R3, RoomId("!r4"), RoomId("!r5")]),
        st.sampled_from(Membership),
        st.sampled_from(Membership) | st.none(),
        st.integers(0, 3),
        st.booleans(),
        st.booleans(),
        st.integers(0, 2),
        st.integers(0, 2),
        st.booleans(),
        st.sampled_from([R1, R2, None]),
    ),
    unique_by=lambda candidate: candidate.room_id,
)


@given(CANDIDATES, st.randoms())
def test_every_device_ranks_the_same_way(candidates: list[Candidate], random: Random) -> None:
    shuffled = list(candidates)
    random.shuffle(shuffled)
    assert rank(candidates) == rank(shuffled)


@given(CANDIDATES)
def test_only_fit_rooms_are_ranked(candidates: list[Candidate]) -> None:
    for candidate in rank(candidates):
        assert candidate in candidates
        assert candidate.mine is Membership.JOIN
        assert candidate.humans <= 1
        assert candidate.flagged
        assert not candidate.space


def test_notes_to_self_is_a_room_that_i_am_alone_in() -> None:
    notes = replace(JOINED, humans=0)
    shared = replace(JOINED, room_id=R2, encrypted=True)
    assert look_up(ME, (shared, notes), None, ME) == OpenRoom(R1, invite_pending=False)
    assert look_up(ME, (shared,), None, ME) == CreateNew()
