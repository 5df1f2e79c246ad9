"""Account data that nobody should write: it costs itself, and is never written back changed."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmtui.core.contacts import Part, read_people, with_contact
from dmtui.core.direct import apply_edits, crossed, read_direct
from dmtui.core.doctor import RoomFacts, Survey, examine, repair_of
from dmtui.core.errors import BadContent
from dmtui.core.intents import DirectAction, EditDirect
from dmtui.core.model import Contact, JsonObject, Membership, RoomId, UserId
from dmtui.core.names import clean, clean_line
from dmtui.core.repairs import apply_changes, difference, merged, undone
from tests.hostile import DIRECT, LONG, MANY, OBJECTS, PEOPLE, nested

ME, GOOD, NEW = UserId("@me:x"), UserId("@good:x"), UserId("@new:x")
ROOM, NEXT = RoomId("!good"), RoomId("!next")
ADD = EditDirect(DirectAction.ADD, NEW, NEXT)
REMOVE = EditDirect(DirectAction.REMOVE, NEW, NEXT)
PARTS = st.sampled_from([Part.NAME, Part.MUTE, Part.NAME | Part.MUTE])


def beside(content: JsonObject) -> JsonObject:
    """The content with a good entry after it."""
    return {**content, GOOD: [ROOM]}


def verbatim(one: JsonObject, other: JsonObject) -> bool:
    """Whether they are the same on the wire, the order of their keys included."""
    return json.dumps(one) == json.dumps(other)


@settings(deadline=None)
@given(DIRECT, DIRECT, DIRECT)
def test_entry_of_the_map_outlives_whatever_stands_beside_it(
    content: JsonObject, former: JsonObject, seen: JsonObject
) -> None:
    assert read_direct(beside(content))[GOOD] == (ROOM,)
    assert read_direct(merged(beside(content), former))[GOOD] == (ROOM,)
    assert all(edit.room_id != ROOM for edit in crossed(beside(content), content, [seen]))


@settings(deadline=None)
@given(DIRECT)
def test_edit_of_the_map_leaves_every_other_entry_as_it_was(content: JsonObject) -> None:
    content = {key: value for key, value in beside(content).items() if key != NEW}
    added = apply_edits(content, [ADD])
    assert verbatim(added, {**content, NEW: [NEXT]})
    assert verbatim(apply_edits(added, [REMOVE]), content)
    assert verbatim(undone(added, content, added), content)


@settings(deadline=None)
@given(DIRECT)
def test_doctor_mends_any_map_without_harm_to_what_is_well(content: JsonObject) -> None:
    facts = RoomFacts(ROOM, Membership.JOIN, (GOOD,), inviter=GOOD, direct=True)
    content = beside({key: value for key, value in content.items() if key != GOOD})
    found = examine(Survey(content, (facts,)), ME)
    for finding in found:
        assert clean_line(finding.line, len(finding.line)) == finding.line
    repaired = apply_changes(content, repair_of(found))
    assert ROOM in read_direct(repaired)[GOOD]
    for line in difference(content, repaired):
        assert clean(line) == line
    assert verbatim(undone(repaired, content, repaired), content)


@settings(deadline=None)
@given(PEOPLE | OBJECTS, PARTS)
def test_petname_leaves_every_other_person_as_they_were(content: JsonObject, parts: Part) -> None:
    contact = Contact(NEW, clean_line("Nell"), muted=True, muted_until=5)
    read_people(content)
    try:
        changed = with_contact(content, contact, parts)
    except BadContent:
        assert not isinstance(content.get("people", {}), dict)
        return
    people, before = changed["people"], content.get("people", {})
    assert isinstance(people, dict)
    assert isinstance(before, dict)
    assert {**people, NEW: None} == {**before, NEW: None}
    assert verbatim({**changed, "people": 0}, {**content, "people": 0})
    if Part.NAME in parts:
        assert read_people(changed)[NEW].petname == "Nell"


@pytest.mark.parametrize("value", [nested(400), LONG, [LONG] * 200, {LONG: [LONG]}])
def test_giant_value_costs_itself(value: object) -> None:
    content: JsonObject = {"@odd:x": value, GOOD: [ROOM]}  # type: ignore[dict-item]
    assert read_direct(content) == {GOOD: (ROOM,)}
    assert verbatim(apply_edits(content, [ADD]), {**content, NEW: [NEXT]})
    for finding in examine(Survey(content), ME):
        assert len(finding.line) < 2000


def test_ten_thousand_entries_are_read_edited_and_examined_in_no_time() -> None:
    content: JsonObject = {f"@u{n}:x": [f"!r{n}", None, 5] for n in range(MANY)}
    began = time.process_time()
    assert len(read_direct(content)) == MANY
    assert len(apply_edits(content, [ADD])) == MANY + 1
    facts = tuple(RoomFacts(RoomId(f"!r{n}"), Membership.JOIN) for n in range(0, MANY, 10))
    examine(Survey(content, facts), ME)
    assert time.process_time() - began < 5
