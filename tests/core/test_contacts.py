from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.contacts import (
    FAVOURITE,
    LOW_PRIORITY,
    NOTHING,
    Part,
    TaggedRoom,
    arranged,
    is_readable,
    lacking,
    petname,
    read_people,
    with_contact,
)
from dmtui.core.errors import BadContent
from dmtui.core.model import Contact, Json, JsonObject, RoomId, Safe, UserId
from dmtui.core.names import clean_line

BOB = UserId("@bob:x")
CAROL = UserId("@carol:x")
BOTH = Part.NAME | Part.MUTE

JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
KEYS = st.sampled_from([BOB, CAROL, "@", "bob", "[object Object]", "!room", "@a:b:c d"])
FIELDS = st.sampled_from(["petname", "muted_until", "colour"])
ENTRIES = JSON | st.dictionaries(FIELDS, JSON, max_size=3)
CONTENTS = st.fixed_dictionaries(
    {}, optional={"people": JSON | st.dictionaries(KEYS, ENTRIES, max_size=5), "else": JSON}
)
CONTACTS = st.builds(
    Contact,
    user_id=st.sampled_from([BOB, CAROL]),
    petname=st.sampled_from(["", "Al", "B\u00f6b"]).map(Safe),
    muted=st.booleans(),
    muted_until=st.sampled_from([0, 1_790_000_000_000]),
)
PARTS = st.sampled_from([NOTHING, Part.NAME, Part.MUTE, BOTH, Part.PIN])


@given(CONTENTS)
def test_whatever_the_server_holds_is_read_into_clean_names_and_moments(
    content: JsonObject,
) -> None:
    for user_id, contact in read_people(content).items():
        assert contact.user_id == user_id
        assert contact.petname == clean_line(contact.petname)
        assert contact.petname or contact.muted_until > 0


@given(CONTENTS, KEYS, ENTRIES)
def test_a_bad_entry_costs_no_other(content: JsonObject, key: str, entry: Json) -> None:
    people = content.get("people")
    if not isinstance(people, dict):
        return
    more: JsonObject = {**content, "people": {**people, key: entry}}
    before, after = read_people(content), read_people(more)
    assert {u: c for u, c in after.items() if u != key} == {
        u: c for u, c in before.items() if u != key
    }


@given(CONTENTS, CONTACTS, PARTS)
def test_the_writer_changes_the_named_fields_of_the_named_person_alone(
    content: JsonObject, contact: Contact, parts: Part
) -> None:
    before = deepcopy(content)
    try:
        after = with_contact(content, contact, parts)
    except BadContent:
        assert content == before
        return
    assert content == before
    assert without(after, contact.user_id) == without(before, contact.user_id)
    old, new = entry_of(before, contact.user_id), entry_of(after, contact.user_id)
    fields = {"petname": Part.NAME, "muted_until": Part.MUTE}
    touched = {name for name, part in fields.items() if part in parts}
    assert {k: v for k, v in old.items() if k not in touched} == {
        k: v for k, v in new.items() if k not in touched
    }
    now = read_people(after).get(contact.user_id, Contact(contact.user_id))
    if Part.NAME in parts:
        assert now.petname == contact.petname
    if Part.MUTE in parts:
        assert now.muted_until == (contact.muted_until if contact.muted else 0)
    assert with_contact(after, contact, parts) == after


def without(content: JsonObject, user_id: UserId) -> JsonObject:
    people = content.get("people")
    rest = {k: v for k, v in people.items() if k != user_id} if isinstance(people, dict) else people
    return {**content, "people": rest or None}


def entry_of(content: JsonObject, user_id: UserId) -> JsonObject:
    people = content.get("people")
    entry = people.get(user_id) if isinstance(people, dict) else None
    return entry if isinstance(entry, dict) else {}


@pytest.mark.parametrize("people", [None, [], "x", 5, {BOB: None}, {BOB: "Bob"}])
def test_what_is_no_object_is_left_alone(people: Json) -> None:
    with pytest.raises(BadContent):
        with_contact({"people": people}, Contact(BOB, Safe("Al")), Part.NAME)


def test_what_cannot_be_written_to_is_not_taken_for_an_empty_list() -> None:
    assert not is_readable({"people": []})
    assert is_readable({})


def test_a_petname_is_one_clean_line() -> None:
    content: JsonObject = {"people": {BOB: {"petname": " A\u202el\n\x1b[2J " + "x" * 500}}}
    name = read_people(content)[BOB].petname
    assert name == petname(" A\u202el\n\x1b[2J " + "x" * 500)
    assert name.startswith("Al \u241b[2J x")
    assert len(name) <= 80


@pytest.mark.parametrize("until", [-5, 0, True, "soon", 1.5e12, 1 << 60, None])
def test_an_impossible_end_of_a_mute_is_none(until: Json) -> None:
    assert read_people({"people": {BOB: {"muted_until": until}}}) == {}


def test_taking_the_last_of_a_person_away_takes_the_entry_away() -> None:
    content: JsonObject = {"people": {BOB: {"petname": "Al"}, CAROL: {"petname": "C"}}}
    assert with_contact(content, Contact(BOB), Part.NAME) == {"people": {CAROL: {"petname": "C"}}}


# -- standing -------------------------------------------------------------------------------


def room(name: str = "!r", *tags: str, muted: bool = False) -> TaggedRoom:
    return TaggedRoom(RoomId(name), frozenset(tags), muted)


def test_one_tagged_room_pins_and_every_room_must_be_muted() -> None:
    here = arranged(Contact(BOB), NOTHING, [room("!a", FAVOURITE, muted=True), room("!b")])
    assert here.pinned
    assert not here.muted
    both = arranged(Contact(BOB), NOTHING, [room("!a", muted=True), room("!b", muted=True)])
    assert both.muted


def test_nobody_without_rooms_is_muted() -> None:
    assert not arranged(Contact(BOB), NOTHING, []).muted


def test_what_is_wished_wins_over_the_server_and_the_rest_does_not() -> None:
    stored = Contact(BOB, pinned=False, archived=True, muted=True, muted_until=7)
    now = arranged(stored, Part.PIN | Part.MUTE, [room("!a", FAVOURITE)])
    assert (now.pinned, now.archived, now.muted, now.muted_until) == (False, False, True, 7)


def test_the_end_of_a_mute_means_nothing_without_the_mute() -> None:
    assert arranged(Contact(BOB, muted_until=7), NOTHING, [room()]).muted_until == 0


def test_a_new_room_is_given_what_its_person_has_and_it_lacks() -> None:
    contact = Contact(BOB, pinned=True, archived=True, muted=True)
    assert lacking(contact, room()) == Part.PIN | Part.ARCHIVE | Part.MUTE
    assert lacking(contact, room("!r", FAVOURITE, LOW_PRIORITY, muted=True)) == NOTHING
    assert lacking(Contact(BOB), room()) == NOTHING
