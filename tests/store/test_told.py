from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from dmtui.core.events import Line, MembershipChange, RoomUpdate
from dmtui.core.intents import CreateRoom, Outcome
from dmtui.core.model import Invite, Kind, Member, Membership, RoomId, Safe, TransactionId, UserId
from dmtui.core.notify import News
from dmtui.store.schema import MIGRATIONS
from dmtui.store.store import Store
from tests.fakes import said
from tests.store.conftest import (
    BOB,
    CAROL,
    ME,
    OTHER,
    ROOM,
    T0,
    batch,
    event,
    first_sync,
    history,
    joins,
    line,
    members,
    news,
    receipt,
    secret,
)


def counted(store: Store) -> dict[str, int]:
    return {arrival.name: arrival.count for arrival in store.told.news().arrivals}


def told(store: Store) -> None:
    store.told.mark(store.told.news())
    assert store.told.news() == News()


def invited(room: str = "!ask", direct: bool = True, inviter: UserId = CAROL) -> Invite:
    return Invite(RoomId(room), inviter, Safe("Carol"), direct, T0)


@pytest.fixture
def talk(store: Store) -> Store:
    store.apply(first_sync(line("1", 1), line("2", 2)))
    return store


def test_the_first_sync_is_no_news(store: Store) -> None:
    room = first_sync(line("1", 1), line("2", 2)).rooms
    store.apply(batch(*room, direct={BOB: [ROOM]}, invites=(invited(),)))
    assert store.people()[0].unread == 2
    assert store.told.unread() == 2
    assert store.told.news() == News()


def test_a_new_message_is_news_until_told(talk: Store) -> None:
    talk.apply(news(line("3", 4), line("4", 5, body="hello")))
    (arrival,) = talk.told.news().arrivals
    assert (arrival.user_id, arrival.name, arrival.count) == (BOB, "Bob", 2)
    assert (arrival.body, arrival.encrypted) == ("hello", False)
    told(talk)
    assert talk.told.unread() == 4


def test_what_arrives_between_reading_and_marking_stays_news(talk: Store) -> None:
    talk.apply(news(line("3", 4)))
    seen = talk.told.news()
    talk.apply(news(line("4", 5)))
    talk.told.mark(seen)
    talk.told.mark(seen)
    assert counted(talk) == {"Bob": 1}


def test_what_was_told_stays_told_after_a_restart(talk: Store, path: Path) -> None:
    talk.apply(news(line("3", 4)))
    told(talk)
    talk.apply(news(line("4", 5)))
    again = Store.open(path, ME)
    assert counted(again) == {"Bob": 1}
    again.close()


def test_messages_read_on_another_device_are_no_news(talk: Store) -> None:
    talk.apply(news(line("3", 4), receipts=(receipt(ME, "3", 5),)))
    assert talk.told.news() == News()
    talk.apply(news(line("4", 6), line("5", 7)))
    talk.apply(news(receipts=(receipt(ME, "4", 8),)))
    assert counted(talk) == {"Bob": 1}
    talk.apply(news(line("mine", 9, ME)))
    assert talk.told.news() == News()


def test_messages_of_my_own_devices_are_no_news(talk: Store) -> None:
    talk.apply(news(line("3", 4, ME)))
    talk.queue_message(BOB, ROOM, TransactionId("t"), said("from here"), T0)
    assert talk.told.news() == News()


@pytest.mark.parametrize("end", [None, "p-1"])
def test_older_history_is_no_news(talk: Store, end: str | None) -> None:
    gap = talk.gap_before(BOB, None)
    assert gap is not None
    talk.apply_history(gap, history(line("-1", -1), line("0", 0), end=end))
    assert talk.told.news() == News()


def test_messages_in_a_filled_hole_are_no_second_news(talk: Store) -> None:
    talk.apply(news(line("5", 5), limited=True, prev_batch="p5"))
    assert counted(talk) == {"Bob": 1}
    told(talk)
    talk.apply_history(talk.holes()[0], history(line("2", 2), line("3", 3), line("4", 4)))
    assert talk.people()[0].unread == 5
    assert talk.told.news() == News()


def test_a_message_that_becomes_readable_is_no_second_news(talk: Store) -> None:
    talk.apply(news(secret("3", 4, "s")))
    (arrival,) = talk.told.news().arrivals
    assert arrival.body == ""
    told(talk)
    talk.apply_decrypted(ROOM, (line("3", 4, body="now"),))
    assert bodies_of(talk)[-1] == "now"
    assert talk.told.news() == News()


def bodies_of(store: Store) -> list[str]:
    return [message.body for message in store.messages(BOB, None, 10).messages]


def test_an_account_synced_anew_tells_only_what_is_new(talk: Store) -> None:
    talk.apply(first_sync(line("2", 2), line("3", 3)))
    assert counted(talk) == {"Bob": 1}


@pytest.mark.parametrize("encrypted", [True, False])
def test_an_encrypted_chat_is_marked_as_such(talk: Store, encrypted: bool) -> None:
    talk.apply(news(line("3", 4), encrypted=encrypted))
    (arrival,) = talk.told.news().arrivals
    assert arrival.encrypted == encrypted


def test_notices_of_bots_membership_and_withdrawn_messages_are_no_news(talk: Store) -> None:
    robot = event("3", 4, Line(Kind.NOTICE, Safe("build done")))
    talk.apply(news(robot, joins(BOB, 5), line("4", 6, kind=Kind.REDACTED)))
    assert talk.told.news() == News()


def test_messages_in_a_group_that_was_a_chat_are_no_news(talk: Store) -> None:
    carol = Member(CAROL, Membership.JOIN, Safe("Carol"))
    joining = event("carol", 3, MembershipChange(carol), CAROL)
    talk.apply(news(joining, line("3", 4), line("4", 5, CAROL), members=(carol,)))
    assert talk.people()[0].unread == 4
    assert talk.told.news() == News()


def test_several_rooms_of_one_person_are_one_arrival_with_the_newest_text(talk: Store) -> None:
    second = RoomUpdate(OTHER, initial=True, members=members(BOB), created_at=T0)
    talk.apply(batch(second, direct={BOB: [ROOM, OTHER]}))
    talk.apply(news(line("6", 6, body="newest"), room=OTHER))
    talk.apply(news(line("5", 5, body="older")))
    (arrival,) = talk.told.news().arrivals
    assert (arrival.count, arrival.body) == (2, "newest")
    told(talk)


def test_the_first_answer_in_a_room_of_my_own_making_is_news(talk: Store) -> None:
    number = talk.add_intent(CreateRoom(CAROL, "nonce", False))
    talk.settle_intent(number, Outcome(True, room_id=OTHER))
    update = RoomUpdate(
        OTHER,
        initial=True,
        timeline=(line("c", 9, CAROL, body="you found me"),),
        members=members(CAROL),
        nonce="nonce",
    )
    talk.apply(batch(update, direct={BOB: [ROOM], CAROL: [OTHER]}))
    assert counted(talk) == {"Carol": 1}


def test_the_newest_writer_comes_first(talk: Store) -> None:
    talk.apply(batch(RoomUpdate(OTHER, initial=True, members=members(CAROL)), direct=both()))
    talk.apply(batch(update_of(OTHER, line("c", 8, CAROL)), update_of(ROOM, line("3", 9))))
    assert list(counted(talk)) == ["Bob", "Carol"]


def both() -> dict[str, list[str]]:
    return {BOB: [ROOM], CAROL: [OTHER]}


def update_of(room: RoomId, *events: object) -> RoomUpdate:
    return RoomUpdate(room, timeline=events)  # type: ignore[arg-type]


def test_the_ignored_are_no_news(talk: Store) -> None:
    talk.apply(news(line("3", 4)))
    talk.apply(batch(ignored=frozenset({BOB}), invites=(invited(inviter=BOB),)))
    assert talk.told.news() == News()


def test_a_direct_invite_is_news_once(talk: Store) -> None:
    talk.apply(batch(invites=(invited(), invited("!club", direct=False))))
    assert [invite.room_id for invite in talk.told.news().requests] == ["!ask"]
    told(talk)
    renamed = Invite(RoomId("!ask"), CAROL, Safe("CAROL!!!"), True, T0)
    talk.apply(batch(invites=(renamed,)))
    assert talk.told.news() == News()


def test_an_invite_that_is_gone_is_no_news(talk: Store) -> None:
    talk.apply(batch(invites=(invited(), invited("!ask2"))))
    talk.apply(batch(gone=(RoomId("!ask"),)))
    talk.drop_invite(RoomId("!ask2"))
    assert talk.told.news() == News()


def test_what_a_database_from_before_holds_is_no_news(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(MIGRATIONS[0])
    connection.executescript(
        f"""PRAGMA user_version = 1;
        INSERT INTO meta VALUES ('me', '{ME}'), ('synced', 'yes');
        INSERT INTO room (number, room_id, membership) VALUES (1, '{ROOM}', 'join');
        INSERT INTO event (number, room, event_id, sender, sent_at, type)
            VALUES (1, 1, '$1', '{BOB}', {T0}, 'text');
        INSERT INTO timeline VALUES (1, {T0 << 20}, 1, 3);
        INSERT INTO invite VALUES ('!ask', '{CAROL}', '', 1, {T0}, '', '', 0, '', 0);"""  # noqa: S608 - the test's own names
    )
    connection.close()
    store = Store.open(path, ME)
    store.apply(news(members=members(BOB), initial=True))
    store.apply(batch(direct={BOB: [ROOM]}))
    assert store.people()[0].unread == 1
    assert store.told.news() == News()
    store.apply(news(line("2", 60)))
    assert counted(store) == {"Bob": 1}
    store.close()
