from __future__ import annotations

from itertools import permutations

import pytest

from dmtui.core.events import (
    Reaction,
    Redaction,
    TimelineChanged,
    TimelineEvent,
    Undecryptable,
)
from dmtui.core.model import EventId, Kind, Message, Safe, UserId
from dmtui.store.store import Store
from tests.store.conftest import (
    BOB,
    CAROL,
    ROOM,
    bodies,
    edit,
    event,
    first_sync,
    line,
    news,
    secret,
)


def redaction(name: str, at: int, target: str, sender: UserId = BOB) -> TimelineEvent:
    return event(name, at, Redaction(EventId(f"${target}")), sender)


def only(store: Store) -> Message:
    (message,) = store.messages(BOB, None, 10).messages
    return message


@pytest.fixture
def talk(store: Store) -> Store:
    store.apply(first_sync())
    return store


TARGET = line("m", 1, body="first")
FIRST = edit("e1", 2, "m", "second")
SECOND = edit("e2", 3, "m", "third")
UNDO = redaction("r", 4, "e2")


@pytest.mark.parametrize("order", permutations([TARGET, FIRST, SECOND]))
def test_newest_edit_wins_in_any_order(talk: Store, order: tuple[TimelineEvent, ...]) -> None:
    for one in order:
        talk.apply(news(one))
    assert (only(talk).body, only(talk).edited) == ("third", True)
    assert talk.people()[0].preview == "third"


@pytest.mark.parametrize("order", permutations([TARGET, FIRST, SECOND, UNDO]))
def test_redacted_edit_gives_back_the_one_before(
    talk: Store, order: tuple[TimelineEvent, ...]
) -> None:
    for one in order:
        talk.apply(news(one))
    assert only(talk).body == "second"


@pytest.mark.parametrize("order", permutations([TARGET, FIRST, redaction("r", 5, "m")]))
def test_redacted_message_is_gone_in_any_order(
    talk: Store, order: tuple[TimelineEvent, ...]
) -> None:
    for one in order:
        talk.apply(news(one))
    message = only(talk)
    assert (message.kind, message.body) == (Kind.REDACTED, "Message deleted")
    bob = talk.people()[0]
    assert (bob.preview, bob.unread) == ("Message deleted", 0)


def test_text_of_a_redacted_message_leaves_the_file(talk: Store) -> None:
    talk.apply(news(line("m", 1, body="unspeakable"), edit("e", 2, "m", "unspeakable too")))
    talk.apply(news(redaction("r", 3, "m")))
    with talk._database.read() as connection:
        kept = connection.execute("SELECT count(*) FROM event WHERE body LIKE 'unspeak%'")
        assert kept.fetchone() == (0,)


def test_edit_by_somebody_else_does_nothing(talk: Store) -> None:
    talk.apply(news(TARGET, edit("e", 2, "m", "forged", CAROL)))
    assert (only(talk).body, only(talk).edited) == ("first", False)


def test_plain_edit_of_an_encrypted_message_does_nothing(talk: Store) -> None:
    encrypted = TimelineEvent(
        TARGET.event_id, TARGET.sender, TARGET.sent_at, TARGET.content, encrypted=True
    )
    talk.apply(news(encrypted, FIRST))
    assert only(talk).body == "first"


def test_reactions_take_no_line(talk: Store) -> None:
    talk.apply(news(TARGET, event("a", 2, Reaction(EventId("$m"), Safe("+1")))))
    assert bodies(talk) == ["first"]


def test_late_key_heals_the_message_in_place(talk: Store) -> None:
    talk.apply(news(secret("m", 1, "s1"), line("after", 2)))
    before = talk.messages(BOB, None, 10).messages[0]
    assert before.kind is Kind.UNDECRYPTABLE
    assert talk.undecryptable({(ROOM, "other")}) == {}
    assert talk.undecryptable({(ROOM, "s1")}) == {ROOM: ['{"event_id": "$m"}']}
    assert talk.apply_decrypted(ROOM, (line("m", 1, body="clear"),))
    after = talk.messages(BOB, None, 10).messages[0]
    assert (after.key, after.cursor, after.body) == (before.key, before.cursor, "clear")
    assert talk.undecryptable(None) == {}
    assert bodies(talk) == ["clear", "after"]


def test_message_that_stays_sealed_tells_the_newest_reason(talk: Store) -> None:
    talk.apply(news(secret("m", 1, "s1")))
    refused = event("m", 1, Undecryptable("s1", '{"event_id": "$m"}', "refused"))
    assert talk.apply_decrypted(ROOM, (refused,)) == {TimelineChanged(BOB)}
    assert (only(talk).kind, only(talk).body) == (Kind.UNDECRYPTABLE, "refused")
    assert talk.apply_decrypted(ROOM, (refused,)) == frozenset()
    talk.apply_decrypted(ROOM, (line("m", 1, body="clear"),))
    assert bodies(talk) == ["clear"]


def test_late_key_of_an_edit_changes_its_target(talk: Store) -> None:
    talk.apply(news(TARGET, secret("e1", 2, "s1")))
    assert talk.people()[0].preview == "(encrypted: cannot be read yet)"
    talk.apply_decrypted(ROOM, (FIRST,))
    assert (only(talk).body, talk.people()[0].unread) == ("second", 1)


def test_key_that_came_with_a_replay_heals(talk: Store) -> None:
    talk.apply(news(secret("m", 1, "s1")))
    talk.apply(news(TARGET))
    assert only(talk).body == "first"
