"""Why a room is a direct message or none: the verdict first, the evidence in words after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.direct import Candidate
from dmtui.core.evidence import Asked, Evidence, Recorded, keys_of, recorded
from dmtui.core.intents import DirectAction, EditDirect
from dmtui.core.model import JsonObject, Membership, RoomId, Safe, UserId
from dmtui.core.names import clean_line
from dmtui.core.why import Bearing, explain
from tests.core.test_repairs import maps, room_ids

ME, BOB, CAROL, DAN = UserId("@me:x"), UserId("@bob:x"), UserId("@carol:x"), UserId("@dan:x")
A, B = RoomId("!a"), RoomId("!b")
DAY = 86_400_000
NAMES = {BOB: Safe("Bob"), CAROL: Safe("Carol")}

WITH_BOB = Evidence(
    A,
    ME,
    Membership.JOIN,
    BOB,
    keys=(BOB,),
    humans=(BOB,),
    count=1,
    names=NAMES,
    invite=Asked(BOB, ME, direct=True),
)


def lines(evidence: Evidence) -> list[str]:
    return [str(reason.line) for reason in explain(evidence, UTC)]


def verdict(evidence: Evidence) -> str:
    return lines(evidence)[0]


def remedies(evidence: Evidence) -> list[str]:
    return [str(r.line) for r in explain(evidence, UTC) if r.bearing is Bearing.REMEDY]


def against(evidence: Evidence) -> list[str]:
    return [str(r.line) for r in explain(evidence, UTC) if r.bearing is Bearing.AGAINST]


def says(evidence: Evidence, words: str) -> bool:
    return any(words in line for line in lines(evidence))


def test_direct_chat_shows_key_membership_company_and_flag() -> None:
    assert lines(WITH_BOB) == [
        "This is a direct chat with Bob.",
        "Your list (m.direct) names it under @bob:x.",
        "You are in the room.",
        "One other person is there or invited: Bob (@bob:x).",
        "Bob invited you to a direct chat (is_direct).",
    ]
    assert against(WITH_BOB) == remedies(WITH_BOB) == []


def test_all_keys_are_shown_and_whose_room_it_is() -> None:
    shared = replace(WITH_BOB, keys=(CAROL, "[object Object]", BOB))
    assert shared.direct
    assert says(shared, "under @carol:x, [object Object] and @bob:x; it is shown once, as Bob's.")


def test_room_under_a_broken_key_alone_is_none_and_the_doctor_helps() -> None:
    broken = replace(WITH_BOB, keys=("[object Object]",))
    assert not broken.direct
    assert verdict(broken) == "This is not a direct chat: your list has it under no user ID."
    assert against(broken) == [
        "Your list (m.direct) names it under “[object Object]”, which is no user ID."
    ]
    assert remedies(broken) == ["The doctor gives the room to its person."]


def test_room_that_no_entry_names_can_be_made_direct() -> None:
    unlisted = replace(WITH_BOB, keys=(), invite=Asked(BOB, ME, direct=False))
    assert "your list of direct messages lacks it" in verdict(unlisted)
    assert says(unlisted, "Bob invited you, not saying that it is a direct chat.")
    assert "Make it a direct chat" in remedies(unlisted)[0]


def test_group_says_how_many_are_there_and_whose_chat_it_was() -> None:
    group = replace(WITH_BOB, humans=(BOB, CAROL, DAN), count=3)
    assert verdict(group) == (
        "This is not a direct chat: 3 other people are in it. It was one with Bob."
    )
    assert against(group) == [
        "3 other people are there or invited: Bob (@bob:x), Carol (@carol:x) and dan (@dan:x)."
    ]
    assert "only one other person is left" in remedies(group)[0]


def test_room_listed_under_somebody_who_is_not_there_is_no_chat_with_them() -> None:
    wrong = replace(WITH_BOB, person=CAROL, keys=(CAROL,))
    assert verdict(wrong) == "This is listed as a chat with Carol, but Bob is here."
    assert "Your list (m.direct) names it under @carol:x." in against(wrong)
    assert remedies(wrong) == ["The doctor gives the room to its person."]


def test_people_not_known_by_name_are_counted_all_the_same() -> None:
    busy = replace(WITH_BOB, count=4)
    assert not busy.direct
    assert says(busy, "4 other people are there or invited: Bob (@bob:x) and 3 more.")


def test_service_members_are_named_and_not_counted() -> None:
    bridged = replace(WITH_BOB, service=(CAROL,))
    assert bridged.direct
    assert says(bridged, "Not counted, as they serve the room: Carol (@carol:x).")


def test_person_who_left_notes_and_a_room_i_left_read_so() -> None:
    gone = replace(WITH_BOB, humans=(), count=0)
    assert verdict(gone) == "This is a direct chat with Bob, who is not there now."
    notes = Evidence(A, ME, Membership.JOIN, ME, keys=(ME,))
    assert verdict(notes) == "These are your notes to self: a chat with nobody else."
    left = replace(WITH_BOB, mine=Membership.LEAVE)
    assert verdict(left) == "This is not a direct chat now: you left it."
    assert remedies(left) == ["Start a chat with the person, or accept their invite."]
    never = replace(WITH_BOB, mine=None)
    assert verdict(never) == "This is no chat: you are not in the room."


def test_space_and_kept_room_say_what_they_are() -> None:
    assert "it is a space" in verdict(replace(WITH_BOB, space=True))
    kept = replace(WITH_BOB, keys=(), kept=True, room_name=Safe("Garden"))
    assert says(kept, "You wanted it to be an ordinary room.")
    assert says(kept, "It has a name of its own: Garden.")


def test_upgrade_is_followed_in_words() -> None:
    old = replace(WITH_BOB, successor=B, goes_on=True)
    assert verdict(old) == "This is a direct chat with Bob that goes on in a newer room."
    assert says(old, "It was upgraded to !b, which you are in.")
    assert says(replace(old, goes_on=False), "which you have not joined.")
    assert says(replace(WITH_BOB, room_id=B, predecessor=A), "It continues !a.")


def test_flag_that_waits_for_the_server_is_named() -> None:
    waiting = replace(WITH_BOB, keys=(), edits=(EditDirect(DirectAction.ADD, BOB, A),))
    assert "is becoming a direct chat" in verdict(waiting)
    assert says(waiting, "Waiting for the homeserver: list it under @bob:x.")
    assert remedies(waiting) == []
    going = replace(WITH_BOB, edits=(EditDirect(DirectAction.REMOVE, BOB, A),))
    assert says(going, "Waiting for the homeserver: take it from under @bob:x.")


def test_why_this_room_of_several_is_the_one_written_to() -> None:
    here = Candidate(A, Membership.JOIN, Membership.JOIN, 1, True, encrypted=True)
    for other, why in (
        (replace(here, room_id=B, encrypted=False, last_message=9), "it is encrypted"),
        (replace(here, room_id=B), "all else is equal, and its ID comes first"),
        (replace(here, room_id=B, peer=Membership.INVITE), "they are there"),
        (
            replace(here, room_id=B, peer=Membership.LEAVE, humans=0),
            "they are there, and not in the other",
        ),
    ):
        served = replace(WITH_BOB, candidates=(other, here))
        assert says(served, f"Of 2 rooms with Bob this is the one written to: {why}."), why
        second = replace(WITH_BOB, room_id=B, candidates=(other, here))
        assert says(second, f"another one is written to (!a): {why}."), why
    newer = replace(here, room_id=B, last_message=9)
    assert says(replace(WITH_BOB, candidates=(here, newer)), "it has the newest message.")
    old, young = replace(here, created_at=1), replace(here, room_id=B, created_at=2)
    assert says(replace(WITH_BOB, candidates=(young, old)), "it is the oldest.")
    replaced = replace(here, successor=B)
    assert says(replace(WITH_BOB, candidates=(replaced, newer)), "can't be written to")


def test_since_when_it_is_listed_and_who_wrote_that() -> None:
    versions: list[tuple[JsonObject, int, bool]] = [
        ({BOB: [A, B]}, 3 * DAY, False),
        ({BOB: [A]}, 2 * DAY, True),
        ({}, DAY, False),
    ]
    assert recorded(versions, A) == Recorded(2 * DAY, ours=True, known=True)
    assert recorded(versions, B) == Recorded(3 * DAY, ours=False, known=True)
    assert recorded(versions, RoomId("!z")) is None
    assert recorded(versions[:2], A) == Recorded(2 * DAY, ours=True, known=False)
    known = replace(WITH_BOB, recorded=recorded(versions, A), written=(3 * DAY, False))
    assert says(known, "Listed since Saturday, 3 January 1970, written by dmtui on this device.")
    assert says(known, "last written by another client, Sunday, 4 January 1970.")
    first = replace(WITH_BOB, recorded=Recorded(DAY, ours=False, known=False))
    assert says(first, "Listed since before Friday, 2 January 1970, when first seen here.")


def test_entry_that_went_and_came_back_is_as_old_as_its_return() -> None:
    versions: list[tuple[JsonObject, int, bool]] = [
        ({BOB: [A]}, 3 * DAY, False),
        ({}, 2 * DAY, False),
        ({BOB: [A]}, DAY, True),
    ]
    assert recorded(versions, A) == Recorded(3 * DAY, ours=False, known=True)


def test_what_the_server_did_not_tell_is_said() -> None:
    untold = replace(WITH_BOB, invite="not known here", untold="No answer.")
    assert says(untold, "Who invited whom: not known here.")
    assert says(untold, "This is as last seen: No answer.")


texts = st.text(max_size=20) | st.sampled_from(["@bob:x", "\x1b]0;x\x07", "\u202eevil", "\ud800"])
user_ids = texts.map(UserId)
memberships = st.none() | st.sampled_from(Membership)
candidates = st.builds(
    Candidate,
    room_ids,
    st.sampled_from(Membership),
    memberships,
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
    st.integers(-1, 3),
    st.integers(-1, 3),
    st.booleans(),
    st.none() | room_ids,
)
edits = st.builds(EditDirect, st.sampled_from(DirectAction), user_ids, room_ids)
hostile = st.builds(
    Evidence,
    room_ids,
    user_ids,
    memberships,
    st.none() | user_ids,
    st.lists(texts, max_size=8).map(tuple),
    st.lists(user_ids, max_size=8).map(tuple),
    st.integers(0, 9),
    st.lists(user_ids, max_size=3).map(tuple),
    st.dictionaries(user_ids, texts.map(clean_line), max_size=3),
    texts | st.builds(Asked, user_ids, user_ids, st.booleans()),
    texts,
    st.booleans(),
    st.booleans(),
    st.none() | room_ids,
    st.booleans(),
    st.none() | room_ids,
    st.lists(candidates, max_size=3, unique_by=lambda c: c.room_id).map(tuple),
    st.lists(edits, max_size=3).map(tuple),
    st.none() | st.builds(Recorded, st.integers(), st.booleans(), st.booleans()),
    st.none() | st.tuples(st.integers(), st.booleans()),
    texts,
)


@given(hostile)
def test_hostile_evidence_is_explained_in_clean_lines(evidence: Evidence) -> None:
    reasons = explain(evidence, UTC)
    assert reasons[0].bearing is Bearing.VERDICT
    assert [r.bearing for r in reasons].count(Bearing.VERDICT) == 1
    for reason in reasons:
        assert reason.line
        assert clean_line(reason.line, 400) == reason.line
    if evidence.direct:
        assert not any(reason.bearing is Bearing.REMEDY for reason in reasons)
    else:
        assert str(reasons[0].line).startswith("This is")


@given(maps, room_ids)
def test_keys_of_a_room_are_found_in_any_map(content: JsonObject, room_id: RoomId) -> None:
    assert set(keys_of({**content, "@z:x": [room_id]}, room_id)) >= set(keys_of(content, room_id))
