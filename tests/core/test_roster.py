from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.model import Conversation, PeerState, RoomId, Safe, UserId
from dmtui.core.roster import Roster, folded


def conversation(user: str, latest: int = 0, name: str | None = None) -> Conversation:
    user_id = UserId(f"@{user}:example.org")
    return Conversation(user_id, Safe(user if name is None else name), RoomId("!r"), latest)


def shown(roster: Roster, text: str = "") -> list[str]:
    return [row.user_id.removeprefix("@").partition(":")[0] for row in roster.rows(text)]


def test_people_stand_by_latest_message() -> None:
    roster = Roster([conversation("a", 1), conversation("b", 3), conversation("c", 2)])
    assert shown(roster) == ["b", "c", "a"]


def test_a_new_message_moves_its_person_to_the_top() -> None:
    roster = Roster([conversation("a", 1), conversation("b", 3)])
    roster.update([conversation("a", 4)])
    assert shown(roster) == ["a", "b"]
    assert roster.index(UserId("@b:example.org")) == 1


def test_a_removed_person_is_gone_from_list_and_filter() -> None:
    roster = Roster([conversation("a", 1), conversation("b", 3)])
    roster.update([], [UserId("@a:example.org"), UserId("@nobody:x")])
    assert shown(roster) == ["b"]
    assert shown(roster, "a:ex") == []
    assert roster.index(UserId("@a:example.org")) is None
    assert len(roster) == 1


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("zoe", True),
        ("ZO\u00cb", True),
        ("mull", True),
        ("m\u00fcl", True),
        ("muller zoe", True),
        ("@z:exam", True),
        ("lodz", True),
        ("example.org", True),
        ("zoex", False),
        ("zoe anna", False),
    ],
)
def test_the_filter_finds_parts_of_names_and_ids_without_accents(typed: str, found: bool) -> None:
    roster = Roster([conversation("z", name="Zo\u00eb M\u00fcller \u0141\u00f3d\u017a")])
    assert bool(roster.rows(typed)) is found


def test_the_filter_follows_a_changed_name() -> None:
    roster = Roster([conversation("a", 1, "Old")])
    roster.update([conversation("a", 1, "New")])
    assert shown(roster, "old") == []
    assert shown(roster, "new") == ["a"]


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)


USERS = st.sampled_from("abcdefg")
STEPS = st.lists(st.tuples(USERS, st.none() | st.integers(0, 5)))


@given(STEPS)
def test_updates_leave_what_a_fresh_list_would_show(steps: list[tuple[str, int | None]]) -> None:
    roster = Roster()
    expected: dict[str, Conversation] = {}
    for user, latest in steps:
        if latest is None:
            expected.pop(user, None)
            roster.update([], [UserId(f"@{user}:example.org")])
        else:
            expected[user] = conversation(user, latest)
            roster.update([expected[user]])
    assert roster.rows() == Roster(expected.values()).rows()
    for place, row in enumerate(roster.rows()):
        assert roster.index(row.user_id) == place
        assert roster.get(row.user_id) is row


def fastest(act: object, times: int = 5) -> float:
    assert callable(act)
    taken = []
    for _ in range(times):
        start = perf_counter()
        act()
        taken.append(perf_counter() - start)
    return min(taken)


def test_ten_thousand_people_are_updated_and_filtered_within_a_frame() -> None:
    people = [conversation(f"user{n}", n, f"P\u00e9rson {n}") for n in range(10_000)]
    roster = Roster(people)
    assert fastest(lambda: roster.update([conversation("user5", 20_000)])) < 0.010
    assert fastest(lambda: roster.rows("person 99")) < 0.025


# -- how people are arranged ----------------------------------------------------------------


def arranged(user: str, latest: int, **how: object) -> Conversation:
    return replace(conversation(user, latest), **how)  # type: ignore[arg-type]


def group(name: str, latest: int, **how: object) -> Conversation:
    room = Conversation(UserId(f"!{name}"), Safe(name), RoomId(f"!{name}"), latest)
    return replace(room, peer=PeerState.GROUP, **how)  # type: ignore[arg-type]


def names(rows: tuple[Conversation, ...]) -> list[str]:
    return [row.name for row in rows]


def everybody() -> Roster:
    return Roster(
        [
            arranged("a", 1, pinned=True),
            arranged("b", 5),
            arranged("c", 9, archived=True),
            group("g", 8),
            group("h", 2, pinned=True),
            group("k", 7, archived=True),
            arranged("d", 3),
        ]
    )


def test_pinned_people_come_first_groups_last_and_archived_ones_not_at_all() -> None:
    roster = everybody()
    assert names(roster.rows()) == ["a", "b", "d", "h", "g"]
    assert roster.archived == 2
    assert names(roster.archived_rows()) == ["c", "k"]


def test_places_are_those_of_the_unfiltered_list() -> None:
    roster = everybody()
    for place, row in enumerate(roster.rows()):
        assert roster.index(row.user_id) == place
    assert [roster.index(row.user_id) for row in roster.archived_rows()] == [None, None]


def test_the_filter_finds_archived_people_too_and_groups_still_last() -> None:
    assert names(everybody().rows("example")) == ["a", "b", "d", "c"]
    both = Roster([arranged("bob", 1, archived=True), group("bob", 5), arranged("bobby", 2)])
    assert [row.group for row in both.rows("bob")] == [False, False, True]


def test_groups_are_nobody_to_start_a_chat_with() -> None:
    assert names(everybody().people()) == ["a", "b", "d"]
    assert names(Roster([group("bob", 5), arranged("bobby", 2)]).people("bob")) == ["bobby"]


def test_pinning_and_archiving_moves_a_person() -> None:
    roster = everybody()
    roster.update([arranged("d", 3, pinned=True)])
    assert names(roster.rows())[:3] == ["d", "a", "b"]
    roster.update([arranged("d", 3, archived=True)])
    assert names(roster.rows()) == ["a", "b", "h", "g"]
    assert roster.archived == 3
    roster.update([arranged("d", 3)])
    assert names(roster.rows()) == ["a", "b", "d", "h", "g"]


def test_a_person_with_a_petname_is_found_by_either_name() -> None:
    roster = Roster([arranged("x", 1, name=Safe("Mum"), known_as=Safe("Annabel"))])
    assert roster.rows("mum")
    assert roster.rows("annab")
    roster.update([arranged("x", 1, name=Safe("Mum"), known_as=Safe("Beth"))])
    assert not roster.rows("annab")
