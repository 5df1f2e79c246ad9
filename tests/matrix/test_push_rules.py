"""Which push rules mute a room."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.model import RoomId
from dmtui.matrix.push_rules import muted_rooms

ROOM = RoomId("!room:example.org")
ABOUT_ROOM = {"kind": "event_match", "key": "room_id", "pattern": ROOM}


def override(**changes: Any) -> Any:
    """The rule by which Element mutes a room, but for the changes."""
    rule = {"rule_id": ROOM, "enabled": True, "conditions": [ABOUT_ROOM], "actions": []}
    return {"global": {"override": [{**rule, **changes}]}}


def of_room(**changes: Any) -> Any:
    rule = {"rule_id": ROOM, "enabled": True, "actions": ["dont_notify"]}
    return {"global": {"room": [{**rule, **changes}]}}


@pytest.mark.parametrize(
    "content",
    [
        override(),
        override(actions=["dont_notify"]),
        override(actions=[{"set_tweak": "highlight"}]),
        override(rule_id="of another name"),
        of_room(),
        of_room(actions=[]),
    ],
)
def test_rule_about_one_room_that_does_not_notify_mutes_it(content: Any) -> None:
    assert muted_rooms(content) == {ROOM}


@pytest.mark.parametrize(
    "content",
    [
        override(enabled=False),
        override(actions=["notify"]),
        override(actions=["coalesce"]),
        override(conditions=[]),
        override(conditions=[ABOUT_ROOM, {"kind": "contains_display_name"}]),
        override(conditions=[{**ABOUT_ROOM, "key": "sender"}]),
        override(conditions=[{**ABOUT_ROOM, "kind": "event_property_is"}]),
        override(conditions=[{**ABOUT_ROOM, "pattern": "!room*"}]),
        override(conditions=[{**ABOUT_ROOM, "pattern": "@bob:example.org"}]),
        of_room(enabled=False),
        of_room(actions=["notify", {"set_tweak": "sound", "value": "default"}]),
        of_room(rule_id="no room"),
        {"global": {"underride": override()["global"]["override"]}},
        {},
    ],
)
def test_any_other_rule_mutes_nothing(content: Any) -> None:
    assert muted_rooms(content) == frozenset()


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([ROOM, "event_match", "notify"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["rule_id", "conditions", "actions", "kind", "key", "pattern"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(JSON, JSON)
def test_rules_of_any_shape_leave_a_good_one_in_force(first: Any, second: Any) -> None:
    rules = override()["global"]["override"]
    content = {"global": {"override": [first, *rules, second], "room": first}, "device": second}
    assert ROOM in muted_rooms(content)
