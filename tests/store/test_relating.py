"""Edits, reactions and deletions of mine, from the key press until the server has them."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from dmtui.core.events import Edit, Line, Reaction, Redaction, RoomUpdate, Undecryptable
from dmtui.core.intents import FollowUpgrade, Outcome
from dmtui.core.model import (
    NO_AIM,
    ActKind,
    Aim,
    EventId,
    Kind,
    Message,
    Safe,
    SendState,
    TransactionId,
)
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
    bodies,
    edit,
    event,
    first_sync,
    line,
    members,
    news,
)

TXN = TransactionId("t1")
THUMB = Safe("👍")
LATER = T0 + 60_000


def of(store: Store, body: str) -> Message:
    messages = store.messages(BOB, None, 10).messages
    return next(message for message in messages if message.body == body)


def transaction(name: str) -> TransactionId:
    return TransactionId(name)


def sent(store: Store, name: str, event_id: str) -> None:
    store.mark_sending(TransactionId(name))
    store.mark_sent(TransactionId(name), EventId(event_id))


def queued(store: Store) -> object:
    outgoing = store.next_outgoing(())
    return None if outgoing is None else outgoing.content


@pytest.fixture
def talk(store: Store) -> Store:
    store.apply(first_sync(line("theirs", 1), line("mine", 2, ME)))
    return store


# -- edits --


def test_edit_shows_at_once_and_is_sent(talk: Store) -> None:
    key = of(talk, "mine").key
    talk.relations.edit(key, TXN, said("ours"), LATER)
    message = of(talk, "ours")
    assert (message.key, message.edited) == (key, True)
    assert [(act.kind, act.state) for act in message.acts] == [(ActKind.EDIT, SendState.QUEUED)]
    assert talk.people()[0].preview == "You: ours"
    assert queued(talk) == Edit(EventId("$mine"), said("ours"))
    sent(talk, "t1", "$e")
    assert (of(talk, "ours").acts, queued(talk)) == ((), None)


@pytest.mark.parametrize("order", permutations(["sent", "sync", "replay"]))
def test_servers_copy_of_an_edit_meets_it_in_any_order(talk: Store, order: tuple[str, ...]) -> None:
    talk.relations.edit(of(talk, "mine").key, TXN, said("ours"), LATER)
    copy = event("e", 70, Edit(EventId("$mine"), said("ours")), ME, "t1")
    for act in order:
        if act == "sent":
            sent(talk, "t1", "$e")
        else:
            talk.apply(news(copy, line("after", 80)))
    assert bodies(talk) == ["theirs", "ours", "after"]
    assert of(talk, "ours").acts == ()


def test_edit_of_mine_is_newer_than_the_servers_whatever_the_clock_says(talk: Store) -> None:
    talk.apply(news(edit("e1", 90, "mine", "from my phone", ME)))
    talk.relations.edit(of(talk, "from my phone").key, TXN, said("from here"), T0)
    assert bodies(talk) == ["theirs", "from here"]
    sent(talk, "t1", "$e2")
    assert bodies(talk) == ["theirs", "from here"]


def test_second_edit_takes_the_place_of_one_that_was_not_sent(talk: Store) -> None:
    key = of(talk, "mine").key
    talk.relations.edit(key, TXN, said("ours"), LATER)
    talk.relations.edit(key, transaction("t2"), said("everybody's"), LATER)
    assert bodies(talk) == ["theirs", "everybody's"]
    assert queued(talk) == Edit(EventId("$mine"), said("everybody's"))
    sent(talk, "t2", "$e")
    assert queued(talk) is None


def test_edit_that_fails_shows_what_others_see_and_can_be_tried_again(talk: Store) -> None:
    key = of(talk, "mine").key
    talk.relations.edit(key, TXN, said("ours"), LATER)
    talk.mark_sending(TXN)
    talk.mark_failed(TXN, "no")
    message = of(talk, "mine")
    act = message.failed_act
    assert act is not None
    assert (act.kind, act.failure, message.edited) == (ActKind.EDIT, "no", False)
    talk.send_again(act.transaction_id)
    assert bodies(talk) == ["theirs", "ours"]
    talk.discard(TXN)
    assert bodies(talk) == ["theirs", "mine"]
    assert queued(talk) is None


def test_edit_of_a_message_that_was_never_tried_changes_it_in_place(talk: Store) -> None:
    talk.queue_message(BOB, ROOM, TXN, said("hello"), LATER)
    talk.relations.edit(of(talk, "hello").key, transaction("t2"), said("hello, Bob"), LATER)
    assert queued(talk) == said("hello, Bob")
    assert not of(talk, "hello, Bob").edited
    sent(talk, "t1", "$h")
    assert queued(talk) is None


def test_edit_of_a_failed_message_sends_it_as_edited(talk: Store) -> None:
    talk.queue_message(BOB, ROOM, TXN, said("hello"), LATER)
    talk.mark_sending(TXN)
    talk.mark_failed(TXN, "no")
    talk.relations.edit(of(talk, "hello").key, transaction("t2"), said("hello, Bob"), LATER)
    assert queued(talk) == said("hello, Bob")


@pytest.mark.parametrize("first", ["sent", "sync"])
def test_edit_of_a_message_on_its_way_follows_it(talk: Store, first: str) -> None:
    talk.queue_message(BOB, ROOM, TXN, said("hello"), LATER)
    talk.mark_sending(TXN)
    talk.relations.edit(of(talk, "hello").key, transaction("t2"), said("hello, Bob"), LATER)
    assert bodies(talk)[-1] == "hello, Bob"
    assert queued(talk) is None
    if first == "sent":
        talk.mark_sent(TXN, EventId("$h"))
    else:
        talk.apply(news(event("h", 61, said("hello"), ME, "t1")))
    assert queued(talk) == Edit(EventId("$h"), said("hello, Bob"))
    assert bodies(talk)[-1] == "hello, Bob"


def test_edit_of_a_message_whose_answer_was_lost_is_not_lost_itself(talk: Store) -> None:
    talk.queue_message(BOB, ROOM, TXN, said("hello"), LATER)
    talk.mark_sending(TXN)
    talk.mark_queued(TXN)
    talk.relations.edit(of(talk, "hello").key, transaction("t2"), said("hello, Bob"), LATER)
    assert queued(talk) == said("hello")
    sent(talk, "t1", "$h")
    assert queued(talk) == Edit(EventId("$h"), said("hello, Bob"))


def test_edit_of_a_message_that_fails_stays_with_it(talk: Store) -> None:
    talk.queue_message(BOB, ROOM, TXN, said("hello"), LATER)
    talk.mark_sending(TXN)
    talk.relations.edit(of(talk, "hello").key, transaction("t2"), said("hello, Bob"), LATER)
    talk.mark_failed(TXN, "no")
    message = of(talk, "hello, Bob")
    assert (message.state, message.acts, queued(talk)) == (SendState.FAILED, (), None)


def test_own_edit_that_cannot_be_read_again_stays_an_edit(talk: Store) -> None:
    talk.relations.edit(of(talk, "mine").key, TXN, said("ours"), LATER)
    talk.apply(news(event("e", 70, Undecryptable("s", "{}"), ME, "t1")))
    assert bodies(talk) == ["theirs", "ours"]


def test_only_what_i_said_can_be_edited(talk: Store) -> None:
    assert talk.relations.edit(of(talk, "theirs").key, TXN, said("forged"), LATER) == frozenset()
    assert bodies(talk) == ["theirs", "mine"]


# -- reactions --


def shown(message: Message) -> list[tuple[str, int, bool]]:
    return [(each.emoji, len(each.names), each.mine) for each in message.reactions]


def test_reaction_shows_at_once_and_is_sent(talk: Store) -> None:
    talk.relations.react(of(talk, "theirs").key, TXN, THUMB, LATER)
    assert shown(of(talk, "theirs")) == [(THUMB, 1, True)]
    assert of(talk, "theirs").reactions[0].waiting
    assert queued(talk) == Reaction(EventId("$theirs"), THUMB)
    sent(talk, "t1", "$r")
    talk.apply(news(event("r", 61, Reaction(EventId("$theirs"), THUMB), ME, "t1")))
    assert shown(of(talk, "theirs")) == [(THUMB, 1, True)]
    assert not of(talk, "theirs").reactions[0].waiting


def test_reactions_count_everybody_once_in_any_order(talk: Store) -> None:
    for one in (
        event("b1", 3, Reaction(EventId("$mine"), THUMB), BOB),
        event("c1", 4, Reaction(EventId("$mine"), Safe("❤️")), CAROL),
        event("b2", 5, Reaction(EventId("$mine"), Safe("❤")), BOB),
        event("b3", 6, Reaction(EventId("$mine"), THUMB), BOB),
        event("x", 7, Redaction(EventId("$c1")), CAROL),
    ):
        talk.apply(news(one))
    assert shown(of(talk, "mine")) == [(THUMB, 1, False), ("❤", 1, False)]


def test_reaction_that_came_before_its_message_is_shown_with_it(store: Store) -> None:
    early = event("r", 9, Reaction(EventId("$late"), THUMB), BOB)
    store.apply(first_sync(early))
    store.apply(news(line("late", 10, ME)))
    assert shown(of(store, "late")) == [(THUMB, 1, False)]


def test_same_reaction_again_takes_it_back(talk: Store) -> None:
    key = of(talk, "theirs").key
    talk.relations.react(key, TXN, THUMB, LATER)
    sent(talk, "t1", "$r")
    talk.relations.react(key, transaction("t2"), THUMB, LATER)
    assert shown(of(talk, "theirs")) == []
    assert queued(talk) == Redaction(EventId("$r"))
    sent(talk, "t2", "$x")
    assert (shown(of(talk, "theirs")), queued(talk)) == ([], None)


def test_reaction_that_was_never_tried_is_just_gone(talk: Store) -> None:
    key = of(talk, "theirs").key
    talk.relations.react(key, TXN, THUMB, LATER)
    talk.relations.react(key, transaction("t2"), THUMB, LATER)
    assert (shown(of(talk, "theirs")), queued(talk)) == ([], None)


def test_reaction_on_its_way_is_taken_back_once_it_is_there(talk: Store) -> None:
    key = of(talk, "theirs").key
    talk.relations.react(key, TXN, THUMB, LATER)
    talk.mark_sending(TXN)
    talk.relations.react(key, transaction("t2"), THUMB, LATER)
    assert (shown(of(talk, "theirs")), queued(talk)) == ([], None)
    talk.mark_sent(TXN, EventId("$r"))
    assert queued(talk) == Redaction(EventId("$r"))


def test_third_press_leaves_the_reaction_there(talk: Store) -> None:
    key = of(talk, "theirs").key
    talk.relations.react(key, TXN, THUMB, LATER)
    sent(talk, "t1", "$r")
    talk.relations.react(key, transaction("t2"), THUMB, LATER)
    talk.relations.react(key, transaction("t3"), THUMB, LATER)
    assert (shown(of(talk, "theirs")), queued(talk)) == ([(THUMB, 1, True)], None)


def test_my_reaction_is_spelt_as_the_others_have_it(talk: Store) -> None:
    talk.apply(news(event("r", 3, Reaction(EventId("$mine"), Safe("❤")), BOB)))
    talk.relations.react(of(talk, "mine").key, TXN, Safe("❤️"), LATER)
    assert queued(talk) == Reaction(EventId("$mine"), Safe("❤"))
    assert shown(of(talk, "mine")) == [("❤", 2, True)]


def test_reaction_to_a_queued_message_waits_for_it(talk: Store) -> None:
    talk.queue_message(BOB, ROOM, TXN, said("hello"), LATER)
    talk.relations.react(of(talk, "hello").key, transaction("t2"), THUMB, LATER)
    assert shown(of(talk, "hello")) == [(THUMB, 1, True)]
    talk.mark_sending(TXN)
    assert queued(talk) is None
    talk.mark_sent(TXN, EventId("$h"))
    assert queued(talk) == Reaction(EventId("$h"), THUMB)


def test_reaction_that_fails_says_so_at_its_message(talk: Store) -> None:
    talk.relations.react(of(talk, "theirs").key, TXN, THUMB, LATER)
    talk.mark_sending(TXN)
    talk.mark_failed(TXN, "no")
    message = of(talk, "theirs")
    assert shown(message) == []
    assert message.failed_act is not None
    assert (message.failed_act.kind, message.failed_act.failure) == (ActKind.REACTION, "no")


# -- deletions --


def test_deleted_message_is_gone_at_once_and_for_good_once_sent(talk: Store) -> None:
    talk.relations.delete(of(talk, "mine").key, TXN, LATER)
    assert bodies(talk) == ["theirs", "Message deleted"]
    assert talk.people()[0].preview == "You: Message deleted"
    assert queued(talk) == Redaction(EventId("$mine"))
    sent(talk, "t1", "$x")
    message = of(talk, "Message deleted")
    assert (message.kind, message.acts) == (Kind.REDACTED, ())
    with talk._database.read() as connection:
        kept = connection.execute("SELECT count(*) FROM event WHERE body = 'mine'")
        assert kept.fetchone() == (0,)


def test_deletion_takes_the_edits_along(talk: Store) -> None:
    key = of(talk, "mine").key
    talk.relations.edit(key, TXN, said("secret"), LATER)
    sent(talk, "t1", "$e")
    talk.relations.edit(key, transaction("t2"), said("never sent"), LATER)
    talk.relations.delete(key, transaction("t3"), LATER)
    assert queued(talk) == Redaction(EventId("$mine"))
    sent(talk, "t3", "$x")
    assert queued(talk) == Redaction(EventId("$e"))
    talk.mark_sending(transaction("t3-1"))
    talk.mark_failed(transaction("t3-1"), "no")
    act = of(talk, "Message deleted").failed_act
    assert act is not None
    assert (act.kind, act.failure) == (ActKind.REDACTION, "no")
    talk.send_again(act.transaction_id)
    sent(talk, "t3-1", "$y")
    assert (queued(talk), of(talk, "Message deleted").acts) == (None, ())


def test_deletion_that_fails_brings_the_message_back(talk: Store) -> None:
    talk.relations.delete(of(talk, "mine").key, TXN, LATER)
    talk.mark_sending(TXN)
    talk.mark_failed(TXN, "no")
    message = of(talk, "mine")
    assert message.failed_act is not None
    assert message.failed_act.kind is ActKind.REDACTION
    talk.relations.delete(message.key, transaction("t2"), LATER)
    assert bodies(talk) == ["theirs", "Message deleted"]
    talk.discard(TXN)
    assert bodies(talk) == ["theirs", "mine"]


def test_deleting_a_message_that_was_never_tried_discards_it_with_all_upon_it(
    talk: Store,
) -> None:
    talk.queue_message(BOB, ROOM, TXN, said("hello"), LATER)
    key = of(talk, "hello").key
    talk.relations.react(key, transaction("t2"), THUMB, LATER)
    talk.relations.delete(key, transaction("t3"), LATER)
    assert (bodies(talk), queued(talk)) == (["theirs", "mine"], None)


def test_message_on_its_way_is_deleted_once_it_is_there(talk: Store) -> None:
    talk.queue_message(BOB, ROOM, TXN, said("hello"), LATER)
    talk.mark_sending(TXN)
    talk.relations.delete(of(talk, "hello").key, transaction("t2"), LATER)
    assert bodies(talk)[-1] == "Message deleted"
    talk.mark_sent(TXN, EventId("$h"))
    assert queued(talk) == Redaction(EventId("$h"))
    sent(talk, "t2", "$x")
    talk.apply(news(event("h", 61, said("hello"), ME, "t1")))  # sync is late
    assert bodies(talk)[-1] == "Message deleted"


def test_what_others_said_cannot_be_deleted(talk: Store) -> None:
    assert talk.relations.delete(of(talk, "theirs").key, TXN, LATER) == frozenset()


def test_what_was_being_done_when_the_process_died_is_done_after_a_restart(
    talk: Store, path: Path
) -> None:
    talk.relations.edit(of(talk, "mine").key, TXN, said("ours"), LATER)
    talk.relations.react(of(talk, "theirs").key, transaction("t2"), THUMB, LATER)
    talk.mark_sending(TXN)
    again = Store.open(path, ME)
    again.requeue_interrupted()
    outgoing = again.next_outgoing(())
    assert outgoing is not None
    assert (outgoing.transaction_id, outgoing.content) == (
        TXN,
        Edit(EventId("$mine"), said("ours")),
    )
    sent(again, "t1", "$e")
    assert queued(again) == Reaction(EventId("$theirs"), THUMB)
    again.close()


def test_edits_of_an_upgraded_room_stay_there_and_messages_go_along_without_their_quote(
    talk: Store,
) -> None:
    theirs = of(talk, "theirs").key
    talk.queue_message(BOB, ROOM, TXN, said("answer"), LATER, answers=theirs)
    talk.relations.react(theirs, transaction("t2"), THUMB, LATER)
    talk.apply(batch(RoomUpdate(ROOM, successor=OTHER)))
    talk.apply(batch(RoomUpdate(OTHER, members=members(BOB), predecessor=ROOM)))
    follow = talk.add_intent(FollowUpgrade(BOB, ROOM, OTHER))
    talk.settle_intent(follow, Outcome(ok=True))
    outgoing = [talk.next_outgoing({busy}) for busy in (ROOM, OTHER)]
    assert [(each.room_id, each.content) for each in outgoing if each is not None] == [
        (OTHER, said("answer")),
        (ROOM, Reaction(EventId("$theirs"), THUMB)),
    ]


# -- replies --


def test_reply_names_its_target_and_shows_it(talk: Store) -> None:
    key = of(talk, "theirs").key
    talk.queue_message(BOB, ROOM, TXN, said("answer"), LATER, answers=key)
    assert queued(talk) == Line(Kind.TEXT, Safe("answer"), reply_to=EventId("$theirs"))
    quote = of(talk, "answer").quote
    assert quote is not None
    assert (quote.key, quote.body, quote.own, quote.thread) == (key, "theirs", False, False)


def test_reply_to_a_message_in_a_thread_goes_into_the_thread(talk: Store) -> None:
    threaded = Line(Kind.TEXT, Safe("deeper"), thread=EventId("$mine"))
    talk.apply(news(event("d", 3, threaded, BOB)))
    quote = of(talk, "deeper").quote
    assert quote is not None
    assert (quote.body, quote.own, quote.thread) == ("mine", True, True)
    talk.queue_message(BOB, ROOM, TXN, said("answer"), LATER, answers=of(talk, "deeper").key)
    assert queued(talk) == Line(
        Kind.TEXT, Safe("answer"), reply_to=EventId("$d"), thread=EventId("$mine")
    )


def test_reply_to_a_message_of_another_room_is_an_ordinary_message(talk: Store) -> None:
    talk.apply(batch(RoomUpdate(OTHER, members=members(BOB))))
    talk.queue_message(BOB, OTHER, TXN, said("answer"), LATER, answers=of(talk, "theirs").key)
    assert queued(talk) == said("answer")


def test_reply_to_a_queued_message_names_it_once_it_is_sent(talk: Store) -> None:
    talk.queue_message(BOB, ROOM, TXN, said("hello"), LATER)
    key = of(talk, "hello").key
    talk.queue_message(BOB, ROOM, transaction("t2"), said("I mean"), LATER, answers=key)
    quote = of(talk, "I mean").quote
    assert quote is not None
    assert quote.body == "hello"
    sent(talk, "t1", "$h")
    assert queued(talk) == Line(Kind.TEXT, Safe("I mean"), reply_to=EventId("$h"))


def test_reply_to_a_message_that_is_discarded_is_an_ordinary_message(talk: Store) -> None:
    talk.queue_message(BOB, ROOM, TXN, said("hello"), LATER)
    key = of(talk, "hello").key
    talk.queue_message(BOB, ROOM, transaction("t2"), said("I mean"), LATER, answers=key)
    talk.discard(TXN)
    assert (of(talk, "I mean").quote, queued(talk)) == (None, said("I mean"))


def test_quote_follows_what_happens_to_its_message(talk: Store) -> None:
    answer = Line(Kind.TEXT, Safe("answer"), reply_to=EventId("$mine"))
    talk.apply(news(event("a", 3, answer, BOB)))
    talk.apply(news(edit("e", 4, "mine", "ours", ME)))
    quote = of(talk, "answer").quote
    assert quote is not None
    assert quote.body == "ours"
    talk.apply(news(event("x", 5, Redaction(EventId("$mine")), ME)))
    quote = of(talk, "answer").quote
    assert quote is not None
    assert (quote.kind, quote.body) == (Kind.REDACTED, "")


def test_answer_to_what_is_no_message_shows_none(talk: Store) -> None:
    talk.apply(news(event("r", 3, Reaction(EventId("$mine"), THUMB), BOB)))
    talk.apply(news(event("a", 4, Line(Kind.TEXT, Safe("answer"), reply_to=EventId("$r")), BOB)))
    talk.apply(news(event("t", 5, Line(Kind.TEXT, Safe("deeper"), thread=EventId("$r")), BOB)))
    quotes = [of(talk, body).quote for body in ("answer", "deeper")]
    assert [(quote.key, quote.kind) for quote in quotes if quote is not None] == [("", None)] * 2


def test_deleted_message_keeps_neither_quote_nor_reactions_nor_is_it_quoted(talk: Store) -> None:
    key = of(talk, "mine").key
    answer = Line(Kind.TEXT, Safe("answer"), reply_to=EventId("$mine"))
    talk.apply(news(event("a", 3, answer, BOB)))
    talk.apply(news(event("r", 4, Reaction(EventId("$mine"), THUMB), BOB)))
    talk.relations.delete(key, TXN, LATER)
    gone, quote = of(talk, "Message deleted"), of(talk, "answer").quote
    assert (gone.reactions, gone.quote, gone.edited) == ((), None, False)
    assert quote is not None
    assert quote.kind is Kind.REDACTED


def test_reply_to_something_unknown_says_that_it_is_one(talk: Store) -> None:
    answer = Line(Kind.TEXT, Safe("answer"), reply_to=EventId("$long-ago"))
    talk.apply(news(event("a", 3, answer, BOB)))
    quote = of(talk, "answer").quote
    assert quote is not None
    assert (quote.key, quote.kind) == ("", None)


# -- drafts --


def test_aim_of_a_draft_is_kept_with_it_until_it_is_sent(talk: Store) -> None:
    key = of(talk, "theirs").key
    talk.set_draft(BOB, "", aim=Aim(answers=key))
    assert talk.aim(BOB) == Aim(answers=key)
    assert talk.people()[0].draft == ""
    talk.set_draft(BOB, "ans", aim=Aim(key, of(talk, "mine").key, "ours"))
    assert talk.aim(BOB).edited == "ours"
    talk.queue_message(BOB, ROOM, TXN, said("answer"), LATER, answers=key)
    assert talk.aim(BOB) == NO_AIM
