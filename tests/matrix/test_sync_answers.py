"""Answers that no honest server gives: a batch comes out all the same, or a recoverable error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmtui.core.contacts import PEOPLE
from dmtui.core.errors import NotFound, Recoverable, Refused
from dmtui.core.events import Line, SyncBatch
from dmtui.core.model import JsonObject, RoomId, UserId
from dmtui.matrix.news import Api
from dmtui.matrix.place import Way, place_of
from dmtui.matrix.sync import Syncing
from dmtui.matrix.translate import Translator, undecryptable

ME = UserId("@me:x")
ROOM = RoomId("!room")
MESSAGE: JsonObject = {
    "type": "m.room.message",
    "event_id": "$kept",
    "sender": "@bob:x",
    "origin_server_ts": 1,
    "content": {"msgtype": "m.text", "body": "kept"},
}


class Script:
    """Answers every sync request with the same body, and knows no ``m.direct``."""

    def __init__(self, answer: Any):
        self.answer = answer
        self.bodies: list[JsonObject] = []

    async def api(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        *,
        query: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> JsonObject:
        if not path.endswith("/sync"):
            raise NotFound("no such thing", 404, "M_NOT_FOUND")
        self.bodies.append(body or {})
        if isinstance(self.answer, Exception):
            raise self.answer
        found: JsonObject = self.answer
        return found


class Keys:
    async def receive(
        self,
        to_device: Sequence[JsonObject],
        device_lists: JsonObject | None,
        one_time_keys: JsonObject | None,
        fallback_types: Sequence[str] | None,
        batch: str,
    ) -> Sequence[tuple[RoomId, str]]:
        assert all(isinstance(one, dict) for one in to_device)
        return ()

    def members_changed(self, room_id: RoomId) -> None:
        assert room_id


def syncing(script: Api, way: Way) -> Syncing:
    return Syncing(
        script, Keys(), Translator(ME, lambda room, raw: undecryptable(raw, "no key")), way
    )


async def answered(way: Way, answer: Any) -> SyncBatch:
    return await syncing(Script(answer), way).sync(None, frozenset({ROOM}), 0.0)


def sliding(room: Any = None, **more: Any) -> Any:
    listed = {"count": 1, "ops": [{"op": "SYNC", "range": [0, 0], "room_ids": [ROOM]}]}
    return {
        "pos": "1/s1",
        "lists": {"direct": listed, "invites": {"count": 0, "ops": []}},
        "rooms": {} if room is None else {ROOM: room},
        "extensions": {},
        **more,
    }


def classic(room: Any = None, **more: Any) -> Any:
    return {"next_batch": "s1", "rooms": {"join": {} if room is None else {ROOM: room}}, **more}


def texts(batch: SyncBatch) -> list[str]:
    contents = [event.content for room in batch.rooms for event in room.timeline]
    return [one.body for one in contents if isinstance(one, Line)]


ODD = [None, 5, "x", [], [None, 7], True]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "key", ["limited", "required_state", "prev_batch", "joined_count", "num_live", "heroes"]
)
async def test_odd_part_of_a_room_costs_itself(key: str, odd: Any) -> None:
    batch = await answered(Way.SLIDING, sliding({"timeline": [odd, MESSAGE], key: odd}))

    assert texts(batch) == ["kept"]
    assert batch.rooms[0].limited is (key == "limited" and odd is True)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("key", ["state", "ephemeral", "account_data", "summary", "unknown"])
async def test_odd_part_of_a_classic_room_costs_itself(key: str, odd: Any) -> None:
    timeline = {"events": [odd, MESSAGE], "limited": None, "prev_batch": odd}

    batch = await answered(Way.CLASSIC, classic({"timeline": timeline, key: odd}))

    assert texts(batch) == ["kept"]
    assert not batch.rooms[0].limited


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("key", ["to_device", "e2ee", "account_data", "receipts", "typing"])
async def test_odd_extension_costs_itself(key: str, odd: Any) -> None:
    answer = sliding({"timeline": [MESSAGE]}, extensions={key: odd})
    inner = sliding(
        {"timeline": [MESSAGE]},
        extensions={key: {"events": odd, "rooms": odd, "global": odd, "device_lists": odd}},
    )

    assert texts(await answered(Way.SLIDING, answer)) == ["kept"]
    assert texts(await answered(Way.SLIDING, inner)) == ["kept"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    "key", ["to_device", "account_data", "device_lists", "device_one_time_keys_count", "presence"]
)
async def test_odd_section_costs_itself(key: str, odd: Any) -> None:
    answer = classic({"timeline": {"events": [MESSAGE]}}, **{key: odd})

    assert texts(await answered(Way.CLASSIC, answer)) == ["kept"]


def with_data(way: Way, room: list[Any], account: list[Any]) -> Any:
    """An answer with a room's account data, and my own."""
    if way is Way.CLASSIC:
        events = {"events": room}
        data: Any = {"timeline": {"events": [MESSAGE]}, "account_data": events}
        return classic(data, account_data={"events": account})
    extension = {"rooms": {ROOM: room}, "global": account}
    return sliding({"timeline": [MESSAGE]}, extensions={"account_data": extension})


@pytest.mark.parametrize("way", list(Way))
@pytest.mark.parametrize("odd", ODD)
async def test_odd_account_data_costs_itself(way: Way, odd: Any) -> None:
    kinds = [
        "m.push_rules",
        "m.invite_permission_config",
        "m.ignored_user_list",
        "m.direct",
        PEOPLE,
    ]
    broken = [{"type": kind, "content": odd} for kind in kinds]

    batch = await answered(way, with_data(way, [odd, {"type": "m.tag", "content": odd}], broken))

    assert texts(batch) == ["kept"]
    assert batch.rooms[0].tags == frozenset()
    assert (batch.muted, batch.ignored) == (frozenset(), frozenset())
    assert batch.contacts == {}
    assert batch.invites_blocked is False


@pytest.mark.parametrize("way", list(Way))
async def test_account_data_that_an_answer_lacks_is_not_mentioned(way: Way) -> None:
    batch = await answered(way, with_data(way, [], []))

    assert (batch.muted, batch.contacts, batch.invites_blocked) == (None, None, None)


@pytest.mark.parametrize("way", list(Way))
@pytest.mark.parametrize("odd", ODD)
async def test_odd_tag_and_odd_rule_cost_themselves(way: Way, odd: Any) -> None:
    condition = {"kind": "event_match", "key": "room_id", "pattern": ROOM}
    rule = {"rule_id": "mine", "enabled": True, "conditions": [condition], "actions": []}
    rules = [odd, {**rule, "conditions": odd}, {**rule, "actions": odd}, {**rule, "rule_id": odd}]
    content = {"global": {"override": [*rules, rule], "room": odd, "sender": odd}, "device": odd}
    tag = {"type": "m.tag", "content": {"tags": {"m.favourite": odd, "": {}, "\x1b": {}}}}

    batch = await answered(
        way, with_data(way, [odd, tag], [{"type": "m.push_rules", "content": content}])
    )

    assert batch.rooms[0].tags == frozenset({"m.favourite"})
    assert batch.muted == frozenset({ROOM})


@pytest.mark.parametrize("odd", ODD)
async def test_invite_without_readable_state_is_still_there(odd: Any) -> None:
    news = await answered(Way.SLIDING, sliding({"invite_state": odd}))
    old = await answered(
        Way.CLASSIC, {"next_batch": "s", "rooms": {"invite": {ROOM: {"invite_state": odd}}}}
    )

    for batch in (news, old):
        assert [(one.room_id, one.inviter, one.direct) for one in batch.invites] == [
            (ROOM, "", False)
        ]


@pytest.mark.parametrize("odd", [None, 5, [], "", "\ud800", "x" * 10**6])
async def test_answer_without_a_usable_position_is_recoverable(odd: Any) -> None:
    with pytest.raises(Recoverable):
        await answered(Way.SLIDING, {**sliding(), "pos": odd})
    with pytest.raises(Recoverable):
        await answered(Way.CLASSIC, {**classic(), "next_batch": odd})


async def test_server_that_refuses_every_position_is_not_asked_for_ever() -> None:
    refusal = Refused("no", 400, "M_UNKNOWN_POS")
    token = '{"way":"sliding","position":"5/s5","to_device":"7","window":50,"complete":true}'
    script = Script(refusal)

    with pytest.raises(Refused):
        await syncing(script, Way.SLIDING).sync(token, frozenset(), 0.0)

    since: list[Any] = [body["extensions"] for body in script.bodies]
    assert [one["to_device"].get("since") for one in since] == ["7", "7", None]


async def test_window_stops_growing_once_it_covers_the_count() -> None:
    script = Script(sliding({"timeline": []}))
    script.answer["lists"]["direct"]["count"] = 75
    device = syncing(script, Way.SLIDING)
    token = None
    complete = []
    for _ in range(3):
        batch = await device.sync(token, frozenset(), 0.0)
        token = batch.token
        complete.append(batch.complete)

    asked: list[Any] = [body["lists"] for body in script.bodies]
    assert [one["direct"]["ranges"] for one in asked] == [[[0, 19]], [[0, 49]], [[0, 79]]]
    assert complete == [False, False, True]


async def test_room_back_in_the_list_without_its_past_starts_the_connection_anew() -> None:
    empty: JsonObject = {"count": 0, "ops": []}
    script = Script(sliding(lists={"direct": empty, "invites": empty}))
    device = syncing(script, Way.SLIDING)
    first = await device.sync(None, frozenset(), 0.0)
    script.answer = sliding({"timeline": [MESSAGE]})

    second = await device.sync(first.token, frozenset(), 0.0)

    assert (first.complete, second.complete) == (True, False)
    assert place_of(first.token, Way.SLIDING).position is not None
    assert place_of(second.token, Way.SLIDING).position is None
    script.answer = sliding({"initial": True, "timeline": [MESSAGE]})
    third = await device.sync(second.token, frozenset(), 0.0)
    assert third.complete
    assert third.rooms[0].initial


async def test_room_new_in_the_list_with_its_past_is_no_reason_to_start_anew() -> None:
    empty: JsonObject = {"count": 0, "ops": []}
    script = Script(sliding(lists={"direct": empty, "invites": empty}))
    device = syncing(script, Way.SLIDING)
    first = await device.sync(None, frozenset(), 0.0)
    script.answer = sliding({"initial": True, "timeline": [MESSAGE]})

    second = await device.sync(first.token, frozenset(), 0.0)

    assert second.complete


@pytest.mark.parametrize("way", list(Way))
@pytest.mark.parametrize("odd", [*ODD, {}])
async def test_odd_list_of_joined_rooms_ends_only_what_it_lacks(way: Way, odd: Any) -> None:
    class Joined(Script):
        async def api(self, method: str, path: str, *rest: Any, **options: Any) -> JsonObject:
            if path.endswith("/joined_rooms"):
                return {"joined_rooms": odd}
            return await super().api(method, path, *rest, **options)

    answer = sliding() if way is Way.SLIDING else classic()
    batch = await syncing(Joined(answer), way).sync(None, frozenset({ROOM}), 0.0)

    assert batch.complete
    assert batch.gone == ((ROOM,) if isinstance(odd, list) else ())


async def test_lists_missing_from_an_answer_say_nothing() -> None:
    script = Script(sliding())
    device = syncing(script, Way.SLIDING)
    first = await device.sync(None, frozenset(), 0.0)
    script.answer = {"pos": "2/s2"}

    second = await device.sync(first.token, frozenset(), 0.0)

    assert first.all_invites == frozenset()
    assert second.all_invites is None
    assert second.complete
    assert not second.gone


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.sampled_from(["!room", "$e", "@b:x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "!room", "events", "timeline", "state", "invite_state", "type", "content",
                    "rooms", "join", "leave", "invite", "direct", "invites", "ops", "room_ids",
                    "count", "required_state", "global", "to_device", "e2ee", "account_data",
                    "receipts", "typing", "state_key", "initial", "limited", "m.direct",
                    "tags", "m.tag", "m.push_rules",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(JSON, JSON, JSON)
async def test_any_answer_makes_a_batch_to_resume_from(first: Any, second: Any, third: Any) -> None:
    for way, answer in (
        (Way.SLIDING, {"pos": "1/s1", "rooms": first, "lists": second, "extensions": third}),
        (Way.CLASSIC, {"next_batch": "s1", "rooms": first, "account_data": second, "x": third}),
    ):
        device = syncing(Script(answer), way)
        batch = await device.sync(None, frozenset({ROOM}), 0.0)
        again = await device.sync(batch.token, frozenset({ROOM}), 0.0)
        for token in (batch.token, again.token):
            assert place_of(token, way).token() == token


MARKED = "m.marked_unread"
EARLIER = "com.famedly.marked_unread"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({MARKED: {"unread": True}}, True),
        ({EARLIER: {"unread": True}}, True),
        ({EARLIER: {"unread": True}, MARKED: {"unread": False}}, False),
        ({MARKED: {"unread": "yes"}}, False),
        ({MARKED: None}, False),
        ({"m.tag": {"tags": {}}}, None),
    ],
)
async def test_mark_of_unread_is_told_by_its_name_and_by_its_earlier_one(
    told: dict[str, Any], expected: bool | None
) -> None:
    events = [{"type": kind, "content": content} for kind, content in told.items()]
    data = {"account_data": {"rooms": {ROOM: events}}}
    news = await answered(Way.SLIDING, sliding(extensions=data))
    old = await answered(Way.CLASSIC, classic({"account_data": {"events": events}}))

    assert [batch.rooms[0].marked_unread for batch in (news, old)] == [expected, expected]


async def test_room_data_that_is_not_heard_is_no_news_of_the_room() -> None:
    data = {"account_data": {"rooms": {ROOM: [{"type": "im.vector.setting", "content": {}}]}}}
    news = await answered(Way.SLIDING, sliding(extensions=data))

    assert news.rooms == ()
