"""Why nobody vouches for a message: kept with it, through edits, redactions and late keys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dmtui.core.events import Redaction, RoomUpdate, TimelineEvent
from dmtui.core.model import Doubt, EventId, Kind
from dmtui.store.store import Store
from tests.store.conftest import BOB, ROOM, batch, edit, event, first_sync, line, news, secret


def doubts(store: Store) -> list[Doubt]:
    return [message.doubt for message in store.messages(BOB, None, 10).messages]


def doubtful(one: TimelineEvent, doubt: Doubt) -> TimelineEvent:
    return replace(one, encrypted=True, doubt=doubt)


@pytest.fixture
def talk(store: Store) -> Store:
    store.apply(first_sync())
    return store


@pytest.fixture
def sealed(talk: Store) -> Store:
    """An encrypted room in which something was said."""
    talk.apply(batch(RoomUpdate(ROOM, encrypted=True, timeline=(line("zero", 1),))))
    return talk


@pytest.mark.parametrize("doubt", list(Doubt))
def test_doubt_is_kept_with_its_message(talk: Store, doubt: Doubt) -> None:
    talk.apply(news(doubtful(line("m", 1), doubt)))
    assert doubts(talk) == [doubt]


def test_late_key_brings_the_doubt(talk: Store) -> None:
    talk.apply(news(secret("m", 1, "s1")))
    assert doubts(talk) == [Doubt.NONE]
    talk.apply_decrypted(ROOM, (doubtful(line("m", 1, body="clear"), Doubt.UNSIGNED_DEVICE),))
    assert doubts(talk) == [Doubt.UNSIGNED_DEVICE]


def test_doubt_about_an_edit_is_one_about_what_it_shows(talk: Store) -> None:
    talk.apply(news(doubtful(line("m", 1), Doubt.NONE)))
    talk.apply(news(doubtful(edit("e", 2, "m", "changed"), Doubt.UNKNOWN_DEVICE)))
    assert doubts(talk) == [Doubt.UNKNOWN_DEVICE]


def test_edit_without_doubt_does_not_vouch_for_the_original(talk: Store) -> None:
    talk.apply(news(doubtful(line("m", 1), Doubt.INDIRECT)))
    talk.apply(news(doubtful(edit("e", 2, "m", "changed"), Doubt.NONE)))
    assert doubts(talk) == [Doubt.INDIRECT]


def test_redaction_takes_the_doubt_along(talk: Store) -> None:
    talk.apply(news(doubtful(line("m", 1), Doubt.UNSIGNED_DEVICE)))
    talk.apply(news(event("r", 2, Redaction(EventId("$m")))))
    (message,) = talk.messages(BOB, None, 10).messages
    assert (message.kind, message.doubt) == (Kind.REDACTED, Doubt.NONE)


def test_plain_text_in_a_room_that_was_encrypted_is_doubted(sealed: Store) -> None:
    sealed.apply(news(line("one", 2), doubtful(line("two", 3), Doubt.NONE)))
    assert doubts(sealed) == [Doubt.NONE, Doubt.PLAIN, Doubt.NONE]


def test_plain_text_from_before_the_encryption_is_not_doubted(talk: Store) -> None:
    talk.apply(news(line("zero", 1)))
    talk.apply(batch(RoomUpdate(ROOM, encrypted=True, timeline=(line("one", 2),))))
    assert doubts(talk) == [Doubt.NONE, Doubt.NONE]


def test_plain_text_stays_doubted_after_a_restart_of_sync(sealed: Store) -> None:
    update = RoomUpdate(ROOM, initial=True, limited=True, prev_batch="p", timeline=(line("x", 5),))
    sealed.apply(batch(update))
    assert doubts(sealed)[-1] is Doubt.PLAIN
