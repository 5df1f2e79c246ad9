"""The records of ``m.direct``: versions, losses, conflicts, the last repair."""

from __future__ import annotations

from pathlib import Path

import pytest

from dmtui.core.doctor import RoomFacts, Survey
from dmtui.core.events import DirectTroubleChanged, RoomUpdate, SyncBatch
from dmtui.core.guard import DirectTrouble
from dmtui.core.intents import (
    DirectAction,
    DropDirect,
    EditDirect,
    ExamineDirect,
    Intent,
    Outcome,
    RepairDirect,
    RestoreDirect,
    TidyDirect,
    UndoRepair,
)
from dmtui.core.model import JsonObject, Membership, RoomId
from dmtui.store.store import Store
from tests.fakes import BOB, CAROL, ME

MANY = [RoomId(f"!r{n}") for n in range(10)]
FULL: JsonObject = {BOB: [*MANY]}


def with_rooms(store: Store) -> None:
    rooms = tuple(RoomUpdate(room_id, initial=True) for room_id in MANY)
    store.apply(SyncBatch("token", rooms=rooms))


def test_versions_are_kept_verbatim_newest_first_and_the_same_once(store: Store) -> None:
    odd: JsonObject = {"[object Object]": ["!z"], BOB: None, "\ud800": "\ud800"}
    store.directs.remember({}, 1, ours=False)
    store.directs.remember(odd, 2, ours=True)
    store.directs.remember(dict(odd), 3, ours=False)
    found = [(v.content, v.seen_at, v.ours) for v in store.directs.versions()]
    assert found == [(odd, 2, True), ({}, 1, False)]


def test_fifty_versions_are_kept_and_what_can_be_restored_beside(store: Store) -> None:
    with_rooms(store)
    store.directs.remember(FULL, 0, ours=False)
    store.directs.remember({}, 1, ours=False)
    for n in range(60):
        store.directs.remember({CAROL: [f"!c{n}"]}, n, ours=False)
    assert len(store.directs.versions()) == 50
    trouble = store.directs.trouble()
    assert trouble is not None
    assert trouble.lost == set(MANY)
    (version,) = trouble.versions
    assert store.directs.version(version) == FULL


def test_mass_loss_by_another_client_is_an_alert_that_outlives_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "again.db", ME)
    with_rooms(store)
    store.directs.remember(FULL, 0, ours=False)
    changes = store.directs.remember({CAROL: ["!new"]}, 1, ours=False)
    assert DirectTroubleChanged() in changes
    store.close()
    store = Store.open(tmp_path / "again.db", ME)
    trouble = store.directs.trouble()
    store.close()
    assert trouble is not None
    assert trouble.lost == set(MANY)
    assert "10 chats" in trouble.words


def test_own_removals_small_ones_and_those_of_rooms_left_are_no_alert(store: Store) -> None:
    with_rooms(store)
    store.directs.remember(FULL, 0, ours=False)
    store.directs.remember({BOB: [*MANY[1:]]}, 1, ours=False)
    assert store.directs.trouble() is None
    store.directs.remember({BOB: [*MANY[6:]]}, 2, ours=True)
    assert store.directs.trouble() is None
    store.apply(SyncBatch("t2", gone=tuple(MANY)))
    store.directs.remember({}, 3, ours=False)
    assert store.directs.trouble() is None


@pytest.mark.parametrize("cure", ["listed again", "rooms left", "dismissed", "restored"])
def test_alert_ends_when_nothing_is_lost_any_more(store: Store, cure: str) -> None:
    with_rooms(store)
    store.directs.remember(FULL, 0, ours=False)
    store.directs.remember({}, 1, ours=False)
    trouble = store.directs.trouble()
    assert trouble is not None
    match cure:
        case "listed again":
            store.directs.remember(FULL, 2, ours=False)
        case "rooms left":
            store.apply(SyncBatch("t2", gone=tuple(MANY)))
        case "dismissed":
            store.directs.dismiss_trouble()
        case _:
            number = store.add_intent(RestoreDirect(trouble.versions))
            store.settle_intent(number, Outcome(ok=True))
    assert store.directs.trouble() is None


def test_edit_that_is_kept_being_undone_is_told_until_it_holds(store: Store) -> None:
    edit = EditDirect(DirectAction.ADD, BOB, MANY[0])
    changes = store.settle_intent(store.add_intent(edit), Outcome(ok=False, message="conflict"))
    assert DirectTroubleChanged() in changes
    assert store.directs.trouble() == DirectTrouble(frozenset(), (), (edit,))
    store.directs.remember({BOB: [MANY[0]]}, 1, ours=False)
    assert store.directs.trouble() is None


def test_wishes_of_the_doctor_are_read_as_they_were_written(store: Store) -> None:
    repair = RepairDirect(
        (
            EditDirect(DirectAction.MOVE, BOB, MANY[0]),
            TidyDirect("\ud800"),
            DropDirect("[object Object]", (RoomId("!\ud800"),)),
        )
    )
    wishes: list[Intent] = [repair, UndoRepair(), RestoreDirect((3, 1)), ExamineDirect()]
    for wish in wishes:
        store.add_intent(wish)
    assert [entry.intent for entry in store.pending_intents()] == wishes


def test_survey_and_repair_come_back_as_they_were_kept(store: Store) -> None:
    facts = (
        RoomFacts(MANY[0], Membership.JOIN, (BOB,), MANY[1], CAROL, direct=True, space=True),
        RoomFacts(MANY[1], None),
    )
    survey = Survey({"\ud800": [None]}, facts)
    assert store.directs.survey() is None
    store.directs.keep_survey(survey)
    assert store.directs.survey() == survey
    store.directs.keep_repair({"a": 1}, {})
    assert store.directs.repair() == ({"a": 1}, {})
    store.settle_intent(store.add_intent(UndoRepair()), Outcome(ok=True))
    assert store.directs.repair() is None


def test_room_ids_that_no_text_can_hold_are_no_trouble(store: Store) -> None:
    store.apply(SyncBatch("token", direct={BOB: ["!\ud800", "!ok"], "\ud800": ["!x"]}))
    assert store.followed_rooms() == {RoomId("!ok")}
