"""Attachments are kept with their messages, edited with them, and gone with them."""

from __future__ import annotations

from dataclasses import replace

from dmtui.core.events import Line, Redaction
from dmtui.core.intents import Deliver
from dmtui.core.model import (
    Attachment,
    AttachmentKind,
    EventId,
    FileKey,
    Kind,
    Media,
    Message,
    Safe,
    TransactionId,
)
from dmtui.store.store import Store
from tests.store.conftest import BOB, ROOM, T0, event, first_sync, news

SEALED = Media("mxc://x/y", FileKey("k", "i", "h"), 5, "image/png", 3, 2)
CAT = Attachment(AttachmentKind.IMAGE, Safe("cat.png"), SEALED, SEALED, 7, Safe("look"))
OURS = replace(CAT, media=Media("", copy="our-copy"), thumbnail=Media("", copy="our-thumbnail"))
TXN = TransactionId("t1")


def shown(attachment: Attachment) -> Line:
    return Line(Kind.ATTACHMENT, Safe("image: cat.png"), attachment=attachment)


def only(store: Store) -> Message:
    (message,) = store.messages(BOB, None, 10).messages
    return message


def test_attachment_is_kept_as_it_came(store: Store) -> None:
    store.apply(first_sync(event("cat", 1, shown(CAT))))
    assert only(store).attachment == CAT


def test_deleted_message_keeps_nothing_of_its_file(store: Store) -> None:
    store.apply(first_sync(event("cat", 1, shown(CAT))))
    store.apply(news(event("gone", 2, Redaction(EventId("$cat")))))
    assert only(store).attachment is None


def test_file_to_be_sent_is_known_by_its_copies_until_it_is_sent(store: Store) -> None:
    store.apply(first_sync())
    store.queue_message(BOB, ROOM, TXN, shown(OURS), T0)
    assert store.copies() == {"our-copy", "our-thumbnail"}
    uploaded = replace(OURS, media=replace(OURS.media, uri="mxc://x/up"))
    store.mark_uploaded(TXN, uploaded)
    outgoing = store.next_outgoing(frozenset())
    assert outgoing is not None
    assert outgoing.content == shown(uploaded)
    store.mark_sent(TXN, EventId("$sent"))
    assert store.copies() == frozenset()


def test_discarded_file_is_needed_no_more(store: Store) -> None:
    store.apply(first_sync())
    store.queue_message(BOB, ROOM, TXN, shown(OURS), T0)
    store.discard(TXN)
    assert store.copies() == frozenset()


def test_file_handed_over_by_a_command_is_known_until_it_is_queued(store: Store) -> None:
    store.apply(first_sync())
    (number,), _ = store.add_intents([Deliver(BOB, "look", OURS)])
    assert store.copies() == {"our-copy", "our-thumbnail"}
    entry = store.intent(number)
    assert entry is not None
    assert entry.intent == Deliver(BOB, "look", OURS)
