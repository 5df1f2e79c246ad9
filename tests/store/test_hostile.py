"""Hostile answers all the way from the border into the store: whatever is well gets there."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmtui.core.model import JsonObject, RoomId, UserId
from dmtui.matrix.place import Way
from dmtui.store.store import Store
from tests.hostile import ACCOUNT_DATA, EVENTS, LONG, MANY, TAGS, VALUES, nested
from tests.matrix.test_sync_answers import ME, Script, syncing
from tests.new_store import passing_store

GOOD, ROOM, ODD = UserId("@good:x"), RoomId("!good"), RoomId("!r1:x")
ASKED = RoomId("!asked:x")


def member(user_id: str, membership: str, sender: str = "", **content: object) -> JsonObject:
    return {
        "type": "m.room.member",
        "event_id": f"$member-{user_id}",
        "sender": sender or user_id,
        "state_key": user_id,
        "content": {"membership": membership, **content},  # type: ignore[dict-item]
    }


STATE: list[Any] = [member(ME, "join"), member(GOOD, "join", displayname="Good")]
MESSAGE: JsonObject = {
    "type": "m.room.message",
    "event_id": "$kept",
    "sender": GOOD,
    "origin_server_ts": 1_700_000_000_000,
    "content": {"msgtype": "m.text", "body": "kept"},
}
INVITE: list[Any] = [member(ME, "invite", GOOD, is_direct=True)]


def answer(way: Way, data: JsonObject, odd: list[Any], tags: Any, stripped: list[Any]) -> Any:
    """A whole answer: a good room and an odd one, account data, an odd invite and a good one."""
    events: list[Any] = [{"type": kind, "content": content} for kind, content in data.items()]
    tagged: list[Any] = [{"type": "m.tag", "content": tags}]
    invites = {"!odd:x": stripped, ASKED: INVITE}
    # state would rightly change the good room
    said = [{key: event[key] for key in event if key != "state_key"} for event in odd]
    if way is Way.CLASSIC:
        rooms: Any = {
            ROOM: {"state": {"events": STATE}, "timeline": {"events": [*said, MESSAGE]}},
            ODD: {
                "state": {"events": odd},
                "timeline": {"events": odd},
                "account_data": {"events": tagged},
            },
        }
        asked = {room: {"invite_state": {"events": state}} for room, state in invites.items()}
        return {
            "next_batch": "s1",
            "rooms": {"join": rooms, "invite": asked},
            "account_data": {"events": events},
        }
    rooms = {
        ROOM: {"initial": True, "required_state": STATE, "timeline": [*said, MESSAGE]},
        ODD: {"initial": True, "required_state": odd, "timeline": odd},
    }
    rooms |= {room: {"initial": True, "invite_state": state} for room, state in invites.items()}
    lists = {
        "direct": {"count": 2, "ops": [{"op": "SYNC", "range": [0, 1], "room_ids": [ROOM, ODD]}]},
        "invites": {"count": 2, "ops": [{"op": "SYNC", "range": [0, 1], "room_ids": [*invites]}]},
    }
    extension = {"global": events, "rooms": {ODD: tagged}}
    return {
        "pos": "1/s1",
        "lists": lists,
        "rooms": rooms,
        "extensions": {"account_data": extension},
    }


def taken_in(store: Store, script: Any) -> None:
    """As the app does: until the whole account is there, and the last batch once more."""

    async def sync() -> None:
        device = syncing(Script(script), Way.CLASSIC if "next_batch" in script else Way.SLIDING)
        for _ in range(3):
            batch = await device.sync(store.token(), store.followed_rooms(), 0.0)
            store.apply(batch)
            store.apply(batch)
            store.upgrades.wanted()

    asyncio.run(sync())


def check(store: Store, data: JsonObject) -> None:
    """The good person, their message and their invite are there, and the map is verbatim."""
    assert json.dumps(store.direct()) == json.dumps(data["m.direct"])
    owner = store.person_of(ROOM)
    assert owner in (GOOD, ROOM)  # whoever else has come makes it a group
    assert owner is not None
    (good,) = store.conversations([owner])
    assert good.group or good.known_as == "Good"
    assert "kept" in [message.body for message in store.messages(owner, None, 50).messages]
    assert ASKED in {invite.room_id for invite in store.invites()} or store.ignores(GOOD)
    for row in store.people():
        row.name.encode("utf-8")
        store.messages(row.user_id, None, 50)
        store.candidates(row.user_id)
        store.contacts.contact(row.user_id)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(Way), ACCOUNT_DATA, EVENTS, TAGS | VALUES, EVENTS)
def test_any_answer_leaves_the_good_room_and_the_good_invite(
    way: Way, data: JsonObject, odd: list[Any], tags: Any, stripped: list[Any]
) -> None:
    direct = data.get("m.direct", {})
    assert isinstance(direct, dict)
    mine = {key: value for key, value in direct.items() if key not in (GOOD, ME)}
    data = {**data, "m.direct": {**mine, GOOD: [ROOM]}}
    with passing_store(ME) as store:
        taken_in(store, answer(way, data, odd, tags, stripped))
        check(store, data)


@pytest.mark.parametrize("way", list(Way))
@pytest.mark.parametrize("odd", [nested(800), LONG, [LONG] * 200])
def test_giant_value_in_account_data_costs_itself(way: Way, odd: Any) -> None:
    data: JsonObject = {
        "m.direct": {"@odd:x": odd, "@odder:x": [odd], GOOD: [ROOM]},
        "m.ignored_user_list": {"ignored_users": {"@odd:x": odd}},
        "m.push_rules": {"global": {"override": odd}},
        "m.invite_permission_config": {"default_action": odd},
        "io.github.dmtui.people": {"people": {"@odd:x": odd, GOOD: {"petname": "Goody"}}},
    }
    with passing_store(ME) as store:
        taken_in(store, answer(way, data, [], {"tags": odd}, []))
        check(store, data)
        assert store.conversations([GOOD])[0].name == "Goody"


def test_map_of_ten_thousand_people_is_taken_in() -> None:
    crowd = {f"@u{number}:x": [f"!crowd{number}:x"] for number in range(MANY)}
    data: JsonObject = {"m.direct": {**crowd, GOOD: [ROOM]}}  # type: ignore[dict-item]
    with passing_store(ME) as store:
        taken_in(store, answer(Way.SLIDING, data, [], {}, []))
        check(store, data)
        assert len(store.people()) == 1
