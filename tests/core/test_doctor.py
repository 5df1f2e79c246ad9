"""What the doctor finds, and that its repairs cost nobody an entry."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.direct import read_direct
from dmtui.core.doctor import Ailment, Finding, RoomFacts, Survey, examine, repair_of
from dmtui.core.model import JsonObject, Membership, RoomId, UserId
from dmtui.core.names import clean_line
from dmtui.core.repairs import apply_changes, rooms_in
from tests.core.test_repairs import maps

ME, BOB, CAROL, DAN = UserId("@me:x"), UserId("@bob:x"), UserId("@carol:x"), UserId("@dan:x")
A, B = RoomId("!a"), RoomId("!b")

WITH_BOB = RoomFacts(A, Membership.JOIN, (BOB,), inviter=BOB, direct=True)


def findings(content: JsonObject, *facts: RoomFacts) -> tuple[Finding, ...]:
    return examine(Survey(content, facts), ME)


def ailments(content: JsonObject, *facts: RoomFacts) -> list[Ailment]:
    return [finding.ailment for finding in findings(content, *facts)]


def repaired(content: JsonObject, *facts: RoomFacts) -> JsonObject:
    return apply_changes(content, repair_of(findings(content, *facts)))


def test_good_map_has_nothing_wrong() -> None:
    notes = RoomFacts(B, Membership.JOIN)
    assert ailments({BOB: [A], ME: [B]}, WITH_BOB, notes) == []


def test_rooms_under_no_user_id_go_to_their_people() -> None:
    content: JsonObject = {"[object Object]": [A], CAROL: []}
    assert ailments(content, WITH_BOB) == [Ailment.NOT_A_USER]
    assert repaired(content, WITH_BOB) == {CAROL: [], BOB: [A]}


def test_key_that_is_no_user_id_stays_while_its_room_is_nobodys() -> None:
    waiting = RoomFacts(A, Membership.JOIN)
    content: JsonObject = {"bob@example.org": [A]}
    (finding,) = findings(content, waiting)
    assert "e-mail address" in finding.line
    assert finding.changes == ()


def test_empty_malformed_and_double_values_are_tidied() -> None:
    content: JsonObject = {BOB: [A, A, 5], CAROL: None, "@dan:x": "!d"}
    malformed, double = Ailment.MALFORMED, Ailment.DUPLICATE
    assert ailments(content, WITH_BOB) == [malformed, double, malformed, malformed]
    assert repaired(content, WITH_BOB) == {BOB: [A], "@dan:x": ["!d"]}


def test_room_never_heard_of_goes_and_one_that_i_left_stays() -> None:
    never, left = RoomFacts(A, None), RoomFacts(B, Membership.LEAVE)
    content: JsonObject = {BOB: [A, B]}
    assert ailments(content, never, left) == [Ailment.UNKNOWN_ROOM, Ailment.LEFT_ROOM]
    assert repaired(content, never, left) == {BOB: [B]}


def test_successor_of_an_upgraded_room_is_added() -> None:
    old = replace(WITH_BOB, successor=B)
    new = RoomFacts(B, Membership.JOIN, (BOB,), inviter=BOB, direct=True)
    assert ailments({BOB: [A]}, old, new) == [Ailment.UPGRADED]
    assert repaired({BOB: [A]}, old, new) == {BOB: [A, B]}
    assert ailments({BOB: [A, B]}, old, new) == []


def test_group_is_told_of_and_left_alone() -> None:
    group = replace(WITH_BOB, humans=(BOB, CAROL))
    assert ailments({BOB: [A], CAROL: [A]}, group) == [Ailment.GROUP]
    assert repaired({BOB: [A], CAROL: [A]}, group) == {BOB: [A], CAROL: [A]}


def test_room_under_myself_goes_to_the_other_person() -> None:
    assert ailments({ME: [A]}, WITH_BOB) == [Ailment.SELF]
    assert repaired({ME: [A]}, WITH_BOB) == {BOB: [A]}


def test_room_under_several_people_goes_to_the_one_who_is_there() -> None:
    assert ailments({CAROL: [A], BOB: [A], ME: [A]}, WITH_BOB) == [Ailment.SEVERAL_USERS]
    assert repaired({CAROL: [A], BOB: [A], ME: [A]}, WITH_BOB) == {BOB: [A]}


def test_room_under_several_people_who_are_gone_is_left_alone() -> None:
    empty = replace(WITH_BOB, humans=())
    content: JsonObject = {CAROL: [A], BOB: [A]}
    assert repaired(content, empty) == content


def test_room_under_somebody_who_is_not_there_goes_to_the_one_who_is() -> None:
    (finding,) = findings({CAROL: [A]}, WITH_BOB)
    assert finding.ailment is Ailment.WRONG_PERSON
    assert finding.line == "!a is listed under @carol:x; only @bob:x is there."
    assert repaired({CAROL: [A, B]}, WITH_BOB, RoomFacts(B, Membership.JOIN)) == {
        CAROL: [B],
        BOB: [A],
    }
    unflagged = replace(WITH_BOB, direct=False, inviter=None)
    assert repaired({CAROL: [A], DAN: [A]}, unflagged) == {BOB: [A]}


def test_room_of_somebody_else_is_left_alone_where_it_is_not_theirs_for_sure() -> None:
    for facts in (
        replace(WITH_BOB, mine=Membership.LEAVE),
        replace(WITH_BOB, humans=()),
        replace(WITH_BOB, kept=True),
        replace(WITH_BOB, space=True),
    ):
        assert Ailment.WRONG_PERSON not in ailments({CAROL: [A]}, facts), facts


def test_lost_flag_is_given_back_to_whoever_invited() -> None:
    assert ailments({}, WITH_BOB) == [Ailment.LOST_FLAG]
    assert repaired({}, WITH_BOB) == {BOB: [A]}
    gone = replace(WITH_BOB, humans=())
    assert repaired({}, gone) == {BOB: [A]}
    mine = replace(WITH_BOB, inviter=ME)
    assert repaired({}, mine) == {BOB: [A]}


def test_only_a_flagged_chat_of_two_is_a_lost_one() -> None:
    for facts in (
        replace(WITH_BOB, direct=False),
        replace(WITH_BOB, humans=(BOB, CAROL)),
        replace(WITH_BOB, humans=(CAROL,)),
        replace(WITH_BOB, space=True),
        replace(WITH_BOB, mine=Membership.LEAVE),
        replace(WITH_BOB, successor=B),
    ):
        assert ailments({}, facts) == [], facts


PLAIN = RoomFacts(A, Membership.JOIN, (BOB,), plain=True)


def test_plain_room_of_two_is_offered_and_no_part_of_the_repair() -> None:
    (finding,) = findings({}, PLAIN)
    assert finding.ailment is Ailment.NEVER_MARKED
    assert finding.candidate
    assert "could be a chat with @bob:x" in finding.line
    assert repair_of([finding]) == ()
    chosen = repair_of([finding], candidates=True)
    assert apply_changes({}, chosen) == {BOB: [A]}
    assert ailments({BOB: [A]}, PLAIN) == []


def test_only_a_plain_room_of_two_that_is_meant_for_nothing_else_is_offered() -> None:
    for facts in (
        replace(PLAIN, plain=False),
        replace(PLAIN, kept=True),
        replace(PLAIN, humans=(BOB, CAROL)),
        replace(PLAIN, humans=()),
        replace(PLAIN, space=True),
        replace(PLAIN, mine=Membership.LEAVE),
        replace(PLAIN, successor=B),
    ):
        assert ailments({}, facts) == [], facts


def test_room_that_i_made_an_ordinary_one_is_no_lost_chat() -> None:
    assert ailments({}, replace(WITH_BOB, kept=True)) == []


def test_room_that_the_repair_finds_a_place_for_is_not_offered_too() -> None:
    assert ailments({"[object Object]": [A]}, PLAIN) == [Ailment.NOT_A_USER]
    old = replace(WITH_BOB, room_id=B, successor=A)
    assert ailments({"a@b.c": [B]}, old, PLAIN) == [Ailment.NOT_A_USER, Ailment.UPGRADED]


def test_successor_uncovered_by_a_move_is_part_of_the_same_repair() -> None:
    old = replace(WITH_BOB, successor=B)
    new = RoomFacts(B, Membership.JOIN, (BOB,), inviter=BOB, direct=True)
    assert ailments({"[object Object]": [A]}, old, new) == [Ailment.NOT_A_USER, Ailment.UPGRADED]
    assert repaired({"[object Object]": [A]}, old, new) == {BOB: [A, B]}


people = st.lists(st.sampled_from([BOB, CAROL, UserId("@x:y")]), max_size=3, unique=True)
known = st.builds(
    RoomFacts,
    st.sampled_from([A, B, RoomId("!c:x"), RoomId("!d")]),
    st.none() | st.sampled_from(Membership),
    people.map(tuple),
    st.none() | st.sampled_from([A, B]),
    st.none() | st.sampled_from([ME, BOB, CAROL]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@given(maps, st.lists(known, max_size=3, unique_by=lambda facts: facts.room_id))
def test_hostile_map_is_examined_and_no_room_that_is_real_is_lost(
    content: JsonObject, facts: list[RoomFacts]
) -> None:
    found = findings(content, *facts)
    assert all(clean_line(finding.line, 400) == finding.line for finding in found)
    after = apply_changes(content, repair_of(found))
    unreal = {one.room_id for one in facts if one.mine is None}
    before = {room for value in content.values() for room in rooms_in(value)}
    assert before - {*unreal} <= {room for value in after.values() for room in rooms_in(value)}
    for user_id, rooms in read_direct(content).items():
        if not {one.room_id for one in facts}.intersection(rooms):
            assert read_direct(after)[user_id] == rooms


@given(maps, st.lists(known, max_size=4, unique_by=lambda facts: facts.room_id))
def test_one_repair_leaves_nothing_to_repair(content: JsonObject, facts: list[RoomFacts]) -> None:
    after = repaired(content, *facts)
    assert repair_of(findings(after, *facts)) == ()


@given(maps, st.lists(known, max_size=4, unique_by=lambda facts: facts.room_id))
def test_repair_made_twice_is_made_once(content: JsonObject, facts: list[RoomFacts]) -> None:
    changes = repair_of(findings(content, *facts))
    once = apply_changes(content, changes)
    assert apply_changes(once, changes) == once
