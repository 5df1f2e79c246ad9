from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.model import Cursor, Invite, RoomId, Safe, UserId
from dmtui.core.names import clean_line
from dmtui.core.notify import (
    QUIET,
    REQUESTS_QUIET,
    Arrival,
    Bodies,
    Heard,
    How,
    News,
    Notice,
    decide,
    title_of,
)
from dmtui.core.own_devices import OwnDevice

BOB = UserId("@bob:test")
CAROL = UserId("@carol:test")
NOW = 1_790_000_000.0
NEVER = Heard()


def wrote(
    user_id: UserId = BOB, count: int = 1, body: str = "see you at eight", encrypted: bool = False
) -> Arrival:
    name = Safe(user_id[1:].partition(":")[0].title())
    room = RoomId(f"!{name}")
    return Arrival(user_id, name, count, Safe(body), encrypted, ((room, Cursor(count)),))


def asked(user_id: UserId = BOB, number: int = 1) -> Invite:
    return Invite(RoomId(f"!ask{number}"), user_id, Safe("BUY NOW"), True, 0)


def said(news: News, bodies: Bodies = Bodies.UNENCRYPTED) -> Notice | None:
    return decide(news, NOW, NEVER, bodies=bodies).notice


# -- words ----------------------------------------------------------------------------------


def test_one_message_is_told_with_its_sender_and_text() -> None:
    notice = Notice(Safe("New message from Bob"), Safe("see you at eight"))
    assert said(News((wrote(),))) == notice


def test_several_messages_of_one_person_are_counted() -> None:
    notice = said(News((wrote(count=3, body="and the newest"),)))
    assert notice == Notice(Safe("3 new messages from Bob"), Safe("and the newest"))


def test_several_people_are_one_notice_without_texts() -> None:
    people = tuple(wrote(UserId(f"@{name}:test")) for name in ("bob", "carol"))
    notice = said(News(people), Bodies.ALWAYS)
    assert notice == Notice(Safe("2 people wrote"), Safe("Bob and Carol"))


def test_a_crowd_is_counted_and_the_first_are_named() -> None:
    people = tuple(wrote(UserId(f"@p{number}:test")) for number in range(50))
    notice = said(News(people))
    assert notice == Notice(Safe("50 people wrote"), Safe("P0, P1, P2 and 47 more"))


@pytest.mark.parametrize(
    ("encrypted", "bodies", "quoted"),
    [
        (True, Bodies.UNENCRYPTED, False),
        (True, Bodies.ALWAYS, True),
        (True, Bodies.NEVER, False),
        (False, Bodies.UNENCRYPTED, True),
        (False, Bodies.NEVER, False),
    ],
)
def test_the_text_of_an_encrypted_chat_is_hidden_unless_wanted(
    encrypted: bool, bodies: Bodies, quoted: bool
) -> None:
    notice = said(News((wrote(encrypted=encrypted),)), bodies)
    assert notice is not None
    assert bool(notice.body) == quoted


def test_a_request_names_the_user_id_and_not_the_name_that_a_stranger_chose() -> None:
    notice = said(News(requests=(asked(),)))
    assert notice == Notice(Safe("@bob:test wants to chat"))


def test_five_hundred_requests_are_one_notice() -> None:
    requests = tuple(asked(UserId(f"@spam{n}:test"), n) for n in range(500))
    notice = said(News(requests=requests))
    assert notice == Notice(Safe("500 new requests to chat"))


def test_messages_and_requests_share_a_notice() -> None:
    notice = said(News((wrote(),), (asked(CAROL),)))
    assert notice is not None
    assert notice.title == "New message from Bob; @carol:test wants to chat"


@given(st.text(), st.text(), st.text(), st.booleans())
def test_a_notice_is_short_lines_whatever_people_are_called(
    name: str, body: str, inviter: str, many: bool
) -> None:
    hostile = replace(wrote(), name=clean_line(name), body=clean_line(body))
    people = (hostile, replace(hostile, user_id=CAROL)) if many else (hostile,)
    notice = said(News(people, (asked(UserId(inviter)),)), Bodies.ALWAYS)
    assert notice is not None
    assert len(notice.title) < 200
    assert len(notice.body) < 250
    assert (notice.title + notice.body + " ").splitlines() == [notice.title + notice.body + " "]


@pytest.mark.parametrize(("unread", "title"), [(0, "dmtui"), (3, "(3) dmtui")])
def test_the_title_counts_unread_messages(unread: int, title: str) -> None:
    assert title_of(unread) == title


# -- when -----------------------------------------------------------------------------------


def test_nothing_new_says_nothing() -> None:
    verdict = decide(News(), NOW, NEVER)
    assert verdict.notice is None
    assert verdict.again_at is None


@pytest.mark.parametrize(
    "news", [News((wrote(),)), News((wrote(count=9),)), News(requests=(asked(),))]
)
def test_who_is_looked_at_or_muted_is_passed_over_for_good(news: News) -> None:
    for verdict in (
        decide(news, NOW, NEVER, looked_at=BOB),
        decide(news, NOW, NEVER, muted={BOB}),
        decide(news, NOW, NEVER, how=How.OFF),
    ):
        assert verdict.notice is None
        assert verdict.told == news
        assert verdict.heard == NEVER
        assert verdict.again_at is None


def test_others_are_told_of_while_somebody_is_looked_at() -> None:
    news = News((wrote(BOB), wrote(CAROL)))
    verdict = decide(news, NOW, NEVER, looked_at=BOB)
    assert verdict.notice is not None
    assert verdict.notice.title == "New message from Carol"
    assert verdict.told == news


def test_a_burst_of_one_person_is_two_notices() -> None:
    first = decide(News((wrote(),)), NOW, NEVER)
    soon = decide(News((wrote(count=5),)), NOW + 1, first.heard)
    assert soon.notice is None
    assert soon.told == News()
    assert soon.again_at == NOW + QUIET
    later = decide(News((wrote(count=7),)), NOW + QUIET, soon.heard)
    assert later.notice is not None
    assert later.notice.title == "7 new messages from Bob"
    assert later.told == News((wrote(count=7),))


def test_one_persons_burst_does_not_hold_up_another() -> None:
    first = decide(News((wrote(BOB),)), NOW, NEVER)
    verdict = decide(News((wrote(BOB), wrote(CAROL))), NOW + 1, first.heard)
    assert verdict.notice is not None
    assert verdict.notice.title == "New message from Carol"
    assert verdict.told == News((wrote(CAROL),))
    assert verdict.again_at == NOW + QUIET


def test_requests_that_trickle_in_are_one_notice() -> None:
    heard, notices = NEVER, []
    for number in range(500):
        news = News(requests=(asked(UserId(f"@spam{number}:test"), number),))
        verdict = decide(news, NOW + number * REQUESTS_QUIET / 600, heard)
        assert verdict.told == news
        heard = verdict.heard
        notices.append(verdict.notice)
    assert [notice for notice in notices if notice] == notices[:1]


def test_a_request_after_a_quiet_time_is_told() -> None:
    first = decide(News(requests=(asked(),)), NOW, NEVER)
    later = decide(News(requests=(asked(CAROL, 2),)), NOW + REQUESTS_QUIET, first.heard)
    assert later.notice == Notice(Safe("@carol:test wants to chat"))


def test_a_clock_that_is_set_back_silences_nobody() -> None:
    first = decide(News((wrote(),), (asked(),)), NOW, NEVER)
    verdict = decide(News((wrote(),), (asked(),)), NOW - 3600, first.heard)
    assert verdict.notice == first.notice


def test_what_is_kept_in_mind_does_not_grow() -> None:
    heard = NEVER
    for number in range(100):
        news = News((wrote(UserId(f"@p{number}:test")),))
        heard = decide(news, NOW + number * QUIET, heard).heard
    assert len(heard.people) == 1


def test_a_sign_in_is_told_first_and_at_once_whoever_is_looked_at() -> None:
    strange = OwnDevice("STRANGE", Safe("Who is this"), "key", confirmed=False)
    news = News((wrote(),), sign_ins=(strange,))
    verdict = decide(news, NOW, Heard({BOB: NOW - 1}), looked_at=BOB)
    assert verdict.notice == Notice(Safe("New sign-in to your account: Who is this (STRANGE)"))
    assert verdict.told.sign_ins == (strange,)
    two = said(News((wrote(),), sign_ins=(strange, strange)))
    assert two is not None
    assert two.title == "2 new sign-ins to your account; New message from Bob"


def test_a_sign_in_is_not_told_where_notifications_are_off() -> None:
    strange = OwnDevice("STRANGE", Safe(""), "key")
    assert decide(News(sign_ins=(strange,)), NOW, NEVER, how=How.OFF).notice is None
