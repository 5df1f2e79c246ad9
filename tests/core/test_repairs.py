"""Repairs of ``m.direct`` as functions, over maps as hostile as JSON allows."""

from __future__ import annotations

import copy
import json

from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.direct import apply_edits, read_direct
from dmtui.core.intents import DirectAction, DirectChange, DropDirect, EditDirect, TidyDirect
from dmtui.core.model import Json, JsonObject, RoomId, UserId
from dmtui.core.names import clean
from dmtui.core.repairs import apply_changes, difference, merged, undone

BOB, CAROL = UserId("@bob:x"), UserId("@carol:x")

rooms = st.sampled_from(["!a", "!b", "!c:x", "!", "#a", "!\x1b[2J", "!\ud800", "!" + "x" * 255])
junk: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | rooms,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
keys = st.sampled_from([BOB, CAROL, "@me:x", "[object Object]", "a@b.c", "", "@\ud800:x", "@x"])
values = st.lists(rooms | junk, max_size=5) | junk
maps: st.SearchStrategy[JsonObject] = st.dictionaries(keys | st.text(max_size=4), values)
room_ids = rooms.map(RoomId)
changes: st.SearchStrategy[DirectChange] = st.one_of(
    st.builds(EditDirect, st.sampled_from(DirectAction), keys.map(UserId), room_ids),
    st.builds(TidyDirect, keys),
    st.builds(DropDirect, keys, st.lists(room_ids, max_size=3).map(tuple)),
)


def named_by(change: DirectChange) -> set[str]:
    return {change.user_id} if isinstance(change, EditDirect) else {change.key}


@given(maps, st.lists(changes, max_size=4))
def test_changes_leave_every_entry_they_do_not_name_verbatim(
    content: JsonObject, wanted: list[DirectChange]
) -> None:
    before = copy.deepcopy(content)
    after = apply_changes(content, wanted)
    assert content == before
    named = {key for change in wanted for key in named_by(change)}
    moved = any(isinstance(c, EditDirect) and c.action is DirectAction.MOVE for c in wanted)
    if not moved:
        for key in set(before) - named:
            assert json.dumps(after[key]) == json.dumps(before[key])


@given(maps, changes)
def test_a_change_made_twice_is_made_once(content: JsonObject, change: DirectChange) -> None:
    once = apply_changes(content, [change])
    assert apply_changes(once, [change]) == once


@given(maps, keys)
def test_tidying_costs_nobody_a_room(content: JsonObject, key: str) -> None:
    before, after = read_direct(content), read_direct(apply_changes(content, [TidyDirect(key)]))
    for user_id, listed in before.items():
        assert after[user_id] == listed


@given(maps, maps)
def test_merging_keeps_what_there_is_and_brings_back_every_room(
    content: JsonObject, former: JsonObject
) -> None:
    result = merged(content, former)
    for key, value in content.items():
        assert key in result
        if isinstance(value, list):
            kept = result[key]
            assert isinstance(kept, list)
            assert kept[: len(value)] == value
        elif value is not None:
            assert result[key] == value
    wanted = {room for listed in read_direct(former).values() for room in listed}
    spoilt = {key for key, value in content.items() if not isinstance(value, list)}
    lost_keys = {
        room
        for user_id, listed in read_direct(former).items()
        if user_id in spoilt
        for room in listed
    }
    there = {r for value in result.values() if isinstance(value, list) for r in map(str, value)}
    there |= {value for value in result.values() if isinstance(value, str)}
    assert wanted - there <= lost_keys
    assert merged(result, former) == result


@given(maps, maps)
def test_undo_gives_back_what_was_byte_for_byte(before: JsonObject, after: JsonObject) -> None:
    assert json.dumps(undone(after, before, after)) == json.dumps(before)


@given(maps, st.lists(changes, max_size=4), maps)
def test_undo_beside_other_writers_keeps_their_rooms(
    before: JsonObject, wanted: list[DirectChange], foreign: JsonObject
) -> None:
    after = apply_changes(before, wanted)
    theirs = {key: value for key, value in foreign.items() if key not in before | after}
    result = undone(after | theirs, before, after)
    assert result == before | theirs
    assert undone(result, before, after) == result


def test_undo_of_a_list_that_grew_meanwhile_keeps_what_was_added() -> None:
    before: JsonObject = {BOB: ["!a", "!a"], CAROL: None}
    after = apply_changes(before, [TidyDirect(BOB), TidyDirect(CAROL)])
    now = apply_edits(after, [EditDirect(DirectAction.ADD, CAROL, RoomId("!new"))])
    assert undone(now, before, after) == {BOB: ["!a", "!a"], CAROL: ["!new"]}
    grown = apply_edits(after, [EditDirect(DirectAction.ADD, BOB, RoomId("!new"))])
    assert undone(grown, before, after) == {BOB: ["!a", "!new"], CAROL: None}


def test_key_that_has_come_to_list_another_room_is_not_dropped() -> None:
    content: JsonObject = {"[object Object]": ["!a", "!late"]}
    assert apply_changes(content, [DropDirect("[object Object]", (RoomId("!a"),))]) == content


def test_restored_room_stays_with_the_person_it_was_moved_to() -> None:
    assert merged({CAROL: ["!a"]}, {BOB: ["!a", "!b"]}) == {CAROL: ["!a"], BOB: ["!b"]}


def test_difference_names_only_what_is_different() -> None:
    before: JsonObject = {BOB: ["!a", "!a"], CAROL: ["!c"], "@x": None}
    assert difference(before, {BOB: ["!a"], CAROL: ["!c"]}) == (
        '- "@bob:x": ["!a", "!a"]',
        '+ "@bob:x": ["!a"]',
        '- "@x": null',
    )


@given(maps, maps)
def test_difference_is_fit_for_a_terminal(before: JsonObject, after: JsonObject) -> None:
    for line in difference(before, after):
        assert clean(line, 2000) == line
        assert "\n" not in line


def test_value_nested_deeper_than_python_likes_is_carried_along() -> None:
    nested: Json = None
    for _ in range(600):
        nested = [nested]
    content: JsonObject = {"deep": nested, BOB: ["!a", "!a"]}
    after = apply_changes(
        content, [TidyDirect(BOB), EditDirect(DirectAction.MOVE, CAROL, RoomId("!a"))]
    )
    assert after["deep"] is nested or after["deep"] == nested
    assert after == {"deep": nested, CAROL: ["!a"]}
    assert list(undone(after, content, after)) == list(content)
    assert len(merged(after, content)) == 2
